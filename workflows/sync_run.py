"""SyncRun: read the source, load the mapping, bring every channel to its targets, record, report."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import (
        BeginRun,
        ChannelPlan,
        ChannelResult,
        ChannelSyncState,
        FetchSource,
        LoadMapping,
        MappingResult,
        ReconcileRequest,
        RecordResult,
        Report,
        RunSetup,
        SourceResult,
        Status,
        SyncRequest,
        SyncResult,
        channel_task_queue,
    )
    from workflows import policies
    from workflows.channel_sync import ChannelSync
    from workflows.failures import reason_of
    from workflows.reconciliation import Reconciliation
    from workflows.search import attributes, begun, ended
    from workflows.steps import Standing, ledger_step, report_step
    from workflows.summaries import summary_of

NOTICES_SHOWN = 3


@workflow.defn
class SyncRun:
    """One run over all channels. A dead channel, or a dead source, does not stop the others."""

    def __init__(self) -> None:
        self._standing = Standing()

    @workflow.run
    async def run(self, request: SyncRequest) -> SyncResult:
        """Run to the end; partial when something failed, an error only when nothing could be done."""
        run_id = workflow.info().workflow_id
        begun(run_id)
        try:
            return await self._run(run_id, request)
        except asyncio.CancelledError:
            # The record is closed before the run is: what is still pending stays so, for the next run.
            closing = RecordResult(run_id=run_id, status="failed", summary="cancelled by an operator")
            await ledger_step("record_result", closing, None)
            raise

    async def _run(self, run_id: str, request: SyncRequest) -> SyncResult:
        setup = await ledger_step("begin_run", BeginRun(run_id=run_id, request=request), RunSetup)
        source = await self._read_source(run_id, setup, request)
        mappings = await asyncio.gather(*(self._load_mapping(run_id, plan) for plan in setup.channels))
        channels = await asyncio.gather(
            *(self._sync(run_id, setup, plan, request) for plan in setup.channels)
        )
        result = _result(run_id, source, mappings, list(channels))
        await ledger_step(
            "record_result", RecordResult(run_id=run_id, status=result.status, summary=result.summary), None
        )
        await report_step("report", Report(run_id=run_id), run_id, "tell Slack")
        await self._read_back(run_id, setup, request, result.channels)
        ended(result.status, sum(channel.failed for channel in channels))
        if result.status == "failed":
            raise ApplicationError(
                f"{result.summary} See 'onhand runs show {run_id}'.", type="SyncFailed", non_retryable=True
            )
        return result

    async def _read_source(self, run_id: str, setup: RunSetup, request: SyncRequest) -> SourceResult | str:
        """What the source said, or why it could not be read; channels then get what the ledger knows."""
        if not setup.source:
            return SourceResult()
        self._standing.tell(setup.source, "reading")
        try:
            found: SourceResult = await workflow.execute_activity(
                "fetch_source",
                FetchSource(run_id=run_id, full=request.full),
                result_type=SourceResult,
                start_to_close_timeout=policies.READ_STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.SOURCE_RETRY,
                summary=f"read {setup.source}",
            )
        except ActivityError as error:
            reason = reason_of(error)
            self._standing.tell(setup.source, f"could not be read: {reason}")
            return f"source {setup.source} could not be read: {reason}"
        self._standing.tell(
            setup.source,
            f"{found.read} rows: {found.posted} posted, {found.unchanged} unchanged, {found.refused} refused",
        )
        return found

    async def _load_mapping(self, run_id: str, plan: ChannelPlan) -> MappingResult:
        try:
            mapping: MappingResult = await workflow.execute_activity(
                "load_mapping",
                LoadMapping(run_id=run_id, channel=plan.name),
                result_type=MappingResult,
                task_queue=channel_task_queue(plan.name),
                start_to_close_timeout=policies.READ_STEP,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.SOURCE_RETRY,
                summary=f"{plan.name}: mapping",
            )
        except ActivityError as error:
            # The listings of before still hold; a run goes on with them and says so.
            return MappingResult(channel=plan.name, warning=f"mapping not refreshed: {reason_of(error)}")
        return mapping

    async def _sync(
        self, run_id: str, setup: RunSetup, plan: ChannelPlan, request: SyncRequest
    ) -> ChannelResult:
        self._standing.tell(plan.name, "running")
        try:
            result = await workflow.execute_child_workflow(
                ChannelSync.run,
                ChannelSyncState(
                    run_id=run_id,
                    plan=plan,
                    full=request.full,
                    skus=request.skus,
                    page_listings=setup.plan_page_listings,
                    history_events_max=setup.history_events_max,
                    sku_update_attempts=setup.sku_update_attempts,
                ),
                id=f"{run_id}/{plan.name}",
                search_attributes=attributes(run=run_id, channel=plan.name),
                static_summary=f"{plan.name}: bring every listing to its target",
                priority=policies.FULL_SYNC_PRIORITY,
            )
        except ChildWorkflowError as error:
            result = ChannelResult(channel=plan.name, status="failed", message=reason_of(error))
        self._standing.tell(plan.name, _sentence(result))
        return result

    async def _read_back(
        self, run_id: str, setup: RunSetup, request: SyncRequest, channels: list[ChannelResult]
    ) -> None:
        """Have the channels that were told something read back, by a child that outlives the run.

        The run is over when its levels are told: it does not wait for a walk over whole accounts, whose end it would
        only repeat, and the next run must not be skipped for it.
        """
        told = [channel.channel for channel in channels if channel.changed]
        if not setup.reconcile or not told:
            return
        await workflow.start_child_workflow(
            Reconciliation.run,
            ReconcileRequest(channels=told, skus=request.skus, trigger="sync", run_id=run_id),
            id=f"{run_id}/reconcile",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=attributes(run=run_id),
            static_summary=f"read back what {run_id} has told",
            priority=policies.FULL_SYNC_PRIORITY,
        )


def _sentence(result: ChannelResult) -> str:
    if result.status in ("failed", "skipped"):
        return f"{result.status}: {result.message}"
    if result.status == "held":
        return result.message
    counts = f"{result.changed} changed, {result.unchanged} unchanged, {result.failed} failed"
    return f"{result.status}: {counts}" + (f"; {result.message}" if result.message else "")


def _result(
    run_id: str, source: SourceResult | str, mappings: list[MappingResult], channels: list[ChannelResult]
) -> SyncResult:
    status = _status(source, channels)
    parts = [source] if isinstance(source, str) else [*source.incomplete, *_notices(source)]
    parts += [f"{mapping.channel}: {mapping.warning}" for mapping in mappings if mapping.warning]
    return SyncResult(
        run_id=run_id,
        status=status,
        summary=summary_of(parts, {channel.channel: _sentence(channel) for channel in channels}),
        channels=channels,
    )


def _notices(source: SourceResult) -> list[str]:
    """What the source said that was taken but should be seen, such as a negative number that is shown as 0."""
    more = len(source.warnings) - NOTICES_SHOWN
    return [*source.warnings[:NOTICES_SHOWN], *([f"and {more} more such rows"] if more > 0 else [])]


def _status(source: SourceResult | str, channels: list[ChannelResult]) -> Status:
    states = {channel.status for channel in channels} - {"skipped"}  # paused on purpose, which is no failure
    if states == {"failed"}:
        return "failed"
    if states <= {"success"} and isinstance(source, SourceResult) and not source.incomplete:
        return "success"
    return "partial"
