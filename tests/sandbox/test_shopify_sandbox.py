"""The sandbox Shopify refuses what the real one refuses, in its words and shapes (apis/shopify.md)."""

from typing import Any

import httpx
import orjson
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType
from starlette.applications import Starlette

from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.shopify import ShopifyOptions, routes
from onhand.sandbox.shopify.cost import page_points
from onhand.sandbox.shopify.schema import SCHEMA
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from tests.channels.case_shopify import LEEDS, LONDON, the_published_schema
from tests.fix_channels import BASE_URL, FakeClock

PATH = "/admin/api/2026-10/graphql.json"

SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id createdAt reason changes { name delta item { id } location { id } } }
    userErrors { code field message }
  }
}"""
LEVELS = """query Levels($place: ID!, $after: String, $search: String) {
  location(id: $place) { inventoryLevels(first: 250, after: $after, query: $search) {
    nodes { id isActive updatedAt item { id sku tracked }
            quantities(names: ["available", "on_hand", "committed"]) { name quantity updatedAt } }
    pageInfo { hasNextPage endCursor } } } }"""


class Caller:
    """Speaks GraphQL to a sandbox shop."""

    def __init__(self, shop: Shop, options: ShopifyOptions) -> None:
        self.shop = shop
        self.traffic = Traffic("shopify")
        app = Starlette(routes=routes(shop, options, self.traffic, OrderBook(shop), Subscriptions()))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url=BASE_URL,
            headers={"X-Shopify-Access-Token": options.access_token},
        )

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        body = orjson.dumps({"query": query, "variables": variables})
        response = await self.client.post(PATH, content=body)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    async def set(self, key: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = {"name": "available", "reason": "correction", "quantities": list(entries), **more}
        return await self(SET, input=given, key=key)


@pytest.fixture
def call(clock: FakeClock) -> Caller:
    shop = Shop("Test", {LEEDS: "Leeds", LONDON: "London"}, clock=clock.now)
    for number in range(1, 601):
        shop.add(
            Item(
                str(number),
                f"S{number}",
                "Thing",
                levels={LEEDS: 10},
                values={"variant_id": str(9_000 - number)},
            )
        )
    return Caller(shop, ShopifyOptions(clock=clock.now))


def entry(number: int, quantity: int, compare: int | None = 10, place: str = LEEDS) -> dict[str, Any]:
    return {
        "inventoryItemId": f"gid://shopify/InventoryItem/{number}",
        "locationId": place,
        "quantity": quantity,
        "changeFromQuantity": compare,
    }


def payload(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["data"]["inventorySetQuantities"]
    return found


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


def user_codes(answer: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload(answer)["userErrors"]]


async def test_sets_levels_and_lists_both_quantities(call: Caller) -> None:
    answer = await call.set("k", entry(1, 8))
    changes = payload(answer)["inventoryAdjustmentGroup"]["changes"]
    assert [(change["name"], change["delta"]) for change in changes] == [("available", -2), ("on_hand", -2)]
    assert changes[0]["item"] == {"id": "gid://shopify/InventoryItem/1"}
    assert call.shop.level("1", LEEDS) == 8


async def test_a_level_that_holds_already_changes_nothing(call: Caller) -> None:
    answer = await call.set("k", entry(1, 10))
    assert payload(answer) == {"inventoryAdjustmentGroup": None, "userErrors": []}


async def test_without_the_directive(call: Caller) -> None:
    answer = await call(
        SET.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""),
        input={"name": "available", "reason": "correction", "quantities": [entry(1, 8)]},
    )
    assert answer["data"] == {"inventorySetQuantities": None}
    assert codes(answer) == ["BAD_REQUEST"]
    assert call.shop.level("1", LEEDS) == 10


async def test_without_the_compare_key(call: Caller) -> None:
    given = entry(1, 8)
    del given["changeFromQuantity"]
    answer = await call.set("k", given)
    assert codes(answer) == ["INVALID_FIELD_ARGUMENTS"]
    assert answer["data"] == {"inventorySetQuantities": None}


async def test_null_compares_with_nothing(call: Caller) -> None:
    assert user_codes(await call.set("k", entry(1, 8, None))) == []
    assert call.shop.level("1", LEEDS) == 8


async def test_251_entries(call: Caller) -> None:
    answer = await call.set("k", *(entry(number, 8) for number in range(1, 252)))
    assert codes(answer) == ["MAX_INPUT_SIZE_EXCEEDED"]
    assert "data" not in answer
    assert call.shop.level("1", LEEDS) == 10


async def test_one_bad_entry_rejects_all(call: Caller) -> None:
    call.shop.sell("3", LEEDS, 1)
    answer = await call.set(
        "k", entry(1, 8), entry(999, 8), entry(3, 8), entry(4, 8, place="gid://shopify/Location/9")
    )
    assert payload(answer)["inventoryAdjustmentGroup"] is None
    assert [(error["code"], error["field"]) for error in payload(answer)["userErrors"]] == [
        ("INVALID_INVENTORY_ITEM", ["input", "quantities", "1", "inventoryItemId"]),
        ("CHANGE_FROM_QUANTITY_STALE", ["input", "quantities", "2", "changeFromQuantity"]),
        ("INVALID_LOCATION", ["input", "quantities", "3", "locationId"]),
    ]
    assert call.shop.level("1", LEEDS) == 10


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"name": "committed"}, "INVALID_NAME"),
        ({"reason": "because"}, "INVALID_REASON"),
        ({"referenceDocumentUri": "no scheme"}, "INVALID_REFERENCE_DOCUMENT"),
    ],
)
async def test_a_bad_input_field(call: Caller, more: dict[str, str], code: str) -> None:
    assert user_codes(await call.set("k", entry(1, 8), **more)) == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ({"quantity": -1_000_000_001}, "INVALID_QUANTITY_TOO_LOW"),
    ],
)
async def test_a_quantity_out_of_range(call: Caller, change: dict[str, int], code: str) -> None:
    assert user_codes(await call.set("k", {**entry(1, 8), **change})) == [code]


async def test_a_negative_level_is_allowed_for_available_only(call: Caller) -> None:
    assert user_codes(await call.set("a", entry(1, -1), name="on_hand")) == ["INVALID_QUANTITY_NEGATIVE"]
    assert user_codes(await call.set("b", entry(1, -1))) == []


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "8"},
        {"quantity": 2**31},
        {"changeFromQuantity": True},
        {"inventoryItemId": "1"},
        {"locationId": "gid://shopify/InventoryItem/1"},
        {"compareQuantity": 10},
    ],
)
async def test_a_variable_of_the_wrong_shape(call: Caller, change: dict[str, Any]) -> None:
    answer = await call.set("k", {**entry(1, 8), **change})
    assert codes(answer) == ["INVALID_VARIABLE"]
    (problem,) = answer["errors"][0]["extensions"]["problems"]
    assert problem["path"][:2] == ["quantities", 0]


async def test_a_replay_is_answered_but_not_run_again(call: Caller) -> None:
    first = await call.set("same", entry(1, 8))
    call.shop.edit("1", LEEDS, 10)
    again = await call.set("same", entry(1, 8))
    assert payload(again) == payload(first)
    assert call.shop.level("1", LEEDS) == 10


async def test_a_key_with_other_content(call: Caller) -> None:
    await call.set("same", entry(1, 8))
    assert user_codes(await call.set("same", entry(2, 8))) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    assert call.shop.level("2", LEEDS) == 10


async def test_a_key_whose_attempt_failed(call: Caller) -> None:
    await call.set("same", entry(1, 8, compare=3))
    assert user_codes(await call.set("same", entry(1, 8, compare=3))) == [
        "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
    ]


async def test_a_key_is_forgotten_after_a_day(call: Caller, clock: FakeClock) -> None:
    await call.set("same", entry(1, 8))
    clock.advance(24 * 3_600 + 1)
    assert user_codes(await call.set("same", entry(2, 8))) == []


async def test_the_documented_costs(call: Caller) -> None:
    read = await call(LEVELS, place=LEEDS)
    assert read["extensions"]["cost"] == {
        "requestedQueryCost": 36,
        "actualQueryCost": 36,
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1964, "restoreRate": 100.0},
    }
    written = await call.set("k", entry(1, 8))
    assert written["extensions"]["cost"]["requestedQueryCost"] == 12


@pytest.mark.parametrize(("size", "points"), [(1, 1), (5, 3), (10, 4), (50, 7), (100, 9), (250, 11)])
def test_the_observed_points_of_a_page(size: int, points: int) -> None:
    assert page_points(size) == points


async def test_a_page_with_fewer_nodes_gives_points_back(call: Caller) -> None:
    answer = await call(LEVELS, place=LEEDS, search="inventory_item_id:>=596")
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (36, 12)
    assert cost["throttleStatus"]["currentlyAvailable"] == 2_000 - 12


async def test_the_bucket_runs_dry_and_refills(call: Caller, clock: FakeClock) -> None:
    for _ in range(55):
        assert "errors" not in await call(LEVELS, place=LEEDS)
    refused = await call(LEVELS, place=LEEDS)
    assert codes(refused) == ["THROTTLED"]
    assert refused["extensions"]["cost"]["actualQueryCost"] is None
    assert refused["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 20
    assert call.traffic.throttled == {"location": 1}
    clock.advance(0.16)
    assert "errors" not in await call(LEVELS, place=LEEDS)


async def test_a_query_beyond_a_thousand_points(call: Caller) -> None:
    ids = [f"gid://shopify/InventoryItem/{number}" for number in range(1, 251)]
    query = """query Q($ids: [ID!]!, $place: ID!) { nodes(ids: $ids) { ... on InventoryItem { id
      a: inventoryLevel(locationId: $place) { location { id } quantities(names: ["available"]) { quantity } }
      b: inventoryLevel(locationId: $place) { location { id } } } } }"""
    assert codes(await call(query, ids=ids, place=LEEDS)) == ["MAX_COST_EXCEEDED"]


async def test_pages_follow_a_cursor(call: Caller) -> None:
    numbers: list[str] = []
    after = None
    for _ in range(3):
        page = (await call(LEVELS, place=LEEDS, after=after))["data"]["location"]["inventoryLevels"]
        numbers += [node["item"]["id"].rpartition("/")[2] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert numbers == [str(number) for number in range(1, 601)]


async def test_levels_updated_since(call: Caller, clock: FakeClock) -> None:
    clock.advance(60)
    call.shop.edit("7", LEEDS, 3)
    answer = await call(LEVELS, place=LEEDS, search="updated_at:>='2027-01-15T08:00:30Z'")
    nodes = answer["data"]["location"]["inventoryLevels"]["nodes"]
    assert [node["item"]["sku"] for node in nodes] == ["S7"]
    assert nodes[0]["quantities"][0]["quantity"] == 3


async def test_a_search_it_does_not_understand_is_not_ignored(call: Caller) -> None:
    assert codes(await call(LEVELS, place=LEEDS, search="colour:red")) == ["badRequest"]


async def test_variants_come_in_the_order_of_their_own_ids(call: Caller) -> None:
    query = "{ productVariants(first: 2) { nodes { id inventoryItem { id } product { title } } } }"
    nodes = (await call(query))["data"]["productVariants"]["nodes"]
    assert [node["id"] for node in nodes] == [
        "gid://shopify/ProductVariant/8400",
        "gid://shopify/ProductVariant/8401",
    ]
    assert nodes[0]["inventoryItem"]["id"] == "gid://shopify/InventoryItem/600"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ shop { nonsense } }", "undefinedField"),
        ("{ shop { name }", "syntaxError"),
        ("{ shop(id: 1) { name } }", "badRequest"),
        ("query A { shop { name } } query B { shop { name } }", "badRequest"),
        ("query Q($size: Int!) { productVariants(first: $size) { nodes { id } } }", "INVALID_VARIABLE"),
        ("{ productVariants { nodes { id } } }", "BAD_REQUEST"),
        ("{ productVariants(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ('{ nodes(ids: ["nonsense"]) { id } }', "INVALID_VARIABLE"),
    ],
)
async def test_a_document_it_refuses(call: Caller, query: str, code: str) -> None:
    assert codes(await call(query)) == [code]


async def test_a_wrong_token_and_an_unknown_version(call: Caller) -> None:
    answer = await call.client.post(
        PATH, json={"query": "{ shop { name } }"}, headers={"X-Shopify-Access-Token": "x"}
    )
    assert answer.status_code == 401
    assert isinstance(answer.json()["errors"], str)
    retired = await call.client.post("/admin/api/2024-01/graphql.json", json={"query": "{ shop { name } }"})
    assert retired.status_code == 404


async def test_an_alias_and_a_typename(call: Caller) -> None:
    answer = await call(
        "{ mine: shop { __typename called: name } locations(first: 1) { __typename pageInfo { __typename } } }"
    )
    assert answer["data"] == {
        "mine": {"__typename": "Shop", "called": "Test"},
        "locations": {"__typename": "LocationConnection", "pageInfo": {"__typename": "PageInfo"}},
    }


async def test_activation_of_an_active_item_with_a_quantity(call: Caller) -> None:
    query = """mutation A($item: ID!, $place: ID!, $available: Int, $key: String!) {
      inventoryActivate(inventoryItemId: $item, locationId: $place, available: $available) @idempotent(key: $key) {
        inventoryLevel { id } userErrors { field message } } }"""
    item = "gid://shopify/InventoryItem/1"
    again = (await call(query, item=item, place=LEEDS, available=5, key="a"))["data"]["inventoryActivate"]
    assert again["inventoryLevel"] is not None
    assert "already active" in again["userErrors"][0]["message"]
    fresh = (await call(query, item=item, place=LONDON, available=5, key="b"))["data"]["inventoryActivate"]
    assert fresh["userErrors"] == []
    assert call.shop.level("1", LONDON) == 5


def test_the_sandbox_schema_is_part_of_the_published_one() -> None:
    """Every type, field, argument, input field and enum value of ours exists there, with the same type."""
    published = the_published_schema()
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__"):
            continue
        theirs = published.type_map[name]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
            for field_name, field in kind.fields.items():
                assert str(field.type) == str(theirs.fields[field_name].type), f"{name}.{field_name}"
                for argument_name, argument in field.args.items():
                    there = theirs.fields[field_name].args[argument_name]
                    assert str(argument.type) == str(there.type), f"{name}.{field_name}({argument_name})"
        elif isinstance(kind, GraphQLInputObjectType):
            assert isinstance(theirs, GraphQLInputObjectType)
            for field_name, given in kind.fields.items():
                assert str(given.type) == str(theirs.fields[field_name].type), f"{name}.{field_name}"
        elif isinstance(kind, GraphQLEnumType):
            assert isinstance(theirs, GraphQLEnumType)
            assert kind.values.keys() <= theirs.values.keys(), name


ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes(quantityNames: ["available"]) {
      name delta quantityAfterChange location { id }
      item { id inventoryLevel(locationId: "gid://shopify/Location/1001") {
        quantities(names: ["available"]) { quantity } } } } }
    userErrors { code field message }
  }
}"""


