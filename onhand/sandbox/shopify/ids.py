"""Global ids: `gid://shopify/InventoryItem/123`, and the plain number in them that the shop keeps."""

from onhand.sandbox.shop import Item

PREFIX = "gid://shopify/"
ITEM = PREFIX + "InventoryItem/"
LOCATION = PREFIX + "Location/"


def number(gid: str, kind: str) -> str:
    """The number of a global id of this kind, empty when it is one of another kind or none at all."""
    tail = gid.removeprefix(f"{PREFIX}{kind}/")
    return tail if tail != gid and tail.isdecimal() else ""


def item_gid(item: Item) -> str:
    """The global id of an inventory item."""
    return ITEM + item.item_id


def level_gid(item: Item, place: str) -> str:
    """The global id of a level, which carries the item's number after a question mark."""
    return f"{PREFIX}InventoryLevel/{place.rpartition('/')[2]}?inventory_item_id={item.item_id}"


def variant_number(item: Item) -> int:
    """The variant that sells an inventory item; its number is unrelated to the item's."""
    return int(item.values.get("variant_id", item.item_id))


def product_number(item: Item) -> str:
    """The product a variant belongs to; one that was put in without a product is its own."""
    return item.parent_id or item.item_id
