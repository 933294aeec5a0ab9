"""What starts by the clock, as Temporal Schedules: made or updated, idempotently, without touching a pause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from onhand.messages import (
    RECONCILE_SCHEDULE_ID,
    REPORT_SCHEDULE_ID,
    RETUNE_SCHEDULE_ID,
    SYNC_SCHEDULE_ID,
    SYNC_TASK_QUEUE,
    DailyReportRequest,
    ReconcileRequest,
    RetuneRequest,
    SweepRequest,
    SyncRequest,
    sweep_id,
)
from onhand.settings import ReconcileSettings, ReportSettings, ScheduleSettings, Settings
from workflows.search import attributes

Applied = Literal["created", "updated", "unchanged"]

CATCHUP_SECONDS_MIN = timedelta(seconds=10)
"""Temporal takes no shorter one."""
REPORT_CATCHUP = timedelta(hours=12)
RETUNE_CATCHUP = timedelta(days=7)
QUARTER = timedelta(days=92)
"""The longest one."""
QUARTERS_BEGIN = (1, 4, 7, 10)
"""Months."""


class NoScheduleError(Exception):
    """The schedule does not exist; the message says how to make it."""


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """The schedule as an operator sees it."""

    schedule_id: str
    every: timedelta
    paused: bool
    note: str
    next_runs: tuple[datetime, ...]
    recent_runs: tuple[str, ...]
    runs: int
    missed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class WantedSchedule:
    """A schedule that has to be there, and how often it starts something. `vital`: without it stock gets wrong.

    `by_hand`: the command that does the same at once; empty where none has to.
    """

    schedule_id: str
    every: timedelta
    vital: bool = True
    by_hand: str = ""


def all_wanted(settings: Settings) -> list[WantedSchedule]:
    """Every schedule of a configuration."""
    sweeps = timedelta(seconds=settings.schedule.sweep_seconds)
    read_backs = timedelta(minutes=settings.reconcile.every_minutes)
    return [
        WantedSchedule(
            SYNC_SCHEDULE_ID, timedelta(minutes=settings.schedule.every_minutes), by_hand="onhand sync"
        ),
        *(WantedSchedule(sweep_id(channel), sweeps) for channel in settings.listening_channels()),
        *(
            [WantedSchedule(RECONCILE_SCHEDULE_ID, read_backs, by_hand="onhand reconcile")]
            if read_backs
            else []
        ),
        WantedSchedule(REPORT_SCHEDULE_ID, timedelta(days=1), vital=False, by_hand="onhand report --send"),
        WantedSchedule(RETUNE_SCHEDULE_ID, QUARTER, vital=False, by_hand="onhand rules suggest --send"),
    ]


def wanted(settings: ScheduleSettings, state: ScheduleState) -> Schedule:
    """The schedule of sync runs as configured, in the given state (paused or not, with its note)."""
    every = timedelta(minutes=settings.every_minutes)
    return _every(
        every,
        ScheduleActionStartWorkflow(
            "SyncRun",
            SyncRequest(trigger="schedule"),
            id=SYNC_SCHEDULE_ID,
            task_queue=SYNC_TASK_QUEUE,
            static_summary="periodic sync of every channel",
        ),
        state,
        jitter=timedelta(seconds=settings.jitter_seconds),
    )


def sweep_of(channel: str, settings: ScheduleSettings, state: ScheduleState) -> Schedule:
    """The schedule of one channel's order sweeps."""
    return _every(
        timedelta(seconds=settings.sweep_seconds),
        ScheduleActionStartWorkflow(
            "OrderSweep",
            SweepRequest(channel=channel),
            id=sweep_id(channel),
            task_queue=SYNC_TASK_QUEUE,
            static_summary=f"orders of {channel} that no webhook told of",
            typed_search_attributes=attributes(channel=channel),
        ),
        state,
    )


