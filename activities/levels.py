"""The steps of one channel: plan its levels, push them, read them back, give failing SKUs updates of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

from activities.beating import heartbeats
from activities.errors import sorted_errors
from onhand import guard, publish, read_back
from onhand.channels.base import Channel
from onhand.channels.together import each
from onhand.domain.guard import Limits
from onhand.domain.listings import RuleBook
from onhand.domain.targets import all_targets
from onhand.ledger import holds, levels, runs, work
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure, ListingCursor
from onhand.ledger.runs import PlannedLevel
from onhand.messages import (
    SYNC_TASK_QUEUE,
    Chunk,
    ChunkResult,
    Cursor,
    ParkSku,
    PlannedPage,
    PlanPage,
    SkuUpdateRequest,
    StartSkuUpdates,
    Weighed,
    WeighRun,
    sku_update_id,
)
from onhand.waking import wake_publishers
from workflows.failures import PAUSED
from workflows.policies import SKU_UPDATE_PRIORITY
from workflows.search import attributes

STARTS_AT_ONCE = 8
"""Workflows being started at the same time; the server, not we, is what takes time."""


async def require_not_paused(pool: Pool, channel: str) -> None:
    """Raise where an operator has paused the channel: a step that would tell it something does nothing."""
    hold = (await work.holds(pool, [channel])).get(channel)
    if hold is not None and hold.pause:
        raise ApplicationError(
            f"{hold.pause}; go on with: onhand channels resume {channel}", type=PAUSED, non_retryable=True
        )


@dataclass(frozen=True)
class LevelSteps:
    """What needs the ledger and the channels, and Temporal for its signals."""

    pool: Pool
    client: Client
    channels: Mapping[str, Channel]
    rules: RuleBook
    limits: Limits

    @activity.defn
    async def plan_levels(self, page: PlanPage) -> PlannedPage:
        """Lay down which of the next listings have to be told something; a repeated page replaces itself.

        Says, too, whether all of it has to be counted first. A run of SKUs that a person named is never too much.
        """
        await require_not_paused(self.pool, page.channel)
        async with heartbeats():
            return await self._plan(page)

    async def _plan(self, page: PlanPage) -> PlannedPage:
        cursor = ListingCursor(page.cursor.sort_key, page.cursor.listing_id)
        if page.first == 0 and cursor == ListingCursor():
            places = self.rules.channels[page.channel].places
            await runs.start_channel(self.pool, page.run_id, page.channel, page.skus)
            await levels.ensure_levels(self.pool, page.channel, list(places))
        weigh = False
        if page.skus is None and not page.weighed:
            weigh = await guard.glance(self.pool, page.channel, self.limits, self._rules_digest)
        ids, onward = await levels.listing_page(self.pool, page.channel, cursor, page.listings, page.skus)
        if page.skus is not None:
            await holds.let_named_through(self.pool, ids)
        states = await levels.listing_states(self.pool, page.channel, ids, siblings=self.rules.needs_siblings)
        targets = all_targets(states, self.rules)
        plan = [(t.state.listing_id, t.place) for t in targets if page.full or t.differs]
        await runs.save_plan_page(
            self.pool, page.run_id, page.channel, page.first, page.levels_before + len(targets), plan
        )
        return PlannedPage(
            cursor=onward and Cursor(sort_key=onward.sort_key, listing_id=onward.listing_id),
            levels=len(targets),
            planned=len(plan),
            weigh=weigh,
        )

    @cached_property
    def _rules_digest(self) -> str:
        return guard.digest_of(self.rules)

    @activity.defn
    async def weigh_run(self, run: WeighRun) -> Weighed:
        """Count what a run would do to its channel; where that is too much, it is held until a person releases it."""
        async with heartbeats():
            held, notice = await guard.look_at_run(
                self.pool, run.channel, self.rules, self.limits, run.run_id
            )
        return Weighed(held=held.message if held else "", notice=notice)

    @activity.defn
    async def push_levels(self, chunk: Chunk) -> ChunkResult:
        """Bring one chunk's levels to their targets of this moment; what is already done is not done again."""
        await require_not_paused(self.pool, chunk.channel)
        planned = await runs.planned_levels(self.pool, chunk.run_id, chunk.channel, chunk.first, chunk.last)
        can = self.channels[chunk.channel].capabilities
        calls = [planned[at : at + can.bulk_size] for at in range(0, len(planned), can.bulk_size)]

        async def push(call: Sequence[PlannedLevel]) -> None:
            async with self._under_way[chunk.channel]:
                await self._push(chunk, call)

        async with heartbeats(), sorted_errors():
            await each(calls, push, at_once=can.concurrency)
        done = await runs.chunk_outcome(self.pool, chunk.run_id, chunk.channel, chunk.first, chunk.last)
        return ChunkResult(changed=done.changed, unchanged=done.unchanged, failed=done.failed)

    async def _push(self, chunk: Chunk, planned: Sequence[PlannedLevel]) -> None:
        """One bulk call's worth: decided, sent and recorded by itself."""
        errand = publish.Errand(
            run_id=chunk.run_id,
            positions={(p.listing_id, p.place): p.position for p in planned},
            attempt=activity.info().attempt,
            distrust=chunk.full,
            let_through=True,
        )
        listings = list(dict.fromkeys(p.listing_id for p in planned))
        async with self._waking() as woken:
            await publish.bring_to_targets(
                self.pool, self.channels[chunk.channel], self.rules, listings, errand, woken
            )

    @cached_property
    def _under_way(self) -> Mapping[str, asyncio.Semaphore]:
        """Bulk calls of runs by channel: as many as it wants at once, and one more, prepared meanwhile.

        A level is thus decided, and its book forgotten, shortly before it is sent.
        """
        return {
            name: asyncio.Semaphore(channel.capabilities.concurrency + 1)
            for name, channel in self.channels.items()
        }

    @asynccontextmanager
    async def _waking(self) -> AsyncIterator[set[str]]:
        """Publishers that an answer gave something to do are signalled, also where the channel failed after it."""
        woken: set[str] = set()
        try:
            yield woken
        finally:
            if woken:
                await wake_publishers(self.client, woken)

    @activity.defn
    async def verify_levels(self, chunk: Chunk) -> ChunkResult:
        """Read back what was written without proof; what does not show in time is a lost write and fails.

        Answers the levels found lost as `failed`.
        """
        channel = self.channels[chunk.channel]
        async with heartbeats(), sorted_errors():
            lost = await read_back.prove(
                self.pool, channel, self.rules, chunk.run_id, chunk.first, chunk.last
            )
        return ChunkResult(failed=lost)

    @activity.defn
    async def push_sku(self, request: SkuUpdateRequest) -> None:
        """Bring every listing of one SKU on one channel to its target; raises with the channel's words if refused."""
        await require_not_paused(self.pool, request.channel)
        found = await levels.listings_of_sku(self.pool, request.sku, request.channel)
        errand = publish.Errand(attempt=activity.info().attempt, distrust=True)
        async with heartbeats(), sorted_errors(), self._waking() as woken:
            failures = await publish.bring_sku_to_target(
                self.pool,
                self.channels[request.channel],
                self.rules,
                [listing for listing, _ in found],
                errand,
                woken,
            )
        if failures:
            first = failures[0]
            raise ApplicationError(f"{first.message} {first.advice}".rstrip(), type=first.category)
        ids = [listing for listing, _ in found]
        if await levels.rejoin(self.pool, request.channel, ids, live=True):
            await wake_publishers(self.client, [request.channel])


