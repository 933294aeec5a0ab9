"""Purchase orders: what a supplier is to send, what of it came, and what will not come any more. Pure.

Nothing of an order is ever edited. Each statement about it is an event, and where it stands is the sum of these:

    ordered    supplier -> incoming, at the location it is to come to
    received   incoming -> available; what is beyond the order comes from supplier -> available
    closed     incoming -> supplier: the rest is not expected any more
    put off    nothing moves: what is still to come is due on another day, sooner or later

A receipt below zero takes back what was stated too high, by the same sums the other way round.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from onhand.domain.events import QUANTITY_MAX, Entry, Event, EventKind, fingerprint
from onhand.domain.states import State

CODE_LENGTH_MAX = 100
LINES_MAX = 1_000
"""Most SKUs of one purchase order; more are several orders."""

Lines = tuple[tuple[str, int], ...]
"""SKUs with their units, each SKU once."""


class PurchaseOrderRefusedError(ValueError):
    """What was stated of a purchase order makes no sense; the message names the order and what is accepted."""


class OrderStatus(StrEnum):
    """Where a purchase order stands."""

    OPEN = "open"
    PARTIAL = "partial"
    """Some of it came, and more is expected."""
    RECEIVED = "received"
    """All of it came, or more."""
    CLOSED = "closed"
    """Some of it did not come and is not expected any more."""


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """An order to a supplier, as it is placed: it is to come to `location`, all of it, by `due_on`.

    `due_stated`: whether somebody named that day; otherwise it follows from the supplier's lead time, and stating the
    order again on another day is no contradiction.
    """

    source: str
    code: str
    supplier: str
    location: str
    lines: Lines
    ordered_at: datetime
    due_on: date
    due_stated: bool = True

    @property
    def external_id(self) -> str:
        """Its id in the words of its source: its code."""
        return self.code


@dataclass(frozen=True, slots=True)
class LineState:
    """One SKU of an order, in units: ordered, come, and given up. Each is the sum of what was stated."""

    sku: str
    ordered: int
    received: int = 0
    closed: int = 0

    @property
    def expected(self) -> int:
        """Units that are to come in all, as far as was ordered and not given up."""
        return self.ordered - self.closed

    @property
    def open(self) -> int:
        """Units that are still to come; the ledger has so many `incoming`."""
        return max(0, self.expected - self.received)

    @property
    def excess(self) -> int:
        """Units that came and were not expected."""
        return max(0, self.received - self.expected)


@dataclass(frozen=True, slots=True)
class OrderState:
    """Where an order stands; `due_on` is the day that was named last, `statements` how many events made it so."""

    code: str
    supplier: str
    location: str
    ordered_at: datetime
    due_on: date
    lines: tuple[LineState, ...]
    statements: int

    @property
    def status(self) -> OrderStatus:
        """One word for it."""
        if any(line.open for line in self.lines):
            return OrderStatus.PARTIAL if any(line.received for line in self.lines) else OrderStatus.OPEN
        return OrderStatus.CLOSED if any(line.closed for line in self.lines) else OrderStatus.RECEIVED

    def late_days(self, today: date) -> int:
        """Days since it was due, while some of it is still to come; 0 where it is not late."""
        return max(0, (today - self.due_on).days) if any(line.open for line in self.lines) else 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Units that came on an order, under an id of its own; below zero where an earlier one was stated too high."""

    source: str
    external_id: str
    code: str
    lines: Lines
    received_at: datetime
    reason: str = ""

    @property
    def event_key(self) -> str:
        """Its event's id in the ledger, under its source."""
        return f"{_id(self.code)}/{self.external_id}"

    @property
    def fingerprint(self) -> bytes:
        """What it is known again by; where the order stood is no part of it."""
        return fingerprint("received", self.code, self.reason, *sorted(self.lines))


