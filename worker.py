"""Hosts the workers: one for workflows and the ledger's steps, one for each channel on its own queue.

`python worker.py` hosts everything. `--queue` picks one, so that a channel can be scaled and deployed alone.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from temporalio.client import Client
from temporalio.worker import Worker

from activities.levels import FollowUpSteps, LevelSteps
from activities.live import LeavingSteps, LiveSteps
from activities.mapping import MappingSteps
from activities.reconcile import ReadBackSteps, ReconcileSteps
from activities.report import ReportSteps
from activities.runs import RunSteps
from activities.source import SourceSteps
from activities.sweep import SweepSteps
from onhand import log
from onhand.alerts.slack import Slack
from onhand.authority import Authority
from onhand.channels.base import Channel
from onhand.channels.registry import make_channels
from onhand.connect import connect_temporal, open_ledger
from onhand.draining import LINGER_SECONDS
from onhand.imports import LedgerDirectory
from onhand.leaving import run_and_leave, run_quickly
from onhand.ledger import catalogue, counters, levels
from onhand.ledger.counters import Counter
from onhand.ledger.database import Pool
from onhand.ledger.doorbell import Doorbell
from onhand.log_temporal import LogContext
from onhand.memory import keep_what_is_loaded, return_large_buffers
from onhand.messages import SYNC_TASK_QUEUE, channel_task_queue
from onhand.reconcile import Policy
from onhand.settings import Settings, SettingsError, find_config, load_settings
from onhand.sources.base import Source
from onhand.sources.registry import make_source
from workflows.channel_reconciliation import ChannelReconciliation
from workflows.channel_sync import ChannelSync
from workflows.intake import Intake
from workflows.poison import InboxPoison
from workflows.publish import Publish
from workflows.reconciliation import Reconciliation
from workflows.report import DailyReport
from workflows.retune import QuarterlyRetune
from workflows.sku_update import SkuUpdate
from workflows.sweep import OrderSweep
from workflows.sync_run import SyncRun

WORKFLOWS: list[type] = [
    SyncRun,
    ChannelSync,
    SkuUpdate,
    OrderSweep,
    InboxPoison,
    Reconciliation,
    ChannelReconciliation,
    DailyReport,
    QuarterlyRetune,
]

LIVE_WORKFLOWS: list[type] = [Intake, Publish]
"""On each channel's own queue, whose worker has the channel's connection: their turns are local activities."""

STICKY = timedelta(seconds=2)
"""How long a workflow waits for the worker that has it in memory; a killed one is noticed after that."""

GRACE = timedelta(seconds=8)
"""What a step under way may still take when the worker is asked to stop; then it is given to another.

Less than the supervisor waits before it kills."""

SPARE_SLOTS = 8
"""Steps of a channel's queue beside its pushes: planning, mapping, read-back, single SKUs."""

CACHED_WORKFLOWS = 500
"""Workflows held in memory between their steps; one that is not is replayed from its history."""

logger = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """What the workers speak to besides Postgres and Temporal; tests bring their own."""

    channels: Mapping[str, Channel]
    source: Source | None
    slack: Slack
    linger_seconds: float = LINGER_SECONDS
    """How long intake and publishers listen for more before they go to sleep."""

    @classmethod
    def configured(cls, settings: Settings) -> "Parts":
        """The real ones. Raises SettingsError where a secret is missing."""
        return cls(make_channels(settings), make_source(settings), Slack.from_settings(settings.slack))

    async def aclose(self) -> None:
        """Close every connection."""
        for channel in self.channels.values():
            await channel.aclose()
        if self.source is not None:
            await self.source.aclose()


@asynccontextmanager
async def hosted(
    settings: Settings, client: Client, pool: Pool, parts: Parts, queues: Sequence[str]
) -> AsyncIterator[None]:
    """Workers for the named queues while the body runs; leaving it lets the steps under way finish.

    The ledger is made to know the configured locations, channels and places first.
    """
    await catalogue.save_places(
        pool,
        {code: section.name or code for code, section in settings.locations.items()},
        {name: section.platform for name, section in settings.channels.items()},
    )
    await counters.save(pool, {code: Counter(*found) for code, found in settings.counters().items()})
    for name, rules in settings.rule_book().channels.items():
        await levels.ensure_levels(pool, name, list(rules.places))
    async with AsyncExitStack() as stack:
        doorbell = await stack.enter_async_context(_listening(pool))
        for queue in queues:
            await stack.enter_async_context(_worker(settings, client, pool, parts, doorbell, queue))
        logger.info("worker started", queues=list(queues))
        yield
        logger.info("worker stopping")


