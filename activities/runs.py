"""The steps around a run: begin it, close its channels, record it, report it."""

from collections.abc import Mapping
from dataclasses import dataclass

from temporalio import activity

from activities.asked import asked_channels, require_skus
from onhand import guard
from onhand.alerts import hold_report, run_report
from onhand.alerts.slack import Slack
from onhand.channels.base import Channel
from onhand.ledger import catalogue, inbox, runs
from onhand.ledger.database import Pool
from onhand.messages import (
    BeginRun,
    ChannelPlan,
    ChannelResult,
    FinishChannel,
    RecordResult,
    Report,
    RunSetup,
)
from onhand.settings import LedgerSource, Settings


@dataclass(frozen=True)
class RunSteps:
    """What needs the ledger and the settings only."""

    pool: Pool
    settings: Settings
    channels: Mapping[str, Channel]
    slack: Slack

    @activity.defn
    async def begin_run(self, begin: BeginRun) -> RunSetup:
        """Write the run down and say how it is to be driven."""
        names = asked_channels(self.settings, begin.request.channels)
        await require_skus(self.pool, begin.request.skus)
        await runs.begin_run(
            self.pool, begin.run_id, begin.run_id, begin.request.model_dump(exclude_none=True)
        )
        for name in names:
            await runs.begin_channel(self.pool, begin.run_id, name)
        source = self.settings.source
        return RunSetup(
            channels=[self._plan(name) for name in names],
            source="" if isinstance(source, LedgerSource) else source.kind,
            sku_update_attempts=self.settings.sync.sku_update_attempts,
            reconcile=self.settings.reconcile.after_sync,
        )

    def _plan(self, name: str) -> ChannelPlan:
        can = self.channels[name].capabilities
        return ChannelPlan(
            name=name,
            platform=self.settings.channels[name].platform,
            bulk_size=can.bulk_size,
            concurrency=can.concurrency,
            echoes=can.echoes,
            visible_after_seconds=can.visible_after_seconds,
            visible_within_seconds=can.visible_within_seconds,
            calls_a_step=can.calls_a_step,
        )

    @activity.defn
    async def finish_channel(self, finish: FinishChannel) -> ChannelResult:
        """Close a channel's part of a run with the counts of its plan; what was released has then been sent."""
        await runs.finish_channel(self.pool, finish.run_id, finish.channel, finish.status, finish.message)
        row = next(
            row for row in await runs.run_channels(self.pool, finish.run_id) if row.channel == finish.channel
        )
        if row.status in ("success", "partial"):
            await guard.done(self.pool, finish.channel, kind="sync", run_id=finish.run_id)
        return ChannelResult.model_validate(
            {
                "channel": row.channel,
                "status": row.status,
                "levels": row.levels,
                "changed": row.changed,
                "unchanged": row.unchanged,
                "failed": row.failed,
                "message": row.message,
            }
        )

    @activity.defn
    async def record_result(self, record: RecordResult) -> None:
        """Close the run, and let go of records past their retention."""
        await runs.finish_run(self.pool, record.run_id, record.status, record.summary)
        days = self.settings.sync.push_retention_days
        await runs.forget_pushes(self.pool, days)
        await catalogue.forget_old_refused_rows(self.pool, days)
        await inbox.forget_old(self.pool, days)

    @activity.defn
    async def report(self, report: Report) -> None:
        """Tell people how the run ended, first of what waits for them. Not being heard is logged, never raised: a run
        does not fail for it."""
        await hold_report.tell(self.slack, self.pool, self.settings)
        await run_report.tell(self.slack, self.pool, self.settings, report.run_id)
