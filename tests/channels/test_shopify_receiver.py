"""Shopify's way in: what is signed is read and reduced, and nothing else gets past the door."""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
)
from onhand.channels.registry import make_receiver
from onhand.channels.shopify import ShopifyReceiver
from onhand.domain.sales import as_json
from onhand.sandbox.orders import Buyer, LevelHappening
from onhand.settings import ShopifySettings
from tests.channels.case_shopify import LEEDS, LONDON
from tests.fix_channels import number_of
from tests.fix_shopify import DOMAIN, NOW, ShopifyWorld, lower

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "shopify.json"
SECRET = "shpss_test_5b1c"


def signed(body: bytes, topic: str, secret: str = SECRET, **more: str) -> dict[str, str]:
    signature = b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return {"x-shopify-hmac-sha256": signature, "x-shopify-topic": topic, **more}


def received(told: Any, topic: str, receiver: ShopifyReceiver | None = None) -> Delivery:
    body = told if isinstance(told, bytes) else orjson.dumps(told)
    return (receiver or ShopifyReceiver([SECRET])).receive(signed(body, topic), body, NOW)


def refused(told: Any, topic: str) -> BodyRefusedError:
    with pytest.raises(BodyRefusedError) as refusal:
        received(told, topic)
    return refusal.value


def test_known_good_signatures_pass_and_their_mutations_fail() -> None:
    """Goal: what Shopify's own libraries hold for signed is signed, and one changed byte anywhere is not."""
    if not VECTORS.exists():
        pytest.skip(f"no known-good signatures at {VECTORS}")
    for vector in orjson.loads(VECTORS.read_bytes())["vectors"]:
        secret, body, signature = vector["secret"], vector["body"].encode(), vector["signature"]
        assert accepts(secret, body, signature) == vector["valid"]
        if vector["valid"]:
            assert not any(accepts(secret, body, some) for some in mutated(signature))
            assert not any(accepts(some, body, signature) for some in mutated(secret))
            assert not any(accepts(secret, some.encode(), signature) for some in mutated(body.decode()))


def accepts(secret: str, body: bytes, signature: str) -> bool:
    headers = {"x-shopify-hmac-sha256": signature, "x-shopify-topic": "app/uninstalled"}
    try:
        return ShopifyReceiver([secret]).receive(headers, body, NOW).kind is DeliveryKind.OTHER
    except SignatureRefusedError:
        return False


def mutated(text: str) -> list[str]:
    """Every text that differs in one byte: each of its seven bits flipped, and each byte left out."""
    flipped = [
        text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
        for at in range(len(text))
        for bit in range(7)
    ]
    return [*flipped, *(text[:at] + text[at + 1 :] for at in range(len(text))), text + "=", text + " "]


@pytest.mark.parametrize("prefix", ["x-shopify-", "shopify-"])
def test_both_spellings_of_the_headers(prefix: str) -> None:
    """Goal: headers with X- and without mean the same."""
    body = b'{"order_id": 450}'
    headers = signed(body, "refunds/create")
    headers["x-shopify-webhook-id"] = "w-1"
    headers = {name.replace("x-shopify-", prefix): value for name, value in headers.items()}
    delivery = ShopifyReceiver([SECRET]).receive(headers, body, NOW)
    assert delivery == Delivery(DeliveryKind.ORDER_HINT, "refunds/create", "w-1", "450")


def test_both_secrets_sign_while_one_is_replaced() -> None:
    """Goal: for an hour after a rotation the old secret signs, too; a third one never does."""
    receiver = ShopifyReceiver(["new", "old"])
    for secret in ("new", "old"):
        assert receiver.receive(signed(b"{}", "shop/update", secret), b"{}", NOW).kind is DeliveryKind.OTHER
    with pytest.raises(SignatureRefusedError, match="none of the channel's secrets"):
        receiver.receive(signed(b"{}", "shop/update", "older"), b"{}", NOW)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "no X-Shopify-Hmac-Sha256"),
        ({"x-shopify-hmac-sha256": ""}, "no X-Shopify-Hmac-Sha256"),
        ({"x-shopify-hmac-sha256": "é€"}, "none of the channel's secrets"),
    ],
)
def test_what_is_not_signed_is_refused_unread(headers: dict[str, str], said: str) -> None:
    """Goal: without a signature nothing of the body is looked at, not even whether it is JSON."""
    with pytest.raises(SignatureRefusedError, match=said):
        ShopifyReceiver([SECRET]).receive({**headers, "x-shopify-topic": "orders/create"}, b"no JSON", NOW)


