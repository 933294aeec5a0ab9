"""How fast SKUs sell: what was sold by day, from the entries of orders, and the velocities and tiers found from it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.velocity import SoldDay, Tier
from onhand.ledger.database import Connection
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Sales:
    """What was sold of one SKU on each day that anything was; `tier` is the one it is in."""

    sku_id: int
    tier: Tier
    days: tuple[SoldDay, ...]


@dataclass(frozen=True, slots=True)
class Velocity:
    """Units of a SKU sold a day, and the tier that follows from it."""

    sku_id: int
    per_day: float
    tier: Tier


async def lock_when_due(connection: Connection, before: datetime) -> bool:
    """Whether velocities were last worked out before that moment and nobody is at it; held until the commit."""
    cursor = await connection.execute(query("lock_velocities_when_due"), {"before": before})
    return await cursor.fetchone() is not None


async def ledger_began_at(connection: Connection) -> datetime:
    """When the first event was written down; now where there is none."""
    row = await (await connection.execute(query("ledger_began_at"))).fetchone()
    assert row is not None
    began_at: datetime = row[0]
    return began_at


async def sales(connection: Connection, now: datetime, window_days: int) -> AsyncIterator[Sales]:
    """What was sold within the last days of every SKU that sold, or of which a velocity is kept."""
    cursor = await connection.execute(query("sales_of_skus"), {"now": now, "days": window_days}, binary=True)
    async for sku, tier, ages, units, largest, second in cursor:
        yield Sales(sku, Tier(tier), tuple(map(SoldDay, ages, units, largest, second)) if ages else ())


async def save(connection: Connection, velocities: Sequence[Velocity], now: datetime) -> int:
    """Keep them, in the caller's transaction; answers how many SKUs changed their tier."""
    found = {
        "skus": [each.sku_id for each in velocities],
        "speeds": [each.per_day for each in velocities],
        "tiers": [each.tier.value for each in velocities],
        "now": now,
    }
    async with connection.pipeline():
        await connection.execute(query("save_velocities"), found)
        changed = await connection.execute(query("save_tiers"), found)
        await connection.execute(query("note_velocities"), found)
    return changed.rowcount
