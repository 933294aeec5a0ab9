"""What a stock file looks like, and what becomes of rows of it that state the same thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from onhand.sources.codes import clean, fold
from onhand.sources.csv_table import Column
from onhand.sources.numbers import Marks, read_number
from onhand.sources.problems import Problem, Refusal, shown
from onhand.sources.rows import RawRow
from onhand.sources.staging import Key, Staged, Twins

SKU_HEADERS = ("sku", "item", "item number", "item no", "article", "article number", "stock code")
LOCATION_HEADERS = ("location", "warehouse", "store", "branch", "site")
QUANTITY_HEADERS = ("quantity", "qty", "stock", "stock level", "on hand", "available", "quantity on hand")
AS_OF_HEADERS = ("as of", "counted at", "updated at", "last updated")

DuplicatePolicy = Literal["refuse", "sum", "last"]
"""Rows of one file with the same SKU and location: all refused, added up (bins, lots), or the last counts."""


@dataclass(frozen=True, slots=True)
class StockColumns:
    """Header names of a stock file. A name given is the only one accepted; None accepts the usual ones.

    `location` "" says that there is no such column and the configured location is meant; `as_of` ""
    that the file's own time is.
    """

    sku: str | None = None
    location: str | None = None
    quantity: str | None = None
    as_of: str | None = ""

    def columns(self, location_required: bool) -> tuple[Column, ...]:
        """The columns to look for: SKU, location, quantity and moment, in this order."""
        return (
            Column("sku", _accepted(self.sku, SKU_HEADERS)),
            Column("location", _accepted(self.location, LOCATION_HEADERS), required=location_required),
            Column("quantity", _accepted(self.quantity, QUANTITY_HEADERS)),
            Column("as_of", _accepted(self.as_of, AS_OF_HEADERS), required=bool(self.as_of)),
        )


@dataclass(frozen=True, slots=True)
class StockReader:
    """Makes raw rows of records. `default_location` and `modified_at` stand in for absent columns."""

    name: str
    default_location: str
    modified_at: datetime
    marks: Marks
    duplicates: DuplicatePolicy
    has_location: bool
    has_as_of: bool

    def raw_rows(self, page: Sequence[Staged]) -> list[RawRow]:
        """The rows of a page that are to be judged; rows that went into a sum come as that sum alone."""
        return [raw for staged in page if (raw := self._raw(staged)) is not None]

    def _raw(self, staged: Staged) -> RawRow | None:
        record, twins = staged.record, staged.twins
        origin = f"{self.name} line {record.line}"
        if record.refusal is not None:
            return RawRow(origin, record.raw, refusal=record.refusal)
        sku, location, quantity, as_of = record.cells
        plain = RawRow(
            origin,
            record.raw,
            sku,
            location if self.has_location else self.default_location,
            quantity,
            as_of if self.has_as_of else self.modified_at,
        )
        return plain if twins is None else self._twin(plain, record.line, twins)

    def _twin(self, row: RawRow, line: int, twins: Twins) -> RawRow | None:
        if twins.spellings > 1:
            return RawRow(row.origin, row.raw, refusal=_conflict(row.sku, twins))
        if self.duplicates == "refuse":
            return RawRow(row.origin, row.raw, refusal=_duplicate(row, twins))
        if self.duplicates == "last":
            return row if line == twins.last else RawRow(row.origin, row.raw, superseded=_superseded(twins))
        if twins.total is None:
            return RawRow(row.origin, row.raw, refusal=_sum_unknown(row, twins))
        return self._sum(row, twins, twins.total) if line == twins.first else None

    def _sum(self, row: RawRow, twins: Twins, total: Decimal) -> RawRow:
        origin = f"{self.name} lines {twins.first} to {twins.last} ({twins.lines} rows added up)"
        return RawRow(origin, row.raw, row.sku, row.location, total, row.as_of)


def key_of(cells: tuple[str, ...]) -> Key | None:
    """Rows are about the same thing when SKU and location agree; near misses agree once folded."""
    sku, location = clean(cells[0]), clean(cells[1])
    return Key(f"{sku}\x1f{location}", f"{fold(sku)}\x1f{location}") if sku else None


def number_of(cells: tuple[str, ...], marks: Marks) -> Decimal | None:
    """The number of a record, None where it cannot be read."""
    number = read_number(cells[2], marks)
    return None if isinstance(number, Refusal) else number


def _accepted(name: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    if name is None:
        return usual
    return (name,) if name else ()


def _where(twins: Twins) -> str:
    return f"{twins.lines} rows of this file, the first on line {twins.first}, the last on line {twins.last}"


def _conflict(sku: str, twins: Twins) -> Refusal:
    return Refusal(
        Problem.SKU_CONFLICT,
        f"{shown(clean(sku))} and another SKU that differs only in case or spaces stand on {_where(twins)}; "
        "which number is meant cannot be known, so none of them was taken.",
        "sku",
    )


def _duplicate(row: RawRow, twins: Twins) -> Refusal:
    return Refusal(
        Problem.DUPLICATE,
        f"{shown(clean(row.sku))} at {shown(clean(row.location))} stands on {_where(twins)}; "
        'none of them was taken. The setting duplicates may say "sum" (bins, lots) or "last".',
        "sku",
    )


def _sum_unknown(row: RawRow, twins: Twins) -> Refusal:
    return Refusal(
        Problem.DUPLICATE,
        f"{shown(clean(row.sku))} at {shown(clean(row.location))} is to be added up from {_where(twins)}; "
        "the quantity of at least one cannot be read, so the sum is not known and none of them was taken.",
        "quantity",
    )


def _superseded(twins: Twins) -> str:
    return f"line {twins.last} states the same SKU and location and comes last, so it counts, not this one."
