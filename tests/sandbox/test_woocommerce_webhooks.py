"""The sandbox WooCommerce that sells: its orders and webhooks by the API, and the deliveries it makes."""

import hmac
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from onhand.sandbox.orders import Buyer, Happening, LevelHappening, OrderBook
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic
from onhand.sandbox.wire import Subscription, Subscriptions
from onhand.sandbox.woocommerce import WooOptions, routes, wire
from tests.channels.case_woocommerce import hold, published, without_prices
from tests.fix_channels import FakeClock

API = "/wp-json/wc/v3"
BUYER = Buyer("Ada King Lovelace", "ada@example.com", "+44 1", "12 Square", "London")


class Bench:
    """A shop with two items that sells, and a client with its key."""

    def __init__(self, clock: FakeClock, **options: Any) -> None:
        self.clock = clock
        self.shop = Shop("woo", {"": "shop"}, clock=clock.now)
        self.shop.add(Item("11", "A-11", "Mug", levels={"": 40}))
        self.shop.add(Item("21", "V-21", "Shirt, S", parent_id="20", kind="variation", levels={"": 40}))
        self.book = OrderBook(self.shop, clock.now)
        self.heard: list[Happening] = []
        self.book.listeners.append(self.heard.append)
        self.subscriptions = Subscriptions()
        self.options = WooOptions(limits=False, clock=clock.now, sleep=clock.sleep, **options)
        self.wire = wire(self.shop, self.options, clock.now)
        self.traffic = Traffic("woocommerce")
        self.client = httpx.AsyncClient(
            base_url="https://shop.test" + API,
            transport=httpx.ASGITransport(
                Starlette(routes=routes(self.shop, self.options, self.traffic, self.book, self.subscriptions))
            ),
            auth=("ck_sandbox", "cs_sandbox"),
        )

    async def orders(self, **params: Any) -> list[int]:
        """The ids a listing answers, in its order."""
        return [row["id"] for row in (await self.client.get("/orders", params=params)).json()]

    def told(self, topic: str = "order.updated", secret: str = "abc", number: str = "5") -> Any:
        """The delivery made of what happened last."""
        return self.wire.post(self.heard[-1], Subscription(number, topic, "https://us.test/in", secret))

    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.told().body)
        return found


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
    made = Bench(clock)
    yield made
    await made.client.aclose()


def notes(row: dict[str, Any]) -> list[dict[str, str]]:
    """The metas of each line, by key."""
    return [{meta["key"]: meta["value"] for meta in line["meta_data"]} for line in row["line_items"]]


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# Orders


async def test_an_order_is_stated_whole(bench: Bench) -> None:
    """Goal: as on the platform: everything personal, the shop's notes, products and variations by their ids."""
    bench.book.place([("11", "", 3), ("21", "", 1)], BUYER)
    row = (await bench.client.get("/orders/450")).json()
    assert [(line["product_id"], line["variation_id"], line["sku"]) for line in row["line_items"]] == [
        (11, 0, "A-11"),
        (20, 21, "V-21"),
    ]
    assert (row["status"], row["total"], notes(row)) == (
        "processing",
        "39.96",
        [{"_reduced_stock": "3"}, {"_reduced_stock": "1"}],
    )
    assert (row["billing"]["first_name"], row["billing"]["last_name"]) == ("Ada", "King Lovelace")
    assert (row["billing"]["email"], row["shipping"]["address_1"]) == ("ada@example.com", "12 Square")
    assert row["date_modified_gmt"] == "2027-01-15T08:00:00"
    if definitions := published():
        hold(definitions["order"], without_prices(row))
    assert bench.payload() == row


