"""All levels of a store, read back by pages of 1,000 items; there is no filter by time, and none is needed.

A walk of 50,000 items is 50 calls, half of the smallest plan's window, and two more for what the catalogue hides.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from onhand.channels.base import Condition, FoundLevel
from onhand.channels.bigcommerce import catalogue
from onhand.channels.bigcommerce.reading import ITEMS, PAGE_MAX, SCOPE
from onhand.channels.bigcommerce.sorting import another_shape
from onhand.channels.bigcommerce.store import Store
from onhand.channels.walking import numbered, patiently

AT_ONCE = 2
"""Pages under way at a time, so that a writer and a reader of levels still find a connection."""

PAGES_MAX = 10_000
"""Ten million items; a store that never ends is broken."""

UNSEEN = ("is_visible=false", "availability=disabled")
"""The catalogue's filters for products that nobody can buy."""

Row = dict[str, Any]


async def levels(store: Store, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
    """Every item's stock on hand at these places; see `Channel.walk_levels`.

    HIDDEN are products that the catalogue hides or disables (their ids are kept: one call tells 250 of them), and
    items that are switched off at a location (`is_in_stock`). Not told are a variant whose purchasing is disabled and
    what is not tracked: that stands with each product only, and reading the whole catalogue would take four times
    the calls of the walk itself.

    The store does not say how an item is tracked. A base variant (it has no `sku_id`) is told as its product, others
    as variants; the rare product with options that is tracked as a whole is missing here and has to be read by id.
    """
    unseen = {number for search in UNSEEN for number in await _products(store, search)}
    path = f"{ITEMS}?location_id:in={','.join(places)}&limit={PAGE_MAX}"
    pages = numbered(partial(_page, store, path), at_once=AT_ONCE, pages_max=PAGES_MAX)
    async with aclosing(pages) as found:
        async for rows in found:
            if page := [level for row in rows for level in _found(store, row, unseen)]:
                yield page


async def _products(store: Store, search: str) -> list[int]:
    """The ids of the products that a filter turns up."""
    pages = catalogue.products(store, f"include_fields=name&{search}", f"list products with {search}")
    return [int(product["id"]) async for page in pages for product in page]


async def _page(store: Store, path: str, page: int) -> tuple[list[Row], int]:
    """The rows of one page, and the last page there is by what its answer says."""
    action = f"walk over all inventory, page {page}"
    body = await patiently(partial(store.get, f"{path}&page={page}", action, SCOPE), store.sleep)
    try:
        rows: list[Row] = body["data"]
        return rows, int(body["meta"]["pagination"]["total_pages"])
    except (KeyError, TypeError, ValueError) as error:
        raise another_shape(store.channel, action, repr(error)) from error


def _found(store: Store, row: Row, unseen: set[int]) -> Iterator[FoundLevel]:
    try:
        identity = row["identity"]
        product = int(identity["product_id"])
        base = identity.get("sku_id", 0) is None
        number, tracking = (product, "product") if base else (int(identity["variant_id"]), "variant")
        for there in row["locations"]:
            open_there = (there.get("settings") or {}).get("is_in_stock") is not False
            shown = open_there and product not in unseen
            yield FoundLevel(
                str(number),
                str(there["location_id"]),
                int(there["total_inventory_onhand"]),
                Condition.SELLING if shown else Condition.HIDDEN,
                tracking=tracking,
            )
    except (KeyError, TypeError, ValueError) as error:
        raise another_shape(store.channel, "walk over all inventory", repr(error)) from error
