"""Items that shoppers cannot see, or can buy without end: what the sandbox shops make of them."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from onhand.sandbox.app import create_app
from onhand.sandbox.store import Store
from onhand.sandbox.world import World, WorldOptions
from tests.fix_channels import BASE_URL

PLATFORMS = ("shopify", "woocommerce", "bigcommerce")


@pytest.fixture
def app() -> Starlette:
    return create_app(WorldOptions().without_limits())


@pytest.fixture
def world(app: Starlette) -> World:
    world: World = app.state.world
    return world


@pytest.fixture
async def client(app: Starlette) -> httpx.AsyncClient:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)
    shirts = [{"sku": f"SHIRT-{size}", "level": 3, "product": "shirt", "variation": size} for size in "SM"]
    await post(client, "catalogue", [*shirts, {"sku": "MUG", "level": 3}])
    return client


async def post(client: httpx.AsyncClient, name: str, body: Any, status: int = 200) -> Any:
    response = await client.post(f"/_sandbox/{name}", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def buy(client: httpx.AsyncClient, platform: str, sku: str, status: int, quantity: int = 1) -> None:
    """By an order and by a plain sale alike."""
    line = {"sku": sku, "quantity": quantity}
    await post(client, "order", {"platform": platform, "lines": [line]}, status)
    await post(client, "sell", {"platform": platform, **line}, status)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_nobody_buys_what_is_hidden(client: httpx.AsyncClient, platform: str) -> None:
    """Goal: an item out of sight is sold to nobody but a checkout that raced; its page says so; shown, it sells."""
    told = await post(client, "edit", {"platform": platform, "sku": "MUG", "hidden": True})
    assert told["hidden"]
    await buy(client, platform, "MUG", 409)
    await buy(client, platform, "SHIRT-S", 200)
    assert (await client.get(f"/shops/{platform}/part")).text.count(">hidden<") == 1
    await post(client, "order", {"platform": platform, "lines": [{"sku": "MUG"}], "force": True})
    assert not (await post(client, "edit", {"platform": platform, "sku": "MUG", "hidden": False}))["hidden"]
    await buy(client, platform, "MUG", 200)


async def test_shopify_hides_whole_products(client: httpx.AsyncClient, world: World) -> None:
    """Goal: there, siblings go out of sight together; elsewhere each by itself."""
    for platform in PLATFORMS:
        await post(client, "edit", {"platform": platform, "sku": "SHIRT-S", "hidden": True})
    hidden = {
        platform: sorted(item.sku for item in world.shops[platform].items.values() if item.hidden)
        for platform in PLATFORMS
    }
    assert hidden == {
        "shopify": ["SHIRT-M", "SHIRT-S"],
        "woocommerce": ["SHIRT-S"],
        "bigcommerce": ["SHIRT-S"],
    }


async def test_variations_of_a_hidden_product_are_hidden(client: httpx.AsyncClient, world: World) -> None:
    """Goal: at WooCommerce a product hides what it consists of."""
    shop = world.shops["woocommerce"]
    (parent,) = (item for item in shop.items.values() if item.kind == "variable")
    shop.hide(parent.item_id, True)
    await buy(client, "woocommerce", "SHIRT-S", 409)


@pytest.mark.parametrize("platform", ["shopify", "woocommerce"])
async def test_what_oversells_is_sold_beyond_zero(
    client: httpx.AsyncClient, world: World, platform: str
) -> None:
    """Goal: the platform's own way of selling on: its level goes below zero."""
    told = await post(client, "edit", {"platform": platform, "sku": "MUG", "oversells": True})
    assert told["oversells"]
    await post(client, "order", {"platform": platform, "lines": [{"sku": "MUG", "quantity": 5}]})
    shop = world.shops[platform]
    (number,) = shop.by_sku["MUG"]
    assert shop.level(number, next(iter(shop.places))) == -2
    await post(client, "edit", {"platform": platform, "sku": "MUG", "oversells": False})
    await buy(client, platform, "MUG", 409, quantity=9)


async def test_bigcommerce_never_sells_beyond_zero(client: httpx.AsyncClient) -> None:
    """Goal: what a platform has no switch for is refused in words."""
    told = await post(client, "edit", {"platform": "bigcommerce", "sku": "MUG", "oversells": True}, 400)
    assert "never sells beyond zero" in told["error"]


async def test_what_is_hidden_outlives_a_restart(
    client: httpx.AsyncClient, world: World, tmp_path: Path
) -> None:
    """Goal: hidden items and closed places are on disk like everything else."""
    shop = world.shops["bigcommerce"]
    (number,) = shop.by_sku["MUG"]
    shop.hide(number, True)
    shop.items[number].closed = ("1",)
    await Store(world, tmp_path).save()
    again = World(WorldOptions().without_limits())
    Store(again, tmp_path).load()
    item = again.shops["bigcommerce"].items[number]
    assert (item.hidden, item.closed) == (True, ("1",))


