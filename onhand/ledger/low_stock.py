"""SKUs that are running out, in the ledger: found, kept, resolved, and told of once for each crossing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.low_stock import Low, Stocked
from onhand.ledger.database import Pool, execute, fetched
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Claimed:
    """A crossing to tell people of, by its number, and the one they know of ("": none)."""

    number: int
    before: str


async def stocked(
    pool: Pool, highest: int, locations: Sequence[str], *, reorder_points: bool = False
) -> list[Stocked]:
    """SKUs of which at most `highest` units are available at these locations together, and those known as low.

    With `reorder_points` also those of which no more is available than their reorder points come to.
    """
    named = {"highest": highest, "locations": list(locations), "reorder_points": reorder_points}
    rows = await fetched(pool, "stock_at_most", **named)
    return [
        Stocked(sku_id, code, name, tuple(tags), units, per_day, *others)
        for sku_id, code, name, tags, units, per_day, *others in rows
    ]


async def keep(pool: Pool, low: Sequence[Low], now: datetime) -> int:
    """Keep these as the SKUs that are low; answers how many are not any more."""
    named: dict[str, object] = {"skus": [each.sku_id for each in low], "now": now}
    found = {
        "thresholds": [each.threshold for each in low],
        "units": [each.units for each in low],
        "speeds": [each.per_day for each in low],
    }
    async with pool.connection() as connection:
        resolved = await connection.execute(query("resolve_low_stock"), named)
        if low:
            await connection.execute(query("keep_low_stock"), named | found)
    return resolved.rowcount


async def claim(pool: Pool) -> dict[str, Claimed]:
    """Crossings to tell people of, by SKU; nobody else is given them."""
    return {sku: Claimed(number, before) for number, before, sku in await fetched(pool, "claim_low_stock")}


async def unclaim(pool: Pool, claimed: Mapping[str, Claimed]) -> None:
    """Give them back: nobody could be told."""
    await execute(
        pool,
        "unclaim_low_stock",
        ids=[each.number for each in claimed.values()],
        befores=[each.before for each in claimed.values()],
    )
