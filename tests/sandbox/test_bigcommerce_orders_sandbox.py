"""The sandbox BigCommerce store's orders and webhooks: what it answers, what it refuses, how it signs."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from onhand.channels.bigcommerce import BigCommerceReceiver
from onhand.channels.bigcommerce.hooks import TOPICS
from onhand.channels.bigcommerce.receiver import SECRET_HEADER
from onhand.channels.inbound import SignatureRefusedError
from onhand.sandbox.bigcommerce import wire
from onhand.sandbox.bigcommerce.webhooks import SCOPES
from onhand.sandbox.orders import Buyer, OrderHappening
from onhand.sandbox.wire import Subscription
from tests.channels.case_bigcommerce import (
    MAIN,
    OUTLET,
    STORE,
    TOKEN,
    check_exchange,
    store,
    validator,
)
from tests.fix_channels import BASE_URL, Exchange, FakeClock

ORDERS = "/v2/orders"
HOOKS = "/v3/hooks"
WITH_LINES = "include=consignments.line_items&consignment_structure=object"
HOOK = {"scope": "store/order/*", "destination": "https://in.example/x"}


class Caller:
    """Plain HTTP to one sandbox store; holds every good exchange to the OpenAPI files where they are at hand."""

    def __init__(self, clock: FakeClock, **changes: Any) -> None:
        self.store = store(clock, **changes)
        self.clock = clock
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.store.case.app),
            base_url=BASE_URL + STORE,
            headers={"X-Auth-Token": TOKEN, "Accept": "application/json", "Content-Type": "application/json"},
        )
        self.refs = self.store.case.fill(2)

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        content = b"" if body is None else orjson.dumps(body)
        response = await self.client.request(method, path, content=content)
        if validator() is not None and response.status_code == 200:
            check_exchange(Exchange(response.request, response))
        return response

    async def ids(self, query: str) -> list[int]:
        response = await self.ask("GET", f"{ORDERS}?{query}")
        if response.status_code == 204:
            assert response.content == b""
            return []
        return [row["id"] for row in response.json()]

    def sell(self, count: int) -> list[int]:
        ids = []
        for _ in range(count):
            order = self.store.book.place(
                [(self.refs[0].item_id, MAIN, 2), (self.refs[1].item_id, OUTLET, 1)]
            )
            ids.append(int(order.order_id))
            self.clock.advance(1)
        return ids


@pytest.fixture
async def caller(clock: FakeClock) -> AsyncIterator[Caller]:
    caller = Caller(clock)
    yield caller
    await caller.client.aclose()


# Orders


async def test_orders_are_chosen_sorted_and_paged(caller: Caller) -> None:
    """Goal: ranges of ids, changes since a moment in both ways to write it, both directions, pages; none is 204."""
    ids = caller.sell(5)
    caller.store.book.ship(str(ids[1]))
    assert await caller.ids("") == ids
    assert await caller.ids(f"min_id={ids[1]}&max_id={ids[3]}") == ids[1:4]
    assert await caller.ids(f"min_id={ids[3]}") == ids[3:]
    assert await caller.ids("sort=id:desc&limit=2&page=2") == [ids[2], ids[1]]
    assert await caller.ids("sort=date_modified:asc") == [ids[0], *ids[2:], ids[1]]
    assert await caller.ids("page=2") == []
    moment = datetime.fromtimestamp(caller.store.book.orders[str(ids[3])].updated_at, UTC)
    for text in (moment.isoformat(), moment.strftime("%a, %d %b %Y %H:%M:%S +0000")):
        query = httpx.QueryParams({"min_date_modified": text, "sort": "date_modified:asc"})
        assert await caller.ids(str(query)) == [ids[3], ids[4], ids[1]]
    assert await caller.ids("min_date_modified=2100-01-01T00:00:00") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=251", 422),
        ("page=0", 422),
        ("min_id=x", 422),
        ("sort=name", 422),
        ("sort=id:up", 422),
        ("include=coupons", 422),
        ("min_date_modified=yesterday", 422),
        ("ids=1,2", 400),
    ],
)
async def test_bad_queries_are_refused_as_v2_does(caller: Caller, query: str, status: int) -> None:
    """Goal: a v2 error is a list of status and message."""
    response = await caller.ask("GET", f"{ORDERS}?{query}")
    assert response.status_code == status
    ((said),) = response.json()
    assert said["status"] == status
    assert said["message"]


async def test_an_order_is_full_of_people_and_holds_its_lines(caller: Caller) -> None:
    """Goal: what must not get past our door is in there; pieces are sent from the first place, else picked up."""
    buyer = Buyer("Marked Buyer", "marked@example.com", "+44 1", "5 Marked Street", "Marked City")
    wanted = [(caller.refs[0].item_id, MAIN, 2), (caller.refs[1].item_id, OUTLET, 1)]
    order = caller.store.book.place(wanted, buyer)
    (row,) = (await caller.ask("GET", f"{ORDERS}?min_id={order.order_id}&{WITH_LINES}")).json()
    assert row["billing_address"]["email"] == "marked@example.com"
    assert (row["status_id"], row["status"], row["items_total"]) == (11, "Awaiting Fulfillment", 3)
    assert row["date_modified"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    (sent,), (picked,) = row["consignments"]["shipping"], row["consignments"]["pickups"]
    assert sent["street_1"] == "5 Marked Street"
    assert picked["location"]["id"] == 2
    lines = [*sent["line_items"], *picked["line_items"]]
    shown = [(line["variant_id"], line["product_id"], line["quantity"]) for line in lines]
    assert shown == [(500_000, 100_000, 2), (500_001, 100_000, 1)]
    assert (await caller.ask("GET", f"{ORDERS}/{order.order_id}/products")).json() == lines
    assert (await caller.ask("GET", f"{ORDERS}/{order.order_id}/products?page=2")).status_code == 204
    plain = (await caller.ask("GET", f"{ORDERS}/{order.order_id}")).json()
    assert plain["consignments"]["resource"] == f"/orders/{order.order_id}/consignments"
    bare = (await caller.ask("GET", f"{ORDERS}?include=consignments&consignment_structure=object")).json()
    assert "quantity" not in bare[0]["consignments"]["shipping"][0]["line_items"][0]


async def test_statuses_follow_what_became_of_an_order(caller: Caller) -> None:
    """Goal: the status and the pieces are those a merchant's panel would show."""
    book, ids = caller.store.book, [str(number) for number in caller.sell(6)]
    lines = [book.orders[number].lines[0].line_id for number in ids]
    book.ship(ids[0])
    book.orders[ids[1]].lines[0].shipped = 1
    book.cancel(ids[2])
    book.ship(ids[3])
    book.refund(ids[3], lines[3], 1, restock=True)
    for line in book.ship(ids[4]).lines:
        book.refund(ids[4], line.line_id, line.quantity, restock=False)
    book.reduce(ids[5], lines[5], 1)
    rows = [(await caller.ask("GET", f"{ORDERS}/{number}")).json() for number in ids]
    assert [row["status_id"] for row in rows] == [2, 3, 5, 14, 4, 11]
    first = [(await caller.ask("GET", f"{ORDERS}/{number}/products")).json()[0] for number in ids]
    names = ("quantity", "quantity_shipped", "quantity_refunded")
    assert [tuple(line[name] for name in names) for line in first] == [
        (2, 2, 0),
        (2, 1, 0),
        (2, 0, 0),
        (2, 2, 1),
        (2, 2, 2),
        (1, 0, 0),
    ]


