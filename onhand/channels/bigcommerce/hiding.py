"""Items taken off sale and put back, by the inventory's own switch: `is_in_stock` at each of our locations.

Of all the platform's ways this one holds a variant alone, 2,000 items in a call and with the scope that levels are
written with; and whoever walks over the levels sees it. The page of the product stays, and says that it is out of
stock.
"""

from collections.abc import Sequence

import orjson

from onhand.channels.base import ItemRef
from onhand.channels.bigcommerce.entries import IDENTITIES, is_number
from onhand.channels.bigcommerce.refusals import REFUSED
from onhand.channels.bigcommerce.store import Store

SCOPE = "store_inventory"
ITEMS_MAX = 2_000
"""Items of one call (OpenAPI: "Limit of 2000 items for payload length")."""


async def set_hidden(
    store: Store, items: Sequence[ItemRef], places: Sequence[str], hidden: bool
) -> list[ItemRef]:
    """See `Channel.set_hidden`. Accepted, and seen a little later; what a person has switched off is switched on, too,
    where it is among the items that are to be shown."""
    wanted = [item for item in items if item.tracking in IDENTITIES and is_number(item.item_id)]
    done: list[ItemRef] = []
    for start in range(0, len(wanted), ITEMS_MAX):
        part: list[ItemRef] = wanted[start : start + ITEMS_MAX]
        for place in places:
            part = await _switch(store, part, place, hidden)
        done += part
    return done


async def _switch(store: Store, items: list[ItemRef], place: str, hidden: bool) -> list[ItemRef]:
    """Those that could be switched at a location. A refused call changes nothing, so it is halved until the bad ones
    stand alone."""
    if not items:
        return []
    settings = [
        {"identity": {IDENTITIES[item.tracking]: int(item.item_id)}, "is_in_stock": not hidden}
        for item in items
    ]
    action = f"switch {len(items)} items {'off' if hidden else 'on'} at location {place}"
    content = orjson.dumps({"settings": settings})
    path = f"/v3/inventory/locations/{place}/items"
    response = await store.send("PUT", path, content, action, SCOPE, REFUSED, urgent=True)
    if response.status_code not in REFUSED:
        return items
    if len(items) == 1:
        return []
    middle = len(items) // 2
    return [
        *await _switch(store, items[:middle], place, hidden),
        *await _switch(store, items[middle:], place, hidden),
    ]
