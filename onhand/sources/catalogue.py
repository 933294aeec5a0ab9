"""A catalogue in CSV: which SKUs there are, and what each is called."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from onhand.sources.base import FractionRule, SkuStatus
from onhand.sources.codes import clean, fold, is_mangled, refuse_sku
from onhand.sources.csv_stock import SKU_HEADERS
from onhand.sources.csv_table import Column
from onhand.sources.file_rows import Cells, RowPage, RowReader, one_line, one_of
from onhand.sources.problems import Problem, Refusal, shown
from onhand.sources.staged_file import TableFormat
from onhand.sources.staging import Key, Staged

BARCODE_LENGTH_MAX = 50
TAG_LENGTH_MAX = 100
TAGS_MAX = 50

COLUMNS = (
    Column("sku", SKU_HEADERS),
    Column("name", ("name", "title", "description", "product name"), required=False),
    Column("barcode", ("barcode", "gtin", "ean", "upc"), required=False),
    Column("tags", ("tags", "labels"), required=False),
    Column("status", ("status",), required=False),
    Column("fraction", ("fraction", "unit rule"), required=False),
)


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One SKU as the file states it. `barcode` is "" where there is none; `tags` are in the file's order."""

    code: str
    name: str
    barcode: str
    tags: tuple[str, ...]
    status: SkuStatus
    fraction: FractionRule
    origin: str


def read_catalogue(
    path: Path, *, delimiter: str | None = None, encoding: str = "cp1252"
) -> AsyncGenerator[RowPage[CatalogueRow], None]:
    """The SKUs of a file, page by page, each row with its own verdict.

    A blank status is active, a blank fraction rule refuse. SKUs that stand twice, or differ only in
    case or spaces, are refused, all of them: so no two SKUs of the ledger are one typing error apart.
    Raises FileRefused, FileBusy, SourceDown.
    """
    form = TableFormat(COLUMNS, _key_of, delimiter, encoding)
    return RowReader(form, _read, _twin).pages(path)


def _key_of(cells: Cells) -> Key | None:
    sku = clean(cells[0])
    return Key(sku, fold(sku)) if sku else None


def _twin(staged: Staged) -> Refusal:
    assert staged.twins is not None, "asked only of rows that have twins"
    twins, sku = staged.twins, shown(clean(staged.record.cells[0]))
    where = f"{twins.lines} rows, the first on line {twins.first}, the last on line {twins.last}"
    if twins.spellings > 1:
        why = (
            f"{sku} and another SKU that differs only in case or spaces stand on {where}; keep one spelling."
        )
        return Refusal(Problem.SKU_CONFLICT, why, "sku")
    return Refusal(Problem.DUPLICATE, f"{sku} stands on {where}; none of them was taken, keep one.", "sku")


def _read(cells: Cells, origin: str) -> CatalogueRow | Refusal:
    code = clean(cells[0])
    if (refusal := refuse_sku(code)) is not None:
        return refusal
    if isinstance(name := one_line(cells[1], "name"), Refusal):
        return name
    if isinstance(barcode := _barcode(cells[2]), Refusal):
        return barcode
    if isinstance(tags := _tags(cells[3]), Refusal):
        return tags
    if isinstance(status := _status(cells[4]), Refusal):
        return status
    if isinstance(fraction := _fraction(cells[5]), Refusal):
        return fraction
    return CatalogueRow(code, name, barcode, tags, status, fraction, origin)


def _status(text: str) -> SkuStatus | Refusal:
    word = one_of(text, "status", ("active", "discontinued"))
    if isinstance(word, Refusal):
        return word
    return "discontinued" if word == "discontinued" else "active"


def _fraction(text: str) -> FractionRule | Refusal:
    word = one_of(text, "fraction", ("refuse", "round_down"))
    if isinstance(word, Refusal):
        return word
    return "round_down" if word == "round_down" else "refuse"


def _barcode(text: str) -> str | Refusal:
    barcode = clean(text)
    if is_mangled(barcode):
        why = f"{shown(barcode)} is what a spreadsheet makes of a long number; its digits are lost."
        return Refusal(Problem.BAD_VALUE, f"{why} Export again with the column formatted as text.", "barcode")
    return one_line(barcode, "barcode", BARCODE_LENGTH_MAX)


def _tags(text: str) -> tuple[str, ...] | Refusal:
    tags: dict[str, None] = {}
    for part in re.split(r"\s*;\s*", text):
        tag = one_line(part, "tags", TAG_LENGTH_MAX)
        if isinstance(tag, Refusal):
            return tag
        if tag:
            tags[tag] = None
    if len(tags) > TAGS_MAX:
        return Refusal(
            Problem.BAD_VALUE, f"{len(tags)} tags are too many; at most {TAGS_MAX} are accepted.", "tags"
        )
    return tuple(tags)
