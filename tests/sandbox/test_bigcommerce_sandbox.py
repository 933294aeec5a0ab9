"""The sandbox BigCommerce store: what it answers, what it refuses, its quota, its late levels."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from onhand.sandbox.bigcommerce.catalogue import BASE_VARIANTS_FROM
from onhand.sandbox.shop import Item
from tests.channels.case_bigcommerce import BASE, MAIN, OUTLET, TOKEN, case, check_exchange, validator
from tests.fix_channels import BASE_URL, ChannelCase, Exchange, FakeClock

Json = dict[str, Any]
ABSOLUTE = "/inventory/adjustments/absolute"
ITEMS = "/inventory/items"
PRODUCTS = "/catalog/products"


class Caller:
    """Plain HTTP to one sandbox store; holds every answer to the OpenAPI files where they are at hand."""

    def __init__(self, clock: FakeClock, **changes: Any) -> None:
        self.case: ChannelCase = case(clock, **changes)
        self.headers = {"X-Auth-Token": TOKEN, "Accept": "application/json"}
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.case.app), base_url=BASE_URL + BASE
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        response = await self.client.get(path, headers={**self.headers, **headers})
        if validator() is not None and response.status_code == 200:
            check_exchange(Exchange(response.request, response))
        return response

    async def put(self, *entries: Any, **headers: str) -> httpx.Response:
        body = {"reason": "test", "items": list(entries)}
        return await self.client.put(ABSOLUTE, json=body, headers={**self.headers, **headers})

    def add(self, number: str, sku: str, *, parent: str = "", tracking: str = "variant") -> None:
        self.case.shop.add(Item(number, sku, f"Thing {sku}", parent_id=parent, tracking=tracking))

    def level(self, number: str, place: str = MAIN) -> int | None:
        self.case.clock.advance(10)
        return self.case.shop.level(number, place)


@pytest.fixture
async def caller(clock: FakeClock) -> AsyncIterator[Caller]:
    """A store with one item of each way of tracking."""
    caller = Caller(clock)
    caller.add("106", "SHIRT-R", parent="50")
    caller.add("107", "SHIRT-B", parent="50")
    caller.add("60", "MUG", parent="60", tracking="product")
    caller.add("70", "VOUCHER", parent="70", tracking="none")
    yield caller
    await caller.client.aclose()


def entry(quantity: Any = 5, location: Any = 1, **identity: Any) -> Json:
    return {"location_id": location, **identity, "quantity": quantity}


def meta(response: httpx.Response) -> tuple[int, int, int]:
    pagination = response.json()["meta"]["pagination"]
    return pagination["total"], pagination["count"], pagination["total_pages"]


# Writes


@pytest.mark.parametrize(
    ("identity", "item"),
    [
        ({"variant_id": 106}, "106"),
        ({"product_id": 60}, "60"),
        ({"sku": "MUG"}, "60"),
        ({"sku": "SHIRT-R"}, "106"),
    ],
)
async def test_an_adjustment_sets_a_level(caller: Caller, identity: Json, item: str) -> None:
    response = await caller.put(entry(8, **identity), entry(0, location=2, **identity))
    assert response.status_code == 200
    assert list(response.json()) == ["transaction_id"]
    assert [caller.level(item), caller.level(item, OUTLET)] == [8, 0]
    assert caller.case.traffic.stats()["calls"] == {"put-absolute-adjustment": 1, "concurrent_writes": 0}


async def test_a_level_shows_some_time_after_it_was_accepted(caller: Caller) -> None:
    await caller.put(entry(8, variant_id=106))
    for seconds, expected in ((0.0, 0), (1.4, 0), (0.1, 8)):
        caller.case.clock.advance(seconds)
        shown = (await caller.get(f"{ITEMS}?variant_id:in=106")).json()["data"][0]["locations"][0]
        assert shown["total_inventory_onhand"] == expected


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (
            entry(variant_id=BASE_VARIANTS_FROM + 60),
            f"Item with variant_id {BASE_VARIANTS_FROM + 60} is tracked by product, please update stock by product id",
        ),
        (
            entry(product_id=50),
            "Item with product_id 50 is tracked by variant, please update stock by variant id",
        ),
        (entry(product_id=70), "Item with product_id 70 has inventory tracking disabled"),
        (entry(sku="VOUCHER"), "Item with sku VOUCHER has inventory tracking disabled"),
        (entry(variant_id=9), "Item with variant_id 9 does not exist"),
        (entry(product_id=9), "Item with product_id 9 does not exist"),
        (entry(sku="X"), "Item with sku X does not exist"),
        (entry(variant_id=106, location=9), "Location with id 9 does not exist"),
        (entry(variant_id=107), "Item with variant_id 107 could not be updated"),
    ],
)
async def test_one_bad_entry_refuses_all(caller: Caller, bad: Json, fault: str) -> None:
    caller.case.shop.rejected_items.add("107")
    response = await caller.put(entry(8, variant_id=106), bad)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "status": 422,
        "title": f"[{fault}]",
        "type": "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes",
        "errors": {},
    }
    assert caller.level("106") is None
    assert caller.case.traffic.rejected == {"put-absolute-adjustment": 1}


async def test_a_sku_twice_in_the_store_is_ambiguous(caller: Caller) -> None:
    caller.add("108", "MUG", parent="51")
    response = await caller.put(entry(sku="MUG"))
    assert response.json()["title"] == "[Item with sku MUG is not unique]"


async def test_a_refusal_names_ten_at_most_and_may_name_none(clock: FakeClock) -> None:
    bad = [entry(variant_id=number) for number in range(1, 15)]
    title = (await Caller(clock).put(*bad)).json()["title"]
    assert title.count("does not exist") == 10
    title = (await Caller(clock, names_refused=False).put(*bad)).json()["title"]
    assert title == "The adjustment could not be processed"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (entry(-1, variant_id=106), "items.1.quantity"),
        (entry(2_147_483_648, variant_id=106), "items.1.quantity"),
        (entry("5", variant_id=106), "items.1.quantity"),
        (entry(True, variant_id=106), "items.1.quantity"),
        (entry(location="1", variant_id=106), "items.1.location_id"),
        (entry(variant_id="106"), "items.1.variant_id"),
        (entry(sku=7), "items.1.sku"),
        (entry(), "items.1"),
        (entry(variant_id=106, sku="SHIRT-R"), "items.1"),
        ("106", "items.1"),
        ({"location_id": 1, "variant_id": 106}, "items.1.quantity"),
    ],
)
async def test_a_malformed_entry_is_refused_by_field(caller: Caller, bad: Any, field: str) -> None:
    response = await caller.put(entry(8, variant_id=106), bad)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]
    assert caller.level("106") is None


async def test_2000_entries_and_no_more(caller: Caller) -> None:
    assert (await caller.put(*[entry(variant_id=106)] * 2_000)).status_code == 200
    assert (await caller.put(*[entry(variant_id=106)] * 2_001)).status_code == 413
    assert (await caller.put()).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 422), (b"{}", 422), (b'{"items": 1}', 422)]
)
async def test_a_body_that_is_no_adjustment(caller: Caller, body: bytes, status: int) -> None:
    headers = {**caller.headers, "Content-Type": "application/json; charset=utf-8"}
    assert (await caller.client.put(ABSOLUTE, content=body, headers=headers)).status_code == status


async def test_a_body_of_another_type_is_refused(caller: Caller) -> None:
    headers = {**caller.headers, "Content-Type": "text/plain"}
    assert (await caller.client.put(ABSOLUTE, content=b"{}", headers=headers)).status_code == 415


# The gate


async def test_who_may_call(caller: Caller) -> None:
    assert (await caller.get(ITEMS, **{"X-Auth-Token": "wrong"})).status_code == 401
    assert (await caller.get(ITEMS, Accept="text/html")).status_code == 406
    assert (await caller.get(f"{BASE_URL}/stores/other/v3{ITEMS}")).status_code == 404
    assert (await caller.get(f"{ITEMS}?sku:in={'x' * 8_190}")).status_code == 414
    assert caller.case.traffic.calls == {}
    assert caller.case.traffic.rejected == {"get-inventory-items": 4}


async def test_scopes(clock: FakeClock) -> None:
    caller = Caller(clock, scopes=("store_inventory_read_only",))
    statuses = [
        (await caller.get(path)).status_code
        for path in (ITEMS, "/inventory/locations", PRODUCTS, "/settings/inventory")
    ]
    assert statuses == [200, 403, 403, 403]
    refused = await caller.put(entry(variant_id=1))
    assert refused.status_code == 403
    assert refused.json()["title"] == "You don't have a required scope to access the endpoint"
    assert (await Caller(clock, scopes=("store_inventory",)).get(ITEMS)).status_code == 200


def window(response: httpx.Response) -> tuple[str, ...]:
    names = ("Requests-Quota", "Requests-Left", "Time-Window-Ms", "Time-Reset-Ms")
    return tuple(response.headers.get(f"X-Rate-Limit-{name}", "") for name in names)


async def test_every_answer_tells_the_window_and_a_used_up_one_refuses(clock: FakeClock) -> None:
    caller = Caller(clock, limits=True, quota=2)
    assert window(await caller.get(ITEMS)) == ("2", "1", "30000", "30000")
    clock.advance(10)
    assert window(await caller.get(f"{ITEMS}?limit=0")) == ("2", "0", "30000", "20000")
    refused = await caller.get(ITEMS)
    assert (refused.status_code, window(refused)) == (429, ("2", "0", "30000", "20000"))
    assert caller.case.traffic.throttled == {"get-inventory-items": 1}
    clock.advance(20)
    assert window(await caller.get(ITEMS)) == ("2", "1", "30000", "30000")


async def test_limits_off_tell_nothing_and_take_no_time(caller: Caller) -> None:
    assert window(await caller.put(entry(variant_id=106))) == ("", "", "", "")
    assert caller.case.clock.slept == []


async def test_an_adjustment_takes_its_time(clock: FakeClock) -> None:
    caller = Caller(clock, limits=True)
    caller.add("106", "SHIRT-R", parent="50")
    await caller.put(*[entry(variant_id=106)] * 2_000)
    assert clock.slept == [1.5]


# Reads


async def test_items_show_levels_per_location(caller: Caller) -> None:
    caller.case.shop.edit("106", MAIN, 8)
    caller.case.shop.items["106"].values["safety_stock"] = "2"
    response = await caller.get(f"{ITEMS}?variant_id:in=106&location_id:in=1")
    assert response.json()["data"] == [
        {
            "identity": {"sku": "SHIRT-R", "sku_id": 106, "variant_id": 106, "product_id": 50},
            "locations": [
                {
                    "location_id": 1,
                    "location_code": "BC-LOCATION-1",
                    "location_name": "Main",
                    "location_enabled": True,
                    "available_to_sell": 6,
                    "total_inventory_onhand": 8,
                    "settings": {
                        "safety_stock": 2,
                        "is_in_stock": True,
                        "warning_level": 0,
                        "bin_picking_number": "",
                    },
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("query", "variants"),
    [
        ("", [106, 107, BASE_VARIANTS_FROM + 60]),
        ("?variant_id:in=107,999", [107]),
        ("?product_id:in=50,60", [106, 107, BASE_VARIANTS_FROM + 60]),
        ("?product_id:in=50&variant_id:in=107", [107]),
        ("?product_id:in=60&variant_id:in=107", []),
        ("?sku:in=MUG,SHIRT-B", [107, BASE_VARIANTS_FROM + 60]),
        ("?limit=2", [106, 107]),
        ("?limit=2&page=2", [BASE_VARIANTS_FROM + 60]),
    ],
)
async def test_items_are_filtered_and_paged(caller: Caller, query: str, variants: list[int]) -> None:
    response = await caller.get(ITEMS + query)
    assert [row["identity"]["variant_id"] for row in response.json()["data"]] == variants


async def test_locations_are_filtered(caller: Caller) -> None:
    for query in ("location_id:in=2", "location_code:in=BC-LOCATION-2"):
        (row,) = (await caller.get(f"{ITEMS}?sku:in=MUG&{query}")).json()["data"]
        assert [there["location_id"] for there in row["locations"]] == [2]
        shown = (await caller.get(f"/inventory/locations?{query}")).json()["data"]
        assert [(each["id"], each["label"], each["enabled"]) for each in shown] == [(2, "Outlet", True)]


async def test_pages_tell_where_they_are(caller: Caller) -> None:
    first, last = await caller.get(f"{ITEMS}?limit=2"), await caller.get(f"{ITEMS}?limit=2&page=2")
    assert (meta(first), meta(last)) == ((3, 2, 2), (3, 1, 2))
    assert first.json()["meta"]["pagination"]["links"]["next"] == "?page=2&limit=2"
    assert "next" not in last.json()["meta"]["pagination"]["links"]


@pytest.mark.parametrize(
    "path",
    [
        f"{ITEMS}?limit=1001",
        f"{ITEMS}?limit=0",
        f"{ITEMS}?page=0",
        f"{ITEMS}?page=x",
        f"{ITEMS}?variant_id:in=a",
        f"{PRODUCTS}?limit=251",
        f"{PRODUCTS}?sort=name",
        f"{PRODUCTS}?direction=desc",
        f"{PRODUCTS}?include=images",
        f"{PRODUCTS}?include_fields=secret",
        f"{PRODUCTS}?id:greater=x",
    ],
)
async def test_bad_queries_are_refused(caller: Caller, path: str) -> None:
    assert (await caller.get(path)).status_code == 422


async def test_products_hold_their_variants(caller: Caller) -> None:
    query = f"{PRODUCTS}?include=variants&include_fields=name,sku,inventory_tracking,base_variant_id"
    shirt, mug, voucher = (await caller.get(query)).json()["data"]
    assert {name: shirt[name] for name in ("id", "name", "sku", "inventory_tracking")} == {
        "id": 50,
        "name": "Thing SHIRT-R",
        "sku": "",
        "inventory_tracking": "variant",
    }
    assert [(each["id"], each["sku"]) for each in shirt["variants"]] == [(106, "SHIRT-R"), (107, "SHIRT-B")]
    assert [each["option_values"][0]["label"] for each in shirt["variants"]] == [
        "Thing SHIRT-R",
        "Thing SHIRT-B",
    ]
    assert (mug["id"], mug["sku"], mug["base_variant_id"]) == (60, "MUG", BASE_VARIANTS_FROM + 60)
    assert mug["variants"][0]["option_values"] == []
    assert voucher["inventory_tracking"] == "none"
    assert "inventory_level" not in mug


async def test_products_are_filtered_and_paged(caller: Caller) -> None:
    async def ids(query: str) -> list[int]:
        return [each["id"] for each in (await caller.get(PRODUCTS + query)).json()["data"]]

    assert await ids("") == [50, 60, 70]
    assert await ids("?id:greater=50") == [60, 70]
    assert await ids("?id:in=70,99") == [70]
    assert await ids("?limit=2&page=2") == [70]
    caller.add("80", "LAMP", parent="80", tracking="product")
    assert await ids("?id:greater=60") == [70, 80]


async def test_an_items_own_base_variant(caller: Caller) -> None:
    caller.case.shop.items["60"].values["base_variant_id"] = "601"
    caller.add("80", "LAMP", tracking="variant")
    rows = (await caller.get(f"{ITEMS}?sku:in=MUG,LAMP")).json()["data"]
    assert [row["identity"] for row in rows] == [
        {"sku": "LAMP", "sku_id": 80, "variant_id": 80, "product_id": 80},
        {"sku": "MUG", "sku_id": None, "variant_id": 601, "product_id": 60},
    ]


async def test_settings(clock: FakeClock) -> None:
    caller = Caller(clock, update_stock_behavior="order_completed_or_shipped")
    data = (await caller.get("/settings/inventory")).json()["data"]
    assert data["update_stock_behavior"] == "order_completed_or_shipped"
