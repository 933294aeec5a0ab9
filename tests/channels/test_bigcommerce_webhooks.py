"""The way in of a BigCommerce store: who is let in, what each topic means, and its webhooks being made and kept."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from onhand.channels.base import Subscription
from onhand.channels.bigcommerce import BigCommerce, BigCommerceReceiver
from onhand.channels.bigcommerce.hooks import SWITCHED_OFF, TOPICS, url_trouble
from onhand.channels.bigcommerce.signature import check_signature
from onhand.channels.errors import ChannelDown, RowRejected
from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
)
from onhand.sandbox.bigcommerce import wire
from onhand.sandbox.orders import LevelHappening, OrderHappening
from onhand.sandbox.shop import Item
from onhand.sandbox.wire import Subscription as SandboxSubscription
from tests.channels.case_bigcommerce import MAIN, OUTLET, SECRETS, Store, store, throttled
from tests.fix_channels import BASE_URL, FakeClock, Wire

NEW, OLD = SECRETS
NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "bigcommerce_standard_webhooks.json"
URL = "https://in.example/webhooks/bigcommerce"


def body_of(scope: str, data: dict[str, Any], **further: Any) -> bytes:
    told = {
        "scope": scope,
        "store_id": "7",
        "data": data,
        "hash": "h1",
        "created_at": 1_561_479_335,
        **further,
    }
    return orjson.dumps(told)


ORDER = body_of("store/order/created", {"type": "order", "id": 250})


def received(body: bytes, places: tuple[str, ...] = (MAIN,), **headers: str) -> Delivery:
    return BigCommerceReceiver([NEW, OLD], places=places).receive(
        {"x-onhand-secret": NEW, **headers}, body, NOW
    )


# Who is let in


def vectors() -> list[dict[str, Any]]:
    """The published vectors, where they are at hand."""
    return json.loads(VECTORS.read_text())["vectors"] if VECTORS.exists() else []


def key_of(vector: dict[str, Any]) -> bytes:
    return base64.b64decode(vector["secret"].removeprefix("whsec_"))


def moment_of(vector: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_known_good_signatures_pass_and_no_changed_byte_does(vector: dict[str, Any]) -> None:
    """Goal: a signature made elsewhere is accepted; change any byte of body, id, time, signature or key: refused."""
    headers, body, key, now = vector["headers"], vector["body"].encode(), key_of(vector), moment_of(vector)
    check_signature(headers, body, key, now)
    changed = [(headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], key) for at in range(len(body))]
    changed += [(headers, body, key[:at] + bytes([key[at] ^ 1]) + key[at + 1 :]) for at in range(len(key))]
    for name, text in headers.items():
        for at in range(len(text) - (2 if name == "webhook-signature" else 0)):
            other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            if name == "webhook-timestamp":
                other = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
            changed.append(({**headers, name: other}, body, key))
    for headers_, body_, key_ in changed:
        with pytest.raises(SignatureRefusedError):
            check_signature(headers_, body_, key_, now)


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_an_old_signature_is_refused(vector: dict[str, Any]) -> None:
    """Goal: five minutes to either side are accepted, and not a second more."""
    headers, body, key, signed_at = (
        vector["headers"],
        vector["body"].encode(),
        key_of(vector),
        moment_of(vector),
    )
    for seconds in (-300, 300):
        check_signature(headers, body, key, signed_at + timedelta(seconds=seconds))
    for seconds in (-301, 301):
        with pytest.raises(SignatureRefusedError, match="300 s are accepted"):
            check_signature(headers, body, key, signed_at + timedelta(seconds=seconds))


@pytest.mark.parametrize("given", ["", "x", NEW[:-1], NEW + "x", "é"])
def test_our_secret_is_required(given: str) -> None:
    """Goal: without one of the channel's secrets in our header nothing gets in, a readable body or not."""
    for body in (ORDER, b"{"):
        with pytest.raises(SignatureRefusedError):
            received(body, **{"x-onhand-secret": given})
    with pytest.raises(SignatureRefusedError):
        BigCommerceReceiver([NEW]).receive({}, ORDER, NOW)
    with pytest.raises(SignatureRefusedError):
        BigCommerceReceiver([]).receive({"x-onhand-secret": given}, ORDER, NOW)


def test_each_secret_is_accepted_while_one_is_replaced() -> None:
    """Goal: hooks made with the old secret and with the new one both get in."""
    expected = Delivery(DeliveryKind.ORDER_HINT, "store/order/created", "", "250")
    assert [received(ORDER, **{"x-onhand-secret": secret}) for secret in (NEW, OLD)] == [expected] * 2


