"""Discovery: every product with its variants, told apart by how its stock is tracked.

Walks by id ("greater than the last one seen"), not by page number: a product deleted meanwhile would
shift the pages and hide another.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from onhand.channels.base import RemoteItem
from onhand.channels.bigcommerce.sorting import REPORT, another_shape
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelDown
from onhand.channels.walking import patiently

PRODUCTS = "/v3/catalog/products"
SCOPE = "store_v2_products_read_only"
PAGE_MAX = 250
"""Products per page (documentation: Catalog API)."""

FIELDS = "name,sku,upc,gtin,inventory_tracking"

UNTRACKED = (
    "Inventory tracking is off: BigCommerce ignores its stock number and sells without limit. "
    "Set the product's inventory tracking to product or variant level, then discover again."
)
UNKNOWN_TRACKING = "Its inventory tracking is of a kind that this version of Onhand does not know."


async def walk(store: Store) -> AsyncIterator[list[RemoteItem]]:
    """Every sellable thing, one list per page of products; raises ChannelError."""
    async for page in products(store, f"include=variants&include_fields={FIELDS}", "list products"):
        try:
            items = [item for product in page for item in items_of(product)]
        except (KeyError, TypeError, ValueError) as error:
            action = f"list products from id {page[0]['id']} on"
            raise another_shape(store.channel, action, repr(error)) from error
        if items:
            yield items


async def products(store: Store, wanted: str, doing: str) -> AsyncIterator[list[dict[str, Any]]]:
    """The products that a query (filters and fields) turns up, page by page by id; raises ChannelError."""
    last, more = 0, True
    while more:
        action = f"{doing} after id {last}"
        path = f"{PRODUCTS}?{wanted}&sort=id&direction=asc&limit={PAGE_MAX}&id:greater={last}"
        body = await patiently(partial(store.get, path, action, SCOPE), store.sleep)
        try:
            page: list[dict[str, Any]] = body["data"]
            more = int(body["meta"]["pagination"]["total_pages"]) > 1
            newest = max((int(product["id"]) for product in page), default=last)
        except (KeyError, TypeError, ValueError) as error:
            raise another_shape(store.channel, action, repr(error)) from error
        if page:
            yield page
        if more and newest <= last:
            raise ChannelDown(store.channel, action, "the same products came again", advice=REPORT)
        last = newest


def items_of(product: dict[str, Any]) -> list[RemoteItem]:
    """What can be stocked of one product: itself, or each of its variants.

    A product without options still has one (base) variant, which carries the SKU where the product
    does not.
    """
    tracking = product["inventory_tracking"]
    variants = product.get("variants") or []
    if tracking == "product" or (tracking != "variant" and len(variants) <= 1):
        return [_product_item(product, variants[0] if len(variants) == 1 else {}, tracking)]
    return [_variant_item(product, variant, tracking) for variant in variants]


def _product_item(product: dict[str, Any], base: dict[str, Any], tracking: str) -> RemoteItem:
    number = int(product["id"])
    return RemoteItem(
        item_id=str(number),
        sku=product.get("sku") or base.get("sku") or "",
        barcode=_barcode(product) or _barcode(base),
        title=product.get("name") or "",
        sort_key=_sort_key(number, 0),
        order_ref=f"p{number}",
        tracking=tracking,
        writable=tracking == "product",
        problem=_problem(tracking),
    )


def _variant_item(product: dict[str, Any], variant: dict[str, Any], tracking: str) -> RemoteItem:
    number, parent = int(variant["id"]), int(product["id"])
    options = ", ".join(str(option.get("label", "")) for option in variant.get("option_values") or [])
    name = product.get("name") or ""
    return RemoteItem(
        item_id=str(number),
        sku=variant.get("sku") or "",
        barcode=_barcode(variant),
        title=f"{name}: {options}" if options else name,
        sort_key=_sort_key(parent, number),
        order_ref=f"v{number}",
        parent_id=str(parent),
        tracking=tracking,
        writable=tracking == "variant",
        problem=_problem(tracking),
    )


def _problem(tracking: str) -> str:
    if tracking in ("product", "variant"):
        return ""
    return UNTRACKED if tracking == "none" else UNKNOWN_TRACKING


def _barcode(source: dict[str, Any]) -> str:
    return source.get("upc") or source.get("gtin") or ""


def _sort_key(product: int, variant: int) -> str:
    return f"{product:012d}.{variant:012d}"
