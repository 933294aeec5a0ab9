"""Orders as snapshots: a whole order as it now stands, posted as the difference to what was posted before.

A duplicate snapshot posts nothing, a missed one is healed by the next, a late one with an older
version is ignored; so nothing depends on the order of delivery.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from onhand.domain import returns
from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.kits import Composition, Part
from onhand.domain.returns import Handled, Position
from onhand.domain.states import State


class SnapshotRefusedError(ValueError):
    """A snapshot contradicts itself; the message says in which order and line."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order as it now stands: `open` units promised but not shipped, `fulfilled` units gone.

    Cancelled units are in neither. Units, never negative. `listing_id` and `place` say which level the channel took
    them off (None: of no listing of ours), `units` how many units of the SKU one piece there takes. `returned` units
    were gone, and the channel itself put them back; of these, (place, location, units) `elsewhere` than where they were
    sold from. They are sellable at once where they are `trusted`, else they wait for an inspection. `composition`: what
    the SKU is packed from, where it is a kit; its components are moved, and it never is.
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
    returned: int = 0
    elsewhere: tuple[tuple[str, str, int], ...] = ()
    trusted: bool = True
    composition: Composition = ()

    @property
    def left(self) -> int:
        """Units that ever left the house, also such as came back."""
        return self.fulfilled + self.returned

    @property
    def pieces(self) -> int:
        """Pieces the channel has taken off its own level for this line, and not put back there."""
        return (self.open + self.fulfilled + sum(units for _, _, units in self.elsewhere)) // self.units

    @property
    def restocked(self) -> dict[str, int]:
        """Units that the channel put back, by our location."""
        found = Counter({self.location: self.returned - sum(units for _, _, units in self.elsewhere)})
        for _, location, units in self.elsewhere:
            found[location] += units
        return {location: units for location, units in found.items() if units}

    @property
    def stocked(self) -> Composition:
        """The SKUs that one unit of the line takes from the shelf."""
        return self.composition or (Part(self.sku, 1),)

    def takes(self, sku: str) -> int:
        """Units of a SKU that one unit of the line takes from the shelf; 0: none."""
        return sum(part.quantity for part in self.stocked if part.sku == sku)


@dataclass(frozen=True, slots=True)
class OrderSnapshot:
    """A whole order of `channel` at `version` (grows with each change; microseconds of its last update).

    `occurred_at` is its last update, `placed_at` when it was placed, where that is known. `partner`: whose wholesale
    programmes it draws on, empty where that is nobody's. Raises
    SnapshotRefusedError for a line id that comes twice, of which one would be lost unnoticed, and for negative units.
    """

    channel: str
    order_id: str
    version: int
    occurred_at: datetime
    lines: tuple[OrderLine, ...]
    placed_at: datetime | None = None
    partner: str = ""

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
            if min((line.returned, *(units for _, _, units in line.elsewhere))) < 0:
                raise SnapshotRefusedError(
                    f"{where}: {line.returned} returned units; that cannot be negative"
                )
            seen.add(line.line_id)


@dataclass(frozen=True, slots=True)
class PostedOrder:
    """What the ledger has posted for an order so far: its version and its lines by line id.

    `handled`: what was stated of returned units, by line id, then by SKU and location.
    """

    version: int
    lines: Mapping[str, OrderLine]
    handled: Mapping[str, Mapping[tuple[str, str], Handled]] = field(default_factory=dict)

    def returns_of(self, line_id: str, sku: str) -> Position:
        """Where the returned units of a line are, of one SKU."""
        return returned_units(self.lines.get(line_id), sku, self.handled.get(line_id, {}))


NOTHING_POSTED = PostedOrder(version=-1, lines={})


@dataclass(frozen=True, slots=True)
class Sale:
    """Pieces that a channel took off one of its own levels (negative: put back) at `moment`, by its clock.

    `since`: from when on it may have been, where a change before the last one may have done it that nobody told us of.
    """

    listing_id: int
    place: str
    pieces: int
    moment: datetime
    since: datetime | None = None


