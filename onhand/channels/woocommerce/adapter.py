"""The WooCommerce channel: absolute levels, one number for each product or variation, proven by the echo."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx

from onhand.channels.base import (
    NO_PLACE,
    Capabilities,
    Finding,
    FoundLevel,
    Hooks,
    ItemRef,
    LevelKey,
    LevelWrite,
    Meter,
    Orders,
    RemoteItem,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.concurrency import BatchSize
from onhand.channels.woocommerce import checks, discovery, hiding, reads, walk
from onhand.channels.woocommerce.hooks import WooCommerceHooks
from onhand.channels.woocommerce.order_reads import WooCommerceOrders
from onhand.channels.woocommerce.site import ROWS_MAX, Site
from onhand.channels.woocommerce.writes import Delivery

ROWS_START = 25
"""Rows of the first batch; it doubles while the shop answers quickly, so two good answers later it is 100."""
ROUNDS_A_STEP = 2
"""Rounds of calls that one step makes: a full batch takes a modest host 1.6 s, so a step takes three seconds."""


class WooCommerce:
    """One shop. What it bears (calls at once, rows in a call) is learned by this instance and kept by it.

    `base_url` is the site root, for instance https://shop.example; raises ValueError where the key would
    travel unencrypted. `webhook_secret` is what webhooks are made to sign with; empty where there are none.
    `max_concurrency` bounds the calls in flight. `transport`, `clock` (any seconds that only grow) and `sleep` are
    for tests.
    `watch_levels`: whether webhooks are to tell of levels, besides orders.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        consumer_key: str,
        consumer_secret: str,
        *,
        webhook_secret: str = "",
        max_concurrency: int = 4,
        rows_start: int = ROWS_START,
        watch_levels: bool = True,
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
            walk_size=ROWS_MAX,
            hides=True,
        )
        self.meter = Meter()
        self._size = BatchSize(rows_start, ROWS_MAX)
        self._site = Site(
            name,
            base_url,
            consumer_key,
            consumer_secret,
            webhook_secret=webhook_secret,
            max_concurrency=max_concurrency,
            meter=self.meter,
            transport=transport,
            clock=clock,
            sleep=sleep,
        )
        self.orders: Orders = WooCommerceOrders(self._site)
        self.hooks: Hooks = WooCommerceHooks(self._site, webhook_secret, levels=watch_levels)

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        """Write levels; `key` is not needed, for the same absolute level may be set twice.

        Takes a variation over from its parent's stock, and an unmanaged product into management: both are
        sent with every level. Where one batch failed as a whole the call raises, and may be repeated. Batches of
        an `urgent` call are let in before those of others that wait; one that is under way is not cut off.
        """
        assert len(writes) <= ROWS_MAX, f"at most {ROWS_MAX} levels in one call, got {len(writes)}"
        assert all(write.key.place == NO_PLACE for write in writes), "WooCommerce knows no locations"
        results = await Delivery(self._site, self._size, writes, urgent=urgent).deliver()
        self._note_pace()
        return results

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        """Never called, for `capabilities.changes` is False: WooCommerce's `inventory_delta` is not exactly once."""
        raise AssertionError(f"{self.name}: WooCommerce has no relative change that is exactly once")

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What the shop shows. A product that is not managed, or whose parent keeps the stock, shows None."""
        shown = await reads.read_levels(self._site, keys)
        self._note_pace()
        return shown

    def walk_levels(self, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        """Every level by pages of 100, as many at once as the shop bears; there are no places to choose from.

        A variation whose parent keeps the stock states None, with a problem that says so.
        """
        return walk.levels(self._site)

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        """Make products and variations private, or public again; a variation can be hidden alone."""
        return await hiding.set_hidden(self._site, items, hidden)

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