def test_without_a_secret_nothing_is_signed() -> None:
    """Goal: a channel whose secret nobody set takes nothing, and says what to set."""
    with pytest.raises(SignatureRefusedError, match="webhook_secret_envs"):
        ShopifyReceiver([]).receive(signed(b"{}", "orders/create", ""), b"{}", NOW)


def test_a_delivery_for_another_shop_of_the_same_app_is_refused() -> None:
    """Goal: the signature does not cover the shop, so the header is compared where both are known."""
    receiver, body = ShopifyReceiver([SECRET], shop_domain=DOMAIN), b"{}"
    other = signed(body, "shop/update", **{"x-shopify-shop-domain": "other.myshopify.com"})
    with pytest.raises(SignatureRefusedError, match="another shop"):
        receiver.receive(other, body, NOW)
    same = signed(body, "shop/update", **{"x-shopify-shop-domain": DOMAIN.upper()})
    assert receiver.receive(same, body, NOW).kind is DeliveryKind.OTHER
    assert ShopifyReceiver([SECRET]).receive(other, body, NOW).kind is DeliveryKind.OTHER


@pytest.mark.parametrize(
    "topic", ["products/update", "orders/delete", "fulfillment_orders/moved", "returns/close"]
)
def test_topics_we_do_not_use_are_other(topic: str) -> None:
    """Goal: they are told apart by their header alone; the body is not even parsed."""
    assert received(b"not JSON", topic) == Delivery(DeliveryKind.OTHER, topic)


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("refunds/create", {"id": 9, "order_id": 450}),
        ("fulfillments/create", {"id": 9, "order_id": 450}),
        ("fulfillments/update", {"id": 9, "order_id": 450}),
        ("orders/edited", {"order_edit": {"id": 9, "order_id": 450}}),
    ],
)
def test_thin_topics_name_the_order(topic: str, told: dict[str, Any]) -> None:
    """Goal: what tells of a part of an order makes us look at the order."""
    assert received(told, topic) == Delivery(DeliveryKind.ORDER_HINT, topic, subject="450")
    assert "names no order" in refused({"order_edit": {}}, topic).problem
    assert "names no order" in refused([], topic).problem


@pytest.mark.parametrize(("available", "quantity"), [(8, 8), (-2, -2), (None, None)])
def test_a_level(available: int | None, quantity: int | None) -> None:
    """Goal: a level is told as the channel states it, by the ids our listings have."""
    told = {
        "inventory_item_id": 11,
        "location_id": 5,
        "available": available,
        "updated_at": "2026-11-02T10:00:00-05:00",
    }
    delivery = received(told, "inventory_levels/update")
    at = datetime(2026, 11, 2, 15, tzinfo=UTC)
    item, place = "gid://shopify/InventoryItem/11", "gid://shopify/Location/5"
    assert delivery.level == LevelNotice(item, place, quantity, at)
    assert (delivery.kind, delivery.subject) == (DeliveryKind.LEVEL, item)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inventory_item_id": None}, "is no level"),
        ({"location_id": "5"}, "is no level"),
        ({"available": "8"}, "is no level"),
        ({"available": True}, "is no level"),
        ({"updated_at": "yesterday"}, "no time"),
    ],
)
def test_a_level_that_makes_no_sense(change: dict[str, Any], said: str) -> None:
    """Goal: what is signed and cannot be read is kept as poison, with what is wrong in words."""
    told = {"inventory_item_id": 11, "location_id": 5, "available": 8, "updated_at": "2026-11-02T10:00:00Z"}
    assert said in refused({**told, **change}, "inventory_levels/update").problem


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b'{"id": 450', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ([], "JSON object"),
        ({"id": "450"}, "number as its `id`"),
        ({"id": 450}, "`updated_at` is a time"),
        ({"id": 450, "updated_at": "2026-11-02T10:00:00"}, "time with its zone"),
        ({"id": 450, "updated_at": 5}, "`updated_at` is a time"),
        ({"id": 450, "updated_at": "2026-11-02T10:00:00Z"}, "`line_items` is a list of JSON objects"),
    ],
)
def test_an_order_that_makes_no_sense(told: Any, said: str) -> None:
    """Goal: whatever a body holds, it is refused in a sentence and never by a crash."""
    refusal = refused(told, "orders/create")
    assert said in refusal.problem
    assert refusal.delivery.topic == "orders/create"


