"""BigCommerce's orders: reduced by status and settings, put in order by version, fetched in few calls."""

import random
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onhand.channels.base import ItemRef
from onhand.channels.bigcommerce import BigCommerce
from onhand.channels.bigcommerce.orders import (
    StockSettings,
    lines_in,
    order_of,
    version_at,
)
from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, RowRejected, SameKeyRetry
from onhand.domain.sales import LINES_MAX, ChannelOrder, SoldLine, as_json, from_json, version_of
from onhand.sandbox.orders import Order
from onhand.sandbox.shop import Item
from tests.channels.case_bigcommerce import MAIN, OUTLET, Store, store
from tests.fix_channels import BASE_URL, FakeClock, Wire

Json = dict[str, Any]
PLACED = StockSettings(late=False, restocks=True)
KEEPS = StockSettings(late=False, restocks=False)
LATE = StockSettings(late=True, restocks=True)
CREATED = datetime(2026, 11, 27, 8, 0, 0, tzinfo=UTC)
CHANGED = datetime(2026, 11, 27, 9, 30, 5, tzinfo=UTC)
FETCHED = int(CHANGED.timestamp() * 1_000) + 1_250


def row(status: int = 11, **further: Any) -> Json:
    """An order as v2 shows it, as far as it matters."""
    return {
        "id": 250,
        "status_id": status,
        "date_created": "Fri, 27 Nov 2026 08:00:00 +0000",
        "date_modified": "Fri, 27 Nov 2026 09:30:05 +0000",
        **further,
    }


def line(quantity: int = 3, shipped: int = 0, refunded: int = 0, **further: Any) -> Json:
    return {
        "id": 71,
        "product_id": 206,
        "variant_id": 509,
        "sku": "A-1",
        "type": "physical",
        "quantity": quantity,
        "quantity_shipped": shipped,
        "quantity_refunded": refunded,
        "parent_order_product_id": None,
        **further,
    }


def reduced(status: int, settings: StockSettings, *lines: Json) -> ChannelOrder:
    return order_of(row(status), [("", each) for each in lines], settings, FETCHED)


def pieces(order: ChannelOrder) -> list[tuple[int, int]]:
    return [(each.open, each.fulfilled) for each in order.lines]


# Reduction


def test_an_order_is_reduced_to_what_stock_needs() -> None:
    """Goal: ids, both ways to name the listing, pieces, place, times; the version is within the change's second."""
    order = order_of(row(), [("2", line(3, 1))], PLACED, FETCHED)
    assert order == ChannelOrder(
        order_id="250",
        version=version_of(CHANGED) + 501_250,
        placed_at=CREATED,
        updated_at=CHANGED,
        lines=(SoldLine("71", ("v509", "p206"), "A-1", 2, 1, "2"),),
    )
    assert from_json(as_json(order)) == order


@pytest.mark.parametrize("status", [1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14])
@pytest.mark.parametrize("settings", [PLACED, KEEPS, LATE])
def test_every_other_status_is_demand(status: int, settings: StockSettings) -> None:
    """Goal: what is ordered is demand from then on, whatever the merchant does with it and however stock is set."""
    assert pieces(reduced(status, settings, line(3, 1), line(2, 2), line(5))) == [(2, 1), (0, 2), (5, 0)]


@pytest.mark.parametrize("status", [0, 4, 5, 6])
@pytest.mark.parametrize(("settings", "gone"), [(PLACED, 0), (KEEPS, 1), (LATE, 0)])
def test_incomplete_refunded_cancelled_and_declined_take_nothing(
    status: int, settings: StockSettings, gone: int
) -> None:
    """Goal: nothing is open; what was shipped stays gone only where the store does not put it back."""
    assert pieces(reduced(status, settings, line(3), line(3, 1))) == [(0, 0), (0, gone)]


