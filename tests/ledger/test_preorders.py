"""Pre-orders on a real ledger: what may be sold before it arrives, who waits for it, and when it arrives."""

from datetime import UTC, date, datetime, timedelta

import pytest

from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.purchase_orders import Closing, Delivery, DueChange, PurchaseOrder
from onhand.domain.rules import Rule
from onhand.domain.targets import targets_of
from onhand.ledger import catalogue, levels, oversells, preorders, purchase_orders, suppliers
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import Verdict
from onhand.ledger.suppliers import Supplier
from tests.fix_ledger import sql

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
PROMISED = date(2026, 12, 20)
SOON, LATE = date(2026, 12, 10), date(2027, 1, 15)
PLACES = {"": ("leeds", "london")}
RULES = RuleBook({name: ChannelRules(Rule(), PLACES) for name in ("web", "store")})


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """A on both channels, none of it there, and a supplier."""
    await catalogue.save_listings(shop, "web", [NewListing("A", "w-A", "A")], [""])
    await catalogue.save_listings(shop, "store", [NewListing("A", "s-A", "A")], [""])
    await suppliers.save_suppliers(shop, [Supplier("Acme", 14.0, 3.0)])
    return shop


async def buy(pool: Pool, units: int, code: str = "PO-1", due: date = SOON) -> None:
    """An order to the supplier."""
    await purchase_orders.place(
        pool, [PurchaseOrder("operator", code, "Acme", "leeds", (("A", units),), NOON, due)]
    )


async def came(pool: Pool, units: int, number: str = "d1", code: str = "PO-1") -> None:
    """Some of it."""
    await purchase_orders.receive(pool, Delivery("operator", number, code, (("A", units),), NOON))


async def sell(
    pool: Pool, number: str, units: int, minutes: int, *, version: int = 1, shipped: int = 0
) -> None:
    """An order of the web shop, placed so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    line = OrderLine("1", "A", "leeds", units - shipped, shipped)
    await post_orders(pool, [OrderSnapshot("web", number, version, at, (line,), at)])


async def shown(pool: Pool) -> dict[str, int]:
    """What each channel should show of A."""
    found = {}
    for channel in ("web", "store"):
        listings = [listing for listing, _ in await levels.listings_of_sku(pool, "A", channel)]
        for state in await levels.listing_states(pool, channel, listings, siblings=False):
            (found[channel],) = (target.quantity for target in targets_of(state, RULES))
    return found


async def queue(pool: Pool, *, settled: bool = False) -> list[tuple[str, int, int, int, str | None]]:
    """Order, units, covered, position and outcome of each promise."""
    await preorders.keep_promises(pool)
    found = await preorders.promises(pool, "A", settled=settled)
    return [(p.order_id, p.units, p.covered, p.position, p.outcome) for p in found]


async def test_what_is_put_off_is_promised_no_more_and_what_comes_sooner_is(listed: Pool) -> None:
    """Goal: the listings are told in the statement's own transaction; what was promised stays covered."""
    await buy(listed, 30)
    await preorders.open_(listed, "A", 40, PROMISED, [], "ann")
    await sell(listed, "1", 4, 1)
    await preorders.mark_news(listed)
    await sql(listed, "DELETE FROM outbox")

    stated = await purchase_orders.put_off(listed, DueChange("operator", "1", "PO-1", LATE, NOON, "ann"))

    assert stated.posted.verdict is Verdict.POSTED
    assert await sql(listed, "SELECT count(*) FROM outbox") == [(2,)]
    assert await shown(listed) == {"web": 0, "store": 0}
    assert await queue(listed) == [("1", 4, 4, 1, None)]
    (row,) = await preorders.listed(listed, sku="A")
    assert (row.short, row.due, row.incoming, row.left) == (4, 0, 30, 0)
    await purchase_orders.put_off(listed, DueChange("operator", "2", "PO-1", SOON, NOON, "ann"))
    assert await shown(listed) == {"web": 26, "store": 26}


async def test_channels_show_what_may_be_promised(listed: Pool) -> None:
    """Goal: what is due by the day, up to the cap, on the channels that may; the rest of the world shows 0."""
    await buy(listed, 30)
    await buy(listed, 50, "PO-2", LATE)
    assert await shown(listed) == {"web": 0, "store": 0}
    await preorders.open_(listed, "A", 40, PROMISED, ["web"], "ann")
    assert await shown(listed) == {"web": 30, "store": 0}
    await preorders.open_(listed, "A", 20, PROMISED, [], "ann")
    assert await shown(listed) == {"web": 20, "store": 20}
    await sell(listed, "1", 8, 1)
    assert await shown(listed) == {"web": 12, "store": 12}
    await preorders.open_(listed, "A", 100, LATE, [], "ann")
    assert await shown(listed) == {"web": 72, "store": 72}
    await came(listed, 30)
    assert await shown(listed) == {"web": 72, "store": 72}
    await preorders.close(listed, "A")
    assert await shown(listed) == {"web": 22, "store": 22}
    assert await preorders.close(listed, "A") is None


async def test_the_queue_is_served_in_the_order_of_its_time(listed: Pool) -> None:
    """Goal: orders beyond what is there wait; a part receipt serves the first, a cancellation moves the others up."""
    await buy(listed, 10)
    await preorders.open_(listed, "A", 10, PROMISED, [], "ann")
    await sell(listed, "2", 3, 20)
    await sell(listed, "1", 4, 10)
    await sell(listed, "3", 3, 30)
    assert await queue(listed) == [("1", 4, 4, 1, None), ("2", 3, 3, 2, None), ("3", 3, 3, 3, None)]
    await came(listed, 5)
    assert await queue(listed, settled=True) == [
        ("2", 2, 2, 1, None),
        ("3", 3, 3, 2, None),
        ("1", 4, 4, 1, "committed"),
    ]
    await sell(listed, "2", 0, 40, version=2)
    assert await queue(listed, settled=True) == [
        ("3", 2, 2, 1, None),
        ("2", 2, 2, 1, "cancelled"),
        ("1", 4, 4, 1, "committed"),
    ]
    await came(listed, 5, "d2")
    assert await queue(listed) == []


