"""All levels of a shop, read back by pages of a hundred: products, then variations."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any

from onhand.channels.base import NO_PLACE, Condition, FoundLevel
from onhand.channels.together import each
from onhand.channels.woocommerce.paging import pages
from onhand.channels.woocommerce.reads import has_variations_route
from onhand.channels.woocommerce.rows import STOCKLESS_TYPES, Row, level_of
from onhand.channels.woocommerce.site import Site

FIELDS = "id,parent_id,type,status,manage_stock,stock_quantity,stock_status,backorders,date_modified_gmt"
DOING = "walking over all levels"
PUBLISHED = "publish"


async def levels(site: Site) -> AsyncIterator[list[FoundLevel]]:
    """Every product that can have stock, and every variation; see `Channel.walk_levels`.

    A product that is only left out of the catalogue's lists (`catalog_visibility`) is sold by its link, so it is not
    hidden. Of hidden variable products the ids are kept, for their variations do not tell.
    """
    hidden: set[Any] = set()
    by_route = await has_variations_route(site)
    async with aclosing(pages(site, "/products", FIELDS, DOING)) as products:
        async for rows in products:
            variable = [row for row in rows if row.get("type") == "variable"]
            hidden.update(row.get("id") for row in variable if _is_hidden(row))
            if found := [_found(row, hidden) for row in rows if _has_stock(row)]:
                yield found
            for children in () if by_route else await _families(site, variable):
                yield [_found(row, hidden) for row in children]
    if by_route:
        async with aclosing(pages(site, "/variations", FIELDS, DOING)) as variations:
            async for rows in variations:
                yield [_found(row, hidden) for row in rows]


async def _families(site: Site, variable: list[Row]) -> list[list[Row]]:
    """The variations of these products that have any, product by product."""
    numbers = [row.get("id") for row in variable]
    found = await each(numbers, partial(_children, site), at_once=site.gate.limit_max)
    return [rows for rows in found if rows]


async def _children(site: Site, parent: Any) -> list[Row]:
    """A product's variations, each with its parent, which older shops leave out."""
    path = f"/products/{parent}/variations"
    return [{**row, "parent_id": parent} async for rows in pages(site, path, FIELDS, DOING) for row in rows]


def _has_stock(row: Row) -> bool:
    """Grouped and external products keep none, and variable ones only where they keep that of their variations."""
    kind = row.get("type")
    return kind not in STOCKLESS_TYPES and (kind != "variable" or row.get("manage_stock") is True)


def _found(row: Row, hidden: set[Any]) -> FoundLevel:
    quantity, problem = level_of(row)
    condition = _condition(row, hidden)
    return FoundLevel(
        str(row.get("id")),
        NO_PLACE,
        quantity,
        condition,
        _moment(row),
        "" if condition is Condition.UNTRACKED else problem,
    )


def _condition(row: Row, hidden: set[Any]) -> Condition:
    if _is_hidden(row) or row.get("parent_id") in hidden:
        return Condition.HIDDEN
    if row.get("manage_stock") not in (True, "parent"):
        return Condition.UNTRACKED
    return Condition.OVERSELLING if row.get("backorders", "no") != "no" else Condition.SELLING


def _is_hidden(row: Row) -> bool:
    return bool(row.get("status", PUBLISHED) != PUBLISHED)


def _moment(row: Row) -> datetime | None:
    """When it was changed last, in whatever way."""
    try:
        return datetime.fromisoformat(str(row.get("date_modified_gmt"))).replace(tzinfo=UTC)
    except ValueError:
        return None