@pytest.mark.parametrize(
    ("quantity", "shipped", "refunded", "restocked", "kept"),
    [
        (3, 0, 1, (2, 0), (2, 0)),
        (3, 0, 3, (0, 0), (0, 0)),
        (3, 3, 1, (0, 2), (0, 3)),
        (3, 3, 3, (0, 0), (0, 3)),
        (3, 1, 1, (1, 1), (1, 1)),
        (3, 1, 3, (0, 0), (0, 1)),
        (3, 1, 9, (0, 0), (0, 1)),
        (3, 5, 0, (0, 3), (0, 3)),
        (-1, 0, 0, (0, 0), (0, 0)),
    ],
)
def test_refunded_pieces_by_the_stores_setting(
    quantity: int, shipped: int, refunded: int, restocked: tuple[int, int], kept: tuple[int, int]
) -> None:
    """Goal: open pieces are given back first; shipped ones come back only where the store puts them on its shelf."""
    one = line(quantity, shipped, refunded)
    assert pieces(reduced(14, PLACED, one)) == [restocked]
    assert [each.returned for each in reduced(14, PLACED, one).lines] == [
        min(shipped, max(quantity, 0)) - restocked[1]
    ]
    assert [each.returned for each in reduced(14, KEEPS, one).lines] == [0]
    assert pieces(reduced(14, KEEPS, one)) == [kept]


@pytest.mark.parametrize(
    ("status", "shipped", "deducted"),
    [(11, 0, False), (3, 1, False), (3, 3, True), (2, 0, True), (10, 0, True)],
)
def test_a_store_that_takes_pieces_off_late_says_so(status: int, shipped: int, deducted: bool) -> None:
    """Goal: pieces the store still shows are told apart until it is completed or shipped; usually none are."""
    late = reduced(status, LATE, line(3, shipped))
    assert late.deducted is deducted
    assert from_json(as_json(late)) == late
    assert reduced(status, PLACED, line(3, shipped)).deducted
    assert replace(late, deducted=True) == reduced(status, PLACED, line(3, shipped))


def test_of_a_bundle_the_children_count() -> None:
    """Goal: children or parent, never both; a parent whose children are not told counts itself."""
    parent = line(2, id=71, sku="KIT", is_bundled_product=True)
    child = line(4, id=72, parent_order_product_id=71)
    assert [each.line_id for each in reduced(11, PLACED, parent, child).lines] == ["72"]
    assert [each.line_id for each in reduced(11, PLACED, parent).lines] == ["71"]


def test_how_lines_name_what_was_sold() -> None:
    """Goal: a custom product is named by its SKU alone; what is on no shelf is left out."""
    custom = line(id=1, product_id=0, variant_id=None)
    plain = line(id=2, variant_id=0)
    nameless = line(id=3, product_id=0, variant_id=0, sku="")
    voucher = line(id=4, type="giftcertificate")
    order = reduced(11, PLACED, custom, plain, nameless, voucher)
    assert [(each.line_id, each.refs, each.sku) for each in order.lines] == [
        ("1", (), "A-1"),
        ("2", ("p206",), "A-1"),
    ]


def test_an_order_never_changed_has_the_time_it_was_placed() -> None:
    """Goal: an empty date is no reason to refuse an order."""
    order = order_of(row(date_modified=""), [("", line())], PLACED, FETCHED)
    assert order.updated_at == CREATED


def consigned(*, items_total: int = 4, lines: Json | None = None, **consignments: Any) -> Json:
    parts = {
        "pickups": [],
        "shipping": [],
        "downloads": [],
        "email": {"gift_certificates": []},
        **consignments,
    }
    return row(items_total=items_total, consignments=parts)


def test_lines_come_from_every_kind_of_consignment() -> None:
    """Goal: picked up, sent, downloaded and mailed lines are all found; only a pickup tells a place."""
    pickup = {"location": {"id": 2}, "line_items": [line(1, id=1)]}
    odd = {"location": None, "line_items": [line(1, id=2)]}
    order = consigned(
        pickups=[pickup, odd],
        shipping=[{"line_items": [line(1, id=3)]}, {"line_items": []}, {}],
        downloads=[{"line_items": [line(1, id=4)]}],
        email={"gift_certificates": [{"line_items": [line(1, id=5)]}]},
    )
    lines = lines_in(order)
    assert lines is not None
    assert [(place, each["id"]) for place, each in lines] == [("2", 1), ("", 2), ("", 3), ("", 4), ("", 5)]


