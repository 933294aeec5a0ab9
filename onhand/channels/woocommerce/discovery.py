"""Everything a shop sells, page by page: products in the order of their ids, then variations."""

from collections.abc import AsyncIterator
from functools import partial

from onhand.channels.base import RemoteItem
from onhand.channels.together import each
from onhand.channels.woocommerce.paging import pages
from onhand.channels.woocommerce.reads import has_variations_route
from onhand.channels.woocommerce.rows import STOCKLESS_TYPES, Row
from onhand.channels.woocommerce.site import Site

FIELDS = "id,parent_id,sku,global_unique_id,name,type,manage_stock,backorders"
DOING = "discovering"
VARIABLE = "a variable product is sold through its variations: push to those"
BACKORDERS = "backorders are allowed: a level of zero does not stop its sales"
SHARED = "the parent product keeps its stock now: the first push makes the variation keep its own"


async def discover(site: Site) -> AsyncIterator[list[RemoteItem]]:
    """Products, then all their variations; on shops before 10.3 the variations follow each page of products."""
    site.variations_route = None  # asked again: the shop may have been updated since
    by_route = await has_variations_route(site)
    async for rows in pages(site, "/products", FIELDS, DOING):
        yield [_product(row) for row in rows]
        if not by_route:
            variable = [str(row.get("id")) for row in rows if row.get("type") == "variable"]
            children = partial(_variations_of, site)
            for items in await each(variable, children, at_once=site.gate.limit_max):
                yield items
    if by_route:
        async for rows in pages(site, "/variations", FIELDS, DOING):
            yield [_variation(row, str(row.get("parent_id") or "")) for row in rows]


async def _variations_of(site: Site, parent: str) -> list[RemoteItem]:
    return [
        _variation(row, parent)
        async for rows in pages(site, f"/products/{parent}/variations", FIELDS, DOING)
        for row in rows
    ]


def _product(row: Row) -> RemoteItem:
    kind, number = str(row.get("type", "simple")), str(row.get("id"))
    problem = VARIABLE if kind == "variable" else STOCKLESS_TYPES.get(kind, "")
    return RemoteItem(
        item_id=number,
        sku=str(row.get("sku") or ""),
        barcode=str(row.get("global_unique_id") or ""),
        title=str(row.get("name") or ""),
        sort_key=f"p/{number:0>15}",
        writable=not problem,
        problem=problem or _remark(row),
    )


def _variation(row: Row, parent: str) -> RemoteItem:
    number = str(row.get("id"))
    return RemoteItem(
        item_id=number,
        sku=str(row.get("sku") or ""),
        barcode=str(row.get("global_unique_id") or ""),
        title=str(row.get("name") or ""),
        sort_key=f"v/{parent:0>15}/{number:0>15}",
        parent_id=parent,
        writable=parent not in ("", "0"),
        problem=_remark(row) if parent not in ("", "0") else "a variation without its parent product",
    )


def _remark(row: Row) -> str:
    if row.get("manage_stock") == "parent":
        return SHARED
    return BACKORDERS if row.get("backorders", "no") != "no" else ""
