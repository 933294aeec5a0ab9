"""ChannelSync: bring one channel to its targets, planning ahead of the pushes, in chunks, in constant memory."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import (
        ChannelResult,
        ChannelSyncState,
        Chunk,
        ChunkResult,
        FinishChannel,
        PlannedPage,
        PlanPage,
        StartSkuUpdates,
        Weighed,
        WeighRun,
        channel_task_queue,
    )
    from workflows import policies
    from workflows.failures import PAUSED, category_of, reason_of
    from workflows.search import ended, table

PAGES_AHEAD = 2
"""Pages of the plan laid down before the pushes have used them up, so that a push never waits for planning."""

VERIFY_WINDOW = 2
"""Chunks being read back at the same time, beside the pushes of those after them."""


class RunHeldError(Exception):
    """The run would change too much of the channel at once; its message says why, and what to do."""


@workflow.defn
class ChannelSync:
    """One channel of a run. Planning says which levels to look at; each push decides anew what to send.

    Planning says, too, whether so much may have to change that all of it is counted before any of it is sent.
    """

    @workflow.init
    def __init__(self, state: ChannelSyncState) -> None:
        self._state = state
        self._queue = channel_task_queue(state.plan.name)
        self._running: list[asyncio.Task[None]] = []  # a list: the order of a set is not replayed
        self._proving: list[asyncio.Task[None]] = []
        self._proofs = asyncio.Semaphore(VERIFY_WINDOW)
        self._planning: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, state: ChannelSyncState) -> ChannelResult:
        """Run to the end of the plan; fails, with the reason, only when the channel as a whole does."""
        try:
            await self._drive()
        except RunHeldError as held:
            return await self._hold(str(held))
        except ActivityError as error:
            await self._stop()
            reason = reason_of(error)
            if category_of(error) == PAUSED:
                return await self._skip(reason)
            await self._finish("failed", reason)
            ended("failed", self._state.failed)
            raise ApplicationError(reason, type=category_of(error), non_retryable=True) from error
        if self._work_left():
            workflow.continue_as_new(self._state)
        if self._state.failed:
            await self._start_sku_updates()
        result = await self._finish(None, self._state.notice)
        ended(result.status, result.failed)
        return result

    async def _hold(self, why: str) -> ChannelResult:
        await self._stop()
        result = await self._finish("held", why)
        ended(result.status, result.failed)
        workflow.set_current_details(f"**{self._state.plan.name}** is {why}")
        return result

    # The window: plan ahead, push in parallel, until done or until the history is long enough.

    async def _drive(self) -> None:
        self._show()
        while True:
            if not self._history_is_long():
                self._take_up_work()
            waiting = self._under_way()
            if not waiting:
                return
            done, _ = await workflow.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task is self._planning:
                    self._planning = None
                else:
                    (self._running if task in self._running else self._proving).remove(task)
                task.result()
            self._show()

    def _under_way(self) -> list[asyncio.Task[None]]:
        planning = [self._planning] if self._planning else []
        return [*self._running, *planning, *self._proving]

    def _take_up_work(self) -> None:
        state = self._state
        ahead = state.planned - state.taken
        if self._planning is None and state.cursor is not None and ahead < PAGES_AHEAD * state.page_listings:
            self._planning = asyncio.create_task(self._plan())
        while len(self._running) < state.plan.steps_at_once and (chunk := self._next_chunk()):
            self._running.append(asyncio.create_task(self._push(chunk)))

    def _next_chunk(self) -> Chunk | None:
        """The next levels of a whole step, in full bulk calls; fewer only when planning is over."""
        state = self._state
        size = min(state.plan.step_levels, state.planned - state.taken)
        if size == 0 or (size < state.plan.step_levels and state.cursor is not None):
            return None
        chunk = Chunk(
            run_id=state.run_id,
            channel=state.plan.name,
            first=state.taken,
            last=state.taken + size - 1,
            full=state.full,
        )
        self._update(taken=state.taken + size)
        return chunk

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= self._state.history_events_max
        )

    def _work_left(self) -> bool:
        return self._state.cursor is not None or self._state.taken < self._state.planned

    async def _stop(self) -> None:
        """Let go of what is under way; its levels stay pending and the next run takes them up."""
        tasks = self._under_way()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # The steps.

    async def _plan(self) -> None:
        state = self._state
        assert state.cursor is not None
        page = await workflow.execute_activity(
            "plan_levels",
            PlanPage(
                run_id=state.run_id,
                channel=state.plan.name,
                cursor=state.cursor,
                first=state.planned,
                levels_before=state.levels,
                listings=self._page_listings(),
                full=state.full,
                skus=state.skus,
                weighed=state.weighed,
            ),
            result_type=PlannedPage,
            task_queue=self._queue,
            start_to_close_timeout=policies.LEDGER_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.LEDGER_RETRY,
            summary=f"plan from level {state.levels}",
        )
        if page.weigh:
            await self._weigh()
        now = self._state
        self._update(
            cursor=page.cursor,
            levels=now.levels + page.levels,
            planned=now.planned + page.planned,
            unchanged=now.unchanged + page.levels - page.planned,
        )

    async def _weigh(self) -> None:
        """Nothing of the page is taken up before all that the run wants to do is counted. Raises RunHeldError."""
        weighed = await workflow.execute_activity(
            "weigh_run",
            WeighRun(run_id=self._state.run_id, channel=self._state.plan.name),
            result_type=Weighed,
            task_queue=self._queue,
            start_to_close_timeout=policies.READ_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.LEDGER_RETRY,
            summary="count what would change",
        )
        if weighed.held:
            raise RunHeldError(weighed.held)
        self._update(weighed=True, notice=weighed.notice)

    def _page_listings(self) -> int:
        """The first page is only as long as the first calls need, so that they go out at once."""
        state = self._state
        if state.levels:
            return state.page_listings
        return min(state.page_listings, state.plan.step_levels * (state.plan.steps_at_once - 1))

    async def _push(self, chunk: Chunk) -> None:
        outcome = await workflow.execute_activity(
            "push_levels",
            chunk,
            result_type=ChunkResult,
            task_queue=self._queue,
            activity_id=f"push-{chunk.channel}-{chunk.first}",
            start_to_close_timeout=policies.PUSH_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.PUSH_RETRY,
            summary=f"{chunk.channel} levels {chunk.first + 1} to {chunk.last + 1}",
        )
        now = self._state
        self._update(
            changed=now.changed + outcome.changed,
            unchanged=now.unchanged + outcome.unchanged,
            failed=now.failed + outcome.failed,
        )
        if outcome.changed and not now.plan.echoes:
            self._proving.append(asyncio.create_task(self._prove(chunk)))

    async def _prove(self, chunk: Chunk) -> None:
        """Where an answer proves nothing, read back what was written once it had time to show.

        Beside the pushes of the chunks after it: the channel's part then ends one read after its last write.
        """
        await workflow.sleep(
            timedelta(seconds=self._state.plan.visible_after_seconds), summary="until writes can be seen"
        )
        async with self._proofs:
            lost = await workflow.execute_activity(
                "verify_levels",
                chunk,
                result_type=ChunkResult,
                task_queue=self._queue,
                activity_id=f"verify-{chunk.channel}-{chunk.first}",
                start_to_close_timeout=policies.PUSH_STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.PUSH_RETRY,
                summary=f"{chunk.channel} read back {chunk.first + 1} to {chunk.last + 1}",
            )
        now = self._state
        self._update(changed=now.changed - lost.failed, failed=now.failed + lost.failed)

    async def _start_sku_updates(self) -> None:
        await workflow.execute_activity(
            "start_sku_updates",
            StartSkuUpdates(
                run_id=self._state.run_id,
                channel=self._state.plan.name,
                attempts=self._state.sku_update_attempts,
            ),
            start_to_close_timeout=policies.PUSH_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.LEDGER_RETRY,
            summary=f"{self._state.failed} levels get updates of their own",
        )

    async def _skip(self, reason: str) -> ChannelResult:
        """Paused: what is not told yet stays pending, and the publisher tells it when the channel is resumed."""
        result = await self._finish("skipped", reason)
        ended(result.status, result.failed)
        return result

    async def _finish(self, status: str | None, message: str) -> ChannelResult:
        result: ChannelResult = await workflow.execute_activity(
            "finish_channel",
            FinishChannel.model_validate(
                {
                    "run_id": self._state.run_id,
                    "channel": self._state.plan.name,
                    "status": status,
                    "message": message,
                }
            ),
            result_type=ChannelResult,
            start_to_close_timeout=policies.LEDGER_STEP,
            retry_policy=policies.LEDGER_RETRY,
        )
        return result

    # State and what people see of it.

    def _update(self, **changes: object) -> None:
        self._state = self._state.model_copy(update=changes)

    def _show(self) -> None:
        state = self._state
        planning = "done" if state.cursor is None else "under way"
        done = state.changed + state.failed + state.unchanged
        workflow.set_current_details(
            table(
                ("levels", "number"),
                [
                    ("looked at", f"{state.levels} (planning {planning})"),
                    ("done", done),
                    ("changed", state.changed),
                    ("unchanged", state.unchanged),
                    ("failed", state.failed),
                ],
            )
            + f"\n\nEvery failed level, with the reason: `onhand runs show {state.run_id}`"
        )
