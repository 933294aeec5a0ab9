"""A channel in memory that keeps the promise of `Channel`, with the ways of failing the tests ask for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from onhand.channels.base import (
    Capabilities,
    Condition,
    Finding,
    FoundLevel,
    ItemRef,
    LevelKey,
    LevelWrite,
    Meter,
    Outcome,
    RemoteItem,
    ShownLevel,
    Subscription,
    WriteKind,
    WriteResult,
)
from onhand.channels.errors import ChannelError, RowRejected
from onhand.domain.sales import ChannelOrder

Spot = tuple[str, str]


class MemoryOrders:
    """Orders by id, as they now stand. `fetched` are the ids asked for, call by call."""

    def __init__(self) -> None:
        self.by_id: dict[str, ChannelOrder] = {}
        self.fetched: list[list[str]] = []
        self.raises: list[ChannelError] = []

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        self.fetched.append(list(order_ids))
        if self.raises:
            raise self.raises.pop(0)
        return [self.by_id[order_id] for order_id in order_ids if order_id in self.by_id]

    async def changed(self, since: datetime) -> AsyncIterator[list[ChannelOrder]]:
        if self.raises:
            raise self.raises.pop(0)
        found = sorted(
            (o for o in self.by_id.values() if o.updated_at >= since), key=lambda order: order.version
        )
        for start in range(0, len(found), 2):
            yield found[start : start + 2]


class MemoryHooks:
    """Subscriptions of one topic."""

    topics: tuple[str, ...] = ("orders",)

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []

    async def found(self) -> list[Subscription]:
        return list(self.subscriptions)

    async def ensure(self, url: str) -> list[Subscription]:
        others = [each for each in self.subscriptions if each.url != url]
        self.subscriptions = [*others, Subscription("1", "orders", url)]
        return list(self.subscriptions)

    async def remove(self, url: str) -> int:
        before = len(self.subscriptions)
        self.subscriptions = [each for each in self.subscriptions if each.url != url]
        return before - len(self.subscriptions)


class MemoryChannel:
    """Levels by (item id, place). `refuses`: items that are rejected; `raises`: errors of the next calls.

    `at_once_max`: the most calls of `set_levels` that were under way at a time. `conditions`: of items that do not just
    sell; `hidden`: items that `set_hidden` has hidden (it leaves out those in `refuses`); `changed_at`: when a level
    was changed last, where the channel is to tell it. A walk gives every level there is, `walk_size` a page.
    """

    def __init__(
        self,
        name: str,
        *,
        bulk_size: int = 10,
        concurrency: int = 2,
        write_kind: WriteKind = WriteKind.ABSOLUTE,
        places: bool = False,
        echoes: bool = True,
        seconds_per_call: float = 0.0,
        changes: bool = False,
        calls_a_step: int = 1,
        walk_size: int = 3,
        hides: bool = True,
        hides_products: bool = False,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            bulk_size=bulk_size,
            concurrency=concurrency,
            write_kind=write_kind,
            places=places,
            echoes=echoes,
            visible_after_seconds=0.05,
            visible_within_seconds=0.2,
            changes=changes,
            calls_a_step=calls_a_step,
            walk_size=walk_size,
            hides=hides,
            hides_products=hides_products,
        )
        self.orders = MemoryOrders()
        self.hooks = MemoryHooks()
        self.meter = Meter()
        self.levels: dict[Spot, int] = {}
        self.conditions: dict[str, Condition] = {}
        self.hidden: set[str] = set()
        self.products: dict[str, set[str]] = {}
        """The items of products that are hidden and shown as a whole."""
        self.changed_at: dict[Spot, datetime] = {}
        self.trackings: dict[str, str] = {}
        """How an item is tracked, where the channel is one that tells."""
        self.items: list[RemoteItem] = []
        self.refuses: set[str] = set()
        self.loses: set[str] = set()
        self.raises: list[ChannelError] = []
        self.calls: list[tuple[str, int]] = []
        self.keys: list[str] = []
        self.seconds_per_call = seconds_per_call
        self.at_once = self.at_once_max = 0

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        assert len(writes) <= self.capabilities.bulk_size
        self.meter.writes += 1
        self.calls.append(("set", len(writes)))
        self.keys.append(key)
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(self.seconds_per_call)
        self.at_once -= 1
        if self.raises:
            raise self.raises.pop(0)
        return [self._set(write) for write in writes]

    def _set(self, write: LevelWrite) -> WriteResult:
        item = write.key.item
        spot = (item.item_id, write.key.place)
        if item.item_id in self.refuses:
            error = RowRejected(self.name, f"setting SKU {item.sku}", "no such item", advice="Map it anew.")
            return WriteResult(write, Outcome.REJECTED, error=error)
        compares = self.capabilities.write_kind is WriteKind.COMPARE_AND_SET
        if compares and write.shown != self.levels.get(spot, 0):
            return WriteResult(write, Outcome.STALE)
        if item.item_id not in self.loses:
            self.levels[spot] = write.quantity
        return WriteResult(write, Outcome.ACCEPTED, echo=write.quantity if self.capabilities.echoes else None)

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        """Relative, exactly once for a key: what was sold meanwhile stays sold."""
        assert self.capabilities.changes
        assert len(writes) <= self.capabilities.bulk_size
        self.meter.writes += 1
        self.calls.append(("change", len(writes)))
        self.keys.append(key)
        await asyncio.sleep(self.seconds_per_call)
        if self.raises:
            raise self.raises.pop(0)
        return [self._change(write) for write in writes]

    def _change(self, write: LevelWrite) -> WriteResult:
        item = write.key.item
        if item.item_id in self.refuses:
            error = RowRejected(self.name, f"setting SKU {item.sku}", "no such item", advice="Map it anew.")
            return WriteResult(write, Outcome.REJECTED, error=error)
        spot = (item.item_id, write.key.place)
        assert write.shown is not None
        after = self.levels.get(spot, 0) + write.quantity - write.shown
        if item.item_id not in self.loses:
            self.levels[spot] = after
        return WriteResult(write, Outcome.ACCEPTED, echo=after)

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        self.meter.reads += 1
        self.calls.append(("read", len(keys)))
        return [ShownLevel(key, self.levels.get((key.item.item_id, key.place), 0)) for key in keys]

    async def walk_levels(self, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        spots = [spot for spot in sorted(self.levels) if not self.capabilities.places or spot[1] in places]
        for start in range(0, len(spots), self.capabilities.walk_size):
            self.meter.reads += 1
            part = spots[start : start + self.capabilities.walk_size]
            self.calls.append(("walk", len(part)))
            if self.raises:
                raise self.raises.pop(0)
            yield [self._found(spot) for spot in part]

    def _found(self, spot: Spot) -> FoundLevel:
        item_id, place = spot
        condition = self.conditions.get(item_id, Condition.SELLING)
        if item_id in self.hidden:
            condition = Condition.HIDDEN
        quantity = None if condition is Condition.UNTRACKED else self.levels[spot]
        tracking = self.trackings.get(item_id, "")
        return FoundLevel(item_id, place, quantity, condition, self.changed_at.get(spot), tracking=tracking)

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        self.meter.writes += 1
        self.calls.append(("hide" if hidden else "show", len(items)))
        if self.raises:
            raise self.raises.pop(0)
        if not self.capabilities.hides:
            return []
        given = {item.item_id for item in items}
        done = [
            item
            for item in items
            if item.item_id not in self.refuses and self.products.get(item.parent_id, set()) <= given
        ]
        for item in done:
            (self.hidden.add if hidden else self.hidden.discard)(item.item_id)
        return done

    async def discover(self) -> AsyncIterator[list[RemoteItem]]:
        for start in range(0, len(self.items), 2):
            yield self.items[start : start + 2]

    async def check(self) -> list[Finding]:
        return [Finding(self.name, True, "in memory")]

    async def aclose(self) -> None:
        pass

    def sold(self, item_id: str, quantity: int, place: str = "") -> None:
        """A buyer was faster than we: the level falls on the channel's side."""
        self.levels[item_id, place] = self.levels.get((item_id, place), 0) - quantity
