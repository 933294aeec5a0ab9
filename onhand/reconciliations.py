"""Starting a read-back by hand and following it to its end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

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

LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How a read-back stands: its record and its channels, empty until it has begun."""

    record: ReconciliationRow | None
    channels: tuple[ReconciledChannel, ...]


async def start(client: Client, request: ReconcileRequest) -> WorkflowHandle[object, ReconcileResult]:
    """Start a read-back beside the schedule's; its id tells when and that it was by hand."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return await client.start_workflow(
        "Reconciliation",
        request,
        id=f"{RECONCILE_SCHEDULE_ID}-by-hand-{moment}Z",
        task_queue=SYNC_TASK_QUEUE,
        result_type=ReconcileResult,
        static_summary="read-back by hand",
    )


async def follow(handle: WorkflowHandle[object, ReconcileResult], pool: Pool) -> AsyncIterator[Progress]:
    """How it stands, again and again, until it has ended; the last one is the final record."""
    end = asyncio.create_task(outcome(handle))
    try:
        while not end.done():
            yield await look(pool, handle.id)
            await asyncio.wait([end], timeout=LOOK_SECONDS)
        yield await look(pool, handle.id)
    finally:
        end.cancel()
        await asyncio.gather(end, return_exceptions=True)


async def look(pool: Pool, reconciliation: str) -> Progress:
    """How a read-back stands now."""
    record = await reconcile.get(pool, reconciliation)
    return Progress(record, tuple(await reconcile.channels_of(pool, reconciliation)))


async def outcome(handle: WorkflowHandle[object, ReconcileResult]) -> tuple[ReconcileStatus, str, int]:
    """The status of an ended read-back, what it says of itself, and the drifts that are still open."""
    try:
        result = await handle.result()
    except WorkflowFailureError as error:
        return "failed", reason_of(error), 0
    return result.status, result.summary, sum(channel.open for channel in result.channels)