async def test_a_product_that_was_deleted_leaves_its_line(caller: Caller) -> None:
    """Goal: old orders can still be asked for."""
    (number,) = caller.sell(1)
    del caller.store.case.shop.items[caller.refs[0].item_id]
    line = (await caller.ask("GET", f"{ORDERS}/{number}/products")).json()[0]
    assert (line["product_id"], line["variant_id"], line["sku"]) == (0, 0, "SKU-000000")


async def test_who_may_ask_for_orders(clock: FakeClock) -> None:
    """Goal: v2 refuses in its own shape; hooks need no scope; what is not there is 404."""
    caller = Caller(clock, scopes=("store_inventory",))
    refused = await caller.ask("GET", ORDERS)
    assert (refused.status_code, refused.json()[0]["status"]) == (403, 403)
    assert (await caller.ask("GET", HOOKS)).json()["data"] == []
    allowed = Caller(clock)
    for path in (f"{ORDERS}/9", f"{ORDERS}/9/products"):
        missing = await allowed.ask("GET", path)
        assert missing.json() == [{"status": 404, "message": "The requested resource was not found."}]


# Webhooks


async def test_hooks_are_made_changed_and_removed(caller: Caller) -> None:
    """Goal: the whole life of a hook, and the filters of the list."""
    made = (await caller.ask("POST", HOOKS, {**HOOK, "headers": {"X-A": "b"}})).json()["data"]
    assert {**made, "created_at": 0, "updated_at": 0} == {
        "id": 1,
        "client_id": "sandbox-bc-client",
        "store_hash": "sandbox",
        **HOOK,
        "headers": {"X-A": "b"},
        "is_active": True,
        "created_at": 0,
        "updated_at": 0,
    }
    off = (await caller.ask("PUT", f"{HOOKS}/1", {"is_active": False, "headers": {}})).json()["data"]
    assert (off["is_active"], off["headers"]) == (False, None)
    hook = caller.store.subscriptions.by_id["1"]
    hook.failures = 3
    await caller.ask("PUT", f"{HOOKS}/1", {"scope": "store/shipment/*"})
    assert (hook.topic, hook.active, hook.failures) == ("store/shipment/*", False, 3)
    await caller.ask("PUT", f"{HOOKS}/1", {"is_active": True})
    assert (hook.active, hook.failures) == (True, 0)
    await caller.ask("POST", HOOKS, {**HOOK, "is_active": False})
    for query, ids in (
        ("is_active=false", [2]),
        ("is_active=true", [1]),
        ("scope=store/order/*", [2]),
        ("destination=https://in.example/x", [1, 2]),
        ("limit=1&page=2", [2]),
    ):
        found = (await caller.ask("GET", f"{HOOKS}?{query}")).json()["data"]
        assert [each["id"] for each in found] == ids
    assert (await caller.ask("GET", f"{HOOKS}/2")).json()["data"]["id"] == 2
    assert (await caller.ask("DELETE", f"{HOOKS}/2")).json()["data"]["id"] == 2
    for method in ("GET", "DELETE"):
        missing = await caller.ask(method, f"{HOOKS}/2")
        assert (missing.status_code, missing.json()["title"]) == (404, "Webhook with id [2] not found")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"scope": "store/order/*"}, 422, "scope destination"),
        ({"destination": "https://in.example/x"}, 422, "scope"),
        ({**HOOK, "scope": "store/moon"}, 422, "scope"),
        ({**HOOK, "destination": "http://in.example/x"}, 422, "destination"),
        ({**HOOK, "destination": "https://in.example:8443/x"}, 422, "destination"),
        ({**HOOK, "is_active": "yes"}, 422, "is_active"),
        ({**HOOK, "headers": {"X-A": 1}}, 422, "headers"),
        ({**HOOK, "secret": "x"}, 422, "secret"),
        ([], 400, ""),
    ],
)
async def test_bad_hooks_are_refused(caller: Caller, body: Any, status: int, field: str) -> None:
    """Goal: the platform's rules hold; only a loopback address may do without https."""
    refused = await caller.ask("POST", HOOKS, body)
    assert refused.status_code == status
    assert list(refused.json()["errors"]) == ([field.split()[-1]] if field else [])
    assert caller.store.subscriptions.by_id == {}
    loopback = {**HOOK, "destination": "http://127.0.0.1:8600/x"}
    assert (await caller.ask("POST", HOOKS, loopback)).status_code == 200


