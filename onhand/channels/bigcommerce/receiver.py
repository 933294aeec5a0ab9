"""What a BigCommerce store posts to us: thin bodies that say what changed, and hardly ever to what.

Two proofs: our own secret, which each hook carries in a header of ours and which is always required, and
the platform's signature, which is checked where it comes along and the client secret is known. The body's
own `hash` is no proof: anybody can make it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from onhand.channels.bigcommerce.signature import ID, SIGNATURE, check_signature
from onhand.channels.inbound import (
    BodyRefusedError,
    Delivery,
    DeliveryKind,
    LevelNotice,
    SignatureRefusedError,
    signed_by_any,
)

SECRET_HEADER = "X-Onhand-Secret"
"""Carries our secret; BigCommerce sends along what the hook was made with."""

ORDERS = {
    "store/order/created": "id",
    "store/order/updated": "id",
    "store/order/archived": "id",
    "store/order/statusUpdated": "id",
    "store/order/refund/created": "id",
    "store/shipment/created": "orderId",
    "store/shipment/updated": "orderId",
    "store/shipment/deleted": "orderId",
}
"""Topics that tell of an order, and under which name its id stands."""

LEVELS = {
    "store/product/inventory/updated": "product",
    "store/product/inventory/order/updated": "product",
    "store/sku/inventory/updated": "variant",
    "store/sku/inventory/order/updated": "variant",
}
"""Topics that tell of a level, and how the item is tracked that they name."""

ID_MAX = 1_000_000_000_000_000
"""No id of an order or item is larger: what is, is somebody's joke."""


class BigCommerceReceiver:
    """The way in of one store. `secrets`: those accepted in our header, several while one is being replaced.

    `client_secret` is that of the API account, empty where it is not known. `places` are the channel's locations:
    a level is told without one, as the item's sum, so it means something only where there is a single one.
    """

    body_bytes_max = 64 * 1024
    """A delivery names an order or an item, and tells nothing of it: some hundred bytes."""

    def __init__(
        self, secrets: Sequence[str], *, client_secret: str = "", places: Sequence[str] = ()
    ) -> None:
        self._secrets = tuple(map(_digest, secrets))
        self._client_secret = client_secret.encode()
        self._place = places[0] if len(places) == 1 else None

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery:
        """What this request means; see `inbound.Receiver`."""
        given = headers.get(SECRET_HEADER.lower(), "")
        if not given or not signed_by_any(_digest(given), self._secrets):
            raise SignatureRefusedError(f"{SECRET_HEADER} holds none of the channel's secrets")
        if self._client_secret and SIGNATURE in headers:
            check_signature(headers, body, self._client_secret, now)
        return self._meant(headers.get(ID, ""), body)

    def _meant(self, delivery_id: str, body: bytes) -> Delivery:
        told = _told(delivery_id, body)
        topic, data = told["scope"], told.get("data")
        if topic in ORDERS:
            # The hash counts whole seconds: two changes of an order within one have the same. So it is no
            # id of a delivery here; to fetch an order once more is cheaper than to miss its last change.
            order = _id_in(data, ORDERS[topic], Delivery(DeliveryKind.ORDER_HINT, topic, delivery_id))
            return Delivery(DeliveryKind.ORDER_HINT, topic, delivery_id, str(order))
        if topic in LEVELS:
            return self._level(topic, delivery_id or _hash(told), data, told.get("created_at"))
        return Delivery(DeliveryKind.OTHER, topic, delivery_id or _hash(told))

    def _level(self, topic: str, delivery_id: str, data: Any, created_at: Any) -> Delivery:
        unread = Delivery(DeliveryKind.LEVEL, topic, delivery_id)
        tracking = LEVELS[topic]
        inventory = data.get("inventory") if isinstance(data, dict) else None
        number = str(_id_in(inventory, f"{tracking}_id", unread))
        assert isinstance(inventory, dict)
        value = inventory.get("value")
        stated = self._place is not None and inventory.get("method") == "absolute" and type(value) is int
        level = LevelNotice(
            ref=number,
            place=self._place or "",
            quantity=value if stated else None,
            changed_at=_moment(created_at),
            tracking=tracking,
        )
        return Delivery(DeliveryKind.LEVEL, topic, delivery_id, number, level=level)


def _digest(secret: str) -> bytes:
    """Of equal length for every secret, so that comparing tells nothing of it."""
    return hashlib.sha256(secret.encode()).digest()


def _told(delivery_id: str, body: bytes) -> dict[str, Any]:
    """The body with a topic in it; raises BodyRefusedError."""
    unread = Delivery(DeliveryKind.OTHER, "", delivery_id)
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyRefusedError(unread, f"the body is not JSON: {error}") from error
    if not isinstance(told, dict) or not isinstance(told.get("scope"), str):
        raise BodyRefusedError(unread, "the body names no scope (BigCommerce's word for a topic)")
    return told


def _hash(told: dict[str, Any]) -> str:
    stated = told.get("hash")
    return stated if isinstance(stated, str) else ""


def _id_in(data: Any, name: str, unread: Delivery) -> int:
    """The id of that name; raises BodyRefusedError where there is none."""
    number = data.get(name) if isinstance(data, dict) else None
    if type(number) is not int or not 0 < number < ID_MAX:
        raise BodyRefusedError(unread, f"{unread.topic} comes without a usable {name}")
    return number


def _moment(seconds: Any) -> datetime | None:
    """A time in seconds since 1970; None where it is none."""
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and 0 < seconds < 2**36 else None