def delta(number: int, units: int, **more: Any) -> dict[str, Any]:
    item = f"gid://shopify/InventoryItem/{number}"
    change = {"inventoryItemId": item, "locationId": LEEDS, "delta": units, "changeFromQuantity": None}
    return {**change, **more}


def adjusting(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "available", "reason": "correction", "changes": list(changes), **more}


def adjusted(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["data"]["inventoryAdjustQuantities"]
    return found


async def test_adjusts_and_tells_the_level_after(call: Caller) -> None:
    """Goal: units are added to whatever is there; `quantityAfterChange` is null, as on real shops."""
    answer = await call(ADJUST, input=adjusting(delta(1, -3)), key="a")
    (change,) = adjusted(answer)["inventoryAdjustmentGroup"]["changes"]
    assert (change["delta"], change["quantityAfterChange"]) == (-3, None)
    assert change["item"]["inventoryLevel"] == {"quantities": [{"quantity": 7}]}
    assert call.shop.level("1", LEEDS) == 7


async def test_a_replay_adjusts_nothing_and_tells_the_level_of_now(call: Caller) -> None:
    """Goal: a key runs once; a failed one is refused ever after, one with other content is told so."""
    await call(ADJUST, input=adjusting(delta(1, -3)), key="a")
    call.shop.sell("1", LEEDS, 2)
    again = adjusted(await call(ADJUST, input=adjusting(delta(1, -3)), key="a"))
    (change,) = again["inventoryAdjustmentGroup"]["changes"]
    assert change["item"]["inventoryLevel"] == {"quantities": [{"quantity": 5}]}
    other = adjusted(await call(ADJUST, input=adjusting(delta(1, -4)), key="a"))
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    await call(ADJUST, input=adjusting(delta(9_999, 1)), key="b")
    failed = adjusted(await call(ADJUST, input=adjusting(delta(9_999, 1)), key="b"))
    assert failed["userErrors"][0]["code"] == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
    assert call.shop.level("1", LEEDS) == 5


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        (adjusting(delta(1, 1, changeFromQuantity=9)), "CHANGE_FROM_QUANTITY_STALE", "changeFromQuantity"),
        (adjusting(delta(9_999, 1)), "INVALID_INVENTORY_ITEM", "inventoryItemId"),
        (adjusting(delta(1, 1, locationId="gid://shopify/Location/9")), "INVALID_LOCATION", "locationId"),
        (adjusting(delta(1, 1_000_000_000)), "INVALID_QUANTITY_TOO_HIGH", "delta"),
        (adjusting(delta(1, -1_000_000_011)), "INVALID_QUANTITY_TOO_LOW", "delta"),
        (
            adjusting(delta(1, 1, ledgerDocumentUri="gid://x/Y/1")),
            "INVALID_AVAILABLE_DOCUMENT",
            "ledgerDocumentUri",
        ),
    ],
)
async def test_an_entry_that_cannot_be_adjusted(
    call: Caller, given: dict[str, Any], code: str, field: str
) -> None:
    """Goal: the entry is pointed at, and its neighbour is not changed either."""
    answer = adjusted(
        await call(ADJUST, input={**given, "changes": [delta(2, 1), *given["changes"]]}, key="k")
    )
    (error,) = answer["userErrors"]
    assert (error["code"], error["field"]) == (code, ["input", "changes", "1", field])
    assert answer["inventoryAdjustmentGroup"] is None
    assert (call.shop.level("1", LEEDS), call.shop.level("2", LEEDS)) == (10, 10)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (adjusting(delta(1, 1), name="on_hand"), "INVALID_QUANTITY_NAME"),
        (adjusting(delta(1, 1), reason="because"), "INVALID_REASON"),
        (adjusting(delta(1, 1), referenceDocumentUri="none"), "INVALID_REFERENCE_DOCUMENT"),
        (adjusting(delta(1, 1), delta(1, 2)), "ADJUST_QUANTITIES_FAILED"),
    ],
)
async def test_an_adjustment_that_is_wrong_as_a_whole(call: Caller, given: dict[str, Any], code: str) -> None:
    """Goal: nothing is changed."""
    answer = adjusted(await call(ADJUST, input=given, key="k"))
    assert [error["code"] for error in answer["userErrors"]] == [code]
    assert call.shop.level("1", LEEDS) == 10


