"""Global ids as Shopify writes them, checked before one malformed id makes the shop refuse a whole call."""

import re

from onhand.channels.base import LevelKey

ITEM_GID = re.compile(r"gid://shopify/InventoryItem/(\d{1,19})")
PLACE_GID = re.compile(r"gid://shopify/Location/\d{1,19}")

SORT_KEY_DIGITS = 20


def item_number(item_id: str) -> int:
    """The number of an inventory item's global id; zero for anything else."""
    match = ITEM_GID.fullmatch(item_id)
    return int(match[1]) if match else 0


def malformed(key: LevelKey) -> str:
    """What is wrong with the ids of a key, empty when both are well-formed."""
    if not ITEM_GID.fullmatch(key.item.item_id):
        return f"{key.item.item_id!r} is not the id of an inventory item"
    if not PLACE_GID.fullmatch(key.place):
        return f"{key.place!r} is not the id of a location"
    return ""


def sort_key(item_id: str) -> str:
    """Sorts as bytes in the order of the numbers, so that neighbours share one range read."""
    return str(item_number(item_id)).zfill(SORT_KEY_DIGITS)


def tail(gid: str) -> str:
    """The number at the end of a global id, as text."""
    return gid.rpartition("/")[2]


def item_gid(number: str) -> str:
    """The global id of an inventory item."""
    return f"gid://shopify/InventoryItem/{number}"


def place_gid(number: int | str) -> str:
    """The global id of a location."""
    return f"gid://shopify/Location/{number}"


def order_gid(number: str) -> str:
    """The global id of an order."""
    return f"gid://shopify/Order/{number}"
