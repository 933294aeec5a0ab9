"""Levels that a channel states of its own accord: the echo of our own push, or somebody else's doing."""

from collections.abc import Sequence

from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Settled, Waiting


async def settle_notices(pool: Pool, channel: str, notices: Sequence[Waiting]) -> list[Settled]:
    """What each notice is: an echo where it states what we believe or lately told, else noted for reconciliation.

    It is no event: a sale comes as its order, and a person's edit is found and judged by reading levels back.
    """
    if not notices:
        return []
    stated = [(n.subject, str(n.body.get("place", "")), n.body.get("quantity")) for n in notices]
    believed = await levels.believed(pool, channel, [(item, place) for item, place, _ in stated])
    settled = []
    for notice, (item, place, quantity) in zip(notices, stated, strict=True):
        known = believed.get((item, place))
        if known is not None and quantity in known:
            settled.append(Settled(notice.inbox_id, InboxOutcome.ECHO))
            continue
        settled.append(Settled(notice.inbox_id, InboxOutcome.NOTED, _reason(known, quantity)))
    return settled


def _reason(known: set[int] | None, quantity: int | None) -> str:
    if quantity is None:
        return "a level has changed, and it was not told to what"
    return "it is mapped to no SKU" if known is None else f"it shows {quantity}"
