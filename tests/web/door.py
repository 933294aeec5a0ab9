"""What tests of the door need: a receiver that reads a small signed format, and requests in it."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
    signed_by_any,
)
from onhand.domain.sales import ChannelOrder, SoldLine
from onhand.web.bodies import BODY_BYTES_MAX

SECRET = b"planted-webhook-secret"
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


class SignedReceiver:
    """Reads {"id", "lines", ...} signed with SECRET in `x-signature`; fails as real ones do, and worse.

    `read` counts what was signed.
    """

    body_bytes_max = BODY_BYTES_MAX

    def __init__(self) -> None:
        self.read = 0

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
        expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest().encode()
        if not signed_by_any(headers.get("x-signature", "").encode(), [expected]):
            raise SignatureRefusedError(f"signed {headers.get('x-signature')!r} of {body!r}")
        self.read += 1
        kind, topic = DeliveryKind(headers["x-kind"]), headers.get("x-topic", "orders/updated")
        given = json.loads(body) if body.startswith(b"{") else {}
        delivery = Delivery(kind, topic, headers.get("x-delivery", ""), str(given.get("id", "")))
        if body == b"not json":
            raise BodyRefusedError(delivery, "the body is no JSON")
        if given.get("bug"):
            raise KeyError(given["bug"])
        if "lines" in given and not isinstance(given["lines"], list):
            raise BodyRefusedError(delivery, f"order {delivery.subject}: lines is no list")
        return Delivery(
            kind,
            topic,
            delivery.delivery_id,
            delivery.subject,
            order_of(given) if kind is DeliveryKind.ORDER else None,
            LevelNotice(delivery.subject, "L1", 7, AT) if kind is DeliveryKind.LEVEL else None,
        )


def order_of(given: Mapping[str, Any]) -> ChannelOrder:
    """The order of a body of one of these tests."""
    lines = tuple(SoldLine(str(n), (sku,), sku, 1, 0) for n, sku in enumerate(given.get("lines", ["A"])))
    return ChannelOrder(str(given["id"]), given.get("version", 1), AT, AT, lines)


def body_of(number: object = 1, **more: Any) -> bytes:
    """An order with what must never be kept."""
    buyer = {"name": "Planted Buyer", "email": "planted@mail.test", "address": "1 Planted Street"}
    return json.dumps({"id": number, "customer": buyer, **more}).encode()


def headers_for(body: bytes, kind: str = "order", delivery: str = "", **more: str) -> dict[str, str]:
    """The headers the channel sends with a body."""
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return {"x-signature": signature, "x-kind": kind, "x-delivery": delivery, **more}
