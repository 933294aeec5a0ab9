"""Bulk first, then isolate: send all entries at once; where that is refused, drop what the refusal names,
or halve until the bad ones stand alone. Bounded, so that one hopeless request cannot hold the store.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from onhand.channels.bigcommerce.entries import Entry
from onhand.channels.bigcommerce.refusals import Refusal, named_in

SENDS_MAX = 64
"""Requests for one call of `set_levels`: well inside one window of the smallest plan (150 per 30 s).

A bad entry that is named costs one more request; one that is not costs at most 22 among 2,000.
"""

Send = Callable[[Sequence[Entry]], Awaitable[Refusal | None]]
"""Sends entries in one request. None: all accepted. A refusal: none of them was applied."""


@dataclass(slots=True)
class Settled:
    """What became of the entries. `unsettled`: the limit came first; not applied, not known to be bad."""

    accepted: list[Entry] = field(default_factory=list)
    refused: list[tuple[Entry, Refusal]] = field(default_factory=list)
    unsettled: list[Entry] = field(default_factory=list)


async def settle(entries: Sequence[Entry], send: Send, sends_max: int = SENDS_MAX) -> Settled:
    """Send entries until each is accepted or refused, in at most `sends_max` requests."""
    settled = Settled()
    parts: list[Sequence[Entry]] = [entries] if entries else []
    sends = 0
    while parts:
        part = parts.pop()
        if sends == sends_max:
            settled.unsettled.extend(part)
            continue
        sends += 1
        refusal = await send(part)
        if refusal is None:
            settled.accepted.extend(part)
        else:
            parts.extend(_without_the_bad(part, refusal, settled))
    return settled


def _without_the_bad(part: Sequence[Entry], refusal: Refusal, settled: Settled) -> list[Sequence[Entry]]:
    """What is left to send of a refused part, last first; the entries known to be bad are noted."""
    bad = list(part) if len(part) == 1 else named_in(refusal, part)
    if not bad:
        middle = len(part) // 2
        return [part[middle:], part[:middle]]
    settled.refused.extend((entry, refusal) for entry in bad)
    dropped = {id(entry) for entry in bad}
    rest = [entry for entry in part if id(entry) not in dropped]
    return [rest] if rest else []
