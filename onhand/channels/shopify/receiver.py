"""Shopify's webhooks: signed with the app's client secret over the raw bytes, told apart by their topic header."""

import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
    signed_by_any,
)
from onhand.channels.shopify.ids import item_gid, place_gid
from onhand.channels.shopify.orders import told_order
from onhand.domain.sales import OrderRefusedError

ORDER_TOPICS = frozenset(
    f"orders/{what}"
    for what in ("create", "updated", "cancelled", "paid", "fulfilled", "partially_fulfilled")
)
"""Topics whose body is the whole order. A test order moves stock like any other, so it is one, too."""
EDITED_TOPIC = "orders/edited"
HINT_TOPICS = frozenset(("refunds/create", "fulfillments/create", "fulfillments/update"))
"""Topics whose body is about a part of an order and names it by `order_id`."""
LEVEL_TOPIC = "inventory_levels/update"

ADMIN_DOMAIN = ".myshopify.com"

Reader = Callable[[str, str, Any], Delivery]


class ShopifyReceiver:
    """The way in of one shop.

    `secrets` are the app's client secrets, the newest first: after a rotation the old one signs for up to an hour.
    `shop_domain` is checked against the delivery's header where both are there, as the signature does not cover
    which of an app's shops it comes from; empty where it is not known.
    """

    body_bytes_max = 8 * 1024 * 1024
    """An order says each of its lines up to three times, in about 1.4 KB each: as it was bought, in its fulfilments and
    in its refunds. So many lines as we take of an order (`sales.LINES_MAX`) have room."""

    def __init__(self, secrets: Sequence[str], *, shop_domain: str = "") -> None:
        self._keys = tuple(secret.encode() for secret in secrets)
        self._shop_domain = shop_domain.lower()
        self._readers: dict[str, Reader] = dict.fromkeys(ORDER_TOPICS, _order)
        self._readers |= dict.fromkeys(HINT_TOPICS, _order_hint)
        self._readers |= {EDITED_TOPIC: _edit_hint, LEVEL_TOPIC: _level}

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
        """What this delivery means; see `Receiver.receive`."""
        self._check_signature(_header(headers, "hmac-sha256"), body)
        self._check_shop(_header(headers, "shop-domain"))
        topic, delivery_id = _header(headers, "topic"), _header(headers, "webhook-id")
        reader = self._readers.get(topic)
        if reader is None and topic:
            return Delivery(DeliveryKind.OTHER, topic, delivery_id)
        unread = Delivery(DeliveryKind.OTHER, topic, delivery_id)
        if reader is None:
            raise BodyRefusedError(
                unread, "the delivery is signed and has no topic header, so nobody can read it"
            )
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BodyRefusedError(unread, f"the body of {topic} is not JSON: {error.msg}") from None
        return reader(topic, delivery_id, told)

    def _check_signature(self, given: str, body: bytes) -> None:
        """The header is compared as text: decoded, several texts would stand for one signature."""
        if not self._keys:
            raise SignatureRefusedError(
                "no secret is known for this channel's webhooks: set its `webhook_secret_envs`"
            )
        if not given:
            raise SignatureRefusedError("the delivery carries no X-Shopify-Hmac-Sha256 header")
        expected = (
            binascii.b2a_base64(hmac.digest(key, body, "sha256"), newline=False) for key in self._keys
        )
        if not signed_by_any(given.encode("utf-8", "replace"), expected):
            raise SignatureRefusedError(
                "the signature fits none of the channel's secrets: a wrong secret, or not from Shopify"
            )

    def _check_shop(self, given: str) -> None:
        if self._shop_domain and given and given.lower() != self._shop_domain:
            raise SignatureRefusedError(
                f"the delivery is from another shop of the same app: {given[:100]!r}, not {self._shop_domain!r}"
            )


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header of the platform, in the older spelling (with X-) or the newer."""
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def _order(topic: str, delivery_id: str, told: Any) -> Delivery:
    try:
        order = told_order(told)
    except OrderRefusedError as error:
        subject = _number(told, "id")
        raise BodyRefusedError(
            Delivery(DeliveryKind.ORDER, topic, delivery_id, subject), str(error)
        ) from error
    return Delivery(DeliveryKind.ORDER, topic, delivery_id, order.order_id, order)


def _order_hint(topic: str, delivery_id: str, told: Any) -> Delivery:
    return _hint(topic, delivery_id, _number(told, "order_id"), "`order_id`")


def _edit_hint(topic: str, delivery_id: str, told: Any) -> Delivery:
    edit = told.get("order_edit") if isinstance(told, dict) else None
    return _hint(topic, delivery_id, _number(edit, "order_id"), "`order_edit.order_id`")


def _hint(topic: str, delivery_id: str, order_id: str, name: str) -> Delivery:
    hint = Delivery(DeliveryKind.ORDER_HINT, topic, delivery_id, order_id)
    if not order_id:
        raise BodyRefusedError(
            hint, f"the body of {topic} names no order: {name} is a number, and it is not there"
        )
    return hint


def _level(topic: str, delivery_id: str, told: Any) -> Delivery:
    item, place = _number(told, "inventory_item_id"), _number(told, "location_id")
    unread = Delivery(DeliveryKind.LEVEL, topic, delivery_id, item_gid(item) if item else "")
    quantity = told.get("available") if isinstance(told, dict) else None
    if not item or not place or not (quantity is None or type(quantity) is int):
        raise BodyRefusedError(
            unread,
            f"the body of {topic} is no level: `inventory_item_id` and `location_id` are numbers, "
            "`available` is a number or null",
        )
    try:
        changed_at = datetime.fromisoformat(told["updated_at"]) if told.get("updated_at") else None
    except (TypeError, ValueError):
        raise BodyRefusedError(unread, f"the body of {topic} has an `updated_at` that is no time") from None
    notice = LevelNotice(unread.subject, place_gid(place), quantity, changed_at)
    return Delivery(DeliveryKind.LEVEL, topic, delivery_id, unread.subject, level=notice)


def _number(told: Any, name: str) -> str:
    """A number of the body as text, empty where it is none."""
    value = told.get(name) if isinstance(told, dict) else None
    return str(value) if type(value) is int else ""