def posted(shop: Store, secret: str = NEW) -> tuple[dict[str, str], bytes]:
    """An order's webhook as the sandbox signs it, with lower-case header names as the web app gives them."""
    (ref,) = shop.case.fill(1)
    order = shop.book.place([(ref.item_id, MAIN, 1)])
    hook = SandboxSubscription("1", "store/order/*", URL, headers={"X-Onhand-Secret": secret})
    post = wire(shop.case.shop, shop.options, shop.case.clock.now).post(
        OrderHappening(order, "created"), hook
    )
    assert post is not None
    return {name.lower(): text for name, text in post.headers.items()}, post.body


def test_the_platforms_signature_is_checked_where_it_comes_and_its_secret_is_known(clock: FakeClock) -> None:
    """Goal: with a client secret a wrong signature is refused though our secret is right; else it is not looked at."""
    shop = store(clock)
    headers, body = posted(shop)
    now = datetime.fromtimestamp(clock.now(), UTC)
    knowing = BigCommerceReceiver([NEW], client_secret=shop.options.client_secret)
    delivery = knowing.receive(headers, body, now)
    assert (delivery.kind, delivery.delivery_id) == (DeliveryKind.ORDER_HINT, headers["webhook-id"])
    other = "v1,YWJj v2,x v1,not-base64 " + headers["webhook-signature"]
    assert knowing.receive({**headers, "webhook-signature": other}, body, now) == delivery
    for wrong in (
        {"webhook-signature": "v1,YWJj"},
        {"webhook-signature": ""},
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
    ):
        with pytest.raises(SignatureRefusedError):
            knowing.receive({**headers, **wrong}, body, now)
        assert BigCommerceReceiver([NEW]).receive({**headers, **wrong}, body, now).subject == delivery.subject
    with pytest.raises(SignatureRefusedError):
        knowing.receive(headers, body.replace(b"store", b"stare"), now)
    unsigned = {name: text for name, text in headers.items() if name == "x-onhand-secret"}
    assert knowing.receive(unsigned, body, now) == replace(delivery, delivery_id="")


# What a topic means


@pytest.mark.parametrize(
    ("scope", "data"),
    [
        ("store/order/created", {"type": "order", "id": 250}),
        ("store/order/updated", {"type": "order", "id": 250}),
        ("store/order/archived", {"type": "order", "id": 250}),
        ("store/order/statusUpdated", {"type": "order", "id": 250, "status": {"new_status_id": 11}}),
        ("store/order/refund/created", {"type": "order", "id": 250, "refund": {"refund_id": 3}}),
        ("store/shipment/created", {"type": "shipment", "id": 12, "orderId": 250}),
        ("store/shipment/updated", {"type": "shipment", "id": 12, "orderId": 250}),
        ("store/shipment/deleted", {"type": "shipment", "id": 12, "orderId": 250}),
    ],
)
def test_orders_and_shipments_name_the_order_to_fetch(scope: str, data: dict[str, Any]) -> None:
    """Goal: the order's id is found. The hash is no delivery id: two changes within a second share it."""
    body = body_of(scope, data)
    assert received(body) == Delivery(DeliveryKind.ORDER_HINT, scope, "", "250")
    assert received(body, **{"webhook-id": "msg_9"}).delivery_id == "msg_9"


SKU = {
    "type": "sku",
    "id": 461,
    "inventory": {"product_id": 206, "method": "absolute", "value": 5, "variant_id": 509},
}
PRODUCT = {"type": "product", "id": 167, "inventory": {"product_id": 167, "method": "absolute", "value": 7}}
AT = datetime.fromtimestamp(1_561_479_335, UTC)


@pytest.mark.parametrize("cause", ["", "order/"])
def test_levels_name_the_item_as_it_is_tracked(cause: str) -> None:
    """Goal: a SKU's event is about a variant, a product's about a product; the number is what is shown now."""
    scope = f"store/sku/inventory/{cause}updated"
    level = LevelNotice("509", MAIN, 5, AT, "variant")
    assert received(body_of(scope, SKU)) == Delivery(DeliveryKind.LEVEL, scope, "h1", "509", level=level)
    scope = f"store/product/inventory/{cause}updated"
    level = LevelNotice("167", MAIN, 7, AT, "product")
    assert received(body_of(scope, PRODUCT)) == Delivery(DeliveryKind.LEVEL, scope, "h1", "167", level=level)


