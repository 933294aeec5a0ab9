"""Shopify's orders: reduced alike whether told by a webhook or asked for, whatever becomes of them."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onhand.channels.base import ItemRef
from onhand.channels.shopify.asked_orders import ORDERS_PER_CALL, PAGE_ORDERS
from onhand.channels.shopify.orders import asked_order, told_order
from onhand.domain.sales import ChannelOrder, OrderRefusedError, SoldLine
from onhand.sandbox.orders import Order
from tests.channels.case_shopify import LEEDS, LONDON
from tests.fix_channels import number_of
from tests.fix_shopify import ShopifyWorld

UPDATED = "2026-11-02T10:00:00-05:00"
VERSION = 1_793_631_600_000_000
"""10:00 in New York on 2 November 2026, in microseconds."""


def line(quantity: int = 3, **more: Any) -> dict[str, Any]:
    told = {"id": 71, "variant_id": 808, "sku": "A-1", "quantity": quantity}
    return {**told, "current_quantity": quantity, "fulfillable_quantity": quantity, **more}


def refund(quantity: int, restock_type: str, place: int | None = None) -> dict[str, Any]:
    told = {
        "id": 1,
        "line_item_id": 71,
        "quantity": quantity,
        "restock_type": restock_type,
        "location_id": place,
    }
    return {"id": 9, "refund_line_items": [told]}


def told(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    order = {
        "id": 450,
        "created_at": "2026-11-01T09:00:00-05:00",
        "updated_at": UPDATED,
        "cancelled_at": None,
    }
    return {**order, "location_id": None, "line_items": list(lines), "refunds": [], **more}


def pieces(*lines: dict[str, Any], **more: Any) -> tuple[int, int]:
    """Open and gone pieces of the only line."""
    (sold,) = told_order(told(*lines, **more)).lines
    return sold.open, sold.fulfilled


def test_an_order_as_it_was_placed() -> None:
    """Goal: ids as text, times in UTC, versions in microseconds plus pieces, and no place where none is told."""
    assert told_order(told(line())) == ChannelOrder(
        order_id="450",
        version=VERSION + 3,
        placed_at=datetime(2026, 11, 1, 14, tzinfo=UTC),
        updated_at=datetime(2026, 11, 2, 15, tzinfo=UTC),
        lines=(SoldLine("71", ("808",), "A-1", open=3, fulfilled=0),),
    )


@pytest.mark.parametrize(
    ("changed", "refunds", "expected"),
    [
        (line(3), [], (3, 0)),
        (line(3, fulfillable_quantity=1), [], (1, 2)),
        (line(3, fulfillable_quantity=0), [], (0, 3)),
        # Taken out by an edit, which refunds nothing.
        (line(3, current_quantity=2, fulfillable_quantity=2), [], (2, 0)),
        (line(3, current_quantity=2, fulfillable_quantity=0), [], (0, 2)),
        # Cancelled in part before it was shipped.
        (line(3, current_quantity=2, fulfillable_quantity=2), [refund(1, "cancel")], (2, 0)),
        # Shipped, and one came back.
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "return")], (0, 2)),
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "legacy_restock")], (0, 2)),
        # Shipped, and the buyer kept what was refunded.
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "no_restock")], (0, 3)),
        # Refunded unshipped without a restock: the shop did not put it back, so it is gone.
        (line(3, current_quantity=2, fulfillable_quantity=2), [refund(1, "no_restock")], (2, 1)),
        (line(3, current_quantity=2, fulfillable_quantity=2), [refund(1, "of a later version")], (2, 1)),
        # Everything at once: one taken out by an edit, one cancelled, one came back, one kept, one still open.
        (
            line(6, current_quantity=2, fulfillable_quantity=1),
            [refund(1, "cancel"), refund(1, "return"), refund(1, "no_restock")],
            (1, 2),
        ),
        # More refunded than ordered: never below nothing.
        (line(1, current_quantity=0, fulfillable_quantity=0), [refund(2, "return")], (0, 0)),
    ],
)
def test_pieces_of_a_line(
    changed: dict[str, Any], refunds: list[dict[str, Any]], expected: tuple[int, int]
) -> None:
    """Goal: open is what is off the shelf and not shipped; gone is what left for good; put back is in neither."""
    assert pieces(changed, refunds=refunds) == expected


@pytest.mark.parametrize(
    ("changed", "refunds", "place", "expected"),
    [
        (line(3, fulfillable_quantity=0), [], None, (0, ())),
        # Put back before it left, or never: no return.
        (line(3, current_quantity=2, fulfillable_quantity=2), [refund(1, "cancel", 1001)], None, (0, ())),
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "no_restock")], None, (0, ())),
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "return")], None, (1, ())),
        # Nobody said where it was sold from, so where it came back is told; and a till's own place is no other place.
        (
            line(3, current_quantity=2, fulfillable_quantity=0),
            [refund(1, "return", 1001)],
            None,
            (1, ((LEEDS, 1),)),
        ),
        (line(3, current_quantity=2, fulfillable_quantity=0), [refund(1, "return", 1001)], 1001, (1, ())),
        (
            line(3, current_quantity=0, fulfillable_quantity=0),
            [refund(1, "return", 1002), refund(1, "return", 1001), refund(1, "return", 1002)],
            1001,
            (3, ((LONDON, 2),)),
        ),
        # More refunded than ordered.
        (
            line(1, current_quantity=0, fulfillable_quantity=0),
            [refund(2, "return", 1001)],
            None,
            (1, ((LEEDS, 1),)),
        ),
    ],
)
def test_what_came_back(
    changed: dict[str, Any],
    refunds: list[dict[str, Any]],
    place: int | None,
    expected: tuple[int, tuple[tuple[str, int], ...]],
) -> None:
    """Goal: pieces that had left and that the shop put back, and at which other place than they were sold from."""
    (sold,) = told_order(told(changed, refunds=refunds, location_id=place)).lines
    assert (sold.returned, sold.elsewhere) == expected


@pytest.mark.parametrize(
    ("changed", "more", "expected"),
    [
        (line(3, current_quantity=0, fulfillable_quantity=0), {"refunds": [refund(3, "cancel")]}, (0, 0)),
        (line(3, current_quantity=0, fulfillable_quantity=0), {"refunds": [refund(3, "no_restock")]}, (0, 3)),
        # Without any record of refunds: nothing was shipped, so all of it is back.
        (line(3, fulfillable_quantity=0), {}, (0, 0)),
        (line(3), {}, (0, 0)),
        # Two were shipped before the rest was cancelled.
        (
            line(3, current_quantity=2, fulfillable_quantity=0),
            {"refunds": [refund(1, "cancel")], "fulfillment_status": "partial"},
            (0, 2),
        ),
        (line(3, fulfillable_quantity=1), {"fulfillment_status": "partial"}, (0, 2)),
    ],
)
def test_a_cancelled_order(changed: dict[str, Any], more: dict[str, Any], expected: tuple[int, int]) -> None:
    """Goal: nothing of a cancelled order is open, and what was not shipped is back, unless the shop kept it off."""
    assert pieces(changed, cancelled_at=UPDATED, **more) == expected


def test_a_till_says_where_it_sold() -> None:
    """Goal: an order of a point of sale names its location; a test order moves stock like any other."""
    order = told_order(told(line(), location_id=1001, test=True))
    assert order.lines[0].place == LEEDS
    assert order.lines[0].open == 3


def test_a_line_that_names_no_variant_stays_a_line() -> None:
    """Goal: a variant deleted later, or a custom item, does not make pieces vanish that were posted before."""
    order = told_order(told(line(variant_id=None), line(id=72, variant_id=None, sku=None)))
    assert order.lines == (SoldLine("71", (), "A-1", 3, 0), SoldLine("72", (), "", 3, 0))


def test_fields_a_subscription_may_leave_out() -> None:
    """Goal: what is not needed need not be there."""
    bare = told(line())
    for name in ("created_at", "cancelled_at", "refunds", "location_id"):
        del bare[name]
    del bare["line_items"][0]["current_quantity"]
    order = told_order(bare)
    assert (order.placed_at, order.lines[0].open) == (order.updated_at, 3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"quantity": None},
            "order 450, line 71: `quantity` is a whole number of pieces from 0, 'None' was given",
        ),
        ({"quantity": -1}, "'-1' was given"),
        ({"quantity": 1.5}, "'1.5' was given"),
        ({"quantity": True}, "'True' was given"),
        ({"current_quantity": "2"}, "`current_quantity`"),
        ({"fulfillable_quantity": None}, "`fulfillable_quantity`"),
        ({"id": None}, "a line has a number as its `id`"),
    ],
)
def test_a_line_that_makes_no_sense(changed: dict[str, Any], said: str) -> None:
    """Goal: the order, the line and the field are named, so that somebody can look."""
    with pytest.raises(OrderRefusedError) as refusal:
        told_order(told({**line(), **changed}))
    assert said in str(refusal.value)


@pytest.mark.parametrize("lines", [None, {}, [None], ["text"], [[]]])
def test_lines_of_any_shape_are_refused_in_words(lines: Any) -> None:
    """Goal: no shape of a body ends in another error than a refusal."""
    with pytest.raises(OrderRefusedError):
        told_order(told(line_items=lines))
    with pytest.raises(OrderRefusedError):
        told_order(told(line(), refunds=[{"refund_line_items": lines or [None]}]))


def test_an_asked_order_of_a_till() -> None:
    """Goal: the API's words for a till, a deleted variant and a refund mean the same as the webhook's."""
    node = {
        "id": "gid://shopify/Order/450",
        "createdAt": "2026-11-01T14:00:00Z",
        "updatedAt": "2026-11-02T15:00:00Z",
        "cancelledAt": None,
        "displayFulfillmentStatus": "PARTIALLY_FULFILLED",
        "retailLocation": {"id": LEEDS},
    }
    numbers = {"quantity": 3, "currentQuantity": 1, "refundableQuantity": 1, "fulfillableQuantity": 1}
    asked = {"id": "gid://shopify/LineItem/71", "sku": None, "variant": None, **numbers}
    back = [
        {
            "quantity": 1,
            "restockType": kind,
            "location": where,
            "lineItem": {"id": "gid://shopify/LineItem/71"},
        }
        for kind, where in (("RETURN", {"id": LONDON}), ("NO_RESTOCK", None))
    ]
    body = told(
        line(variant_id=None, sku=None, current_quantity=1, fulfillable_quantity=1),
        location_id=1001,
        fulfillment_status="partial",
        refunds=[refund(1, "return", 1002), refund(1, "no_restock")],
    )
    assert asked_order(node, [asked], back) == told_order(body)
    assert told_order(body).lines == (SoldLine("71", (), "", 1, 1, LEEDS, 1, ((LONDON, 1),)),)


def basket(world: ShopifyWorld, refs: list[ItemRef]) -> Order:
    """An order of three pieces of each, the second from another location."""
    world.clock.advance(10)
    places = (LEEDS, LONDON)
    return world.book.place([(number_of(ref), places[at % 2], 3) for at, ref in enumerate(refs)])


async def both(world: ShopifyWorld, topic: str = "ORDERS_UPDATED") -> ChannelOrder:
    """The order as the webhook tells it and as it is read: equal, or the test fails."""
    order = world.told(topic)
    assert await world.adapter.orders.read([order.order_id]) == [order]
    return order


def shape(order: ChannelOrder) -> list[tuple[int, int]]:
    return [(line.open, line.fulfilled) for line in order.lines]


async def test_what_is_read_equals_what_was_told(shopify_world: ShopifyWorld) -> None:
    """Goal: one order through its whole life, told and asked for at every step, is the same order to us."""
    world = shopify_world
    order = basket(world, world.fill(2))
    first, second = (line.line_id for line in order.lines)
    placed = await both(world, "ORDERS_CREATE")
    assert shape(placed) == [(3, 0), (3, 0)]
    assert [line.refs for line in placed.lines] == [("4000000000",), ("4000000001",)]
    world.book.reduce(order.order_id, first, 1)
    assert shape(await both(world)) == [(2, 0), (3, 0)]
    world.clock.advance(10)
    world.book.ship(order.order_id)
    shipped = await both(world)
    assert shape(shipped) == [(0, 2), (0, 3)]
    world.book.refund(order.order_id, first, 1, restock=True)
    assert shape(await both(world)) == [(0, 1), (0, 3)]
    world.book.refund(order.order_id, second, 2, restock=False)
    assert shape(await both(world)) == [(0, 1), (0, 3)]
    assert shipped.version > placed.version
    assert shipped.placed_at == placed.placed_at


async def test_a_cancelled_order_is_read_as_it_was_told(shopify_world: ShopifyWorld) -> None:
    """Goal: after an edit and a cancellation nothing is off the shelf, told and read."""
    world = shopify_world
    order = basket(world, world.fill(2))
    world.book.reduce(order.order_id, order.lines[0].line_id, 2)
    world.book.cancel(order.order_id)
    assert shape(await both(world)) == [(0, 0), (0, 0)]
    assert await both(world, "ORDERS_CANCELLED") == world.told()


async def test_a_deleted_variant_is_read_as_it_was_told(shopify_world: ShopifyWorld) -> None:
    """Goal: the line stays, and names its SKU only."""
    world = shopify_world
    (ref,) = world.fill(1)
    basket(world, [ref])
    del world.shop.items[number_of(ref)]
    assert (await both(world, "ORDERS_CREATE")).lines[0].refs == ()


async def test_an_order_longer_than_a_page(shopify_world: ShopifyWorld) -> None:
    """Goal: no line and no refunded line is lost at the end of a page: 300 lines, all refunded, half of them kept."""
    world = shopify_world
    order = basket(world, world.fill(300))
    world.book.ship(order.order_id)
    for at, each in enumerate(order.lines):
        world.book.refund(order.order_id, each.line_id, 2, restock=at % 2 == 0)
    assert shape(await both(world)) == [(0, 1), (0, 3)] * 150


async def test_many_orders_in_few_calls(shopify_world: ShopifyWorld) -> None:
    """Goal: ids share calls; what is gone or malformed is left out and spoils nothing."""
    world = shopify_world
    refs = world.fill(1, level=1_000)
    placed = [basket(world, refs).order_id for _ in range(ORDERS_PER_CALL + 1)]
    found = await world.adapter.orders.read([*placed, "999", "no number"])
    assert [order.order_id for order in found] == placed
    assert world.traffic.calls == {"nodes": 2}
    assert await world.adapter.orders.read([]) == []


async def test_orders_changed_since_a_moment(shopify_world: ShopifyWorld) -> None:
    """Goal: page by page, the oldest change first, from the moment itself on, and what was not changed is not there."""
    world = shopify_world
    refs = world.fill(1, level=1_000)
    placed = [basket(world, refs) for _ in range(PAGE_ORDERS + 5)]
    world.clock.advance(10)
    world.book.ship(placed[4].order_id)
    since = datetime.fromtimestamp(placed[5].updated_at, UTC)
    pages = [page async for page in world.adapter.orders.changed(since)]
    expected = [order.order_id for order in [*placed[5:], placed[4]]]
    assert [order.order_id for page in pages for order in page] == expected
    assert [len(page) for page in pages] == [PAGE_ORDERS, 1]
    assert pages[-1][-1].lines[0].fulfilled == 3
    later = datetime.fromtimestamp(world.clock.now() + 1, UTC)
    assert [page async for page in world.adapter.orders.changed(later)] == []


async def test_refunds_are_asked_for_only_where_there_are_some(shopify_world: ShopifyWorld) -> None:
    """Goal: a sweep over plain orders costs one call a page, whatever it costs where refunds are."""
    world = shopify_world
    refs = world.fill(1, level=1_000)
    placed = [basket(world, refs) for _ in range(20)]
    since = datetime.fromtimestamp(placed[0].updated_at, UTC)
    assert [len(page) async for page in world.adapter.orders.changed(since)] == [20]
    assert world.traffic.calls == {"orders": 1}
    world.book.cancel(placed[3].order_id)
    assert [len(page) async for page in world.adapter.orders.changed(since)] == [20]
    assert world.traffic.calls == {"orders": 2, "nodes": 1}


def costs(world: ShopifyWorld) -> list[int]:
    """What each call was charged before it ran."""
    answers = [orjson.loads(exchange.response.content) for exchange in world.transport.exchanges]
    return [answer["extensions"]["cost"]["requestedQueryCost"] for answer in answers]


async def test_no_query_can_cost_more_than_the_platform_lets(shopify_world: ShopifyWorld) -> None:
    """Goal: full calls stay below the 1,000 points one query may cost, those for refunds, too."""
    world = shopify_world
    refs = world.fill(1, level=10_000)
    placed = [basket(world, refs) for _ in range(ORDERS_PER_CALL)]
    for order in placed:
        world.book.cancel(order.order_id)
    assert len(await world.adapter.orders.read([order.order_id for order in placed])) == ORDERS_PER_CALL
    assert costs(world) == [720] + [680] * 8


async def test_an_order_line_names_the_listing_that_discovery_found(shopify_world: ShopifyWorld) -> None:
    """Goal: `order_ref` of a listing is what a line of an order calls it."""
    world = shopify_world
    basket(world, world.fill(1))
    ((found,),) = [page async for page in world.adapter.discover()]
    assert world.told("ORDERS_CREATE").lines[0].refs == (found.order_ref,)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reduce", "ship", "cancel", "keep", "return"]), st.integers(0, 1), st.integers(1, 3)
    ),
    max_size=6,
)


def step(world: ShopifyWorld, order: Order, what: str, at: int, wanted: int) -> None:
    """One thing that becomes of an order, as far as it can."""
    line = order.lines[at]
    if what in ("ship", "cancel"):
        getattr(world.book, what)(order.order_id)
    elif what == "reduce" and (pieces := min(wanted, line.open)):
        world.book.reduce(order.order_id, line.line_id, pieces)
    elif what in ("keep", "return") and (pieces := min(wanted, line.shipped - line.refunded)):
        world.book.refund(order.order_id, line.line_id, pieces, restock=what == "return")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_becomes_of_an_order(shopify_world: ShopifyWorld, steps: list[tuple[str, int, int]]) -> None:
    """Goal: told and read agree with each other and with what really happened to every piece, and each state has a
    greater version than the one before, although several happen within a second, and times are told in whole ones.

    Method: random lives of an order; the truth is what the sandbox's own book of orders holds.
    """
    world = shopify_world
    refs = [ItemRef(0, "", f"gid://shopify/InventoryItem/{number}") for number in list(world.shop.items)[:2]]
    order = basket(world, refs or world.fill(2))
    told = world.told("ORDERS_CREATE")
    for what, at, wanted in steps:
        world.clock.advance(0.3)
        before = told
        step(world, order, what, at, wanted)
        told = world.told("ORDERS_UPDATED" if order.updated_at > order.created_at else "ORDERS_CREATE")
        assert told == before or told.version > before.version
    assert asyncio.run(world.adapter.orders.read([order.order_id])) == [told]
    assert shape(told) == [(line.open, line.shipped - line.restocked) for line in order.lines]
    assert [line.returned for line in told.lines] == [line.restocked for line in order.lines]
