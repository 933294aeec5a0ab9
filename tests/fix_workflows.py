"""Workers on a real Temporal server and a real ledger, with channels in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from onhand.alerts.slack import Delivery, Message
from onhand.channels.base import RemoteItem
from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.messages import SYNC_TASK_QUEUE, SyncRequest, SyncResult
from onhand.settings import Settings
from onhand.sources.base import Source
from tests.memory_channel import MemoryChannel
from worker import Parts, hosted, queues_of


class SilentSlack:
    """Keeps what would have been said."""

    def __init__(self) -> None:
        self.said: list[Message] = []

    async def post(self, message: Message) -> Delivery:
        self.said.append(message)
        return Delivery(True)


@dataclass
class Stage:
    """One test's world: settings, ledger, Temporal, channels by name, and what Slack heard."""

    settings: Settings
    pool: Pool
    client: Client
    channels: dict[str, MemoryChannel]
    slack: SilentSlack = field(default_factory=SilentSlack)
    source: Source | None = None

    @asynccontextmanager
    async def workers(self) -> AsyncIterator[None]:
        """Every worker while the body runs."""
        parts = Parts(self.channels, self.source, self.slack, 0.2)
        async with hosted(self.settings, self.client, self.pool, parts, queues_of(self.settings)):
            yield

    async def start(self, request: SyncRequest | None = None) -> WorkflowHandle[object, SyncResult]:
        """Start a run under an id of its own."""
        return await self.client.start_workflow(
            "SyncRun",
            request or SyncRequest(trigger="operator"),
            id=f"sync-{uuid4()}",
            task_queue=SYNC_TASK_QUEUE,
            result_type=SyncResult,
        )

    async def run(self, request: SyncRequest | None = None) -> SyncResult:
        """A run from start to end, with the workers it needs."""
        async with self.workers():
            return await (await self.start(request)).result()


MakeStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def make_stage(ledger: Pool, temporal_env: WorkflowEnvironment) -> MakeStage:
    """A stage with so many SKUs, listed on each channel given and already mapped."""

    async def make(channels: Sequence[MemoryChannel], skus: int, **sync: object) -> Stage:
        # Queue names come from channel names, so each test's channels are called its own.
        suffix = uuid4().hex[:6]
        for channel in channels:
            channel.name = f"{channel.name}-{suffix}"
        settings = Settings.model_validate(
            {
                "locations": {"leeds": {}},
                "channels": {c.name: _woo() for c in channels},
                "sync": sync,
                "reconcile": {"after_sync": False, "settle_seconds": 0.1},
            }
        )
        stage = Stage(settings, ledger, temporal_env.client, {c.name: c for c in channels})
        await catalogue.save_places(ledger, {"leeds": "Leeds"}, {c.name: "woocommerce" for c in channels})
        codes = [f"S{n:05}" for n in range(skus)]
        await catalogue.save_skus(ledger, [CatalogueSku(code) for code in codes])
        for channel in channels:
            channel.items = [RemoteItem(code, code, "", code, code) for code in codes]
            await catalogue.save_listings(
                ledger, channel.name, [NewListing(code, code, code) for code in codes], [""]
            )
            await catalogue.finish_mapping(ledger, channel.name, None)
        return stage

    return make


def _woo() -> dict[str, object]:
    return {
        "platform": "woocommerce",
        "base_url": "http://127.0.0.1:1",
        "key_env": "UNUSED_KEY",
        "secret_env": "UNUSED_SECRET",
        "locations": ["leeds"],
        "rule": {"mode": "pooled"},  # each shows all there is, so that a test can say what
    }