async def test_what_becomes_of_an_order(bench: Bench) -> None:
    """Goal: statuses, quantities and notes as WooCommerce keeps them through edit, completion and refunds."""
    order = bench.book.place([("11", "", 3)])
    number = order.lines[0].line_id
    bench.book.reduce("450", number, 1)
    row = bench.payload()
    assert (row["status"], row["line_items"][0]["quantity"], notes(row)) == (
        "processing",
        2,
        [{"_reduced_stock": "2"}],
    )
    bench.book.ship("450")
    row = bench.payload()
    assert (row["status"], row["date_completed_gmt"], row["refunds"]) == (
        "completed",
        row["date_modified_gmt"],
        [],
    )
    bench.book.refund("450", number, 1, restock=True)
    row = bench.payload()
    assert (row["status"], notes(row)) == (
        "completed",
        [{"_reduced_stock": "1", "_restock_refunded_items": "1"}],
    )
    assert [refund["total"] for refund in row["refunds"]] == ["-9.99"]
    bench.book.refund("450", number, 1, restock=False)
    row = bench.payload()
    assert (row["status"], row["line_items"][0]["quantity"], notes(row)) == (
        "refunded",
        2,
        [{"_reduced_stock": "1", "_restock_refunded_items": "1"}],
    )


async def test_a_cancelled_order_keeps_quantities_and_loses_notes(bench: Bench) -> None:
    """Goal: what was put back is not noted any more."""
    bench.book.place([("11", "", 3)])
    bench.book.cancel("450")
    row = bench.payload()
    assert (row["status"], row["line_items"][0]["quantity"], notes(row)) == ("cancelled", 3, [{}])


async def test_lines_of_products_that_are_not_counted_or_gone(bench: Bench) -> None:
    """Goal: an unmanaged product leaves no note, a deleted one neither id nor SKU."""
    bench.book.place([("11", "", 1), ("21", "", 1)])
    bench.shop.items["11"].tracked = False
    del bench.shop.items["21"]
    row = bench.payload()
    assert notes(row) == [{}, {}]
    assert [(line["product_id"], line["variation_id"], line["sku"]) for line in row["line_items"]] == [
        (11, 0, "A-11"),
        (0, 0, ""),
    ]


async def test_orders_are_listed(bench: Bench) -> None:
    """Goal: filters, orders, pages, totals and fields as the platform has them; a change's second is what counts."""
    for _ in range(4):
        bench.book.place([("11", "", 1)])
        bench.clock.advance(10)
    bench.book.ship("451")
    assert await bench.orders() == [453, 452, 451, 450]
    assert await bench.orders(orderby="modified", order="asc") == [450, 452, 453, 451]
    assert await bench.orders(orderby="id", order="asc", include="453,450,999") == [450, 453]
    assert await bench.orders(orderby="include", include="453,450") == [453, 450]
    assert await bench.orders(status="completed") == [451]
    assert await bench.orders(status="processing,completed", order="asc") == [450, 451, 452, 453]
    assert await bench.orders(status="trash") == []
    assert await bench.orders(modified_after="2027-01-15T08:00:30", dates_are_gmt="true") == [451]
    assert await bench.orders(modified_after="2027-01-15T08:00:29") == [453, 451]
    page = await bench.client.get("/orders", params={"per_page": 3, "page": 2, "_fields": "id,status"})
    assert page.json() == [{"id": 450, "status": "processing"}]
    assert (page.headers["x-wp-total"], page.headers["x-wp-totalpages"]) == ("4", "2")


@pytest.mark.parametrize(
    "params",
    [{"status": "shipped"}, {"orderby": "total"}, {"order": "up"}, {"per_page": 101}, {"include": "x"}],
)
async def test_parameters_are_checked(bench: Bench, params: dict[str, Any]) -> None:
    """Goal: what the platform does not know is refused."""
    assert error_of(await bench.client.get("/orders", params=params)) == (400, "rest_invalid_param")


async def test_an_order_that_is_not_there(bench: Bench) -> None:
    """Goal: the platform's code."""
    assert error_of(await bench.client.get("/orders/9")) == (404, "woocommerce_rest_shop_order_invalid_id")


# Webhooks


WISH = {"name": "n", "topic": "order.updated", "delivery_url": "https://us.test/in", "secret": "abc"}


