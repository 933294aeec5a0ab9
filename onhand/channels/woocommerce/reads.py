"""What a shop shows: products and variations by their ids, a hundred in one call."""

from collections.abc import Iterable, Sequence
from functools import partial

from onhand.channels.base import ItemRef, LevelKey, ShownLevel
from onhand.channels.errors import ChannelDown, RowRejected, SameKeyRetry
from onhand.channels.together import each
from onhand.channels.woocommerce.rows import Row, is_number, shown_level
from onhand.channels.woocommerce.site import ROWS_MAX, Answer, Site

FIELDS = "id,parent_id,sku,type,manage_stock,stock_quantity,stock_status"
"""Asking for few fields trims an answer from some kilobytes a product to a hundred bytes."""

Ask = tuple[str, Sequence[str]]
"""One call: which listing, and at most a hundred ids of it."""


async def read_levels(site: Site, keys: Sequence[LevelKey]) -> list[ShownLevel]:
    """One answer for each key, in the order given."""
    rows = await listed(site, (key.item for key in keys), FIELDS)
    return [shown_level(key, rows.get(key.item.item_id)) for key in keys]


async def _variation_asks(site: Site, parents: dict[str, list[str]]) -> list[Ask]:
    """Variations over all parents where the shop has that route, else parent by parent."""
    if await has_variations_route(site):
        return [("/variations", ids) for ids in _chunks([one for ids in parents.values() for one in ids])]
    return [
        (f"/products/{parent}/variations", part) for parent, ids in parents.items() for part in _chunks(ids)
    ]


async def has_variations_route(site: Site) -> bool:
    """Whether GET /variations is there (core 10.3.0); asked once per shop."""
    if site.variations_route is None:
        try:
            await site.get("asking for the variations route", "/variations", {"per_page": 1, "_fields": "id"})
            site.variations_route = True
        except ChannelDown as error:
            if "rest_no_route" not in error.said:
                raise
            site.variations_route = False
    return site.variations_route


async def listed(site: Site, items: Iterable[ItemRef], fields: str) -> dict[str, Row]:
    """These fields of each item's row that the shop has, by item id; what is no id of the platform is left out."""
    good = {item for item in items if is_number(item.item_id) and is_number(item.parent_id or "1")}
    products = sorted((item.item_id for item in good if not item.parent_id), key=int)
    parents: dict[str, list[str]] = {}
    for item in sorted(good, key=lambda item: int(item.item_id)):
        if item.parent_id:
            parents.setdefault(item.parent_id, []).append(item.item_id)
    asks = [("/products", ids) for ids in _chunks(products)]
    if parents:
        asks += await _variation_asks(site, parents)
    found = await each(asks, partial(_listed, site, fields), at_once=site.gate.limit_max)
    return {str(row.get("id")): row for part in found for row in part}


async def _listed(site: Site, fields: str, ask: Ask) -> list[Row]:
    path, ids = ask
    doing = f"reading {len(ids)} levels by GET {path}"
    params: dict[str, str | int] = {"include": ",".join(ids), "per_page": ROWS_MAX, "_fields": fields}
    try:
        return rows_of(site.name, doing, await site.get(doing, path, params))
    except RowRejected as error:
        if error.status != 404:
            raise
        return []  # the parent product is gone, and its variations with it


def rows_of(channel: str, doing: str, answer: Answer) -> list[Row]:
    """The rows of a listing."""
    if not isinstance(answer.body, list) or not all(isinstance(row, dict) for row in answer.body):
        said = f"a list of objects was expected, and came {str(answer.body)[:100]!r}"
        raise SameKeyRetry(channel, doing, said, status=200)
    return answer.body


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + ROWS_MAX] for start in range(0, len(ids), ROWS_MAX))
