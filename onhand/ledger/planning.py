"""Planning in the ledger: what was asked for, reorder points, and proposals of what to order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from onhand.domain.demand_history import History, OrderedDay, ShelfDay
from onhand.domain.forecast import Forecast
from onhand.domain.reorder import Demand, LeadTime, Plan, Terms
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for of one SKU at one location; `lead` and `unit_cost` are its supplier's, if known."""

    sku_id: int
    location_id: int
    history: History
    lead: tuple[float, float] | None
    unit_cost: float | None


@dataclass(frozen=True, slots=True)
class ReorderPoint:
    """A reorder point with what it was worked out from."""

    sku_id: int
    location_id: int
    plan: Plan
    demand: Demand
    forecast: Forecast
    weeks: int
    lead: LeadTime


@dataclass(frozen=True, slots=True)
class Due:
    """A SKU at a location whose position is at or below its reorder point. `supplier_id` None: nobody knows whose.

    `incoming`: without what was put off until after an order of today would be here.
    """

    sku_id: int
    location_id: int
    supplier_id: int | None
    plan: Plan
    available: int
    incoming: int
    in_transit: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Proposal:
    """Units of a SKU that should be ordered, with what that follows from. Days and units a day as forecast."""

    id: int
    sku: str
    name: str
    location: str
    supplier: str
    units: int
    available: int
    incoming: int
    in_transit: int
    point: int
    target: int
    proposed_at: datetime
    per_day: float
    deviation: float
    demand_class: str
    method: str
    weeks: int
    lead_days: float
    unit_cost: Decimal | None


async def lock_when_due(connection: Connection, before: datetime) -> int | None:
    """The SKU after which a round goes on, where one is due and nobody is at it; held until the commit."""
    return await _one(connection, "lock_planning_when_due", before=before)


async def lock(connection: Connection) -> int:
    """The same at once, after whoever is at it."""
    after = await _one(connection, "lock_planning")
    assert after is not None, "the row is made with its table"
    return after


async def _one(connection: Connection, name: str, **named: object) -> int | None:
    row = await (await connection.execute(query(name), named)).fetchone()
    return None if row is None else int(row[0])


async def note_round(connection: Connection, after_sku: int, now: datetime) -> None:
    """A round has come to that SKU; 0: to its end."""
    await connection.execute(query("note_planning"), {"after": after_sku, "now": now})


async def computed_at(pool: Pool) -> datetime | None:
    """When reorder points were last all worked out."""
    ((moment,),) = await fetched(pool, "planning_done_at")
    found: datetime | None = moment
    return found


async def plannable(connection: Connection, after_sku: int, limit: int) -> list[int]:
    """The next SKUs to be planned, by number."""
    cursor = await connection.execute(query("plannable_skus"), {"after": after_sku, "limit": limit})
    return [sku for (sku,) in await cursor.fetchall()]


async def histories(connection: Connection, skus: Sequence[int], days: int, now: datetime) -> list[Asked]:
    """What was asked for of these SKUs within the last days, at each location they were ever at."""
    cursor = await connection.execute(
        query("demand_histories"), {"skus": list(skus), "days": days, "now": now}, binary=True
    )
    return [_asked(row) for row in await cursor.fetchall()]


def _asked(row: tuple[Any, ...]) -> Asked:
    sku, location, known, ages, units, largest, second, shelf, closing, highest, lead, spread, cost = row
    ordered = tuple(map(OrderedDay, ages, units, largest, second)) if ages else ()
    shelf_days = tuple(map(ShelfDay, shelf, closing, highest)) if shelf else ()
    return Asked(
        sku, location, History(known, ordered, shelf_days), None if lead is None else (lead, spread), cost
    )


async def save_points(
    connection: Connection,
    points: Sequence[ReorderPoint],
    now: datetime,
    *,
    after_sku: int,
    last_sku: int | None,
) -> None:
    """Keep the reorder points of the SKUs after one and up to another (None: to the end), and drop the others there."""
    await connection.execute(
        query("save_reorder_points"),
        {
            "skus": [each.sku_id for each in points],
            "locations": [each.location_id for each in points],
            "points": [each.plan.point for each in points],
            "targets": [each.plan.target for each in points],
            "per_day": [each.demand.per_day for each in points],
            "deviations": [each.demand.deviation for each in points],
            "classes": [each.forecast.demand_class.value for each in points],
            "methods": [each.forecast.method.value for each in points],
            "weeks": [each.weeks for each in points],
            "leads": [float(each.lead.days) for each in points],
            "spreads": [float(each.lead.deviation) for each in points],
            "now": now,
        },
    )
    await connection.execute(
        query("forget_reorder_points"), {"after": after_sku, "last": last_sku, "now": now}
    )


async def due(connection: Connection, today: date) -> list[Due]:
    """Everything that is to be reordered, as stock is now and by when what is on order is due."""
    cursor = await connection.execute(query("due_for_reorder"), {"today": today}, binary=True)
    return [
        Due(
            sku, location, supplier, Plan(point, target), available, incoming, in_transit,
            Terms() if supplier is None else Terms(*terms),
        )
        async for sku, location, supplier, point, target, available, incoming, in_transit, *terms in cursor
    ]  # fmt: skip


async def serialise_proposals(connection: Connection) -> None:
    """Nobody else makes or approves proposals until the commit."""
    await connection.execute(query("serialise_proposals"))


async def replace_proposals(connection: Connection, wanted: Sequence[tuple[Due, int]], now: datetime) -> None:
    """Propose so many units of each, instead of what was proposed before and is not approved."""
    await connection.execute(query("forget_proposals"))
    await connection.execute(
        query("save_proposals"),
        {
            "skus": [each.sku_id for each, _ in wanted],
            "locations": [each.location_id for each, _ in wanted],
            "suppliers": [each.supplier_id for each, _ in wanted],
            "units": [units for _, units in wanted],
            "available": [each.available for each, _ in wanted],
            "incoming": [each.incoming for each, _ in wanted],
            "in_transit": [each.in_transit for each, _ in wanted],
            "points": [each.plan.point for each, _ in wanted],
            "targets": [each.plan.target for each, _ in wanted],
            "now": now,
        },
    )


async def proposals(
    connection: Connection, *, ids: Sequence[int] | None = None, supplier: str | None = None
) -> list[Proposal]:
    """What should be ordered and is not approved: all of it, by number, or of one supplier."""
    cursor = await connection.execute(
        query("proposals"), {"ids": None if ids is None else list(ids), "supplier": supplier}
    )
    return [Proposal(*row) async for row in cursor]


async def approve(connection: Connection, orders: Sequence[tuple[int, str]], by: str, now: datetime) -> None:
    """Each proposal is on the purchase order of that code."""
    await connection.execute(
        query("approve_proposals"),
        {
            "ids": [number for number, _ in orders],
            "codes": [code for _, code in orders],
            "by": by,
            "now": now,
        },
    )
