"""A shop's items in the orders in which the platform pages through them, and by product, once per catalogue."""

from bisect import bisect_left, bisect_right
from weakref import WeakKeyDictionary

from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.shopify.ids import product_number, variant_number


class Views:
    """Inventory items by number, variants by theirs, and the variants of each product."""

    def __init__(self, shop: Shop) -> None:
        self.version = shop.catalogue_version
        self.items = sorted(shop.items.values(), key=lambda item: int(item.item_id))
        self.item_numbers = [int(item.item_id) for item in self.items]
        self.variants = sorted(shop.items.values(), key=variant_number)
        self.variant_numbers = [variant_number(item) for item in self.variants]
        self.products: dict[str, list[Item]] = {}
        for item in self.variants:
            self.products.setdefault(product_number(item), []).append(item)


_VIEWS: WeakKeyDictionary[Shop, Views] = WeakKeyDictionary()


def views(shop: Shop) -> Views:
    """The sorted views of the catalogue as it is now."""
    kept = _VIEWS.get(shop)
    if kept is None or kept.version != shop.catalogue_version:
        kept = _VIEWS[shop] = Views(shop)
    return kept


def between(numbers: list[int], lowest: int | None, highest: int | None) -> tuple[int, int]:
    """The slice of sorted numbers from `lowest` to `highest`, both included; None leaves that end open."""
    start = 0 if lowest is None else bisect_left(numbers, lowest)
    stop = len(numbers) if highest is None else bisect_right(numbers, highest)
    return start, stop
