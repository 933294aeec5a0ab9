"""Spikes in the ledger: found once, told once, first in line with a wider buffer, and back when they calm."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onhand import tiers
from onhand.alerts.slack import Delivery, Message
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.velocity import Tier, TierRules
from onhand.ledger import catalogue, levels, spikes, stock
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.settings import Settings
from onhand.spiking import Spikes, look_for_spikes
from tests.fix_ledger import sql

SETTINGS = Settings.model_validate(
    {
        "locations": {"leeds": {}},
        "channels": {
            "web": {
                "platform": "woocommerce",
                "base_url": "http://x",
                "key_env": "K",
                "secret_env": "S",
                "locations": ["leeds"],
            }
        },
        "tiers": {"refresh_minutes": 15},
    }
)


class Told:
    """Slack, as far as a look needs it; `ok` False: nobody can be reached."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.ok = True

    async def post(self, message: Message) -> Delivery:
        """Keep what is said."""
        self.messages.append(message)
        return Delivery(self.ok)


async def sold(pool: Pool, name: str, orders: int, units: int = 1, minutes_ago: float = 1.0) -> None:
    """Orders of A at Leeds on `web`, each of so many units."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    lines = (OrderLine("1", "A", "leeds", units, 0),)
    await post_orders(pool, [OrderSnapshot("web", f"{name}{n}", 1, at, lines, at) for n in range(orders)])


async def look(pool: Pool, told: Any, *, hours_later: float = 0.0) -> Spikes:
    """One look, now or later."""
    return await look_for_spikes(pool, SETTINGS, told, datetime.now(UTC) + timedelta(hours=hours_later))


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """The ledger with A listed on `web`, and what was told to it settled."""
    await catalogue.save_listings(shop, "web", [NewListing("A", "101", "101")], [""])
    return shop


async def state(pool: Pool) -> tuple[Tier, int]:
    """The tier of A, and what is kept from its listing for a spike."""
    card = await stock.sku_card(pool, "A")
    (listing,) = await stock.sku_listings(pool, "A", "web")
    (found,) = await levels.listing_states(pool, "web", [listing.listing_id], siblings=False)
    assert card is not None
    return card.tier, found.spiking


async def test_a_spike_begins_once_and_is_over_when_it_calms(listed: Pool) -> None:
    told = Told()
    await sold(listed, "a", 25)
    assert await state(listed) == (Tier.HOURLY, 0)
    await sql(listed, "DELETE FROM outbox")

    found = await look(listed, told)

    assert (found.begun, found.ended) == (["A"], [])
    assert await state(listed) == (Tier.REAL_TIME, 2)
    assert await sql(listed, "SELECT live, tier FROM outbox") == [(True, 0)]
    assert [message.text for message in told.messages] == ["A sells much faster than usual"]
    assert (await look(listed, told)).begun == []
    assert (await look(listed, told, hours_later=0.1)).begun == []
    assert len(told.messages) == 1

    await sql(listed, "DELETE FROM outbox")
    later = await look(listed, told, hours_later=1.5)
    assert (later.begun, later.ended) == ([], ["A"])
    assert await state(listed) == (Tier.HOURLY, 0)
    assert await sql(listed, "SELECT live, tier FROM outbox") == [(True, 2)]
    (row,) = await spikes.listed(listed, everything=True, limit=5)
    assert (row.sku, row.units, row.peak, row.usual, row.held_back) == ("A", 25, 25, 0.0, 2)
    assert row.ended_at is not None
    assert len(told.messages) == 1


async def test_a_bulk_order_or_what_is_usual_is_none(listed: Pool) -> None:
    told = Told()
    await sold(listed, "bulk", 1, units=500)
    assert (await look(listed, told)).begun == []
    # Twenty-five an hour are usual: six hundred a day.
    await sold(listed, "a", 25)
    await sql(listed, "INSERT INTO sku_velocity SELECT id, 600, now() FROM sku WHERE code = 'A'")
    assert (await look(listed, told, hours_later=0.1)).begun == []
    assert told.messages == []


async def test_what_grows_holds_back_more(listed: Pool) -> None:
    """Goal: the pace of the last hour until the slowest channel shows a change, which was measured to take a minute."""
    await sql(listed, "INSERT INTO propagation SELECT id, 60, 5, now() FROM channel WHERE name = 'web'")
    await sold(listed, "a", 200)
    await look(listed, Told())
    assert await state(listed) == (Tier.REAL_TIME, 4)
    await sold(listed, "b", 300)
    await look(listed, Told(), hours_later=0.1)
    assert await state(listed) == (Tier.REAL_TIME, 9)
    (row,) = await spikes.listed(listed, limit=5)
    assert (row.units, row.peak) == (200, 500)


async def test_it_goes_back_to_the_tier_it_has_by_then(listed: Pool) -> None:
    """Goal: what velocities say meanwhile is kept for later; the spike keeps it in the first tier until it is over."""
    await sold(listed, "a", 25)
    await look(listed, Told())
    slow = TierRules(real_time_per_day=1_000)
    await tiers.refresh_if_due(listed, slow, datetime.now(UTC))
    assert (await state(listed))[0] is Tier.REAL_TIME
    assert (await look(listed, Told(), hours_later=1.5)).ended == ["A"]
    assert (await state(listed))[0] is Tier.QUARTER_HOUR


async def test_four_that_look_at_once_find_it_once(listed: Pool) -> None:
    told = Told()
    await sold(listed, "a", 25)
    found = await asyncio.gather(*(look(listed, told) for _ in range(4)))
    assert sorted(each.begun for each in found) == [[], [], [], ["A"]]
    assert len(told.messages) == 1


async def test_who_cannot_be_told_is_told_by_the_next_look(listed: Pool) -> None:
    told = Told()
    told.ok = False
    await sold(listed, "a", 25)
    await look(listed, told)
    told.ok = True
    await look(listed, told, hours_later=0.1)
    await look(listed, told, hours_later=0.2)
    assert len(told.messages) == 2
