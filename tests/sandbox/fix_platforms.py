"""Plain HTTP to the shops of one sandbox: a level read, a level written, in each platform's own way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx
from starlette.applications import Starlette

from onhand.sandbox.app import create_app
from onhand.sandbox.catalogue import fill, generated
from onhand.sandbox.world import World, WorldOptions
from tests.fix_channels import BASE_URL, FakeClock

LEEDS = "gid://shopify/Location/1001"
PLACES = {"shopify": LEEDS, "woocommerce": "", "bigcommerce": "1"}
"""Where levels are read and written here."""

GRAPHQL = "/shopify/admin/api/2026-10/graphql.json"
SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta } } userErrors { code field message } } }"""
READ = """query Read($id: ID!, $place: ID!) { inventoryItem(id: $id) {
  inventoryLevel(locationId: $place) { quantities(names: ["available"]) { quantity } } } }"""

SKUS = 20
LEVEL = 10


@dataclass
class Sandbox:
    """A world whose time passes only where somebody sleeps: 20 SKUs, 10 pieces of each everywhere."""

    clock: FakeClock
    world: World
    app: Starlette
    client: httpx.AsyncClient

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """The control API's answer."""
        response = await self.client.request(method, f"/_sandbox{path}", json=body)
        assert response.status_code == status, response.text
        return response.json()


def sandbox_of(clock: FakeClock, **bigcommerce: Any) -> Sandbox:
    """The world, and a client in the same process; limits are off."""
    options = WorldOptions().without_limits()
    times = {"clock": clock.now, "sleep": clock.sleep}
    options = replace(
        options,
        shopify=replace(options.shopify, clock=clock.now),
        woocommerce=replace(options.woocommerce, **times),
        bigcommerce=replace(options.bigcommerce, **times, **bigcommerce),
    )
    # Looked up at each call, so that a test may let the faults' time be real.
    world = World(options, now=clock.now, clock=clock.now, sleep=lambda seconds: clock.sleep(seconds))
    fill(world.shops, generated(SKUS, variations=False, level=LEVEL))
    app = create_app(world=world)
    return Sandbox(
        clock, world, app, httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL)
    )


_keys = count(1)


@dataclass(frozen=True)
class Platform:
    """One platform's calls; `write` sets levels of the first SKUs, `read` asks for that of one."""

    name: str
    write: Callable[[Sandbox, list[int]], Awaitable[httpx.Response]]
    read: Callable[[Sandbox, int], Awaitable[httpx.Response]]
    level: Callable[[Any], int]
    """The level in the JSON of a read."""

    async def shown(self, sandbox: Sandbox, at: int = 0) -> int:
        """The level that the API shows of one SKU."""
        response = await self.read(sandbox, at)
        assert response.status_code == 200, response.text
        return self.level(response.json())

    def truth(self, sandbox: Sandbox, at: int = 0) -> int | None:
        """The level that the shop has."""
        shop = sandbox.world.shops[self.name]
        return shop.level(item_id(sandbox, self.name, at), PLACES[self.name])


def item_id(sandbox: Sandbox, platform: str, at: int) -> str:
    """The platform's number of a SKU."""
    return sandbox.world.shops[platform].by_sku[f"SKU-{at + 1:06}"][0]


async def _shopify_write(sandbox: Sandbox, levels: list[int]) -> httpx.Response:
    entries = [
        {
            "inventoryItemId": f"gid://shopify/InventoryItem/{item_id(sandbox, 'shopify', at)}",
            "locationId": LEEDS,
            "quantity": level,
            "changeFromQuantity": None,
        }
        for at, level in enumerate(levels)
    ]
    given = {"name": "available", "reason": "correction", "quantities": entries}
    return await _graphql(sandbox, SET, {"input": given, "key": f"key-{next(_keys)}"})


async def _shopify_read(sandbox: Sandbox, at: int) -> httpx.Response:
    gid = f"gid://shopify/InventoryItem/{item_id(sandbox, 'shopify', at)}"
    return await _graphql(sandbox, READ, {"id": gid, "place": LEEDS})


async def _graphql(sandbox: Sandbox, text: str, variables: Any) -> httpx.Response:
    headers = {"X-Shopify-Access-Token": "sandbox-shopify-token"}
    return await sandbox.client.post(GRAPHQL, json={"query": text, "variables": variables}, headers=headers)


WOO = "/woocommerce/wp-json/wc/v3/products"
KEY = httpx.BasicAuth("ck_sandbox", "cs_sandbox")


async def _woo_write(sandbox: Sandbox, levels: list[int]) -> httpx.Response:
    entries = [
        {"id": int(item_id(sandbox, "woocommerce", at)), "manage_stock": True, "stock_quantity": level}
        for at, level in enumerate(levels)
    ]
    return await sandbox.client.post(f"{WOO}/batch", json={"update": entries}, auth=KEY)


async def _woo_read(sandbox: Sandbox, at: int) -> httpx.Response:
    return await sandbox.client.get(f"{WOO}/{item_id(sandbox, 'woocommerce', at)}", auth=KEY)


BIG = "/bigcommerce/stores/sandbox/v3/inventory"
TOKEN = {"X-Auth-Token": "sandbox-bc-token", "Accept": "application/json"}


async def _big_write(sandbox: Sandbox, levels: list[int]) -> httpx.Response:
    entries = [
        {"location_id": 1, "product_id": int(item_id(sandbox, "bigcommerce", at)), "quantity": level}
        for at, level in enumerate(levels)
    ]
    body = {"reason": "test", "items": entries}
    return await sandbox.client.put(f"{BIG}/adjustments/absolute", json=body, headers=TOKEN)


async def _big_read(sandbox: Sandbox, at: int) -> httpx.Response:
    query = f"product_id:in={item_id(sandbox, 'bigcommerce', at)}&location_id:in=1"
    return await sandbox.client.get(f"{BIG}/items?{query}", headers=TOKEN)


def _shopify_level(body: Any) -> int:
    return int(body["data"]["inventoryItem"]["inventoryLevel"]["quantities"][0]["quantity"])


def _big_level(body: Any) -> int:
    return int(body["data"][0]["locations"][0]["total_inventory_onhand"])


PLATFORMS = {
    "shopify": Platform("shopify", _shopify_write, _shopify_read, _shopify_level),
    "woocommerce": Platform("woocommerce", _woo_write, _woo_read, lambda body: int(body["stock_quantity"])),
    "bigcommerce": Platform("bigcommerce", _big_write, _big_read, _big_level),
}
