"""Count sheets as people handle them: started with the balance versions of the moment, shown, closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.database import Pool, fetched
from onhand.ledger.queries import query

LINES_MAX = 5_000
"""SKUs of one sheet: what one transaction posts at most."""


class CountRefusedError(ValueError):
    """A count sheet cannot do what was asked of it; the message says why and what to do."""


class UnknownSheetError(CountRefusedError):
    """There is no count sheet of that number."""

    def __init__(self, sheet_id: int) -> None:
        super().__init__(f"there is no count sheet {sheet_id}; see onhand count list --all")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A count sheet, with how many of its lines stand how. `closed_at` None: it is being counted."""

    sheet_id: int
    location: str
    started_at: datetime
    started_by: str
    note: str
    closed_at: datetime | None
    lines: int
    open: int
    escalated: int
    posted: int
    dropped: int


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One SKU of a sheet with its last count, None where there was none.

    `version`: the balance version it was printed with, last when it was escalated; `printed_on_hand` is what that
    version held. `turns`: how many times it was counted. `expected` and `difference` are those of the last count.
    """

    sku: str
    name: str
    barcode: str
    version: int
    printed_at: datetime
    state: str
    reason: str
    turns: int
    quantity: int | None
    expected: int | None
    difference: int | None
    grade: str | None
    counted_by: str | None
    event_id: int | None
    printed_on_hand: int


@dataclass(frozen=True, slots=True)
class Started:
    """A new sheet, the SKUs on it, and those that are on another open sheet of the location already, by its number."""

    sheet_id: int
    skus: tuple[str, ...]
    elsewhere: dict[str, int]


async def skus_of(pool: Pool, *, skus: Sequence[str] = (), tag: str | None = None) -> list[str]:
    """Those of these SKUs that the ledger knows; or, with a tag, those that bear it and are sold."""
    return [code for (code,) in await fetched(pool, "skus_to_count", skus=list(skus), tag=tag)]


async def start(pool: Pool, location: str, skus: Sequence[str], *, by: str, note: str) -> Started:
    """A sheet of these SKUs with their balance versions of now. Raises CountRefusedError where none can be on it."""
    if len(skus) > LINES_MAX:
        raise CountRefusedError(f"{len(skus):,} SKUs are too many for one sheet; it holds {LINES_MAX:,}")
    named = {"skus": list(skus), "location": location}
    async with pool.connection() as connection:
        made = {"location": location, "by": by, "note": note}
        row = await (await connection.execute(query("make_count_sheet"), made)).fetchone()
        if row is None:
            raise CountRefusedError(f"the ledger does not know the location {location!r}")
        (sheet,) = row
        lines = await connection.execute(query("make_count_lines"), named | {"sheet": sheet})
        taken = sorted(sku for (sku,) in await lines.fetchall())
        others = await connection.execute(query("sheets_of_skus"), named)
        elsewhere = {sku: other for sku, other in await others.fetchall() if other != sheet}
        if not taken:
            raise CountRefusedError(_nothing(location, elsewhere))
    return Started(sheet, tuple(taken), elsewhere)


def _nothing(location: str, elsewhere: dict[str, int]) -> str:
    if not elsewhere:
        return f"there is no SKU to count at {location}"
    sku, sheet = next(iter(elsewhere.items()))
    return f"every SKU asked for is being counted at {location} already: {sku} on sheet {sheet}"


async def listed(pool: Pool, *, closed: bool = False, limit: int = 100) -> list[Sheet]:
    """The sheets that are being counted, or with `closed` all of them, the newest first."""
    return [Sheet(*row) for row in await fetched(pool, "count_sheets", sheet=None, all=closed, limit=limit)]


async def sheet(pool: Pool, sheet_id: int) -> Sheet:
    """One sheet. Raises CountRefusedError where there is none."""
    rows = await fetched(pool, "count_sheets", sheet=sheet_id, all=True, limit=1)
    if not rows:
        raise UnknownSheetError(sheet_id)
    return Sheet(*rows[0])


async def lines(pool: Pool, sheet_id: int) -> list[SheetLine]:
    """The lines of a sheet, by SKU."""
    return [SheetLine(*row) for row in await fetched(pool, "count_lines", sheet=sheet_id)]


async def close(pool: Pool, sheet_id: int, *, by: str, drop: bool) -> int:
    """Close a sheet; answers how many lines were dropped. Raises CountRefusedError while some wait, unless `drop`."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query("lock_count_sheet"), {"sheet": sheet_id})).fetchone()
        if row is None:
            raise UnknownSheetError(sheet_id)
        if row[1] is not None:
            raise CountRefusedError(f"count sheet {sheet_id} is closed already")
        dropped = (await connection.execute(query("drop_count_lines"), {"sheet": sheet_id})).rowcount
        if dropped and not drop:
            raise CountRefusedError(
                f"{dropped:,} of the lines of count sheet {sheet_id} are not counted, or wait for a second count; "
                "with --drop they are left as the ledger has them"
            )
        await connection.execute(query("close_count_sheet"), {"sheet": sheet_id, "by": by})
    return dropped
