"""Levels that a channel states of its own accord: the echo of our own push, or somebody else's doing."""

from collections.abc import Sequence

from onhand.domain.listings import ChannelRules
from onhand.ledger import authority, levels
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Settled, Waiting


async def settle_notices(
    pool: Pool, channel: str, rules: ChannelRules, notices: Sequence[Waiting]
) -> tuple[list[Settled], int]:
    """What each notice is: an echo where it states what we believe or lately told, else noted for reconciliation.

    It is no event: a sale comes as its order, and a person's edit is found and judged by reading levels back. Where the
    channel is the authority for the place, the level is put aside for that; answers how many were, too.
    """
    if not notices:
        return [], 0
    stated = [(n.subject, str(n.body.get("place", "")), n.body.get("quantity")) for n in notices]
    believed = await levels.believed(pool, channel, [(item, place) for item, place, _ in stated])
    settled, aside = [], []
    for notice, (item, place, quantity) in zip(notices, stated, strict=True):
        known = believed.get((item, place))
        if known is not None and quantity in known:
            settled.append(Settled(notice.inbox_id, InboxOutcome.ECHO))
            continue
        settled.append(Settled(notice.inbox_id, InboxOutcome.NOTED, _reason(known, quantity)))
        if known is not None and place in rules.authority:
            aside.append((item, place))
    if aside:
        await authority.put_aside(pool, channel, aside)
    return settled, len(aside)


def _reason(known: set[int] | None, quantity: int | None) -> str:
    if quantity is None:
        return "a level has changed, and it was not told to what"
    return "it is mapped to no SKU" if known is None else f"it shows {quantity}"
