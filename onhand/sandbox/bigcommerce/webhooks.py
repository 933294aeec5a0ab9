"""What a happening looks like on BigCommerce's wire: a thin body with a hash, and headers that sign it."""

import base64
import hashlib
import hmac
import itertools
import time
import uuid
from collections.abc import Callable

import orjson

from onhand.sandbox.bigcommerce.catalogue import product_number, variant_number
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.order_rows import status_of
from onhand.sandbox.bigcommerce.replies import Json
from onhand.sandbox.orders import Happening, LevelHappening, OrderHappening
from onhand.sandbox.shop import Shop
from onhand.sandbox.wire import Post, Subscription, Wire

STORE_ID = "1025646"

CREATED, UPDATED, STATUS = "store/order/created", "store/order/updated", "store/order/statusUpdated"
REFUND, SHIPMENT = "store/order/refund/created", "store/shipment/created"
TOLD = {
    "created": (CREATED,),
    "updated": (UPDATED,),
    "shipped": (STATUS, SHIPMENT, UPDATED),
    "cancelled": (STATUS, UPDATED),
    "refunded": (REFUND, STATUS, UPDATED),
}
"""By what became of an order, the scopes that tell it; a subscription gets the first one it wants."""

LEVELS = {
    (tracking, by): f"store/{kind}/inventory/{'order/' if by == 'sale' else ''}updated"
    for tracking, kind in (("product", "product"), ("variant", "sku"))
    for by in ("api", "sale", "person")
}
"""The scope that tells of a level, by how its item is tracked and who changed it."""

SCOPES = frozenset(
    (
        *(CREATED, UPDATED, STATUS, REFUND, SHIPMENT),
        *("store/order/archived", "store/shipment/updated", "store/shipment/deleted"),
        *LEVELS.values(),
        *(f"store/{kind}/*" for kind in ("order", "shipment", "product", "sku")),
    )
)
"""What can be subscribed to here."""

ANY = "/*"


def wire(shop: Shop, options: BigCommerceOptions, clock: Callable[[], float] = time.time) -> Wire:
    """The webhooks of one store; `clock` is seconds since 1970."""
    return BigCommerceWire(shop, options, clock)


class BigCommerceWire:
    """See `wire.Wire`. Message ids are a prefix drawn once, and a count."""

    def __init__(self, shop: Shop, options: BigCommerceOptions, clock: Callable[[], float]) -> None:
        self._shop = shop
        self._key = options.client_secret.encode()
        self._producer = f"stores/{options.store_hash}"
        self._clock = clock
        self._prefix = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(1)

    def post(self, happening: Happening, subscription: Subscription) -> Post | None:
        """The request this subscription gets; None where its topic is another."""
        if isinstance(happening, OrderHappening):
            return self._order(happening, subscription)
        return self._level(happening, subscription)

    def stamped(self, post: Post) -> Post:
        """Signed for the moment it is sent, under the same id, as the Standard Webhooks scheme means it.

        Whether the platform's retries carry a new time is not documented; with the first one, every retry after five
        minutes would have to be refused.
        """
        timestamp = self._now()
        if post.headers["webhook-timestamp"] == timestamp:
            return post
        signed = self._signature(post.headers["webhook-id"], timestamp, post.body)
        return Post(post.url, {**post.headers, **signed}, post.body)

    def _order(self, happening: OrderHappening, subscription: Subscription) -> Post | None:
        topic = subscription.topic
        scope = next((scope for scope in TOLD.get(happening.what, ()) if _wants(topic, scope)), None)
        if scope is None:
            return None
        number = int(happening.order.order_id)
        data: Json = {"type": "order", "id": number}
        if scope == STATUS:
            data["status"] = {"previous_status_id": 11, "new_status_id": status_of(happening.order)}
        elif scope == REFUND:
            data["refund"] = {"refund_id": next(self._numbers)}
        elif scope == SHIPMENT:
            data = {"type": "shipment", "id": next(self._numbers), "orderId": number}
        return self._signed(scope, data, happening.order.updated_at, subscription)

    def _level(self, happening: LevelHappening, subscription: Subscription) -> Post | None:
        item = self._shop.items.get(happening.item_id)
        scope = LEVELS.get((item.tracking, happening.by)) if item else None
        if item is None or scope is None or not _wants(subscription.topic, scope):
            return None
        elsewhere = sum(level for place, level in item.levels.items() if place != happening.place)
        inventory: Json = {
            "product_id": product_number(item),
            "method": "absolute",
            "value": elsewhere + happening.quantity,
        }
        data: Json = {"type": "product", "id": product_number(item), "inventory": inventory}
        if item.tracking == "variant":
            inventory["variant_id"] = variant_number(item)
            data |= {"type": "sku", "id": variant_number(item)}
        return self._signed(scope, data, happening.at, subscription)

    def _signed(self, scope: str, data: Json, at: float, subscription: Subscription) -> Post:
        told = {
            "scope": scope,
            "store_id": STORE_ID,
            "data": data,
            "created_at": int(at),
            "producer": self._producer,
        }
        told["hash"] = hashlib.sha1(orjson.dumps(told), usedforsecurity=False).hexdigest()
        body = orjson.dumps(told)
        message = f"msg_{self._prefix}{next(self._numbers)}"
        signed = self._signature(message, self._now(), body)
        headers = {**subscription.headers, "content-type": "application/json", **signed}
        return Post(subscription.url, headers, body)

    def _now(self) -> str:
        return str(int(self._clock()))

    def _signature(self, message: str, timestamp: str, body: bytes) -> dict[str, str]:
        """The headers that sign a body, for one moment."""
        signature = hmac.digest(self._key, f"{message}.{timestamp}.".encode() + body, "sha256")
        return {
            "webhook-id": message,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }


def _wants(topic: str, scope: str) -> bool:
    return topic == scope or (topic.endswith(ANY) and scope.startswith(topic[:-1]))