@pytest.mark.parametrize(
    ("places", "inventory", "place", "quantity"),
    [
        ((MAIN,), {"method": "absolute", "value": -2}, MAIN, -2),
        ((MAIN,), {"method": "relative", "value": 5}, MAIN, None),
        ((MAIN,), {"method": "absolute", "value": "5"}, MAIN, None),
        ((MAIN,), {"method": "absolute", "value": True}, MAIN, None),
        ((MAIN,), {}, MAIN, None),
        ((MAIN, OUTLET), {"method": "absolute", "value": 5}, "", None),
    ],
)
def test_a_level_that_is_not_stated_is_not_made_up(
    places: tuple[str, ...], inventory: dict[str, Any], place: str, quantity: int | None
) -> None:
    """Goal: relative changes, and sums over several locations, only say that something changed."""
    body = body_of("store/sku/inventory/updated", {"inventory": {"variant_id": 509, **inventory}})
    assert received(body, places).level == LevelNotice("509", place, quantity, AT, "variant")


@pytest.mark.parametrize("created_at", [None, "1561479335", 0, -1, 2**40, 1.5, True])
def test_a_level_without_a_time_has_none(created_at: Any) -> None:
    """Goal: a time that is none is left out, and the level is kept."""
    level = received(body_of("store/sku/inventory/updated", SKU, created_at=created_at)).level
    assert level == LevelNotice("509", MAIN, 5, None, "variant")


@pytest.mark.parametrize(
    "scope", ["store/order/message/created", "store/order/transaction/created", "store/cart/created", "x"]
)
def test_other_topics_are_other(scope: str) -> None:
    """Goal: what is of no use to us is known as such by its hash."""
    assert received(body_of(scope, {"type": "order", "id": 1})) == Delivery(DeliveryKind.OTHER, scope, "h1")


@pytest.mark.parametrize(
    ("body", "kind", "problem"),
    [
        (b"", DeliveryKind.OTHER, "not JSON"),
        (b'{"scope"', DeliveryKind.OTHER, "not JSON"),
        (b"[1]", DeliveryKind.OTHER, "names no scope"),
        (b'{"scope": 5}', DeliveryKind.OTHER, "names no scope"),
        (
            b'{"scope": "store/order/created"}',
            DeliveryKind.ORDER_HINT,
            "store/order/created comes without a usable id",
        ),
        (body_of("store/order/created", {"id": "250"}), DeliveryKind.ORDER_HINT, "usable id"),
        (body_of("store/order/created", {"id": True}), DeliveryKind.ORDER_HINT, "usable id"),
        (body_of("store/order/created", {"id": -1}), DeliveryKind.ORDER_HINT, "usable id"),
        (body_of("store/order/created", {"id": 10**15}), DeliveryKind.ORDER_HINT, "usable id"),
        (body_of("store/shipment/created", {"id": 250}), DeliveryKind.ORDER_HINT, "usable orderId"),
        (body_of("store/sku/inventory/updated", {"id": 4}), DeliveryKind.LEVEL, "usable variant_id"),
        (
            body_of("store/product/inventory/updated", {"inventory": []}),
            DeliveryKind.LEVEL,
            "usable product_id",
        ),
    ],
)
def test_a_body_that_makes_no_sense_is_kept_as_poison(body: bytes, kind: DeliveryKind, problem: str) -> None:
    """Goal: what is signed and not understood is told apart from what is not signed, with what is known of it."""
    with pytest.raises(BodyRefusedError) as refusal:
        received(body, **{"webhook-id": "msg_9"})
    assert (refusal.value.delivery.kind, refusal.value.delivery.delivery_id) == (kind, "msg_9")
    assert problem in refusal.value.problem


# What the sandbox posts


