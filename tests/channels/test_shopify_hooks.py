"""Shopify's webhook subscriptions: made where they are missing, safe to repeat, taken away by address."""

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onhand.channels.errors import RowRejected
from onhand.channels.shopify.hooks import TOPICS
from tests.fix_shopify import ShopifyWorld

URL = "https://stock.example.com/webhooks/shopify"
OLD = "https://old.example.com/webhooks/shopify"


async def test_what_is_missing_is_made_once(shopify_world: ShopifyWorld) -> None:
    """Goal: after `ensure` every topic is delivered; after another, nothing was added."""
    hooks = shopify_world.adapter.hooks
    assert hooks.topics == TOPICS
    assert await hooks.found() == []
    made = await hooks.ensure(URL)
    assert [(each.topic, each.url, each.active) for each in made] == [(topic, URL, True) for topic in TOPICS]
    assert await hooks.ensure(URL) == made
    assert shopify_world.traffic.calls["webhookSubscriptionCreate"] == len(TOPICS)


async def test_a_deleted_one_comes_back(shopify_world: ShopifyWorld) -> None:
    """Goal: Shopify deletes a subscription after eight failures; `ensure` makes just that one again."""
    hooks = shopify_world.adapter.hooks
    made = await hooks.ensure(URL)
    del shopify_world.subscriptions.by_id[made[1].subscription_id.rpartition("/")[2]]
    assert {each.topic for each in await hooks.ensure(URL)} == set(TOPICS)
    assert shopify_world.traffic.calls["webhookSubscriptionCreate"] == len(TOPICS) + 1


async def test_only_those_of_an_address_are_taken_away(shopify_world: ShopifyWorld) -> None:
    """Goal: an old address is found as well, and goes on its own."""
    hooks = shopify_world.adapter.hooks
    await hooks.ensure(OLD)
    both = await hooks.ensure(URL)
    assert {each.url for each in both} == {OLD, URL}
    assert await hooks.remove(OLD) == len(TOPICS)
    assert await hooks.remove(OLD) == 0
    assert {each.url for each in await hooks.found()} == {URL}


async def test_an_address_that_shopify_does_not_take(shopify_world: ShopifyWorld) -> None:
    """Goal: the refusal says what was attempted, what the shop said and which setting to look at."""
    with pytest.raises(RowRejected) as refusal:
        await shopify_world.adapter.hooks.ensure("http://stock.example.com/webhooks/shopify")
    assert "ORDERS_CREATE" in str(refusal.value)
    assert "protocol http://" in str(refusal.value)
    assert "web.public_url" in str(refusal.value)


async def test_somebody_else_was_faster(shopify_world: ShopifyWorld) -> None:
    """Goal: two that make or take away the same at once both end well."""
    world, hooks = shopify_world, shopify_world.adapter.hooks
    await hooks.ensure(URL)
    held = dict(world.subscriptions.by_id)
    empty = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    left = [{"data": {"webhookSubscriptions": empty}}]

    async def blind(request: Request) -> Response | None:
        return JSONResponse(left.pop()) if left else None

    world.traffic.hooks.append(blind)
    assert len(await hooks.ensure(URL)) == len(TOPICS)
    assert world.subscriptions.by_id == held

    async def gone(request: Request) -> Response | None:
        if "Unsubscribe" in orjson.loads(await request.body())["query"]:
            world.subscriptions.by_id.clear()
        return None

    world.traffic.hooks.append(gone)
    assert await hooks.remove(URL) == len(TOPICS)


async def test_the_wrong_token_is_told_as_ever(shopify_world: ShopifyWorld) -> None:
    """Goal: the sandbox holds subscriptions behind the same door as levels."""
    transport = httpx.ASGITransport(app=shopify_world.transport.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
        body = {"query": "{ webhookSubscriptions(first: 5) { nodes { id } } }"}
        response = await client.post("/admin/api/2026-10/graphql.json", json=body)
    assert response.status_code == 401