SWITCH = "/bigcommerce/stores/sandbox/v3/inventory/locations/{}/items"
STORE = {"X-Auth-Token": "sandbox-bc-token", "Accept": "application/json"}


def setting(number: int = 100_001, **more: Any) -> dict[str, Any]:
    return {"identity": {"product_id": number}, "is_in_stock": False, **more}


@pytest.mark.parametrize(
    ("place", "settings", "status"),
    [
        (1, [setting(warning_level=3)], 200),
        (9, [setting()], 404),
        (1, [], 422),
        (1, ["nothing"], 422),
        (1, [setting(is_in_stock="no")], 422),
        (1, [{"identity": {"product_id": 100_001}}], 422),
        (1, [setting(identity={"product_id": 100_001, "sku": "MUG"})], 422),
        (1, [setting(), setting(1)], 422),
        (1, [setting()] * 2_001, 413),
    ],
)
async def test_bigcommerce_switches_all_or_none(
    client: httpx.AsyncClient, world: World, place: int, settings: list[Any], status: int
) -> None:
    """Goal: what is not accepted as a whole switches nothing off."""
    answer = await client.put(SWITCH.format(place), json={"settings": settings}, headers=STORE)
    assert answer.status_code == status, answer.text
    item = world.shops["bigcommerce"].items["100001"]
    assert item.sku == "MUG"
    assert item.closed == (("1",) if status == 200 else ())


async def test_bigcommerce_lists_products_by_whether_they_are_seen(client: httpx.AsyncClient) -> None:
    """Goal: the catalogue's filters, and what they refuse."""
    url = "/bigcommerce/stores/sandbox/v3/catalog/products?include_fields=is_visible"
    await post(client, "edit", {"platform": "bigcommerce", "sku": "MUG", "hidden": True})
    (hidden,) = (await client.get(f"{url}&is_visible=false", headers=STORE)).json()["data"]
    assert hidden == {"id": 100_001, "is_visible": False}
    assert len((await client.get(f"{url}&availability=available", headers=STORE)).json()["data"]) == 2
    assert (await client.get(f"{url}&is_visible=maybe", headers=STORE)).status_code == 422


@pytest.mark.parametrize(
    ("product", "said"),
    [
        ({"id": "gid://shopify/Product/9", "status": "DRAFT"}, "Product does not exist"),
        ({"status": "DRAFT"}, "Product does not exist"),
        ({"id": "gid://shopify/Product/3000000001", "tags": ["x" * 256]}, "Product tags is invalid"),
        ({"id": "gid://shopify/Product/3000000001", "tags": ["b", "a", "b"]}, ""),
    ],
)
async def test_shopify_says_what_is_wrong_with_a_product(
    client: httpx.AsyncClient, product: dict[str, Any], said: str
) -> None:
    """Goal: user errors as the platform words them; tags come back each once, sorted."""
    query = (
        "mutation M($product: ProductUpdateInput!) { productUpdate(product: $product) "
        "{ product { status tags } userErrors { field message } } }"
    )
    answer = await client.post(
        "/shopify/admin/api/2026-10/graphql.json",
        json={"query": query, "variables": {"product": product}},
        headers={"X-Shopify-Access-Token": "sandbox-shopify-token"},
    )
    payload = answer.json()["data"]["productUpdate"]
    assert [error["message"] for error in payload["userErrors"]] == ([said] if said else [])
    if not said:
        assert payload["product"] == {"status": "ACTIVE", "tags": ["a", "b"]}


async def test_woocommerce_knows_its_own_visibilities(client: httpx.AsyncClient, world: World) -> None:
    """Goal: out of the lists is not out of sale; a word that is none is refused."""
    (number,) = world.shops["woocommerce"].by_sku["MUG"]
    url, key = f"/woocommerce/wp-json/wc/v3/products/{number}", ("ck_sandbox", "cs_sandbox")
    row = (await client.put(url, json={"catalog_visibility": "hidden"}, auth=key)).json()
    assert (row["catalog_visibility"], row["status"]) == ("hidden", "publish")
    await buy(client, "woocommerce", "MUG", 200)
    assert (await client.put(url, json={"catalog_visibility": "gone"}, auth=key)).status_code == 400
    drafts = await client.get("/woocommerce/wp-json/wc/v3/products?status=draft", auth=key)
    assert drafts.json() == []
