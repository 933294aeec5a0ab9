"""Spikes in the ledger: looked for by one process at a time, begun, gone on with, ended, and told of once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.spikes import SoldHour
from onhand.domain.velocity import Tier
from onhand.ledger.database import Connection, Pool, execute, fetched
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class SpikeRow:
    """One spike. `usual` units an hour before it; `units` of the hour in which it was noticed, `peak` the most of any
    hour since; `held_back` from each listing; `tier_after` is where its SKU goes back to."""

    spike_id: int
    sku: str
    name: str
    began_at: datetime
    ended_at: datetime | None
    usual: float
    units: int
    peak: int
    held_back: int
    tier_after: Tier


@dataclass(frozen=True, slots=True)
class Spiking:
    """A SKU that spikes now: units of the last hour, what is usual, and what is held back for it."""

    units: int
    usual: float
    held_back: int


async def lock_when_due(connection: Connection, before: datetime) -> bool:
    """Whether nobody has looked since that moment, and nobody is at it; held until the commit."""
    cursor = await connection.execute(query("lock_spikes_when_due"), {"before": before})
    return await cursor.fetchone() is not None


async def note_look(connection: Connection, now: datetime) -> None:
    """They were looked for."""
    await connection.execute(query("note_spike_look"), {"now": now})


async def sold_hours(connection: Connection, now: datetime, units_min: int) -> list[SoldHour]:
    """What was sold in the last hour of SKUs that sold at least so many units, and of those that spike."""
    cursor = await connection.execute(query("sold_hours"), {"now": now, "units_min": units_min})
    return [SoldHour(*row) for row in await cursor.fetchall()]


async def slowest_propagation(connection: Connection) -> float | None:
    """Seconds until every channel shows a change, in 99 of 100 cases; None where none was measured."""
    row = await (await connection.execute(query("slowest_propagation"))).fetchone()
    return None if row is None else row[0]


async def begin(connection: Connection, found: Mapping[int, Spiking]) -> list[str]:
    """These SKUs (by number) spike from now on, in the first tier; answers the codes of those that did not before."""
    rows = await connection.execute(query("begin_spikes"), _columns(found))
    return [sku for (sku,) in await rows.fetchall()]


async def go_on(connection: Connection, found: Mapping[int, Spiking]) -> list[str]:
    """These still do; answers the codes of those of which more is held back now."""
    rows = await connection.execute(query("go_on_spiking"), _columns(found))
    return [sku for sku, more in await rows.fetchall() if more]


async def end(connection: Connection, skus: Sequence[int], now: datetime) -> list[str]:
    """These have calmed, and are in their tier again; answers their codes."""
    rows = await connection.execute(query("end_spikes"), {"skus": list(skus), "now": now})
    return [sku for (sku,) in await rows.fetchall()]


async def mark(connection: Connection, skus: Sequence[str]) -> set[str]:
    """What they show changes, in the caller's transaction; answers the channels whose publisher is to be signalled."""
    row = await (
        await connection.execute(query("mark_skus"), {"skus": sorted(skus), "live": True})
    ).fetchone()
    assert row is not None
    return set(row[0] or ())


async def listed(
    pool: Pool,
    *,
    everything: bool = False,
    sku: str | None = None,
    ids: Sequence[int] | None = None,
    limit: int,
) -> list[SpikeRow]:
    """Spikes, those that last first and the newest first; with `everything` those that are over, too."""
    named = None if ids is None else list(ids)
    rows = await fetched(pool, "spikes", all=everything, sku=sku, ids=named, limit=limit)
    return [replace(SpikeRow(*row), tier_after=Tier(row[-1])) for row in rows]


async def claim_untold(pool: Pool) -> list[int]:
    """Spikes to tell people of, by number; nobody else is given them."""
    return [number for (number,) in await fetched(pool, "claim_untold_spikes")]


async def untell(pool: Pool, ids: Sequence[int]) -> None:
    """Give back what `claim_untold` gave: nobody could be told."""
    await execute(pool, "untell_spikes", ids=list(ids))


def _columns(found: Mapping[int, Spiking]) -> dict[str, list[int] | list[float]]:
    return {
        "skus": list(found),
        "usuals": [each.usual for each in found.values()],
        "units": [each.units for each in found.values()],
        "held": [each.held_back for each in found.values()],
    }
