"""The doctor on Temporal: reachable, the schedule as configured, and workers on every queue."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from onhand import schedules
from onhand.cli.examined import Examined, broken, fine, gap
from onhand.connect import NotRunningError, connect_temporal, temporal_is_configured
from onhand.embedded.errors import EmbeddedError
from onhand.messages import RECONCILE_SCHEDULE_ID, sweep_id
from onhand.schedules import NoScheduleError
from onhand.settings import Settings
from onhand.status import workers
from onhand.wording import ago, duration

REACH_SECONDS = 10.0


async def examine(settings: Settings) -> AsyncIterator[Examined]:
    """Temporal first; the rest only where it answers."""
    where = "configured" if temporal_is_configured() else "embedded"
    try:
        async with asyncio.timeout(REACH_SECONDS):
            client = await connect_temporal(settings)
    except (NotRunningError, EmbeddedError) as error:
        yield broken("temporal", str(error), "onhand up")
        return
    except (RuntimeError, RPCError, OSError, TimeoutError) as error:
        said = str(error) or "no answer in time"
        yield broken(
            "temporal", f"{where}: {said}", "Check TEMPORAL_ADDRESS and the certificates, and that it runs."
        )
        return
    yield fine("temporal", f"{where}: reachable, namespace {client.namespace}")
    try:
        async with asyncio.timeout(REACH_SECONDS):
            yield await _schedule(client, settings)
            async for finding in _sweeps(client, settings):
                yield finding
            if settings.reconcile.every_minutes:
                yield await _read_backs(client, settings)
            for queue, kind in workers.queues(settings):
                yield await _polled(client, queue, kind)
    except (RPCError, TimeoutError) as error:
        yield broken(
            "temporal", str(error) or "no answer in time", "Look at the server's log and its Web UI."
        )


async def _schedule(client: Client, settings: Settings) -> Examined:
    try:
        view = await schedules.show(client)
    except NoScheduleError as error:
        return gap("schedule", str(error), "onhand schedule apply")
    every = timedelta(minutes=settings.schedule.every_minutes)
    if view.paused:
        return gap("schedule", f"paused: {view.note}", "onhand schedule resume")
    if view.every != every:
        said = f"every {duration(view.every.total_seconds())}, the configuration says {duration(every.total_seconds())}"
        return gap("schedule", said, "onhand schedule apply")
    following = f", next {ago(view.next_runs[0])}" if view.next_runs else ""
    return fine("schedule", f"every {duration(every.total_seconds())}{following}")


async def _sweeps(client: Client, settings: Settings) -> AsyncIterator[Examined]:
    """The sweeps of all listening channels in one line, or one for each that is not as configured."""
    every, listening = settings.schedule.sweep_seconds, settings.listening_channels()
    wrong = [found for name in listening if (found := await _sweep_problem(client, name, every))]
    for found in wrong:
        yield found
    if listening and not wrong:
        yield fine("sweeps", f"of {', '.join(listening)} every {duration(every)}")


async def _read_backs(client: Client, settings: Settings) -> Examined:
    """Whether every channel is read back as configured."""
    every = timedelta(minutes=settings.reconcile.every_minutes)
    try:
        view = await schedules.show(client, RECONCILE_SCHEDULE_ID)
    except NoScheduleError as error:
        return gap("read-backs", str(error), "onhand schedule apply")
    if view.paused:
        return gap("read-backs", f"paused: {view.note}", _resume(RECONCILE_SCHEDULE_ID))
    if view.every != every:
        now, wanted = duration(view.every.total_seconds()), duration(every.total_seconds())
        return gap("read-backs", f"every {now}, the configuration says {wanted}", "onhand schedule apply")
    return fine("read-backs", f"every {duration(every.total_seconds())}")


async def _sweep_problem(client: Client, channel: str, every_seconds: int) -> Examined | None:
    """Why a channel's orders are not swept as configured; None where they are."""
    subject = f"sweep {channel}"
    try:
        view = await schedules.show(client, sweep_id(channel))
    except NoScheduleError as error:
        return gap(subject, str(error), "onhand schedule apply")
    if view.paused:
        return gap(subject, f"paused: {view.note}", _resume(sweep_id(channel)))
    if view.every.total_seconds() != every_seconds:
        now, wanted = duration(view.every.total_seconds()), duration(every_seconds)
        return gap(subject, f"every {now}, the configuration says {wanted}", "onhand schedule apply")
    return None


def _resume(schedule: str) -> str:
    return f"onhand schedule resume --schedule {schedule}"


async def _polled(client: Client, queue: str, kind: workers.Kind) -> Examined:
    seen = await workers.polled(client, queue, kind)
    subject = f"worker {queue} ({'workflows' if kind == workers.WORKFLOWS else 'steps'})"
    if seen:
        return fine(subject, f"{len(seen)} polling, last {ago(max(seen))}")
    return broken(
        subject, "nobody polls it, so nothing of it is done", "Start a worker: onhand up, or worker.py"
    )
