"""The other way: a bare httpx script that sends the same bulk calls, in the same number at once, and nothing else.

No ledger, no workflow, no retry, no pacing, no record: `python -m bench.bare URL SKUS LEVEL SHOWN [--reads]` sets
every SKU of the three shops from SHOWN to LEVEL and prints the seconds it took. With `--reads` Shopify's levels are
read first, as a first sync must.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import orjson

from bench.shops import BIGCOMMERCE, SHOPIFY, WOOCOMMERCE
from onhand.channels.shopify.adapter import API_VERSION
from onhand.channels.shopify.documents import LEVELS_IN_RANGE, SET_QUANTITIES
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.catalogue import SHOPIFY_ITEMS_FROM
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.woocommerce.options import WooOptions

BIGCOMMERCE_READ = 1_000
BIGCOMMERCE_READS_AT_ONCE = 4
"""What the adapter sends: 1,000 ids in one read, and up to four chunks read back at once."""

Call = Callable[[range], Awaitable[None]]


async def _each(parts: Iterable[range], call: Call, at_once: int) -> None:
    waiting = iter(parts)

    async def work() -> None:
        for part in waiting:
            await call(part)

    await asyncio.gather(*(work() for _ in range(at_once)))


def _parts(skus: int, size: int) -> list[range]:
    return [range(start, min(start + size, skus)) for start in range(0, skus, size)]


async def _send(client: httpx.AsyncClient, method: str, url: str, body: Any = None) -> Any:
    content = None if body is None else orjson.dumps(body)
    answer = (await client.request(method, url, content=content)).raise_for_status()
    return orjson.loads(answer.content)


async def shopify(url: str, skus: int, level: int, shown: int, *, reads: bool) -> None:
    """250 levels a call, four calls at once."""
    headers = {"X-Shopify-Access-Token": ShopifyOptions().access_token, "Content-Type": "application/json"}
    path = f"{url}/shopify/admin/api/{API_VERSION}/graphql.json"

    async def read(part: range) -> dict[str, int]:
        low, high = SHOPIFY_ITEMS_FROM + part[0], SHOPIFY_ITEMS_FROM + part[-1]
        search = f"inventory_item_id:>={low} AND inventory_item_id:<={high}"
        variables = {"place": SHOPIFY.place, "range": search, "after": None}
        answer = await _send(client, "POST", path, {"query": LEVELS_IN_RANGE.text, "variables": variables})
        nodes = answer["data"]["location"]["inventoryLevels"]["nodes"]
        return {node["item"]["id"]: node["quantities"][0]["quantity"] for node in nodes}

    async def write(part: range) -> None:
        known = await read(part) if reads else {}
        items = [SHOPIFY.item_id(at) for at in part]
        quantities = [
            {
                "inventoryItemId": item,
                "locationId": SHOPIFY.place,
                "quantity": level,
                "changeFromQuantity": known.get(item, shown),
            }
            for item in items
        ]
        given = {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": "gid://onhand/Push/bare",
            "quantities": quantities,
        }
        variables = {"input": given, "key": str(uuid.uuid4())}
        answer = await _send(client, "POST", path, {"query": SET_QUANTITIES.text, "variables": variables})
        if answer.get("errors") or answer["data"]["inventorySetQuantities"]["userErrors"]:
            raise SystemExit(f"Shopify refused: {str(answer)[:500]}")

    async with _client(headers) as client:
        await _each(_parts(skus, SHOPIFY.bulk), write, SHOPIFY.at_once)


async def woocommerce(url: str, skus: int, level: int) -> None:
    """100 products a batch, three batches at once."""
    options = WooOptions()
    path = f"{url}/woocommerce/wp-json/wc/v3/products/batch"

    async def write(part: range) -> None:
        update = [
            {"id": int(WOOCOMMERCE.item_id(at)), "manage_stock": True, "stock_quantity": level} for at in part
        ]
        answer = await _send(client, "POST", path, {"update": update})
        if any(entry.get("stock_quantity") != level for entry in answer["update"]):
            raise SystemExit(f"WooCommerce refused: {str(answer)[:500]}")

    async with _client({"Content-Type": "application/json"}) as client:
        client.auth = httpx.BasicAuth(options.consumer_key, options.consumer_secret)
        await _each(_parts(skus, WOOCOMMERCE.bulk), write, WOOCOMMERCE.at_once)


async def bigcommerce(url: str, skus: int, level: int) -> None:
    """2,000 levels a write, one after the other; then all of them read back."""
    options = BigCommerceOptions()
    headers = {"X-Auth-Token": options.access_token, "Content-Type": "application/json"}
    base = f"{url}/bigcommerce/stores/{options.store_hash}/v3/inventory"
    place = int(BIGCOMMERCE.place)

    async def write(part: range) -> None:
        items = [
            {"location_id": place, "product_id": int(BIGCOMMERCE.item_id(at)), "quantity": level}
            for at in part
        ]
        await _send(client, "PUT", f"{base}/adjustments/absolute", {"reason": "bare", "items": items})

    async def read(part: range) -> None:
        ids = ",".join(BIGCOMMERCE.item_id(at) for at in part)
        tail = f"location_id:in={place}&limit={BIGCOMMERCE_READ}&page=1"
        answer = await _send(client, "GET", f"{base}/items?product_id:in={ids}&{tail}")
        if any(row["locations"][0]["total_inventory_onhand"] != level for row in answer["data"]):
            raise SystemExit(f"BigCommerce shows other levels: {str(answer)[:500]}")

    async with _client(headers) as client:
        await _each(_parts(skus, BIGCOMMERCE.bulk), write, BIGCOMMERCE.at_once)
        await _each(_parts(skus, BIGCOMMERCE_READ), read, BIGCOMMERCE_READS_AT_ONCE)


def _client(headers: dict[str, str]) -> httpx.AsyncClient:
    headers = {"Accept": "application/json", **headers}
    return httpx.AsyncClient(headers=headers, timeout=60.0, trust_env=False)


async def push_all(url: str, skus: int, level: int, shown: int, *, reads: bool) -> float:
    """All three shops at once; the seconds it took."""
    began = time.perf_counter()
    await asyncio.gather(
        shopify(url, skus, level, shown, reads=reads),
        woocommerce(url, skus, level),
        bigcommerce(url, skus, level),
    )
    return time.perf_counter() - began


def main(arguments: list[str]) -> None:
    """Print the seconds."""
    numbers = [each for each in arguments if each != "--reads"]
    url, (skus, level, shown) = numbers[0], map(int, numbers[1:])
    print(asyncio.run(push_all(url, skus, level, shown, reads="--reads" in arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
