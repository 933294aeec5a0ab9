"""The sandbox WooCommerce is as strict, and as silent, as the platform: what it refuses, what it ignores with a 200."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from onhand.sandbox.orders import OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscriptions
from onhand.sandbox.woocommerce import WooOptions, routes
from tests.fix_channels import FakeClock

API = "/wp-json/wc/v3"
KEY = httpx.BasicAuth("ck_sandbox", "cs_sandbox")


class Bench:
    """A shop, a client with its key, and shorthands for both."""

    def __init__(self, clock: FakeClock, **options: Any) -> None:
        self.clock = clock
        self.shop = Shop("woo", {"": "shop"}, clock=clock.now)
        self.traffic = Traffic("woocommerce")
        given = {"limits": False, "clock": clock.now, "sleep": clock.sleep, **options}
        app = Starlette(
            routes=routes(self.shop, WooOptions(**given), self.traffic, OrderBook(self.shop), Subscriptions())
        )
        self.client = httpx.AsyncClient(
            base_url="https://shop.test", transport=httpx.ASGITransport(app), auth=KEY
        )
        for item in (
            Item("11", "A-11", "Mug", levels={"": 4}),
            Item("12", "A-12", "Cap", tracked=False),
            Item("20", "", "Shirt", kind="variable", tracked=True, levels={"": 70}),
            Item("21", "V-21", "Shirt, S", parent_id="20", kind="variation", levels={"": 1}),
            Item("22", "V-22", "Shirt, M", parent_id="20", kind="variation", tracked=False),
            Item("30", "G-30", "Set", kind="grouped", tracked=False),
        ):
            self.shop.add(item)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(API + path, params=params)

    async def batch(self, *entries: Any, path: str = "/products/batch", **params: Any) -> httpx.Response:
        return await self.client.post(API + path, json={"update": list(entries)}, params=params)

    async def update(self, **entry: Any) -> dict[str, Any]:
        """The one entry of a batch's answer."""
        (row,) = (await self.batch(entry)).json()["update"]
        found: dict[str, Any] = row
        return found


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
    made = Bench(clock)
    yield made
    await made.client.aclose()


def error_of(response: httpx.Response) -> tuple[int, str]:
    body = response.json()
    assert body.keys() == {"code", "message", "data"}
    assert body["data"]["status"] == response.status_code
    return response.status_code, body["code"]


def stock_of(row: dict[str, Any]) -> tuple[Any, Any, str]:
    return row["manage_stock"], row["stock_quantity"], row["stock_status"]


# The key


@pytest.mark.parametrize(
    ("auth", "code", "message"),
    [
        (None, "woocommerce_rest_cannot_view", "Sorry, you are not allowed to do this."),
        (("ck_other", "cs_sandbox"), "woocommerce_rest_authentication_error", "Consumer key is invalid."),
        (("ck_sandbox", "cs_other"), "woocommerce_rest_authentication_error", "Consumer secret is invalid."),
    ],
)
async def test_a_wrong_key(bench: Bench, auth: tuple[str, str] | None, code: str, message: str) -> None:
    bench.client.auth = auth
    answer = await bench.get("/products")
    assert error_of(answer) == (401, code)
    assert answer.json()["message"] == message
    assert bench.traffic.rejected == {code: 1}
    assert not bench.traffic.calls


@pytest.mark.parametrize("header", ["Bearer x", "Basic ???", "Basic /w=="])
async def test_a_mangled_header_is_no_key(bench: Bench, header: str) -> None:
    bench.client.auth = None
    answer = await bench.client.post(f"{API}/products/batch", json={}, headers={"authorization": header})
    assert error_of(answer) == (401, "woocommerce_rest_cannot_batch")


async def test_a_key_that_may_only_read_cannot_write(clock: FakeClock) -> None:
    bench = Bench(clock, permissions="read")
    assert (await bench.get("/products")).status_code == 200
    answer = await bench.batch({"id": 11, "manage_stock": True, "stock_quantity": 9})
    assert error_of(answer) == (401, "woocommerce_rest_authentication_error")
    assert answer.json()["message"] == "The API key provided does not have write permissions."
    assert bench.shop.level("11", "") == 4


@pytest.mark.parametrize("path", ["/wp-json/wc/v3/stock", "/wp-json/wc/v9/products", "/wp-json/nothing"])
async def test_an_address_that_is_not_there(bench: Bench, path: str) -> None:
    assert error_of(await bench.client.get(path)) == (404, "rest_no_route")


async def test_a_core_before_10_3_has_no_variations_route(clock: FakeClock) -> None:
    assert error_of(await Bench(clock, has_variations_route=False).get("/variations")) == (
        404,
        "rest_no_route",
    )


# Batches


