"""Orders as snapshots: a whole order as it now stands, posted as the difference to what was posted before.

A duplicate snapshot posts nothing, a missed one is healed by the next, a late one with an older
version is ignored; so nothing depends on the order of delivery.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.states import State


class SnapshotRefusedError(ValueError):
    """A snapshot contradicts itself; the message says in which order and line."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order as it now stands: `open` units promised but not shipped, `fulfilled` units gone.

    Cancelled units are in neither. Units, never negative. `listing_id` and `place` say which level the channel took
    them off (None: of no listing of ours), `units` how many units of the SKU one piece there takes.
    """

    line_id: str
    sku: str
    location: str
    open: int
    fulfilled: int
    listing_id: int | None = None
    place: str = ""
    units: int = 1
    guessed: bool = False

    @property
    def pieces(self) -> int:
        """Pieces the channel has taken off its own level for this line."""
        return (self.open + self.fulfilled) // self.units


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """A whole order of `channel` at `version` (grows with each change; microseconds of its last update).

    `occurred_at` is its last update, `placed_at` when it was placed, where that is known. Raises
    SnapshotRefusedError for a line id that comes twice, of which one would be lost unnoticed, and for negative units.
    """

    channel: str
    order_id: str
    version: int
    occurred_at: datetime
    lines: tuple[OrderLine, ...]
    placed_at: datetime | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for line in self.lines:
            where = f"order {self.order_id} of {self.channel}, line {line.line_id}"
            if line.line_id in seen:
                raise SnapshotRefusedError(f"{where}: the line comes twice; each needs an id of its own")
            if line.open < 0 or line.fulfilled < 0:
                raise SnapshotRefusedError(
                    f"{where}: {line.open} open and {line.fulfilled} fulfilled units; neither can be negative"
                )
            seen.add(line.line_id)


@dataclass(frozen=True, slots=True)
class PostedOrder:
    """What the ledger has posted for an order so far: its version and its lines by line id."""

    version: int
    lines: Mapping[str, OrderLine]


NOTHING_POSTED = PostedOrder(version=-1, lines={})


@dataclass(frozen=True, slots=True)
class Sale:
    """Pieces that a channel took off one of its own levels (negative: put back) at `moment`, by its clock."""

    listing_id: int
    place: str
    pieces: int
    moment: datetime


def placed(snapshot: OrderSnapshot, posted: PostedOrder) -> OrderSnapshot:
    """The snapshot with what it leaves open taken from what is posted.

    A line whose place was guessed stays where it was posted. One that names nothing any more (its product was deleted
    after it was sold) is what it was; where nothing is posted of it, it is left out.
    """
    if not any(line.guessed for line in snapshot.lines):
        return snapshot
    settled = (_settled(line, posted.lines.get(line.line_id)) for line in snapshot.lines)
    return replace(snapshot, lines=tuple(line for line in settled if line is not None))


def _settled(line: OrderLine, before: OrderLine | None) -> OrderLine | None:
    if not line.guessed:
        return line
    if not line.sku and before is not None:
        units = before.units
        return replace(before, open=line.open * units, fulfilled=line.fulfilled * units)
    if before is not None and before.sku == line.sku:
        return replace(line, location=before.location, place=before.place)
    return line if line.sku else None


def events_of(snapshot: OrderSnapshot, posted: PostedOrder) -> tuple[Event, ...]:
    """The events that bring the ledger from what is posted to what the snapshot says; none when it is old."""
    if snapshot.version <= posted.version:
        return ()
    taken: list[Entry] = []
    given_back: list[Entry] = []
    shipped: list[Entry] = []
    now = {line.line_id: line for line in snapshot.lines}
    for line_id in sorted(now.keys() | posted.lines.keys()):
        for change in _changes(now.get(line_id), posted.lines.get(line_id)):
            claimed, gone = change.open + change.fulfilled, change.fulfilled
            (taken if claimed > 0 else given_back).extend(
                _moved(change, State.AVAILABLE, State.COMMITTED, claimed)
            )
            shipped.extend(_moved(change, State.COMMITTED, State.CUSTOMER, gone))
    parts = (
        (EventKind.ORDER, taken, moment_of(snapshot, posted)),
        (EventKind.CANCELLATION, given_back, _given_back_at(snapshot, others=bool(taken or shipped))),
        # When it left is between its placing and now: a count of that time may have had it still.
        (EventKind.FULFILMENT, shipped, snapshot.occurred_at),
    )
    return tuple(_event(snapshot, kind, moment, entries) for kind, entries, moment in parts if entries)


def _given_back_at(snapshot: OrderSnapshot, *, others: bool) -> datetime:
    """When units were given back: at the last update, unless that did something else, too, so that one was missed.

    Then it may have been at any time since the order was placed, and a count of that time may have them already.
    """
    return snapshot.placed_at if others and snapshot.placed_at is not None else snapshot.occurred_at


def contradicts(snapshot: OrderSnapshot, posted: PostedOrder) -> bool:
    """Whether a snapshot of the very version that is posted says something else than what is posted."""
    same_version = snapshot.version == posted.version
    return same_version and bool(events_of(replace(snapshot, version=snapshot.version + 1), posted))


def sales_of(snapshot: OrderSnapshot, posted: PostedOrder) -> tuple[Sale, ...]:
    """What the channel has done to its own levels between what is posted and the snapshot; none when it is old."""
    if snapshot.version <= posted.version:
        return ()
    moved: Counter[tuple[int, str]] = Counter()
    for line in snapshot.lines:
        if line.listing_id is not None:
            moved[line.listing_id, line.place] += line.pieces
    for line in posted.lines.values():
        if line.listing_id is not None:
            moved[line.listing_id, line.place] -= line.pieces
    moment = moment_of(snapshot, posted)
    return tuple(Sale(*level, pieces, moment) for level, pieces in sorted(moved.items()) if pieces)


def moment_of(snapshot: OrderSnapshot, posted: PostedOrder) -> datetime:
    """When what the snapshot adds has happened: an order new to us was placed then, one we know was changed then."""
    if posted.version < 0 and snapshot.placed_at is not None:
        return snapshot.placed_at
    return snapshot.occurred_at


def taken_by(snapshot: OrderSnapshot, posted: PostedOrder) -> PostedOrder:
    """What is posted once the snapshot was; a line it no longer names stays known, with nothing in it."""
    if snapshot.version <= posted.version:
        return posted
    gone = {line_id: replace(line, open=0, fulfilled=0) for line_id, line in posted.lines.items()}
    return PostedOrder(snapshot.version, gone | {line.line_id: line for line in snapshot.lines})


def _changes(now: OrderLine | None, before: OrderLine | None) -> list[OrderLine]:
    """The difference of a line as signed lines; two when its SKU or location was changed."""
    if now is not None and before is not None and (now.sku, now.location) == (before.sku, before.location):
        return [_signed(now, now.open - before.open, now.fulfilled - before.fulfilled)]
    changes = []
    if before is not None:
        changes.append(_signed(before, -before.open, -before.fulfilled))
    if now is not None:
        changes.append(_signed(now, now.open, now.fulfilled))
    return changes


def _signed(line: OrderLine, open_: int, fulfilled: int) -> OrderLine:
    return OrderLine(line.line_id, line.sku, line.location, open_, fulfilled)


def _moved(line: OrderLine, origin: State, target: State, quantity: int) -> tuple[Entry, ...]:
    if quantity == 0:
        return ()
    return (
        Entry(line.sku, line.location, origin, -quantity),
        Entry(line.sku, line.location, target, quantity),
    )


def _event(snapshot: OrderSnapshot, kind: EventKind, moment: datetime, entries: list[Entry]) -> Event:
    return Event(
        source=f"channel/{snapshot.channel}",
        external_id=f"{snapshot.order_id}@{snapshot.version}/{kind}",
        kind=kind,
        occurred_at=moment,
        entries=tuple(entries),
        fingerprint=fingerprint(kind, *sorted(repr(entry) for entry in entries)),
        detail={"order": snapshot.order_id},
    )
