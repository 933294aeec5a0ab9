"""BigCommerce's walk beyond what all channels promise: whose rows they are, what is hidden; and switching off."""

from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onhand.channels.base import Condition, FoundLevel, ItemRef
from onhand.channels.bigcommerce.isolating import SENDS_MAX
from onhand.channels.errors import ChannelDown
from onhand.sandbox.shop import Item
from tests.channels.case_bigcommerce import MAIN, OUTLET
from tests.channels.test_bigcommerce import Bench, mocked, product
from tests.fix_channels import FakeClock

READ, LIST, SWITCH = "get-inventory-items", "getProducts", "put-location-inventory-items"
MUG = ItemRef(1, "MUG", "60", "", "product")
SMALL, LARGE = ItemRef(2, "S", "106", "50", "variant"), ItemRef(3, "L", "107", "50", "variant")


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    """A product without options, and one with two."""
    bench = Bench(clock)
    for number, sku, parent, tracking in (
        ("60", "MUG", "", "product"),
        ("106", "S", "50", "variant"),
        ("107", "L", "50", "variant"),
    ):
        levels = {MAIN: 4, OUTLET: 0}
        bench.case.shop.add(Item(number, sku, sku, parent_id=parent, tracking=tracking, levels=levels))
    return bench


async def walked(bench: Bench, *places: str) -> list[FoundLevel]:
    return [level async for page in bench.channel.walk_levels(places) for level in page]


async def test_a_row_is_told_as_its_listing_is_named(bench: Bench) -> None:
    """Goal: a product without options comes by its own id, a variant by its, each with how it is tracked: their
    numbers may be the same."""
    bench.case.shop.add(Item("50060", "CUP", "CUP", tracking="product", levels={MAIN: 1}))
    found = await walked(bench, MAIN)
    assert [(level.item_id, level.tracking, level.quantity) for level in found] == [
        ("106", "variant", 4),
        ("107", "variant", 4),
        ("60", "product", 4),
        ("50060", "product", 1),
    ]


async def test_a_walk_is_a_call_for_each_thousand_items_and_two(clock: FakeClock) -> None:
    """Goal: 2,500 items at two places are three pages, and the catalogue's two lists."""
    bench = Bench(clock)
    bench.case.fill(2_500)
    assert len(await walked(bench, MAIN, OUTLET)) == 5_000
    assert dict(bench.case.traffic.calls) == {LIST: 2, READ: 3}


async def test_products_that_the_catalogue_hides_are_hidden(bench: Bench) -> None:
    """Goal: invisible and disabled products are told, however many pages their lists have; others sell."""
    shop = bench.case.shop
    shop.items["60"].values["availability"] = "disabled"
    for number in range(1_000, 1_300):
        shop.add(Item(str(number), f"N{number}", "Nail", tracking="product", levels={MAIN: 1}, hidden=True))
    found = {level.item_id: level.condition for level in await walked(bench, MAIN)}
    sells = {number for number, condition in found.items() if condition is Condition.SELLING}
    assert sells == {"106", "107"}
    assert len(found) == 303
    assert bench.case.traffic.calls[LIST] == 3, "two pages of 300 invisible products, one of a disabled one"


async def test_a_list_that_begins_anew_is_not_walked_in_circles(clock: FakeClock) -> None:
    """Goal: a store that passes over "greater than the last id" ends the walk with an error, not never."""
    body = {"data": [product(7, "product")], "meta": {"pagination": {"total_pages": 2}}}
    channel = mocked(lambda request: httpx.Response(200, json=body), clock)
    with pytest.raises(ChannelDown, match="the same products came again"):
        await anext(channel.walk_levels([MAIN]))


