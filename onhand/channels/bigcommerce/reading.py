"""Levels read back in bulk: up to 1,000 items a call, chosen by id.

There is no filter by range or by time of change, so the choice is between naming ids and walking all
pages of the store. Both bring at most 1,000 items a call; naming brings only what was asked for, so it
is never dearer as long as 1,000 ids fit into a URL, and pages are never walked. 50,000 levels at one
location are 50 calls, half of the smallest plan's window.
"""

from collections.abc import Sequence
from typing import Any

from onhand.channels.base import LevelKey, ShownLevel
from onhand.channels.bigcommerce.entries import IDENTITIES, is_number, item_trouble
from onhand.channels.bigcommerce.sorting import another_shape
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelDown

ITEMS = "/v3/inventory/items"
SCOPE = "store_inventory_read_only"
PAGE_MAX = 1_000
"""Items per page (OpenAPI: "Limit of 1000 items for payload length")."""

URL_MAX_CHARS = 8_000
"""Path and query of one read. The platform tells no limit; 8,190 bytes for the request line is the
smallest default of common web servers. 1,000 ids of up to six digits fit, and 980 of seven."""

URL_MIN_CHARS = 1_000
"""A store that finds even this too long (414) has another trouble."""

Address = tuple[str, int, int]
"""One level's identity, number and location."""

DISAGREE = None
"""In place of a level: several rows of one item hold different numbers."""


class Reader:
    """Reads levels of one store; remembers how long a URL may be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._url_max_chars = URL_MAX_CHARS

    async def read(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What each key shows, in the order given; raises ChannelError when a call as a whole failed."""
        good = [key for key in keys if not item_trouble(key.item) and is_number(key.place)]
        places = sorted({int(key.place) for key in good})
        levels: dict[Address, int | None] = {}
        for identity in sorted({IDENTITIES[key.item.tracking] for key in good}):
            numbers = [int(key.item.item_id) for key in good if IDENTITIES[key.item.tracking] == identity]
            await self._collect(identity, list(dict.fromkeys(numbers)), places, levels)
        return [_shown(key, levels) for key in keys]

    async def _collect(
        self, identity: str, numbers: list[int], places: list[int], levels: dict[Address, int | None]
    ) -> None:
        tail = f"&location_id:in={','.join(map(str, places))}&limit={PAGE_MAX}"
        head = f"{ITEMS}?{identity}:in="
        while numbers:
            fixed = self._store.path_chars + len(head) + len(tail) + len("&page=0000")
            count = fitting(numbers, self._url_max_chars - fixed)
            ids = ",".join(map(str, numbers[:count]))
            try:
                await self._pages(identity, f"{head}{ids}{tail}", levels)
            except ChannelDown as error:
                if error.status != 414 or self._url_max_chars // 2 < URL_MIN_CHARS:
                    raise
                self._url_max_chars //= 2  # this store's gateway takes less: ask for fewer from now on
            else:
                numbers = numbers[count:]

    async def _pages(self, identity: str, path: str, levels: dict[Address, int | None]) -> None:
        page = pages = 1
        while page <= pages:
            action = f"read inventory, page {page}"
            body = await self._store.get(f"{path}&page={page}", action, SCOPE)
            try:
                _note(identity, body["data"], levels)
                pages = int(body["meta"]["pagination"]["total_pages"])
            except (KeyError, TypeError, ValueError) as error:
                raise another_shape(self._store.channel, action, repr(error)) from error
            page += 1


def fitting(numbers: Sequence[int], chars: int) -> int:
    """How many ids, from the first on, fit into so many characters: at least 1, at most a page."""
    count = used = 0
    for number in numbers[:PAGE_MAX]:
        used += len(str(number)) + 1
        if used - 1 > chars:
            break
        count += 1
    return max(1, count)


def _note(identity: str, rows: list[dict[str, Any]], levels: dict[Address, int | None]) -> None:
    for row in rows:
        number = int(row["identity"][identity])
        for there in row["locations"]:
            address = (identity, number, int(there["location_id"]))
            on_hand = int(there["total_inventory_onhand"])
            levels[address] = on_hand if levels.get(address, on_hand) == on_hand else DISAGREE


def _shown(key: LevelKey, levels: dict[Address, int | None]) -> ShownLevel:
    if trouble := item_trouble(key.item):
        return ShownLevel(key, None, " ".join(trouble))
    if not is_number(key.place):
        return ShownLevel(key, None, f"{key.place!r} is not a BigCommerce location id")
    identity, number = IDENTITIES[key.item.tracking], int(key.item.item_id)
    address = (identity, number, int(key.place))
    if address not in levels:
        return ShownLevel(
            key,
            None,
            f"the store shows no inventory of {identity} {number} at location {key.place}: "
            "deleted, tracked in another way, or an unknown location. Discover the channel again.",
        )
    if levels[address] is DISAGREE:
        return ShownLevel(
            key, None, f"rows of {identity} {number} at location {key.place} hold different numbers"
        )
    return ShownLevel(key, levels[address])
