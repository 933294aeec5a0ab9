"""BigCommerce's part in the conformance suite."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import orjson
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from starlette.applications import Starlette
from starlette.responses import Response

from onhand.channels.base import ItemRef
from onhand.channels.bigcommerce import BigCommerce
from onhand.sandbox.bigcommerce import BigCommerceOptions, routes
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from tests.fix_channels import ChannelCase, Exchange, FakeClock

MAIN, OUTLET = "1", "2"
TOKEN = "bc_conformance_token_8e1f"
WRONG_TOKEN = "bc_revoked_token_02d4"
HASH = "sandbox"
BASE = f"/stores/{HASH}/v3"
FIRST_VARIANT = 500_000
FIRST_PRODUCT = 100_000
TIGHT_QUOTA = 30

SPECS = Path(__file__).parents[2].parent / "shared" / "specs" / "bigcommerce"
FILES = ("inventory.v3.yml", "locations.v3.yml", "products_catalog.v3.yml", "settings.v3.yml")


def options_for(clock: FakeClock, **changes: Any) -> BigCommerceOptions:
    """A sandbox store's options with the test's clock, limits off unless asked for."""
    given: dict[str, Any] = {"access_token": TOKEN, "store_hash": HASH, "limits": False, **changes}
    return BigCommerceOptions(clock=clock.now, sleep=clock.sleep, **given)


def case(clock: FakeClock, *, limits: bool = False, **changes: Any) -> ChannelCase:
    """A store with two locations, its products tracked by variant. `changes`: further options of the sandbox."""
    shop = Shop("Sandbox BigCommerce", {MAIN: "Main", OUTLET: "Outlet"}, clock=clock.now)
    traffic = Traffic("bigcommerce")
    options = options_for(clock, **{"limits": limits, "quota": TIGHT_QUOTA, **changes})

    def make_adapter(
        *, base_url: str, transport: httpx.AsyncBaseTransport | None, credentials_ok: bool = True
    ) -> BigCommerce:
        return BigCommerce(
            "bigcommerce-test",
            f"{base_url}/stores/{HASH}",
            TOKEN if credentials_ok else WRONG_TOKEN,
            (MAIN, OUTLET),
            transport=transport,
            clock=clock.now,
            sleep=clock.sleep,
        )

    return ChannelCase(
        name="bigcommerce",
        app=Starlette(routes=routes(shop, options, traffic, OrderBook(shop), Subscriptions())),
        shop=shop,
        traffic=traffic,
        clock=clock,
        places=(MAIN, OUTLET),
        make_adapter=make_adapter,
        fill=lambda count: fill(shop, count),
        unknown=ItemRef(0, "GONE", "999999", "99999", "variant"),
        throttled=throttled,
        secrets=(TOKEN, WRONG_TOKEN),
        validator=validator(),
    )


def fill(shop: Shop, count: int) -> list[ItemRef]:
    """Put variants into the shop, two to a product, stocked at both locations."""
    refs = []
    for at in range(len(shop.items), len(shop.items) + count):
        number, product, sku = str(FIRST_VARIANT + at), str(FIRST_PRODUCT + at // 2), f"SKU-{at:06}"
        shop.add(Item(number, sku, f"Thing {at}", parent_id=product, levels={MAIN: 0, OUTLET: 0}))
        refs.append(ItemRef(at + 1, sku, number, product, "variant"))
    return refs


def throttled() -> Response:
    """What the platform says when the quota of the window is used up."""
    body = {"status": 429, "title": "Too many requests", "type": "about:blank", "errors": {}}
    headers = {
        "X-Rate-Limit-Requests-Quota": "150",
        "X-Rate-Limit-Requests-Left": "0",
        "X-Rate-Limit-Time-Window-Ms": "30000",
        "X-Rate-Limit-Time-Reset-Ms": "12000",
    }
    return Response(orjson.dumps(body), 429, headers, media_type="application/problem+json")


def validator() -> Callable[[Exchange], None] | None:
    """Holds requests and JSON answers to the OpenAPI files; None where they are not at hand."""
    return check_exchange if all((SPECS / name).exists() for name in FILES) else None


@lru_cache
def contract() -> tuple[dict[str, tuple[str, dict[str, Any]]], "Registry[Any]"]:
    """By path, the file that describes it and its description; and the files, for references within them."""
    paths: dict[str, tuple[str, dict[str, Any]]] = {}
    registry: Registry[Any] = Registry()
    for name in FILES:
        document = yaml.load((SPECS / name).read_text(), Loader=yaml.CSafeLoader)
        urn = f"urn:{name}"
        registry = registry.with_resource(urn, Resource.from_contents(document, DRAFT202012))
        paths |= {path: (urn, described) for path, described in document["paths"].items()}
    return paths, registry


def check_exchange(exchange: Exchange) -> None:
    """Path, query, headers and body are as published; so is a JSON answer whose status is described."""
    request, response = exchange.request, exchange.response
    path = request.url.path.removeprefix(BASE)
    paths, _ = contract()
    assert path in paths, path
    urn, described = paths[path]
    method = request.method.lower()
    operation = described[method]
    pointer = f"{urn}#/paths/{path.replace('/', '~1')}/{method}"
    check_parameters(urn, [*described.get("parameters", ()), *operation.get("parameters", ())], request)
    if request.content:
        check(orjson.loads(request.content), f"{pointer}/requestBody/content/application~1json/schema")
    answers = operation["responses"].get(str(response.status_code), {}).get("content", {})
    kind = response.headers.get("content-type", "")
    if kind in answers:
        schema = f"responses/{response.status_code}/content/{kind.replace('/', '~1')}/schema"
        check(orjson.loads(response.content), f"{pointer}/{schema}")


def check_parameters(urn: str, described: list[dict[str, Any]], request: httpx.Request) -> None:
    """Every query parameter is a published one with an admissible value; every required header is there."""
    resolver = contract()[1].resolver(urn)

    def plain(found: dict[str, Any]) -> dict[str, Any]:
        return resolver.lookup(found["$ref"]).contents if "$ref" in found else found

    parameters = [plain(each) for each in described]
    schemas = {each["name"]: plain(each["schema"]) for each in parameters if each["in"] == "query"}
    for name, text in request.url.params.multi_items():
        assert name in schemas, f"{name} is no parameter of {request.url.path}"
        check_value(name, text, schemas[name])
    for each in parameters:
        if each["in"] == "header" and each.get("required"):
            assert request.headers.get(each["name"]) == each["schema"]["default"], each["name"]


def check_value(name: str, text: str, schema: dict[str, Any]) -> None:
    """A query value is as described. Some lists ("separated by comma") are described as one number there."""
    listed = schema["type"] == "array" or name.endswith(":in")
    for part in text.split(",") if listed else [text]:
        one = schema.get("items", schema)
        Draft202012Validator(one).validate(int(part) if one["type"] == "integer" else part)


def check(instance: Any, reference: str) -> None:
    """The instance is valid under the schema at the reference."""
    _, registry = contract()
    Draft202012Validator({"$ref": reference}, registry=registry).validate(instance)
