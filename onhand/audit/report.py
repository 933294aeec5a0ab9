"""One audit: every invariant in SQL, then once more by folding, and what of it has to be told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from onhand.audit.fold_deliveries import fold_deliveries
from onhand.audit.fold_pushes import fold_bases, fold_generations
from onhand.audit.fold_stock import fold_events, fold_orders, fold_shelves
from onhand.audit.found import Found, Row
from onhand.audit.invariants import INVARIANTS, Invariant
from onhand.ledger.audit import Extent, Snapshot, snapshot
from onhand.ledger.database import Pool

ROWS_MAX = 20
"""Rows told of each invariant that is broken."""
FOLDS = (fold_events, fold_shelves, fold_orders, fold_deliveries, fold_generations, fold_bases)


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows that break an invariant: how many in all, and the first of them. `by`: "sql" or "fold"."""

    by: str
    total: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One invariant and what breaks it, as SQL and as the fold see it. Where only one of them does, it is broken too:
    either rows are wrong in a way that the other does not see, or the audit is."""

    invariant: Invariant
    breaches: tuple[Breach, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return not self.breaches


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found; `extent` says of how much."""

    as_of: datetime
    seconds: float
    extent: Extent
    judged: tuple[Judged, ...]

    @property
    def clean(self) -> bool:
        """Whether every invariant holds."""
        return all(each.holds for each in self.judged)


async def audit(pool: Pool, rows_max: int = ROWS_MAX) -> Report:
    """Look at the whole record as of now; nothing is written, and nobody is kept from writing."""
    began = datetime.now(UTC)
    async with snapshot(pool) as record:
        extent = await record.extent()
        asked = {each.name: await record.breaches(each.name, rows_max) for each in INVARIANTS}
        found = Found(rows_max)
        for fold in FOLDS:
            await fold(record, found)
        named = await _named(record, found)
    judged = []
    for each in INVARIANTS:
        breaches = []
        if asked[each.name].total:
            breaches.append(Breach("sql", asked[each.name].total, asked[each.name].rows))
        if each.name in found.totals:
            breaches.append(Breach("fold", found.totals[each.name], named[each.name]))
        judged.append(Judged(each, tuple(breaches)))
    return Report(began, (datetime.now(UTC) - began).total_seconds(), extent, tuple(judged))


async def _named(record: Snapshot, found: Found) -> dict[str, tuple[Row, ...]]:
    """The fold's rows in the words of people: SKUs and locations by their codes."""
    rows = [row for each in found.rows.values() for row in each]
    skus, locations = await record.names(_ids(rows, "sku_id"), _ids(rows, "location_id"))
    return {name: tuple(_in_words(row, skus, locations) for row in each) for name, each in found.rows.items()}


def _ids(rows: Iterable[Row], column: str) -> set[int]:
    return {row[column] for row in rows if column in row}


def _in_words(row: Row, skus: dict[int, str], locations: dict[int, str]) -> Row:
    words: dict[str, Any] = {}
    for column, value in row.items():
        if column == "sku_id":
            words["sku"] = skus.get(value, f"number {value}")
        elif column == "location_id":
            words["location"] = locations.get(value, f"number {value}")
        else:
            words[column] = value
    return words
