"""Which SKUs are in shares: they come and go by what is free at the moment of the change itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from onhand.domain.scarcity import Crossing
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.queries import query


async def change(pool: Pool, crossings: Mapping[str, Crossing], *, live: bool) -> tuple[int, set[str]]:
    """Write down which SKUs came into shares and which left; all their listings are marked with it, once.

    Answers how many did, and the channels whose publisher is to be signalled. What somebody else has changed before, or
    what is free was a moment ago, counts no more.
    """
    entering = {sku: crossing for sku, crossing in crossings.items() if crossing.into}
    leaving = {sku: crossing for sku, crossing in crossings.items() if not crossing.into}
    async with pool.connection() as connection:
        changed = await _ids(connection, "enter_shares", entering) if entering else []
        changed += await _ids(connection, "leave_shares", leaving) if leaving else []
        return len(changed), await _mark(connection, changed, live=live)


async def _ids(connection: Connection, name: str, crossings: Mapping[str, Crossing]) -> list[int]:
    drawn = [(sku, location) for sku, each in crossings.items() for location in each.locations]
    named = {
        "skus": list(crossings),
        "limits": [each.limit for each in crossings.values()],
        "of_skus": [sku for sku, _ in drawn],
        "locations": [location for _, location in drawn],
    }
    cursor = await connection.execute(query(name), named)
    return [sku for (sku,) in await cursor.fetchall()]


async def _mark(connection: Connection, skus: Sequence[int], *, live: bool) -> set[str]:
    if not skus:
        return set()
    cursor = await connection.execute(query("mark_shared"), {"skus": list(skus), "live": live})
    row = await cursor.fetchone()
    return set() if row is None else set(row[0] or ())


async def forget_unheard(pool: Pool, channel: str, before: datetime) -> list[str]:
    """All orders of the channel placed before that moment were heard of: what levels lost sight of earlier is known.

    Answers the SKUs of which other levels may be given more by that.
    """
    return [sku for (sku,) in await fetched(pool, "forget_unheard", channel=channel, before=before)]
