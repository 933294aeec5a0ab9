"""The way in of a WooCommerce shop: webhooks signed over their raw bytes, reduced at the door.

A shop does not send a delivery again that failed, and builds it as it sends it: a payload is the order as it stood
then, not as it was when the topic came up. Its delivery id is drawn from the webhook and the whole second, so different
deliveries share one; what is inside has to tell them apart as well.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from onhand.channels.base import NO_PLACE
from onhand.channels.http import words_of
from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
    signed_by_any,
)
from onhand.channels.woocommerce.orders import channel_order, moment_of
from onhand.channels.woocommerce.rows import Row, parse_quantity
from onhand.domain.sales import OrderRefusedError

KINDS = {
    "order.created": DeliveryKind.ORDER,
    "order.updated": DeliveryKind.ORDER,
    "order.restored": DeliveryKind.ORDER,
    "order.deleted": DeliveryKind.ORDER_HINT,
    "product.updated": DeliveryKind.LEVEL,
}
"""What each topic is to us. `order.deleted` tells only the id, and reading it finds nothing: WooCommerce gives no stock
back for an order in the trash, so what the ledger has posted for it stays."""

PING = re.compile(rb"webhook_id=\d{1,20}")
"""All that is ever sent unsigned: a form that a new or re-activated webhook tries its address with."""

RIGHTS_ADVICE = (
    "Its user may no longer see this: run `onhand webhooks register` with a key of a shop manager."
)


class WooCommerceReceiver:
    """Checks and reads deliveries. `secrets`: those a delivery may be signed with; without any, none is let in."""

    body_bytes_max = 4 * 1024 * 1024
    """A line has about half a kilobyte, and as much again where plugins add to it; a refund adds little."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
        """What a request means; see `Receiver`. `now` is not needed: nothing in a delivery is dated."""
        signature, topic = _header(headers, "signature"), _header(headers, "topic")
        if not signature and not topic and PING.fullmatch(body):
            return Delivery(DeliveryKind.PING, "")
        expected = (b64encode(hmac.digest(secret, body, "sha256")) for secret in self._secrets)
        if not signed_by_any(signature.encode(), expected):
            raise SignatureRefusedError(
                "signed by none of the channel's secrets" if signature else "not signed"
            )
        bare = Delivery(KINDS.get(topic, DeliveryKind.OTHER), topic, _header(headers, "delivery-id"))
        if bare.kind is DeliveryKind.OTHER:
            return bare
        return _read(bare, _object(bare, body))


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header of the delivery; some gateways take the `X-` off."""
    return headers.get(f"x-wc-webhook-{name}") or headers.get(f"wc-webhook-{name}", "")


def _object(bare: Delivery, body: bytes) -> Row:
    """The body: an object with an id. Where the webhook's user lost the right to see it, it is an error's."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefusedError(bare, f"{bare.topic}: the body is not JSON") from error
    if not isinstance(found, dict):
        raise BodyRefusedError(bare, f"{bare.topic}: the body is no JSON object")
    if not isinstance(found.get("id"), int):
        said = words_of(f"{found.get('code', 'no id')}: {found.get('message', '')}")
        raise BodyRefusedError(
            bare, f"{bare.topic}: the shop sent an error instead ({said}). {RIGHTS_ADVICE}"
        )
    return found


def _read(bare: Delivery, found: Row) -> Delivery:
    subject = str(found["id"])
    known = Delivery(bare.kind, bare.topic, bare.delivery_id, subject)
    if bare.kind is DeliveryKind.ORDER_HINT:
        return known
    if bare.kind is DeliveryKind.LEVEL:
        return Delivery(bare.kind, bare.topic, bare.delivery_id, subject, level=_level(known, found))
    try:
        order = channel_order(found)
    except OrderRefusedError as error:
        raise BodyRefusedError(known, str(error)) from error
    return Delivery(bare.kind, bare.topic, bare.delivery_id, subject, order=order)


def _level(known: Delivery, found: Row) -> LevelNotice:
    """A product's own number; none where it keeps none (not managed, or by its parent)."""
    quantity = None
    if found.get("manage_stock") is True:
        quantity, _ = parse_quantity(found.get("stock_quantity"))
    try:
        changed_at = moment_of(found["date_modified_gmt"])
    except (KeyError, TypeError, ValueError) as error:
        problem = f"product {known.subject}: date_modified_gmt is {found.get('date_modified_gmt')!r}, no date"
        raise BodyRefusedError(known, problem) from error
    return LevelNotice(known.subject, NO_PLACE, quantity, changed_at)
