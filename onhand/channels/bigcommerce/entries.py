"""What goes into one absolute adjustment: levels as the Inventory API names them, each sent once."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from onhand.channels.base import ItemRef, LevelWrite
from onhand.channels.errors import RowRejected

QUANTITY_MAX = 2_147_483_647
"""The largest level BigCommerce keeps (documentation: inventory adjustments)."""

REASON_MAX = 100
"""Characters of the reason sent along; people see it in the store's inventory history."""

IDENTITIES = {"variant": "variant_id", "product": "product_id"}
"""How the API names an item, by the way its product tracks stock (`ItemRef.tracking`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One level to set: which item (by `identity`: variant_id or product_id) at which location.

    `positions` are the places in the caller's sequence that this answers; `write` is the first of them.
    """

    identity: str
    number: int
    location: int
    write: LevelWrite
    positions: tuple[int, ...]

    @property
    def sku(self) -> str:
        """Whose level it is, as a refusal may name it."""
        return self.write.key.item.sku

    @property
    def action(self) -> str:
        """The entry in words, for errors."""
        return describe(self.write)


@dataclass(slots=True)
class Sorted:
    """The caller's writes: what can be sent, grouped by location, and by position what never can."""

    entries: list[Entry]
    rejected: dict[int, RowRejected]


def describe(write: LevelWrite) -> str:
    """A write in words: which SKU, which item, where, to what."""
    item = write.key.item
    named = f"{item.tracking or 'item'} {item.item_id}"
    return f"set SKU {item.sku} ({named}) at location {write.key.place} to {write.quantity}"


def sort_writes(channel: str, writes: Sequence[LevelWrite], places: frozenset[str]) -> Sorted:
    """Tell apart what can be sent; the platform wants the entries of one request grouped by location."""
    rejected: dict[int, RowRejected] = {}
    groups: dict[tuple[int, str, int], list[int]] = {}
    for position, write in enumerate(writes):
        if trouble := _trouble(write, places):
            rejected[position] = _reject(channel, write, *trouble)
        else:
            groups.setdefault(_address(write), []).append(position)
    entries: list[Entry] = []
    for (location, identity, number), positions in sorted(groups.items(), key=lambda group: group[0][0]):
        first = writes[positions[0]]
        if any(writes[position].quantity != first.quantity for position in positions):
            for position in positions:
                rejected[position] = _reject(channel, writes[position], *TWICE)
            continue
        entries.append(Entry(identity, number, location, first, tuple(positions)))
    return Sorted(entries, rejected)


def adjustment(entries: Sequence[Entry], key: str) -> bytes:
    """The body of PUT /v3/inventory/adjustments/absolute."""
    items = [
        {"location_id": entry.location, entry.identity: entry.number, "quantity": entry.write.quantity}
        for entry in entries
    ]
    return orjson.dumps({"reason": f"Onhand {key}"[:REASON_MAX], "items": items})


def item_trouble(item: ItemRef) -> tuple[str, str] | None:
    """Why an item has no stock of its own on this platform, and what to do; None where it has."""
    if item.tracking not in IDENTITIES:
        return (
            f"inventory tracking is {item.tracking or 'unknown'!r}: its stock number would be ignored",
            "Set the product's inventory tracking to product or variant level, then discover again.",
        )
    if not is_number(item.item_id):
        return f"{item.item_id!r} is not a BigCommerce id", "Discover the channel again and map the SKU anew."
    return None


def is_number(text: str) -> bool:
    """Whether it can be one of the platform's ids."""
    return text.isascii() and text.isdigit() and len(text) < 16


TWICE = (
    "two levels of one call name the same item and location with different quantities",
    "Two listings are mapped to one BigCommerce item: remove one of them.",
)


def _trouble(write: LevelWrite, places: frozenset[str]) -> tuple[str, str] | None:
    if trouble := item_trouble(write.key.item):
        return trouble
    if write.key.place not in places:
        return (
            "the location is not one of this channel's",
            "Add it to the channel's places, or map the listing again.",
        )
    if not 0 <= write.quantity <= QUANTITY_MAX:
        return f"a level is between 0 and {QUANTITY_MAX}", "Look at the listing's allocation rule."
    return None


def _address(write: LevelWrite) -> tuple[int, str, int]:
    item = write.key.item
    return int(write.key.place), IDENTITIES[item.tracking], int(item.item_id)


def _reject(channel: str, write: LevelWrite, said: str, advice: str) -> RowRejected:
    return RowRejected(channel, describe(write), f"not sent, {said}", advice=advice)