async def test_entries_are_applied_in_order_and_each_stands_for_itself(bench: Bench) -> None:
    bench.shop.rejected_items.add("12")
    answer = await bench.batch(
        {"id": 11, "manage_stock": True, "stock_quantity": 8},
        {"id": 999, "manage_stock": True, "stock_quantity": 1},
        {"id": 21, "manage_stock": True, "stock_quantity": 1},
        {"id": 12, "manage_stock": True, "stock_quantity": 1},
        {"id": 11, "manage_stock": True, "stock_quantity": 9},
        {"manage_stock": True},
    )
    assert answer.status_code == 200
    rows = answer.json()["update"]
    assert [row["id"] for row in rows] == [11, 999, 21, 12, 11, 0]
    assert [row.get("error", {}).get("code", row.get("stock_quantity")) for row in rows] == [
        8,
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_invalid_product_id",
        "woocommerce_rest_product_not_created",
        9,
        "woocommerce_rest_product_invalid_id",
    ]
    assert bench.shop.level("11", "") == 9
    assert bench.traffic.calls == {"products/batch": 1}


async def test_more_entries_than_the_shop_takes(bench: Bench) -> None:
    entry = {"id": 11, "manage_stock": True, "stock_quantity": 9}
    assert (await bench.batch(*[entry] * 100)).status_code == 200
    answer = await bench.client.post(f"{API}/products/batch", json={"update": [entry] * 100, "delete": [1]})
    assert error_of(answer) == (413, "woocommerce_rest_request_entity_too_large")
    assert answer.json()["message"] == "Unable to accept more than 100 items for this request."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"update": 5}, "rest_invalid_param"),
        ({"update": [1]}, "rest_invalid_param"),
        ({"create": ["x"]}, "rest_invalid_param"),
        ([1], "rest_invalid_json"),
    ],
)
async def test_what_is_no_batch(bench: Bench, body: Any, code: str) -> None:
    assert error_of(await bench.client.post(f"{API}/products/batch", json=body)) == (400, code)


async def test_a_body_cut_off(bench: Bench) -> None:
    headers = {"content-type": "application/json"}
    answer = await bench.client.post(f"{API}/products/batch", content=b'{"update":[', headers=headers)
    assert error_of(answer) == (400, "rest_invalid_json")


async def test_an_empty_batch_and_one_without_its_content_type_answer_an_empty_list(bench: Bench) -> None:
    body = b'{"update":[{"id":11,"manage_stock":true,"stock_quantity":9}]}'
    for answer in (await bench.batch(), await bench.client.post(f"{API}/products/batch", content=body)):
        assert (answer.status_code, answer.content) == (200, b"[]")
    assert bench.shop.level("11", "") == 4


async def test_fields_trim_the_outermost_object_of_a_batch(bench: Bench) -> None:
    answer = await bench.batch(
        {"id": 11, "manage_stock": True, "stock_quantity": 9}, _fields="id,stock_quantity"
    )
    assert answer.content == b"[]"
    assert bench.shop.level("11", "") == 9


async def test_nothing_is_created_or_deleted(bench: Bench) -> None:
    answer = await bench.client.post(
        f"{API}/products/batch", json={"create": [{"name": "x"}], "delete": [11]}
    )
    body = answer.json()
    assert [body[kind][0]["id"] for kind in ("create", "delete")] == [0, 11]
    assert {body[kind][0]["error"]["code"] for kind in body} == {"woocommerce_rest_cannot_create"}
    assert "11" in bench.shop.items


# Stock, and what is silently ignored


async def test_a_level_is_set_and_echoed(bench: Bench) -> None:
    row = await bench.update(id=11, manage_stock=True, stock_quantity=8)
    assert stock_of(row) == (True, 8, "instock")
    assert (row["sku"], row["type"], row["date_modified_gmt"]) == ("A-11", "simple", "2027-01-15T08:00:00")


async def test_with_the_shop_option_off_a_quantity_is_ignored_with_a_200(clock: FakeClock) -> None:
    bench = Bench(clock, manage_stock_option=False)
    row = await bench.update(id=11, manage_stock=True, stock_quantity=8, stock_status="outofstock")
    assert stock_of(row) == (False, 4, "outofstock")
    assert bench.shop.level("11", "") == 4
    setting = (await bench.get("/settings/products/woocommerce_manage_stock")).json()
    assert setting["value"] == "no"


async def test_a_quantity_without_manage_stock_is_blanked_on_an_unmanaged_product(bench: Bench) -> None:
    assert stock_of(await bench.update(id=12, stock_quantity=8)) == (False, None, "instock")
    assert stock_of(await bench.update(id=12, manage_stock=True, stock_quantity=8)) == (True, 8, "instock")
    assert stock_of(await bench.update(id=12, stock_quantity=3)) == (True, 3, "instock")
    assert stock_of(await bench.update(id=12, manage_stock=False)) == (False, None, "instock")


