"""The catalogue of the benchmarks as each sandbox shop has it: simple products, one location a channel."""

from collections.abc import Callable
from dataclasses import dataclass

from onhand.channels.shopify.ids import sort_key
from onhand.sandbox.catalogue import (
    BIGCOMMERCE_PRODUCTS_FROM,
    SHOPIFY_ITEMS_FROM,
    SHOPIFY_VARIANTS_FROM,
    WOO_ITEMS_FROM,
)
from onhand.sandbox.world import BIGCOMMERCE_PLACES, SHOPIFY_PLACES

LOCATION = "leeds"


@dataclass(frozen=True, slots=True)
class ShopShape:
    """One channel: the ids its shop gives to the SKU at a position of the catalogue, and its one place.

    `bulk` and `at_once` are what the adapter sends: levels in a call, and calls at once. `order_ref` is how its orders
    name the item, where that is not by `item_id`.
    """

    name: str
    place: str
    bulk: int
    at_once: int
    item_id: Callable[[int], str]
    sort_key: Callable[[int], str]
    order_ref: Callable[[int], str] = lambda at: ""
    tracking: str = ""


def shopify_item(at: int) -> str:
    """The global id of an inventory item."""
    return f"gid://shopify/InventoryItem/{SHOPIFY_ITEMS_FROM + at}"


SHOPIFY = ShopShape(
    "shopify",
    next(iter(SHOPIFY_PLACES)),
    250,
    4,
    shopify_item,
    lambda at: sort_key(shopify_item(at)),
    lambda at: str(SHOPIFY_VARIANTS_FROM + at),
)
WOOCOMMERCE = ShopShape(
    "woocommerce",
    "",
    100,
    3,
    lambda at: str(WOO_ITEMS_FROM + at),
    lambda at: f"p/{WOO_ITEMS_FROM + at:0>15}",
)
BIGCOMMERCE = ShopShape(
    "bigcommerce",
    next(iter(BIGCOMMERCE_PLACES)),
    2_000,
    1,
    lambda at: str(BIGCOMMERCE_PRODUCTS_FROM + at),
    lambda at: f"{BIGCOMMERCE_PRODUCTS_FROM + at:012d}.{0:012d}",
    lambda at: f"p{BIGCOMMERCE_PRODUCTS_FROM + at}",
    "product",
)
SHOPS = (SHOPIFY, WOOCOMMERCE, BIGCOMMERCE)


def sku_code(at: int) -> str:
    """The SKU at a position of the sandbox's generated catalogue."""
    return f"SKU-{at + 1:06}"
