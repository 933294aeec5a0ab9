"""Kits in CSV: one row for each component of each kit."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from onhand.sources.codes import clean, refuse_sku
from onhand.sources.csv_table import Column
from onhand.sources.file_rows import Cells, RowPage, RowReader
from onhand.sources.numbers import PLAIN_MARKS, read_number, whole_units
from onhand.sources.problems import Problem, Refusal, message, shown
from onhand.sources.staged_file import TableFormat
from onhand.sources.staging import Key, Staged

COLUMNS = (
    Column("kit", ("kit", "kit sku", "bundle", "bundle sku")),
    Column("component", ("component", "component sku")),
    Column("quantity", ("quantity", "qty", "units")),
)


@dataclass(frozen=True, slots=True)
class KitRow:
    """`quantity` units of `component` go into one `kit`. `problem`: why not, for an operator; empty where all is well.

    A row of which only the kit can be told is still a row of that kit, which is not packed without it.
    """

    kit: str
    component: str
    quantity: int
    origin: str
    problem: str = ""


def read_kits(
    path: Path, *, delimiter: str | None = None, encoding: str = "cp1252"
) -> AsyncGenerator[RowPage[KitRow], None]:
    """The rows of a file, page by page; only those of which no kit can be told are refused here.

    Raises FileRefused, FileBusy, SourceDown.
    """
    form = TableFormat(COLUMNS, _no_key, delimiter, encoding)
    return RowReader(form, _read, _no_twin).pages(path)


def _no_key(cells: Cells) -> Key | None:
    # A component that stands twice is a matter of its kit, which is put together from all rows.
    return None


def _no_twin(staged: Staged) -> Refusal:
    raise AssertionError("rows without keys have no twins")


def _read(cells: Cells, origin: str) -> KitRow | Refusal:
    kit, component = clean(cells[0]), clean(cells[1])
    if (refusal := refuse_sku(kit)) is not None:
        return Refusal(refusal.problem, refusal.why, "kit")
    if (refusal := refuse_sku(component)) is not None:
        return KitRow(kit, component, 0, origin, message(origin, "component", refusal, ""))
    quantity = _quantity(clean(cells[2]))
    if isinstance(quantity, Refusal):
        return KitRow(kit, component, 0, origin, message(origin, "quantity", quantity, ""))
    return KitRow(kit, component, quantity, origin)


def _quantity(text: str) -> int | Refusal:
    number = read_number(text, PLAIN_MARKS)
    units = number if isinstance(number, Refusal) else whole_units(number, "refuse")
    if isinstance(units, Refusal) or units < 1:
        return Refusal(
            Problem.BAD_VALUE, f"{shown(text)} is not accepted; write a whole number from 1.", "quantity"
        )
    return units
