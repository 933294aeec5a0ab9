"""Records that cross a boundary: what goes through Temporal histories. Small, frozen, versioned by defaults.

One model for each workflow's and activity's input and result. Fields are added with defaults and never
removed or retyped: histories of running workflows hold the old shape. None of them grows with the
catalogue; data lives in Postgres and these carry references to it.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SYNC_TASK_QUEUE = "onhand"
"""Workflows, and activities that talk to the ledger, the source and people."""

SYNC_SCHEDULE_ID = "sync-run"
REPORT_SCHEDULE_ID = "daily-report"
RETUNE_SCHEDULE_ID = "quarterly-retune"

RECONCILE_SCHEDULE_ID = "reconcile"

Status = Literal["success", "partial", "failed"]

ChannelStatus = Literal["success", "partial", "failed", "held", "skipped"]
"""How a run ended on one channel. "skipped": an operator has paused it, which is no failure; "held": it would change
too much at once, and nothing of it is sent."""


def channel_task_queue(channel: str) -> str:
    """Each channel has a queue of its own, so that it can be scaled, limited and deployed alone."""
    return f"channel-{channel}"


def sku_update_id(channel: str, sku: str) -> str:
    """The one workflow that retries a SKU on a channel, whoever asks for it."""
    return f"sku-update/{channel}/{sku}"


class Message(BaseModel):
    """What all of them share; unknown fields are ignored so that old workers accept new senders."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SyncRequest(Message):
    """Input of SyncRun. `full`: read the source whole and read every level back, whatever was known before.

    `channels` and `skus` restrict the run; None means all. `trigger` says who asked.
    """

    full: bool = False
    channels: list[str] | None = None
    skus: list[str] | None = Field(default=None, max_length=1_000)
    trigger: Literal["schedule", "operator"] = "schedule"


