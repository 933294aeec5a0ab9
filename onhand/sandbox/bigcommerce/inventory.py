"""What the store holds: GET /v3/inventory/items and /v3/inventory/locations."""

from collections.abc import Iterable, Iterator

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.catalogue import Catalogue, product_number
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import Json, json_response, numbers, paging
from onhand.sandbox.shop import Item, Shop

LIMIT_MAX = 1_000
OPENED = "2022-05-30T12:18:02Z"

Row = tuple[int, Item]
"""A variant's number and its item."""


class Inventory:
    """Reads of one store's stock and places."""

    def __init__(self, shop: Shop, options: BigCommerceOptions, catalogue: Catalogue) -> None:
        self._shop = shop
        self._options = options
        self._catalogue = catalogue

    async def items(self, request: Request) -> Response:
        """GET /v3/inventory/items: on hand, safety stock and what is left to sell, per item and location."""
        query = request.query_params
        asked = paging(query, limit_max=LIMIT_MAX, limit_default=LIMIT_MAX)
        found = [row for row in self._found(query) if row[1].tracking != "none"]
        places = self._places(query)
        page = [self._item(number, item, places) for number, item in found[asked.slice]]
        return json_response({"data": page, "meta": asked.meta(len(found), len(page))})

    async def locations(self, request: Request) -> Response:
        """GET /v3/inventory/locations."""
        asked = paging(request.query_params, limit_max=LIMIT_MAX, limit_default=LIMIT_MAX)
        places = self._places(request.query_params)
        page = [self._location(place) for place in places[asked.slice]]
        return json_response({"data": page, "meta": asked.meta(len(places), len(page))})

    def _found(self, query: QueryParams) -> Iterable[Row]:
        """All rows, as they lie sorted already, where nothing is asked for in particular."""
        if not any(name in query for name in ("variant_id:in", "product_id:in", "sku:in")):
            return self._catalogue.index.variants.items()
        return self._rows(query)

    def _rows(self, query: QueryParams) -> Iterator[Row]:
        variants = numbers(query, "variant_id:in")
        products = numbers(query, "product_id:in")
        skus = set(query["sku:in"].split(",")) if "sku:in" in query else None
        for number, item in self._candidates(variants, products):
            if products is not None and product_number(item) not in products:
                continue
            if skus is None or item.sku in skus:
                yield number, item

    def _candidates(self, variants: set[int] | None, products: set[int] | None) -> list[Row]:
        """Rows by the narrowest index there is, sorted by variant."""
        index = self._catalogue.index
        if variants is not None:
            return [(number, index.variants[number]) for number in sorted(variants & index.variants.keys())]
        if products is None:
            return list(index.variants.items())
        items = {item.item_id for number in products for item in index.products.get(number, ())}
        return [row for row in index.variants.items() if row[1].item_id in items]

    def _places(self, query: QueryParams) -> list[str]:
        wanted = numbers(query, "location_id:in")
        codes = set(query["location_code:in"].split(",")) if "location_code:in" in query else None
        return [
            place
            for place in self._shop.places
            if (wanted is None or int(place) in wanted) and (codes is None or _code(place) in codes)
        ]

    def _item(self, number: int, item: Item, places: list[str]) -> Json:
        base = str(number) != item.item_id  # the platform's word: null "if the item is a base variant"
        identity = {
            "sku": item.sku,
            "sku_id": None if base else number,
            "variant_id": number,
            "product_id": product_number(item),
        }
        return {"identity": identity, "locations": [self._level(item, place) for place in places]}

    def _level(self, item: Item, place: str) -> Json:
        # A level never set reads 0 here, though the platform keeps it as unset (bigcommerce/dev-docs#2126).
        on_hand = self._shop.level(item.item_id, place) or 0
        safety = int(item.values.get("safety_stock", "0"))
        return {
            "location_id": int(place),
            "location_code": _code(place),
            "location_name": self._shop.places[place],
            "location_enabled": place not in self._options.disabled_places,
            "available_to_sell": on_hand - safety,
            "total_inventory_onhand": on_hand,
            "settings": {
                "safety_stock": safety,
                "is_in_stock": place not in item.closed,
                "warning_level": 0,
                "bin_picking_number": "",
            },
        }

    def _location(self, place: str) -> Json:
        return {
            "id": int(place),
            "code": _code(place),
            "label": self._shop.places[place],
            "description": "",
            "managed_by_external_source": False,
            "type_id": "PHYSICAL",
            "enabled": place not in self._options.disabled_places,
            "time_zone": "Etc/UTC",
            "created_at": OPENED,
            "updated_at": OPENED,
            "storefront_visibility": True,
        }


def _code(place: str) -> str:
    return f"BC-LOCATION-{place}"
