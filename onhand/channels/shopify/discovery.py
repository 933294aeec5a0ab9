"""Discovery: every variant of the shop, by pages of 250, past the depth that a cursor can reach."""

from collections.abc import AsyncIterator
from typing import Any

from onhand.channels.base import RemoteItem
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.documents import VARIANTS
from onhand.channels.shopify.ids import sort_key, tail

CURSOR_OBJECTS_MAX = 25_000
PAGE_VARIANTS = 250
PAGES_PER_CURSOR = CURSOR_OBJECTS_MAX // PAGE_VARIANTS
VARIANTS_MAX = 10_000_000
DEFAULT_TITLE = "Default Title"
"""What the platform calls the one variant of a product that has no options."""

BUNDLE = "a bundle: the shop computes its level from its components; map those"


async def variants(admin: Admin) -> AsyncIterator[list[dict[str, Any]]]:
    """Every variant as the shop tells it, page by page in the order of variant ids."""
    search: str | None = None
    after: str | None = None
    for page_number in range(1, VARIANTS_MAX // PAGE_VARIANTS):
        action = f"list variants, page {page_number}"
        page = (await admin.run(VARIANTS, {"after": after, "range": search}, action))["productVariants"]
        if page["nodes"]:
            yield page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
        if page_number % PAGES_PER_CURSOR == 0:
            last = page["nodes"][-1]["id"]
            search, after = f"id:>{tail(last)}", None


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
