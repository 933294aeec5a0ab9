"""How fast SKUs sell: what was sold by day, from the entries of orders, and the velocities and tiers found from it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.velocity import SoldDay, Tier
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.queries import query

ChannelSpeed = tuple[int, int, int, float]
"""SKU, channel and location by their numbers, and the units of the SKU that the channel sells from there a day."""


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


@dataclass(frozen=True, slots=True)
class ChannelSales:
    """What one channel sold of one SKU from one location, on each day that anything was."""

    sku_id: int
    channel_id: int
    location_id: int
    days: tuple[SoldDay, ...]


@dataclass(frozen=True, slots=True)
class ChannelVelocity:
    """Units of a SKU that a channel sells a day from a location."""

    channel: str
    location: str
    per_day: float


@dataclass(frozen=True, slots=True)
class Propagation:
    """Seconds in which a channel showed 99 of 100 changes of a day, of how many, and when that was worked out."""

    channel: str
    seconds: float
    changes: int
    computed_at: datetime


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
    """Keep them, in the caller's transaction, and how long changes lately took; answers how many SKUs changed their
    tier."""
    found = {
        "skus": [each.sku_id for each in velocities],
        "speeds": [each.per_day for each in velocities],
        "tiers": [each.tier.value for each in velocities],
        "now": now,
    }
    async with connection.pipeline():
        await connection.execute(query("save_velocities"), found)
        await connection.execute(query("save_tiers_after_spikes"), found)
        changed = await connection.execute(query("save_tiers"), found)
        await connection.execute(query("note_velocities"), found)
        await connection.execute(query("note_propagations"), {"now": now})
    return changed.rowcount


async def sales_by_channel(
    connection: Connection, now: datetime, window_days: int
) -> AsyncIterator[ChannelSales]:
    """What was sold within the last days of every SKU, by channel and location."""
    named = {"now": now, "days": window_days}
    cursor = await connection.execute(query("sales_by_channel"), named, binary=True)
    async for sku, channel, location, ages, units, largest, second in cursor:
        yield ChannelSales(sku, channel, location, tuple(map(SoldDay, ages, units, largest, second)))


async def save_by_channel(connection: Connection, found: Sequence[ChannelSpeed]) -> None:
    """Keep these, in the caller's transaction, and forget all others."""
    columns = {
        "skus": [sku for sku, _, _, _ in found],
        "channels": [channel for _, channel, _, _ in found],
        "locations": [location for _, _, location, _ in found],
    }
    speeds = [speed for _, _, _, speed in found]
    async with connection.pipeline():
        await connection.execute(query("save_channel_velocities"), {**columns, "speeds": speeds})
        await connection.execute(query("forget_channel_velocities"), columns)


async def by_channel(pool: Pool, sku: str) -> list[ChannelVelocity]:
    """Where a SKU sells, the fastest first."""
    return [ChannelVelocity(*row) for row in await fetched(pool, "velocities_of_sku", sku=sku)]


async def propagations(pool: Pool) -> list[Propagation]:
    """How long changes take on every channel that was told some lately."""
    return [Propagation(*row) for row in await fetched(pool, "propagations")]


async def refresh_buffers(pool: Pool, drawn: Sequence[tuple[str, str, str]]) -> set[str]:
    """Work out what is held back of the levels at these (channel, place, location), and forget all others.

    Levels of which another number of units is held back now are told; answers the channels whose publisher is to be
    signalled.
    """
    named = {
        "channels": [channel for channel, _, _ in drawn],
        "places": [place for _, place, _ in drawn],
        "locations": [location for _, _, location in drawn],
    }
    async with pool.connection() as connection:
        rows = await (await connection.execute(query("refresh_velocity_buffers"), named)).fetchall()
        if not rows:
            return set()
        changed = {"skus": [sku for (sku,) in rows], "live": True}
        row = await (await connection.execute(query("mark_skus"), changed)).fetchone()
        return set() if row is None else set(row[0] or ())


async def units_lacking(pool: Pool) -> dict[str, tuple[float, int]]:
    """By channel the seconds within which it shows a change, and the units that others sell of a SKU meanwhile."""
    rows = await fetched(pool, "units_lacking")
    return {channel: (seconds, units) for channel, seconds, units in rows}
