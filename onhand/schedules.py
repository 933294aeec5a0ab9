"""The periodic sync as a Temporal Schedule: created or updated, idempotently, without touching a pause."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from onhand.messages import SYNC_SCHEDULE_ID, SYNC_TASK_QUEUE, SyncRequest
from onhand.settings import ScheduleSettings

Applied = Literal["created", "updated", "unchanged"]


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


def wanted(settings: ScheduleSettings, state: ScheduleState) -> Schedule:
    """The schedule as configured, in the given state (paused or not, with its note)."""
    every = timedelta(minutes=settings.every_minutes)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "SyncRun",
            SyncRequest(trigger="schedule"),
            id=SYNC_SCHEDULE_ID,
            task_queue=SYNC_TASK_QUEUE,
            static_summary="periodic sync of every channel",
        ),
        spec=ScheduleSpec(
            intervals=[ScheduleIntervalSpec(every=every)],
            jitter=timedelta(seconds=settings.jitter_seconds) if settings.jitter_seconds else None,
        ),
        # A run that is late is superseded by the next one, and so is one that was missed.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=every),
        state=state,
    )


async def apply(client: Client, settings: ScheduleSettings) -> Applied:
    """Make the schedule what the configuration says; an operator's pause and note survive."""
    new = wanted(settings, ScheduleState(note="made by onhand"))
    try:
        await client.create_schedule(SYNC_SCHEDULE_ID, new)
    except ScheduleAlreadyRunningError:
        return await _update(client.get_schedule_handle(SYNC_SCHEDULE_ID), settings)
    return "created"


async def _update(handle: ScheduleHandle, settings: ScheduleSettings) -> Applied:
    applied: Applied = "unchanged"

    def change(given: ScheduleUpdateInput) -> ScheduleUpdate | None:
        nonlocal applied
        now = given.description.schedule
        applied = "unchanged" if _same(now, settings) else "updated"
        return None if applied == "unchanged" else ScheduleUpdate(wanted(settings, now.state))

    await handle.update(change)
    return applied


def _same(now: Schedule, settings: ScheduleSettings) -> bool:
    new = wanted(settings, now.state)
    return (
        [interval.every for interval in now.spec.intervals] == [i.every for i in new.spec.intervals]
        and (now.spec.jitter or timedelta()) == (new.spec.jitter or timedelta())
        and now.policy.overlap == new.policy.overlap
        and now.policy.catchup_window == new.policy.catchup_window
        and isinstance(now.action, ScheduleActionStartWorkflow)
        and now.action.task_queue == SYNC_TASK_QUEUE
    )


async def show(client: Client) -> ScheduleView:
    """How the schedule stands. Raises NoScheduleError."""
    found = await _described(client)
    return ScheduleView(
        schedule_id=SYNC_SCHEDULE_ID,
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


async def pause(client: Client, note: str) -> None:
    """Stop starting runs; the note says why. Raises NoScheduleError."""
    await _described(client)
    await client.get_schedule_handle(SYNC_SCHEDULE_ID).pause(note=note)


async def resume(client: Client, note: str) -> None:
    """Start runs again. Raises NoScheduleError."""
    await _described(client)
    await client.get_schedule_handle(SYNC_SCHEDULE_ID).unpause(note=note)


async def trigger(client: Client) -> None:
    """Start a run now; during a run it is kept for right after it. Works while paused. Raises NoScheduleError."""
    await _described(client)
    await client.get_schedule_handle(SYNC_SCHEDULE_ID).trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)


async def _described(client: Client) -> ScheduleDescription:
    try:
        return await client.get_schedule_handle(SYNC_SCHEDULE_ID).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        raise NoScheduleError(
            f"Temporal has no schedule called {SYNC_SCHEDULE_ID!r}. Make it with: onhand schedule apply"
        ) from error