@pytest.mark.parametrize(
    "order",
    [
        row(items_total=0),
        row(consignments={"url": "https://x", "resource": "/orders/250/consignments"}),
        consigned(items_total=4, shipping=[{"line_items": [line(3)]}]),
        consigned(items_total=3, shipping=[{"line_items": [{"resource": "/orders/250/products/71"}]}]),
        consigned(items_total=3, downloads=[{"line_items": {"resource": "/orders/250/products/71"}}]),
        consigned(items_total=50, shipping=[{"line_items": [line(1)] * 50}]),
    ],
)
def test_lines_that_are_not_all_there_have_to_be_asked_for(order: Json) -> None:
    """Goal: no line is lost where a list ends early, or holds links in place of lines."""
    assert lines_in(order) is None


# Versions


@given(
    changes=st.lists(st.floats(0, 4), min_size=1, max_size=6),
    fetches=st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, 2)), max_size=8),
    skew=st.floats(-400, 400),
    seed=st.integers(),
)
def test_the_last_state_has_the_highest_version_in_whatever_order_answers_come(
    changes: list[float], fetches: list[tuple[float, float]], skew: float, seed: int
) -> None:
    """Goal: however changes fall into one second, whatever is fetched when, and however late answers come, the fetch
    that the last change caused wins; what was fetched before it never replaces it.

    Method: a store of which only the number of its last change is seen, with its time in whole seconds. Each change
    makes us fetch (a request begins after it, the store looks some time later), and some fetches are for nothing (a
    sweep). Our clock is `skew` seconds off. Requests begin at least a millisecond apart.
    """
    base = CHANGED.timestamp()
    moments = sorted(changes)
    caused = [(moment + 0.002, 0.05) for moment in moments]
    started: list[tuple[float, float]] = []
    for begun, takes in sorted([*caused, *fetches]):
        after = max(begun, started[-1][0] + 0.0011 if started else 0.0)
        started.append((after, after + takes))
    seen = []
    for begun, looked in started:
        known = [at for at, moment in enumerate(moments) if moment <= looked]
        if known:
            second = datetime.fromtimestamp(int(base + moments[known[-1]]), UTC)
            seen.append((version_at(second, int((base + begun + skew) * 1_000)), known[-1]))
    random.Random(seed).shuffle(seen)
    held = max(seen)
    assert held[1] == len(moments) - 1
    kept = (-1, -1)
    for version, state in seen:
        kept = (version, state) if version > kept[0] else kept
    assert kept[1] == len(moments) - 1


@given(st.integers(-1_000_000, 100_000_000), st.integers(-1_000_000, 100_000_000))
def test_a_version_grows_with_the_change_and_then_with_the_fetch(first: int, second: int) -> None:
    """Goal: a later change is always newer; of one change the later fetch is never older; never out of its second."""
    earlier, later = sorted((first, second))
    at = int(CHANGED.timestamp()) * 1_000
    assert version_at(CHANGED, at + earlier) <= version_at(CHANGED, at + later)
    assert version_at(CHANGED, at + later) < version_at(CHANGED + timedelta(seconds=1), at + earlier)
    assert 0 <= version_at(CHANGED, at + earlier) - version_of(CHANGED) < 1_000_000


# Fetching


