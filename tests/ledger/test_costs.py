"""What statements of the hot path cost: pages that are looked at where much is there, and statements a turn takes."""

from typing import Any

from onhand.ledger.database import Pool
from onhand.ledger.queries import query
from tests.fix_ledger import sql

MANY = 10_000
BACKLOG = """
INSERT INTO outbox (listing_id, channel_id, generation, live, tier)
SELECT n, (SELECT id FROM channel WHERE name = 'web'), n, true, 2
  FROM generate_series(%s::int, %s::int) AS n
"""


async def pages(pool: Pool, name: str, **named: object) -> int:
    """Pages that a named statement looks at, planned without a look at its parameters, as our programs have it."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query(name)}", named
        )
        row = await cursor.fetchone()
        await connection.rollback()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def test_what_is_pending_is_found_without_reading_all_that_is(shop: Pool) -> None:
    """Goal: a publisher that works through a backlog does not read the whole of it at each step."""
    ask = {"channel": "web", "limit": 10, "quarter_hour": "15 minutes", "hourly": "1 hour"}
    await sql(shop, BACKLOG, 1, 10)
    few = await pages(shop, "pending_live", **ask)
    await sql(shop, BACKLOG, 11, MANY)
    many = await pages(shop, "pending_live", **ask)

    assert few > 0, "the measure works"
    assert many < 2 * few + 50
