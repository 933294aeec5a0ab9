"""ChannelReconciliation: walk one channel, hear what was sold, look again at what differs, judge, answer, prove."""

from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import (
        ChannelReadBack,
        FinishReadBack,
        JudgedSuspects,
        JudgeSuspects,
        ReadBackResult,
        WalkedLevels,
        Weighed,
        channel_task_queue,
    )
    from workflows import policies
    from workflows.failures import category_of, reason_of
    from workflows.search import ended, table

T = TypeVar("T")


@workflow.defn
class ChannelReconciliation:
    """One channel of a read-back. The catalogue is in Postgres; a few events tell how far it has come."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, object]] = []
        self._began: datetime | None = None
        self._held = ""

    @workflow.run
    async def run(self, back: ChannelReadBack) -> ReadBackResult:
        """Run to the end; fails, with the reason, where the channel as a whole does."""
        try:
            await self._drive(back)
        except ActivityError as error:
            reason = reason_of(error)
            await self._finish(back, reason)
            ended("failed", 0)
            raise ApplicationError(reason, type=category_of(error), non_retryable=True) from error
        result = await self._finish(back, "")
        ended(result.status, result.open)
        if self._held:
            workflow.set_current_details(f"**{back.channel}** is {self._held}")
        return result

    async def _drive(self, back: ChannelReadBack) -> None:
        walked = await self._step(
            "walk_levels", back, back, WalkedLevels, policies.WALK_STEP, policies.PUSH_RETRY
        )
        self._began = walked.began
        self._show(levels=walked.levels, suspects=walked.suspects)
        if not walked.suspects:
            return
        heard = await self._hear(back)
        if walked.weigh:
            weighed = await self._step(
                "weigh_suspects", back, back, Weighed, policies.LEDGER_STEP, policies.LEDGER_RETRY
            )
            if weighed.held:
                # Before it is looked at again: what a channel answers then is believed.
                self._held = weighed.held
                return
        wrong = await self._step("look_again", back, back, int, policies.WALK_STEP, policies.PUSH_RETRY)
        self._show(wrong=wrong)
        if wrong and back.listens:
            # What fell may have been sold in the moment before it was read.
            await workflow.sleep(
                timedelta(seconds=back.settle_seconds), summary="until what was sold is heard of"
            )
            heard = await self._hear(back)
        judging = JudgeSuspects(back=back, began=walked.began, heard=heard)
        judged = await self._step(
            "judge_suspects", back, judging, JudgedSuspects, policies.WALK_STEP, policies.PUSH_RETRY
        )
        self._show(drifted=judged.drifts, halted=judged.halted, widened=judged.widened, **judged.causes)
        if judged.pushed or judged.widened or judged.halted:
            left = await self._step(
                "prove_repairs", back, judging, int, policies.PUSH_STEP, policies.PUSH_RETRY
            )
            self._show(open=left)

    async def _hear(self, back: ChannelReadBack) -> bool:
        if not back.listens:
            return True
        return await self._step("hear_sales", back, back, bool, policies.SWEEP_STEP, policies.SWEEP_RETRY)

    async def _step(
        self,
        name: str,
        back: ChannelReadBack,
        argument: object,
        result_type: type[T],
        timeout: timedelta,
        retry: RetryPolicy,
    ) -> T:
        """One step on the channel's own queue, where its connection and its budget are."""
        found: T = await workflow.execute_activity(
            name,
            argument,
            result_type=result_type,
            task_queue=channel_task_queue(back.channel),
            start_to_close_timeout=timeout,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=retry,
            summary=f"{back.channel}: {name.replace('_', ' ')}",
        )
        return found

    async def _finish(self, back: ChannelReadBack, failed: str) -> ReadBackResult:
        return await self._step(
            "finish_read_back",
            back,
            FinishReadBack(back=back, began=self._began, failed=failed, held=self._held),
            ReadBackResult,
            policies.LEDGER_STEP,
            policies.LEDGER_RETRY,
        )

    def _show(self, **numbers: object) -> None:
        self._lines += [(name.replace("_", " "), number) for name, number in numbers.items()]
        workflow.set_current_details(
            table(("levels", "number"), self._lines) + "\n\nEach of them: `onhand drift list`"
        )
