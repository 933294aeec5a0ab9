"""The BigCommerce channel: one writer per store, bulk absolute levels, bulk reads.

An absolute adjustment is applied asynchronously: 200 and a transaction id mean "accepted", no endpoint
tells the result, and reads show the new level seconds later. So nothing echoes, and what was written
is read back by the caller.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

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
    Outcome,
    RemoteItem,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.bigcommerce import catalogue, fetching, health, hiding, hooks, reading, walk
from onhand.channels.bigcommerce.entries import Entry, adjustment, is_number, sort_writes
from onhand.channels.bigcommerce.isolating import Settled, settle
from onhand.channels.bigcommerce.reading import Reader
from onhand.channels.bigcommerce.refusals import REFUSED, Refusal, advice_for, refusal_in
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelError, NewKeyRetry, RowRejected, SameKeyRetry
from onhand.channels.http import json_body
from onhand.channels.line import Line

ABSOLUTE = "/v3/inventory/adjustments/absolute"
SCOPE = "store_inventory"
BULK_MAX = 2_000
"""Entries of one absolute adjustment (OpenAPI: "Limit of 2000 items for payload length")."""
HEAD_START_SECONDS = 0.02
"""Whoever waits to write goes on the wire before this answer is worked through. That takes it several turns of the
event loop, not one, and working through 2,000 levels holds the loop: a store waited 0.06 s for each call, not 0.02."""

CAPABILITIES = Capabilities(
    bulk_size=BULK_MAX,
    concurrency=1,
    write_kind=WriteKind.ABSOLUTE,
    places=True,
    echoes=False,
    visible_after_seconds=2.0,
    visible_within_seconds=120.0,
    walk_size=reading.PAGE_MAX,
    hides=True,
)


class BigCommerce:
    """One store. `places` are the location ids it may write to, as text.

    `base_url` is https://api.bigcommerce.com/stores/{store hash}, or a sandbox's address.
    `reserved_share` of the store's request quota is left to the merchant's other apps. `webhook_secrets`: what its
    webhooks carry, the newest first. `clock` is seconds that only grow, `now` seconds since 1970, `sleep` waits that
    many; tests give them, and `transport`.
    `watch_levels`: whether webhooks are to tell of levels, besides orders.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        access_token: str,
        places: Sequence[str],
        *,
        reserved_share: float = 0.25,
        webhook_secrets: Sequence[str] = (),
        watch_levels: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not places or not all(map(is_number, places)):
            raise ValueError(
                f"{name}: places must be BigCommerce location ids such as '1', not {list(places)!r}"
            )
        self.name = name
        self.capabilities = CAPABILITIES
        self.meter = Meter()
        self._places = tuple(places)
        self._writer = Line()
        self._store = Store(
            name,
            base_url,
            access_token,
            self.meter,
            reserved_share=reserved_share,
            transport=transport,
            clock=clock,
            sleep=sleep,
        )
        self._reader = Reader(self._store)
        self.orders: Orders = fetching.Orders(self._store, clock=clock, now=now)
        self.hooks: Hooks = hooks.Hooks(self._store, webhook_secrets, levels=watch_levels)

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        """Write up to 2,000 levels; see `Channel.set_levels`.

        Urgent calls go before those that wait: no level is in two calls at once, or the older could be written
        last. A refused row is REJECTED while its neighbours are sent again; STALE marks rows that were not
        applied because too many others had to be isolated first: they are simply due again.
        """
        assert len(writes) <= BULK_MAX, f"{self.name}: {len(writes)} levels in one call, at most {BULK_MAX}"
        sorted_writes = sort_writes(self.name, writes, frozenset(self._places))

        async def send(entries: Sequence[Entry]) -> Refusal | None:
            return await self._put(entries, key, urgent=urgent)

        # Concurrent absolutes for one level are applied in an order nobody can know, so the next call
        # waits for the last answer of this one.
        async with self._writer.turn(urgent=urgent):
            settled = await settle(sorted_writes.entries, send)
        await asyncio.sleep(HEAD_START_SECONDS)
        outcomes = self._outcomes(settled)
        for position, error in sorted_writes.rejected.items():
            outcomes[position] = (Outcome.REJECTED, error)
        return [
            WriteResult(write, outcomes[position][0], error=outcomes[position][1])
            for position, write in enumerate(writes)
        ]

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        """Not to be called (`capabilities.changes`): a relative adjustment has no key, sent again it counts twice."""
        raise AssertionError(f"{self.name}: levels are not changed here, they are set (capabilities.changes)")

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        """The stock on hand of each key (not what is left to sell after the store's own safety stock)."""
        return await self._reader.read(keys)

    def walk_levels(self, places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        """Every level by pages of 1,000 items; see `walk.levels` for what of their condition is told.

        A level written less than `visible_within_seconds` ago may still come as it was before.
        """
        return walk.levels(self._store, places)

    async def set_hidden(self, items: Sequence[ItemRef], hidden: bool) -> list[ItemRef]:
        """Take variants or products off sale at all our locations, or put them back."""
        async with self._writer.turn(urgent=True):
            return await hiding.set_hidden(self._store, items, self._places, hidden)

    def discover(self) -> AsyncIterator[list[RemoteItem]]:
        """Variants where stock is tracked by variant, products where it is tracked by product."""
        return catalogue.walk(self._store)

    async def check(self) -> list[Finding]:
        """Reachability, token, scopes, locations, and settings that change what a level means."""
        return await health.check(self._store, self._places, self._probe_write)

    async def aclose(self) -> None:
        """Close connections."""
        await self._store.aclose()

    async def _put(self, entries: Sequence[Entry], key: str, *, urgent: bool) -> Refusal | None:
        action = f"set {len(entries)} levels" if len(entries) > 1 else entries[0].action
        content = adjustment(entries, key)
        response = await self._store.send("PUT", ABSOLUTE, content, action, SCOPE, REFUSED, urgent=urgent)
        if response.status_code in REFUSED:
            return refusal_in(response)
        body = json_body(response, self.name, action)
        if not (isinstance(body, dict) and body.get("transaction_id")):
            raise SameKeyRetry(
                self.name, action, "the answer names no transaction", status=response.status_code
            )
        return None

    async def _probe_write(self) -> None:
        """Adjust nothing: refused as empty where writing is allowed, and with 403 where it is not."""
        async with self._writer.turn():
            action = "write nothing, to see whether it may"
            await self._store.send("PUT", ABSOLUTE, adjustment((), "check"), action, SCOPE, REFUSED)

    def _outcomes(self, settled: Settled[Entry]) -> dict[int, tuple[Outcome, ChannelError | None]]:
        outcomes: dict[int, tuple[Outcome, ChannelError | None]] = {}
        for entry in settled.accepted:
            outcomes.update((position, (Outcome.ACCEPTED, None)) for position in entry.positions)
        for entry, refusal in settled.refused:
            error = self._rejected(entry, refusal)
            outcomes.update((position, (Outcome.REJECTED, error)) for position in entry.positions)
        for entry in settled.unsettled:
            postponed = self._postponed(entry, len(settled.refused))
            outcomes.update((position, (Outcome.STALE, postponed)) for position in entry.positions)
        return outcomes

    def _rejected(self, entry: Entry, refusal: Refusal) -> RowRejected:
        return RowRejected(
            self.name, entry.action, refusal.said, advice=advice_for(refusal), status=refusal.status
        )

    def _postponed(self, entry: Entry, refused: int) -> NewKeyRetry:
        said = f"not sent again: {refused} other levels of the same call were refused and isolated first"
        return NewKeyRetry(self.name, entry.action, said, advice="Onhand sends it again without them.")
