"""Whose doorbell rings: every channel that has something to be told, and who sold only where it has."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import catalogue, levels, orders
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelLearnt
from onhand.ledger.posting import post_events
from onhand.ledger.queries import query

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Ears:
    """A listener of its own on the database."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        self._connection = connection

    async def heard(self) -> set[str]:
        """Rings of outboxes since the last time."""
        await asyncio.sleep(0.05)
        rings = {ring.payload async for ring in self._connection.notifies(timeout=0.2)}
        return {ring for ring in rings if ring.startswith("outbox")}


@pytest.fixture
async def ears(shop: Pool, database: str) -> AsyncIterator[Ears]:
    """A is listed on both channels."""
    for channel in ("web", "store"):
        await catalogue.save_listings(shop, channel, [NewListing("A", f"{channel}-a", sort_key="a")], [""])
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(query("listen"))
        yield Ears(connection)


async def listing_of(pool: Pool, channel: str) -> int:
    ((listing, _),) = await levels.listings_of_sku(pool, "A", channel)
    return listing


def order(name: str, listing: int, moment: datetime) -> OrderSnapshot:
    line = OrderLine("1", "A", "leeds", 2, 0, listing, "", 1)
    return OrderSnapshot("web", name, 1, moment, (line,), moment)


async def test_stock_that_moved_rings_everywhere(shop: Pool, ears: Ears) -> None:
    """Goal: a receipt is news to every channel."""
    receipt = event_of(Movement("test", "r1", EventKind.RECEIPT, "A", "leeds", 9, NOON))
    await post_events(shop, [receipt], set())
    assert await ears.heard() == {"outbox web", "outbox store"}


async def test_a_sale_does_not_ring_where_it_was_made(shop: Pool, ears: Ears) -> None:
    """Goal: who sold took it off its own level; its listing is pending all the same, and looked at in good time."""
    listing = await listing_of(shop, "web")
    await orders.post_orders(shop, [order("1", listing, NOON)], set())
    assert await ears.heard() == {"outbox store"}
    assert await levels.pending_live(shop, "web", 10) == [listing]


async def test_a_sale_that_a_blind_write_gave_back_rings_there_too(shop: Pool, ears: Ears) -> None:
    """Goal: where its own level is wrong now, it is mended at once."""
    listing = await listing_of(shop, "web")
    spot = (listing, "")
    await levels.claim(shop, "web", [spot], [listing], siblings=False, claim=7, seconds=60)
    async with shop.connection() as connection:
        learnt = LevelLearnt(*spot, expected=10, blind=True)
        await levels.book(connection, [learnt], NOON, 7)
    await orders.post_orders(shop, [order("1", listing, NOON - timedelta(seconds=1))], set())
    assert await ears.heard() == {"outbox store", "outbox web"}
