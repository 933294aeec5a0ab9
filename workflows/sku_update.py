"""SkuUpdate: one SKU on one channel that failed on its own; retried, then parked for an operator."""

from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import ParkSku, SkuUpdateRequest, channel_task_queue
    from workflows import policies
    from workflows.failures import PAUSED, category_of, reason_of
    from workflows.search import ended


SUMMARY_CHARS_MAX = 200


@workflow.defn
class SkuUpdate:
    """Brings every listing of a SKU on one channel to its target of the moment, however long that takes.

    While an operator has paused the channel it waits, and no try is counted.
    """

    @workflow.run
    async def run(self, request: SkuUpdateRequest) -> None:
        """Ends Completed when the channel shows the target, Failed (and parked) when the retries are used up."""
        workflow.set_current_details(
            f"**{request.channel}** refused **{request.sku}**: {request.reason}\n\n"
            "Tried again on its own; the pending activity shows the latest answer. "
            f"`onhand explain {request.sku} --channel {request.channel}` tells the whole story."
        )
        waited = timedelta(seconds=request.look_seconds)
        while True:
            try:
                await self._push(request)
            except ActivityError as error:
                if category_of(error) != PAUSED:
                    await self._give_up(request, error)
                await workflow.sleep(waited, summary=reason_of(error)[:SUMMARY_CHARS_MAX])
                waited = min(2 * waited, policies.PAUSED_LONGEST)
                if workflow.info().is_continue_as_new_suggested():
                    workflow.continue_as_new(request)
            else:
                ended("success", 0)
                return

    async def _push(self, request: SkuUpdateRequest) -> None:
        await workflow.execute_activity(
            "push_sku",
            request,
            task_queue=channel_task_queue(request.channel),
            activity_id="push-sku",
            start_to_close_timeout=policies.PUSH_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=RetryPolicy(
                initial_interval=policies.SKU_RETRY_FIRST,
                maximum_interval=policies.SKU_RETRY_LONGEST,
                maximum_attempts=request.attempts,
            ),
            summary=f"{request.sku} on {request.channel}",
            priority=policies.SKU_UPDATE_PRIORITY,
        )

    async def _give_up(self, request: SkuUpdateRequest, error: ActivityError) -> NoReturn:
        await self._park(request, error)
        ended("failed", 1)
        raise ApplicationError(
            f"{reason_of(error)} Parked after {request.attempts} attempts. When it is mended: "
            f"onhand sync --sku {request.sku} --channel {request.channel}",
            type=category_of(error),
            non_retryable=True,
        ) from error

    async def _park(self, request: SkuUpdateRequest, error: ActivityError) -> None:
        await workflow.execute_activity(
            "park_sku",
            ParkSku(
                channel=request.channel,
                sku=request.sku,
                workflow_id=workflow.info().workflow_id,
                category=category_of(error),
                message=reason_of(error),
            ),
            start_to_close_timeout=policies.LEDGER_STEP,
            retry_policy=policies.LEDGER_RETRY,
        )
