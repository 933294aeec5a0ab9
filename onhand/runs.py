"""Starting a sync by hand and following it to its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from onhand.ledger import runs
from onhand.ledger.database import Pool
from onhand.ledger.runs import RunChannelRow, RunRow
from onhand.messages import SYNC_SCHEDULE_ID, SYNC_TASK_QUEUE, Status, SyncRequest, SyncResult
from workflows.failures import reason_of

LOOK_SECONDS = 0.25
AWAY_SECONDS_MAX = 60.0
"""How long a Temporal that does not answer is waited for; the run itself goes on in any case."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands: its record and its channels, empty until it has begun."""

    run: RunRow | None
    channels: tuple[RunChannelRow, ...]


async def start(client: Client, request: SyncRequest) -> WorkflowHandle[object, SyncResult]:
    """Start a run beside the schedule's; its id tells when and that it was by hand."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return await client.start_workflow(
        "SyncRun",
        request,
        id=f"{SYNC_SCHEDULE_ID}-by-hand-{moment}Z",
        task_queue=SYNC_TASK_QUEUE,
        result_type=SyncResult,
        static_summary=_asked_for(request),
    )


async def follow(handle: WorkflowHandle[object, SyncResult], pool: Pool) -> AsyncIterator[Progress]:
    """How the run stands, again and again, until it has ended; the last one is the final record."""
    end = asyncio.create_task(_end_of(handle))
    try:
        while not end.done():
            yield await look(pool, handle.id)
            await asyncio.wait([end], timeout=LOOK_SECONDS)
        yield await look(pool, handle.id)
    finally:
        end.cancel()
        await asyncio.gather(end, return_exceptions=True)


async def _end_of(handle: WorkflowHandle[object, SyncResult]) -> SyncResult:
    """The result of a run, however long that takes; a Temporal that is being restarted is waited for."""
    away_since: float | None = None
    while True:
        try:
            return await handle.result()
        except RPCError as error:
            away_since = away_since or time.monotonic()
            if (
                error.status is not RPCStatusCode.UNAVAILABLE
                or time.monotonic() - away_since > AWAY_SECONDS_MAX
            ):
                raise
            await asyncio.sleep(1)


async def look(pool: Pool, run_id: str) -> Progress:
    """How a run stands now."""
    return Progress(await runs.get_run(pool, run_id), tuple(await runs.run_channels(pool, run_id)))


async def outcome(handle: WorkflowHandle[object, SyncResult]) -> tuple[Status, str]:
    """The status of an ended run, and what it says of itself."""
    try:
        result = await _end_of(handle)
    except WorkflowFailureError as error:
        return "failed", reason_of(error)
    return result.status, result.summary


def _asked_for(request: SyncRequest) -> str:
    parts: list[str] = ["full sync" if request.full else "sync"]
    for name, given in (("channel", request.channels), ("SKU", request.skus)):
        parts += [f"of {name} {_some(given)}"] if given else []
    return " ".join([*parts, "by hand"])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