def placed(snapshot: OrderSnapshot, posted: PostedOrder) -> OrderSnapshot:
    """The snapshot with what it leaves open taken from what is posted.

    A line whose place was guessed stays where it was posted. One that names nothing any more (its product was deleted
    after it was sold) is what it was; where nothing is posted of it, it is left out. Whether what came back is trusted
    stays as it was when the first of it came back.
    """
    if not any(line.guessed or line.returned for line in snapshot.lines):
        return snapshot
    settled = (_settled(line, posted.lines.get(line.line_id)) for line in snapshot.lines)
    return replace(snapshot, lines=tuple(line for line in settled if line is not None))


def _settled(line: OrderLine, before: OrderLine | None) -> OrderLine | None:
    if before is not None and before.returned and before.trusted != line.trusted:
        line = replace(line, trusted=before.trusted)
    if not line.guessed:
        return line
    if not line.sku and before is not None:
        units = before.units
        return replace(
            before,
            open=line.open * units,
            fulfilled=line.fulfilled * units,
            returned=line.returned * units,
            elsewhere=tuple((place, location, n * units) for place, location, n in line.elsewhere),
            trusted=line.trusted,
        )
    if before is not None and before.sku == line.sku:
        return replace(line, location=before.location, place=before.place)
    return line if line.sku else None


def composed(snapshot: OrderSnapshot, posted: PostedOrder, kits: Mapping[str, Composition]) -> OrderSnapshot:
    """The snapshot with what each of its kits is packed from; `kits` is how those it names are composed now.

    A line stays as it was posted for as long as it holds units: changing a kit later changes no order.
    """
    if not kits and not any(line.composition for line in posted.lines.values()):
        return snapshot
    lines = (_composed(line, posted.lines.get(line.line_id), kits) for line in snapshot.lines)
    return replace(snapshot, lines=tuple(lines))


def _composed(line: OrderLine, before: OrderLine | None, kits: Mapping[str, Composition]) -> OrderLine:
    if before is not None and before.sku == line.sku and before.open + before.left > 0:
        return replace(line, composition=before.composition)
    return replace(line, composition=kits.get(line.sku, ()))


