"""One sandbox shop: its catalogue, its stock per place, and what happened to each level.

Holds state and nothing of any wire format; the platform modules beside it translate. Single event
loop, so no locks.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

HISTORY_MAX = 200
"""How many level changes a shop remembers for its page."""

LevelListener = Callable[[str, str, int, str, float], None]
"""Called with item id, place, the level after, who did it and when, in seconds since the epoch."""


@dataclass(slots=True)
class Item:
    """One sellable thing of a shop. `item_id` and `parent_id` are the platform's numbers as text.

    `tracked`: whether the platform keeps stock for it at all. `tracking`: BigCommerce's mode
    ("variant", "product", "none"). `kind`: "simple", "variation" or "bundle". `levels` holds the
    stock per place; a place missing from it is not activated there. `values` keeps the platform's
    further fields (for instance backorders). `hidden`: shoppers do not see it, and cannot buy it. `closed`: places at
    which it is not for sale, whatever they show.
    """

    item_id: str
    sku: str
    title: str
    barcode: str = ""
    parent_id: str = ""
    kind: str = "simple"
    tracked: bool = True
    tracking: str = "variant"
    levels: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    updated_at: float = 0.0
    hidden: bool = False
    closed: tuple[str, ...] = ()

    @property
    def oversells(self) -> bool:
        """Whether it is sold beyond zero: Shopify's policy CONTINUE, WooCommerce's backorders."""
        policy, backorders = self.values.get("inventory_policy"), self.values.get("backorders", "no")
        return policy == "CONTINUE" or backorders != "no"


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One change of one level, for the shop's page: who (`api`, `sale`, `person`) set what from what."""

    at: float
    sku: str
    place: str
    before: int
    after: int
    by: str


class Interference(Protocol):
    """Whatever stands between the platform's API and the levels, when something is wrong with the shop."""

    def loses(self, item_id: str, place: str, quantity: int) -> bool:
        """Whether an API write is not kept, although it is answered with success."""
        ...

    def refuses(self, item_id: str) -> bool:
        """Whether an item is refused, this time."""
        ...

    def shown(self, item_id: str, place: str, level: int | None) -> int | None:
        """What whoever asks is shown of a level."""
        ...

    def changed(self, item_id: str, place: str, before: int | None) -> None:
        """A level is about to become another than `before`."""
        ...


class Shop:
    """The catalogue and stock of one shop on one platform.

    `visible_after_seconds` delays when a level written through the API is seen by reads and buyers
    (BigCommerce applies asynchronously); zero applies at once. `clock` is seconds since the epoch.
    """

    def __init__(
        self,
        name: str,
        places: dict[str, str],
        *,
        visible_after_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.places = places
        self.items: dict[str, Item] = {}
        self.by_sku: dict[str, list[str]] = {}
        self.history: deque[LevelChange] = deque(maxlen=HISTORY_MAX)
        self.visible_after_seconds = visible_after_seconds
        self.rejected_items: set[str] = set()
        """Item ids whose writes this shop refuses, as a merchant's broken product would be."""
        self.catalogue_version = 0
        """Grows whenever an item is added or the shop is emptied, so that sorted views know when to renew."""
        self.changed: set[str] = set()
        """Item ids touched since whoever keeps the shop on disk last took them away."""
        self.listeners: list[LevelListener] = []
        """Told at once, in order, of every level that became another. Plain values: a full sync changes thousands."""
        self.interference: Interference | None = None
        self._clock = clock
        self._pending: deque[tuple[float, str, str, int]] = deque()

    def add(self, item: Item) -> None:
        """Put an item into the catalogue; item ids are unique, SKUs need not be (as on the real platforms)."""
        assert item.item_id not in self.items, f"item {item.item_id} exists"
        item.updated_at = self._clock()
        self.items[item.item_id] = item
        self.by_sku.setdefault(item.sku, []).append(item.item_id)
        self.catalogue_version += 1
        self.changed.add(item.item_id)

    def clear(self) -> None:
        """Empty the shop: catalogue, stock, history."""
        self.items.clear()
        self.by_sku.clear()
        self.history.clear()
        self._pending.clear()
        self.rejected_items.clear()
        self.changed.clear()
        self.catalogue_version += 1

    def level(self, item_id: str, place: str) -> int | None:
        """The level reads and buyers see now; None where the item is not activated at the place."""
        self._apply_due()
        level = self.items[item_id].levels.get(place)
        return level if self.interference is None else self.interference.shown(item_id, place, level)

    def refuses(self, item_id: str) -> bool:
        """Whether an API write of the item is refused."""
        if item_id in self.rejected_items:
            return True
        return self.interference is not None and self.interference.refuses(item_id)

    def set_level(self, item_id: str, place: str, quantity: int) -> None:
        """An API write: visible at once, or after the shop's delay."""
        if self.interference is not None and self.interference.loses(item_id, place, quantity):
            return
        if self.visible_after_seconds > 0:
            self._pending.append((self._clock() + self.visible_after_seconds, item_id, place, quantity))
        else:
            self._change(item_id, place, quantity, by="api")

    def sell(self, item_id: str, place: str, quantity: int) -> int:
        """A buyer takes units: the platform's own atomic decrement. Answers the level after, which may be negative."""
        self._apply_due()
        after = self.items[item_id].levels.get(place, 0) - quantity
        self._change(item_id, place, after, by="sale")
        return after

    def edit(
        self, item_id: str, place: str, quantity: int, *, by: str = "person", silent: bool = False
    ) -> None:
        """A person (or another app, `api`) edits the number on the platform, behind our back.

        `silent`: past the platform's own code, so nobody is told and the item's date stays.
        """
        self._apply_due()
        if silent:
            self.items[item_id].levels[place] = quantity
            self.changed.add(item_id)
        else:
            self._change(item_id, place, quantity, by=by)

    def hidden(self, item: Item, place: str) -> bool:
        """Whether nobody can buy an item at a place because it, or the product it is a variation of, is not shown."""
        parent = self.items.get(item.parent_id) if item.parent_id else None
        return item.hidden or place in item.closed or (parent is not None and parent.hidden)

    def hide(self, item_id: str, hidden: bool) -> None:
        """A person takes an item out of shoppers' sight on the platform, or shows it again."""
        item = self.items[item_id]
        item.hidden, item.closed = hidden, ()
        item.values.pop("status", None)
        item.updated_at = self._clock()
        self.changed.add(item_id)

    def now(self) -> float:
        """The shop's own clock, in seconds since the epoch."""
        return self._clock()

    def pending(self) -> list[tuple[float, str, str, int]]:
        """Accepted API writes that are not visible yet: due time, item id, place, quantity."""
        return list(self._pending)

    def restore_pending(self, writes: list[tuple[float, str, str, int]]) -> None:
        """Take up accepted writes again after a restart."""
        self._pending.extend(writes)

    def _apply_due(self) -> None:
        now = self._clock()
        while self._pending and self._pending[0][0] <= now:
            _, item_id, place, quantity = self._pending.popleft()
            if item_id in self.items:
                self._change(item_id, place, quantity, by="api")

    def _change(self, item_id: str, place: str, quantity: int, by: str) -> None:
        item = self.items[item_id]
        before = item.levels.get(place, 0)
        if self.interference is not None and before != quantity:
            self.interference.changed(item_id, place, item.levels.get(place))
        item.levels[place] = quantity
        item.updated_at = self._clock()
        self.changed.add(item_id)
        if before != quantity:
            self.history.append(LevelChange(item.updated_at, item.sku, place, before, quantity, by))
            for listener in self.listeners:
                listener(item_id, place, quantity, by, item.updated_at)