async def test_ten_hooks_of_a_scope_each_with_its_own_address(caller: Caller) -> None:
    """Goal: the same address twice, an eleventh, an empty change, and a body that is no JSON are refused."""
    for number in range(10):
        hook = {**HOOK, "destination": f"https://{number}.example/"}
        assert (await caller.ask("POST", HOOKS, hook)).status_code == 200
        assert (await caller.ask("POST", HOOKS, hook)).json()["errors"].keys() == {"destination"}
    assert (await caller.ask("POST", HOOKS, HOOK)).json()["errors"].keys() == {"scope"}
    assert (await caller.ask("PUT", f"{HOOKS}/1", {})).status_code == 422
    assert (await caller.ask("PUT", f"{HOOKS}/1", {"is_active": True})).status_code == 200
    broken = await caller.client.post(HOOKS, content=b"{")
    assert (broken.status_code, broken.json()["title"]) == (400, "Input is invalid.")


def test_a_delivery_is_signed_as_standard_webhooks_says(clock: FakeClock) -> None:
    """Goal: the headers of the scheme, a hash over the body, an id of its own each time, and the hook's headers."""
    shop = store(clock)
    (ref,) = shop.case.fill(1)
    happening = OrderHappening(shop.book.place([(ref.item_id, MAIN, 1)]), "created")
    hook = Subscription("1", "store/order/created", "https://in.example/x", headers={"X-A": "b"})
    posts = wire(shop.case.shop, shop.options, clock.now)
    first, second = posts.post(happening, hook), posts.post(happening, hook)
    assert first is not None
    assert second is not None
    headers = first.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + first.body
    made = hmac.new(shop.options.client_secret.encode(), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"
    assert headers["webhook-timestamp"] == str(int(clock.now()))
    assert headers["X-A"] == "b"
    assert (second.body, second.url) == (first.body, first.url)
    assert second.headers["webhook-id"] != headers["webhook-id"]
    told = orjson.loads(first.body)
    stated = told.pop("hash")
    assert hashlib.sha1(orjson.dumps(told)).hexdigest() == stated
    assert told == {
        "scope": "store/order/created",
        "store_id": "1025646",
        "data": {"type": "order", "id": 450},
        "created_at": int(clock.now()),
        "producer": "stores/sandbox",
    }


def test_every_topic_the_adapter_wants_can_be_subscribed_to() -> None:
    """Goal: what the adapter asks for is known here, so that neither side is changed alone."""
    assert set(TOPICS) <= SCOPES


def test_each_attempt_is_signed_for_its_own_moment(clock: FakeClock) -> None:
    """Goal: a delivery that is sent again an hour later is let in: the same message, signed for now.

    The platform documents retries over 48 hours and a signature that is good for five minutes, so it cannot be the
    first one that is sent again.
    """
    shop = store(clock)
    (ref,) = shop.case.fill(1)
    happening = OrderHappening(shop.book.place([(ref.item_id, MAIN, 1)]), "created")
    secret = "x" * 32
    hook = Subscription("1", "store/order/created", "https://in.example/x", headers={SECRET_HEADER: secret})
    posts = wire(shop.case.shop, shop.options, clock.now)
    first = posts.post(happening, hook)
    assert first is not None
    assert posts.stamped(first) is first
    clock.advance(3_600)
    again = posts.stamped(first)
    assert (again.url, again.body) == (first.url, first.body)
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    receiver = BigCommerceReceiver([secret], client_secret=shop.options.client_secret)
    now = datetime.fromtimestamp(clock.now(), UTC)
    with pytest.raises(SignatureRefusedError, match="it was signed 3600 s ago"):
        receiver.receive({name.lower(): text for name, text in first.headers.items()}, first.body, now)
    delivery = receiver.receive({name.lower(): text for name, text in again.headers.items()}, again.body, now)
    assert (delivery.subject, delivery.delivery_id) == ("450", first.headers["webhook-id"])
