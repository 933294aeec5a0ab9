"""Purchase orders and what suppliers supply from a file into the ledger, each row with a verdict.

An order is taken whole or not at all: where one of its rows is refused, all are; where nobody can tell whose a row is,
no order of the file is placed. Saying a file twice is harmless: orders are known by their codes, and what a supplier
supplies is absolute.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from onhand.domain.purchase_orders import PurchaseOrder, PurchaseOrderRefusedError, commitment
from onhand.imports import FileFormat, ImportReport, LedgerDirectory, begin_import, refuse_rows, refused_row
from onhand.ledger import purchase_orders, suppliers
from onhand.ledger.catalogue import RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.ledger.suppliers import SuppliedSku, Supplier
from onhand.sources.problems import Problem, Refusal, message, shown
from onhand.sources.purchase_files import OrderRow, SuppliedRow, read_orders, read_supplied

ORDERS_AT_ONCE = 200

Fault = tuple[Problem, str, str]
"""What is wrong with a row: the kind, a sentence, and the field."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where orders of a file come to: the locations there are, and the one that is meant where a row names none."""

    known: frozenset[str]
    usual: str


async def import_orders(
    pool: Pool,
    path: Path,
    known: LedgerDirectory,
    places: Places,
    source: str,
    now: datetime,
    form: FileFormat,
) -> ImportReport:
    """Place the orders of a file. Raises SourceError."""
    report = await begin_import(pool, "purchase orders", path)
    rows: list[OrderRow] = []
    refused: list[RefusedRow] = []
    async for page in read_orders(path, delimiter=form.delimiter, encoding=form.encoding):
        report.rows += len(page.rows) + len(page.bad_rows)
        rows += page.rows
        refused += map(refused_row, page.bad_rows)
    leads = {row.supplier.name: row.supplier.lead_days for row in await suppliers.suppliers(pool)}
    skus = await known.look_up(sorted({row.sku for row in rows}))
    judged = _Judged(places, frozenset(skus), leads, source, now)
    lost = refused[0].origin if refused else ""
    for code, lines in _by_order(rows).items():
        refused += judged.take(code, lines, lost)
    for start in range(0, len(judged.orders), ORDERS_AT_ONCE):
        part = judged.orders[start : start + ORDERS_AT_ONCE]
        answers = await purchase_orders.place(pool, [order for order, _ in part])
        for (_, stated), answer in zip(part, answers, strict=True):
            report.taken += len(stated) if answer.verdict is Verdict.POSTED else 0
            report.known += len(stated) if answer.verdict is Verdict.DUPLICATE else 0
            if answer.verdict.refused:
                refused += [_refused(row, Problem.BAD_VALUE, answer.message, "order") for row in stated]
    await refuse_rows(pool, report, refused)
    return report


class _Judged:
    """Orders of a file that can be placed, each with its rows."""

    def __init__(
        self,
        places: Places,
        skus: frozenset[str],
        leads: Mapping[str, float],
        source: str,
        now: datetime,
    ) -> None:
        self._places = places
        self._skus = skus
        self._leads = leads
        self._source = source
        self._now = now
        self.orders: list[tuple[PurchaseOrder, Sequence[OrderRow]]] = []

    def take(self, code: str, lines: Sequence[OrderRow], lost: str) -> list[RefusedRow]:
        """Judge an order; answers its rows where it cannot be placed, those that are wrong with what is.

        `lost`: where a row stands that may be of any order; "" where none does.
        """
        faults = [(row, self._fault(row, lines[0])) for row in lines]
        if lost or any(fault is not None for _, fault in faults):
            rest = (Problem.BAD_VALUE, _spoilt(code, lost), "order")
            return [_refused(row, *(fault or rest)) for row, fault in faults]
        order = self._order(code, lines)
        try:
            commitment(order)
        except PurchaseOrderRefusedError as error:
            return [_refused(row, Problem.BAD_VALUE, str(error), "order") for row in lines]
        self.orders.append((order, lines))
        return []

    def _fault(self, row: OrderRow, first: OrderRow) -> Fault | None:
        if row.fault is not None:
            return row.fault.problem, row.fault.why, row.fault.field
        if row.sku not in self._skus:
            return (
                Problem.UNKNOWN_SKU,
                f"SKU {shown(row.sku)} is not in the catalogue; import it first.",
                "sku",
            )
        if row.supplier not in self._leads:
            why = f"there is no supplier {shown(row.supplier)}; add it: onhand suppliers set"
            return Problem.BAD_VALUE, why, "supplier"
        location = row.location or self._places.usual
        if location not in self._places.known:
            known = ", ".join(sorted(self._places.known))
            return (
                Problem.UNKNOWN_LOCATION,
                f"{shown(location)} is not a known location; known are {known}.",
                "location",
            )
        if (row.supplier, row.location, row.due) != (first.supplier, first.location, first.due):
            why = f"supplier, location or due day differ from those of {first.origin}; an order has one of each."
            return Problem.BAD_VALUE, why, "order"
        return None

    def _order(self, code: str, lines: Sequence[OrderRow]) -> PurchaseOrder:
        first = lines[0]
        usual = self._now.date() + timedelta(days=ceil(self._leads[first.supplier]))
        return PurchaseOrder(
            self._source,
            code,
            first.supplier,
            first.location or self._places.usual,
            tuple((row.sku, row.units) for row in lines),
            self._now,
            first.due or usual,
            due_stated=first.due is not None,
        )


