"""Products and variants of the shop as BigCommerce numbers them, and GET /v3/catalog/products."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.replies import Json, Refused, invalid, json_response, numbers, paging
from onhand.sandbox.shop import Item, Shop

BASE_VARIANTS_FROM = 1_000_000_000
"""Added to a product's id for the id of its base variant, unless the item's values say otherwise."""

LIMIT_MAX = 250
LIMIT_DEFAULT = 50
FIELDS = frozenset(
    (
        *("name", "type", "sku", "inventory_tracking", "inventory_level", "upc", "gtin", "base_variant_id"),
        *("is_visible", "availability"),
    )
)


@dataclass(slots=True)
class Index:
    """The catalogue sorted by the platform's numbers."""

    products: dict[int, list[Item]] = field(default_factory=dict)
    variants: dict[int, Item] = field(default_factory=dict)
    product_ids: list[int] = field(default_factory=list)


class Catalogue:
    """A view of a shop that is renewed whenever its catalogue changes."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._version = -1
        self._index = Index()

    @property
    def index(self) -> Index:
        """The catalogue as it is now."""
        if self._version != self._shop.catalogue_version:
            self._index = _index(self._shop)
            self._version = self._shop.catalogue_version
        return self._index

    async def products(self, request: Request) -> Response:
        """GET /v3/catalog/products."""
        query = request.query_params
        asked = paging(query, limit_max=LIMIT_MAX, limit_default=LIMIT_DEFAULT)
        if query.get("sort", "id") != "id" or query.get("direction", "asc") != "asc":
            raise invalid("sort", "this sandbox sorts by id, ascending")
        found = self._found(query.get("id:greater", "0"), numbers(query, "id:in"))
        if filters := {name: query[name] for name in ("is_visible", "availability") if name in query}:
            found = [number for number in found if _fits(self.index.products[number], filters)]
        show = _shower(query.get("include", ""), query.get("include_fields"))
        page = [show(number, self.index.products[number]) for number in found[asked.slice]]
        return json_response({"data": page, "meta": asked.meta(len(found), len(page))})

    def _found(self, greater: str, wanted: set[int] | None) -> list[int]:
        if not greater.isdigit():
            raise invalid("id:greater", "must be an integer")
        ids = self.index.product_ids
        found = ids[bisect_right(ids, int(greater)) :]
        return found if wanted is None else [number for number in found if number in wanted]


def product_number(item: Item) -> int:
    """The product an item is, or belongs to."""
    return int(item.parent_id or item.item_id)


def variant_number(item: Item) -> int:
    """The variant an item is; a product tracked as a whole has a base variant of its own number."""
    if item.parent_id not in ("", item.item_id) or (not item.parent_id and item.tracking == "variant"):
        return int(item.item_id)
    base = item.values.get("base_variant_id")
    return int(base) if base else BASE_VARIANTS_FROM + product_number(item)


def _index(shop: Shop) -> Index:
    index = Index()
    for number, item in sorted((variant_number(item), item) for item in shop.items.values()):
        index.variants[number] = item
        index.products.setdefault(product_number(item), []).append(item)
    index.product_ids = sorted(index.products)
    return index


def _shower(include: str, include_fields: str | None) -> Callable[[int, list[Item]], Json]:
    if include not in ("", "variants"):
        raise invalid("include", "this sandbox includes variants only")
    wanted = FIELDS if include_fields is None else frozenset(include_fields.split(","))
    if unknown := wanted - FIELDS:
        raise Refused(422, "Invalid filter", {"include_fields": f"unknown: {', '.join(sorted(unknown))}"})

    def show(number: int, items: list[Item]) -> Json:
        product = _product(items)
        shown: Json = {"id": number, **{name: product[name] for name in product if name in wanted}}
        if include:
            shown["variants"] = [_variant(number, item, simple=len(items) == 1) for item in items]
        return shown

    return show


def _fits(items: list[Item], filters: dict[str, str]) -> bool:
    """Whether a product is as visible, or as available, as was asked for."""
    shown = _seen(items)
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in shown.items()}
    if filters.get("is_visible", "true") not in ("true", "false"):
        raise invalid("is_visible", "must be a boolean")
    return all(texts[name] == value for name, value in filters.items())


def _seen(items: list[Item]) -> Json:
    """A product none of whose variants can be seen is not visible; one of them alone cannot be purchased."""
    return {
        "is_visible": not all(item.hidden for item in items),
        "availability": items[0].values.get("availability", "available"),
    }


def _product(items: list[Item]) -> Json:
    first, simple = items[0], len(items) == 1
    product: dict[str, Any] = {
        "name": first.title,
        "type": "physical",
        "sku": first.sku if simple else "",
        "inventory_tracking": first.tracking,
        "inventory_level": sum(sum(item.levels.values()) for item in items),
        "upc": first.barcode if simple else "",
        "gtin": "",
        **_seen(items),
    }
    if simple:
        product["base_variant_id"] = variant_number(first)
    return product


def _variant(product: int, item: Item, *, simple: bool) -> Json:
    option = {"id": variant_number(item), "label": item.title, "option_id": 1, "option_display_name": "Kind"}
    return {
        "id": variant_number(item),
        "product_id": product,
        "sku": item.sku,
        "upc": item.barcode,
        "gtin": "",
        "inventory_level": sum(item.levels.values()),
        "purchasing_disabled": item.hidden and not simple,
        "option_values": [] if simple else [option],
    }