@dataclass(frozen=True)
class FollowUpSteps:
    """What needs the ledger and Temporal itself."""

    pool: Pool
    client: Client
    updates_max: int

    @activity.defn
    async def start_sku_updates(self, start: StartSkuUpdates) -> int:
        """Start an update for each SKU that failed alone; one that is already being retried is left to it."""
        failures = await runs.run_failures(self.pool, start.run_id, self.updates_max * 4)
        skus = {f.sku: f.message for f in failures if f.channel == start.channel}
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def one(sku: str, reason: str) -> None:
            async with slots:
                await self._start(start, sku, reason)

        async with heartbeats():
            await asyncio.gather(*(one(*item) for item in list(skus.items())[: self.updates_max]))
        return min(len(skus), self.updates_max)

    async def _start(self, start: StartSkuUpdates, sku: str, reason: str) -> None:
        await self.client.start_workflow(
            "SkuUpdate",
            SkuUpdateRequest(
                channel=start.channel, sku=sku, run_id=start.run_id, reason=reason, attempts=start.attempts
            ),
            id=sku_update_id(start.channel, sku),
            task_queue=SYNC_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=attributes(run=start.run_id, channel=start.channel, sku=sku),
            static_summary=f"{start.channel} refused {sku}"[:200],
            priority=SKU_UPDATE_PRIORITY,
            rpc_timeout=timedelta(seconds=10),
        )

    @activity.defn
    async def park_sku(self, park: ParkSku) -> None:
        """Keep the listings of a SKU whose retries are used up as dead letters."""
        for listing, _ in await levels.listings_of_sku(self.pool, park.sku, park.channel):
            failure = Failure(listing, "", park.category, park.message, "")
            await levels.park(self.pool, failure, park.workflow_id)
            await levels.rejoin(self.pool, park.channel, [listing], live=False)
