"""What a wholesale programme keeps, in CSV: SKU, units, and the location where the file says so."""

from dataclasses import dataclass
from pathlib import Path

from onhand.domain.events import QUANTITY_MAX
from onhand.sources.base import BadRow, SourceUnfit
from onhand.sources.codes import clean, refuse_sku
from onhand.sources.csv_stock import SKU_HEADERS
from onhand.sources.csv_table import Column
from onhand.sources.file_rows import Cells, RowReader
from onhand.sources.numbers import PLAIN_MARKS, read_number, whole_units
from onhand.sources.problems import Problem, Refusal, shown
from onhand.sources.staged_file import TableFormat
from onhand.sources.staging import Key, Staged

COLUMNS = (
    Column("sku", SKU_HEADERS),
    Column("units", ("units", "quantity", "qty")),
    Column("location", ("location", "warehouse"), required=False),
)
REFUSED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """Units of a SKU that are to be kept; `location` is empty where the file does not say where."""

    sku: str
    units: int
    location: str


async def read_programme(path: Path) -> list[ProgrammeRow]:
    """All rows of the file. A programme is promised whole: one bad row, and none is taken.

    Raises SourceUnfit, FileRefused, FileBusy, SourceDown.
    """
    rows: list[ProgrammeRow] = []
    bad: list[BadRow] = []
    pages = RowReader(TableFormat(COLUMNS, _key_of, None, "cp1252"), _read, _twin).pages(path)
    try:
        async for page in pages:
            rows += page.rows
            bad += page.bad_rows
    finally:
        await pages.aclose()
    if bad:
        more = f" ({len(bad) - REFUSED_SHOWN:,} more)" if len(bad) > REFUSED_SHOWN else ""
        said = "; ".join(row.message.rstrip(".") for row in bad[:REFUSED_SHOWN])
        raise SourceUnfit(f"{said}{more}.", "Mend these rows; nothing of the file was taken.")
    return rows


def _key_of(cells: Cells) -> Key | None:
    sku, location = clean(cells[0]), clean(cells[2])
    return Key(sku, f"{sku} {location}") if sku else None


def _twin(staged: Staged) -> Refusal:
    assert staged.twins is not None, "asked only of rows that have twins"
    why = f"the SKU stands on {staged.twins.lines} rows, the first on line {staged.twins.first}; say its units once."
    return Refusal(Problem.DUPLICATE, why, "sku")


def _read(cells: Cells, origin: str) -> ProgrammeRow | Refusal:
    sku, text = clean(cells[0]), clean(cells[1])
    if (refusal := refuse_sku(sku)) is not None:
        return refusal
    number = read_number(text, PLAIN_MARKS)
    units = number if isinstance(number, Refusal) else whole_units(number, "refuse")
    if isinstance(units, Refusal) or not 1 <= units <= QUANTITY_MAX:
        why = f"{shown(text)} is not accepted; write a whole number from 1 to {QUANTITY_MAX:,}."
        return Refusal(Problem.BAD_VALUE, why, "units")
    return ProgrammeRow(sku, units, clean(cells[2]))