@dataclass(frozen=True, slots=True)
class Closing:
    """No more of an order is expected."""

    source: str
    external_id: str
    code: str
    closed_at: datetime
    reason: str = ""

    @property
    def event_key(self) -> str:
        """Its event's id in the ledger, under its source."""
        return f"{_id(self.code)}/close/{self.external_id}"

    @property
    def fingerprint(self) -> bytes:
        """What it is known again by; where the order stood is no part of it."""
        return fingerprint("closed", self.code, self.reason)


@dataclass(frozen=True, slots=True)
class DueChange:
    """What is still to come of an order comes on another day, `by` whose word, in words for people."""

    source: str
    external_id: str
    code: str
    due_on: date
    stated_at: datetime
    by: str
    reason: str = ""

    @property
    def event_key(self) -> str:
        """Its event's id in the ledger, under its source."""
        return f"{_id(self.code)}/due/{self.external_id}"

    @property
    def fingerprint(self) -> bytes:
        """What it is known again by; where the order stood, and who said it, is no part of it."""
        return fingerprint("due", self.code, self.due_on.isoformat(), self.reason)


@dataclass(frozen=True, slots=True)
class LineChange:
    """What one event adds to a line; each number is signed."""

    sku: str
    ordered: int = 0
    received: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """An event of a purchase order, and what it adds to each of its lines."""

    event: Event
    changes: tuple[LineChange, ...]


def commitment(order: PurchaseOrder) -> Statement:
    """The order is placed: its units are incoming from now on. Raises PurchaseOrderRefusedError."""
    _require_sensible(order)
    entries = tuple(
        entry
        for sku, units in order.lines
        for entry in _moved(sku, order.location, {State.SUPPLIER: -units, State.INCOMING: units})
    )
    stated_due = order.due_on.isoformat() if order.due_stated else ""
    event = Event(
        source=order.source,
        external_id=_id(order.code),
        kind=EventKind.PURCHASE_ORDER,
        occurred_at=order.ordered_at,
        entries=entries,
        fingerprint=fingerprint(
            "ordered", order.code, order.supplier, order.location, stated_due, *sorted(order.lines)
        ),
        detail={
            "purchase_order": order.code,
            "supplier": order.supplier,
            "due": order.due_on.isoformat(),
        },
    )
    return Statement(event, tuple(LineChange(sku, ordered=units) for sku, units in order.lines))


def delivery(stated: Delivery, state: OrderState) -> Statement:
    """The event of units that came, by where the order stands. Raises PurchaseOrderRefusedError."""
    _require_once(stated.lines, f"a delivery of purchase order {stated.code}")
    known = {line.sku: line for line in state.lines}
    entries: list[Entry] = []
    for sku, units in stated.lines:
        if sku not in known:
            raise PurchaseOrderRefusedError(
                f"purchase order {state.code} has no SKU {sku}; it has {_named(list(known))}. "
                "Take in what nobody ordered with: onhand stock receive"
            )
        entries += _moved(sku, state.location, _received(known[sku], units, state.code))
    event = Event(
        source=stated.source,
        external_id=stated.event_key,
        kind=EventKind.RECEIPT,
        occurred_at=stated.received_at,
        entries=tuple(entries),
        fingerprint=stated.fingerprint,
        detail={"purchase_order": state.code, **({"reason": stated.reason} if stated.reason else {})},
    )
    return Statement(event, tuple(LineChange(sku, received=units) for sku, units in stated.lines))


def _received(line: LineState, units: int, code: str) -> dict[State, int]:
    after = LineState(line.sku, line.ordered, line.received + units, line.closed)
    if units == 0 or abs(units) > QUANTITY_MAX:
        raise PurchaseOrderRefusedError(
            f"{units} units of {line.sku} on purchase order {code}; accepted: 1 to {QUANTITY_MAX:,}, "
            "or below 0 to take a delivery back that was stated too high"
        )
    if after.received < 0:
        raise PurchaseOrderRefusedError(
            f"{-units} of {line.sku} cannot be taken back from purchase order {code}: {line.received} came on it"
        )
    return {
        State.INCOMING: after.open - line.open,
        State.SUPPLIER: line.excess - after.excess,
        State.AVAILABLE: units,
    }