def reconciliation(settings: ReconcileSettings, state: ScheduleState) -> Schedule:
    """The schedule of read-backs: at :00, :15, :30 and :45 of each hour, where it is every 15 minutes."""
    return _every(
        timedelta(minutes=settings.every_minutes),
        ScheduleActionStartWorkflow(
            "Reconciliation",
            ReconcileRequest(trigger="schedule"),
            id=RECONCILE_SCHEDULE_ID,
            task_queue=SYNC_TASK_QUEUE,
            static_summary="what every channel really shows",
        ),
        state,
    )


def report_of(settings: ReportSettings, state: ScheduleState) -> Schedule:
    """The schedule of the daily report."""
    hour, minute = map(int, settings.at.split(":"))
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "DailyReport",
            DailyReportRequest(),
            id=REPORT_SCHEDULE_ID,
            task_queue=SYNC_TASK_QUEUE,
            static_summary="the report of the day before",
        ),
        spec=ScheduleSpec(
            calendars=[ScheduleCalendarSpec(hour=[ScheduleRange(hour)], minute=[ScheduleRange(minute)])],
            time_zone_name=settings.timezone,
        ),
        # A report that was missed is made when Temporal is back, the same day.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=REPORT_CATCHUP),
        state=state,
    )


def retune_of(settings: ReportSettings, state: ScheduleState) -> Schedule:
    """The schedule of what rules would fit: on each quarter's first day, at the hour of the daily report."""
    hour, minute = map(int, settings.at.split(":"))
    first = ScheduleCalendarSpec(
        month=[ScheduleRange(month) for month in QUARTERS_BEGIN],
        day_of_month=[ScheduleRange(1)],
        hour=[ScheduleRange(hour)],
        minute=[ScheduleRange(minute)],
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "QuarterlyRetune",
            RetuneRequest(),
            id=RETUNE_SCHEDULE_ID,
            task_queue=SYNC_TASK_QUEUE,
            static_summary="rules that fit what was sold in the quarter before",
        ),
        spec=ScheduleSpec(calendars=[first], time_zone_name=settings.timezone),
        # It is no less true a few days later.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=RETUNE_CATCHUP),
        state=state,
    )


def _every(
    every: timedelta,
    action: ScheduleActionStartWorkflow,
    state: ScheduleState,
    *,
    jitter: timedelta = timedelta(),
) -> Schedule:
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=jitter or None),
        # A run that is late is superseded by the next one, and so is one that was missed.
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=max(every, CATCHUP_SECONDS_MIN)
        ),
        state=state,
    )


async def apply(client: Client, settings: ScheduleSettings) -> Applied:
    """Make the schedule of sync runs what the configuration says; an operator's pause and note survive."""
    return await _apply(client, SYNC_SCHEDULE_ID, lambda state: wanted(settings, state))


async def apply_sweeps(client: Client, settings: ScheduleSettings, channels: Sequence[str]) -> Applied:
    """The same for the sweeps of these channels; those of other channels are taken away."""
    applied: list[Applied] = [
        await _apply(client, sweep_id(channel), partial(sweep_of, channel, settings)) for channel in channels
    ]
    async for listed in await client.list_schedules():
        if listed.id.startswith(sweep_id("")) and listed.id not in {sweep_id(c) for c in channels}:
            await client.get_schedule_handle(listed.id).delete()
            applied.append("updated")
    if "updated" in applied:
        return "updated"
    return "created" if "created" in applied else "unchanged"


async def apply_reconciliation(client: Client, settings: ReconcileSettings) -> Applied:
    """The same for read-backs; where they are to come only by hand and after syncs, their schedule is taken away."""
    if settings.every_minutes:
        return await _apply(client, RECONCILE_SCHEDULE_ID, lambda state: reconciliation(settings, state))
    try:
        await client.get_schedule_handle(RECONCILE_SCHEDULE_ID).delete()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return "unchanged"
    return "updated"


async def apply_report(client: Client, settings: ReportSettings) -> Applied:
    """The same for the daily report."""
    return await _apply(client, REPORT_SCHEDULE_ID, lambda state: report_of(settings, state))


