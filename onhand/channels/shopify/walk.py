"""All levels of a shop, read back by pages of variants; why not by bulk operations: docs/decisions/0021."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

from onhand.channels.base import Condition, FoundLevel
from onhand.channels.shopify import paging
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.catalogue_documents import PLACES_MAX, walk_levels

HIDDEN_STATUSES = frozenset(("DRAFT", "ARCHIVED"))
"""An unlisted product can still be bought by its link."""

Json = dict[str, Any]


async def levels(admin: Admin, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
    """Every variant's levels at these places; an item that several variants share comes with each of them."""
    for start in range(0, len(places), PLACES_MAX):
        part = places[start : start + PLACES_MAX]
        given = {f"place{number}": place for number, place in enumerate(part)}
        doing = f"walk over all levels at {part[0]}" + (f" and {len(part) - 1} more" if part[1:] else "")
        async for page in paging.variants(admin, walk_levels(len(part)), doing, given):
            yield [level for variant in page for level in _found(variant, part)]


def _found(variant: Json, places: Sequence[str]) -> Iterator[FoundLevel]:
    item = variant["inventoryItem"]
    condition = _condition(variant)
    for number, place in enumerate(places):
        level = item[f"level{number}"]
        quantities = level["quantities"] if level else []
        quantity = int(quantities[0]["quantity"]) if quantities else 0
        changed_at = datetime.fromisoformat(level["updatedAt"]) if level else None
        tracked = quantity if item["tracked"] else None
        yield FoundLevel(item["id"], place, tracked, condition, changed_at)


def _condition(variant: Json) -> Condition:
    if variant["product"]["status"] in HIDDEN_STATUSES:
        return Condition.HIDDEN
    if not variant["inventoryItem"]["tracked"]:
        return Condition.UNTRACKED
    return Condition.OVERSELLING if variant["inventoryPolicy"] == "CONTINUE" else Condition.SELLING
