"""What a count knew of, and what that means for facts that are heard of after it. Pure.

A count says how many there were at its moment. A sale made before that and heard of later is in the number already; so
it is posted as any sale, and the count is made true again beside it. In the end the ledger has what was counted and
what moved since, in whichever order all that was heard.

Where a source lags, its number may not know of what happened shortly before its moment. Then the lower of both readings
is taken: what lowers the number counts as unknown to it and stays taken off, what raises it as known and is not added
again. So no sale is lost; one that was known all the same is taken off twice until the next count, which knows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.counts import CountMeaning
from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.reversal import REVERSAL_SOURCE
from onhand.domain.states import ON_HAND, State

RECOUNT_SOURCE = "recount"
"""Whose word it is that a count stays true beside what was heard late."""
COMPENSATING = frozenset({REVERSAL_SOURCE, RECOUNT_SOURCE})
"""Sources whose events take another one's effect back, at its moment: a count knew of both, or of neither."""

Spot = tuple[str, str]
"""A SKU at a location, by their codes."""


@dataclass(frozen=True, slots=True)
class LastCount:
    """The count of a shelf that is of the latest moment; `sure_of` is `as_of` less the lag of its source."""

    source: str
    external_id: str
    meaning: CountMeaning
    as_of: datetime
    sure_of: datetime

    @property
    def name(self) -> str:
        """What its recounts are found by."""
        return f"{self.source}/{self.external_id}/"


def knows(as_of: datetime, sure_of: datetime, event: Event, change: int) -> bool:
    """Whether a count of that moment has in its number that the event moved it by `change` units."""
    if _is_count(event):
        return event.occurred_at <= as_of  # what was wrong before does not matter to the next one
    lowers = (change < 0) is (event.source not in COMPENSATING)
    return event.occurred_at <= (sure_of if lowers else as_of)


def shelves_of(events: Iterable[Event]) -> set[Spot]:
    """The shelves of which these events, other than counts themselves, may move what is counted."""
    return {
        (entry.sku, entry.location)
        for event in events
        if not _is_count(event)
        for entry in event.entries
        if entry.state in ON_HAND
    }


def recounts_of(event: Event, counts: Mapping[Spot, LastCount]) -> list[Event]:
    """What keeps the counts of an event's shelves true, once it was posted; nothing where they cannot know of it."""
    if _is_count(event):
        return []
    recounts = []
    for meaning in CountMeaning:
        for shelf, change in _moved(event, meaning).items():
            count = counts.get(shelf)
            if count is None or count.meaning is not meaning:
                continue
            if knows(count.as_of, count.sure_of, event, change):
                recounts.append(_recount(event, shelf, count, -change))
    return recounts


def _is_count(event: Event) -> bool:
    """What somebody counted. What takes a count back, or keeps it true, goes by what it belongs to."""
    return event.kind is EventKind.COUNT and event.source not in COMPENSATING


def _moved(event: Event, meaning: CountMeaning) -> dict[Spot, int]:
    """Units by which an event moves what is counted, shelf by shelf; none that come to nothing."""
    states = ON_HAND if meaning is CountMeaning.ON_HAND else {State.AVAILABLE}
    moved: Counter[Spot] = Counter()
    for entry in event.entries:
        if entry.state in states:
            moved[entry.sku, entry.location] += entry.quantity
    return {shelf: change for shelf, change in moved.items() if change}


def _recount(event: Event, shelf: Spot, count: LastCount, change: int) -> Event:
    sku, location = shelf
    outside = State.FOUND if change > 0 else State.SHRINKAGE
    return Event(
        source=RECOUNT_SOURCE,
        external_id=f"{count.name}{event.source}/{event.external_id}/{sku}@{location}",
        kind=EventKind.COUNT,
        # Of the same moment: whatever is counted next knew of both, or of neither.
        occurred_at=event.occurred_at,
        entries=(Entry(sku, location, outside, -change), Entry(sku, location, State.AVAILABLE, change)),
        fingerprint=fingerprint(
            RECOUNT_SOURCE, count.name, event.source, event.external_id, sku, location, change
        ),
        detail={
            "counted_by": count.source,
            "counted_as_of": count.as_of.isoformat(),
            "heard_late": event.external_id,
        },
    )
