"""OrderSweep: polls the orders of one channel, so that a lost webhook costs minutes and not an oversell."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from onhand.messages import SweepRequest, SweepResult, channel_task_queue
    from workflows import policies

HOOKS_EVERY_MINUTES = 10
"""How often the subscriptions are looked at: platforms switch them off after failures, without a word."""


@workflow.defn
class OrderSweep:
    """What it finds goes through the inbox, as a webhook does."""

    @workflow.run
    async def run(self, request: SweepRequest) -> SweepResult:
        """Sweep once; fails where the channel does not answer, and the next sweep reads from where this one began."""
        hooks = workflow.now().minute % HOOKS_EVERY_MINUTES == 0
        result: SweepResult = await workflow.execute_activity(
            "sweep_orders",
            request.model_copy(update={"look_at_hooks": request.look_at_hooks or hooks}),
            result_type=SweepResult,
            task_queue=channel_task_queue(request.channel),
            start_to_close_timeout=policies.SWEEP_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.SWEEP_RETRY,
            summary=f"{request.channel}: orders changed since the last sweep",
            priority=policies.SKU_UPDATE_PRIORITY,
        )
        return result
