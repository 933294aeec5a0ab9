"""Generations of a listing: newer ones only ever follow older ones, whoever had to wait for whom."""

import asyncio
from datetime import UTC, datetime

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import catalogue, levels
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.posting import post_events, post_events_on


async def generations(pool: Pool) -> dict[str, int]:
    """The generation of each pending listing of the web shop, by SKU."""
    ids, _ = await levels.listing_page(pool, "web", ListingCursor(), 10, None)
    states = await levels.listing_states(pool, "web", ids, siblings=False)
    return {state.sku: state.generation for state in states}


async def waits_for_a_row(pool: Pool) -> None:
    """Until somebody waits for a lock that another holds."""
    async with pool.connection() as connection:
        while True:
            found = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if await found.fetchone() != (0,):
                return
            await asyncio.sleep(0.01)


async def test_whoever_waits_for_a_row_marks_under_a_newer_generation(shop: Pool) -> None:
    """Goal: pushes of a listing never go back in generation. Method: three post; the one that began second ends last.

    Stock of A and B in Leeds is posted together, and has to wait for A's row; B in London overtakes it.
    """
    await catalogue.save_listings(shop, "web", [NewListing("A", "1", "1"), NewListing("B", "2", "2")], [""])

    def receipt(name: str, sku: str, location: str) -> Movement:
        return Movement("test", name, EventKind.RECEIPT, sku, location, 1, datetime.now(UTC))

    both = [event_of(receipt("2", "A", "leeds")), event_of(receipt("3", "B", "leeds"))]
    async with shop.connection() as first:
        await post_events_on(first, [event_of(receipt("1", "A", "london"))])
        waiting = asyncio.create_task(post_events(shop, both))
        await waits_for_a_row(shop)
        await post_events(shop, [event_of(receipt("4", "B", "london"))])
        before = await generations(shop)
    await waiting
    after = await generations(shop)
    assert before["B"] > before["A"] == 0
    assert after["B"] > before["B"]
