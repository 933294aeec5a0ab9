"""Every row of a listing, a hundred a page, several pages under way at a time, in the order of their ids."""

from collections.abc import AsyncGenerator
from functools import partial

from onhand.channels.walking import numbered, patiently
from onhand.channels.woocommerce.reads import rows_of
from onhand.channels.woocommerce.rows import Row
from onhand.channels.woocommerce.site import ROWS_MAX, Answer, Site

PAGES_MAX = 100_000
"""Pages of one listing: ten million products; a shop that never ends is broken."""

AHEAD = 2
"""Pages under way or waiting, for each call that the shop may bear at once: it has its next page to do while we
work on one that came."""


def pages(site: Site, path: str, fields: str, doing: str) -> AsyncGenerator[list[Row], None]:
    """Every page with rows. By id, because offset paging over a moving order skips and repeats rows: what is added has
    the highest id and comes last. Where a row is deleted meanwhile, one on a page boundary may be missing.
    """
    fetch = partial(_page, site, path, fields, doing)
    return numbered(fetch, at_once=AHEAD * site.gate.limit_max, pages_max=PAGES_MAX)


async def _page(site: Site, path: str, fields: str, doing: str, page: int) -> tuple[list[Row], int]:
    """The rows of one page, and the last page there is by what its answer says."""
    action = f"{doing} by GET {path}, page {page}"
    order = {"orderby": "id", "order": "asc", "_fields": fields}
    params: dict[str, str | int] = {"page": page, "per_page": ROWS_MAX, **order}
    answer = await patiently(partial(site.get, action, path, params), site.sleep)
    rows = rows_of(site.name, action, answer)
    return rows, _last_page(answer, page, len(rows))


def _last_page(answer: Answer, page: int, rows: int) -> int:
    """A page may be short although more follow: rows our key may not see are left out of it. So the total counts,
    where it is told."""
    pages = answer.headers.get("x-wp-totalpages", "")
    if pages.isdecimal():
        return int(pages)
    return page + 1 if rows == ROWS_MAX else page