class ChannelPlan(Message):
    """How one channel is to be driven, as its adapter and the settings say when the run begins."""

    name: str
    platform: str
    bulk_size: int
    concurrency: int
    echoes: bool
    visible_after_seconds: float = 0.0
    visible_within_seconds: float = 0.0
    calls_a_step: int = 1

    @property
    def step_levels(self) -> int:
        """Levels that one step pushes."""
        return self.bulk_size * self.calls_a_step

    @property
    def steps_at_once(self) -> int:
        """Steps whose calls are all that the channel wants at once, and one more, prepared meanwhile."""
        return -(-self.concurrency // self.calls_a_step) + 1


class BeginRun(Message):
    """Input of begin_run."""

    run_id: str
    request: SyncRequest


class RunSetup(Message):
    """What a run needs to know before it starts; `source` is empty where the ledger itself is the truth.

    `reconcile`: the channels are read back after a run that has changed something.
    """

    channels: list[ChannelPlan]
    source: str = ""
    sku_update_attempts: int = 8
    plan_page_listings: int = 2_000
    history_events_max: int = 1_500
    reconcile: bool = False


class FetchSource(Message):
    """Input of fetch_source."""

    run_id: str
    full: bool = False


class SourceResult(Message):
    """Rows of the source by what became of them. `warnings` is a small sample for people; `incomplete`
    names what was left out whole (a bad file among several), which makes the run partial."""

    read: int = 0
    posted: int = 0
    unchanged: int = 0
    refused: int = 0
    warnings: list[str] = []
    incomplete: list[str] = []


class LoadMapping(Message):
    """Input of load_mapping: discover the listings of one channel when they are older than allowed."""

    run_id: str
    channel: str


class MappingResult(Message):
    """How a channel's mapping stands after load_mapping."""

    channel: str
    listings: int = 0
    unmapped: int = 0
    discovered: bool = False
    warning: str = ""


class Cursor(Message):
    """Where planning goes on: after this listing, in the channel's own order."""

    sort_key: str = ""
    listing_id: int = 0


class ChannelSyncState(Message):
    """Input of ChannelSync, and what it hands to itself when it continues as new.

    Positions count levels of the plan from 0: `planned` are laid down, `taken` are given out to chunks.
    `cursor` None means planning has come to the end. `weighed`: the guard has counted all that the run wants to do,
    and let it go; `notice` is what it said of that.
    """

    run_id: str
    plan: ChannelPlan
    full: bool = False
    skus: list[str] | None = None
    cursor: Cursor | None = Cursor()
    levels: int = 0
    planned: int = 0
    taken: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    page_listings: int = 2_000
    history_events_max: int = 1_500
    sku_update_attempts: int = 8
    weighed: bool = False
    notice: str = ""


class PlanPage(Message):
    """Input of plan_levels: lay down the next page of the plan from position `first` on.

    `weighed`: the guard has counted this run and need not look at it again.
    """

    run_id: str
    channel: str
    cursor: Cursor
    first: int
    levels_before: int
    listings: int
    full: bool = False
    skus: list[str] | None = None
    weighed: bool = False


class PlannedPage(Message):
    """Result of plan_levels: levels looked at and levels that have to be told; `cursor` None at the end.

    `weigh`: so much may have to change that all of it is to be counted before any of it is told.
    """

    cursor: Cursor | None
    levels: int
    planned: int
    weigh: bool = False


class WeighRun(Message):
    """Input of weigh_run: count what a run would do to a channel."""

    run_id: str
    channel: str


class Weighed(Message):
    """Result of weigh_run. `held`: why nothing may be sent, empty where it may; `notice`: of a hold that is over."""

    held: str = ""
    notice: str = ""


class Chunk(Message):
    """Input of push_levels and verify_levels: positions `first` to `last` (both included) of a run's plan."""

    run_id: str
    channel: str
    first: int
    last: int
    full: bool = False


class ChunkResult(Message):
    """Levels of a chunk by outcome."""

    changed: int = 0
    unchanged: int = 0
    failed: int = 0


class StartSkuUpdates(Message):
    """Input of start_sku_updates: a workflow of its own for each SKU that failed alone in this run.

    `skus` names them where there is no run (start_live_updates).
    """

    run_id: str
    channel: str
    attempts: int
    skus: list[str] = []


class FinishChannel(Message):
    """Input of finish_channel. `status` None: the outcomes decide."""

    run_id: str
    channel: str
    status: ChannelStatus | None = None
    message: str = ""


class ChannelResult(Message):
    """Result of ChannelSync and finish_channel: levels by outcome."""

    channel: str
    status: ChannelStatus
    levels: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    message: str = ""


class RecordResult(Message):
    """Input of record_result: the run is over."""

    run_id: str
    status: Status
    summary: str


class Report(Message):
    """Input of report: tell people how the run ended."""

    run_id: str


class SyncResult(Message):
    """Result of SyncRun."""

    run_id: str
    status: Status
    summary: str
    channels: list[ChannelResult] = []


class SkuUpdateRequest(Message):
    """Input of SkuUpdate: bring every listing of a SKU on one channel to its target, retrying `attempts` times.

    `look_seconds`: while the channel is paused it is looked at after so long, then after twice as long, and so on.
    """

    channel: str
    sku: str
    run_id: str = ""
    reason: str = ""
    attempts: int = 8
    look_seconds: float = 60.0


class ParkSku(Message):
    """Input of park_sku: the retries are used up."""

    channel: str
    sku: str
    workflow_id: str
    category: str
    message: str


def intake_id(channel: str) -> str:
    """The one workflow that takes a channel's inbox."""
    return f"intake/{channel}"


def publish_id(channel: str) -> str:
    """The one workflow that tells a channel its levels as they change."""
    return f"publish/{channel}"


def poison_id(channel: str, inbox_id: int) -> str:
    """The workflow that shows one delivery that could not be taken."""
    return f"poison/{channel}/{inbox_id}"


def sweep_id(channel: str) -> str:
    """The schedule that polls a channel's orders, and the beginning of its runs' ids."""
    return f"sweep/{channel}"


class IntakeState(Message):
    """Input of Intake, and what it hands to itself when it continues as new. Counts are since it was first started."""

    channel: str
    turns: int = 0
    deliveries: int = 0
    poison: int = 0
    history_events_max: int = 2_000


class Drain(Message):
    """Input of drain_inbox and drain_outbox: one turn of a channel's work."""

    channel: str


class InboxTurn(Message):
    """Result of drain_inbox. `asleep`: nothing was left, and whoever accepts the next delivery signals.

    `poison`: numbers of deliveries that cannot be taken. `wait_seconds`: orders have to be fetched and the channel does
    not answer, in the words of `trouble`.
    """

    asleep: bool
    deliveries: int = 0
    posted: int = 0
    poison: list[int] = Field(default=[], max_length=1_000)
    wait_seconds: float = 0.0
    trouble: str = ""


class PublishState(Message):
    """Input of Publish, and what it hands to itself when it continues as new. Counts are since it was first started."""

    channel: str
    turns: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    history_events_max: int = 2_000


class OutboxTurn(Message):
    """Result of drain_outbox. `asleep`: nothing was left, and whoever posts the next event signals.

    `wait_seconds`: the channel is in trouble, and its breaker lets a probe through after so long; `trouble` says why in
    the channel's own words. `paused`: an operator stopped publishing; a signal tells when to go on.
    """

    asleep: bool
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    failed_skus: list[str] = Field(default=[], max_length=1_000)
    attempts: int = 8
    wait_seconds: float = 0.0
    trouble: str = ""
    paused: bool = False
    note: str = ""


class SweepRequest(Message):
    """Input of OrderSweep and sweep_orders: read the orders of a channel that were changed since its last sweep.

    `look_at_hooks`: see to its webhook subscriptions, too.
    """

    channel: str
    look_at_hooks: bool = False


class SweepResult(Message):
    """Result of OrderSweep. `missed`: orders no webhook had told of (yet); `dropped`: SKUs whose provisional demand
    proved to be none; `hooks` says what was wrong with the subscriptions, empty when nothing was."""

    channel: str
    orders: int = 0
    missed: int = 0
    dropped: int = 0
    hooks: str = ""


class FollowPoison(Message):
    """Input of follow_poison: deliveries that could not be taken, by number."""

    channel: str
    inbox_ids: list[int] = Field(max_length=1_000)


class PoisonNotice(Message):
    """Input of InboxPoison: one delivery that could not be taken, with the reason, for people to see and mend.

    `dismissed_by`: who said, with `note` as the reason, that nothing has to be done about it; empty: nobody.
    `replayable`: enough of it was kept to take it again.
    """

    channel: str
    inbox_id: int
    topic: str = ""
    subject: str = ""
    reason: str = ""
    dismissed_by: str = ""
    note: str = ""
    replayable: bool = True


ReconcileStatus = Literal["clean", "drift", "partial", "failed"]


def reconcile_id(channel: str) -> str:
    """The one workflow that reads a whole channel back."""
    return f"reconcile/{channel}"


class ReconcileRequest(Message):
    """Input of Reconciliation: read channels back. `channels` and `skus` restrict it; None means all.

    `run_id`: the sync run that asks for it, empty where none does.
    """

    channels: list[str] | None = None
    skus: list[str] | None = Field(default=None, max_length=1_000)
    trigger: Literal["schedule", "operator", "sync"] = "schedule"
    run_id: str = ""


class BeginReconciliation(Message):
    """Input of begin_reconciliation."""

    reconciliation_id: str
    request: ReconcileRequest


class ChannelReadBack(Message):
    """Input of ChannelReconciliation, and of each of its steps.

    `listens`: its orders reach us, so that sales are heard before anybody is accused; `settle_seconds` is how long they
    are given for it.
    """

    reconciliation_id: str
    channel: str
    skus: list[str] | None = None
    listens: bool = False
    settle_seconds: float = 10.0


class ReconcileSetup(Message):
    """Result of begin_reconciliation: which channels are read back, and how."""

    channels: list[ChannelReadBack]


class WalkedLevels(Message):
    """Result of walk_levels: when the walk began, levels of ours it came by, and those that are suspect.

    `weigh`: so many are that all of them are to be counted before any is answered.
    """

    began: datetime
    levels: int = 0
    suspects: int = 0
    weigh: bool = False


class JudgeSuspects(Message):
    """Input of judge_suspects and prove_repairs. `heard`: all that was sold is known to the ledger."""

    back: ChannelReadBack
    began: datetime
    heard: bool = True


class JudgedSuspects(Message):
    """Result of judge_suspects: drifts by what was done about them, and how many of each cause."""

    drifts: int = 0
    pushed: int = 0
    widened: int = 0
    halted: int = 0
    reported: int = 0
    causes: dict[str, int] = {}


class FinishReadBack(Message):
    """Input of finish_read_back. `failed` says why the channel could not be read back, empty where it could; `held` why
    what it shows is not repaired before a person releases it.

    `began`: when its walk did, None where it never came so far.
    """

    back: ChannelReadBack
    began: datetime | None = None
    failed: str = ""
    held: str = ""


class ReadBackResult(Message):
    """Result of ChannelReconciliation: what was found on one channel; `open` drifts are not over yet.

    "skipped": another read-back of the channel was under way.
    """

    channel: str
    status: Literal["clean", "drift", "held", "failed", "skipped"]
    levels: int = 0
    suspects: int = 0
    drifts: int = 0
    halted: int = 0
    open: int = 0
    message: str = ""


class RecordReconciliation(Message):
    """Input of record_reconciliation: the read-back is over."""

    reconciliation_id: str
    status: ReconcileStatus
    summary: str


class ReportReconciliation(Message):
    """Input of report_reconciliation: tell people what was found."""

    reconciliation_id: str


class ReconcileResult(Message):
    """Result of Reconciliation."""

    reconciliation_id: str
    status: ReconcileStatus
    summary: str
    channels: list[ReadBackResult] = []


class DailyReportRequest(Message):
    """Input of DailyReport. `day` (YYYY-MM-DD) empty: the day before the moment it is started."""

    day: str = ""


class MakeReport(Message):
    """Input of make_report: of that day, or of the day before `at` (ISO 8601)."""

    at: str
    day: str = ""


class ReportMade(Message):
    """Result of DailyReport and make_report: the day, where the page is, and whether Slack was told."""

    day: str
    file: str = ""
    told: bool = False


class RetuneRequest(Message):
    """Input of QuarterlyRetune: how many weeks of demand the rules are held against."""

    weeks: int = 13


class SuggestRules(Message):
    """Input of suggest_rules: the rules that fit what was sold in so many weeks before `at` (ISO 8601)."""

    at: str
    weeks: int


class RulesSuggested(Message):
    """Result of QuarterlyRetune and suggest_rules: how many settings should be others, and whether Slack was told."""

    suggestions: int
    told: bool = False