async def test_grouped_products_stay_unmanaged(bench: Bench) -> None:
    assert stock_of(await bench.update(id=30, manage_stock=True, stock_quantity=8)) == (
        False,
        None,
        "instock",
    )


@pytest.mark.parametrize(
    ("quantity", "stored"), [("7", 7), (3.9, 3), ("many", 0), (-2, -2), ([], 0)], ids=str
)
async def test_values_are_coerced_and_not_checked(bench: Bench, quantity: Any, stored: int) -> None:
    assert (await bench.update(id=11, manage_stock="yes", stock_quantity=quantity))[
        "stock_quantity"
    ] == stored


async def test_the_status_follows_the_level_and_the_backorders(bench: Bench) -> None:
    assert (await bench.update(id=11, manage_stock=True, stock_quantity=0))["stock_status"] == "outofstock"
    row = await bench.update(id=11, backorders="notify")
    assert (row["stock_status"], row["backorders"], row["stock_quantity"]) == ("onbackorder", "notify", 0)


async def test_a_relative_change_counts_only_without_a_quantity(bench: Bench) -> None:
    assert (await bench.update(id=11, inventory_delta=-3))["stock_quantity"] == 1
    assert (await bench.update(id=11, inventory_delta=-3, stock_quantity=9))["stock_quantity"] == 9


async def test_a_variation_inherits_until_it_manages_its_own(bench: Bench) -> None:
    (row,) = (await bench.get("/products/20/variations", include="22")).json()
    assert stock_of(row) == ("parent", 70, "instock")
    entry = {"id": 22, "manage_stock": True, "stock_quantity": 2}
    (row,) = (await bench.batch(entry, path="/products/20/variations/batch")).json()["update"]
    assert stock_of(row) == (True, 2, "instock")
    assert bench.shop.level("20", "") == 70


@pytest.mark.parametrize("number", [11, 20, 999])
async def test_only_variations_go_through_the_variations_batch(bench: Bench, number: int) -> None:
    entry = {"id": number, "manage_stock": True, "stock_quantity": 2}
    (row,) = (await bench.batch(entry, path="/products/20/variations/batch")).json()["update"]
    assert row == {
        "id": number,
        "error": {
            "code": "woocommerce_rest_product_variation_invalid_id",
            "message": "Invalid ID.",
            "data": {"status": 400},
        },
    }


async def test_a_variation_written_under_another_parent_moves_there(bench: Bench) -> None:
    entry = {"id": 21, "manage_stock": True, "stock_quantity": 2}
    (row,) = (await bench.batch(entry, path="/products/40/variations/batch")).json()["update"]
    assert (row["parent_id"], row["stock_quantity"]) == (40, 2)
    assert [row["id"] for row in (await bench.get("/products/20/variations")).json()] == [22]
    assert [row["id"] for row in (await bench.get("/products/40/variations")).json()] == [21]


# One at a time


async def test_one_product(bench: Bench) -> None:
    answer = await bench.client.put(f"{API}/products/11", json={"manage_stock": True, "stock_quantity": 6})
    assert stock_of(answer.json()) == (True, 6, "instock")
    assert (await bench.get("/products/11", _fields="stock_quantity")).json() == {"stock_quantity": 6}
    assert error_of(await bench.get("/products/21")) == (404, "woocommerce_rest_product_invalid_id")
    answer = await bench.client.put(f"{API}/products/999", json={"stock_quantity": 6})
    assert error_of(answer) == (400, "woocommerce_rest_product_invalid_id")


async def test_one_variation(bench: Bench) -> None:
    path = f"{API}/products/20/variations/21"
    answer = await bench.client.put(path, json={"manage_stock": True, "stock_quantity": 6})
    assert stock_of(answer.json()) == (True, 6, "instock")
    assert (await bench.client.get(path)).json()["stock_quantity"] == 6
    missing = await bench.get("/products/20/variations/11")
    assert error_of(missing) == (404, "woocommerce_rest_product_variation_invalid_id")
    elsewhere = await bench.get("/products/40/variations/21")
    assert elsewhere.json()["message"] == "Parent product does not match current variation."


async def test_status_and_settings(bench: Bench) -> None:
    status = (await bench.get("/system_status", _fields="environment")).json()
    assert status["environment"]["version"] == "10.3.0"
    assert status.keys() == {"environment"}
    assert error_of(await bench.get("/settings/products/other")) == (404, "rest_setting_setting_invalid")


# Listings


async def listed(bench: Bench, path: str = "/products", **params: Any) -> list[int]:
    answer = await bench.get(path, **{"orderby": "id", "order": "asc", **params})
    return [row["id"] for row in answer.json()]


