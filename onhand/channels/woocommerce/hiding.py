"""Products and variations taken out of shoppers' sight and shown again, by their status."""

from collections.abc import Sequence
from typing import Any

from onhand.channels.base import ItemRef
from onhand.channels.errors import RowRejected
from onhand.channels.together import each
from onhand.channels.woocommerce.reads import listed
from onhand.channels.woocommerce.rows import Row
from onhand.channels.woocommerce.site import Site
from onhand.channels.woocommerce.walk import PUBLISHED

FIELDS = "id,parent_id,status"
PRIVATE = "private"
"""Seen and bought by nobody but the shop's own people; what we have hidden is told by it from a merchant's drafts."""
ROWS = 25
"""Entries of one batch: few enough for any host."""

Part = tuple[str, list[str]]
"""The path of a batch, and the ids it holds."""


async def set_hidden(site: Site, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
    """See `Channel.set_hidden`. What is published becomes private, and back; a merchant's drafts are not touched."""
    rows = await listed(site, items, FIELDS)
    known = [item for item in items if (row := rows.get(item.item_id)) and _belongs(row, item)]
    now, wanted = (PUBLISHED, PRIVATE) if hidden else (PRIVATE, PUBLISHED)
    groups: dict[str, list[str]] = {}
    for item in known:
        if rows[item.item_id].get("status") == now:
            groups.setdefault(item.parent_id, []).append(item.item_id)

    async def send(part: Part) -> dict[str, Row]:
        return await _send(site, part, wanted)

    for answers in await each(list(_parts(groups)), send, at_once=site.gate.limit_max):
        rows |= answers
    return [item for item in known if (rows[item.item_id].get("status") == PRIVATE) is hidden]


def _belongs(row: Row, item: ItemRef) -> bool:
    """A variation that is written under another product's path would be moved there, silently."""
    parent = row.get("parent_id")
    return not (item.parent_id and parent) or str(parent) == item.parent_id


def _parts(groups: dict[str, list[str]]) -> list[Part]:
    return [
        (f"/products/{parent}/variations/batch" if parent else "/products/batch", ids[start : start + ROWS])
        for parent, ids in groups.items()
        for start in range(0, len(ids), ROWS)
    ]


async def _send(site: Site, part: Part, status: str) -> dict[str, Row]:
    """The rows after one batch, as its answer tells; those that were refused are not among them."""
    path, ids = part
    body = {"update": [{"id": int(number), "status": status} for number in ids]}
    doing = f"making {len(ids)} items {status} by POST {path}"
    try:
        answer: Any = (await site.post(doing, path, body, urgent=True)).body
    except RowRejected:
        return {}  # the parent product is gone
    entries = answer.get("update") if isinstance(answer, dict) else None
    return {
        str(entry.get("id")): entry
        for entry in entries or ()
        if isinstance(entry, dict) and entry.get("error") is None
    }
