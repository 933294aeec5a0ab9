"""Reconciliation: read every channel back, explain each difference, repair it or stop the sale, record, report."""

import asyncio
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)

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
    from workflows.search import attributes, begun, ended, table

T = TypeVar("T")


@workflow.defn
class Reconciliation:
    """One read-back of all channels. One that does not answer does not stop the others."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str]] = []

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
            await self._step("record_reconciliation", closing, None)
            raise

    async def _run(self, own: str, request: ReconcileRequest) -> ReconcileResult:
        setup = await self._step(
            "begin_reconciliation",
            BeginReconciliation(reconciliation_id=own, request=request),
            ReconcileSetup,
        )
        channels = await asyncio.gather(*(self._read_back(back, request) for back in setup.channels))
        result = _result(own, list(channels))
        await self._step(
            "record_reconciliation",
            RecordReconciliation(reconciliation_id=own, status=result.status, summary=result.summary),
            None,
        )
        await self._report(own)
        ended(result.status, sum(channel.open for channel in channels))
        if result.status == "failed":
            raise ApplicationError(result.summary, type="ReconciliationFailed", non_retryable=True)
        return result

    async def _read_back(self, back: ChannelReadBack, request: ReconcileRequest) -> ReadBackResult:
        """A whole read-back of a channel is one at a time; who only wants some SKUs need not wait for it."""
        self._tell(back.channel, "running")
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
        self._tell(back.channel, _sentence(result))
        return result

    async def _report(self, own: str) -> None:
        """Tell people. That nobody could be told is in the history, and is no reason to fail."""
        try:
            await workflow.execute_activity(
                "report_reconciliation",
                ReportReconciliation(reconciliation_id=own),
                start_to_close_timeout=policies.REPORT_STEP,
                retry_policy=policies.REPORT_RETRY,
                summary="tell Slack, where something drifted",
            )
        except ActivityError as error:
            workflow.logger.warning("the report of %s was not delivered: %s", own, reason_of(error))

    async def _step(self, name: str, argument: object, result_type: type[T] | None) -> T:
        found: T = await workflow.execute_activity(
            name,
            argument,
            result_type=result_type,
            start_to_close_timeout=policies.LEDGER_STEP,
            retry_policy=policies.LEDGER_RETRY,
        )
        return found

    def _tell(self, who: str, what: str) -> None:
        self._lines = [line for line in self._lines if line[0] != who] + [(who, what)]
        workflow.set_current_details(table(("", "how it stands"), self._lines))


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
        summary="; ".join(f"{channel.channel} {_sentence(channel)}" for channel in channels) + ".",
        channels=channels,
    )


def _status(states: set[str]) -> ReconcileStatus:
    if states == {"failed"}:
        return "failed"
    if states & {"failed", "held", "skipped"}:
        return "partial"
    return "drift" if "drift" in states else "clean"
