"""The second look: suspects are read while they are claimed, so that what is on its way is not taken for drift."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from onhand.channels.together import each
from onhand.domain.drift import is_lost_write, was_edited
from onhand.ledger import authority, reconcile
from onhand.ledger.levels import Spot
from onhand.ledger.reconcile import Look, Suspect
from onhand.publish.look import Seen, look
from onhand.reconcile.policy import ReadBack
from onhand.reconcile.walking import add_costs


async def look_again(back: ReadBack) -> int:
    """Read every suspect that was not read again yet; answers how many of all are still wrong. Raises ChannelError.

    What a publisher held in that moment is tried once more in the end: it held it for a call.
    """
    can = back.channel.capabilities
    held: list[Suspect] = []

    async def part(suspects: Sequence[Suspect]) -> None:
        held.extend(await _look(back, suspects))

    async def all_of(suspects: Sequence[Suspect]) -> None:
        parts = [suspects[at : at + can.bulk_size] for at in range(0, len(suspects), can.bulk_size)]
        await each(parts, part, at_once=can.concurrency)

    while suspects := await reconcile.to_look_at(
        back.pool, back.id, back.name, can.bulk_size * can.concurrency
    ):
        await all_of(suspects)
    await all_of(held.copy())
    await add_costs(back)
    _, wrong = await reconcile.suspects(back.pool, back.id, back.name)
    return wrong


async def _look(back: ReadBack, suspects: Sequence[Suspect]) -> list[Suspect]:
    """Note what is seen of them; answers those that somebody else held, or that need not show yet what was told."""
    counted = [suspect for suspect in suspects if is_count(back, suspect)]
    if counted:
        # A person's word there is a count: the next sweep reads it and judges by the orders it finds.
        await authority.put_aside(back.pool, back.name, [(each.item_id, each.place) for each in counted])
    left = {suspect.spot: suspect for suspect in suspects if suspect not in counted}
    seen = await _read(back, left) if left else {}
    looks = [_outcome(suspect, seen.get(spot)) for spot, suspect in left.items()]
    looks += [Look(*suspect.spot, "in_flight") for suspect in counted]
    await reconcile.save_looks(back.pool, back.id, back.name, looks, datetime.now(UTC))
    return [suspect for spot, suspect in left.items() if spot not in seen]


async def _read(back: ReadBack, left: Mapping[Spot, Suspect]) -> dict[Spot, Seen]:
    woken: set[str] = set()

    def keep(spot: Spot, seen: Seen) -> bool:
        return stands(back, left[spot], seen)

    try:
        return await look(back.pool, back.channel, back.rules, list(left), keep, woken)
    finally:
        if woken:
            await back.wake_publishers(woken)


def is_count(back: ReadBack, suspect: Suspect) -> bool:
    """Whether the channel is the authority for the level and it is no write of ours that was lost."""
    if suspect.place not in back.channel_rules.authority or suspect.shown is None:
        return False
    lost = is_lost_write(suspect.book, suspect.shown, suspect.last_push)
    return suspect.book != suspect.shown and (not lost or was_edited(suspect.changed_at, suspect.last_push))


def stands(back: ReadBack, suspect: Suspect, seen: Seen) -> bool:
    """Whether what was believed is believed on, whatever was seen.

    An item that is gone cannot be told anything; and a fall on a channel whose sales we do not hear is a sale that the
    source will tell of, not a number to restore.
    """
    shown = seen.level.quantity
    if shown is None:
        return suspect.missing
    if seen.expected is None or shown == seen.expected:
        return False
    lost = is_lost_write(seen.expected, shown, suspect.last_push)
    return shown < seen.expected and not back.channel_rules.listens and not lost


def _outcome(suspect: Suspect, seen: Seen | None) -> Look:
    spot: Spot = suspect.spot
    if seen is None or (seen.expected is None and not suspect.missing):
        return Look(*spot, "in_flight")
    level = seen.level
    right = level.quantity == seen.expected and suspect.condition != "untracked"
    return Look(*spot, "right" if right else "differs", seen.expected, level.quantity, level.problem)
