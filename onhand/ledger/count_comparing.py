"""Counts held against their shelves: what the ledger had there at the time, and what speaks against a count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand.domain.counts import Count, CountMeaning, Shelf
from onhand.domain.cycle_counts import CountRules, Doubt, Finding, Look, confirmable, judge
from onhand.ledger.database import Connection
from onhand.ledger.posting import locked_shelves
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody counted so many units on hand.

    `counted_at` None: some time after the sheet was printed. `turn`: which count of the line it is, the first or a
    later one, so that a file that is entered twice is no second count; None: the next one, whichever that is.
    """

    sku: str
    quantity: int
    counted_at: datetime | None = None
    turn: int | None = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """What was entered of a line before; see `shelf_count`."""

    turn: int
    quantity: int
    difference: int
    doubt: Doubt | None
    version: int | None
    counted_at: datetime
    expected: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet with what was counted of it, in order."""

    version: int
    printed_at: datetime
    state: str
    history: tuple[Counted, ...] = ()

    @property
    def next_turn(self) -> int:
        """The number of its next count."""
        return len(self.history) + 1


@dataclass(frozen=True, slots=True)
class Compared:
    """A count that was compared with its shelf."""

    count: Count
    turn: int
    look: Look
    finding: Finding


async def lines_of(connection: Connection, sheet_id: int, skus: Sequence[str]) -> dict[str, Line]:
    """These lines of a sheet; those that are not on it are missing."""
    named = {"sheet": sheet_id, "skus": list(skus)}
    history: dict[str, list[Counted]] = {}
    async for sku, turn, quantity, difference, doubt, *others in await connection.execute(
        query("counts_of_lines"), named
    ):
        doubted = None if doubt is None else Doubt(doubt)
        history.setdefault(sku, []).append(Counted(turn, quantity, difference, doubted, *others))
    return {
        sku: Line(version, printed_at, state, tuple(history.get(sku, ())))
        async for sku, version, printed_at, state in await connection.execute(query("lines_to_count"), named)
    }


def next_count(sheet_id: int, location: str, given: Entered, line: Line) -> Count:
    """What was entered, as a count on the line's base: the moment of the look, or the printed version."""
    return Count(
        source=source_of(sheet_id),
        external_id=f"{given.sku}/{line.next_turn}",
        sku=given.sku,
        location=location,
        quantity=given.quantity,
        meaning=CountMeaning.ON_HAND,
        as_of=given.counted_at or datetime.now(UTC),
        base_version=line.version if given.counted_at is None else None,
    )


def last_count(sheet_id: int, location: str, sku: str, line: Line, reason: str) -> Count:
    """The last count of a line that was escalated, as it was entered."""
    counted = line.history[-1]
    return Count(
        source=source_of(sheet_id),
        external_id=f"{sku}/{counted.turn}",
        sku=sku,
        location=location,
        quantity=counted.quantity,
        meaning=CountMeaning.ON_HAND,
        as_of=counted.counted_at,
        base_version=counted.version,
        reason=reason,
    )


def source_of(sheet_id: int) -> str:
    """Whose word the events of a sheet are."""
    return f"count/{sheet_id}"


async def compare(
    connection: Connection, counts: Sequence[Count], lines: Mapping[str, Line], rules: CountRules
) -> list[Compared]:
    """Hold counts of these lines against their shelves, which stay locked until the transaction ends."""
    shelves = await locked_shelves(connection, counts)
    outdated = await superseded(connection, counts, lines)
    compared = []
    for n, (count, shelf) in enumerate(zip(counts, shelves, strict=True)):
        assert shelf is not None, "the lines of a sheet are of SKUs and locations that are there"
        line = lines[count.sku]
        look = look_of(count, shelf, outdated=n in outdated)
        earlier = confirmable([(each.difference, each.doubt) for each in line.history])
        compared.append(Compared(count, line.next_turn, look, judge(look, earlier, rules)))
    return compared


def look_of(count: Count, shelf: Shelf, *, outdated: bool = False) -> Look:
    """The look at a shelf that a count is. It is `outdated`, too, where a count of a later moment was taken before."""
    timed = count.base_version is None
    before = timed and shelf.counted_as_of is not None and count.as_of < shelf.counted_as_of
    expected = shelf.current - shelf.moved_since
    return Look(count.quantity, expected, shelf.moved_since, timed, outdated or before)


async def superseded(connection: Connection, counts: Sequence[Count], lines: Mapping[str, Line]) -> set[int]:
    """Positions of counts after whose base somebody else's count of the shelf was posted."""
    cursor = await connection.execute(
        query("superseded_counts"),
        {
            "skus": [count.sku for count in counts],
            "locations": [count.location for count in counts],
            "as_of": [count.as_of if count.base_version is None else None for count in counts],
            "versions": [
                lines[count.sku].version if count.base_version is None else count.base_version
                for count in counts
            ],
        },
    )
    return {n - 1 async for (n,) in cursor}


async def keep(
    connection: Connection,
    sheet_id: int | None,
    compared: Sequence[Compared],
    events: Sequence[int | None],
    by: str,
) -> None:
    """Remember counts of one location, on a sheet or beside one; `events`: what they became, None where in doubt."""
    await connection.execute(
        query("keep_counts"),
        {
            "sheet": sheet_id,
            "location": compared[0].count.location,
            "by": by,
            "skus": [each.count.sku for each in compared],
            "turns": [each.turn for each in compared],
            "quantities": [each.count.quantity for each in compared],
            "counted": [each.count.as_of for each in compared],
            "versions": [each.count.base_version for each in compared],
            "expected": [each.look.expected for each in compared],
            "differences": [each.look.difference for each in compared],
            "grades": [each.finding.grade.value for each in compared],
            "doubts": [each.finding.doubt.value if each.finding.doubt else None for each in compared],
            "events": list(events),
        },
    )