class Bench:
    """A sandbox store that has sold, and an adapter on it."""

    def __init__(self, clock: FakeClock, **changes: Any) -> None:
        self.store: Store = store(clock, **changes)
        self.clock = clock
        self.wire = Wire(self.store.case.app)
        channel = self.store.case.make_adapter(base_url=BASE_URL, transport=self.wire)
        assert isinstance(channel, BigCommerce)
        self.channel = channel
        self.refs: list[ItemRef] = self.store.case.fill(5)

    def sell(self, count: int, *, apart: float = 1.0) -> list[str]:
        """So many orders of one piece, `apart` seconds from one another; answers their ids."""
        ids = []
        for _ in range(count):
            ids.append(self.store.book.place([(self.refs[0].item_id, MAIN, 1)]).order_id)
            self.clock.advance(apart)
        return ids

    async def changed(self, since: datetime) -> list[ChannelOrder]:
        return [order async for page in self.channel.orders.changed(since) for order in page]

    async def calls(self, doing: Awaitable[list[ChannelOrder]]) -> tuple[list[str], dict[str, int]]:
        """The ids that came, and which calls that took; every exchange keeps to the published contract."""
        self.store.case.traffic.clear()
        self.wire.exchanges.clear()
        found = await doing
        for exchange in self.wire.exchanges if self.store.case.validator else ():
            assert self.store.case.validator is not None
            self.store.case.validator(exchange)
        return [order.order_id for order in found], dict(self.store.case.traffic.calls)

    def says(self, *answers: Response | None) -> None:
        """The next requests are answered so, in the platform's stead; None lets one pass."""
        waiting = list(answers)

        async def hook(request: Request) -> Response | None:
            return waiting.pop(0) if waiting else None

        self.store.case.traffic.hooks.append(hook)


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


SETTINGS = {"getSettingsInventory": 1}


async def test_250_neighbours_are_one_call(bench: Bench) -> None:
    """Goal: a burst of thin webhooks costs one call; the settings are asked for once in ten minutes."""
    ids = bench.sell(251)
    shuffled = random.Random(1).sample(ids[:250], 250)
    assert await bench.calls(bench.channel.orders.read(shuffled)) == (ids[:250], {"getOrders": 1, **SETTINGS})
    assert await bench.calls(bench.channel.orders.read(ids[:250])) == (ids[:250], {"getOrders": 1})
    assert await bench.calls(bench.channel.orders.read(ids)) == (ids, {"getOrders": 2})
    bench.clock.advance(600)
    assert await bench.calls(bench.channel.orders.read([ids[7]])) == ([ids[7]], {"getOrders": 1, **SETTINGS})


async def test_ranges_are_as_few_as_they_can_be(bench: Bench) -> None:
    """Goal: ids that span no more than a page share a call; what lies between them is not given."""
    ids = bench.sell(600, apart=0.01)
    picked = [ids[0], ids[249], ids[250], ids[499], ids[599]]
    assert await bench.calls(bench.channel.orders.read(picked)) == (picked, {"getOrders": 3, **SETTINGS})
    asked = [exchange.request.url.params for exchange in bench.wire.exchanges[1:]]
    ranges = sorted((int(params["min_id"]), int(params["max_id"])) for params in asked)
    assert ranges == [(450, 699), (700, 949), (1_049, 1_049)]


async def test_what_is_gone_or_no_id_is_left_out(bench: Bench) -> None:
    """Goal: an order that was deleted is no error; where the last ones asked for are missing, it is asked once more."""
    ids = bench.sell(4)
    del bench.store.book.orders[ids[1]], bench.store.book.orders[ids[3]]
    found = await bench.calls(bench.channel.orders.read([*ids, "x", ids[0]]))
    assert found == ([ids[0], ids[2]], {"getOrders": 2, **SETTINGS})
    assert await bench.calls(bench.channel.orders.read([ids[3]])) == ([], {"getOrders": 1})
    assert await bench.calls(bench.channel.orders.read(["", "gid://1"])) == ([], {})
    assert await bench.calls(bench.channel.orders.read([])) == ([], {})


async def test_an_answer_that_ends_early_is_gone_on_with(bench: Bench) -> None:
    """Goal: a store that gives fewer orders in a call than were asked for loses none."""
    ids = bench.sell(5)
    first = await bench.channel.orders.read(ids)
    whole = bench.wire.exchanges[-1].response.json()
    bench.says(JSONResponse(whole[:2]), JSONResponse(whole[2:4]))
    again = await bench.channel.orders.read(ids)
    assert [replace(order, version=0) for order in again] == [replace(order, version=0) for order in first]


