"""Walks over large Shopify shops by bulk operation: the same levels for a handful of points, and a way out."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from graphql import parse, validate
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from onhand.channels.base import FoundLevel, Meter
from onhand.channels.errors import SameKeyRetry
from onhand.channels.shopify import Shopify, StaticToken
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.bulk import SECONDS_MAX
from onhand.channels.shopify.catalogue_documents import RUN_BULK, bulk_walk
from onhand.sandbox.shopify import ShopifyOptions
from onhand.sandbox.traffic import Hook
from tests.channels.case_shopify import LEEDS, LONDON, the_published_schema
from tests.channels.test_shopify import adapter_for, answers
from tests.fix_channels import BASE_URL, number_of
from tests.fix_shopify import ShopifyWorld

PLACES = (LEEDS, LONDON)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shop counts as large."""
    monkeypatch.setattr("onhand.channels.shopify.walk.BULK_VARIANTS_MIN", 1)


async def walked(adapter: Shopify, places: Sequence[str] = PLACES) -> list[FoundLevel]:
    return [level async for page in adapter.walk_levels(places) for level in page]


def at_file(body: str, status: int = 200) -> Hook:
    """The file is answered by this."""

    async def hook(request: Request) -> Response | None:
        return PlainTextResponse(body, status) if "/bulk/" in request.url.path else None

    return hook


def varied(world: ShopifyWorld, count: int) -> None:
    """Items of every condition, with levels that differ."""
    for at, ref in enumerate(world.fill(count)):
        item = world.shop.items[number_of(ref)]
        world.shop.edit(item.item_id, LEEDS, at)
        item.tracked = at % 5 != 1
        item.values["inventory_policy"] = "CONTINUE" if at % 5 == 2 else "DENY"
        item.values["status"] = "DRAFT" if at % 5 == 3 else "ACTIVE"


async def test_a_bulk_operation_finds_what_pages_find(
    shopify_world: ShopifyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: level for level the same, in the same order, without a single page being asked for."""
    varied(shopify_world, 600)
    in_bulk = await walked(shopify_world.adapter)
    assert dict(shopify_world.traffic.calls) == {
        "productVariantsCount": 1,
        "bulkOperationRunQuery": 1,
        "bulkOperation": 1,
    }
    monkeypatch.setattr("onhand.channels.shopify.walk.BULK_VARIANTS_MIN", 1_000)
    assert await walked(shopify_world.adapter) == in_bulk
    assert len(in_bulk) == 1_200


async def test_the_file_is_fetched_without_our_token(shopify_world: ShopifyWorld) -> None:
    """Goal: it lies with somebody else, whom the token is none of the business of; and it is read line by line."""
    shopify_world.fill(3)
    await walked(shopify_world.adapter)
    (file,) = (each for each in shopify_world.transport.exchanges if "/bulk/" in each.request.url.path)
    assert "x-shopify-access-token" not in file.request.headers
    assert len(file.response.text.splitlines()) == 3


async def test_a_walk_waits_as_long_as_the_shop_works(shopify_world: ShopifyWorld) -> None:
    """Goal: with 600 objects at ten a second it looks now and then for a minute, and spends hardly a point."""
    shopify_world.fill(600)
    channel = adapter_for(
        shopify_world, ShopifyOptions(clock=shopify_world.clock.now, bulk_objects_per_second=10)
    )
    began = shopify_world.clock.now()
    assert len(await walked(channel)) == 1_200
    assert 60 <= shopify_world.clock.now() - began <= 72
    assert shopify_world.traffic.calls["bulkOperation"] < 15
    assert channel.meter.remaining["points"] > 1_980


@pytest.mark.parametrize("why", ["refused", "failed", "slow"])
async def test_where_no_bulk_operation_is_to_be_had_pages_are_read(
    shopify_world: ShopifyWorld, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Goal: whatever becomes of it, the walk finds everything; a result that takes too long is not waited for."""
    shopify_world.fill(501)
    channel, world = shopify_world.adapter, shopify_world
    if why == "refused":
        error = {"code": "LIMIT_REACHED", "field": ["query"], "message": "limit"}
        refusal = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}}
        count = {"data": {"productVariantsCount": {"count": 501, "precision": "EXACT"}}}
        world.traffic.hooks.append(answers(count, refusal))
    elif why == "failed":
        state = {"id": "1", "status": "FAILED", "errorCode": "TIMEOUT", "objectCount": "9", "url": None}
        started = {
            "bulkOperation": {"id": "gid://shopify/BulkOperation/1", "status": "CREATED"},
            "userErrors": [],
        }
        count = {"data": {"productVariantsCount": {"count": 501, "precision": "EXACT"}}}
        run = {"data": {"bulkOperationRunQuery": started}}
        world.traffic.hooks.append(answers(count, run, {"data": {"bulkOperation": state}}))
    else:
        slow = ShopifyOptions(clock=world.clock.now, bulk_objects_per_second=501 / (SECONDS_MAX + 60))
        channel = adapter_for(world, slow)
    assert len(await walked(channel)) == 1_002
    assert world.traffic.calls["productVariants"] == 3


