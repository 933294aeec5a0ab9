"""Returns: where the units of an order's line are that left the buyer again, whoever told of them, each counted once.

Two sides tell of one unit: the channel, which puts refunded pieces back on its own shelf (restocks), and whoever opens
the parcel (a warehouse, an operator), who receives and inspects it. So a line's returned units are what the larger of
both has told, never the sum; where they are follows from all that was told, not from the order in which it came.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.states import State

Position = Counter[tuple[str, State]]
"""Units by location and state that the returns of a line have moved; they sum to zero."""


class ReturnRefusedError(ValueError):
    """A stated return makes no sense; the message says why and what is accepted."""


class Outcome(StrEnum):
    """What an inspection found."""

    SELLABLE = "sellable"
    DAMAGED = "damaged"
    LOST = "lost"


STATE_OF: Mapping[Outcome, State] = {
    Outcome.SELLABLE: State.AVAILABLE,
    Outcome.DAMAGED: State.DAMAGED,
    Outcome.LOST: State.SHRINKAGE,
}
"""Where an inspected unit goes."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What people and warehouse systems have stated of a line's returned units at one location. Never negative."""

    received: int = 0
    sellable: int = 0
    damaged: int = 0
    lost: int = 0

    @property
    def inspected(self) -> int:
        """Units somebody has looked at."""
        return self.sellable + self.damaged + self.lost

    @property
    def seen(self) -> int:
        """Units that are known to have arrived: what was inspected has, also if nobody stated that it was received."""
        return max(self.received, self.inspected)

    def units(self, outcome: Outcome) -> int:
        """Units that were found so."""
        return {Outcome.SELLABLE: self.sellable, Outcome.DAMAGED: self.damaged, Outcome.LOST: self.lost}[
            outcome
        ]

    def plus(self, quantity: int, outcome: Outcome | None) -> "Handled":
        """The same with so many more received (no outcome), or inspected."""
        return Handled(
            self.received + (quantity if outcome is None else 0),
            self.sellable + (quantity if outcome is Outcome.SELLABLE else 0),
            self.damaged + (quantity if outcome is Outcome.DAMAGED else 0),
            self.lost + (quantity if outcome is Outcome.LOST else 0),
        )


NOT_HANDLED = Handled()


@dataclass(frozen=True, slots=True)
class ReturnStatement:
    """`source` states that `quantity` returned units of `sku` were received at `location`, or inspected there.

    `outcome` None: received. `channel`, `order_id` and `line_id` name the line they were sold on; without a channel
    nobody knows which, and without a line it is the only one of that SKU.
    """

    source: str
    external_id: str
    sku: str
    location: str
    quantity: int
    occurred_at: datetime
    outcome: Outcome | None = None
    channel: str = ""
    order_id: str = ""
    line_id: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.quantity <= QUANTITY_MAX:
            raise ReturnRefusedError(
                f"{self.kind} takes 1 to {QUANTITY_MAX} units, {self.quantity} was given"
            )
        if bool(self.channel) != bool(self.order_id):
            raise ReturnRefusedError(
                "a returned unit is of an order on a channel: give both of them, or none"
            )
        if self.line_id and not self.order_id:
            raise ReturnRefusedError(f"line {self.line_id} is of no order: give the order, too")

    @property
    def kind(self) -> EventKind:
        """What the ledger calls it."""
        return EventKind.RETURN if self.outcome is None else EventKind.INSPECTION

    @property
    def fingerprint(self) -> bytes:
        """Of what was stated, independent of what the ledger held at the time."""
        order = (self.channel, self.order_id, self.line_id)
        outcome = self.outcome or ""
        return fingerprint(self.kind, self.sku, self.location, self.quantity, outcome, *order, self.reason)


def position(
    sold_at: str, restocked: Mapping[str, int], handled: Mapping[str, Handled], *, trusted: bool
) -> Position:
    """Where the returned units of a line are, and at `sold_at` how many the buyer has fewer.

    `restocked`: units by location that the channel put back on its shelf; `handled`: what was stated of parcels, by
    location. Units are the more of both, those seen where they were seen. Inspected ones are where the inspection put
    them. Of the others the channel's are sellable where it is `trusted`, and all else waits in quality control.
    """
    places: Position = Counter()
    told, looked_at = sum(restocked.values()), sum(each.inspected for each in handled.values())
    unseen = max(0, told - sum(each.seen for each in handled.values()))
    sellable = max(0, told - looked_at) if trusted else 0
    for location in sorted(restocked.keys() | handled.keys()):
        here = handled.get(location, NOT_HANDLED)
        for outcome, state in STATE_OF.items():
            places[location, state] += here.units(outcome)
        arriving = min(unseen, max(0, restocked.get(location, 0) - here.seen))
        unseen -= arriving
        waiting = here.seen - here.inspected + arriving
        trusting = min(sellable, waiting)
        sellable -= trusting
        places[location, State.AVAILABLE] += trusting
        places[location, State.QUALITY_CONTROL] += waiting - trusting
    places[sold_at, State.CUSTOMER] -= places.total()
    return places


def moves(sku: str, before: Position, after: Position) -> tuple[Entry, ...]:
    """The entries that bring a SKU from one position to another; none where nothing moves."""
    return tuple(
        Entry(sku, location, state, after[location, state] - before[location, state])
        for location, state in sorted(before.keys() | after.keys())
        if after[location, state] != before[location, state]
    )


def waiting_at(places: Position) -> dict[str, int]:
    """Units that wait for an inspection, by location."""
    return {
        location: units
        for (location, state), units in sorted(places.items())
        if state is State.QUALITY_CONTROL and units
    }


def event_of(stated: ReturnStatement, entries: tuple[Entry, ...]) -> Event:
    """The ledger event of a stated return; no entries where the unit is counted already."""
    order = {"channel": stated.channel, "order": stated.order_id, "line": stated.line_id}
    outcome = {} if stated.outcome is None else {"outcome": stated.outcome.value}
    reason = {"reason": stated.reason} if stated.reason else {}
    return Event(
        source=stated.source,
        external_id=stated.external_id,
        kind=stated.kind,
        occurred_at=stated.occurred_at,
        entries=entries,
        fingerprint=stated.fingerprint,
        detail={**{name: value for name, value in order.items() if value}, **outcome, **reason},
    )


def unordered(stated: ReturnStatement) -> tuple[Entry, ...]:
    """The entries of a return that names no order: from the buyer into quality control, or from there on."""
    if stated.outcome is None:
        origin, target = State.CUSTOMER, State.QUALITY_CONTROL
    else:
        origin, target = State.QUALITY_CONTROL, STATE_OF[stated.outcome]
    return (
        Entry(stated.sku, stated.location, origin, -stated.quantity),
        Entry(stated.sku, stated.location, target, stated.quantity),
    )
