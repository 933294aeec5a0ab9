"""PUT /v3/inventory/adjustments/absolute: all entries are accepted, or none; accepted ones show later."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.catalogue import Catalogue
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.replies import Json, Refused, invalid, json_response
from onhand.sandbox.shop import Item, Shop
from onhand.sandbox.traffic import Traffic

ENTRIES_MAX = 2_000
QUANTITY_MAX = 2_147_483_647
NAMED_MAX = 10
"""Bad entries named in one refusal."""

CONCURRENT = "concurrent_writes"
"""Counted whenever an adjustment begins while another is under way: allowed, and its order unknowable."""

IDENTITIES = ("variant_id", "product_id", "sku")
VAGUE = "The adjustment could not be processed"

Change = tuple[Item, str, int]
"""An item, a place, and the level it gets."""


class Adjustments:
    """Writes to one store's stock."""

    def __init__(
        self, shop: Shop, options: BigCommerceOptions, catalogue: Catalogue, traffic: Traffic
    ) -> None:
        self._shop = shop
        self._options = options
        self._catalogue = catalogue
        self._traffic = traffic
        self._under_way = 0

    async def absolute(self, request: Request) -> Response:
        """Set levels; answers a transaction that nothing can be asked about."""
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            raise Refused(415, "Unsupported Media Type: send application/json")
        body = await request.body()
        self._traffic.calls[CONCURRENT] += self._under_way > 0
        self._under_way += 1
        try:
            entries = entries_of(body, "items")
            await self._work(len(entries))
            for item, place, quantity in self._changes(entries):
                self._shop.set_level(item.item_id, place, quantity)
        finally:
            self._under_way -= 1
        return json_response({"transaction_id": str(uuid.uuid4())})

    async def _work(self, entries: int) -> None:
        options = self._options
        seconds = options.write_seconds + entries * options.write_seconds_per_entry
        if options.limits and seconds > 0:
            await options.sleep(seconds)

    def _changes(self, entries: list[Any]) -> list[Change]:
        """What the entries amount to; one that is not acceptable refuses all."""
        changes: list[Change] = []
        faults: list[str] = []
        for index, entry in enumerate(entries):
            place, quantity = _place_and_quantity(index, entry)
            found = self.find(entry)
            if str(place) not in self._shop.places:
                faults.append(f"Location with id {place} does not exist")
            elif isinstance(found, str):
                faults.append(found)
            else:
                changes.append((found, str(place), quantity))
        if faults:
            raise self.refused(faults)
        return changes

    def refused(self, faults: list[str]) -> Refused:
        """The refusal of a whole request for these faults, which names whom they are of if the store does."""
        named = ", ".join(dict.fromkeys(faults[:NAMED_MAX]))
        return Refused(422, f"[{named}]" if self._options.names_refused else VAGUE)

    def find(self, entry: Json) -> Item | str:
        """The item an entry names, or why it cannot be written."""
        (name,) = (name for name in IDENTITIES if name in entry)
        who = f"Item with {name} {entry[name]}"
        candidates = list(self._candidates(name, entry[name]))
        if not candidates:
            return f"{who} does not exist"
        item = candidates[0]
        if item.tracking == "none":
            return f"{who} has inventory tracking disabled"
        level = name.removesuffix("_id")
        if level != "sku" and item.tracking != level:
            return f"{who} is tracked by {item.tracking}, please update stock by {item.tracking} id"
        if len(candidates) > 1:
            return f"{who} is not unique"
        return f"{who} could not be updated" if self._shop.refuses(item.item_id) else item

    def _candidates(self, name: str, value: Any) -> Iterator[Item]:
        index = self._catalogue.index
        if name == "sku":
            return (self._shop.items[number] for number in self._shop.by_sku.get(value, ()))
        if name == "product_id":
            return iter(index.products.get(value, ()))
        return iter([index.variants[value]] if value in index.variants else ())


def entries_of(body: bytes, name: str) -> list[Any]:
    """The entries that a request lists under this name: one at least, and no more than a request may have."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "Input is invalid: the body is not JSON") from None
    entries = decoded.get(name) if isinstance(decoded, dict) else None
    if not isinstance(entries, list) or not entries:
        raise invalid(name, "must be a list of at least one item")
    if len(entries) > ENTRIES_MAX:
        raise Refused(413, f"Payload Too Large: at most {ENTRIES_MAX} items, not {len(entries)}")
    return entries


def _place_and_quantity(index: int, entry: Any) -> tuple[int, int]:
    """An entry's location and quantity; its form is checked as the OpenAPI file describes it."""
    if not isinstance(entry, dict):
        raise invalid(f"items.{index}", "must be an object")
    named = [name for name in IDENTITIES if name in entry]
    if len(named) != 1:
        raise invalid(f"items.{index}", "exactly one of sku, variant_id and product_id is required")
    for name in ("location_id", "quantity", named[0]):
        if type(entry.get(name)) is not (str if name == "sku" else int):
            raise invalid(f"items.{index}.{name}", "is missing or has the wrong type")
    if not 0 <= entry["quantity"] <= QUANTITY_MAX:
        raise invalid(f"items.{index}.quantity", f"must be between 0 and {QUANTITY_MAX}")
    return entry["location_id"], entry["quantity"]
