"""All levels of a shop, read back from its variants: by pages, or by a bulk operation (docs/decisions/0021)."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from onhand.channels.base import Condition, FoundLevel
from onhand.channels.shopify import bulk, paging
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.catalogue_documents import COUNT_VARIANTS, PLACES_MAX, bulk_walk, walk_levels
from onhand.channels.walking import patiently

BULK_VARIANTS_MIN = 100_000
"""Pages of so many variants cost 22,800 points for one place: a quarter of what a standard plan restores in a quarter
of an hour. A bulk operation costs a few dozen, but nobody knows how long it takes."""

HIDDEN_STATUSES = frozenset(("DRAFT", "ARCHIVED"))
"""An unlisted product can still be bought by its link."""

Json = dict[str, Any]


async def levels(admin: Admin, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
    """Every variant's levels at these places; an item that several variants share comes with each of them.

    What a bulk operation read it read at some moment between its beginning and its end.
    """
    for start in range(0, len(places), PLACES_MAX):
        part = places[start : start + PLACES_MAX]
        doing = f"walk over all levels at {part[0]}" + (f" and {len(part) - 1} more" if part[1:] else "")
        async for page in _variants(admin, part, doing):
            yield [level for variant in page for level in _found(variant, part)]


async def _variants(admin: Admin, places: Sequence[str], doing: str) -> AsyncIterator[list[Json]]:
    """By bulk operation where the shop is so large that its pages would be dear, and by page where that fails."""
    url = await bulk.result(admin, bulk_walk(places), doing) if await _is_large(admin, doing) else None
    if url is not None:
        async for page in bulk.pages(admin, url, doing):
            yield page
        return
    given = {f"place{number}": place for number, place in enumerate(places)}
    async for page in paging.variants(admin, walk_levels(len(places)), doing, given):
        yield page


async def _is_large(admin: Admin, doing: str) -> bool:
    """Whether its pages would be dear; also where the shop stopped counting."""
    count_all = partial(admin.run, COUNT_VARIANTS, {}, f"{doing}: count variants")
    data = await patiently(count_all, admin.sleep)
    count = data["productVariantsCount"]
    return int(count["count"]) >= BULK_VARIANTS_MIN or count["precision"] != "EXACT"


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