@pytest.mark.parametrize(
    ("topic", "what", "scope"),
    [
        ("store/order/*", "created", "store/order/created"),
        ("store/order/*", "shipped", "store/order/statusUpdated"),
        ("store/shipment/*", "shipped", "store/shipment/created"),
        ("store/order/*", "refunded", "store/order/refund/created"),
        ("store/order/*", "cancelled", "store/order/statusUpdated"),
        ("store/order/updated", "cancelled", "store/order/updated"),
        ("store/shipment/*", "created", None),
        ("store/sku/*", "created", None),
    ],
)
def test_the_sandbox_tells_of_orders_as_the_adapter_understands(
    clock: FakeClock, topic: str, what: str, scope: str | None
) -> None:
    """Goal: each happening is told in the scope a subscription wants, and is read as a hint to that order."""
    shop = store(clock)
    (ref,) = shop.case.fill(1)
    order = shop.book.place([(ref.item_id, MAIN, 1)])
    hook = SandboxSubscription("1", topic, URL, headers={"X-Onhand-Secret": NEW})
    post = wire(shop.case.shop, shop.options, clock.now).post(OrderHappening(order, what), hook)
    assert (post is None) is (scope is None)
    if post is not None:
        assert post.url == URL
        delivery = received(post.body, **{name.lower(): text for name, text in post.headers.items()})
        assert (delivery.kind, delivery.topic, delivery.subject) == (
            DeliveryKind.ORDER_HINT,
            scope,
            order.order_id,
        )
        assert order.buyer.email.encode() not in post.body


@pytest.mark.parametrize("by", ["sale", "person", "api"])
def test_the_sandbox_tells_of_levels_as_the_adapter_understands(clock: FakeClock, by: str) -> None:
    """Goal: a variant's and a product's level, by whomever, is told as the sum over the shop's locations."""
    shop = store(clock)
    (ref,) = shop.case.fill(1)
    shop.case.shop.add(Item("60", "MUG", "Mug", parent_id="60", tracking="product"))
    shop.case.shop.edit(ref.item_id, OUTLET, 2)
    order = "order/" if by == "sale" else ""
    posts = wire(shop.case.shop, shop.options, clock.now)
    for number, kind, tracking, value in (
        (ref.item_id, "sku", "variant", 6),
        ("60", "product", "product", 4),
    ):
        scope = f"store/{kind}/inventory/{order}updated"
        happening = LevelHappening(number, MAIN, 4, by, clock.now())
        post = posts.post(happening, SandboxSubscription("1", scope, URL))
        assert post is not None
        level = received(post.body).level
        assert level == LevelNotice(number, MAIN, value, datetime.fromtimestamp(clock.now(), UTC), tracking)
        assert posts.post(happening, SandboxSubscription("1", "store/order/*", URL)) is None


# Webhooks made and kept


class Hooked:
    """A sandbox store and an adapter on it."""

    def __init__(self, clock: FakeClock) -> None:
        self.store = store(clock)
        self.wire = Wire(self.store.case.app)
        channel = self.store.case.make_adapter(base_url=BASE_URL, transport=self.wire)
        assert isinstance(channel, BigCommerce)
        self.hooks = channel.hooks

    @property
    def sent(self) -> list[str]:
        """What was asked so far; every exchange keeps to the published contract."""
        if self.store.case.validator is not None:
            for exchange in self.wire.exchanges:
                self.store.case.validator(exchange)
        return [exchange.request.method for exchange in self.wire.exchanges]


@pytest.fixture
def hooked(clock: FakeClock) -> Hooked:
    return Hooked(clock)


async def test_every_topic_is_subscribed_once(hooked: Hooked) -> None:
    """Goal: what is missing is made with our newest secret; to repeat it changes nothing."""
    made = await hooked.hooks.ensure(URL)
    assert made == [Subscription(str(at), topic, URL) for at, topic in enumerate(TOPICS, 1)]
    assert hooked.sent == ["GET"] + ["POST"] * 4
    assert {tuple(hook.headers.items()) for hook in hooked.store.subscriptions.by_id.values()} == {
        (("X-Onhand-Secret", NEW),)
    }
    assert await hooked.hooks.ensure(URL) == made
    assert await hooked.hooks.found() == made
    assert hooked.sent[5:] == ["GET", "GET"]
    assert hooked.hooks.topics == TOPICS


async def test_what_is_switched_off_or_has_an_old_secret_is_mended(hooked: Hooked) -> None:
    """Goal: a hook the platform switched off is found with the reason, and switched on; a replaced secret is sent."""
    await hooked.hooks.ensure(URL)
    first, second, *_ = hooked.store.subscriptions.by_id.values()
    first.active, first.failures = False, 11
    second.headers = {"x-onhand-secret": OLD}
    off = (await hooked.hooks.found())[0]
    assert (off.active, off.problem) == (False, SWITCHED_OFF)
    assert all(each.active and not each.problem for each in await hooked.hooks.ensure(URL))
    assert hooked.sent[6:] == ["GET", "PUT", "PUT"]
    assert (first.active, first.failures, second.headers) == (True, 0, {"X-Onhand-Secret": NEW})


