"""What a WooCommerce shop makes of a happening: a delivery built as it is sent, signed by its webhook's secret.

Orders are told whole, as they stand at that moment; a product's change tells the product. Two deliveries of one
webhook within one second share their delivery id, as on the platform.
"""

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache

import orjson

from onhand.sandbox.orders import TRASHED, UNTRASHED, Happening, LevelHappening
from onhand.sandbox.shop import Shop
from onhand.sandbox.wire import Post, Subscription, Wire
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.order_rows import order_row
from onhand.sandbox.woocommerce.stock import Row, row_of

PRODUCT: Row = {
    "catalog_visibility": "visible",
    "description": "",
    "short_description": "",
    "price": "9.99",
    "regular_price": "9.99",
    "sale_price": "",
    "on_sale": False,
    "purchasable": True,
    "virtual": False,
    "downloadable": False,
    "tax_status": "taxable",
    "tax_class": "",
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
    "tags": [],
    "images": [],
    "attributes": [],
    "meta_data": [],
}
"""What is the same in every product of the sandbox, beside what its row says."""
TOPICS = {TRASHED: "order.deleted", UNTRASHED: "order.restored"}
"""What became of an order, where that is told by another topic than order.updated."""
ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#039;", "'"), ("&#39;", "'"), ("&amp;", "&"))
"""What WordPress decodes in a secret before it signs with it."""


def wire(shop: Shop, options: WooOptions, clock: Callable[[], float] = time.time) -> Wire:
    """The shop's way of telling; `clock` is seconds since the epoch."""
    return WooWire(shop, options, clock)


class WooWire:
    """Builds deliveries; called when one is made, so that several changes in a row are told as they all stand."""

    def __init__(self, shop: Shop, options: WooOptions, clock: Callable[[], float]) -> None:
        self._shop = shop
        self._options = options
        self._clock = clock

    def post(self, happening: Happening, subscription: Subscription) -> Post | None:
        """The delivery this webhook makes of it; None where its topic is another, or the product is gone."""
        if not self._is_told(happening, subscription.topic):
            return None
        if isinstance(happening, LevelHappening):
            item = self._shop.items.get(happening.item_id)
            if item is None:
                return None
            body = orjson.dumps({**PRODUCT, **row_of(item, self._shop, self._options)})
        elif happening.what == TRASHED:
            body = orjson.dumps({"id": int(happening.order.order_id)})
        else:
            body = orjson.dumps(order_row(happening.order, self._shop, self._options))
        return Post(subscription.url, self._headers(subscription, body), body)

    def stamped(self, post: Post) -> Post:
        """Built as it is sent, and never sent again."""
        return post

    def _is_told(self, happening: Happening, topic: str) -> bool:
        if isinstance(happening, LevelHappening):
            return topic == "product.updated"
        if happening.what == "created":
            return topic == "order.created" or (topic == "order.updated" and self._options.creation_updates)
        return topic == TOPICS.get(happening.what, "order.updated")

    def _headers(self, subscription: Subscription, body: bytes) -> dict[str, str]:
        signature = b64encode(hmac.digest(_key(subscription.secret), body, "sha256")).decode()
        return {
            **_constant(self._options, subscription.topic, subscription.subscription_id),
            "X-WC-Webhook-Signature": signature,
            "X-WC-Webhook-Delivery-ID": delivery_id(subscription.subscription_id, int(self._clock())),
        }


@lru_cache(maxsize=256)
def delivery_id(subscription_id: str, second: int) -> str:
    """The same for every delivery of one webhook within one second."""
    return hashlib.md5(f"{subscription_id}{second}".encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=256)
def _key(secret: str) -> bytes:
    for entity, character in ENTITIES:
        secret = secret.replace(entity, character)
    return secret.encode()


@lru_cache(maxsize=256)
def _constant(options: WooOptions, topic: str, subscription_id: str) -> dict[str, str]:
    resource, _, event = topic.partition(".")
    return {
        "User-Agent": f"WooCommerce/{options.version} Hookshot (WordPress/6.8)",
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": options.site_url,
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-ID": subscription_id,
    }
