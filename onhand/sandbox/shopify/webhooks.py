"""What becomes of a happening as a webhook: topic, body in the REST shape, delivery headers, signature."""

import base64
import hmac
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from onhand.sandbox.orders import Happening, LevelHappening, Order, OrderHappening
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify.ids import LOCATION, PREFIX
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.shopify.order_bodies import edited_body, fulfillment_body, order_body, refund_body
from onhand.sandbox.wire import Post, Subscription, Wire

ORDER_TOPICS: dict[str, tuple[str, ...]] = {
    "created": ("ORDERS_CREATE", "ORDERS_PAID"),
    "updated": ("ORDERS_UPDATED", "ORDERS_EDITED"),
    "shipped": ("ORDERS_UPDATED", "ORDERS_FULFILLED", "FULFILLMENTS_CREATE"),
    "cancelled": ("ORDERS_UPDATED", "ORDERS_CANCELLED", "REFUNDS_CREATE"),
    "refunded": ("ORDERS_UPDATED", "REFUNDS_CREATE"),
}
"""Which topics tell of what became of an order."""

LEVEL_TOPIC = "INVENTORY_LEVELS_UPDATE"

HEADER_TOPICS = {
    topic: f"{thing.lower()}/{what.lower()}"
    for topic in (*{each for topics in ORDER_TOPICS.values() for each in topics}, LEVEL_TOPIC)
    for thing, _, what in (topic.rpartition("_"),)
}
"""The API's spelling of a topic, and that of the delivery header."""

BODIES: dict[str, Callable[[Shop, Order], bytes]] = {
    "ORDERS_EDITED": edited_body,
    "FULFILLMENTS_CREATE": fulfillment_body,
    "REFUNDS_CREATE": refund_body,
}
"""Topics whose body is not the whole order."""

EVENTS = uuid.UUID("0b1d6f0e-7c55-5a0c-8f0a-3f2a1f6f3e11")
"""The name space of event ids: one for each happening, shared by the topics that tell of it."""


class ShopifyWire:
    """Makes the webhooks of one shop."""

    def __init__(self, shop: Shop, options: ShopifyOptions) -> None:
        self._shop = shop
        self._key = options.client_secret.encode()
        self._constant = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Shop-Domain": options.domain,
            "X-Shopify-API-Version": options.versions[0],
        }

    def post(self, happening: Happening, subscription: Subscription) -> Post | None:
        """The request this subscription gets; None where its topic tells of something else."""
        topic = subscription.topic
        if isinstance(happening, LevelHappening):
            return (
                self._post(subscription, happening, _level_body(happening)) if topic == LEVEL_TOPIC else None
            )
        if topic not in ORDER_TOPICS.get(happening.what, ()):
            return None
        body = BODIES.get(topic, order_body)(self._shop, happening.order)
        return self._post(subscription, happening, body)

    def stamped(self, post: Post) -> Post:
        """Retries are the original, headers and all."""
        return post

    def _post(self, subscription: Subscription, happening: Happening, body: bytes) -> Post:
        signature = base64.b64encode(hmac.digest(self._key, body, "sha256")).decode()
        headers = {
            **self._constant,
            "X-Shopify-Topic": HEADER_TOPICS[subscription.topic],
            "X-Shopify-Triggered-At": _triggered_at(_moment(happening)),
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": str(uuid.uuid5(EVENTS, _name(happening))),
        }
        return Post(subscription.url, headers, body)


def wire(shop: Shop, options: ShopifyOptions) -> Wire:
    """The webhooks of one shop."""
    return ShopifyWire(shop, options)


def _level_body(level: LevelHappening) -> bytes:
    place = level.place.removeprefix(LOCATION)
    body = {
        "inventory_item_id": int(level.item_id),
        "location_id": int(place),
        "available": level.quantity,
        "updated_at": datetime.fromtimestamp(int(level.at), UTC).isoformat(),
        "admin_graphql_api_id": f"{PREFIX}InventoryLevel/{place}?inventory_item_id={level.item_id}",
    }
    return orjson.dumps(body)


def _moment(happening: Happening) -> float:
    return happening.order.updated_at if isinstance(happening, OrderHappening) else happening.at


def _name(happening: Happening) -> str:
    if isinstance(happening, OrderHappening):
        return f"{happening.order.order_id}|{happening.order.updated_at}|{happening.what}"
    return f"{happening.item_id}|{happening.place}|{happening.at}|{happening.quantity}"


def _triggered_at(moment: float) -> str:
    """With nine digits of a second, as the platform writes this header and no other time."""
    whole = int(moment)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{int((moment - whole) * 1e9):09d}Z"
