"""Reconciliation: read every channel back, explain each difference, repair it or stop the sale, record, report."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import (
        BeginReconciliation,
        ChannelReadBack,
        ReadBackResult,
        ReconcileRequest,
        ReconcileResult,
        ReconcileSetup,
        ReconcileStatus,
        RecordReconciliation,
        ReportReconciliation,
        reconcile_id,
    )
    from workflows import policies
    from workflows.channel_reconciliation import ChannelReconciliation
    from workflows.failures import reason_of
    from workflows.search import attributes, begun, ended
    from workflows.steps import Standing, ledger_step, report_step
    from workflows.summaries import summary_of


@workflow.defn
class Reconciliation:
    """One read-back of all channels. One that does not answer does not stop the others."""

    def __init__(self) -> None:
        self._standing = Standing()

    @workflow.run
    async def run(self, request: ReconcileRequest) -> ReconcileResult:
        """Run to the end; an error only where no channel could be read back."""
        own = workflow.info().workflow_id
        begun(request.run_id or own)
        try:
            return await self._run(own, request)
        except asyncio.CancelledError:
            closing = RecordReconciliation(
                reconciliation_id=own, status="failed", summary="cancelled by an operator"
            )
            await ledger_step("record_reconciliation", closing, None)
            raise

    async def _run(self, own: str, request: ReconcileRequest) -> ReconcileResult:
        setup = await ledger_step(
            "begin_reconciliation",
            BeginReconciliation(reconciliation_id=own, request=request),
            ReconcileSetup,
        )
        channels = await asyncio.gather(*(self._read_back(back, request) for back in setup.channels))
        result = _result(own, list(channels))
        await ledger_step(
            "record_reconciliation",
            RecordReconciliation(reconciliation_id=own, status=result.status, summary=result.summary),
            None,
        )
        await report_step(
            "report_reconciliation",
            ReportReconciliation(reconciliation_id=own),
            own,
            "tell Slack, where something drifted",
        )
        ended(result.status, sum(channel.open for channel in channels))
        if result.status == "failed":
            raise ApplicationError(result.summary, type="ReconciliationFailed", non_retryable=True)
        return result

    async def _read_back(self, back: ChannelReadBack, request: ReconcileRequest) -> ReadBackResult:
        """A whole read-back of a channel is one at a time; who only wants some SKUs need not wait for it."""
        self._standing.tell(back.channel, "running")
        own = workflow.info().workflow_id
        try:
            result = await workflow.execute_child_workflow(
                ChannelReconciliation.run,
                back,
                id=reconcile_id(back.channel) if back.skus is None else f"{own}/{back.channel}",
                search_attributes=attributes(run=request.run_id or own, channel=back.channel),
                static_summary=f"{back.channel}: what it shows, held against what we believe",
                priority=policies.FULL_SYNC_PRIORITY,
            )
        except WorkflowAlreadyStartedError:
            result = ReadBackResult(
                channel=back.channel, status="skipped", message="another read-back of it is under way"
            )
        except ChildWorkflowError as error:
            result = ReadBackResult(channel=back.channel, status="failed", message=reason_of(error))
        self._standing.tell(back.channel, _sentence(result))
        return result


def _sentence(result: ReadBackResult) -> str:
    if result.status == "held":
        return result.message.rstrip(".")
    if result.status in ("failed", "skipped"):
        return f"{result.status}: {result.message.rstrip('.')}"
    said = f"{result.levels} levels read back, {result.suspects} looked at again, {result.drifts} drifted"
    halted = f", {result.halted} halted" if result.halted else ""
    return said + halted + (f", {result.open} still open" if result.drifts else "")


def _result(own: str, channels: list[ReadBackResult]) -> ReconcileResult:
    return ReconcileResult(
        reconciliation_id=own,
        status=_status({channel.status for channel in channels}),
        summary=summary_of([], {channel.channel: _sentence(channel) for channel in channels}),
        channels=channels,
    )


def _status(states: set[str]) -> ReconcileStatus:
    if states == {"failed"}:
        return "failed"
    if states & {"failed", "held", "skipped"}:
        return "partial"
    return "drift" if "drift" in states else "clean"
