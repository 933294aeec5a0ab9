"""WooCommerce's part in the conformance suite."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import orjson
from jsonschema import Draft7Validator
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response

from onhand.channels.base import NO_PLACE, ItemRef
from onhand.channels.woocommerce import WooCommerce
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from onhand.sandbox.woocommerce import WooOptions, routes
from tests.fix_channels import ChannelCase, Exchange, FakeClock, number_of

KEY = "ck_conformance_8d17"
SECRET = "cs_conformance_40f2"
WRONG_SECRET = "cs_revoked_99c3"
FIRST_ITEM = 1_001
API = "/wp-json/wc/v3"

SPEC = Path(__file__).parents[2].parent / "shared" / "specs" / "woocommerce" / "wc-v3.derived.schema.json"

Definitions = dict[str, Draft7Validator]


def case(clock: FakeClock, *, limits: bool = False) -> ChannelCase:
    """A shop of simple products, with a host's rate limiter before it where limits are asked for."""
    shop = Shop("Sandbox WooCommerce", {NO_PLACE: "the shop"}, clock=clock.now)
    traffic = Traffic("woocommerce")
    options = WooOptions(
        consumer_key=KEY,
        consumer_secret=SECRET,
        limits=limits,
        host_calls_max=30,
        host_calls_per_second=2.0,
        clock=clock.now,
        sleep=clock.sleep,
    )

    def make_adapter(
        *, base_url: str, transport: httpx.AsyncBaseTransport | None, credentials_ok: bool = True
    ) -> WooCommerce:
        return WooCommerce(
            "woocommerce-test",
            # The adapter refuses plain http to anything but this machine.
            base_url.replace("http://sandbox.test", "https://sandbox.test"),
            KEY,
            SECRET if credentials_ok else WRONG_SECRET,
            transport=transport,
            clock=clock.now,
            sleep=clock.sleep,
        )

    return ChannelCase(
        name="woocommerce",
        app=Starlette(routes=routes(shop, options, traffic, OrderBook(shop), Subscriptions())),
        shop=shop,
        traffic=traffic,
        clock=clock,
        places=(NO_PLACE,),
        make_adapter=make_adapter,
        fill=lambda count: fill(shop, count),
        unknown=ItemRef(0, "GONE", "99999999"),
        throttled=throttled,
        secrets=(KEY, SECRET, WRONG_SECRET),
        validator=validator(),
        hide=lambda item: shop.hide(number_of(item), True),
    )


def fill(shop: Shop, count: int) -> list[ItemRef]:
    """Put simple, managed products into the shop."""
    refs = []
    for at in range(len(shop.items), len(shop.items) + count):
        number, sku = str(FIRST_ITEM + at), f"SKU-{at:06}"
        shop.add(Item(number, sku, f"Thing {at}", levels={NO_PLACE: 0}))
        refs.append(ItemRef(at + 1, sku, number))
    return refs


def throttled() -> Response:
    """What a managed host says: a page, and no word on how long."""
    return HTMLResponse("<h1>429 Too Many Requests</h1>", 429)


@lru_cache
def published() -> Definitions | None:
    """The derived schema by definition; None where the copy is not at hand."""
    if not SPEC.exists():
        return None
    schema: dict[str, Any] = orjson.loads(SPEC.read_bytes())
    definitions = schema["definitions"]
    return {
        name: Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
        for name in definitions
    }


def validator() -> Callable[[Exchange], None] | None:
    """Holds every exchange with products and variations to the derived schema; None where that is not at hand."""
    definitions = published()
    return None if definitions is None else lambda exchange: check_exchange(definitions, exchange)


def check_exchange(definitions: Definitions, exchange: Exchange) -> None:
    """The request and, where the shop itself gave it, the answer keep to the schema."""
    path = exchange.request.url.path.removeprefix(API)
    assert path != exchange.request.url.path, f"{path} is outside of {API}"
    row = "product_variation" if "variations" in path else "product"
    if path.startswith("/webhooks"):
        check_webhooks(definitions, exchange)
    elif path == "/orders":
        check_orders(definitions, exchange)
    elif path.endswith("/batch"):
        check_batch(definitions, row, exchange)
    elif path.endswith(("/products", "/variations")):
        check_listing(definitions, row, exchange)


def check_batch(definitions: Definitions, row: str, exchange: Exchange) -> None:
    """A batch holds at most 100 entries, each with an id and a level or a status of the right types, and no _fields."""
    body = orjson.loads(exchange.request.content)
    hold(definitions["batch_request"], body)
    assert body.keys() == {"update"}
    assert len(body["update"]) <= 100
    assert "_fields" not in exchange.request.url.params
    for entry in body["update"]:
        assert entry.keys() in ({"id", "manage_stock", "stock_quantity"}, {"id", "status"})
        hold(definitions[row], entry)
    answer = json_of(exchange.response)
    if isinstance(answer, dict) and exchange.response.status_code == 200:
        hold(definitions["batch_response"], answer)
        for entry in answer["update"]:
            hold(definitions["batch_item_error" if "error" in entry else row], entry)
    elif isinstance(answer, dict):
        hold(definitions["error"], answer)


def check_listing(definitions: Definitions, row: str, exchange: Exchange) -> None:
    """A listing asks for at most 100 rows by at most 100 ids."""
    asked = exchange.request.url.params
    assert 1 <= int(asked["per_page"]) <= 100
    assert len(asked.get("include", "").split(",")) <= 100
    answer = json_of(exchange.response)
    for entry in answer if isinstance(answer, list) else []:
        hold(definitions[row], without_prices(entry))


def check_orders(definitions: Definitions, exchange: Exchange) -> None:
    """Orders are asked for by at most 100 ids or by their last change, in GMT, with fields that name nobody."""
    asked = exchange.request.url.params
    assert ("include" in asked) != (asked.get("dates_are_gmt") == "true" and "modified_after" in asked)
    assert asked["status"] == "any"
    assert not {"billing", "shipping", "customer_note", "meta_data"} & set(asked["_fields"].split(","))
    check_listing(definitions, "order", exchange)


def check_webhooks(definitions: Definitions, exchange: Exchange) -> None:
    """Webhooks are listed a hundred at a time, and written in batches of well-formed entries."""
    if exchange.request.method == "GET":
        check_listing(definitions, "webhook", exchange)
        return
    assert exchange.request.url.path == f"{API}/webhooks/batch"
    body = orjson.loads(exchange.request.content)
    hold(definitions["batch_request"], body)
    assert sum(map(len, body.values())) <= 100
    for entry in (*body.get("create", ()), *body.get("update", ())):
        hold(definitions["webhook"], entry)
    answer = json_of(exchange.response)
    if exchange.response.status_code == 200:
        hold(definitions["batch_response"], answer)


def without_prices(entry: dict[str, Any]) -> dict[str, Any]:
    """An order without its lines' prices: the documentation calls them texts, and shops send numbers."""
    if "line_items" not in entry:
        return entry
    lines = [{name: line[name] for name in line if name != "price"} for line in entry["line_items"]]
    return {**entry, "line_items": lines}


def hold(schema: Draft7Validator, value: Any) -> None:
    """Assert that a value keeps to a schema."""
    errors = [f"{error.json_path}: {error.message}" for error in schema.iter_errors(value)]
    assert errors == []


def json_of(response: httpx.Response) -> Any:
    """The decoded body; None where a fault answered in the shop's stead."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
