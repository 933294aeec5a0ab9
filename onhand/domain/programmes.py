"""Wholesale programmes: units kept for a partner for a while, and drawn on by the partner's own orders.

Of one line of a programme (a SKU at a location) three numbers are kept, all of them units:

    units    what the partner was promised
    taken    what the partner's orders of the period have taken, shipped or not
    secured  what was found for it so far, of what is promised

and everything else follows from them:

    drawn = min(taken, secured)    what its orders have taken of what was reserved
    held  = secured - drawn        what is reserved for it now
    due   = units - max(secured, taken), at least 0: what is still to be found

A repeated snapshot of an order changes nothing of `taken`, so nothing of what is held; a cancellation puts back exactly
what the order had drawn. Nothing is reserved that is not there: what is short is reserved as soon as units come in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.states import State

Shelf = tuple[str, str]
"""A SKU at a location."""


class ProgrammeRefusedError(ValueError):
    """A programme makes no sense as it was stated; the message says what of it, and what is accepted."""


class Beyond(StrEnum):
    """What a partner's orders beyond its programme are. They are taken from what is available in either case."""

    TAKE = "take"
    """Orders like others."""
    ALERT = "alert"
    """People are told of them."""


@dataclass(frozen=True, slots=True)
class Line:
    """Units of a SKU at a location that one programme keeps; see the module for what the numbers mean."""

    sku: str
    location: str
    units: int
    taken: int = 0
    secured: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.secured <= self.units, f"{self.secured} of {self.units} units are secured"
        assert self.taken >= 0, f"orders have taken {self.taken} units"

    @property
    def shelf(self) -> Shelf:
        """Where the units are."""
        return self.sku, self.location

    @property
    def drawn(self) -> int:
        """Units that the partner's orders have taken of what was reserved."""
        return min(self.taken, self.secured)

    @property
    def held(self) -> int:
        """Units that are reserved now."""
        return self.secured - self.drawn

    @property
    def due(self) -> int:
        """Units that were promised and are neither reserved nor taken yet."""
        return max(0, self.units - max(self.secured, self.taken))

    @property
    def beyond(self) -> int:
        """Units that the partner's orders have taken beyond what was promised."""
        return max(0, self.taken - self.units)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a programme is: whose, from when (included) until when (not included), and what more orders are."""

    name: str
    partner: str
    starts_at: datetime
    ends_at: datetime
    beyond: Beyond = Beyond.TAKE


def require_sensible(terms: Terms, lines: Sequence[Line], now: datetime) -> None:
    """Raise ProgrammeRefusedError for a programme that could never do what it says."""
    if terms.starts_at >= terms.ends_at:
        raise ProgrammeRefusedError("it ends before it begins; give --until a later day than --from")
    if terms.ends_at <= now:
        raise ProgrammeRefusedError("it is over already; give --until a day that is not past")
    if not lines:
        raise ProgrammeRefusedError("it keeps no units; name at least one SKU with its units")
    seen: set[Shelf] = set()
    for line in lines:
        if not 0 < line.units <= QUANTITY_MAX:
            raise ProgrammeRefusedError(f"{line.sku}: {line.units} units; accepted are 1 to {QUANTITY_MAX:,}")
        if line.shelf in seen:
            raise ProgrammeRefusedError(f"{line.sku} at {line.location} comes twice; say its units once")
        seen.add(line.shelf)


def ordered(line: Line, units: int) -> Line:
    """The line after the partner's orders have taken so many units more (negative: given back)."""
    return replace(line, taken=line.taken + units)


def secured(line: Line, available: int) -> Line:
    """The line after what is due of it was reserved, as far as units are available."""
    found = min(line.due, max(0, available))
    return replace(line, secured=max(line.secured, line.taken) + found) if found else line


def released(line: Line, units: int) -> Line:
    """The line with so many units fewer promised, those still to be found first; what was taken stays promised."""
    promised = max(line.units - units, min(line.units, line.taken))
    return replace(line, units=promised, secured=min(line.secured, promised))


