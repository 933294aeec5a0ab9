"""Real time on a stage: three shops that sell, orders as the door lets them in, and waiting for what must come."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.service import RPCError

from onhand import waking
from onhand.channels.base import WriteKind
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.sales import ChannelOrder, SoldLine, as_json, version_of
from onhand.ledger import inbox, levels, work
from onhand.ledger.inbox import Received
from onhand.ledger.posting import post_events
from onhand.messages import intake_id, publish_id
from onhand.publish import Errand, bring_to_targets
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel

LONG = 30.0


async def until(check: Any, seconds: float = LONG) -> None:
    """Wait until an async check holds; its last answer is told when it never does."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.01)


def order(number: str, sku: str, pieces: int, *, version: int = 0, fulfilled: int = 0) -> ChannelOrder:
    at = datetime.now(UTC)
    line = SoldLine("1", (sku,), sku, pieces - fulfilled, fulfilled)
    return ChannelOrder(number, version_of(at) + version, at, at, (line,))


def delivery(channel: str, told: ChannelOrder) -> Received:
    digest = hashlib.sha256(repr(told).encode()).digest()
    return Received(channel, told.order_id, digest, "order", "orders/create", told.order_id, as_json(told))


async def hear(stage: Stage, channel: str, orders: Sequence[ChannelOrder]) -> None:
    """As the door does: make durable, then signal who sleeps."""
    accepted = await inbox.accept(stage.pool, [delivery(channel, each) for each in orders])
    if any(each.woken for each in accepted):
        await waking.wake_intakes(stage.client, [channel])


@pytest.fixture
async def shops(make_stage: MakeStage) -> AsyncIterator[Stage]:
    """Three channels, each as its platform writes: relative, absolute, absolute without echo; 20 SKUs at 100."""
    stage = await make_stage(
        [
            MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True, bulk_size=50),
            MemoryChannel("web", bulk_size=50),
            MemoryChannel("mall", bulk_size=50, echoes=False),
        ],
        20,
    )
    at = datetime.now(UTC) - timedelta(hours=1)
    receipts = [
        event_of(Movement("test", f"r{n}", EventKind.RECEIPT, f"S{n:05}", "leeds", 100, at))
        for n in range(20)
    ]
    await post_events(stage.pool, receipts)
    for channel in stage.channels.values():
        ids, _ = await levels.listing_page(stage.pool, channel.name, levels.ListingCursor(), 100, None)
        await bring_to_targets(stage.pool, channel, stage.settings.rule_book(), ids, Errand())
        channel.calls.clear()
    yield stage
    for channel in stage.channels:
        for workflow in (intake_id(channel), publish_id(channel)):
            with suppress(RPCError):  # a channel that nothing happened on has none
                await stage.client.get_workflow_handle(workflow).terminate()


def named(stage: Stage, name: str) -> MemoryChannel:
    return next(channel for key, channel in stage.channels.items() if key.startswith(name))


async def nothing_pending(stage: Stage) -> bool:
    rows = await work.of_channels(stage.pool, list(stage.channels))
    return all(r.inbox == 0 and r.outbox == 0 and not r.publish_awake and not r.intake_awake for r in rows)