async def test_an_item_is_hidden_at_the_place_where_it_is_switched_off(bench: Bench) -> None:
    """Goal: the switch of one location says nothing of another."""
    bench.case.shop.items["106"].closed = (OUTLET,)
    found = {(level.item_id, level.place): level.condition for level in await walked(bench, MAIN, OUTLET)}
    assert {spot for spot, condition in found.items() if condition is Condition.HIDDEN} == {("106", OUTLET)}


async def test_a_variant_is_switched_off_alone_at_all_our_places(bench: Bench) -> None:
    """Goal: one call for each location, with products and variants together, and nothing else changed."""
    assert await bench.channel.set_hidden([SMALL, MUG], True) == [SMALL, MUG]
    closed = {number: item.closed for number, item in bench.case.shop.items.items()}
    assert closed == {"60": (MAIN, OUTLET), "106": (MAIN, OUTLET), "107": ()}
    bodies = [orjson.loads(each.request.content) for each in bench.wire.exchanges]
    assert (
        bodies
        == [
            {
                "settings": [
                    {"identity": {"variant_id": 106}, "is_in_stock": False},
                    {"identity": {"product_id": 60}, "is_in_stock": False},
                ]
            }
        ]
        * 2
    )
    assert [level.quantity for level in await walked(bench, MAIN)] == [4, 4, 4]
    assert await bench.channel.set_hidden([MUG, SMALL], False) == [MUG, SMALL]
    assert {item.closed for item in bench.case.shop.items.values()} == {()}


async def test_one_that_is_refused_is_found_and_left_out(clock: FakeClock) -> None:
    """Goal: a refused call changes nothing, so the bad one among eight is isolated by halving, at the first place."""
    bench = Bench(clock, names_refused=False)
    refs = bench.case.fill(8)
    bench.case.shop.rejected_items.add(refs[5].item_id)
    done = await bench.channel.set_hidden(refs, True)
    assert done == [ref for ref in refs if ref != refs[5]]
    assert bench.case.shop.items[refs[5].item_id].closed == ()
    assert bench.case.traffic.calls[SWITCH] == 7 + 1


async def test_many_that_are_named_cost_one_call_more(clock: FakeClock) -> None:
    """Goal: where the refusal names the bad ones, nothing is halved: eight of a hundred, one refusal, two places."""
    bench = Bench(clock)
    refs = bench.case.fill(100)
    bench.case.shop.rejected_items.update(ref.item_id for ref in refs[:8])
    assert await bench.channel.set_hidden(refs, True) == refs[8:]
    assert bench.case.traffic.calls[SWITCH] == 2 + 1


async def test_a_store_that_refuses_everything_is_not_asked_for_ever(clock: FakeClock) -> None:
    """Goal: a hundred nameless refusals are given up like those of levels: the window is everybody's."""
    bench = Bench(clock, names_refused=False)
    refs = bench.case.fill(100)
    bench.case.shop.rejected_items.update(ref.item_id for ref in refs)
    assert await bench.channel.set_hidden(refs, True) == []
    assert bench.case.traffic.calls[SWITCH] == SENDS_MAX


async def test_what_has_no_stock_of_its_own_is_not_asked_for(bench: Bench) -> None:
    """Goal: an untracked item and an id that is none are left out, and nothing is sent for them."""
    given = [ItemRef(4, "V", "70", "", "none"), ItemRef(5, "W", "w", "", "variant")]
    assert await bench.channel.set_hidden(given, True) == []
    assert bench.wire.exchanges == []


@pytest.mark.parametrize("body", [{"data": [{}], "meta": {"pagination": {"total_pages": 1}}}, {"data": []}])
async def test_an_answer_of_another_shape_is_said_to_be_one(bench: Bench, body: dict[str, Any]) -> None:
    """Goal: nothing is taken for an empty account."""

    async def hook(request: Request) -> Response | None:
        return JSONResponse(body) if request.url.path.endswith("/inventory/items") else None

    bench.case.traffic.hooks.append(hook)
    with pytest.raises(ChannelDown, match="another shape"):
        await walked(bench, MAIN)
