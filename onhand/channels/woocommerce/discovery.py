"""Everything a shop sells, page by page: products in the order of their ids, then variations."""

from collections.abc import AsyncIterator
from functools import partial

from onhand.channels.base import RemoteItem
from onhand.channels.together import each
from onhand.channels.woocommerce.reads import has_variations_route, rows_of
from onhand.channels.woocommerce.rows import STOCKLESS_TYPES, Row
from onhand.channels.woocommerce.site import ROWS_MAX, Site

FIELDS = "id,parent_id,sku,global_unique_id,name,type,manage_stock,backorders"
PAGES_MAX = 100_000
"""Pages of one listing: ten million products; a shop that never ends is broken."""
VARIABLE = "a variable product is sold through its variations: push to those"
BACKORDERS = "backorders are allowed: a level of zero does not stop its sales"
SHARED = "the parent product keeps its stock now: the first push makes the variation keep its own"


async def discover(site: Site) -> AsyncIterator[list[RemoteItem]]:
    """Products, then all their variations; on shops before 10.3 the variations follow each page of products."""
    site.variations_route = None  # asked again: the shop may have been updated since
    by_route = await has_variations_route(site)
    async for rows in _pages(site, "/products"):
        yield [_product(row) for row in rows]
        if not by_route:
            variable = [str(row.get("id")) for row in rows if row.get("type") == "variable"]
            children = partial(_variations_of, site)
            for items in await each(variable, children, at_once=site.gate.limit_max):
                yield items
    if by_route:
        async for rows in _pages(site, "/variations"):
            yield [_variation(row, str(row.get("parent_id") or "")) for row in rows]


async def _variations_of(site: Site, parent: str) -> list[RemoteItem]:
    return [
        _variation(row, parent)
        async for rows in _pages(site, f"/products/{parent}/variations")
        for row in rows
    ]


async def _pages(site: Site, path: str) -> AsyncIterator[list[Row]]:
    """Every page of a listing. By id, because offset paging over a moving order skips and repeats rows."""
    for page in range(1, PAGES_MAX + 1):
        doing = f"discovering by GET {path}, page {page}"
        order = {"orderby": "id", "order": "asc", "_fields": FIELDS}
        answer = await site.get(doing, path, {"page": page, "per_page": ROWS_MAX, **order})
        rows = rows_of(site.name, doing, answer)
        if rows:
            yield rows
        # A page may be short although more follow: rows our key may not see are left out of it.
        pages = answer.headers.get("x-wp-totalpages", "")
        if page >= int(pages) if pages.isdecimal() else len(rows) < ROWS_MAX:
            return


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