async def import_supplied(pool: Pool, path: Path, known: LedgerDirectory, form: FileFormat) -> ImportReport:
    """Take suppliers and what is reordered from them. Raises SourceError.

    Lead times may stand on any row of a supplier, or be known already; two rows that differ are refused.
    """
    report = await begin_import(pool, "suppliers", path)
    rows: list[SuppliedRow] = []
    refused: list[RefusedRow] = []
    async for page in read_supplied(path, delimiter=form.delimiter, encoding=form.encoding):
        report.rows += len(page.rows) + len(page.bad_rows)
        rows += page.rows
        refused += map(refused_row, page.bad_rows)
    before = {row.supplier.name: row.supplier for row in await suppliers.suppliers(pool)}
    stated, contradictions = _lead_times(rows, before)
    skus = await known.look_up(sorted({row.sku for row in rows}))
    good = []
    for row in rows:
        if (fault := contradictions.get(row.origin) or _unknown(row, stated, skus)) is not None:
            refused.append(_refused(row, *fault))
        else:
            good.append(row)
    named = {row.supplier for row in good}
    await suppliers.save_suppliers(pool, [stated[name] for name in sorted(named)])
    await suppliers.save_supplied_skus(pool, [_supplied(row) for row in good])
    report.taken = len(good)
    await refuse_rows(pool, report, refused)
    return report


def _lead_times(
    rows: Sequence[SuppliedRow], before: Mapping[str, Supplier]
) -> tuple[dict[str, Supplier], dict[str, Fault]]:
    """Suppliers as the rows say, by name, and the rows that contradict an earlier one, by where they stand."""
    found: dict[str, Supplier] = dict(before)
    said: dict[str, SuppliedRow] = {}
    faults: dict[str, Fault] = {}
    for row in rows:
        if row.lead_days is None:
            continue
        first = said.setdefault(row.supplier, row)
        if (row.lead_days, row.lead_days_deviation) != (first.lead_days, first.lead_days_deviation):
            why = f"the lead time of {shown(row.supplier)} differs from that of {first.origin}."
            faults[row.origin] = (Problem.BAD_VALUE, why, "lead_days")
            continue
        found[row.supplier] = Supplier(row.supplier, row.lead_days, row.lead_days_deviation or 0.0)
    return found, faults


def _unknown(row: SuppliedRow, stated: Mapping[str, Supplier], skus: Collection[str]) -> Fault | None:
    if row.supplier not in stated:
        why = f"supplier {shown(row.supplier)} is new and has no lead time; write it on one of its rows."
        return Problem.BAD_VALUE, why, "lead_days"
    if row.sku not in skus:
        return Problem.UNKNOWN_SKU, f"SKU {shown(row.sku)} is not in the catalogue; import it first.", "sku"
    return None


def _supplied(row: SuppliedRow) -> SuppliedSku:
    return SuppliedSku(row.sku, row.supplier, row.pack, row.minimum, row.multiple, row.unit_cost)


def _by_order(rows: Iterable[OrderRow]) -> dict[str, list[OrderRow]]:
    found: dict[str, list[OrderRow]] = {}
    for row in rows:
        found.setdefault(row.order, []).append(row)
    return found


def _spoilt(code: str, lost: str) -> str:
    if lost:
        return f"nobody can tell whether {lost} is of order {shown(code)}, too, and an order is placed whole."
    return f"another row of order {shown(code)} cannot be taken, and an order is placed whole."


def _refused(row: OrderRow | SuppliedRow, problem: Problem, why: str, field: str) -> RefusedRow:
    text = f"{row.order},{row.sku},{row.units}" if isinstance(row, OrderRow) else f"{row.supplier},{row.sku}"
    return RefusedRow(
        row.origin, text, problem.value, message(row.origin, field, Refusal(problem, why, field))
    )