async def test_the_day_a_line_was_promised_for_stays(listed: Pool) -> None:
    """Goal: a later change of the day is for later orders."""
    await buy(listed, 10)
    await preorders.open_(listed, "A", 10, PROMISED, [], "ann")
    await sell(listed, "1", 4, 10)
    await preorders.keep_promises(listed)
    await preorders.open_(listed, "A", 10, LATE, [], "ann")
    await sell(listed, "2", 4, 20)
    await preorders.keep_promises(listed)
    days = [(p.order_id, p.promised_for) for p in await preorders.promises(listed, "A")]
    assert days == [("1", PROMISED), ("2", LATE)]


async def test_what_is_covered_is_no_oversell_and_what_is_beyond_is_one(listed: Pool) -> None:
    """Goal: within the cap and what comes, nothing is oversold; beyond either it is, by exactly what is beyond."""
    (sku,) = (row[0] for row in await sql(listed, "SELECT id FROM sku WHERE code = 'A'"))
    await buy(listed, 10)
    await sell(listed, "1", 6, 10)
    assert await oversells.short_skus(listed) == {sku: 6}
    await preorders.open_(listed, "A", 8, PROMISED, [], "ann")
    assert await oversells.short_skus(listed) == {}
    await sell(listed, "2", 3, 20)
    assert await oversells.short_skus(listed) == {sku: 1}
    assert await queue(listed) == [("1", 6, 6, 1, None), ("2", 3, 2, 2, None)]
    await preorders.open_(listed, "A", 20, PROMISED, [], "ann")
    assert await oversells.short_skus(listed) == {}
    # The supplier does not send the rest: what is promised and does not come is oversold.
    await came(listed, 5)
    await purchase_orders.close(listed, Closing("operator", "end", "PO-1", NOON, "sold out there"))
    assert await oversells.short_skus(listed) == {sku: 4}
    assert await queue(listed) == [("1", 1, 0, 1, None), ("2", 3, 0, 2, None)]


async def test_once_closed_no_more_is_covered_than_was_promised(listed: Pool) -> None:
    """Goal: closing keeps the promises, and what is freed is not promised again."""
    (sku,) = (row[0] for row in await sql(listed, "SELECT id FROM sku WHERE code = 'A'"))
    await buy(listed, 10)
    await preorders.open_(listed, "A", 8, PROMISED, [], "ann")
    await sell(listed, "1", 4, 10)
    await preorders.close(listed, "A")
    assert await oversells.short_skus(listed) == {}
    await sell(listed, "2", 1, 20)
    assert await oversells.short_skus(listed) == {sku: 1}
    await sell(listed, "1", 2, 30, version=2)
    await preorders.keep_promises(listed)
    assert await oversells.short_skus(listed) == {}
    await sell(listed, "3", 1, 40)
    assert await oversells.short_skus(listed) == {sku: 1}


async def test_more_on_its_way_is_shown_although_nothing_is_available(listed: Pool) -> None:
    """Goal: a purchase order moves nothing that is for sale, so the next look marks the listings; once."""
    await preorders.open_(listed, "A", 8, PROMISED, [], "ann")
    await sql(listed, "DELETE FROM outbox")
    assert await preorders.mark_news(listed) == set()
    await buy(listed, 10)
    await preorders.mark_news(listed)
    assert await sql(listed, "SELECT count(*) FROM outbox WHERE live") == [(2,)]
    await sql(listed, "DELETE FROM outbox")
    await preorders.mark_news(listed)
    assert await sql(listed, "SELECT count(*) FROM outbox") == [(0,)]


async def test_one_row_says_how_a_pre_order_stands(listed: Pool) -> None:
    """Goal: cap, on the way, due by the day, promised, and what is left of it."""
    await buy(listed, 10)
    await buy(listed, 50, "PO-2", LATE)
    await preorders.open_(listed, "A", 30, PROMISED, ["web"], "ann")
    await sell(listed, "1", 4, 10)
    (row,) = await preorders.listed(listed)
    assert (row.sku, row.cap, row.promised_for, row.channels, row.opened_by) == (
        "A",
        30,
        PROMISED,
        ("web",),
        "ann",
    )
    assert (row.short, row.incoming, row.due, row.covered, row.left) == (4, 60, 10, 4, 6)


async def test_late_promises_are_claimed_once(listed: Pool) -> None:
    """Goal: on the day after, and given back where nobody could be told."""
    await buy(listed, 10)
    await preorders.open_(listed, "A", 10, PROMISED, [], "ann")
    await sell(listed, "1", 4, 10)
    await preorders.keep_promises(listed)
    assert await preorders.claim_late(listed, PROMISED) == []
    (late,) = await preorders.claim_late(listed, PROMISED + timedelta(days=1))
    assert (late.sku, late.channel, late.order_id, late.units, late.promised_for) == (
        "A",
        "web",
        "1",
        4,
        PROMISED,
    )
    assert await preorders.claim_late(listed, PROMISED + timedelta(days=1)) == []
    await preorders.unclaim_late(listed, [late])
    assert await preorders.claim_late(listed, PROMISED + timedelta(days=1)) == [late]
