"""BigCommerce's part in the conformance suite."""

import re
from collections.abc import Callable
from dataclasses import dataclass
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

from onhand.channels.base import Condition, ItemRef
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
STORE = f"/stores/{HASH}"
BASE = f"{STORE}/v3"
SECRETS = ("bc_webhook_secret_new_77c1", "bc_webhook_secret_old_1b0a")
FIRST_VARIANT = 500_000
FIRST_PRODUCT = 100_000
TIGHT_QUOTA = 30

SPECS = Path(__file__).parents[2].parent / "shared" / "specs" / "bigcommerce"
FILES = (
    "inventory.v3.yml",
    "locations.v3.yml",
    "products_catalog.v3.yml",
    "settings.v3.yml",
    "webhooks.v3.yml",
    "orders.v2.oas2.yml",
)


def options_for(clock: FakeClock, **changes: Any) -> BigCommerceOptions:
    """A sandbox store's options with the test's clock, limits off unless asked for."""
    given: dict[str, Any] = {"access_token": TOKEN, "store_hash": HASH, "limits": False, **changes}
    return BigCommerceOptions(clock=clock.now, sleep=clock.sleep, **given)


@dataclass(frozen=True, slots=True)
class Store:
    """The case, and what of its sandbox store the conformance suite does not know."""

    case: ChannelCase
    book: OrderBook
    subscriptions: Subscriptions
    options: BigCommerceOptions


def case(clock: FakeClock, *, limits: bool = False, **changes: Any) -> ChannelCase:
    """A store with two locations, its products tracked by variant. `changes`: further options of the sandbox."""
    return store(clock, limits=limits, **changes).case


def store(clock: FakeClock, *, limits: bool = False, **changes: Any) -> Store:
    """The same, with its orders and webhooks."""
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
            webhook_secrets=SECRETS,
            clock=clock.now,
            now=clock.now,
            sleep=clock.sleep,
        )

    book, subscriptions = OrderBook(shop, clock.now), Subscriptions()
    made = ChannelCase(
        name="bigcommerce",
        app=Starlette(routes=routes(shop, options, traffic, book, subscriptions)),
        shop=shop,
        traffic=traffic,
        clock=clock,
        places=(MAIN, OUTLET),
        make_adapter=make_adapter,
        fill=lambda count: fill(shop, count),
        unknown=ItemRef(0, "GONE", "999999", "99999", "variant"),
        throttled=throttled,
        secrets=(TOKEN, WRONG_TOKEN, *SECRETS),
        validator=validator(),
        hide=lambda item: switch_off(shop, item),
        tells=frozenset((Condition.HIDDEN,)),
    )
    return Store(made, book, subscriptions, options)


def fill(shop: Shop, count: int) -> list[ItemRef]:
    """Put variants into the shop, two to a product, stocked at both locations."""
    refs = []
    for at in range(len(shop.items), len(shop.items) + count):
        number, product, sku = str(FIRST_VARIANT + at), str(FIRST_PRODUCT + at // 2), f"SKU-{at:06}"
        shop.add(Item(number, sku, f"Thing {at}", parent_id=product, levels={MAIN: 0, OUTLET: 0}))
        refs.append(ItemRef(at + 1, sku, number, product, "variant"))
    return refs


def switch_off(shop: Shop, item: ItemRef) -> None:
    """A person takes an item off sale at every location."""
    shop.items[item.item_id].closed = (MAIN, OUTLET)


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
        document = mended(yaml.load((SPECS / name).read_text(), Loader=yaml.CSafeLoader))
        urn, version = f"urn:{name}", re.findall(r"\.(v\d)\.", name)[0]
        registry = registry.with_resource(urn, Resource.from_contents(document, DRAFT202012))
        paths |= {f"/{version}{path}": (urn, described) for path, described in document["paths"].items()}
    return paths, registry


def mended(described: Any) -> Any:
    """The description as a JSON Schema reads it: `nullable` is of OpenAPI, or stands in words only; alternatives that
    all have only optional fields fit together; and there are stores without a webhook."""
    if isinstance(described, list):
        return [mended(each) for each in described]
    if not isinstance(described, dict):
        return described
    made = {"anyOf" if name == "oneOf" else name: mended(value) for name, value in described.items()}
    nullable = made.get("nullable") is True or "`null` if" in str(made.get("description", ""))
    if nullable and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if made.get("uniqueItems"):
        made.pop("minItems", None)
    return made


def described_path(path: str) -> str:
    """The path as the files write it: an id in it stands for a name in braces."""
    paths, _ = contract()
    fitting = [known for known in paths if re.fullmatch(re.sub(r"\{\w+\}", r"\\d+", known), path)]
    assert fitting, path
    return fitting[0]


def check_exchange(exchange: Exchange) -> None:
    """Path, query, headers and body are as published; so is a JSON answer whose status is described."""
    request, response = exchange.request, exchange.response
    path = described_path(request.url.path.removeprefix(STORE))
    urn, described = contract()[0][path]
    method = request.method.lower()
    operation = described[method]
    pointer = f"{urn}#/paths/{path[3:].replace('/', '~1')}/{method}"
    check_parameters(urn, [*described.get("parameters", ()), *operation.get("parameters", ())], request)
    if request.content:
        check(orjson.loads(request.content), f"{pointer}/requestBody/content/application~1json/schema")
    status = str(response.status_code)
    answer, where = operation["responses"].get(status, {}), f"{pointer}/responses/{status}"
    if "$ref" in answer:
        where = f"{urn}{answer['$ref']}"
        answer = contract()[1].resolver(urn).lookup(answer["$ref"]).contents
    kind = response.headers.get("content-type", "")
    if kind in answer.get("content", {}):
        schema = f"content/{kind.replace('/', '~1')}/schema"
        check(orjson.loads(response.content), f"{where}/{schema}")


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
    """A query value is as described. Some lists ("separated by comma") are described as one number there, and the
    direction of a sort ("add `:asc` or `:desc`") only in words."""
    if name == "sort":
        text = text.removesuffix(":asc").removesuffix(":desc")
    listed = schema["type"] == "array" or name.endswith(":in")
    for part in text.split(",") if listed else [text]:
        one = schema.get("items", schema)
        value = part if one["type"] == "string" else orjson.loads(part)
        Draft202012Validator(one).validate(value)


def check(instance: Any, reference: str) -> None:
    """The instance is valid under the schema at the reference."""
    _, registry = contract()
    Draft202012Validator({"$ref": reference}, registry=registry).validate(instance)
