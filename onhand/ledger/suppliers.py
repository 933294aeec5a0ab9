"""Suppliers: how long their deliveries take, and in which quantities SKUs are ordered from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from onhand.ledger.database import Pool, execute, fetched


@dataclass(frozen=True, slots=True)
class Supplier:
    """Whom stock is ordered from. Days from order to receipt, on average, and their standard deviation."""

    name: str
    lead_days: float
    lead_days_deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class SuppliedSku:
    """Whom a SKU is reordered from: in whole packs, at least the minimum, in the end a multiple; all in units.

    `unit_cost` None: not known.
    """

    sku: str
    supplier: str
    pack_units: int = 1
    minimum_units: int = 0
    multiple_units: int = 1
    unit_cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier with how many SKUs are reordered from it, and how many of its orders are open.

    Measured: how many days its deliveries really took, on average, and their standard deviation; 0 where none came yet.
    """

    supplier: Supplier
    skus: int
    open_orders: int
    deliveries: int = 0
    measured_days: float = 0.0
    measured_deviation: float = 0.0


async def save_suppliers(pool: Pool, suppliers: Sequence[Supplier]) -> None:
    """Add suppliers, or give them other lead times; the names of one call are distinct."""
    await execute(
        pool,
        "save_suppliers",
        names=[each.name for each in suppliers],
        days=[each.lead_days for each in suppliers],
        deviations=[each.lead_days_deviation for each in suppliers],
    )


async def save_supplied_skus(pool: Pool, supplied: Sequence[SuppliedSku]) -> set[str]:
    """Say whom SKUs are reordered from, each once; answers those whose SKU and supplier are known."""
    rows = await fetched(
        pool,
        "save_supplied_skus",
        skus=[each.sku for each in supplied],
        suppliers=[each.supplier for each in supplied],
        packs=[each.pack_units for each in supplied],
        minimums=[each.minimum_units for each in supplied],
        multiples=[each.multiple_units for each in supplied],
        costs=[each.unit_cost for each in supplied],
    )
    return {code for (code,) in rows}


async def suppliers(pool: Pool, names: Sequence[str] | None = None) -> list[SupplierRow]:
    """All suppliers by name, or those named."""
    rows = await fetched(pool, "suppliers", names=None if names is None else list(names))
    return [SupplierRow(Supplier(name, days, deviation), *counts) for name, days, deviation, *counts in rows]


async def supplied_skus(pool: Pool, supplier: str) -> list[tuple[SuppliedSku, str]]:
    """What is reordered from a supplier, each SKU with its name."""
    rows = await fetched(pool, "supplied_skus", supplier=supplier)
    return [(SuppliedSku(sku, *rest), name) for sku, name, *rest in rows]
