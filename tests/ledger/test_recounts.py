"""Counts that stay true, on a real ledger: the same as in memory, whoever comes first, and taken back as a whole."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings

from onhand.domain import movements, recounts
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.states import State
from onhand.ledger import catalogue, history, orders, posting, recounting, reversal, stock
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from tests.domain.test_recounts import History, histories
from tests.fix_ledger import sql

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HISTORIES = 40


def _generated() -> list[History]:
    found: list[History] = []

    @settings(max_examples=HISTORIES, database=None, derandomize=True, deadline=None)
    @given(histories(lag=15))
    def collect(each: History) -> None:
        found.append(each)

    collect()
    return found


def _own(each: OrderSnapshot | Count, n: int) -> OrderSnapshot | Count:
    """The same of a SKU and order of its own."""
    if isinstance(each, Count):
        return replace(each, sku=f"M{n}", external_id=f"{n}-{each.external_id}")
    lines = tuple(replace(line, sku=f"M{n}") for line in each.lines)
    return replace(each, channel="store", order_id=f"{n}-{each.order_id}", lines=lines)


def _count(quantity: int, at: datetime, name: str, sku: str = "A", source: str = "erp") -> Count:
    return Count(source, name, sku, "leeds", quantity, CountMeaning.AVAILABLE, at)


def _order(name: str, at: datetime, sku: str = "A") -> OrderSnapshot:
    return OrderSnapshot("store", name, 1, at, (OrderLine("1", sku, "leeds", 1, 0),), at)


async def _say(pool: Pool, count: Count) -> Verdict:
    (answer,) = await posting.post_counts(pool, [count], record_agreement=False)
    return answer.verdict


async def _available(pool: Pool, sku: str = "A") -> int:
    return sum(row.units[State.AVAILABLE] for row in await stock.sku_balances(pool, sku))


async def test_the_ledger_ends_where_the_rules_say_for_every_interleaving(shop: Pool) -> None:
    """Goal: what is proven of the domain's functions holds of the statements that speak of them.

    Method: generated histories of snapshots, orders and shipments, with lag, each on a shelf of its own.
    """
    told = _generated()
    await catalogue.save_skus(shop, [CatalogueSku(f"M{n}") for n in range(len(told))])
    for n, each in enumerate(told):
        for said in (_own(each, n) for each in each.heard):
            if isinstance(said, Count):
                await _say(shop, said)
            else:
                await orders.post_orders(shop, [said])
        assert await _available(shop, f"M{n}") == each.told().available
    assert len(told) == HISTORIES
    assert await sql(shop, "SELECT count(*) > 0 FROM event WHERE source = 'recount'") == [(True,)]


async def test_a_sale_heard_after_a_count_that_knew_of_it_is_taken_once(shop: Pool) -> None:
    """Goal: the sale is posted, with its commitment; beside it the count stays what it was. Again nothing changes."""
    await _say(shop, _count(10, NOON, "c-1"))
    order = _order("1", NOON - timedelta(minutes=1))

    await orders.post_orders(shop, [order])
    await orders.post_orders(shop, [order])

    (row,) = await stock.sku_balances(shop, "A")
    assert (row.units[State.AVAILABLE], row.units[State.COMMITTED]) == (10, 1)
    recount, _, _ = await history.newest_events(shop, 3)
    assert (recount.source, recount.kind) == ("recount", "count")
    assert recount.external_id.startswith("erp/c-1/channel/store/1@1/order/")
    assert recount.detail["counted_by"] == "erp"
    await orders.post_orders(shop, [_order("2", NOON + timedelta(minutes=1))])
    assert await _available(shop) == 9


async def test_an_older_count_that_comes_later_says_nothing(shop: Pool) -> None:
    await _say(shop, _count(9, NOON, "c-2"))

    assert await _say(shop, _count(10, NOON - timedelta(minutes=5), "c-1")) is Verdict.STALE
    assert await _say(shop, _count(8, NOON, "c-3")) is Verdict.POSTED
    assert await _available(shop) == 8


async def test_a_count_that_agreed_is_as_good_as_one_that_did_not(shop: Pool) -> None:
    """Goal: what leaves no event is remembered all the same."""
    await _say(shop, _count(10, NOON - timedelta(hours=1), "c-1"))
    assert await _say(shop, _count(10, NOON, "c-2")) is Verdict.UNCHANGED

    await orders.post_orders(shop, [_order("1", NOON - timedelta(minutes=1))])

    assert await _available(shop) == 10


async def test_a_count_against_a_version_knows_nothing_of_what_comes_after_it(shop: Pool) -> None:
    await _say(shop, _count(10, NOON, "c-1"))
    (row,) = await stock.sku_balances(shop, "A")
    counted = replace(_count(7, NOON + timedelta(hours=1), "c-2"), base_version=row.version)
    assert await _say(shop, counted) is Verdict.POSTED

    await orders.post_orders(shop, [_order("1", NOON - timedelta(minutes=1))])

    assert await _available(shop) == 6


async def test_no_count_knows_of_what_is_still_to_come(shop: Pool) -> None:
    """Goal: a moment mistyped into the future does not swallow the sales until then."""
    await _say(shop, _count(10, datetime.now(UTC) + timedelta(days=900), "c-1"))

    await orders.post_orders(shop, [_order("1", datetime.now(UTC) + timedelta(seconds=1))])

    assert await _available(shop) == 9


async def test_what_a_channel_shows_knows_of_no_other_channels_sales(shop: Pool) -> None:
    """Goal: a level that counts because its channel is an authority is no reason to give back what others sold."""
    await _say(shop, _count(10, NOON, "c-1", source="channel/web/authority"))

    await orders.post_orders(shop, [_order("1", NOON - timedelta(minutes=1))])

    assert await _available(shop) == 9


async def test_a_movement_stated_late_is_absorbed_like_a_sale(shop: Pool) -> None:
    await _say(shop, _count(10, NOON, "c-1"))
    receipt = Movement("wms", "r-1", EventKind.RECEIPT, "A", "leeds", 5, NOON - timedelta(minutes=1))

    await posting.post_events(shop, [movements.event_of(receipt)])

    assert await _available(shop) == 10


async def test_whoever_comes_first_the_count_is_true(shop: Pool) -> None:
    """Goal: a late sale and the count that knew of it, posted at the same time, forty times: never taken twice."""
    await catalogue.save_skus(shop, [CatalogueSku(f"R{n}") for n in range(40)])

    async def both(n: int) -> None:
        sku, at = f"R{n}", NOON - timedelta(minutes=1)
        await asyncio.gather(
            _say(shop, _count(10, NOON, f"c-{n}", sku)), orders.post_orders(shop, [_order(f"r{n}", at, sku)])
        )

    await asyncio.gather(*(both(n) for n in range(40)))

    assert {await _available(shop, f"R{n}") for n in range(40)} == {10}


async def test_counts_looked_up_before_the_balances_are_locked_would_be_missed(shop: Pool) -> None:
    """Goal: the negative control of the test above: looked up too early, the count is missed, the sale taken twice."""
    sale = movements.event_of(
        Movement("till", "t-1", EventKind.WRITE_OFF, "A", "leeds", 1, NOON - timedelta(minutes=1))
    )
    async with shop.connection() as connection:
        seen = await recounting.read(await recounting.ask(connection, {("A", "leeds")}))
    await _say(shop, _count(10, NOON, "c-1"))
    assert recounts.recounts_of(sale, seen) == []
    async with shop.connection() as connection:
        found = await recounting.read(await recounting.ask(connection, {("A", "leeds")}))
    assert len(recounts.recounts_of(sale, found)) == 1


async def test_a_count_that_is_taken_back_takes_its_recounts_with_it(shop: Pool) -> None:
    """Goal: a wrong count of 5, a sale that it knew of, and the count taken back: what there was, less the sale."""
    await posting.post_events(
        shop,
        [
            movements.event_of(
                Movement("wms", "r", EventKind.RECEIPT, "A", "leeds", 10, NOON - timedelta(hours=1))
            )
        ],
    )
    (count,) = await posting.post_counts(shop, [_count(5, NOON, "c-1")], record_agreement=False)
    await orders.post_orders(shop, [_order("1", NOON - timedelta(minutes=1))])
    assert await _available(shop) == 5
    assert count.event_id is not None

    answers = await reversal.reverse(shop, [count.event_id], "wrong shelf", woken=None, write=True)

    assert [answer.outcome for answer in answers] == ["reversed", "reversed"]
    assert await _available(shop) == 9
    await orders.post_orders(shop, [_order("2", NOON - timedelta(minutes=1))])
    assert await _available(shop) == 8


async def test_what_is_taken_back_from_before_a_count_changes_nothing_and_says_so(shop: Pool) -> None:
    receipt = Movement("wms", "r", EventKind.RECEIPT, "A", "leeds", 10, NOON - timedelta(hours=1))
    (posted,) = await posting.post_events(shop, [movements.event_of(receipt)])
    await _say(shop, _count(4, NOON, "c-1"))
    assert posted.event_id is not None

    (ahead,) = await reversal.reverse(shop, [posted.event_id], "", woken=None, write=False)
    (answer,) = await reversal.reverse(shop, [posted.event_id], "", woken=None, write=True)

    assert (ahead.counted_since, answer.counted_since, await _available(shop)) == (True, True, 4)
