"""Starting a sync by hand and following it to its end."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from onhand import following
from onhand.ledger import runs
from onhand.ledger.database import Pool
from onhand.ledger.runs import RunChannelRow, RunRow
from onhand.messages import SYNC_SCHEDULE_ID, SYNC_TASK_QUEUE, Status, SyncRequest, SyncResult
from workflows.failures import reason_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands: its record and its channels, empty until it has begun."""

    run: RunRow | None
    channels: tuple[RunChannelRow, ...]


async def start(client: Client, request: SyncRequest) -> WorkflowHandle[object, SyncResult]:
    """Start a run beside the schedule's; its id tells when and that it was by hand."""
    return await client.start_workflow(
        "SyncRun",
        request,
        id=following.by_hand_id(SYNC_SCHEDULE_ID),
        task_queue=SYNC_TASK_QUEUE,
        result_type=SyncResult,
        static_summary=_asked_for(request),
    )


def follow(handle: WorkflowHandle[object, SyncResult], pool: Pool) -> AsyncIterator[Progress]:
    """How the run stands, again and again, until it has ended; the last one is the final record."""
    return following.follow(handle, lambda: look(pool, handle.id))


async def look(pool: Pool, run_id: str) -> Progress:
    """How a run stands now."""
    return Progress(await runs.get_run(pool, run_id), tuple(await runs.run_channels(pool, run_id)))


async def outcome(handle: WorkflowHandle[object, SyncResult]) -> tuple[Status, str]:
    """The status of an ended run, and what it says of itself."""
    try:
        result = await following.end_of(handle)
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
