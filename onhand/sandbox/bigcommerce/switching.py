"""PUT /v3/inventory/locations/{location}/items: settings of items at a location, of which the sandbox keeps one."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.adjustments import IDENTITIES, Adjustments, entries_of
from onhand.sandbox.bigcommerce.replies import Refused, invalid, json_response
from onhand.sandbox.shop import Item, Shop

SETTINGS = frozenset(("safety_stock", "is_in_stock", "warning_level", "bin_picking_number"))
NOTHING_SET = "At least one setting must be specified: warning_level, is_in_stock or safety_stock"


class Switching:
    """`is_in_stock`: whether an item can be bought at a location, whatever its level. All are switched, or none."""

    def __init__(self, shop: Shop, adjustments: Adjustments) -> None:
        self._shop = shop
        self._adjustments = adjustments
        self._count = 0

    async def switch(self, request: Request) -> Response:
        """Set it for each item named; answers a transaction that nothing can be asked about."""
        place = str(request.path_params["location"])
        if place not in self._shop.places:
            raise Refused(404, f"Location with id {place} does not exist")
        entries = _entries(await request.body())
        found = [(self._adjustments.find(entry["identity"]), entry) for entry in entries]
        if faults := [item for item, _ in found if isinstance(item, str)]:
            raise self._adjustments.refused(faults)
        for item, entry in found:
            assert isinstance(item, Item)
            if "is_in_stock" in entry:
                self._set(item, place, on_sale=entry["is_in_stock"])
        self._count += 1
        return json_response({"transaction_id": f"settings-{self._count}"})

    def _set(self, item: Item, place: str, *, on_sale: bool) -> None:
        others = tuple(other for other in item.closed if other != place)
        item.closed = others if on_sale else (*others, place)
        self._shop.changed.add(item.item_id)


def _entries(body: bytes) -> list[dict[str, Any]]:
    entries = entries_of(body, "settings")
    for index, entry in enumerate(entries):
        _check(index, entry)
    return entries


def _check(index: int, entry: Any) -> None:
    identity = entry.get("identity") if isinstance(entry, dict) else None
    if not isinstance(identity, dict) or len([name for name in IDENTITIES if name in identity]) != 1:
        raise invalid(
            f"setting.{index}.identity", "exactly one of sku, variant_id and product_id is required"
        )
    if not SETTINGS & entry.keys():
        raise invalid(f"setting.{index}.settings", NOTHING_SET)
    if not isinstance(entry.get("is_in_stock", True), bool):
        raise invalid(f"setting.{index}.is_in_stock", "must be a boolean")
