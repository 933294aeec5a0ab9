"""The WooCommerce channel: absolute levels, one number for each product or variation, proven by the echo."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx

from onhand.channels.base import (
    NO_PLACE,
    Capabilities,
    Finding,
    LevelKey,
    LevelWrite,
    Meter,
    RemoteItem,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.concurrency import BatchSize
from onhand.channels.woocommerce import checks, discovery, reads
from onhand.channels.woocommerce.site import ROWS_MAX, Site
from onhand.channels.woocommerce.writes import Delivery

ROWS_START = 25
"""Rows of the first batch; it doubles while the shop answers quickly, so two good answers later it is 100."""
ROUNDS_A_STEP = 2
"""Rounds of calls that one step makes: a full batch takes a modest host 1.6 s, so a step takes three seconds."""


class WooCommerce:
    """One shop. What it bears (calls at once, rows in a call) is learned by this instance and kept by it.

    `base_url` is the site root, for instance https://shop.example; raises ValueError where the key would
    travel unencrypted. `max_concurrency` bounds the calls in flight. `transport`, `clock` (any seconds that only
    grow) and `sleep` are for tests.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        *,
        max_concurrency: int = 4,
        rows_start: int = ROWS_START,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            bulk_size=ROWS_MAX,
            concurrency=max_concurrency,
            write_kind=WriteKind.ABSOLUTE,
            places=False,
            echoes=True,
            calls_a_step=ROUNDS_A_STEP * max_concurrency,
        )
        self.meter = Meter()
        self._size = BatchSize(rows_start, ROWS_MAX)
        self._site = Site(
            name,
            base_url,
            consumer_key,
            consumer_secret,
            max_concurrency=max_concurrency,
            meter=self.meter,
            transport=transport,
            clock=clock,
            sleep=sleep,
        )

    async def set_levels(self, writes: Sequence[LevelWrite], key: str) -> list[WriteResult]:
        """Write levels; `key` is not needed, for the same absolute level may be set twice.

        Takes a variation over from its parent's stock, and an unmanaged product into management: both are
        sent with every level. Where one batch failed as a whole the call raises, and may be repeated.
        """
        assert len(writes) <= ROWS_MAX, f"at most {ROWS_MAX} levels in one call, got {len(writes)}"
        assert all(write.key.place == NO_PLACE for write in writes), "WooCommerce knows no locations"
        results = await Delivery(self._site, self._size, writes).deliver()
        self._note_pace()
        return results

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What the shop shows. A product that is not managed, or whose parent keeps the stock, shows None."""
        shown = await reads.read_levels(self._site, keys)
        self._note_pace()
        return shown

    def discover(self) -> AsyncIterator[list[RemoteItem]]:
        """Every product and variation; grouped, external and variable products are found but not writable."""
        return discovery.discover(self._site)

    async def check(self) -> list[Finding]:
        """Key, permission, stock management, version, permalinks, caching."""
        return await checks.check(self._site)

    async def aclose(self) -> None:
        """Close connections."""
        await self._site.aclose()

    def _note_pace(self) -> None:
        self.meter.remaining = {
            "calls at once": float(self._site.gate.limit),
            "rows in a call": float(self._size.rows),
        }