def test_a_signed_delivery_without_a_topic() -> None:
    """Goal: nothing that the platform signed is dropped silently."""
    with pytest.raises(BodyRefusedError, match="no topic"):
        ShopifyReceiver([SECRET]).receive(signed(b"{}", ""), b"{}", NOW)


def test_what_the_sandbox_sends_is_understood(shopify_world: ShopifyWorld) -> None:
    """Goal: every topic of a new order and of its level reaches us; the delivery's own id is kept."""
    (ref,) = shopify_world.fill(1)
    order = shopify_world.book.place([(number_of(ref), LEEDS, 2)])
    for topic, word in (("ORDERS_CREATE", "orders/create"), ("ORDERS_PAID", "orders/paid")):
        delivery = shopify_world.delivery(topic)
        assert (delivery.kind, delivery.topic, delivery.subject) == (DeliveryKind.ORDER, word, order.order_id)
        assert len(delivery.delivery_id) == 36
    assert shopify_world.post("ORDERS_UPDATED") is None
    assert shopify_world.post("INVENTORY_LEVELS_UPDATE") is None
    for by in ("sale", "api", "person"):
        level = LevelHappening(number_of(ref), LONDON, -1, by, 1_800_000_000.5)
        notice = shopify_world.delivery("INVENTORY_LEVELS_UPDATE", level).level
        assert notice == LevelNotice(ref.item_id, LONDON, -1, datetime(2027, 1, 15, 8, tzinfo=UTC))


def test_nothing_of_the_buyer_gets_past_the_door(shopify_world: ShopifyWorld) -> None:
    """Goal: the payload is full of the buyer, and what we make of it holds none of that."""
    marks = ("Zora Marked", "zora@marked.example", "+44 1111 222333", "77 Marked Lane", "Markedford")
    (ref,) = shopify_world.fill(1)
    shopify_world.book.place([(number_of(ref), LEEDS, 1)], Buyer(*marks))
    post = shopify_world.post("ORDERS_CREATE")
    assert post is not None
    delivery = shopify_world.receiver.receive(lower(post), post.body, NOW)
    assert delivery.order is not None
    kept = repr(delivery) + orjson.dumps(as_json(delivery.order)).decode()
    for mark in marks:
        assert mark.encode() in post.body
        assert mark not in kept


def test_the_receiver_of_a_configured_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the app's client secret signs unless other secrets are named; the shop is known by its own address."""
    monkeypatch.setenv("CLIENT_ID", "id")
    monkeypatch.setenv("CLIENT_SECRET", "client secret")
    monkeypatch.setenv("OTHER_SECRET", "other secret")
    given: dict[str, Any] = {
        "platform": "shopify",
        "base_url": f"https://{DOMAIN}",
        "client_id_env": "CLIENT_ID",
        "client_secret_env": "CLIENT_SECRET",
        "places": {LEEDS: ["leeds"]},
    }
    other = signed(b"{}", "shop/update", "client secret", **{"x-shopify-shop-domain": "other.myshopify.com"})
    plain = ShopifySettings(**given)
    own = make_receiver("shopify", plain)
    assert own.receive(signed(b"{}", "shop/update", "client secret"), b"{}", NOW).kind is DeliveryKind.OTHER
    with pytest.raises(SignatureRefusedError, match="another shop"):
        own.receive(other, b"{}", NOW)
    named = ShopifySettings(**given, webhook_secret_envs=["OTHER_SECRET"])
    assert named.secrets() == ["CLIENT_ID", "CLIENT_SECRET", "OTHER_SECRET"]
    receiver = make_receiver("shopify", named)
    assert (
        receiver.receive(signed(b"{}", "shop/update", "other secret"), b"{}", NOW).kind is DeliveryKind.OTHER
    )
    with pytest.raises(SignatureRefusedError):
        receiver.receive(signed(b"{}", "shop/update", "client secret"), b"{}", NOW)