def events_of(snapshot: OrderSnapshot, posted: PostedOrder) -> tuple[Event, ...]:
    """The events that bring the ledger from what is posted to what the snapshot says; none when it is old."""
    if snapshot.version <= posted.version:
        return ()
    taken: list[Entry] = []
    given_back: list[Entry] = []
    shipped: list[Entry] = []
    back: list[Entry] = []
    now = {line.line_id: line for line in snapshot.lines}
    for line_id in sorted(now.keys() | posted.lines.keys()):
        for change in _changes(now.get(line_id), posted.lines.get(line_id)):
            claimed, gone = change.open + change.fulfilled, change.fulfilled
            (taken if claimed > 0 else given_back).extend(
                _moved(change, State.AVAILABLE, State.COMMITTED, claimed)
            )
            shipped.extend(_moved(change, State.COMMITTED, State.CUSTOMER, gone))
        back.extend(_come_back(line_id, now.get(line_id), posted))
    parts = (
        (EventKind.ORDER, taken, moment_of(snapshot, posted)),
        (EventKind.CANCELLATION, given_back, _given_back_at(snapshot, others=bool(taken or shipped))),
        # When it left is between its placing and now: a count of that time may have had it still.
        (EventKind.FULFILMENT, shipped, snapshot.occurred_at),
        (EventKind.RETURN, back, _given_back_at(snapshot, others=bool(taken or shipped or given_back))),
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
    for sign, lines in ((1, snapshot.lines), (-1, tuple(posted.lines.values()))):
        for line in lines:
            if line.listing_id is None:
                continue
            moved[line.listing_id, line.place] += sign * line.pieces
            for place, _, units in line.elsewhere:
                moved[line.listing_id, place] -= sign * (units // line.units)
    moment, since = moment_of(snapshot, posted), _posted_at(snapshot, posted)
    alone = not _does_more(snapshot, posted) and all(pieces >= 0 for pieces in moved.values())
    return tuple(
        Sale(*level, pieces, moment, None if alone else since)
        for level, pieces in sorted(moved.items())
        if pieces
    )


def _does_more(snapshot: OrderSnapshot, posted: PostedOrder) -> bool:
    """Whether it says that something was shipped or came back: then what else it says may be of another change."""
    shipped = {line.line_id: (line.fulfilled, line.returned) for line in snapshot.lines}
    return any(shipped.get(line.line_id) != (line.fulfilled, line.returned) for line in posted.lines.values())


def _posted_at(snapshot: OrderSnapshot, posted: PostedOrder) -> datetime | None:
    """The second of the state that is posted; None where nothing is, or its version is no moment before this one."""
    if posted.version < 0:
        return None
    second = posted.version // 1_000_000
    before = 0 <= second <= snapshot.occurred_at.timestamp()
    return datetime.fromtimestamp(second, UTC) if before else snapshot.placed_at


def untold(snapshot: OrderSnapshot, posted: PostedOrder, events: Iterable[Event]) -> set[str]:
    """SKUs of which the channel moved a level of its own and none became sellable or was sold: it shows what it should
    not, and no event says so. (Pieces it put back that wait for an inspection, above all.)"""
    moved = {sale.listing_id for sale in sales_of(snapshot, posted)}
    if not moved:
        return set()
    lines = (*snapshot.lines, *posted.lines.values())
    told = {entry.sku for event in events for entry in event.entries if entry.state is State.AVAILABLE}
    return {
        line.sku
        for line in lines
        if line.listing_id in moved and told.isdisjoint(part.sku for part in line.stocked)
    }


def moment_of(snapshot: OrderSnapshot, posted: PostedOrder) -> datetime:
    """When what the snapshot adds has happened: an order new to us was placed then, one we know was changed then."""
    if posted.version < 0 and snapshot.placed_at is not None:
        return snapshot.placed_at
    return snapshot.occurred_at


def taken_by(snapshot: OrderSnapshot, posted: PostedOrder) -> PostedOrder:
    """What is posted once the snapshot was; a line it no longer names stays known, with nothing in it."""
    if snapshot.version <= posted.version:
        return posted
    gone = {
        line_id: replace(line, open=0, fulfilled=0, returned=0, elsewhere=())
        for line_id, line in posted.lines.items()
    }
    return PostedOrder(
        snapshot.version, gone | {line.line_id: line for line in snapshot.lines}, posted.handled
    )


def returned_units(line: OrderLine | None, sku: str, handled: Mapping[tuple[str, str], Handled]) -> Position:
    """Where returned units of a line are, of one SKU: a line that has come to take another one has restocked none."""
    here = {location: each for (of_sku, location), each in handled.items() if of_sku == sku}
    per_unit = 0 if line is None else line.takes(sku)
    if line is None or not per_unit:
        return returns.position(min(here, default=""), {}, here, trusted=False)
    restocked = {location: units * per_unit for location, units in line.restocked.items()}
    return returns.position(line.location, restocked, here, trusted=line.trusted)


def _changes(now: OrderLine | None, before: OrderLine | None) -> list[OrderLine]:
    """The difference of a line as signed lines; two when its SKU, location or composition was changed."""
    if now is not None and before is not None and _shelves(now) == _shelves(before):
        return [_signed(now, now.open - before.open, now.left - before.left)]
    changes = []
    if before is not None:
        changes.append(_signed(before, -before.open, -before.left))
    if now is not None:
        changes.append(_signed(now, now.open, now.left))
    return changes


def _come_back(line_id: str, now: OrderLine | None, posted: PostedOrder) -> list[Entry]:
    """What moves because the channel put back more or less of what had left, of each SKU the line took and takes."""
    before, handled = posted.lines.get(line_id), posted.handled.get(line_id, {})
    if not handled and not any(line is not None and line.returned for line in (now, before)):
        return []
    taken = {part.sku for line in (now, before) if line is not None for part in line.stocked}
    return [
        entry
        for sku in sorted(taken | {sku for sku, _ in handled})
        for entry in returns.moves(sku, posted.returns_of(line_id, sku), returned_units(now, sku, handled))
    ]


def _shelves(line: OrderLine) -> tuple[str, str, Composition]:
    return line.sku, line.location, line.composition


def _signed(line: OrderLine, open_: int, left: int) -> OrderLine:
    return OrderLine(line.line_id, line.sku, line.location, open_, left, composition=line.composition)


def _moved(line: OrderLine, origin: State, target: State, quantity: int) -> tuple[Entry, ...]:
    if quantity == 0:
        return ()
    return tuple(
        Entry(part.sku, line.location, state, sign * quantity * part.quantity)
        for part in line.stocked
        for state, sign in ((origin, -1), (target, 1))
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