async def test_pages_and_their_totals(bench: Bench) -> None:
    answer = await bench.get("/products", orderby="id", order="asc", per_page=3, page=2)
    assert [row["id"] for row in answer.json()] == [30]
    assert (answer.headers["x-wp-total"], answer.headers["x-wp-totalpages"]) == ("4", "2")
    assert await listed(bench, per_page=2, offset=1) == [12, 20]
    assert await listed(bench, page=9) == []
    for at in range(20):
        bench.shop.add(Item(str(100 + at), "", "Thing"))
    assert await listed(bench) == [11, 12, 20, 30, 100, 101, 102, 103, 104, 105]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"per_page": 101}, "per_page"),
        ({"per_page": 0}, "per_page"),
        ({"per_page": "all"}, "per_page"),
        ({"page": 0}, "page"),
        ({"orderby": "color"}, "orderby"),
        ({"order": "up"}, "order"),
        ({"include": "11,x"}, "include"),
        ({"modified_after": "yesterday"}, "modified_after"),
    ],
)
async def test_parameters_that_are_refused(bench: Bench, params: dict[str, Any], name: str) -> None:
    answer = await bench.get("/products", **params)
    assert error_of(answer) == (400, "rest_invalid_param")
    assert answer.json()["data"]["params"].keys() == {name}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"include": "30,11,21,999"}, [11, 30]),
        ({"include": "30,11", "orderby": "include"}, [30, 11]),
        ({"sku": "A-12,G-30"}, [12, 30]),
        ({"type": "variable"}, [20]),
        ({"status": "draft"}, [12]),
        ({"stock_status": "outofstock"}, [11]),
        ({"manage_stock": "true"}, [11, 20]),
        ({"order": "desc"}, [30, 20, 12, 11]),
        ({"orderby": "title"}, [12, 11, 30, 20]),
        ({"orderby": "modified", "order": "desc"}, [11, 30, 20, 12]),
        ({"modified_after": "2027-01-15T08:00:00", "dates_are_gmt": "true"}, [11]),
        ({"modified_after": "2027-01-15T09:59:00+02:00"}, [11, 12, 20, 30]),
    ],
)
async def test_filters_and_orders(bench: Bench, params: dict[str, Any], expected: list[int]) -> None:
    bench.clock.advance(5)
    bench.shop.sell("11", "", 4)
    bench.shop.items["12"].values["status"] = "draft"
    assert await listed(bench, **params) == expected


async def test_variations_of_all_products(bench: Bench) -> None:
    rows = (
        await bench.get("/variations", orderby="id", order="asc", _fields="id,parent_id,stock_quantity")
    ).json()
    assert rows == [
        {"id": 21, "parent_id": 20, "stock_quantity": 1},
        {"id": 22, "parent_id": 20, "stock_quantity": 70},
    ]
    assert await listed(bench, "/products/999/variations") == []


# Pace


def slow(clock: FakeClock, **options: Any) -> Bench:
    return Bench(clock, limits=True, **options)


async def test_a_batch_of_a_hundred_takes_1_6_seconds(clock: FakeClock) -> None:
    bench, start = slow(clock), clock.now()
    entry = {"id": 11, "manage_stock": True, "stock_quantity": 9}
    await bench.batch(*[entry] * 100)
    assert clock.now() - start == pytest.approx(1.6)
    await bench.get("/products")
    assert clock.now() - start == pytest.approx(1.6 + 0.1 + 4 * 0.004)


async def test_a_batch_is_applied_row_by_row(clock: FakeClock) -> None:
    seen: list[int | None] = []

    async def look(seconds: float) -> None:
        seen.append(bench.shop.level("11", ""))

    bench = slow(clock, sleep=look)
    entries = [{"id": 11, "manage_stock": True, "stock_quantity": at} for at in range(25)]
    await bench.batch(*entries)
    assert seen == [4, 4, 9, 19]
    assert bench.shop.level("11", "") == 24


async def test_calls_wait_for_a_php_process_and_too_many_get_the_web_servers_page(clock: FakeClock) -> None:
    running, most = 0, 0
    release = asyncio.Event()

    async def hold(seconds: float) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    bench = slow(clock, sleep=hold, php_workers=2, waiting_max=3)
    calls = [asyncio.create_task(bench.get("/products")) for _ in range(6)]
    await asyncio.sleep(0.05)
    release.set()
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*calls))
    assert statuses == [200, 200, 200, 200, 200, 503]
    assert most == 2
    assert bench.traffic.rejected == {"no PHP process free": 1}


async def test_a_host_that_limits_calls(clock: FakeClock) -> None:
    bench = slow(clock, host_calls_max=3, host_calls_per_second=1.0, seconds_per_call=0.0)
    bench.shop.items.clear()
    answers = [(await bench.get("/variations")).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    clock.advance(1)
    assert (await bench.get("/variations")).status_code == 200
    assert bench.traffic.stats() == {
        "calls": {"variations": 4},
        "throttled": {"variations": 1},
        "rejected": {},
    }