def ended(line: Line) -> Line:
    """The line with nothing reserved any more; what was drawn stays so."""
    return replace(line, secured=line.drawn)


def taken_by(events: Iterable[Event]) -> dict[Shelf, int]:
    """Units that orders have taken of each shelf, less what their cancellations put back."""
    taken: dict[Shelf, int] = {}
    for event in events:
        if event.kind not in (EventKind.ORDER, EventKind.CANCELLATION):
            continue
        for entry in event.entries:
            if entry.state is State.AVAILABLE:
                shelf = (entry.sku, entry.location)
                taken[shelf] = taken.get(shelf, 0) - entry.quantity
    return {shelf: units for shelf, units in taken.items() if units}


def reservation(
    programme: str, step: int, changes: Iterable[tuple[Line, Line]], moment: datetime, reason: str
) -> Event | None:
    """The event between how lines were and how they are; None where nothing is reserved or released by it.

    `step` numbers the events of a programme, so that each is posted once.
    """
    entries: list[Entry] = []
    for before, after in changes:
        more = after.held - before.held
        if more:
            entries += (
                Entry(after.sku, after.location, State.AVAILABLE, -more),
                Entry(after.sku, after.location, State.RESERVED, more),
            )
    if not entries:
        return None
    return Event(
        source=f"programme/{programme}",
        external_id=str(step),
        kind=EventKind.RESERVATION,
        occurred_at=moment,
        entries=tuple(entries),
        fingerprint=fingerprint(EventKind.RESERVATION, reason, *map(repr, entries)),
        detail={"reason": reason},
    )


def short_by(
    lines: Sequence[tuple[int, Line, datetime]], available: Mapping[Shelf, int], incoming: Mapping[int, int]
) -> dict[int, int]:
    """Units that each line (by its number) may go without, so that somebody can act in time.

    A line comes with the end of its programme. `available` may be below zero: open orders and what is reserved are off
    it already; `incoming`, by line, comes in before the programme ends. What is short of a shelf is

        due of all lines that end no later - (available + incoming), at least 0

    and a line goes without at most what is due or held of it.
    """
    short: dict[int, int] = {}
    for number, line, ends_at in lines:
        wanted = sum(other.due for _, other, end in lines if other.shelf == line.shelf and end <= ends_at)
        missing = wanted - available.get(line.shelf, 0) - incoming.get(number, 0)
        lacking = min(missing, line.due + line.held)
        if lacking > 0:
            short[number] = lacking
    return short


@dataclass(slots=True)
class Running:
    """A programme that runs, as it stands: what it keeps by shelf, and how many events it has posted."""

    number: int
    name: str
    starts_at: datetime
    ends_at: datetime
    step: int
    lines: dict[Shelf, Line]

    def runs_at(self, moment: datetime) -> bool:
        """Whether an order that was placed then draws on it."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True, slots=True)
class PartnerOrder:
    """What is being posted of an order of a partner: `new` where nothing was of it before, placed at `moment`."""

    channel: str
    order_id: str
    new: bool
    moment: datetime
    events: tuple[Event, ...]


def drawn_by(order: PartnerOrder, running: Iterable[Running]) -> list[Event]:
    """The events by which an order draws on these programmes, which are brought up to date. None draws nothing."""
    taken = taken_by(order.events)
    events: list[Event] = []
    for programme in running:
        kept = {shelf: units for shelf, units in taken.items() if shelf in programme.lines}
        changes = [
            (programme.lines[s], ordered(programme.lines[s], units)) for s, units in sorted(kept.items())
        ]
        reason = f"order {order.order_id} of {order.channel}"
        event = reservation(programme.name, programme.step + 1, changes, order.moment, reason)
        programme.lines |= {after.shelf: after for _, after in changes}
        if event is not None:
            programme.step += 1
            events.append(event)
    return events
