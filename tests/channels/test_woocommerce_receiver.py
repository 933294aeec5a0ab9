"""The way in of a WooCommerce shop: who is let in, and what is understood of what they say."""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
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
from onhand.channels.woocommerce import WooCommerceReceiver
from tests.channels.woo_store import vectors

SECRET = "b1946ac92492d234"
NOW = datetime(2026, 11, 21, 3, 1, tzinfo=UTC)
VECTORS = vectors()
needs_vectors = pytest.mark.skipif(not VECTORS, reason="../shared/vectors is not at hand")

ORDER = {
    "id": 350,
    "status": "processing",
    "date_created_gmt": "2026-11-21T03:00:51",
    "date_modified_gmt": "2026-11-21T03:00:52",
    "line_items": [
        {"id": 1, "product_id": 15, "variation_id": 0, "quantity": 3, "sku": "S", "meta_data": []}
    ],
}


@pytest.fixture
def receiver() -> WooCommerceReceiver:
    return WooCommerceReceiver(["old" + SECRET, SECRET])


def signed(body: bytes, topic: str = "order.updated", secret: str = SECRET) -> dict[str, str]:
    """The headers a shop sends."""
    return {
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-signature": b64encode(hmac.digest(secret.encode(), body, "sha256")).decode(),
        "x-wc-webhook-delivery-id": "70c31d",
    }


def told(receiver: WooCommerceReceiver, body: Any, topic: str = "order.updated") -> Delivery:
    given = body if isinstance(body, bytes) else orjson.dumps(body)
    return receiver.receive(signed(given, topic), given, NOW)


def refused(receiver: WooCommerceReceiver, body: Any, topic: str = "order.updated") -> BodyRefusedError:
    with pytest.raises(BodyRefusedError) as refusal:
        told(receiver, body, topic)
    return refusal.value


@needs_vectors
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_what_a_real_shop_sent_is_let_in(vector: dict[str, Any]) -> None:
    """Goal: known-good signatures pass, also where a gateway took the `X-` off, and each means what it should."""
    receiver = WooCommerceReceiver([vector["secret"]])
    without = {name.removeprefix("x-"): value for name, value in vector["headers"].items()}
    topic = vector["headers"].get("x-wc-webhook-topic", "")
    for headers in (vector["headers"], without):
        delivery = receiver.receive(headers, vector["body"].encode(), NOW)
        kinds = {"": DeliveryKind.PING, "product.updated": DeliveryKind.LEVEL}
        assert delivery.kind is kinds.get(topic, DeliveryKind.ORDER)
        assert delivery.topic == topic
        assert delivery.delivery_id == vector["headers"].get("x-wc-webhook-delivery-id", "")


@needs_vectors
def test_the_orders_of_a_real_shop_are_understood() -> None:
    """Goal: three states of one order within one second: placed, the same again, cancelled. The last is the newest."""
    orders = []
    for vector in VECTORS:
        if vector["name"].startswith("order."):
            receiver = WooCommerceReceiver([vector["secret"]])
            delivery = receiver.receive(vector["headers"], vector["body"].encode(), NOW)
            assert delivery.order is not None
            orders.append(delivery.order)
    placed, again, cancelled = orders
    assert [(line.refs, line.sku, line.open, line.fulfilled) for line in placed.lines] == [
        (("15",), "SKU-0005", 3, 0)
    ]
    assert again == placed
    assert cancelled.lines == ()
    assert cancelled.updated_at == placed.updated_at
    assert cancelled.version > placed.version


@needs_vectors
@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one["valid"]], ids=lambda vector: vector["name"]
)
def test_every_changed_byte_is_refused(vector: dict[str, Any]) -> None:
    """Goal: no byte of the body or of the signature can be another, and none can be missing."""
    receiver, body = WooCommerceReceiver([vector["secret"]]), vector["body"].encode()
    mutants = [bytes([*body[:at], body[at] ^ 1, *body[at + 1 :]]) for at in range(len(body))]
    for mutant in (*mutants, body[:-1], body + b" ", b""):
        with pytest.raises(SignatureRefusedError):
            receiver.receive(vector["headers"], mutant, NOW)
    signature = vector["headers"]["x-wc-webhook-signature"]
    for at in range(len(signature)):
        wrong = signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]
        with pytest.raises(SignatureRefusedError):
            receiver.receive({**vector["headers"], "x-wc-webhook-signature": wrong}, body, NOW)
    with pytest.raises(SignatureRefusedError):
        WooCommerceReceiver([vector["secret"] + "x"]).receive(vector["headers"], body, NOW)


@pytest.mark.parametrize("secret", [SECRET, "old" + SECRET])
def test_every_secret_of_a_rotation_is_taken(receiver: WooCommerceReceiver, secret: str) -> None:
    """Goal: deliveries signed with the old secret and with the new one are let in while one replaces the other."""
    body = orjson.dumps(ORDER)
    assert receiver.receive(signed(body, secret=secret), body, NOW).kind is DeliveryKind.ORDER


@pytest.mark.parametrize("signature", ["", "x", "ü", "\udc80"[:0] + "é" * 44])
def test_what_is_no_signature_is_refused(receiver: WooCommerceReceiver, signature: str) -> None:
    """Goal: nonsense in the header is a refusal, never an error of ours."""
    body = orjson.dumps(ORDER)
    with pytest.raises(SignatureRefusedError):
        receiver.receive({**signed(body), "x-wc-webhook-signature": signature}, body, NOW)


