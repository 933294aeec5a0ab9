"""WooCommerce's walk beyond what all channels promise: variations, parents, older shops; and hiding by status."""

from datetime import UTC, datetime

import orjson
import pytest

from onhand.channels.base import Condition, FoundLevel, ItemRef
from onhand.sandbox.shop import Item
from tests.channels.woo_store import Store
from tests.fix_channels import FakeClock

MUG, CAP = ItemRef(1, "A-11", "11"), ItemRef(2, "A-12", "12")
SMALL = ItemRef(3, "V-21", "21", "20")


async def walked(store: Store) -> dict[str, FoundLevel]:
    found = [level async for page in store.channel.walk_levels([""]) for level in page]
    by_id = {level.item_id: level for level in found}
    assert len(by_id) == len(found)
    return by_id


def statuses(store: Store) -> list[str]:
    return [store.shop.items[number].values.get("status", "publish") for number in ("11", "12", "21")]


@pytest.mark.parametrize("route", [True, False])
async def test_products_and_variations_are_walked_on_new_shops_and_old(clock: FakeClock, route: bool) -> None:
    """Goal: variations come once, with the route of core 10.3 and parent by parent without it; their parent, which
    keeps no stock, does not come."""
    store = Store(clock, has_variations_route=route)
    store.shop.add(Item("22", "V-22", "Shirt, M", parent_id="20", kind="variation", levels={"": 3}))
    store.shop.add(Item("30", "", "A set", kind="grouped", tracked=False))
    found = await walked(store)
    assert {number: level.quantity for number, level in found.items()} == {
        "11": 40,
        "12": 40,
        "21": 40,
        "22": 3,
    }
    assert {level.condition for level in found.values()} == {Condition.SELLING}
    store.check()


async def test_many_families_of_an_old_shop(clock: FakeClock) -> None:
    """Goal: no variation is lost or doubled where each product has its own listing and its own pages."""
    store = Store(clock, has_variations_route=False)
    wanted = {"11", "12", "21"}
    for parent in range(100, 250):
        store.shop.add(Item(str(parent), "", "Shoe", kind="variable", tracked=False))
        for size in range(2):
            number = str(1_000 + 2 * parent + size)
            store.shop.add(
                Item(number, number, "Shoe", parent_id=str(parent), kind="variation", levels={"": 1})
            )
            wanted.add(number)
    assert (await walked(store)).keys() == wanted


async def test_a_level_tells_when_it_was_changed(clock: FakeClock) -> None:
    """Goal: the product's last change, in UTC whatever the shop's own zone."""
    store = Store(clock)
    clock.advance(60)
    store.shop.sell("11", "", 1)
    found = await walked(store)
    assert found["11"] == FoundLevel("11", "", 39, changed_at=datetime.fromtimestamp(clock.now(), UTC))


async def test_what_keeps_no_level_of_its_own_says_why(clock: FakeClock) -> None:
    """Goal: a variation whose parent keeps the stock states none, and the parent states it."""
    store = Store(clock)
    store.shop.items["20"].tracked, store.shop.items["21"].tracked = True, False
    store.shop.edit("20", "", 9)
    found = await walked(store)
    assert (found["20"].quantity, found["21"].quantity) == (9, None)
    assert found["21"].condition is Condition.SELLING
    assert "the parent product keeps its stock (9 units" in found["21"].problem


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        ({"status": "draft"}, Condition.HIDDEN),
        ({"status": "pending"}, Condition.HIDDEN),
        ({"status": "private"}, Condition.HIDDEN),
        ({"catalog_visibility": "hidden"}, Condition.SELLING),
        ({"backorders": "notify"}, Condition.OVERSELLING),
    ],
)
async def test_only_what_nobody_can_buy_is_hidden(
    clock: FakeClock, values: dict[str, str], condition: Condition
) -> None:
    """Goal: a product left out of the lists is sold by its link, so it sells."""
    store = Store(clock)
    store.shop.items["11"].values.update(values)
    assert (await walked(store))["11"].condition is condition


@pytest.mark.parametrize("route", [True, False])
async def test_variations_of_a_hidden_product_are_hidden(clock: FakeClock, route: bool) -> None:
    """Goal: their own rows say that they are published, and nobody sees them."""
    store = Store(clock, has_variations_route=route)
    store.shop.items["20"].values["status"] = "draft"
    assert (await walked(store))["21"].condition is Condition.HIDDEN


async def test_a_shop_that_manages_no_stock_tracks_nothing(clock: FakeClock) -> None:
    """Goal: with the shop's option off no level means anything, and the walk says so of every item."""
    store = Store(clock, manage_stock_option=False)
    found = await walked(store)
    assert {(level.quantity, level.condition) for level in found.values()} == {(None, Condition.UNTRACKED)}


async def test_pages_are_fetched_as_many_at_once_as_the_shop_bears(clock: FakeClock) -> None:
    """Goal: twenty pages are twenty calls, and one of the gate's places is never given to a page twice."""
    store = Store(clock)
    for number in range(1_000, 1_000 + 20 * 100 - 3):
        store.shop.add(Item(str(number), f"N-{number}", "Nail", levels={"": 1}))
    assert len(await walked(store)) == 20 * 100
    pages = [
        request.url.params.get("page") for request in store.asked() if request.url.path.endswith("/products")
    ]
    assert sorted(pages, key=int) == [str(page) for page in range(1, 21)]
    store.check()


async def test_a_variation_is_hidden_alone(clock: FakeClock) -> None:
    """Goal: products and variations go out in one batch for each path, with nothing but their status."""
    store = Store(clock)
    assert await store.channel.set_hidden([SMALL, MUG], True) == [SMALL, MUG]
    assert statuses(store) == ["private", "publish", "private"]
    bodies = [orjson.loads(request.content) for request in store.asked() if request.method == "POST"]
    assert sorted(bodies, key=str) == [
        {"update": [{"id": 11, "status": "private"}]},
        {"update": [{"id": 21, "status": "private"}]},
    ]
    assert await store.channel.set_hidden([MUG, SMALL], False) == [MUG, SMALL]
    assert statuses(store) == ["publish"] * 3
    store.check()


async def test_drafts_of_the_merchant_stay_drafts(clock: FakeClock) -> None:
    """Goal: a draft is not taken for hidden by us, nor published when a halt is lifted; nothing is written."""
    store = Store(clock)
    store.shop.items["12"].values["status"] = "draft"
    assert await store.channel.set_hidden([CAP], True) == []
    assert await store.channel.set_hidden([CAP], False) == [CAP]
    assert statuses(store)[1] == "draft"
    assert store.channel.meter.writes == 0


async def test_what_the_shop_refuses_or_has_elsewhere_is_left_out(clock: FakeClock) -> None:
    """Goal: a row that a plugin refuses, one of another product, and ids that are none spoil nothing."""
    store = Store(clock)
    store.shop.rejected_items.add("11")
    elsewhere = ItemRef(4, "V-21", "21", "12")
    given = [MUG, elsewhere, ItemRef(5, "X", "x"), CAP]
    assert await store.channel.set_hidden(given, True) == [CAP]
    assert statuses(store) == ["publish", "private", "publish"]
    assert store.shop.items["21"].parent_id == "20"
