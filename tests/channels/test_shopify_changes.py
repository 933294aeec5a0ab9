"""Shopify's relative changes: exactly once, with the level after in the answer, bad rows out of the way."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response

from onhand.channels.base import ItemRef, LevelWrite, Outcome
from onhand.channels.errors import SameKeyRetry
from onhand.channels.shopify import Shopify, StaticToken
from onhand.channels.shopify.changes import PLACES_MAX
from tests.channels.case_shopify import LEEDS, LONDON
from tests.channels.test_shopify import answers, write
from tests.fix_channels import BASE_URL, number_of
from tests.fix_shopify import ShopifyWorld

PREFIX = "gid://shopify/Location/"


def level(world: ShopifyWorld, ref: ItemRef, place: str = LEEDS) -> int | None:
    return world.shop.level(number_of(ref), place)


def sent(world: ShopifyWorld, at: int = -1) -> dict[str, Any]:
    variables: dict[str, Any] = orjson.loads(world.transport.exchanges[at].request.content)["variables"]
    return variables


async def test_a_change_keeps_a_sale_nobody_told_us_of(shopify_world: ShopifyWorld) -> None:
    """Goal: the shop sold two unheard; our change takes three more off, and the answer tells what is left."""
    world = shopify_world
    assert world.adapter.capabilities.changes
    (ref,) = world.fill(1)
    world.shop.sell(number_of(ref), LEEDS, 2)
    (result,) = await world.adapter.change_levels([write(ref, 7, shown=10)], "sale")
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, 5)
    assert level(world, ref) == 5
    (change,) = sent(world)["input"]["changes"]
    assert (change["delta"], change["changeFromQuantity"]) == (-3, None)


async def test_the_same_key_changes_once(shopify_world: ShopifyWorld) -> None:
    """Goal: sent again with the same key, nothing is changed; the answer tells the level of now."""
    world = shopify_world
    (ref,) = world.fill(1)
    change = [write(ref, 7, shown=10)]
    await world.adapter.change_levels(change, "once")
    world.shop.sell(number_of(ref), LEEDS, 1)
    (again,) = await world.adapter.change_levels(change, "once")
    assert (again.outcome, again.echo, level(world, ref)) == (Outcome.ACCEPTED, 6, 6)
    (other,) = await world.adapter.change_levels(change, "twice")
    assert (other.echo, level(world, ref)) == (3, 3)


async def test_a_lost_answer_is_asked_for_again(shopify_world: ShopifyWorld) -> None:
    """Goal: the call was applied and its answer lost: the same call again changes nothing and tells the level."""
    world = shopify_world
    (ref,) = world.fill(1)
    passed: list[str] = []

    class Losing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await world.transport.handle_async_request(request)
            passed.append(orjson.loads(request.content)["variables"]["key"])
            if len(passed) == 1:
                raise httpx.ReadError("connection reset")
            return response

    adapter = other_adapter(world, Losing())
    with pytest.raises(SameKeyRetry):
        await adapter.change_levels([write(ref, 7, shown=10)], "lost")
    assert level(world, ref) == 7
    (result,) = await adapter.change_levels([write(ref, 7, shown=10)], "lost")
    assert (result.outcome, result.echo, level(world, ref)) == (Outcome.ACCEPTED, 7, 7)
    assert passed[0] == passed[1]


def other_adapter(world: ShopifyWorld, transport: httpx.AsyncBaseTransport, **more: str) -> Shopify:
    token = StaticToken(world.options.access_token)
    return Shopify("shopify-test", BASE_URL, token, (LEEDS, LONDON), transport=transport, **more)


async def test_bad_rows_leave_the_call(shopify_world: ShopifyWorld) -> None:
    """Goal: what the shop refuses is named with its reason, its neighbours are changed in the next round."""
    world = shopify_world
    refs = world.fill(4)
    world.shop.rejected_items.add(number_of(refs[1]))
    unknown = ItemRef(9, "GONE", "gid://shopify/InventoryItem/999")
    writes = [write(ref, 8, shown=10) for ref in (*refs, unknown)]
    results = await world.adapter.change_levels(writes, "poison")
    assert [result.outcome for result in results] == [
        Outcome.ACCEPTED,
        Outcome.REJECTED,
        Outcome.ACCEPTED,
        Outcome.ACCEPTED,
        Outcome.REJECTED,
    ]
    assert [result.echo for result in results] == [8, None, 8, 8, None]
    assert "NON_MUTABLE_INVENTORY_ITEM" in str(results[1].error)
    assert [level(world, ref) for ref in refs] == [8, 10, 8, 8]
    assert world.traffic.calls == {"inventoryAdjustQuantities": 2}


async def test_after_a_failure_nothing_is_sent_twice(shopify_world: ShopifyWorld) -> None:
    """Goal: the first round was refused for one row, the second applied and its answer lost. The same call again, the
    bad row mended meanwhile, must not change the others a second time: they are handed back to be read."""
    world = shopify_world
    refs = world.fill(2)
    world.shop.rejected_items.add(number_of(refs[0]))
    calls: list[int] = []

    class LosingTheSecond(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await world.transport.handle_async_request(request)
            calls.append(1)
            if len(calls) == 2:
                raise httpx.ReadError("connection reset")
            return response

    adapter = other_adapter(world, LosingTheSecond())
    writes = [write(ref, 8, shown=10) for ref in refs]
    with pytest.raises(SameKeyRetry):
        await adapter.change_levels(writes, "half")
    assert [level(world, ref) for ref in refs] == [10, 8]
    world.shop.rejected_items.clear()
    results = await adapter.change_levels(writes, "half")
    assert [result.outcome for result in results] == [Outcome.STALE, Outcome.STALE]
    assert "not known" in str(results[1].error)
    assert [level(world, ref) for ref in refs] == [10, 8]


async def test_what_need_not_or_must_not_be_sent(shopify_world: ShopifyWorld) -> None:
    """Goal: no change is no call; without a believed level there is no change; one level is changed once in a call."""
    world = shopify_world
    refs = world.fill(3)
    writes = [
        write(refs[0], 10, shown=10),
        write(refs[1], 8, shown=None),
        write(refs[2], 8, shown=10),
        write(refs[2], 7, shown=10),
        write(ItemRef(9, "BAD", "12"), 7, shown=10),
    ]
    results = await world.adapter.change_levels(writes, "mixed")
    assert [(result.outcome, result.echo) for result in results] == [
        (Outcome.ACCEPTED, None),
        (Outcome.STALE, None),
        (Outcome.ACCEPTED, 8),
        (Outcome.REJECTED, None),
        (Outcome.REJECTED, None),
    ]
    assert await world.adapter.change_levels(writes[:1], "none") == results[:1]
    assert await world.adapter.change_levels([], "empty") == []
    assert world.traffic.calls == {"inventoryAdjustQuantities": 1}


async def test_a_full_call_over_both_locations(shopify_world: ShopifyWorld) -> None:
    """Goal: 250 levels of two locations are one call, and each level after is told."""
    world = shopify_world
    refs = world.fill(125)
    writes = [write(ref, at + 100, 10, place) for at, ref in enumerate(refs) for place in (LEEDS, LONDON)]
    results = await world.adapter.change_levels(writes, "bulk")
    assert [result.echo for result in results] == [at + 100 for at in range(125) for _ in (LEEDS, LONDON)]
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert world.traffic.calls == {"inventoryAdjustQuantities": 1}


async def test_many_locations_go_in_parts(shopify_world: ShopifyWorld) -> None:
    """Goal: an answer states the levels of at most eight locations; nine are two calls."""
    world = shopify_world
    (ref,) = world.fill(1)
    places = [f"{PREFIX}{2_000 + number}" for number in range(PLACES_MAX + 1)]
    world.shop.places.update(dict.fromkeys(places, "More"))
    writes = [LevelWrite(write(ref, at + 1, 0, place).key, at + 1, 0) for at, place in enumerate(places)]
    results = await world.adapter.change_levels(writes, "places")
    assert [result.echo for result in results] == list(range(1, PLACES_MAX + 2))
    assert world.traffic.calls == {"inventoryAdjustQuantities": 2}


async def test_an_untracked_item_is_tracked_and_has_to_be_read(shopify_world: ShopifyWorld) -> None:
    """Goal: before tracking the number bound nobody, so nothing is counted from it; sent again, the change goes."""
    world = shopify_world
    (ref,) = world.fill(1)
    world.shop.items[number_of(ref)].tracked = False
    await world.adapter.read_levels([write(ref, 0).key])
    (result,) = await world.adapter.change_levels([write(ref, 5, shown=10)], "track")
    assert (result.outcome, level(world, ref)) == (Outcome.STALE, 10)
    assert "read its level" in str(result.error)
    assert world.shop.items[number_of(ref)].tracked
    (result,) = await world.adapter.change_levels([write(ref, 5, shown=10)], "tracked")
    assert (result.outcome, result.echo, level(world, ref)) == (Outcome.ACCEPTED, 5, 5)


async def test_before_2026_10_a_place_is_activated_first(shopify_world: ShopifyWorld) -> None:
    """Goal: an item that the location does not stock yet is activated there, then changed from nothing."""
    world = shopify_world
    (ref,) = world.fill(1)
    del world.shop.items[number_of(ref)].levels[LONDON]
    adapter = other_adapter(world, world.transport, api_version="2026-07")
    (result,) = await adapter.change_levels([write(ref, 4, 0, LONDON)], "activate")
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, 4)


@pytest.mark.parametrize(
    ("told", "after", "echo"),
    [([{"quantity": 4}], None, 4), ([], 6, 6), ([], None, None), (None, 6, 6)],
)
async def test_the_level_after_comes_from_where_it_is_told(
    shopify_world: ShopifyWorld, told: list[dict[str, int]] | None, after: int | None, echo: int | None
) -> None:
    """Goal: the level of the item first, `quantityAfterChange` second; where neither is there, nothing is claimed."""
    world = shopify_world
    (ref,) = world.fill(1)
    item = {"id": ref.item_id, "level0": None if told is None else {"quantities": told}}
    change = {"name": "available", "delta": -3, "quantityAfterChange": after, "item": item}
    group = {
        "id": "gid://shopify/InventoryAdjustmentGroup/1",
        "changes": [{**change, "location": {"id": LEEDS}}],
    }
    body = {"data": {"inventoryAdjustQuantities": {"inventoryAdjustmentGroup": group, "userErrors": []}}}
    world.traffic.hooks.append(answers(body))
    (result,) = await world.adapter.change_levels([write(ref, 7, shown=10)], "told")
    assert (result.outcome, result.echo) == (Outcome.ACCEPTED, echo)


async def test_a_sale_goes_before_a_full_sync(shopify_world: ShopifyWorld) -> None:
    """Goal: with an empty budget and twenty sync calls in line, an urgent change is the next one to go."""
    world = shopify_world
    refs = world.fill(21)
    order: list[str] = []

    async def spy(request: Request) -> Response | None:
        order.append(orjson.loads(await request.body())["query"].split()[1].split("(")[0])
        return None

    world.traffic.hooks.append(spy)
    world.adapter._admin._bucket._believed = 0.0
    syncs = [world.adapter.set_levels([write(ref, 8, shown=10)], f"sync {ref.sku}") for ref in refs[:20]]
    tasks = [asyncio.create_task(sync) for sync in syncs]
    await asyncio.sleep(0)
    (result,) = await world.adapter.change_levels([write(refs[20], 7, shown=10)], "sale")
    assert result.echo == 7
    await asyncio.gather(*tasks)
    assert order == ["AdjustQuantities", *["SetQuantities"] * 20]
