"""Stock that another party keeps: its counts alone are taken, and an order it fulfils is taken off exactly once."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.states import State
from onhand.ledger import catalogue, counters, orders, posting, stock
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.counters import Counter
from onhand.ledger.database import Pool
from onhand.ledger.posting import Posted, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAG = timedelta(minutes=30)


@pytest.fixture
async def fulfilled(shop: Pool) -> Pool:
    """The shop, with a location that amazon keeps."""
    await catalogue.save_places(shop, {"fba": "Amazon's"}, {})
    await counters.save(shop, {"fba": Counter("client/amazon", LAG)})
    return shop


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


async def _count(
    pool: Pool,
    quantity: int,
    minute: float,
    *,
    sku: str = "A",
    source: str = "client/amazon",
    location: str = "fba",
    meaning: CountMeaning = CountMeaning.AVAILABLE,
) -> Posted:
    name = f"{sku}@{location}@{minute}"
    count = Count(source, name, sku, location, quantity, meaning, at(minute))
    (answer,) = await posting.post_counts(pool, [count], record_agreement=False)
    return answer


async def _available(pool: Pool, sku: str = "A") -> int:
    return sum(
        row.units[State.AVAILABLE] for row in await stock.sku_balances(pool, sku) if row.location == "fba"
    )


def _order(sku: str, *, shipped: bool, minute: float) -> OrderSnapshot:
    line = OrderLine("1", sku, "fba", 0 if shipped else 2, 2 if shipped else 0)
    return OrderSnapshot("store", f"o-{sku}", int(minute), at(minute), (line,), at(0))


async def test_only_the_other_partys_counts_are_taken(fulfilled: Pool) -> None:
    """Goal: whoever else counts is refused with whose word it is; other locations are anybody's, and so is this one
    once the setting is gone."""
    assert (await _count(fulfilled, 10, 0)).verdict is Verdict.POSTED
    refused = await _count(fulfilled, 3, 60, source="operator")
    assert (refused.verdict, await _available(fulfilled)) == (Verdict.CONFLICT, 10)
    assert refused.message.startswith("fba is counted by client/amazon alone")
    assert (await _count(fulfilled, 3, 60, source="operator", location="leeds")).verdict is Verdict.POSTED

    await counters.save(fulfilled, {})
    assert (await _count(fulfilled, 3, 60, source="operator")).verdict is Verdict.POSTED
    assert await _available(fulfilled) == 3


async def test_a_multi_channel_order_is_taken_off_once_whoever_tells_of_it_first(fulfilled: Pool) -> None:
    """Goal: an order for two of ten, known to the other party in its snapshot of 12:40 and not in that of 12:01; its
    shipment; both snapshots. Method: every order in which they can be heard, each on a SKU of its own; in the end a
    snapshot of a time when everything is known."""
    ways = list(itertools.permutations(range(4)))
    await catalogue.save_skus(fulfilled, [CatalogueSku(f"W{n}") for n in range(len(ways))])
    for n, way in enumerate(ways):
        sku = f"W{n}"
        await _count(fulfilled, 10, -60, sku=sku)
        for step in way:
            match step:
                case 0:
                    await orders.post_orders(fulfilled, [_order(sku, shipped=False, minute=0)])
                case 1:
                    await orders.post_orders(fulfilled, [_order(sku, shipped=True, minute=50)])
                case 2:
                    await _count(fulfilled, 10, 1, sku=sku)
                case _:
                    await _count(fulfilled, 8, 40, sku=sku)
        assert await _available(fulfilled, sku) == 8, way
        await _count(fulfilled, 8, 120, sku=sku)
        assert await _available(fulfilled, sku) == 8, way


async def test_a_party_that_counts_what_lies_there_takes_an_order_off_when_it_is_shipped(
    fulfilled: Pool,
) -> None:
    """Goal: the same of a party whose number has open orders still in it: ten of 12:40, when the order is open, and
    eight of 13:40, when it is shipped since 12:50. Method: as above; the order is heard open, shipped, or both."""
    ways = list(itertools.permutations(range(4)))
    await catalogue.save_skus(fulfilled, [CatalogueSku(f"W{n}") for n in range(len(ways))])
    for n, way in enumerate(ways):
        sku = f"W{n}"
        await _count(fulfilled, 10, -60, sku=sku, meaning=CountMeaning.ON_HAND)
        for step in way:
            match step:
                case 0:
                    await orders.post_orders(fulfilled, [_order(sku, shipped=False, minute=0)])
                case 1:
                    await orders.post_orders(fulfilled, [_order(sku, shipped=True, minute=50)])
                case 2:
                    await _count(fulfilled, 10, 40, sku=sku, meaning=CountMeaning.ON_HAND)
                case _:
                    await _count(fulfilled, 8, 100, sku=sku, meaning=CountMeaning.ON_HAND)
        assert await _available(fulfilled, sku) == 8, way
        await _count(fulfilled, 8, 120, sku=sku, meaning=CountMeaning.ON_HAND)
        assert await _available(fulfilled, sku) == 8, way


async def test_within_the_lag_an_order_stays_taken_off_until_the_next_count_is_sure(fulfilled: Pool) -> None:
    """Goal: an order of 12:00, and counts of 12:20: whether it is in there nobody knows, so it is taken off."""
    await _count(fulfilled, 10, -60)
    await orders.post_orders(fulfilled, [_order("A", shipped=False, minute=0)])

    await _count(fulfilled, 8, 20)
    assert await _available(fulfilled) == 6
    await _count(fulfilled, 8, 31)
    assert await _available(fulfilled) == 8