async def test_only_what_is_ours_is_found_and_only_what_is_there_removed(hooked: Hooked) -> None:
    """Goal: other programs' hooks of the same account are left alone, and ours with another address are told."""
    hooked.store.subscriptions.add("store/order/*", "https://other.example/x", headers={"X-Other": "1"})
    hooked.store.subscriptions.add("store/order/*", "https://old.example/x", headers={"X-Onhand-Secret": OLD})
    await hooked.hooks.ensure(URL)
    assert [each.url for each in await hooked.hooks.found()] == ["https://old.example/x"] + [URL] * 4
    assert await hooked.hooks.remove(URL) == 4
    assert await hooked.hooks.remove(URL) == 0
    assert [each.url for each in hooked.store.subscriptions.by_id.values()] == [
        "https://other.example/x",
        "https://old.example/x",
    ]
    assert hooked.sent.count("DELETE") == 4


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("https://in.example/x", ""),
        ("https://in.example:443/x", ""),
        ("http://127.0.0.1:8600/x", ""),
        ("http://[::1]:8600/x", ""),
        ("http://localhost:8600/x", ""),
        ("http://in.example/x", "BigCommerce delivers to https addresses only"),
        ("in.example/x", "BigCommerce delivers to https addresses only"),
        ("https:///x", "BigCommerce delivers to https addresses only"),
        ("https://in.example:8443/x", "BigCommerce delivers to port 443 only, not to 8443"),
        ("https://in.example:x/", "its port is no number"),
    ],
)
def test_where_bigcommerce_delivers(url: str, trouble: str) -> None:
    """Goal: an address the platform would never reach is told before it is asked; a sandbox may be at hand."""
    assert url_trouble(url) == trouble


async def test_an_address_without_https_is_refused_with_advice(hooked: Hooked) -> None:
    """Goal: the error says what was attempted, why it cannot be and what to do, and nothing is sent."""
    with pytest.raises(RowRejected) as refusal:
        await hooked.hooks.ensure("http://in.example/x")
    assert str(refusal.value) == (
        "bigcommerce-test: subscribe http://in.example/x failed: not sent, BigCommerce delivers to https addresses "
        "only. Give the web app an address with https on port 443, as buyers' browsers would reach it."
    )
    assert hooked.sent == []


async def test_without_a_secret_nothing_is_subscribed(clock: FakeClock) -> None:
    """Goal: hooks nobody could check are not made."""
    shop = store(clock)
    channel = BigCommerce("bc", BASE_URL, "token", [MAIN], transport=Wire(shop.case.app))
    with pytest.raises(RowRejected, match="Set webhook_secret_envs"):
        await channel.hooks.ensure(URL)


async def test_a_refused_subscription_says_so_without_the_secret(hooked: Hooked) -> None:
    """Goal: the platform's words reach the operator, our secret does not, should they repeat it."""
    for number in range(10):
        hooked.store.subscriptions.add(TOPICS[0], f"https://{number}.example/")
    with pytest.raises(RowRejected, match="has 10 webhooks already") as refusal:
        await hooked.hooks.ensure(URL)
    assert refusal.value.status == 422

    def repeating() -> Any:
        answer = throttled()
        answer.status_code, answer.body = 422, orjson.dumps({"title": f"bad header {NEW}"})
        return answer

    hooked.store.subscriptions.by_id.clear()
    waiting = [None, repeating()]

    async def hook(request: Any) -> Any:
        return waiting.pop(0) if waiting else None

    hooked.store.case.traffic.hooks.append(hook)
    with pytest.raises(RowRejected) as refusal:
        await hooked.hooks.ensure(URL)
    assert NEW not in f"{refusal.value!r} {refusal.value.said}"


@pytest.mark.parametrize(
    "answer", [{"data": [{"id": 1}], "meta": {}}, {"data": 1, "meta": {}}, {"data": []}, []]
)
async def test_hooks_of_another_shape_are_told(clock: FakeClock, answer: Any) -> None:
    """Goal: an API that has changed stops the channel's webhooks with a reason, and crashes nothing."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answer))
    channel = BigCommerce("bc", BASE_URL, "token", [MAIN], webhook_secrets=[NEW], transport=transport)
    with pytest.raises(ChannelDown, match="another shape than documented"):
        await channel.hooks.found()
