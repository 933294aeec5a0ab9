"""Purchase orders and what suppliers supply, in CSV: each row with its own verdict."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from onhand.domain.events import QUANTITY_MAX
from onhand.sources.codes import clean, fold, refuse_sku
from onhand.sources.csv_stock import LOCATION_HEADERS, QUANTITY_HEADERS, SKU_HEADERS
from onhand.sources.csv_table import Column
from onhand.sources.file_rows import Cells, RowPage, RowReader, one_line
from onhand.sources.numbers import PLAIN_MARKS, read_number, whole_units
from onhand.sources.problems import Problem, Refusal, shown
from onhand.sources.staged_file import TableFormat
from onhand.sources.staging import Key, Staged

NAME_LENGTH_MAX = 100
UNITS_MAX = 1_000_000
DAYS_MAX = 1_000
COST_MAX = 1_000_000_000

ORDER_COLUMNS = (
    Column("order", ("order", "purchase order", "po", "po number")),
    Column("supplier", ("supplier", "vendor")),
    Column("sku", SKU_HEADERS),
    Column("quantity", QUANTITY_HEADERS),
    Column("location", LOCATION_HEADERS, required=False),
    Column("due", ("due", "due date", "expected", "expected on"), required=False),
)
SUPPLIED_COLUMNS = (
    Column("supplier", ("supplier", "vendor")),
    Column("sku", SKU_HEADERS),
    Column("lead_days", ("lead days", "lead time", "lead time days"), required=False),
    Column("lead_days_deviation", ("lead days deviation", "lead time deviation"), required=False),
    Column("pack", ("pack", "pack size", "case pack"), required=False),
    Column("minimum", ("minimum", "minimum order", "moq"), required=False),
    Column("multiple", ("multiple", "order multiple"), required=False),
    Column("unit_cost", ("unit cost", "cost"), required=False),
)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of a purchase order; `location` "" and `due` None where the file does not say.

    `fault`: why it cannot be taken, and with it its whole order, which is known by `order` all the same.
    """

    order: str
    supplier: str
    sku: str
    units: int
    location: str
    due: date | None
    origin: str
    fault: Refusal | None = None


@dataclass(frozen=True, slots=True)
class SuppliedRow:
    """What a supplier supplies; days None where the file does not say, `unit_cost` likewise."""

    supplier: str
    sku: str
    lead_days: float | None
    lead_days_deviation: float | None
    pack: int
    minimum: int
    multiple: int
    unit_cost: Decimal | None
    origin: str


def read_orders(
    path: Path, *, delimiter: str | None = None, encoding: str = "cp1252"
) -> AsyncGenerator[RowPage[OrderRow], None]:
    """Lines of purchase orders, page by page; bad rows are only those of which nobody knows whose they are.

    Raises FileRefused, FileBusy, SourceDown.
    """
    form = TableFormat(ORDER_COLUMNS, lambda _: None, delimiter, encoding)
    return RowReader(form, _read_order, _twin).pages(path)


def read_supplied(
    path: Path, *, delimiter: str | None = None, encoding: str = "cp1252"
) -> AsyncGenerator[RowPage[SuppliedRow], None]:
    """What suppliers supply, page by page. A SKU is reordered from one supplier: one that stands twice is refused.

    Raises FileRefused, FileBusy, SourceDown.
    """
    form = TableFormat(SUPPLIED_COLUMNS, _key_of_supplied, delimiter, encoding)
    return RowReader(form, _read_supplied, _twin).pages(path)


def _key_of_supplied(cells: Cells) -> Key | None:
    sku = clean(cells[1])
    return Key(sku, fold(sku)) if sku else None


def _twin(staged: Staged) -> Refusal:
    assert staged.twins is not None, "asked only of rows that have twins"
    twins, sku = staged.twins, shown(clean(staged.record.cells[1]))
    where = f"{twins.lines} rows, the first on line {twins.first}, the last on line {twins.last}"
    why = f"{sku} stands on {where}; none of them was taken, keep the supplier it is reordered from."
    return Refusal(Problem.DUPLICATE, why, "sku")


def _read_order(cells: Cells, origin: str) -> OrderRow | Refusal:
    order, supplier = _name(cells[0], "order"), _name(cells[1], "supplier")
    if isinstance(order, Refusal):
        return order
    sku, location = clean(cells[2]), clean(cells[4])
    units, due = _whole(cells[3], "quantity", 1, QUANTITY_MAX), _day(clean(cells[5]))
    row = OrderRow(order, "", sku, 0, location, None, origin)
    if isinstance(supplier, Refusal):
        return replace(row, fault=supplier)
    if (refusal := refuse_sku(sku)) is not None:
        return replace(row, fault=refusal)
    if isinstance(units, Refusal):
        return replace(row, fault=units)
    if isinstance(due, Refusal):
        return replace(row, fault=due)
    return replace(row, supplier=supplier, units=units, due=due)


def _read_supplied(cells: Cells, origin: str) -> SuppliedRow | Refusal:
    supplier, sku = _name(cells[0], "supplier"), clean(cells[1])
    if isinstance(supplier, Refusal):
        return supplier
    if (refusal := refuse_sku(sku)) is not None:
        return refusal
    numbers = [
        _number(cells[2], "lead_days", 0, DAYS_MAX),
        _number(cells[3], "lead_days_deviation", 0, DAYS_MAX),
        _number(cells[7], "unit_cost", 0, COST_MAX),
    ]
    units = [
        _whole(cells[4], "pack", 1, UNITS_MAX, 1),
        _whole(cells[5], "minimum", 0, UNITS_MAX, 0),
        _whole(cells[6], "multiple", 1, UNITS_MAX, 1),
    ]
    for value in (*numbers, *units):
        if isinstance(value, Refusal):
            return value
    lead, spread, cost = (value for value in numbers if not isinstance(value, Refusal))
    pack, minimum, multiple = (value for value in units if not isinstance(value, Refusal))
    return SuppliedRow(
        supplier, sku, None if lead is None else float(lead), None if spread is None else float(spread),
        pack, minimum, multiple, cost or None, origin,
    )  # fmt: skip


def _name(text: str, field: str) -> str | Refusal:
    name = one_line(text, field, NAME_LENGTH_MAX)
    if name == "":
        return Refusal(Problem.BAD_VALUE, f"the {field} is blank; every row needs one.", field)
    return name


def _number(text: str, field: str, least: int, most: int) -> Decimal | Refusal | None:
    given = clean(text)
    if not given:
        return None
    number = read_number(given, PLAIN_MARKS)
    if isinstance(number, Refusal) or not least <= number <= most:
        why = f"{shown(given)} is not accepted; write a number from {least} to {most:,}."
        return Refusal(Problem.BAD_VALUE, why, field)
    return number


def _whole(text: str, field: str, least: int, most: int, blank: int | None = None) -> int | Refusal:
    given = clean(text)
    if not given and blank is not None:
        return blank
    number = read_number(given, PLAIN_MARKS)
    units = number if isinstance(number, Refusal) else whole_units(number, "refuse")
    if isinstance(units, Refusal) or not least <= units <= most:
        why = f"{shown(given)} is not accepted; write a whole number from {least} to {most:,}."
        return Refusal(Problem.BAD_VALUE, why, field)
    return units


def _day(text: str) -> date | Refusal | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return Refusal(Problem.BAD_TIME, f"{shown(text)} is not a day; write 2026-12-24.", "due")
