"""Bulk first, then isolate: send all entries at once; where that is refused, drop what the refusal names,
or halve until the bad ones stand alone. Bounded, so that one hopeless request cannot hold the store.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from onhand.channels.bigcommerce.refusals import One, Refusal, named_in

SENDS_MAX = 64
"""Requests for one call: well inside one window of the smallest plan (150 per 30 s).

A bad entry that is named costs one more request; one that is not costs at most 22 among 2,000.
"""

Send = Callable[[Sequence[One]], Awaitable[Refusal | None]]
"""Sends entries in one request. None: all accepted. A refusal: none of them was applied."""


@dataclass(slots=True)
class Settled(Generic[One]):
    """What became of the entries. `unsettled`: the limit came first; not applied, not known to be bad."""

    accepted: list[One] = field(default_factory=list)
    refused: list[tuple[One, Refusal]] = field(default_factory=list)
    unsettled: list[One] = field(default_factory=list)


async def settle(entries: Sequence[One], send: Send[One], sends_max: int = SENDS_MAX) -> Settled[One]:
    """Send entries until each is accepted or refused, in at most `sends_max` requests."""
    settled: Settled[One] = Settled()
    parts: list[Sequence[One]] = [entries] if entries else []
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


def _without_the_bad(part: Sequence[One], refusal: Refusal, settled: Settled[One]) -> list[Sequence[One]]:
    """What is left to send of a refused part, last first; the entries known to be bad are noted."""
    bad = list(part) if len(part) == 1 else named_in(refusal, part)
    if not bad:
        middle = len(part) // 2
        return [part[middle:], part[:middle]]
    settled.refused.extend((entry, refusal) for entry in bad)
    dropped = {id(entry) for entry in bad}
    rest = [entry for entry in part if id(entry) not in dropped]
    return [rest] if rest else []
