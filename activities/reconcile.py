"""The steps of a read-back: walk a channel, hear what was sold, look again, judge, prove; begin, record, report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client

from activities.asked import asked_channels, require_skus
from activities.beating import heartbeats
from activities.errors import sorted_errors
from onhand import guard, promising, reconcile, stock_watch, tiers
from onhand.alerts import hold_report, reconcile_report
from onhand.alerts.slack import Slack
from onhand.channels.base import Channel
from onhand.domain.guard import Limits, may_be_too_much
from onhand.domain.listings import RuleBook
from onhand.hiding_at_zero import hide_and_show
from onhand.ledger import halts, holds
from onhand.ledger import reconcile as records
from onhand.ledger.database import Pool
from onhand.messages import (
    BeginReconciliation,
    ChannelReadBack,
    FinishReadBack,
    JudgedSuspects,
    JudgeSuspects,
    ReadBackResult,
    ReconcileSetup,
    RecordReconciliation,
    ReportReconciliation,
    WalkedLevels,
    Weighed,
)
from onhand.overselling import look_for_oversells
from onhand.reconcile import Policy, ReadBack
from onhand.settings import Settings
from onhand.waking import wake_intakes, wake_publishers

CLEAN = "read-backs in a row without drift"
"""Who lifts a halt by the rule."""


@dataclass(frozen=True)
class ReadBackSteps:
    """What needs the ledger, the channels, and Temporal for its signals."""

    pool: Pool
    client: Client
    channels: Mapping[str, Channel]
    rules: RuleBook
    policy: Policy
    limits: Limits

    @activity.defn
    async def walk_levels(self, back: ChannelReadBack) -> WalkedLevels:
        """Hold everything the channel shows against what is believed; a repeated walk begins anew."""
        async with heartbeats(), sorted_errors():
            walked = await reconcile.walk(self._of(back), back.skus)
        places = max(1, len(self.rules.channels[back.channel].places))
        weigh = back.skus is None and may_be_too_much(walked.levels // places, walked.suspects, self.limits)
        return WalkedLevels(began=walked.began, levels=walked.levels, suspects=walked.suspects, weigh=weigh)

    @activity.defn
    async def weigh_suspects(self, back: ChannelReadBack) -> Weighed:
        """Whether repairing them may go on; a channel that answers nonsense is neither believed nor written over."""
        tally = await records.in_numbers(self.pool, back.reconciliation_id, back.channel)
        held = await guard.look(
            self.pool,
            back.channel,
            tally,
            self.limits,
            kind="reconciliation",
            run_id=back.reconciliation_id,
        )
        return Weighed(held=held.message if held else "")

    @activity.defn
    async def hear_sales(self, back: ChannelReadBack) -> bool:
        """Sweep the channel's orders into the ledger; False where not all of them were posted in time."""
        async with heartbeats(), sorted_errors():
            return await reconcile.hear(self._of(back))

    @activity.defn
    async def look_again(self, back: ChannelReadBack) -> int:
        """Read the suspects while nobody writes them; a repeated step goes on where the last one was."""
        async with heartbeats(), sorted_errors():
            return await reconcile.look_again(self._of(back))

    @activity.defn
    async def judge_suspects(self, judging: JudgeSuspects) -> JudgedSuspects:
        """Say why each level is wrong, record it and answer it; a repeated step goes on where the last one was."""
        async with heartbeats(), sorted_errors():
            judged = await reconcile.judge(self._of(judging.back), judging.began, judging.heard)
        return JudgedSuspects(
            drifts=judged.drifts,
            pushed=judged.pushed,
            widened=judged.widened,
            halted=judged.halted,
            reported=judged.reported,
            causes=judged.causes,
        )

    @activity.defn
    async def prove_repairs(self, judging: JudgeSuspects) -> int:
        """Read again what was told again; answers the drifts that are still open."""
        async with heartbeats(), sorted_errors():
            return await reconcile.prove(self._of(judging.back), judging.began)

    @activity.defn
    async def finish_read_back(self, finish: FinishReadBack) -> ReadBackResult:
        """Close the channel's part. A whole one without drift counts towards the end of halts and wider buffers."""
        back = self._of(finish.back)
        if finish.began is not None and not finish.failed and not finish.held and finish.back.skus is None:
            # Whatever was held before: this one has gone through, by itself or because it was released.
            await holds.drop(self.pool, back.name, "reconciliation")
            async with heartbeats():
                await self._lift_what_is_clean(back, finish.began)
        if finish.began is None:  # it failed before there was anything to record
            await records.begin_channel(self.pool, back.id, back.name)
        status = "failed" if finish.failed else "held" if finish.held else None
        said = finish.failed or finish.held
        row = await records.finish_channel(self.pool, back.id, back.name, status, said)
        return ReadBackResult.model_validate(
            {
                "channel": row.channel,
                "status": row.status,
                "levels": row.levels,
                "suspects": row.suspects,
                "drifts": row.drifts,
                "halted": row.halted,
                "open": row.open,
                "message": row.message,
            }
        )

    async def _lift_what_is_clean(self, back: ReadBack, began: datetime) -> None:
        woken: set[str] = set()
        await halts.count_clean_reads(
            self.pool,
            back.name,
            began,
            clean_reads=self.policy.response.clean_reads_to_lift,
            by=CLEAN,
            woken=woken,
        )
        await reconcile.show_again(self.pool, back.channel)
        if not back.channel_rules.listens:  # otherwise its sweeps do it, every minute
            await hide_and_show(self.pool, back.channel, enabled=back.channel_rules.hides_at_zero)
        await back.wake_publishers(woken)

    def _of(self, back: ChannelReadBack) -> ReadBack:
        return ReadBack(
            back.reconciliation_id,
            self.pool,
            self.channels[back.channel],
            self.rules,
            self.policy,
            self._wake_intakes,
            self._wake_publishers,
        )

    async def _wake_intakes(self, channels: set[str]) -> bool:
        return await wake_intakes(self.client, sorted(channels & self.channels.keys()))

    async def _wake_publishers(self, channels: set[str]) -> bool:
        return await wake_publishers(self.client, sorted(channels & self.channels.keys()))


