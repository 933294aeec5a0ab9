"""Past demand, read from the ledger: what each SKU had when some days began, and what happened to it since."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from onhand.domain.listings import Sibling
from onhand.domain.past_demand import Happening, PastDemand
from onhand.ledger.database import Pool, fetched
from onhand.ledger.queries import query

SKUS_AT_ONCE = 200
"""Read at once: what comes between two of them is less than a connection may be left waiting for."""


async def since(pool: Pool, moment: datetime) -> AsyncIterator[PastDemand]:
    """Each SKU that was sold since then, in the order of their codes, from one snapshot.

    What it had when the days began is what it has now less what happened: so both agree to the unit.
    """
    async with pool.connection() as connection, connection.cursor("past_demand") as cursor:
        cursor.itersize = SKUS_AT_ONCE
        await cursor.execute(query("past_demand"), {"since": moment})
        async for row in cursor:
            yield _past(row)


def _past(row: tuple[Any, ...]) -> PastDemand:
    sku, tags, moments, locations, units, channels, shelves, available, *listings = row
    happenings = tuple(map(Happening, moments, locations, units, channels))
    began: Counter[str] = Counter(dict(zip(shelves or (), available or (), strict=True)))
    for happening in happenings:
        began[happening.location] += happening.units
    siblings = tuple(map(Sibling, *listings)) if listings[0] else ()
    return PastDemand(sku, tuple(tags), dict(began), siblings, happenings)


async def delays(pool: Pool, moment: datetime) -> dict[str, float]:
    """Seconds until a change was shown, by channel, as 95 of 100 since then; channels that told none are missing."""
    return {
        channel: float(seconds)
        for channel, seconds in await fetched(pool, "delays_of_channels", since=moment)
    }