async def test_webhooks_one_by_one(bench: Bench) -> None:
    """Goal: made, read, changed, listed by status, taken away; no answer holds a secret."""
    made = await bench.client.post("/webhooks", json=WISH)
    assert made.status_code == 201
    row = made.json()
    assert (row["id"], row["status"], row["resource"], row["event"]) == (1, "active", "order", "updated")
    if definitions := published():
        hold(definitions["webhook"], row)
    kept = bench.subscriptions.by_id["1"]
    assert (kept.topic, kept.url, kept.secret) == ("order.updated", "https://us.test/in", "abc")
    paused = await bench.client.put("/webhooks/1", json={"status": "paused", "secret": "def", "name": "m"})
    assert (paused.json()["status"], paused.json()["name"], kept.active) == ("paused", "m", False)
    kept.failures = 7
    listed = await bench.client.get("/webhooks", params={"status": "disabled", "_fields": "id,status"})
    assert listed.json() == [{"id": 1, "status": "disabled"}]
    assert (await bench.client.get("/webhooks", params={"status": "active"})).json() == []
    active = await bench.client.put("/webhooks/1", json={"status": "active"})
    assert (active.json()["status"], kept.failures, kept.secret) == ("active", 0, "def")
    told = [made.text, paused.text, listed.text, (await bench.client.get("/webhooks/1")).text]
    assert not any("secret" in text or "def" in text for text in told)
    assert error_of(await bench.client.delete("/webhooks/1")) == (501, "woocommerce_rest_trash_not_supported")
    assert (await bench.client.delete("/webhooks/1", params={"force": "true"})).json()["id"] == 1
    assert bench.subscriptions.by_id == {}


async def test_webhooks_in_a_batch(bench: Bench) -> None:
    """Goal: every entry is answered for itself, in order; too many in all are refused."""
    body = {"create": [WISH, {**WISH, "topic": "refund.created"}], "update": [{"id": 9}], "delete": [1, 9]}
    answer = (await bench.client.post("/webhooks/batch", json=body)).json()
    codes = {kind: [entry.get("error", {}).get("code") for entry in answer[kind]] for kind in answer}
    assert codes == {
        "create": [None, "woocommerce_rest_shop_webhook_invalid_topic"],
        "update": ["woocommerce_rest_shop_webhook_invalid_id"],
        "delete": [None, "woocommerce_rest_shop_webhook_invalid_id"],
    }
    many = {"delete": list(range(101))}
    code = "woocommerce_rest_request_entity_too_large"
    assert error_of(await bench.client.post("/webhooks/batch", json=many)) == (413, code)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"topic": "stock.updated"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"topic": ""}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"delivery_url": "us.test"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
        ({"status": "on"}, "rest_invalid_param"),
    ],
)
async def test_a_webhook_that_cannot_be(bench: Bench, wish: dict[str, str], code: str) -> None:
    """Goal: refused as the platform refuses, and nothing made."""
    assert error_of(await bench.client.post("/webhooks", json={**WISH, **wish})) == (400, code)
    assert bench.subscriptions.by_id == {}


async def test_a_webhook_that_is_not_there(bench: Bench) -> None:
    """Goal: the platform's code; and a list knows its statuses."""
    code = "woocommerce_rest_shop_webhook_invalid_id"
    assert error_of(await bench.client.get("/webhooks/9")) == (404, code)
    assert error_of(await bench.client.get("/webhooks", params={"status": "x"})) == (
        400,
        "rest_invalid_param",
    )


async def test_a_webhook_without_a_secret_has_one_nobody_chose(bench: Bench) -> None:
    """Goal: the platform signs with a weak secret of its own then, so ours has to be set."""
    await bench.client.post("/webhooks", json={**WISH, "secret": ""})
    assert len(bench.subscriptions.by_id["1"].secret) == 32


# Deliveries


