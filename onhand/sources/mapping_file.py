"""A mapping in CSV: which item of a channel sells which SKU."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onhand.sources.base import BadRow, SkuDirectory
from onhand.sources.codes import clean, is_mangled, refuse_sku
from onhand.sources.csv_stock import SKU_HEADERS
from onhand.sources.csv_table import Column
from onhand.sources.file_rows import Cells, RowPage, RowReader, one_line
from onhand.sources.numbers import PLAIN_MARKS, read_number, whole_units
from onhand.sources.problems import Problem, Refusal, message, shown
from onhand.sources.staged_file import TableFormat
from onhand.sources.staging import Key, Staged

ID_LENGTH_MAX = 200
UNITS_MAX = 1_000_000

COLUMNS = (
    Column("sku", SKU_HEADERS),
    Column("item_id", ("item id", "inventory item id", "variant id")),
    Column("parent_id", ("parent id", "product id"), required=False),
    Column("tracking", ("tracking",), required=False),
    Column("units", ("units", "pack size"), required=False),
)


@dataclass(frozen=True, slots=True)
class MappingRow:
    """Item `item_id` of the channel sells `units` units of `sku` a piece.

    `parent_id` and `tracking` are what the channel's adapter wants to know (see ItemRef), "" where nothing.
    """

    sku: str
    item_id: str
    parent_id: str
    tracking: str
    units: int
    origin: str


async def read_mapping(
    path: Path, known: SkuDirectory, *, delimiter: str | None = None, encoding: str = "cp1252"
) -> AsyncGenerator[RowPage[MappingRow], None]:
    """The items of a file, page by page, each row with its own verdict; unknown SKUs are refused.

    Several items may sell one SKU; an item that stands twice is refused, all rows of it. Blank units
    are 1. Raises FileRefused, FileBusy, SourceDown.
    """
    form = TableFormat(COLUMNS, _key_of, delimiter, encoding)
    pages = RowReader(form, _read, _twin).pages(path)
    try:
        async for page in pages:
            yield await _known_only(page, known)
    finally:
        await pages.aclose()


async def _known_only(page: RowPage[MappingRow], known: SkuDirectory) -> RowPage[MappingRow]:
    codes = sorted({row.sku for row in page.rows})
    facts = await known.look_up(codes) if codes else {}
    good = tuple(row for row in page.rows if row.sku in facts)
    unknown = [_unknown(row) for row in page.rows if row.sku not in facts]
    return replace(page, rows=good, bad_rows=_in_order([*page.bad_rows, *unknown]))


def _in_order(rows: Sequence[BadRow]) -> tuple[BadRow, ...]:
    return tuple(sorted(rows, key=lambda row: int(row.origin.rsplit(" ", 1)[1])))


def _unknown(row: MappingRow) -> BadRow:
    why = f"SKU {shown(row.sku)} is not in the catalogue; import it first."
    text = message(row.origin, "sku", Refusal(Problem.UNKNOWN_SKU, why))
    return BadRow(row.origin, f"{row.sku},{row.item_id}", Problem.UNKNOWN_SKU, text)


def _key_of(cells: Cells) -> Key | None:
    item = clean(cells[1])
    return Key(item, item) if item else None


def _twin(staged: Staged) -> Refusal:
    assert staged.twins is not None, "asked only of rows that have twins"
    twins, item = staged.twins, shown(clean(staged.record.cells[1]))
    where = f"{twins.lines} rows, the first on line {twins.first}, the last on line {twins.last}"
    why = f"item {item} stands on {where}; it can sell one SKU only, so none of them was taken."
    return Refusal(Problem.DUPLICATE, why, "item_id")


def _read(cells: Cells, origin: str) -> MappingRow | Refusal:
    sku = clean(cells[0])
    if (refusal := refuse_sku(sku) or _refuse_item(clean(cells[1]))) is not None:
        return refusal
    names = [one_line(cell, field, ID_LENGTH_MAX) for cell, field in zip(cells[1:4], _ID_FIELDS, strict=True)]
    for name in names:
        if isinstance(name, Refusal):
            return name
    units = _units(clean(cells[4]))
    if isinstance(units, Refusal):
        return units
    item_id, parent_id, tracking = (str(name) for name in names)
    return MappingRow(sku, item_id, parent_id, tracking, units, origin)


_ID_FIELDS = ("item_id", "parent_id", "tracking")


def _refuse_item(item: str) -> Refusal | None:
    if not item:
        return Refusal(
            Problem.BAD_VALUE, "the item is blank; it says what is sold on the channel.", "item_id"
        )
    if is_mangled(item):
        why = f"{shown(item)} is what a spreadsheet makes of a long number; its digits are lost."
        return Refusal(Problem.BAD_VALUE, f"{why} Export again with the column formatted as text.", "item_id")
    return None


def _units(text: str) -> int | Refusal:
    if not text:
        return 1
    number = read_number(text, PLAIN_MARKS)
    units = number if isinstance(number, Refusal) else whole_units(number, "refuse")
    if isinstance(units, Refusal) or not 1 <= units <= UNITS_MAX:
        why = f"{shown(text)} is not accepted; write a whole number from 1 to {UNITS_MAX:,}."
        return Refusal(Problem.BAD_VALUE, why, "units")
    return units