def closing(stated: Closing, state: OrderState) -> Statement | None:
    """What is still open will not come: it is incoming no more. None where nothing is open."""
    rest = [(line.sku, line.open) for line in state.lines if line.open]
    if not rest:
        return None
    event = Event(
        source=stated.source,
        external_id=stated.event_key,
        kind=EventKind.PURCHASE_ORDER,
        occurred_at=stated.closed_at,
        entries=tuple(
            entry
            for sku, units in rest
            for entry in _moved(sku, state.location, {State.INCOMING: -units, State.SUPPLIER: units})
        ),
        fingerprint=stated.fingerprint,
        detail={"purchase_order": state.code, **({"reason": stated.reason} if stated.reason else {})},
    )
    return Statement(event, tuple(LineChange(sku, closed=units) for sku, units in rest))


def put_off(stated: DueChange, state: OrderState) -> Event | None:
    """The event that says so; None where it is due then already. Raises PurchaseOrderRefusedError."""
    if not any(line.open for line in state.lines):
        raise PurchaseOrderRefusedError(
            f"nothing of purchase order {state.code} is still to come, so nothing of it is due"
        )
    _require_after(stated.due_on, state.code, state.ordered_at)
    if stated.due_on == state.due_on:
        return None
    return Event(
        source=stated.source,
        external_id=stated.event_key,
        kind=EventKind.PURCHASE_ORDER,
        occurred_at=stated.stated_at,
        entries=(),
        fingerprint=stated.fingerprint,
        detail={
            "purchase_order": state.code,
            "due": stated.due_on.isoformat(),
            **({"reason": stated.reason} if stated.reason else {}),
        },
    )


def explained(line: LineState) -> str:
    """In words, what is other than ordered; empty where nothing is."""
    said = []
    if line.open and line.received:
        said.append(f"{line.open:,} still to come")
    if line.closed:
        said.append(f"{line.closed:,} short: given up when the order was closed")
    if line.excess:
        said.append(f"{line.excess:,} more than expected: taken in all the same")
    return "; ".join(said)


def _id(code: str) -> str:
    return f"purchase-order/{code}"


def _moved(sku: str, location: str, changes: Mapping[State, int]) -> list[Entry]:
    return [Entry(sku, location, state, units) for state, units in changes.items() if units]


def _require_sensible(order: PurchaseOrder) -> None:
    named = f"purchase order {order.code}"
    if not order.code or len(order.code) > CODE_LENGTH_MAX or not order.code.isprintable():
        raise PurchaseOrderRefusedError(
            f"{order.code[:CODE_LENGTH_MAX]!r} cannot name a purchase order; accepted: 1 to {CODE_LENGTH_MAX} "
            "printable characters"
        )
    _require_once(order.lines, named)
    for sku, units in order.lines:
        if not 1 <= units <= QUANTITY_MAX:
            raise PurchaseOrderRefusedError(
                f"{named} has {units} units of {sku}; accepted: 1 to {QUANTITY_MAX:,}"
            )
    _require_after(order.due_on, order.code, order.ordered_at)


def _require_after(due_on: date, code: str, ordered_at: datetime) -> None:
    if due_on < ordered_at.date():
        raise PurchaseOrderRefusedError(
            f"purchase order {code} is due on {due_on}, before it is ordered ({ordered_at.date()})"
        )


def _require_once(lines: Lines, named: str) -> None:
    if not 1 <= len(lines) <= LINES_MAX:
        raise PurchaseOrderRefusedError(f"{named} has {len(lines)} lines; accepted: 1 to {LINES_MAX:,}")
    skus = [sku for sku, _ in lines]
    twice = sorted({sku for sku in skus if skus.count(sku) > 1}) if len(set(skus)) < len(skus) else []
    if twice:
        raise PurchaseOrderRefusedError(f"{named} names {_named(twice)} twice; add the units up to one line")


def _named(skus: list[str], shown_max: int = 5) -> str:
    more = f" and {len(skus) - shown_max} more" if len(skus) > shown_max else ""
    return ", ".join(skus[:shown_max]) + more
