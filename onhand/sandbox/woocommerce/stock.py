"""What WooCommerce does to stock when a product or a variation is written and read.

The rules are those of the REST product controllers (shared note: apis/woocommerce.md, section 1), including
the ones that ignore a quantity without an error.
"""

import time
from functools import lru_cache
from typing import Any

from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.problems import Problem, invalid_id

PLACE = ""
"""WooCommerce keeps one number per product or variation."""
UNMANAGED_KINDS = frozenset(("grouped", "external"))
PUBLISHED = "publish"
STATUSES = frozenset((PUBLISHED, "draft", "pending", "private"))
VISIBILITIES = frozenset(("visible", "catalog", "search", "hidden"))

Row = dict[str, Any]


def managing(item: Item, shop: Shop, option: bool) -> bool | str:
    """What a row's manage_stock says: the effective state, "parent" where a variation inherits its stock."""
    if not option:
        return False
    if item.tracked:
        return True
    parent = shop.items.get(item.parent_id) if item.kind == "variation" else None
    return "parent" if parent is not None and parent.tracked else False


def row_of(item: Item, shop: Shop, options: WooOptions) -> Row:
    """The row of a product or variation, as answers state it."""
    manages = managing(item, shop, options.manage_stock_option)
    quantity = shop.level(item.parent_id if manages == "parent" else item.item_id, PLACE)
    modified = moment_text(int(item.updated_at))
    row = {
        "id": int(item.item_id),
        "name": item.title,
        "type": item.kind,
        "status": status_of(item),
        "sku": item.sku,
        "global_unique_id": item.barcode,
        "date_modified": modified,
        "date_modified_gmt": modified,
        "manage_stock": manages,
        "stock_quantity": quantity,
        "stock_status": _status(item, manages, quantity),
        "backorders": item.values.get("backorders", "no"),
        "low_stock_amount": None,
        "parent_id": int(item.parent_id or 0),
    }
    if item.kind != "variation":
        row["catalog_visibility"] = item.values.get("catalog_visibility", "visible")
    return row


def status_of(item: Item) -> str:
    """The status of a post; what a person has hidden with the sandbox's own switch is a draft."""
    return item.values.get("status", "draft" if item.hidden else PUBLISHED)


def update_product(shop: Shop, options: WooOptions, entry: Row) -> Row:
    """Write one product; raises Problem where the platform refuses."""
    item = shop.items.get(str(entry.get("id")))
    if item is None:
        raise invalid_id("product")
    if item.kind == "variation":
        message = (
            "To manipulate product variations you should use the "
            "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
        )
        raise Problem("woocommerce_rest_invalid_product_id", message, 404)
    _refuse_broken(shop, item, "product")
    _update_stock(shop, item, entry, option=options.manage_stock_option)
    return row_of(item, shop, options)


def update_variation(shop: Shop, options: WooOptions, parent_id: str, entry: Row) -> Row:
    """Write one variation; raises Problem where the platform refuses.

    Under another parent than its own a variation is moved there without a word, as on the platform.
    """
    item = shop.items.get(str(entry.get("id")))
    if item is None or item.kind != "variation":
        raise invalid_id("product_variation")
    _refuse_broken(shop, item, "product_variation")
    if item.parent_id != parent_id:
        item.parent_id = parent_id
        shop.catalogue_version += 1
    # The controller of variations does not look at the shop option: the number is stored, and not used.
    _update_stock(shop, item, entry, option=True)
    return row_of(item, shop, options)


def _update_stock(shop: Shop, item: Item, entry: Row, *, option: bool) -> None:
    shop.changed.add(item.item_id)
    _update_status(item, entry)
    if "stock_status" in entry:
        item.values["stock_status"] = str(entry["stock_status"])
    if not option:
        return
    if entry.get("manage_stock") is not None:
        item.tracked = _truth(entry["manage_stock"])
    if entry.get("backorders") is not None:
        item.values["backorders"] = str(entry["backorders"])
    if item.kind in UNMANAGED_KINDS:
        item.tracked = False
    if not item.tracked:
        _blank(shop, item)
    elif entry.get("stock_quantity") is not None:
        shop.set_level(item.item_id, PLACE, _whole(entry["stock_quantity"]))
    elif entry.get("inventory_delta") is not None:
        before = shop.level(item.item_id, PLACE) or 0
        shop.set_level(item.item_id, PLACE, before + _whole(entry["inventory_delta"]))


def _update_status(item: Item, entry: Row) -> None:
    """Whether shoppers see it. Out of the catalogue's lists alone it is still sold by its link."""
    if (status := entry.get("status")) in STATUSES:
        item.values["status"] = str(status)
        item.hidden = status != PUBLISHED
    if (visibility := entry.get("catalog_visibility")) is not None:
        if visibility not in VISIBILITIES:
            raise Problem("product_invalid_catalog_visibility", "Invalid catalog visibility option.", 400)
        item.values["catalog_visibility"] = str(visibility)


def _blank(shop: Shop, item: Item) -> None:
    """A product that does not manage its stock has no quantity and takes no backorders."""
    item.levels.pop(PLACE, None)
    item.values["backorders"] = "no"


def _refuse_broken(shop: Shop, item: Item, kind: str) -> None:
    if shop.refuses(item.item_id):
        message = "A plugin refused to save this product."
        raise Problem(f"woocommerce_rest_{kind}_not_created", message, 400)


def _status(item: Item, manages: bool | str, quantity: int | None) -> str:
    if manages is False:
        return item.values.get("stock_status", "instock")
    if (quantity or 0) > 0:
        return "instock"
    return "onbackorder" if item.values.get("backorders", "no") != "no" else "outofstock"


def _truth(value: Any) -> bool:
    """wc_string_to_bool."""
    return value is True or value == 1 or str(value).lower() in ("yes", "true", "1")


def _whole(value: Any) -> int:
    """wc_stock_amount: PHP's intval, which makes a number of anything."""
    try:
        return int(float(value))
    except (TypeError, ValueError):
        return 0


@lru_cache(maxsize=64)
def moment_text(second: int) -> str:
    """A second since the epoch as WooCommerce writes dates in GMT."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
