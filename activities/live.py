"""The steps of real time: take a channel's inbox, tell a channel what has changed; and what leaves the line."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.beating import heartbeats
from onhand.alerts import poison_report
from onhand.alerts.slack import Slack
from onhand.channels.base import Channel
from onhand.domain.listings import RuleBook
from onhand.draining import LINGER_SECONDS
from onhand.intake.turn import take_turn
from onhand.ledger import inbox
from onhand.ledger.database import Pool
from onhand.ledger.doorbell import INBOX, OUTBOX, Doorbell
from onhand.messages import (
    SYNC_TASK_QUEUE,
    Drain,
    FollowPoison,
    InboxTurn,
    OutboxTurn,
    PoisonNotice,
    SkuUpdateRequest,
    StartSkuUpdates,
    poison_id,
    sku_update_id,
)
from onhand.publish.live import Publisher
from onhand.waking import sweep_soon, wake_publishers
from workflows.policies import SKU_UPDATE_PRIORITY
from workflows.search import attributes

STARTS_AT_ONCE = 8
REASON_CHARS_MAX = 1_000


@dataclass(frozen=True)
class LiveSteps:
    """What a channel's queue needs. Publishers live as long as the worker, for their breakers' sake."""

    pool: Pool
    client: Client
    channels: Mapping[str, Channel]
    rules: RuleBook
    doorbell: Doorbell
    attempts: int
    settle: timedelta
    linger_seconds: float = LINGER_SECONDS
    publishers: dict[str, Publisher] = field(default_factory=dict)
    worked_at: dict[str, float] = field(default_factory=dict)
    """When each channel's intake last found something."""

    @activity.defn
    async def drain_inbox(self, drain: Drain) -> InboxTurn:
        """One turn of a channel's intake."""
        channel = self.channels[drain.channel]
        turn = await take_turn(
            self.pool,
            channel,
            self.rules.channels[drain.channel],
            self._wake,
            partial(self.doorbell.wait, INBOX, drain.channel),
            worked_at=self.worked_at.get(drain.channel, -math.inf),
            linger_seconds=self.linger_seconds,
        )
        self.worked_at[drain.channel] = turn.worked_at
        if turn.aside:
            await sweep_soon(self.client, drain.channel, self.settle)
        return InboxTurn(
            asleep=turn.asleep,
            deliveries=turn.deliveries,
            posted=turn.posted,
            poison=sorted(turn.poison),
            wait_seconds=turn.wait_seconds,
            trouble=turn.trouble[:REASON_CHARS_MAX],
        )

    @activity.defn
    async def drain_outbox(self, drain: Drain) -> OutboxTurn:
        """One turn of a channel's publisher."""
        told = await self._publisher(drain.channel).turn()
        return OutboxTurn(
            asleep=told.asleep,
            changed=told.changed,
            unchanged=told.unchanged,
            failed=len(told.failed_skus),
            failed_skus=sorted(told.failed_skus),
            attempts=self.attempts,
            wait_seconds=told.wait_seconds,
            trouble=self._publisher(drain.channel).breaker.trouble[:REASON_CHARS_MAX],
            paused=told.paused,
            note=told.note,
        )

    def _publisher(self, name: str) -> Publisher:
        if name not in self.publishers:
            self.publishers[name] = Publisher(
                self.pool,
                self.channels[name],
                self.rules,
                self._wake,
                partial(self.doorbell.wait, OUTBOX, name),
                self.linger_seconds,
            )
        return self.publishers[name]

    async def _wake(self, channels: set[str]) -> bool:
        return await wake_publishers(self.client, sorted(channels & self.channels.keys()))


async def start_updates(client: Client, channel: str, skus: Sequence[str], attempts: int) -> None:
    """Start an update of its own for each SKU; one that runs already is left to itself. Raises RPCError."""
    slots = asyncio.Semaphore(STARTS_AT_ONCE)

    async def one(sku: str) -> None:
        async with slots:
            await client.start_workflow(
                "SkuUpdate",
                SkuUpdateRequest(channel=channel, sku=sku, attempts=attempts),
                id=sku_update_id(channel, sku),
                task_queue=SYNC_TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=attributes(channel=channel, sku=sku),
                static_summary=f"{channel} refused {sku}"[:200],
                priority=SKU_UPDATE_PRIORITY,
                rpc_timeout=timedelta(seconds=10),
            )

    await asyncio.gather(*(one(sku) for sku in skus))


@dataclass(frozen=True)
class LeavingSteps:
    """What leaves the line and becomes a workflow of its own."""

    pool: Pool
    client: Client
    slack: Slack
    alert_channel: str

    @activity.defn
    async def start_live_updates(self, start: StartSkuUpdates) -> None:
        """Start an update for each SKU that a channel refused; one that is already being retried is left to it."""
        async with heartbeats():
            await start_updates(self.client, start.channel, start.skus, start.attempts)

    @activity.defn
    async def follow_poison(self, follow: FollowPoison) -> None:
        """Make each delivery that could not be taken a failed workflow with its reason, and tell people, once."""
        fresh = []
        async with heartbeats():
            for inbox_id in follow.inbox_ids:
                row = await inbox.one(self.pool, inbox_id)
                if row is not None and row.outcome == "poison" and await self._show(follow.channel, row):
                    fresh.append(row)
            if fresh:
                await poison_report.tell(self.slack, self.alert_channel, follow.channel, fresh)

    async def _show(self, channel: str, row: inbox.InboxRow) -> bool:
        """False where this delivery was shown before for the same reason; a replay that fails again is news."""
        try:
            await self.client.start_workflow(
                "InboxPoison",
                PoisonNotice(
                    channel=channel,
                    inbox_id=row.inbox_id,
                    topic=row.topic,
                    subject=row.subject,
                    reason=row.reason[:REASON_CHARS_MAX],
                    replayable=row.kind != inbox.UNREADABLE,
                ),
                id=poison_id(channel, row.inbox_id),
                task_queue=SYNC_TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                search_attributes=attributes(channel=channel),
                static_summary=f"{channel}: {row.topic} {row.subject}"[:200],
                rpc_timeout=timedelta(seconds=10),
            )
        except WorkflowAlreadyStartedError:
            return False
        return True