async def apply_retune(client: Client, settings: ReportSettings) -> Applied:
    """The same for what rules would fit, once in a quarter."""
    return await _apply(client, RETUNE_SCHEDULE_ID, lambda state: retune_of(settings, state))


async def _apply(client: Client, schedule_id: str, make: Callable[[ScheduleState], Schedule]) -> Applied:
    try:
        await client.create_schedule(schedule_id, make(ScheduleState(note="made by onhand")))
    except ScheduleAlreadyRunningError:
        return await _update(client.get_schedule_handle(schedule_id), make)
    return "created"


async def _update(handle: ScheduleHandle, make: Callable[[ScheduleState], Schedule]) -> Applied:
    applied: Applied = "unchanged"

    def change(given: ScheduleUpdateInput) -> ScheduleUpdate | None:
        nonlocal applied
        now = given.description.schedule
        new = make(now.state)
        applied = "unchanged" if _same(now, new) else "updated"
        return None if applied == "unchanged" else ScheduleUpdate(new)

    await handle.update(change)
    return applied


def _same(now: Schedule, new: Schedule) -> bool:
    assert isinstance(new.action, ScheduleActionStartWorkflow), "ours start workflows"
    return (
        [interval.every for interval in now.spec.intervals] == [i.every for i in new.spec.intervals]
        and _times(now) == _times(new)
        and (now.spec.jitter or timedelta()) == (new.spec.jitter or timedelta())
        and now.policy.overlap == new.policy.overlap
        and now.policy.catchup_window == new.policy.catchup_window
        and isinstance(now.action, ScheduleActionStartWorkflow)
        and now.action.task_queue == new.action.task_queue
    )


def _times(schedule: Schedule) -> tuple[list[list[list[int]]], str]:
    """Months, days and times of day, with their zone, which Temporal leaves out where it is UTC."""
    times = [
        [[part.start for part in parts] for parts in (each.month, each.day_of_month, each.hour, each.minute)]
        for each in schedule.spec.calendars
    ]
    return times, (schedule.spec.time_zone_name or "UTC") if times else ""


async def show(client: Client, schedule_id: str = SYNC_SCHEDULE_ID) -> ScheduleView:
    """How a schedule stands, that of the sync runs if none is named. Raises NoScheduleError."""
    found = await _described(client, schedule_id)
    return ScheduleView(
        schedule_id=schedule_id,
        every=found.schedule.spec.intervals[0].every,
        paused=found.schedule.state.paused,
        note=found.schedule.state.note or "",
        next_runs=tuple(found.info.next_action_times[:3]),
        recent_runs=tuple(
            action.action.workflow_id
            for action in reversed(found.info.recent_actions[-5:])
            if action.action is not None and hasattr(action.action, "workflow_id")
        ),
        runs=found.info.num_actions,
        missed=found.info.num_actions_missed_catchup_window,
        skipped=found.info.num_actions_skipped_overlap,
    )


async def pause(client: Client, note: str, schedule_id: str = SYNC_SCHEDULE_ID) -> None:
    """Stop starting runs; the note says why. Raises NoScheduleError."""
    await _described(client, schedule_id)
    await client.get_schedule_handle(schedule_id).pause(note=note)


async def resume(client: Client, note: str, schedule_id: str = SYNC_SCHEDULE_ID) -> None:
    """Start runs again. Raises NoScheduleError."""
    await _described(client, schedule_id)
    await client.get_schedule_handle(schedule_id).unpause(note=note)


async def trigger(client: Client) -> None:
    """Start a run now; during a run it is kept for right after it. Works while paused. Raises NoScheduleError."""
    await _described(client)
    await client.get_schedule_handle(SYNC_SCHEDULE_ID).trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)


async def _described(client: Client, schedule_id: str = SYNC_SCHEDULE_ID) -> ScheduleDescription:
    try:
        return await client.get_schedule_handle(schedule_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        raise NoScheduleError(
            f"Temporal has no schedule called {schedule_id!r}. Make it with: onhand schedule apply"
        ) from error
