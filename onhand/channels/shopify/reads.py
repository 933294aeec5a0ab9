"""Levels read back: by ranges of item ids, 250 levels a page for about 36 points, and by id where that is cheaper."""

from collections.abc import Iterable, Sequence
from typing import Any

from onhand.channels.base import LevelKey, ShownLevel
from onhand.channels.shopify.admin import CALLS_AT_ONCE, Admin
from onhand.channels.shopify.documents import LEVELS_BY_ID, LEVELS_IN_RANGE
from onhand.channels.shopify.ids import item_number, malformed
from onhand.channels.together import each

PAGE_LEVELS = 250
SPARSE_HITS = 12
"""By id a level costs about 3 points, a page of a range about 36: fewer wanted levels than this are asked for
by id, and so is the rest of a range one of whose pages held fewer of them (other items of the shop between)."""
PAGES_MAX = 100
"""A cursor reaches 25,000 objects."""

UNKNOWN = "the shop knows no such inventory item: run discovery and map the SKU again"
UNKNOWN_PLACE = "the shop knows no such location: check the channel's `places`"
UNTRACKED = "the shop does not track this item and sells it without limit; the next write turns tracking on"

Seen = tuple[int | None, str]
"""A quantity, or None and the problem."""


class Reads:
    """Reads levels, and remembers which items it saw untracked.

    An item that the location does not stock yet, or no longer, shows 0 there: nobody can buy it from it,
    and since 2026-10 a quantity can be set at any location, stocked or not (before that, the first write
    activates it). So 0 is the right number for the first write to compare with.
    """

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self.untracked: set[str] = set()

    async def levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What the shop shows for each key, in the order given."""
        wanted: dict[str, set[str]] = {}
        for key in keys:
            if not malformed(key):
                wanted.setdefault(key.place, set()).add(key.item.item_id)
        runs = [(place, run) for place, ids in wanted.items() for run in _runs(ids)]
        parts = await each(runs, self._run, at_once=CALLS_AT_ONCE)
        seen: dict[tuple[str, str], Seen] = {}
        for (place, _), part in zip(runs, parts, strict=True):
            seen.update(((place, item_id), level) for item_id, level in part.items())
        return [_shown(key, *_answer(key, seen)) for key in keys]

    async def by_id(self, place: str, ids: Sequence[str], *, urgent: bool = False) -> dict[str, Seen]:
        """The levels of at most 250 items, asked for one by one in a single call."""
        assert 0 < len(ids) <= PAGE_LEVELS, f"{len(ids)} ids in one call"
        variables = {"place": place, "ids": list(ids)}
        action = f"read {len(ids)} levels at {place}, {ids[0]} to {ids[-1]}"
        data = await self._admin.run(LEVELS_BY_ID, variables, action, units=len(ids), urgent=urgent)
        if data["location"] is None:
            return dict.fromkeys(ids, (None, UNKNOWN_PLACE))
        found = {node["id"]: node for node in data["nodes"] if node}
        return {item_id: self._seen_item(found.get(item_id)) for item_id in ids}

    async def _run(self, wanted: tuple[str, Sequence[str]]) -> dict[str, Seen]:
        place, run = wanted
        seen = await self._range(place, run) if len(run) >= SPARSE_HITS else {}
        missing = [item_id for item_id in run if item_id not in seen]
        return {**seen, **await self.by_id(place, missing)} if missing else seen

    async def _range(self, place: str, run: Sequence[str]) -> dict[str, Seen]:
        """The levels of a run that its range of ids turns up; some of the run may be missing."""
        wanted, seen = set(run), dict[str, Seen]()
        lowest, highest = item_number(run[0]), item_number(run[-1])
        search = f"inventory_item_id:>={lowest} AND inventory_item_id:<={highest}"
        variables: dict[str, Any] = {"place": place, "range": search, "after": None}
        for _ in range(PAGES_MAX):
            action = f"read levels at {place} of items {lowest} to {highest}"
            data = await self._admin.run(LEVELS_IN_RANGE, variables, action)
            if data["location"] is None:
                return dict.fromkeys(run, (None, UNKNOWN_PLACE))
            page = data["location"]["inventoryLevels"]
            hits = [node for node in page["nodes"] if node["item"]["id"] in wanted]
            seen.update((node["item"]["id"], self._seen_level(node["item"], node)) for node in hits)
            if not page["pageInfo"]["hasNextPage"] or len(hits) < SPARSE_HITS or len(seen) == len(wanted):
                break
            variables["after"] = page["pageInfo"]["endCursor"]
        return seen

    def _seen_item(self, item: dict[str, Any] | None) -> Seen:
        return (None, UNKNOWN) if item is None else self._seen_level(item, item["inventoryLevel"])

    def _seen_level(self, item: dict[str, Any], level: dict[str, Any] | None) -> Seen:
        self.note_tracking(item["id"], item["tracked"])
        if not item["tracked"]:
            return None, UNTRACKED
        quantities = level["quantities"] if level else []
        return (int(quantities[0]["quantity"]) if quantities else 0), ""

    def note_tracking(self, item_id: str, tracked: bool) -> None:
        """Remember what was just learnt of an item."""
        if tracked:
            self.untracked.discard(item_id)
        else:
            self.untracked.add(item_id)


def _runs(ids: Iterable[str]) -> list[list[str]]:
    """The ids in the order of their numbers, in runs of one page each."""
    ordered = sorted(ids, key=item_number)
    return [ordered[at : at + PAGE_LEVELS] for at in range(0, len(ordered), PAGE_LEVELS)]


def _shown(key: LevelKey, quantity: int | None, problem: str) -> ShownLevel:
    return ShownLevel(key, quantity, problem, mendable=problem == UNTRACKED)


def _answer(key: LevelKey, seen: dict[tuple[str, str], Seen]) -> Seen:
    if wrong := malformed(key):
        return None, f"{wrong}: run discovery and map the SKU again"
    return seen[key.place, key.item.item_id]
