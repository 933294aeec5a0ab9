"""Starting a read-back by hand and following it to its end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from onhand import following
from onhand.ledger import reconcile
from onhand.ledger.database import Pool
from onhand.ledger.reconcile import ReconciledChannel, ReconciliationRow
from onhand.messages import (
    RECONCILE_SCHEDULE_ID,
    SYNC_TASK_QUEUE,
    ReconcileRequest,
    ReconcileResult,
    ReconcileStatus,
)
from workflows.failures import reason_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How a read-back stands: its record and its channels, empty until it has begun."""

    record: ReconciliationRow | None
    channels: tuple[ReconciledChannel, ...]


async def start(client: Client, request: ReconcileRequest) -> WorkflowHandle[object, ReconcileResult]:
    """Start a read-back beside the schedule's; its id tells when and that it was by hand."""
    return await client.start_workflow(
        "Reconciliation",
        request,
        id=following.by_hand_id(RECONCILE_SCHEDULE_ID),
        task_queue=SYNC_TASK_QUEUE,
        result_type=ReconcileResult,
        static_summary="read-back by hand",
    )


def follow(handle: WorkflowHandle[object, ReconcileResult], pool: Pool) -> AsyncIterator[Progress]:
    """How it stands, again and again, until it has ended; the last one is the final record."""
    return following.follow(handle, lambda: look(pool, handle.id))


async def look(pool: Pool, reconciliation: str) -> Progress:
    """How a read-back stands now."""
    record = await reconcile.get(pool, reconciliation)
    return Progress(record, tuple(await reconcile.channels_of(pool, reconciliation)))


async def outcome(handle: WorkflowHandle[object, ReconcileResult]) -> tuple[ReconcileStatus, str, int]:
    """The status of an ended read-back, what it says of itself, and the drifts that are still open."""
    try:
        result = await following.end_of(handle)
    except WorkflowFailureError as error:
        return "failed", reason_of(error), 0
    return result.status, result.summary, sum(channel.open for channel in result.channels)
