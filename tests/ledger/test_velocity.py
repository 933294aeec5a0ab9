"""Tiers from the ledger's own entries, and who is published first because of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from onhand import tiers
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.velocity import SoldDay, Tier, TierRules
from onhand.ledger import catalogue, levels, stock, velocity
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events

NOW = datetime.now(UTC)
RULES = TierRules()


def order(number: str, sku: str, units: int, days_ago: float = 0.0, version: int = 1) -> OrderSnapshot:
    """An order of one line, as it stands at that version."""
    moment = NOW - timedelta(days=days_ago, seconds=1)
    return OrderSnapshot("web", number, version, moment, (OrderLine("1", sku, "leeds", units, 0),), moment)


async def speeds(pool: Pool, *skus: str) -> dict[str, tuple[str, float]]:
    """Tier and units a day of each SKU."""
    cards = [await stock.sku_card(pool, sku) for sku in skus]
    return {card.code: (str(card.tier), round(card.per_day, 3)) for card in cards if card is not None}


async def test_sales_are_counted_by_order_and_day_less_what_was_cancelled(shop: Pool) -> None:
    """Goal: the query alone, against sums made by hand; no other movement counts as a sale."""
    await post_orders(
        shop,
        [
            order("1", "A", 4),
            order("2", "A", 1),
            order("3", "A", 2, days_ago=1.5),
            order("4", "A", 9, days_ago=1.5),
            order("5", "A", 90),
            order("6", "B", 3, days_ago=20),
        ],
    )
    await post_orders(shop, [order("5", "A", 0, version=2), order("4", "A", 7, version=2)])
    await post_events(shop, [event_of(Movement("test", "w", EventKind.WRITE_OFF, "A", "leeds", 50, NOW))])
    async with shop.connection() as connection:
        (sold,) = [sales async for sales in velocity.sales(connection, datetime.now(UTC), 15)]
    assert sold.tier is Tier.HOURLY
    assert sold.days == (SoldDay(0, 5, 4, 1), SoldDay(1, 9, 7, 2))


async def test_tiers_follow_what_is_sold_and_calm_down_again(shop: Pool) -> None:
    await post_orders(
        shop, [*(order(f"a{n}", "A", 1) for n in range(12)), *(order(f"b{n}", "B", 1) for n in range(2))]
    )
    assert await tiers.refresh_if_due(shop, RULES, datetime.now(UTC)) == 2
    assert await speeds(shop, "A", "B", "C") == {
        "A": ("real-time", 12.0),
        "B": ("15 min", 2.0),
        "C": ("hourly", 0.0),
    }

    assert await tiers.refresh_if_due(shop, RULES, NOW + timedelta(days=30)) == 2
    assert await speeds(shop, "A", "B") == {"A": ("hourly", 0.0), "B": ("hourly", 0.0)}


async def test_it_is_done_once_in_a_while_and_by_one_process(shop: Pool) -> None:
    """Goal: sweeps of several channels at once lead to one look; the next comes when it is due."""
    now = datetime.now(UTC)
    done = await asyncio.gather(*(tiers.refresh_if_due(shop, RULES, now) for _ in range(4)))
    assert sorted(done, key=str) == [0, None, None, None]
    assert await tiers.refresh_if_due(shop, RULES, now + timedelta(minutes=14)) is None
    assert await tiers.refresh_if_due(shop, RULES, now + timedelta(minutes=15)) == 0


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """SKUs S00 to S29 on channel `web`: the first ten real-time, the next 15 min, the last hourly; all pending."""
    codes = [f"S{n:02}" for n in range(30)]
    await catalogue.save_skus(shop, [CatalogueSku(code) for code in codes])
    await catalogue.save_listings(shop, "web", [NewListing(code, code, code) for code in codes], [""])
    async with shop.connection() as connection:
        await connection.execute("UPDATE sku SET tier = substr(code, 2, 1)::int WHERE code LIKE 'S%'")
    await post_events(
        shop,
        [event_of(Movement("test", code, EventKind.RECEIPT, code, "leeds", 5, NOW)) for code in codes],
        set(),
    )
    return shop


async def first(pool: Pool, limit: int) -> list[str]:
    """SKUs the publisher looks at, in its order."""
    ids = await levels.pending_live(pool, "web", limit)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT id, item_id FROM listing")
        names = dict(await cursor.fetchall())
    return [names[listing] for listing in ids]


async def waiting_since(pool: Pool, sku: str, ago: timedelta) -> None:
    """As if it had been marked so long ago."""
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE outbox SET marked_at = clock_timestamp() - %s WHERE listing_id = "
            "(SELECT id FROM listing WHERE item_id = %s)",
            (ago, sku),
        )


async def test_fast_skus_are_told_first(listed: Pool) -> None:
    assert {sku[1] for sku in await first(listed, 10)} == {"0"}
    assert [sku[1] for sku in await first(listed, 50)] == ["0"] * 10 + ["1"] * 10 + ["2"] * 10


async def test_a_slow_sku_does_not_wait_for_ever(listed: Pool) -> None:
    """Goal: past its tier's time it goes first; a moment before it does not."""
    await waiting_since(listed, "S25", timedelta(minutes=59))
    await waiting_since(listed, "S15", timedelta(minutes=14))
    assert {sku[1] for sku in await first(listed, 4)} == {"0"}
    await waiting_since(listed, "S25", timedelta(minutes=61))
    await waiting_since(listed, "S15", timedelta(minutes=16))
    assert (await first(listed, 4))[:2] == ["S25", "S15"]
    assert {sku[1] for sku in (await first(listed, 4))[2:]} == {"0"}
    assert sorted(await first(listed, 50)) == [f"S{n:02}" for n in range(30)]


async def test_many_overdue_slow_skus_leave_half_to_the_fast_ones(listed: Pool) -> None:
    for n in range(20, 30):
        await waiting_since(listed, f"S{n}", timedelta(hours=2))
    assert [sku[1] for sku in await first(listed, 8)] == ["2"] * 4 + ["0"] * 4
    assert sorted(await first(listed, 50)) == [f"S{n:02}" for n in range(30)]
