"""Signals to the workflows that take an inbox or an outbox: wake-ups, never the record of anything.

Whoever commits a row that finds its channel asleep is told so by the ledger, and calls these. A signal that is lost
costs time, not truth: the order sweep looks for channels with work and wakes them again.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from onhand.messages import (
    SYNC_TASK_QUEUE,
    IntakeState,
    PoisonNotice,
    PublishState,
    SweepRequest,
    channel_task_queue,
    intake_id,
    poison_id,
    publish_id,
    sweep_id,
)
from workflows.search import attributes

SIGNAL_TIMEOUT = timedelta(seconds=5)
"""For Temporal to take one signal; the sweep makes up for those it did not take."""

TASK_TIMEOUT = timedelta(seconds=5)
"""Turns follow one another within one workflow task, which is then renewed every four seconds."""

SUMMARIES = {"Intake": "what it tells us goes into the ledger", "Publish": "what has changed goes to it"}
SUMMARY_CHARS_MAX = 200
REASON_CHARS_MAX = 1_000

logger = structlog.get_logger()


async def wake_intakes(client: Client, channels: Iterable[str]) -> bool:
    """Signal the intake of each channel, starting it where it does not run; False where a signal was not taken."""
    return await _all(client, "Intake", [(intake_id(c), c, IntakeState(channel=c)) for c in channels])


async def wake_publishers(client: Client, channels: Iterable[str]) -> bool:
    """The same for their publishers."""
    return await _all(client, "Publish", [(publish_id(c), c, PublishState(channel=c)) for c in channels])


async def probe_publisher(client: Client, channel: str) -> bool:
    """Have the channel tried now, whatever its breaker says; False where the signal was not taken."""
    return await _wake(
        client, "Publish", publish_id(channel), channel, PublishState(channel=channel), signal="probe"
    )


async def sweep_soon(client: Client, channel: str, after: timedelta) -> None:
    """Sweep a channel's orders once so much time has passed; one that is already to come will do.

    Where Temporal does not take it, the next scheduled sweep does the same.
    """
    try:
        await client.start_workflow(
            "OrderSweep",
            SweepRequest(channel=channel),
            id=f"{sweep_id(channel)}/authority",
            task_queue=SYNC_TASK_QUEUE,
            start_delay=after,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=attributes(channel=channel),
            static_summary=f"{channel}: levels that somebody changed",
            rpc_timeout=SIGNAL_TIMEOUT,
        )
    except RPCError as error:
        logger.warning(
            "sweep not started; the scheduled one makes up for it", channel=channel, status=error.status.name
        )


class Dismissed(Protocol):
    """A delivery that was dismissed, as the inbox keeps it (`onhand.ledger.inbox.InboxRow`)."""

    @property
    def channel(self) -> str:
        """Of which channel it is."""
        ...

    @property
    def inbox_id(self) -> int:
        """Its number."""
        ...

    @property
    def topic(self) -> str:
        """The platform's word."""
        ...

    @property
    def subject(self) -> str:
        """What it is about."""
        ...

    @property
    def reason(self) -> str:
        """Why it could not be taken."""
        ...

    @property
    def dismissed_by(self) -> str:
        """Who dismissed it."""
        ...

    @property
    def dismissed_because(self) -> str:
        """Why."""
        ...


async def close_poison(client: Client, row: Dismissed) -> bool:
    """Have the workflow of a delivery that was dismissed say so, and complete; False where Temporal does not answer.

    The inbox is the record; without an answer the workflow goes on being shown as failed.
    """
    notice = PoisonNotice(
        channel=row.channel,
        inbox_id=row.inbox_id,
        topic=row.topic,
        subject=row.subject,
        reason=row.reason[:REASON_CHARS_MAX],
        dismissed_by=row.dismissed_by,
        note=row.dismissed_because,
    )
    try:
        await client.start_workflow(
            "InboxPoison",
            notice,
            id=poison_id(row.channel, row.inbox_id),
            task_queue=SYNC_TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
            search_attributes=attributes(channel=row.channel),
            static_summary=f"{row.channel}: dismissed by {row.dismissed_by}"[:SUMMARY_CHARS_MAX],
            rpc_timeout=SIGNAL_TIMEOUT,
        )
    except RPCError as error:
        logger.warning(
            "a dismissed delivery is still shown as failed in Temporal",
            channel=row.channel,
            delivery=row.inbox_id,
            status=error.status.name,
        )
        return False
    return True


async def _all(
    client: Client,
    workflow: str,
    wanted: list[tuple[str, str, IntakeState]] | list[tuple[str, str, PublishState]],
) -> bool:
    taken = await asyncio.gather(*(_wake(client, workflow, *each) for each in wanted))
    return all(taken)


async def _wake(
    client: Client,
    workflow: str,
    workflow_id: str,
    channel: str,
    state: IntakeState | PublishState,
    signal: str = "wake",
) -> bool:
    try:
        await client.start_workflow(
            workflow,
            state,
            id=workflow_id,
            task_queue=channel_task_queue(channel),
            start_signal=signal,
            search_attributes=attributes(channel=channel),
            static_summary=f"{channel}: {SUMMARIES[workflow]}",
            task_timeout=TASK_TIMEOUT,
            rpc_timeout=SIGNAL_TIMEOUT,
        )
    except RPCError as error:
        logger.warning(
            "wake-up not delivered; the order sweep makes up for it",
            workflow=workflow_id,
            channel=channel,
            status=error.status.name,
        )
        return False
    return True