async def test_what_read_gives_is_what_changed_gives(bench: Bench) -> None:
    """Goal: a sweep and a webhook's fetch tell the same of an order, whatever became of it."""
    book, (first, second, *_) = bench.store.book, bench.refs
    began = datetime.fromtimestamp(bench.clock.now(), UTC)
    bench.store.case.shop.add(Item("60", "MUG", "Mug", parent_id="60", tracking="product"))

    def placed() -> Order:
        bench.clock.advance(1)
        return book.place([(first.item_id, MAIN, 3), (second.item_id, OUTLET, 2), ("60", MAIN, 1)])

    orders = [placed() for _ in range(6)]
    book.ship(orders[1].order_id)
    book.cancel(orders[2].order_id)
    book.reduce(orders[3].order_id, orders[3].lines[0].line_id, 1)
    book.ship(orders[4].order_id)
    book.refund(orders[4].order_id, orders[4].lines[0].line_id, 2, restock=True)
    orders[5].lines[1].shipped = 2
    book.cancel(orders[5].order_id)
    bench.clock.advance(5)
    swept = sorted(await bench.changed(began), key=lambda order: order.order_id)
    fetched = await bench.channel.orders.read([order.order_id for order in orders])
    assert [replace(order, version=0) for order in swept] == [replace(order, version=0) for order in fetched]
    assert all(late.version > early.version for late, early in zip(fetched, swept, strict=True))
    assert [pieces(order) for order in fetched] == [
        [(3, 0), (2, 0), (1, 0)],
        [(0, 3), (0, 2), (0, 1)],
        [(0, 0), (0, 0), (0, 0)],
        [(2, 0), (2, 0), (1, 0)],
        [(0, 1), (0, 2), (0, 1)],
        [(0, 0), (0, 2), (0, 0)],
    ]
    for sold, order in zip(fetched, orders, strict=True):
        truth = {each.line_id: (each.open, each.shipped - each.restocked) for each in order.lines}
        assert {each.line_id: (each.open, each.fulfilled) for each in sold.lines} == truth
        assert {each.line_id: each.place for each in sold.lines} == {
            each.line_id: each.place if each.place == OUTLET else "" for each in order.lines
        }
        assert sold.placed_at == datetime.fromtimestamp(int(order.created_at), UTC)
        assert sold.updated_at == datetime.fromtimestamp(int(order.updated_at), UTC)
    found = {item.order_ref: item.sku async for page in bench.channel.discover() for item in page}
    named = {found[next(ref for ref in each.refs if ref in found)] for each in fetched[0].lines}
    assert named == {"SKU-000000", "SKU-000001", "MUG"}


async def test_a_change_within_the_same_second_is_newer(bench: Bench) -> None:
    """Goal: two fetches of an order whose second change has the time of the first are told apart."""
    (order,) = bench.sell(1, apart=0.01)
    (before,) = await bench.channel.orders.read([order])
    bench.store.book.cancel(order)
    (after,) = await bench.channel.orders.read([order])
    assert before.updated_at == after.updated_at
    assert after.version > before.version
    assert (pieces(before), pieces(after)) == ([(1, 0)], [(0, 0)])


async def test_an_unchanged_order_keeps_its_version_once_its_second_is_long_over(bench: Bench) -> None:
    """Goal: sweeps that meet an order again and again give the same of it."""
    (order,) = bench.sell(1)
    bench.clock.advance(600)
    first = await bench.channel.orders.read([order])
    bench.clock.advance(600)
    assert await bench.channel.orders.read([order]) == first


async def test_a_clock_set_back_makes_no_version_older(bench: Bench) -> None:
    """Goal: whatever is done to the machine's clock, a later fetch of this program is the newer one."""
    (order,) = bench.sell(1)
    (first,) = await bench.channel.orders.read([order])
    bench.clock.advance(-30)
    (second,) = await bench.channel.orders.read([order])
    assert second.version == first.version + 1


