"""Shopify's part in the conformance suite."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    coerce_input_value,
    is_input_type,
    parse,
    type_from_ast,
    validate,
)
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from onhand.channels.base import ItemRef
from onhand.channels.shopify import Shopify, StaticToken
from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.shopify import ShopifyOptions, routes
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from tests.fix_channels import ChannelCase, Exchange, FakeClock, number_of

LEEDS = "gid://shopify/Location/1001"
LONDON = "gid://shopify/Location/1002"
TOKEN = "shpat_conformance_token_5c1d"
WRONG_TOKEN = "shpat_revoked_token_77aa"
FIRST_ITEM = 5_000_000_000
FIRST_VARIANT = 4_000_000_000
TIGHT_POINTS = 200

SPECS = Path(__file__).parents[2].parent / "shared" / "specs" / "shopify"
DIRECTIVE = "\ndirective @idempotent(key: String!) on FIELD\n"
"""Required at run time since 2026-04, and not part of every published schema."""


def case(clock: FakeClock, *, limits: bool = False) -> ChannelCase:
    """A shop with two locations."""
    shop = Shop("Sandbox Shopify", {LEEDS: "Leeds", LONDON: "London"}, clock=clock.now)
    traffic = Traffic("shopify")
    options = ShopifyOptions(access_token=TOKEN, limits=limits, points_max=TIGHT_POINTS, clock=clock.now)

    def make_adapter(
        *, base_url: str, transport: httpx.AsyncBaseTransport | None, credentials_ok: bool = True
    ) -> Shopify:
        token = StaticToken(TOKEN if credentials_ok else WRONG_TOKEN)
        return Shopify(
            "shopify-test",
            base_url,
            token,
            (LEEDS, LONDON),
            transport=transport,
            clock=clock.now,
            sleep=clock.sleep,
        )

    return ChannelCase(
        name="shopify",
        app=Starlette(routes=routes(shop, options, traffic, OrderBook(shop), Subscriptions())),
        shop=shop,
        traffic=traffic,
        clock=clock,
        places=(LEEDS, LONDON),
        make_adapter=make_adapter,
        fill=lambda count: fill(shop, count),
        unknown=ItemRef(0, "GONE", "gid://shopify/InventoryItem/999"),
        throttled=throttled,
        secrets=(TOKEN, WRONG_TOKEN),
        validator=validator(),
        hide=lambda item: shop.hide(number_of(item), True),
    )


def fill(shop: Shop, count: int) -> list[ItemRef]:
    """Put plain items into the shop, stocked at both locations."""
    refs = []
    for at in range(len(shop.items), len(shop.items) + count):
        number, sku = str(FIRST_ITEM + at), f"SKU-{at:06}"
        levels = {LEEDS: 0, LONDON: 0}
        values = {"variant_id": str(FIRST_VARIANT + at)}
        product = str(3_000_000_000 + at)
        shop.add(Item(number, sku, f"Thing {at}", parent_id=product, levels=levels, values=values))
        refs.append(ItemRef(at + 1, sku, f"gid://shopify/InventoryItem/{number}"))
    return refs


def throttled() -> Response:
    """What the platform says when the bucket is empty: an HTTP 200."""
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 11, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 36, "actualQueryCost": None, "throttleStatus": status}
    guide = "https://shopify.dev/api/usage/rate-limits"
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": guide}}
    return JSONResponse({"errors": [error], "extensions": {"cost": cost}})


@lru_cache
def published_schema(version: str = "2026-10") -> GraphQLSchema | None:
    """The schema Shopify publishes, with the directive it leaves out; None where the copy is not at hand."""
    path = SPECS / f"admin-{version}.reduced.graphql"
    if not path.exists():
        return None
    text = path.read_text()
    return build_schema(text if "directive @idempotent" in text else text + DIRECTIVE)


def the_published_schema() -> GraphQLSchema:
    """The published schema, or the test is skipped."""
    schema = published_schema()
    if schema is None:
        pytest.skip(f"no copy of Shopify's published schema at {SPECS}")
    return schema


def validator() -> Any:
    """Holds every GraphQL request to the published schema; None where that is not at hand."""
    schema = published_schema()
    return None if schema is None else lambda exchange: check_exchange(schema, exchange)


def check_exchange(schema: GraphQLSchema, exchange: Exchange) -> None:
    """The document is valid and every variable fits its type."""
    if not exchange.request.url.path.endswith("graphql.json"):
        return
    body = orjson.loads(exchange.request.content)
    check_request(schema, body["query"], body["variables"])


def check_request(schema: GraphQLSchema, text: str, variables: dict[str, Any]) -> None:
    """Assert that a document and its variables keep to a schema."""
    document = parse(text)
    assert validate(schema, document) == [], text
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    declared = {node.variable.name.value: node.type for node in operation.variable_definitions or ()}
    assert variables.keys() <= declared.keys()
    for name, node in declared.items():
        kind = type_from_ast(schema, node)
        assert kind is not None
        assert is_input_type(kind)
        coerce_input_value(variables.get(name), kind)