async def test_an_adjustment_that_is_malformed(call: Caller) -> None:
    """Goal: the directive, the compared quantity as a key, and known fields are required, as of 2026-04."""
    plain = ADJUST.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")
    assert codes(await call(plain, input=adjusting(delta(1, 1)))) == ["BAD_REQUEST"]
    bare = delta(1, 1)
    del bare["changeFromQuantity"]
    assert codes(await call(ADJUST, input=adjusting(bare), key="k")) == ["INVALID_FIELD_ARGUMENTS"]
    for wrong in (delta(1, 1, quantity=5), delta(1, 1, delta="1"), delta(1, 1, inventoryItemId="1")):
        assert codes(await call(ADJUST, input=adjusting(wrong), key="k")) == ["INVALID_VARIABLE"]
    many = adjusting(*[delta(at + 1, 1) for at in range(251)])
    assert codes(await call(ADJUST, input=many, key="k")) == ["MAX_INPUT_SIZE_EXCEEDED"]
    assert call.shop.level("1", LEEDS) == 10


async def test_orders_are_sorted_by_their_last_change_only(call: Caller) -> None:
    """Goal: what this sandbox cannot do as the platform does is refused, not done otherwise."""
    query = "{ orders(first: 5, sortKey: CREATED_AT) { nodes { id } } }"
    assert codes(await call(query)) == ["badRequest"]
    missing = await call(
        '{ order(id: "gid://shopify/Order/1") { id } refund(id: "gid://shopify/Refund/11") { id } }'
    )
    assert missing["data"] == {"order": None, "refund": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('uri: "http://shop.example.com/in"', "not supported"),
        ('uri: ""', "blank"),
        ('uri: "https://shop.example.com/in", format: XML', "JSON only"),
        ('uri: "https://shop.example.com/in", includeFields: ["id"]', "JSON only"),
    ],
)
async def test_a_subscription_that_is_refused(call: Caller, given: str, said: str) -> None:
    """Goal: plain HTTP goes to this machine only, and what would change payloads is not silently ignored."""
    query = f"""mutation {{ webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: {{ {given} }}) {{
      webhookSubscription {{ id }} userErrors {{ field message }} }} }}"""
    made = (await call(query))["data"]["webhookSubscriptionCreate"]
    assert made["webhookSubscription"] is None
    assert said in made["userErrors"][0]["message"]
    local = query.replace(given, 'uri: "http://127.0.0.1:8600/in"')
    assert (await call(local))["data"]["webhookSubscriptionCreate"]["userErrors"] == []
    again = (await call(local))["data"]["webhookSubscriptionCreate"]
    assert "already been taken" in again["userErrors"][0]["message"]
    unknown = query.replace("ORDERS_CREATE", "NONSENSE")
    assert codes(await call(unknown)) == ["badRequest"]
