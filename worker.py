"""Hosts the workers: one for workflows and the ledger's steps, one for each channel on its own queue.

`python worker.py` hosts everything. `--queue` picks one, so that a channel can be scaled and deployed alone.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from temporalio.client import Client
from temporalio.worker import Worker

from activities.levels import FollowUpSteps, LevelSteps
from activities.mapping import MappingSteps
from activities.runs import RunSteps
from activities.source import LedgerDirectory, SourceSteps
from onhand import log
from onhand.alerts.slack import Slack
from onhand.channels.base import Channel
from onhand.channels.registry import make_channels
from onhand.connect import connect_temporal, open_ledger
from onhand.ledger import catalogue
from onhand.ledger.database import Pool
from onhand.log_temporal import LogContext
from onhand.messages import SYNC_TASK_QUEUE, channel_task_queue
from onhand.settings import Settings, SettingsError, find_config, load_settings
from onhand.sources.registry import make_source
from workflows.channel_sync import ChannelSync
from workflows.sku_update import SkuUpdate
from workflows.sync_run import SyncRun

WORKFLOWS: list[type] = [SyncRun, ChannelSync, SkuUpdate]

GRACE = timedelta(seconds=20)
"""What a step under way may still take when the worker is asked to stop; then it is given to another."""

SPARE_SLOTS = 8
"""Steps of a channel's queue beside its pushes: planning, mapping, read-back, single SKUs."""

CACHED_WORKFLOWS = 500

logger = structlog.get_logger()


@asynccontextmanager
async def hosted(settings: Settings, client: Client, pool: Pool, queues: Sequence[str]) -> AsyncIterator[None]:
    """Workers for the named queues while the body runs; leaving it lets the steps under way finish."""
    async with AsyncExitStack() as stack:
        channels = make_channels(settings)
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        await catalogue.save_places(
            pool,
            {code: section.name or code for code, section in settings.locations.items()},
            {name: section.platform for name, section in settings.channels.items()},
        )
        for worker in _workers(settings, client, pool, channels, await _ledger_steps(stack, settings, client, pool, channels)):
            if worker.task_queue in queues:
                await stack.enter_async_context(worker)
        logger.info("worker started", queues=list(queues))
        yield
        logger.info("worker stopping")


async def _ledger_steps(
    stack: AsyncExitStack, settings: Settings, client: Client, pool: Pool, channels: dict[str, Channel]
) -> list[Callable[..., Any]]:
    source = make_source(settings)
    if source is not None:
        stack.push_async_callback(source.aclose)
    run_steps = RunSteps(pool, settings, channels, Slack.from_settings(settings.slack))
    source_steps = SourceSteps(pool, source, LedgerDirectory(pool, frozenset(settings.locations)))
    level_steps = LevelSteps(pool, channels, settings.rule_book())
    follow_ups = FollowUpSteps(pool, client, settings.sync.sku_updates_per_run_max)
    return [
        run_steps.begin_run,
        run_steps.finish_channel,
        run_steps.record_result,
        run_steps.report,
        source_steps.fetch_source,
        level_steps.park_sku,
        follow_ups.start_sku_updates,
    ]


def _workers(
    settings: Settings,
    client: Client,
    pool: Pool,
    channels: dict[str, Channel],
    ledger_steps: list[Callable[..., Any]],
) -> list[Worker]:
    rules = settings.rule_book()
    levels = LevelSteps(pool, channels, rules)
    mapping = MappingSteps(pool, channels, rules, timedelta(minutes=settings.sync.mapping_fresh_minutes))
    steps = [levels.plan_levels, levels.push_levels, levels.verify_levels, levels.push_sku, mapping.load_mapping]
    found = [
        Worker(
            client,
            task_queue=SYNC_TASK_QUEUE,
            workflows=WORKFLOWS,
            activities=ledger_steps,
            graceful_shutdown_timeout=GRACE,
            max_cached_workflows=CACHED_WORKFLOWS,
            interceptors=[LogContext()],
        )
    ]
    for name, channel in channels.items():
        found.append(
            Worker(
                client,
                task_queue=channel_task_queue(name),
                activities=steps,
                max_concurrent_activities=channel.capabilities.concurrency + SPARE_SLOTS,
                graceful_shutdown_timeout=GRACE,
                interceptors=[LogContext()],
            )
        )
    return found


def queues_of(settings: Settings) -> list[str]:
    """Every queue there is work on."""
    return [SYNC_TASK_QUEUE, *(channel_task_queue(name) for name in settings.enabled_channels())]


async def run(settings: Settings, queues: Sequence[str]) -> None:
    """Host the workers until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await connect_temporal(settings)
    async with open_ledger(settings) as pool, hosted(settings, client, pool, queues):
        await stop.wait()


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
        asyncio.run(run(settings, queue or known))
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    typer.run(main)
