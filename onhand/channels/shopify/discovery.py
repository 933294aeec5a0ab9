"""Discovery: every variant of the shop as a thing that can be mapped to a SKU."""

from collections.abc import AsyncIterator
from typing import Any

from onhand.channels.base import RemoteItem
from onhand.channels.shopify import paging
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import VARIANTS
from onhand.channels.shopify.ids import sort_key, tail

DEFAULT_TITLE = "Default Title"
"""What the platform calls the one variant of a product that has no options."""

BUNDLE = "a bundle: the shop computes its level from its components; map those"


def variants(admin: Admin) -> AsyncIterator[list[dict[str, Any]]]:
    """Every variant as the shop tells it, page by page in the order of variant ids."""
    return paging.variants(admin, VARIANTS, "list variants")


def remote_item(variant: dict[str, Any]) -> RemoteItem:
    """One variant as a thing that can be mapped to a SKU."""
    item_id = variant["inventoryItem"]["id"]
    product, title = variant["product"]["title"], variant["title"]
    bundle = variant["requiresComponents"]
    return RemoteItem(
        item_id=item_id,
        sku=variant["sku"] or "",
        barcode=variant["barcode"] or "",
        title=product if title == DEFAULT_TITLE else f"{product}: {title}",
        sort_key=sort_key(item_id),
        parent_id=variant["product"]["id"],
        writable=not bundle,
        problem=BUNDLE if bundle else "",
        order_ref=tail(variant["id"]),
    )