async def test_a_sweep_goes_page_by_page_from_the_last_second(bench: Bench) -> None:
    """Goal: every order once, oldest change first; the second of `since` counts whole.

    A page begins with the order the last one ended with. The last call shows that the store did not stop early;
    a page of fewer than 50 needs none.
    """
    ids = bench.sell(600)
    moved = bench.store.book.orders[ids[0]]
    bench.store.book.ship(moved.order_id)
    since = datetime.fromtimestamp(bench.store.book.orders[ids[1]].updated_at, UTC) + timedelta(seconds=0.9)
    found = await bench.calls(bench.changed(since))
    assert found == ([*ids[1:], ids[0]], {"getOrders": 4, **SETTINGS})
    assert await bench.calls(bench.changed(since + timedelta(hours=1))) == ([], {"getOrders": 1})
    small = datetime.fromtimestamp(bench.store.book.orders[ids[590]].updated_at, UTC)
    assert await bench.calls(bench.changed(small)) == ([*ids[590:], ids[0]], {"getOrders": 1})


async def test_a_sweep_gets_through_a_second_with_more_than_a_page(bench: Bench) -> None:
    """Goal: orders that were all changed in one second (a bulk edit) are all found, each once."""
    early, bulk = bench.sell(10), bench.sell(700, apart=0.0001)
    bench.clock.advance(5)
    late = bench.sell(10)
    since = datetime.fromtimestamp(bench.clock.now() - 600, UTC)
    ids, calls = await bench.calls(bench.changed(since))
    assert sorted(ids, key=int) == sorted([*early, *bulk, *late], key=int)
    assert len(ids) == len(set(ids)) == 720
    assert calls == {"getOrders": 5, **SETTINGS}


async def test_an_order_changed_while_it_is_swept_hides_no_other(bench: Bench) -> None:
    """Goal: changes move orders to the end under our feet, and none is skipped."""
    ids = bench.sell(500)
    since = datetime.fromtimestamp(bench.clock.now() - 1_000, UTC)
    seen: list[str] = []
    async for page in bench.channel.orders.changed(since):
        seen += [order.order_id for order in page]
        for number in ids[:100]:
            if len(seen) == 250:
                bench.store.book.ship(number)
                bench.clock.advance(1)
    assert set(seen) == set(ids)
    assert len(seen) == 600


async def test_the_lines_of_a_long_order_are_asked_for(bench: Bench) -> None:
    """Goal: an order with more lines than come along loses none, and keeps the places that were told."""
    wanted = [(bench.refs[0].item_id, OUTLET, 1)] + [
        (bench.refs[at % 5].item_id, MAIN, 1) for at in range(269)
    ]
    order = bench.store.book.place(wanted)
    ids, calls = await bench.calls(bench.channel.orders.read([order.order_id]))
    assert (ids, calls) == ([order.order_id], {"getOrders": 1, "getOrderProducts": 2, **SETTINGS})
    (sold,) = await bench.channel.orders.read([order.order_id])
    assert [each.line_id for each in sold.lines] == [each.line_id for each in order.lines]
    assert [each.place for each in sold.lines] == [OUTLET] + [""] * 269


async def test_the_stores_settings_decide(clock: FakeClock) -> None:
    """Goal: what the store was told about refunds and about when pieces are taken off is asked of it."""
    bench = Bench(
        clock, refund_order_stock_adjustment=False, update_stock_behavior="order_completed_or_shipped"
    )
    (number,) = bench.sell(1)
    (placed,) = await bench.channel.orders.read([number])
    order = bench.store.book.ship(number)
    bench.store.book.refund(number, order.lines[0].line_id, 1, restock=False)
    (refunded,) = await bench.channel.orders.read([number])
    assert (placed.deducted, pieces(placed)) == (False, [(1, 0)])
    assert (refunded.deducted, pieces(refunded)) == (True, [(0, 1)])


# What can go wrong


@pytest.mark.parametrize(
    ("scopes", "needed"),
    [
        (("store_v2_information_read_only",), "store_v2_orders_read_only"),
        (("store_v2_orders_read_only",), "store_v2_information_read_only"),
    ],
)
async def test_a_missing_scope_is_named(clock: FakeClock, scopes: tuple[str, ...], needed: str) -> None:
    """Goal: an account without the right is told which one to grant."""
    bench = Bench(clock, scopes=scopes)
    with pytest.raises(CredentialsBad, match=f"needs the scope {needed}"):
        await bench.channel.orders.read(["450"])


