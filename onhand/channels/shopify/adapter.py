"""The Shopify channel: the promise of `Channel`, kept by the modules beside this one."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import httpx

from onhand.channels.base import (
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
from onhand.channels.pacing import Clock, Sleep
from onhand.channels.shopify import changes, checks, discovery, walk
from onhand.channels.shopify.admin import Admin
from onhand.channels.shopify.asked_orders import AskedOrders
from onhand.channels.shopify.hiding import Hiding
from onhand.channels.shopify.hooks import ShopifyHooks
from onhand.channels.shopify.paging import PAGE_VARIANTS
from onhand.channels.shopify.reads import Reads
from onhand.channels.shopify.rounds import BULK_SIZE, Rounds
from onhand.channels.shopify.tokens import TokenProvider
from onhand.channels.shopify.writes import SetQuantities

API_VERSION = "2026-10"
CONCURRENCY = 4
"""Calls of `set_levels` at once. A standard plan is spent by one or two; larger plans have room for more."""
CALLS_A_STEP = 4
"""Reading and writing four times 250 levels costs 192 points, which a standard plan restores in two seconds."""


class Shopify:
    """One Shopify shop.

    `base_url` is the shop's own address (https://<shop>.myshopify.com), `token` hands out access tokens,
    `places` are the location ids whose levels are ours to write. `clock` is monotonic seconds; it and
    `sleep` are replaced together in tests.
    `watch_levels`: whether webhooks are to tell of levels, besides orders.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        token: TokenProvider,
        places: Sequence[str],
        *,
        api_version: str = API_VERSION,
        watch_levels: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(
            bulk_size=BULK_SIZE,
            concurrency=CONCURRENCY,
            write_kind=WriteKind.COMPARE_AND_SET,
            places=True,
            echoes=True,
            changes=True,
            calls_a_step=CALLS_A_STEP,
            walk_size=PAGE_VARIANTS,
            hides=True,
            hides_products=True,
        )
        self.meter = Meter()
        self.places = tuple(places)
        self._admin = Admin(
            name,
            base_url,
            api_version,
            token,
            meter=self.meter,
            transport=transport,
            clock=clock,
            sleep=sleep,
        )
        self._reads = Reads(self._admin)
        self._rounds = Rounds(self._admin, self._reads)
        self._set_quantities = SetQuantities(self._admin)
        self._hiding = Hiding(self._admin)
        self.orders: Orders = AskedOrders(self._admin)
        self.hooks: Hooks = ShopifyHooks(self._admin, levels=watch_levels)

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        """Set up to 250 levels where the shop still shows what we believe; see `Channel.set_levels`.

        A write without `shown` is answered STALE unsent: a blind set would undo sales not heard of yet.
        The exception is an item seen untracked: tracking is turned on and its level read first.
        """
        return await self._rounds.run(self._set_quantities, writes, key, urgent=urgent)

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        """Change up to 250 levels by what each is off, exactly once per key; see `Channel.change_levels`.

        A write that changes nothing is accepted unsent, without an echo. Where an earlier call with the key has
        failed, the levels are answered STALE with nothing sent twice: they have to be read.
        """
        return await changes.change_levels(self._admin, self._rounds, writes, key, urgent=urgent)

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """What the shop shows; cheapest when neighbours in the order of `RemoteItem.sort_key` come together."""
        return await self._reads.levels(keys)

    def walk_levels(self, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        """Every level by pages of 250 variants, with tracking, inventory policy and the product's status.

        57 points a page for one place, 22 more for each further one; see `Channel.walk_levels`.
        """
        return walk.levels(self._admin, places)

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        """Make whole products drafts, or what they were before; see `Channel.set_hidden` and `Hiding`."""
        return await self._hiding.set_hidden(items, hidden)

    async def discover(self) -> AsyncIterator[list[RemoteItem]]:
        """Every variant of the shop, page by page; what is untracked is remembered for the first write."""
        async for page in discovery.variants(self._admin):
            for variant in page:
                self._reads.note_tracking(variant["inventoryItem"]["id"], variant["inventoryItem"]["tracked"])
            yield [discovery.remote_item(variant) for variant in page]

    async def check(self) -> list[Finding]:
        """Reachability, token, scopes, API version, and each of our locations."""
        return await checks.findings(self._admin, self.places)

    async def aclose(self) -> None:
        """Close connections."""
        await self._admin.aclose()