@pytest.mark.parametrize(
    ("body", "status"), [('{"id": "gid://shopify/ProductVariant/1", "invent', 200), ("<Error/>", 403)]
)
async def test_a_file_that_is_cut_or_gone_is_no_empty_shop(
    shopify_world: ShopifyWorld, body: str, status: int
) -> None:
    """Goal: the walk fails and can be repeated; the address, which is a key, is in no error."""
    shopify_world.fill(3)
    shopify_world.traffic.hooks.append(at_file(body, status))
    with pytest.raises(SameKeyRetry) as failure:
        await walked(shopify_world.adapter)
    assert "key=" not in str(failure.value)
    assert "/bulk/" not in str(failure.value)


class Drip(httpx.AsyncByteStream):
    """A body of which a byte comes now and then, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b" "


async def test_a_file_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: no walk hangs on a line that never ends, though each byte comes in time."""
    monkeypatch.setattr("onhand.channels.shopify.admin.EXCHANGE_SECONDS_MAX", 0.05)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=Drip()))
    admin = Admin("shopify", BASE_URL, "2026-10", StaticToken("x"), meter=Meter(), transport=transport)
    with pytest.raises(SameKeyRetry, match="did not arrive whole"):
        async for _ in admin.lines(f"{BASE_URL}/bulk/1", "fetch"):
            pass
    await admin.aclose()


async def test_an_empty_shop_has_no_file(
    shopify_world: ShopifyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the platform gives no address where nothing was found, and nothing is fetched."""
    monkeypatch.setattr("onhand.channels.shopify.walk.BULK_VARIANTS_MIN", 0)
    assert await walked(shopify_world.adapter) == []
    assert shopify_world.traffic.calls["bulkOperation"] == 1


def test_the_query_in_bulk_keeps_to_the_published_schema() -> None:
    """Goal: what is inside the text of a mutation is checked by nobody else."""
    assert validate(the_published_schema(), parse(bulk_walk(PLACES))) == []


@pytest.mark.parametrize(
    "text",
    [
        "{ productVariants(first: 10) { edges { node { id } } } }",
        "query Q($a: String) { productVariants(after: $a) { edges { node { id } } } }",
        "{ productVariants { nodes { id } } }",
        "{ shop { name } }",
        "{ productVariants { edges { node { nonsense } } } }",
        "{ productVariants { edges",
    ],
)
async def test_the_sandbox_refuses_what_cannot_run_in_bulk(shopify_world: ShopifyWorld, text: str) -> None:
    """Goal: pages, variables, and what the schema does not know are INVALID, and nothing is started."""
    admin = shopify_world.adapter._admin
    data = await admin.run(RUN_BULK, {"query": text}, "start")
    payload = data["bulkOperationRunQuery"]
    assert payload["bulkOperation"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID"]


async def test_five_run_at_a_time(shopify_world: ShopifyWorld) -> None:
    """Goal: the sixth is told that the limit is reached, and may run when another has ended."""
    shopify_world.fill(1)
    channel = adapter_for(shopify_world, ShopifyOptions(clock=shopify_world.clock.now))
    codes = []
    for _ in range(6):
        data = await channel._admin.run(RUN_BULK, {"query": bulk_walk(PLACES)}, "start")
        codes.append([error["code"] for error in data["bulkOperationRunQuery"]["userErrors"]])
    assert codes == [[]] * 5 + [["LIMIT_REACHED"]]
    shopify_world.clock.advance(2)
    data = await channel._admin.run(RUN_BULK, {"query": bulk_walk(PLACES)}, "start")
    assert data["bulkOperationRunQuery"]["userErrors"] == []