@dataclass(frozen=True)
class ReconcileSteps:
    """What needs the ledger, the settings, people, and Temporal for its signals."""

    pool: Pool
    settings: Settings
    slack: Slack
    client: Client

    @activity.defn
    async def begin_reconciliation(self, begin: BeginReconciliation) -> ReconcileSetup:
        """Write it down, and say which channels are read back and how."""
        request = begin.request
        names = asked_channels(self.settings, request.channels)
        await require_skus(self.pool, request.skus)
        told = request.model_dump(exclude_none=True)
        await records.begin(self.pool, begin.reconciliation_id, request.run_id or None, told)
        listening = self.settings.listening_channels()
        return ReconcileSetup(
            channels=[
                ChannelReadBack(
                    reconciliation_id=begin.reconciliation_id,
                    channel=name,
                    skus=request.skus,
                    listens=name in listening,
                    settle_seconds=self.settings.reconcile.settle_seconds,
                )
                for name in names
            ]
        )

    @activity.defn
    async def record_reconciliation(self, record: RecordReconciliation) -> None:
        """Close it, and let go of records past their retention."""
        await records.finish(self.pool, record.reconciliation_id, record.status, record.summary)
        await records.forget_old(self.pool, self.settings.sync.push_retention_days)

    @activity.defn
    async def report_reconciliation(self, report: ReportReconciliation) -> None:
        """Tell people of what drifted above the tolerance; what they were told of before is not told again.

        Sales that were heard of on the way may have left a SKU oversold, which is looked for here, too; and so is what
        was promised ahead, where no channel's orders are swept.
        """
        await hold_report.tell(self.slack, self.pool, self.settings)
        await reconcile_report.tell(self.slack, self.pool, self.settings, report.reconciliation_id)
        kept = await promising.keep(self.pool, self.settings, self.slack, datetime.now(UTC))
        oversold = await look_for_oversells(self.pool, self.settings, self.slack)
        if not self.settings.listening_channels():  # then there are no sweeps, beside which this is done
            refreshed = await tiers.refresh_if_due(self.pool, self.settings.tiers.rules(), datetime.now(UTC))
            await stock_watch.watch(self.pool, self.settings, self.slack, whole=refreshed is not None)
        woken = kept.woken | oversold.woken
        await wake_publishers(self.client, sorted(woken & set(self.settings.enabled_channels())))