@asynccontextmanager
async def _listening(pool: Pool) -> AsyncIterator[Doorbell]:
    doorbell = Doorbell(pool)
    task = asyncio.create_task(doorbell.listen())
    try:
        yield doorbell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _worker(
    settings: Settings, client: Client, pool: Pool, parts: Parts, doorbell: Doorbell, queue: str
) -> Worker:
    if queue == SYNC_TASK_QUEUE:
        return Worker(
            client,
            task_queue=queue,
            workflows=WORKFLOWS,
            activities=_ledger_steps(settings, client, pool, parts),
            graceful_shutdown_timeout=GRACE,
            max_cached_workflows=CACHED_WORKFLOWS,
            interceptors=[LogContext()],
        )
    (channel,) = (c for c in parts.channels.values() if channel_task_queue(c.name) == queue)
    return Worker(
        client,
        task_queue=queue,
        workflows=LIVE_WORKFLOWS,
        activities=_channel_steps(settings, client, pool, parts, doorbell),
        max_concurrent_activities=channel.capabilities.concurrency + SPARE_SLOTS,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
        interceptors=[LogContext()],
    )


def _ledger_steps(settings: Settings, client: Client, pool: Pool, parts: Parts) -> list[Callable[..., Any]]:
    run_steps = RunSteps(pool, settings, parts.channels, parts.slack)
    report_steps = ReportSteps(pool, settings, parts.slack)
    directory = LedgerDirectory(pool, frozenset(settings.locations))
    source_steps = SourceSteps(pool, parts.source, directory, settings.source.lag())
    follow_ups = FollowUpSteps(pool, client, settings.sync.sku_updates_per_run_max)
    reconcile_steps = ReconcileSteps(pool, settings, parts.slack, client)
    return [
        run_steps.begin_run,
        run_steps.finish_channel,
        run_steps.record_result,
        run_steps.report,
        report_steps.make_report,
        report_steps.suggest_rules,
        source_steps.fetch_source,
        follow_ups.start_sku_updates,
        follow_ups.park_sku,
        reconcile_steps.begin_reconciliation,
        reconcile_steps.record_reconciliation,
        reconcile_steps.report_reconciliation,
    ]


def _channel_steps(
    settings: Settings, client: Client, pool: Pool, parts: Parts, doorbell: Doorbell
) -> list[Callable[..., Any]]:
    rules = settings.rule_book()
    fresh = timedelta(minutes=settings.sync.mapping_fresh_minutes)
    judging = Authority(
        timedelta(seconds=settings.sync.authority_settle_seconds),
        timedelta(seconds=settings.sync.authority_window_seconds),
    )
    pushing = LevelSteps(pool, client, parts.channels, rules, settings.guard.limits())
    mapping = MappingSteps(pool, parts.channels, rules, fresh)
    live = LiveSteps(
        pool,
        client,
        parts.channels,
        rules,
        doorbell,
        settings.sync.sku_update_attempts,
        judging.settle,
        parts.linger_seconds,
    )
    leaving = LeavingSteps(pool, client, parts.slack, settings.slack.alert_channel or settings.slack.channel)
    sweeps = SweepSteps(
        pool,
        client,
        parts.channels,
        settings.web.public_url,
        settings.tiers.rules(),
        rules,
        judging,
        settings.sync.sku_update_attempts,
        settings,
        parts.slack,
    )
    policy = Policy(
        settings.reconcile.response(), settings.reconcile.accept_overselling, settings.web.public_url
    )
    read_backs = ReadBackSteps(pool, client, parts.channels, rules, policy, settings.guard.limits())
    return [
        live.drain_inbox,
        live.drain_outbox,
        leaving.start_live_updates,
        leaving.follow_poison,
        sweeps.sweep_orders,
        mapping.load_mapping,
        pushing.plan_levels,
        pushing.weigh_run,
        pushing.push_levels,
        pushing.verify_levels,
        pushing.push_sku,
        read_backs.walk_levels,
        read_backs.weigh_suspects,
        read_backs.hear_sales,
        read_backs.look_again,
        read_backs.judge_suspects,
        read_backs.prove_repairs,
        read_backs.finish_read_back,
    ]


def queues_of(settings: Settings) -> list[str]:
    """Every queue there is work on."""
    return [SYNC_TASK_QUEUE, *(channel_task_queue(name) for name in settings.enabled_channels())]


async def run(settings: Settings, queues: Sequence[str]) -> None:
    """Host the workers until SIGINT or SIGTERM."""
    return_large_buffers()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await connect_temporal(settings)
    parts = Parts.configured(settings)
    try:
        async with open_ledger(settings) as pool, hosted(settings, client, pool, parts, queues):
            keep_what_is_loaded()
            await stop.wait()
    finally:
        await parts.aclose()


def main(
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    queue: Annotated[
        list[str] | None, typer.Option(help="Host only this queue; may be given several times.")
    ] = None,
) -> None:
    """Host Onhand's workers until stopped."""
    try:
        settings = load_settings(find_config(config))
        log.configure(settings.log_format, settings.log_level)
        known = queues_of(settings)
        unknown = sorted(set(queue or ()) - set(known))
        if unknown:
            raise SettingsError(f"no queue is called {', '.join(unknown)}; there are {', '.join(known)}")
        run_quickly(run(settings, queue or known))
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    run_and_leave(lambda: typer.run(main))