async def test_a_delivery_is_signed_and_says_what_it_is(bench: Bench) -> None:
    """Goal: the platform's headers, and its signature over the very bytes that are sent."""
    bench.book.place([("11", "", 1)])
    post = bench.told()
    signature = b64encode(hmac.digest(b"abc", post.body, "sha256")).decode()
    assert post.url == "https://us.test/in"
    assert post.headers == {
        "User-Agent": "WooCommerce/10.3.0 Hookshot (WordPress/6.8)",
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": "https://sandbox.example/",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "updated",
        "X-WC-Webhook-ID": "5",
        "X-WC-Webhook-Signature": signature,
        "X-WC-Webhook-Delivery-ID": post.headers["X-WC-Webhook-Delivery-ID"],
    }


async def test_deliveries_of_one_second_share_their_id(bench: Bench) -> None:
    """Goal: the platform's trap, by webhook and whole second."""
    ids = []
    for number, seconds in (("5", 0.0), ("5", 0.9), ("5", 0.1), ("6", 0.0)):
        bench.clock.advance(seconds)
        bench.book.place([("11", "", 1)])
        ids.append(bench.told(number=number).headers["X-WC-Webhook-Delivery-ID"])
    assert ids[0] == ids[1]
    assert len({*ids}) == 3


async def test_a_secret_is_decoded_before_it_signs(bench: Bench) -> None:
    """Goal: the platform's other trap: `&amp;` in a secret signs as `&`."""
    bench.book.place([("11", "", 1)])
    post = bench.told(secret="a&amp;b&lt;")
    signature = b64encode(hmac.digest(b"a&b<", post.body, "sha256")).decode()
    assert post.headers["X-WC-Webhook-Signature"] == signature


@pytest.mark.parametrize(
    ("updates", "created", "updated"), [(True, True, True), (False, True, False)], ids=["as it is", "quiet"]
)
async def test_who_hears_of_a_new_order(
    clock: FakeClock, *, updates: bool, created: bool, updated: bool
) -> None:
    """Goal: a new order is told as created and, as a checkout saves it again, as updated; later changes as updated."""
    bench = Bench(clock, creation_updates=updates)
    bench.book.place([("11", "", 1)])
    topics = ("order.created", "order.updated", "order.deleted", "product.updated")
    assert [bench.told(topic) is not None for topic in topics] == [created, updated, False, False]
    bench.book.ship("450")
    assert [bench.told(topic) is not None for topic in topics] == [False, True, False, False]


async def test_a_product_is_told_as_it_stands(bench: Bench) -> None:
    """Goal: a level that changed is told as product.updated, of products and variations, and not when it is gone."""
    subscription = Subscription("5", "product.updated", "https://us.test/in", "abc")
    bench.shop.sell("21", "", 4)
    happening = LevelHappening("21", "", 36, "sale", bench.clock.now())
    post = bench.wire.post(happening, subscription)
    assert post is not None
    row = orjson.loads(post.body)
    assert (row["id"], row["parent_id"], row["manage_stock"], row["stock_quantity"]) == (21, 20, True, 36)
    del bench.shop.items["21"]
    assert bench.wire.post(happening, subscription) is None


async def test_an_order_goes_to_the_trash_and_comes_back(bench: Bench) -> None:
    """Goal: told by topics of their own, the trash with the id alone; who does not ask for the trash does not see
    it, and no stock moves."""
    bench.book.place([("11", "", 3)])
    bench.book.place([("11", "", 1)])
    bench.book.trash("450")
    topics = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated")
    assert [bench.told(topic) is not None for topic in topics] == [False, False, True, False, False]
    assert orjson.loads(bench.told("order.deleted").body) == {"id": 450}
    assert await bench.orders() == [451]
    assert await bench.orders(include="450,451") == [451]
    assert await bench.orders(status="trash") == [450]
    assert sorted(await bench.orders(status="any,trash")) == [450, 451]
    assert (await bench.client.get("/orders/450")).json()["status"] == "trash"
    bench.book.untrash("450")
    assert [bench.told(topic) is not None for topic in topics] == [False, False, False, True, False]
    restored = orjson.loads(bench.told("order.restored").body)
    assert (restored["id"], restored["status"], restored["line_items"][0]["quantity"]) == (
        450,
        "processing",
        3,
    )
    assert sorted(await bench.orders()) == [450, 451]
    assert bench.shop.level("11", "") == 36