def test_without_secrets_nothing_but_pings_is_let_in() -> None:
    """Goal: a channel whose secret was forgotten is closed, not open."""
    body = orjson.dumps(ORDER)
    closed = WooCommerceReceiver([])
    for headers in (signed(body, secret=""), signed(body), {"x-wc-webhook-topic": "order.updated"}):
        with pytest.raises(SignatureRefusedError):
            closed.receive(headers, body, NOW)
    assert closed.receive({}, b"webhook_id=7", NOW) == Delivery(DeliveryKind.PING, "")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"webhook_id="),
        ({}, b"webhook_id=1&id=350"),
        ({}, b"webhook_id=1\n"),
        ({}, b'{"webhook_id": 1}'),
        ({}, orjson.dumps(ORDER)),
        ({}, b""),
        ({"x-wc-webhook-topic": "order.updated"}, b"webhook_id=1"),
        ({"x-wc-webhook-signature": "AAAA"}, b"webhook_id=1"),
    ],
)
def test_nothing_but_the_ping_comes_in_unsigned(
    receiver: WooCommerceReceiver, headers: dict[str, str], body: bytes
) -> None:
    """Goal: the one exception is exactly the form that WooCommerce tries an address with."""
    with pytest.raises(SignatureRefusedError):
        receiver.receive(headers, body, NOW)


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_an_order_comes_whole(receiver: WooCommerceReceiver, topic: str) -> None:
    """Goal: the delivery carries the reduced order, its id, and the platform's delivery id."""
    delivery = told(receiver, ORDER, topic)
    assert (delivery.kind, delivery.topic, delivery.delivery_id, delivery.subject) == (
        DeliveryKind.ORDER,
        topic,
        "70c31d",
        "350",
    )
    assert delivery.order is not None
    assert delivery.order.order_id == "350"


def test_a_deleted_order_is_a_hint(receiver: WooCommerceReceiver) -> None:
    """Goal: only its id is told, so it has to be asked for."""
    delivery = told(receiver, {"id": 350}, "order.deleted")
    assert delivery == Delivery(DeliveryKind.ORDER_HINT, "order.deleted", "70c31d", "350")


@pytest.mark.parametrize(
    ("stock", "quantity"),
    [
        ({"manage_stock": True, "stock_quantity": 77}, 77),
        ({"manage_stock": True, "stock_quantity": -2}, -2),
        ({"manage_stock": True, "stock_quantity": 2.5}, 2),
        ({"manage_stock": True, "stock_quantity": "4"}, 4),
        ({"manage_stock": True, "stock_quantity": None}, None),
        ({"manage_stock": False, "stock_quantity": None}, None),
        ({"manage_stock": "parent", "stock_quantity": 9}, None),
        ({}, None),
    ],
)
def test_a_level_is_told(receiver: WooCommerceReceiver, stock: dict[str, Any], quantity: int | None) -> None:
    """Goal: a product's own whole number, or that it changed where it has none of its own."""
    body = {"id": 15, "date_modified_gmt": "2026-11-21T03:00:51", **stock}
    delivery = told(receiver, body, "product.updated")
    changed_at = datetime(2026, 11, 21, 3, 0, 51, tzinfo=UTC)
    assert (delivery.kind, delivery.subject) == (DeliveryKind.LEVEL, "15")
    assert delivery.level == LevelNotice("15", "", quantity, changed_at)


@pytest.mark.parametrize("topic", ["product.created", "customer.updated", "action.woocommerce_x", ""])
def test_other_topics_are_answered_unread(receiver: WooCommerceReceiver, topic: str) -> None:
    """Goal: what we do not use is counted and forgotten, whatever it holds; that it is signed is still asked for."""
    assert told(receiver, b"\xff not even JSON", topic) == Delivery(DeliveryKind.OTHER, topic, "70c31d")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "order.updated: the body is not JSON"),
        (b"[1]", "order.updated: the body is no JSON object"),
        ({"id": 0, "line_items": []}, "an order has a positive number as its id, 0 was given"),
        ({**ORDER, "date_modified_gmt": None}, "order 350: date_modified_gmt is None, no date"),
        ({**ORDER, "date_created_gmt": "soon"}, "order 350: date_created_gmt is 'soon', no date"),
        ({**ORDER, "line_items": {"id": 1}}, "order 350: line_items is no list of objects"),
        (
            {**ORDER, "line_items": [{"id": 5, "quantity": "many"}]},
            "order 350, line 5: 'many' is no number of pieces",
        ),
    ],
)
def test_what_makes_no_sense_is_kept_as_poison(receiver: WooCommerceReceiver, body: Any, words: str) -> None:
    """Goal: it is signed, so it is not thrown away: the refusal says what it was about and what is wrong."""
    refusal = refused(receiver, body)
    assert refusal.problem == words
    assert (refusal.delivery.kind, refusal.delivery.topic) == (DeliveryKind.ORDER, "order.updated")
    assert refusal.delivery.subject == ("350" if words.startswith("order 350") else refusal.delivery.subject)


@pytest.mark.parametrize("topic", ["order.updated", "order.deleted", "product.updated"])
def test_an_error_in_place_of_the_payload(receiver: WooCommerceReceiver, topic: str) -> None:
    """Goal: when the webhook's user loses the right to see orders, an operator is told just that."""
    body = {"code": "woocommerce_rest_cannot_view", "message": "Sorry.", "data": {"status": 401}}
    assert refused(receiver, body, topic).problem == (
        f"{topic}: the shop sent an error instead (woocommerce_rest_cannot_view: Sorry.). Its user may no longer see "
        "this: run `onhand webhooks register` with a key of a shop manager."
    )


def test_nothing_personal_gets_past(receiver: WooCommerceReceiver) -> None:
    """Goal: what is kept of a payload names nobody."""
    person = {"first_name": "Marked", "last_name": "Person", "email": "marked@example.com"}
    delivery = told(receiver, {**ORDER, "billing": person, "shipping": person, "customer_note": "Marked"})
    assert "arked" not in repr(delivery)
