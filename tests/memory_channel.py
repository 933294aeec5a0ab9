"""A channel in memory that keeps the promise of `Channel`, with the ways of failing the tests ask for."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from onhand.channels.base import (
    Capabilities,
    Finding,
    LevelKey,
    LevelWrite,
    Meter,
    Outcome,
    RemoteItem,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.errors import ChannelError, RowRejected

Spot = tuple[str, str]


class MemoryChannel:
    """Levels by (item id, place). `refuses`: items that are rejected; `raises`: errors of the next calls.

    `at_once_max`: the most calls of `set_levels` that were under way at a time.
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
        calls_a_step: int = 1,
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
            calls_a_step=calls_a_step,
        )
        self.meter = Meter()
        self.levels: dict[Spot, int] = {}
        self.items: list[RemoteItem] = []
        self.refuses: set[str] = set()
        self.loses: set[str] = set()
        self.raises: list[ChannelError] = []
        self.calls: list[tuple[str, int]] = []
        self.keys: list[str] = []
        self.seconds_per_call = seconds_per_call
        self.at_once = self.at_once_max = 0

    async def set_levels(self, writes: Sequence[LevelWrite], key: str) -> list[WriteResult]:
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

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        self.meter.reads += 1
        self.calls.append(("read", len(keys)))
        return [ShownLevel(key, self.levels.get((key.item.item_id, key.place), 0)) for key in keys]

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