SETTINGS_BODY = {
    "data": {"update_stock_behavior": "order_placed", "refund_order_stock_adjustment": True},
    "meta": {},
}


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (b'[{"id": 450, "billing_address": "Marked Buyer', SameKeyRetry, "the answer is not JSON"),
        (b'{"name": "Marked Buyer"}', ChannelDown, "no list of objects"),
        (b'["Marked Buyer"]', ChannelDown, "no list of objects"),
        (b'[{"name": "Marked Buyer"}]', ChannelDown, "KeyError('id')"),
        (
            b'[{"id": "Marked Buyer", "date_modified": ""}]',
            ChannelDown,
            "another shape than documented: ValueError",
        ),
        (b'[{"id": 450, "date_modified": "Marked Buyer", "consignments": {}}]', ChannelDown, "another shape"),
        (b'[{"id": 1, "date_modified": ""}]', ChannelDown, "other orders came than asked for"),
    ],
)
async def test_an_answer_of_another_shape_is_told_without_what_is_in_it(
    clock: FakeClock, body: bytes, error: type[ChannelError], said: str
) -> None:
    """Goal: whatever is wrong with an order, no name or address gets into an error."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "settings" in request.url.path:
            return httpx.Response(200, json=SETTINGS_BODY)
        return httpx.Response(200, content=b"[]" if "products" in request.url.path else body)

    transport = httpx.MockTransport(answer)
    channel = BigCommerce(
        "bc", BASE_URL, "secret-token", [MAIN], transport=transport, clock=clock.now, sleep=clock.sleep
    )
    with pytest.raises(error) as failure:
        await channel.orders.read(["450"])
    assert said in str(failure.value)
    assert "Marked" not in f"{failure.value!r} {failure.value.said} {failure.value}"


async def test_settings_of_another_shape_are_told(clock: FakeClock) -> None:
    """Goal: without knowing the settings no order is guessed at."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": {}}))
    channel = BigCommerce(
        "bc", BASE_URL, "secret-token", [MAIN], transport=transport, clock=clock.now, sleep=clock.sleep
    )
    with pytest.raises(ChannelDown, match="read inventory settings failed: the answer has another shape"):
        await channel.orders.read(["450"])


async def test_an_order_with_too_many_lines_is_rejected_alone(clock: FakeClock) -> None:
    """Goal: an order nobody could post names itself."""
    rows = [{**line(1), "id": at} for at in range(LINES_MAX + 1)]

    def answer(request: httpx.Request) -> httpx.Response:
        if "settings" in request.url.path:
            return httpx.Response(200, json=SETTINGS_BODY)
        if "products" in request.url.path:
            page = int(request.url.params["page"])
            return httpx.Response(200, json=rows[(page - 1) * 250 : page * 250])
        return httpx.Response(200, json=[row(id=450)])

    transport = httpx.MockTransport(answer)
    channel = BigCommerce(
        "bc", BASE_URL, "secret-token", [MAIN], transport=transport, clock=clock.now, sleep=clock.sleep
    )
    with pytest.raises(RowRejected, match=f"order 450 has {LINES_MAX + 1} lines"):
        await channel.orders.read(["450"])


async def test_a_second_page_of_another_shape_stops_the_sweep(bench: Bench) -> None:
    """Goal: a date that is none cannot make a sweep go round in circles."""
    bench.sell(60)
    await bench.channel.orders.read(["450"])
    whole = [{**row(), "id": at, "items_total": 0, "consignments": {}} for at in range(1, 60)]
    whole[-1]["date_modified"] = None
    bench.says(JSONResponse(whole))
    with pytest.raises(ChannelDown, match="another shape than documented"):
        await bench.changed(CREATED)


async def test_fetches_at_once_never_share_a_moment(bench: Bench) -> None:
    """Goal: of two requests of this program one is always the later, by a millisecond at least."""
    (order,) = bench.sell(1, apart=0)
    versions = [(await bench.channel.orders.read([order]))[0].version for _ in range(5)]
    assert all(later == earlier + 1 for earlier, later in pairwise(versions))
