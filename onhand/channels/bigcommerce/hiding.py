"""Items taken off sale and put back, by the inventory's own switch: `is_in_stock` at each of our locations.

Of all the platform's ways this one holds a variant alone, 2,000 items in a call and with the scope that levels are
written with; and whoever walks over the levels sees it. The page of the product stays, and says that it is out of
stock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from onhand.channels.base import ItemRef
from onhand.channels.bigcommerce.entries import IDENTITIES, is_number
from onhand.channels.bigcommerce.isolating import settle
from onhand.channels.bigcommerce.refusals import REFUSED, Refusal, refusal_in
from onhand.channels.bigcommerce.store import Store

SCOPE = "store_inventory"
ITEMS_MAX = 2_000
"""Items of one call (OpenAPI: "Limit of 2000 items for payload length")."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One item at one location; see `refusals.Named`."""

    item: ItemRef
    location: int

    @property
    def identity(self) -> str:
        """How the API names it."""
        return IDENTITIES[self.item.tracking]

    @property
    def number(self) -> int:
        """Its id."""
        return int(self.item.item_id)

    @property
    def sku(self) -> str:
        """Ours."""
        return self.item.sku


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


async def _switch(store: Store, items: Sequence[ItemRef], place: str, hidden: bool) -> list[ItemRef]:
    """Those that could be switched at a location, in the order given."""

    async def send(switches: Sequence[Switch]) -> Refusal | None:
        settings = [
            {"identity": {each.identity: each.number}, "is_in_stock": not hidden} for each in switches
        ]
        action = f"switch {len(switches)} items {'off' if hidden else 'on'} at location {place}"
        content = orjson.dumps({"settings": settings})
        path = f"/v3/inventory/locations/{place}/items"
        response = await store.send("PUT", path, content, action, SCOPE, REFUSED, urgent=True)
        return refusal_in(response) if response.status_code in REFUSED else None

    settled = await settle([Switch(item, int(place)) for item in items], send)
    done = {switch.item for switch in settled.accepted}
    return [item for item in items if item in done]
