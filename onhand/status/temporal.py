"""Temporal's part: the schedules as they are, who polls the queues, and the SKUs that are tried again on their own."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from onhand import schedules
from onhand.domain.health import ChannelFacts, ScheduleFacts, Service
from onhand.schedules import WantedSchedule
from onhand.settings import Settings
from onhand.status import workers


@dataclass(frozen=True)
class TemporalLook:
    """What Temporal answered; `sku_updates` by channel, those that could not be counted missing."""

    schedules: tuple[ScheduleFacts, ...]
    workers: tuple[Service, ...]
    sku_updates: Mapping[str, int]

    def with_sku_updates(self, channels: tuple[ChannelFacts, ...]) -> tuple[ChannelFacts, ...]:
        """The channels, each with how many of its SKUs are tried again on their own."""
        return tuple(replace(each, sku_updates=self.sku_updates.get(each.name)) for each in channels)


async def look_at_temporal(client: Client, settings: Settings) -> TemporalLook:
    """All of it, asked at once. Raises RPCError where Temporal does not answer."""
    wanted, queues, channels = (
        schedules.all_wanted(settings),
        workers.queues(settings),
        settings.enabled_channels(),
    )
    found, seen, updates = await asyncio.gather(
        asyncio.gather(*(_schedule(client, each) for each in wanted)),
        asyncio.gather(*(workers.polled(client, queue, kind) for queue, kind in queues)),
        asyncio.gather(*(_sku_updates(client, name) for name in channels)),
    )
    idle = sorted({queue for (queue, _), pollers in zip(queues, seen, strict=True) if not pollers})
    return TemporalLook(
        tuple(found),
        tuple(_worker(queue, idle) for queue in dict.fromkeys(queue for queue, _ in queues)),
        {name: number for name, number in zip(channels, updates, strict=True) if number is not None},
    )


def _worker(queue: str, idle: list[str]) -> Service:
    said = "nobody polls this queue, so nothing of it is done" if queue in idle else ""
    return Service(f"worker {queue}", said, "onhand up")


async def _schedule(client: Client, wanted: WantedSchedule) -> ScheduleFacts:
    try:
        found = await client.get_schedule_handle(wanted.schedule_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return ScheduleFacts(wanted.schedule_id, wanted.every.total_seconds(), wanted.vital, exists=False)
    last, status = await _last_run(client, found) if wanted.by_hand else ("", "")
    return ScheduleFacts(
        wanted.schedule_id,
        wanted.every.total_seconds(),
        wanted.vital,
        every_seconds=_every(found, wanted).total_seconds(),
        paused=found.schedule.state.paused,
        note=found.schedule.state.note or "",
        started_at=_started_at(found),
        last_run=last,
        last_status=status,
        by_hand=wanted.by_hand,
    )


async def _last_run(client: Client, found: ScheduleDescription) -> tuple[str, str]:
    """What it started last, and how that ended; both empty where it never did, or Temporal has forgotten it."""
    last = found.info.recent_actions[-1].action if found.info.recent_actions else None
    if not isinstance(last, ScheduleActionExecutionStartWorkflow):
        return "", ""
    handle = client.get_workflow_handle(last.workflow_id, run_id=last.first_execution_run_id)
    try:
        status = (await handle.describe()).status
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return "", ""
    return last.workflow_id, "" if status is None else status.name.lower()


def _every(found: ScheduleDescription, wanted: WantedSchedule) -> timedelta:
    """What starts on days of the calendar has no interval of its own."""
    intervals = found.schedule.spec.intervals
    return intervals[0].every if intervals else wanted.every


def _started_at(found: ScheduleDescription) -> datetime:
    """Its last start. One that was made, changed or resumed since could not have started anything before."""
    info = found.info
    return max([info.last_updated_at or info.created_at, *(each.started_at for each in info.recent_actions)])


async def _sku_updates(client: Client, channel: str) -> int | None:
    running = f"WorkflowType = 'SkuUpdate' AND ExecutionStatus = 'Running' AND Channel = '{channel}'"
    try:
        return (await client.count_workflows(running)).count
    except RPCError:
        # Its visibility store may lag or be away while the rest answers.
        return None
