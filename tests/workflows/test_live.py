"""Real time on a real Temporal and a real ledger: an order on one channel is seen on all others."""

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
from onhand.channels.errors import ChannelDown, CredentialsBad
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.sales import ChannelOrder, SoldLine, as_json, version_of
from onhand.ledger import inbox, levels, work
from onhand.ledger.inbox import Received
from onhand.ledger.posting import post_events
from onhand.messages import SYNC_TASK_QUEUE, SweepRequest, intake_id, publish_id, sweep_id
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


async def test_an_order_on_one_channel_is_seen_on_all_others(shops: Stage) -> None:
    """Goal: the line from webhook to the other shops; the shop that sold is not told its own sale."""
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    async with shops.workers():
        store.sold("S00003", 4)
        await hear(shops, store.name, [order("1001", "S00003", 4)])
        await until(lambda: nothing_pending(shops))

    for channel in (store, web, mall):
        assert channel.levels["S00003", ""] == 96
    assert (store.calls, web.calls, mall.calls) == ([], [("set", 1)], [("set", 1)])


async def test_many_orders_are_told_in_few_calls_and_every_level_is_right(shops: Stage) -> None:
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    async with shops.workers():
        for start in range(0, 200, 20):
            orders = [order(f"{start + n}", f"S{n:05}", 1) for n in range(20)]
            for each in orders:
                web.sold(each.lines[0].sku, 1)
            await hear(shops, web.name, orders)
        await until(lambda: nothing_pending(shops))

    for channel in (store, web, mall):
        assert {channel.levels[f"S{n:05}", ""] for n in range(20)} == {90}
    assert len(store.calls) <= 10


async def test_a_channel_that_is_down_loses_nothing_and_the_others_go_on(shops: Stage) -> None:
    """Goal: the breaker opens, says so, probes, and everything that waited arrives."""
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    web.raises = [ChannelDown("web", "setting 1 level", "maintenance") for _ in range(4)]
    async with shops.workers():
        store.sold("S00001", 1)
        await hear(shops, store.name, [order("1", "S00001", 1)])

        async def noticed() -> bool:
            (row,) = await work.of_channels(shops.pool, [web.name])
            return row.trouble.startswith("web: setting 1 level failed: maintenance")

        await until(noticed)
        await until(lambda: nothing_pending(shops))
        (row,) = await work.of_channels(shops.pool, [web.name])

    assert (row.trouble, row.retry_at) == ("", None)
    assert web.levels["S00001", ""] == mall.levels["S00001", ""] == 99


async def test_an_operator_who_resumes_a_channel_in_trouble_has_it_tried_at_once(shops: Stage) -> None:
    """Goal: who has mended the credentials does not wait for the breaker's minute."""
    store, web = named(shops, "store"), named(shops, "web")
    web.raises = [CredentialsBad("web", "setting 1 level", "the key was revoked")]
    async with shops.workers():
        store.sold("S00001", 1)
        await hear(shops, store.name, [order("1", "S00001", 1)])

        async def noticed() -> bool:
            return (await work.holds(shops.pool, [web.name]))[web.name].holds

        await until(noticed)
        before = (await work.holds(shops.pool, [web.name]))[web.name]
        await work.resume(shops.pool, web.name)
        assert await waking.probe_publisher(shops.client, web.name)
        await until(lambda: nothing_pending(shops))

    assert before.retry_at is not None
    assert before.retry_at > datetime.now(UTC), "it was tried before its time"
    assert web.levels["S00001", ""] == 99
    assert not (await work.holds(shops.pool, [web.name]))[web.name].holds


async def test_a_refused_sku_leaves_the_line_and_becomes_its_own_update(shops: Stage) -> None:
    store, web = named(shops, "store"), named(shops, "web")
    web.refuses = {"S00005"}
    async with shops.workers():
        for sku in ("S00005", "S00006"):
            store.sold(sku, 1)
        await hear(shops, store.name, [order("1", "S00005", 1), order("2", "S00006", 1)])
        await until(lambda: nothing_pending(shops))
        handle = shops.client.get_workflow_handle(f"sku-update/{web.name}/S00005")

        async def started() -> bool:
            with suppress(RPCError):
                return bool(await handle.describe())
            return False

        await until(started)
        assert web.levels["S00006", ""] == 99
        assert web.levels["S00005", ""] == 100
        web.refuses = set()
        await asyncio.wait_for(handle.result(), LONG)
        await until(lambda: nothing_pending(shops))

    assert web.levels["S00005", ""] == 99


async def test_a_sku_whose_update_never_began_is_told_after_the_next_sweep(shops: Stage) -> None:
    """Goal: a worker that dies between leaving a SKU out and starting its update leaves nobody untold.

    Method: the pending listing as such a worker leaves it, with no update anywhere; then one sweep.
    """
    web = named(shops, "web")
    sold = Movement("test", "sold", EventKind.ADJUSTMENT, "S00005", "leeds", -1, datetime.now(UTC))
    await post_events(shops.pool, [event_of(sold)], set())
    ((listing, _),) = await levels.listings_of_sku(shops.pool, "S00005", web.name)
    await levels.isolate(shops.pool, [listing])
    async with shops.workers():
        await waking.wake_publishers(shops.client, shops.channels)
        await shops.client.execute_workflow(
            "OrderSweep",
            SweepRequest(channel=web.name),
            id=f"{sweep_id(web.name)}-once",
            task_queue=SYNC_TASK_QUEUE,
        )
        await asyncio.wait_for(
            shops.client.get_workflow_handle(f"sku-update/{web.name}/S00005").result(), LONG
        )
        await until(lambda: nothing_pending(shops))
    assert web.levels["S00005", ""] == 99


async def test_poison_leaves_the_batch_and_is_shown_once(shops: Stage) -> None:
    """Goal: 1 bad delivery of 3 becomes a failed workflow with its reason, people hear once, the others are posted."""
    store, web = named(shops, "store"), named(shops, "web")
    store.sold("S00001", 1)
    store.sold("S00002", 1)
    bad = ChannelOrder(
        "bad", 5, datetime.now(UTC), datetime.now(UTC), (SoldLine("1", ("unknown",), "NOPE", 1, 0),)
    )
    async with shops.workers():
        await hear(shops, store.name, [order("1", "S00001", 1), bad, order("2", "S00002", 1)])
        await until(lambda: nothing_pending(shops))

        async def told() -> bool:
            return len(shops.slack.said) == 1

        await until(told)
        (row,) = await inbox.listed(shops.pool, store.name, "poison", 10)
        handle = shops.client.get_workflow_handle(f"poison/{store.name}/{row.inbox_id}")
        with pytest.raises(Exception, match="Workflow execution failed") as failed:
            await asyncio.wait_for(handle.result(), LONG)

    assert "sells what is mapped to no SKU: line 1 (SKU 'NOPE', item unknown)" in str(failed.value.__cause__)
    assert (web.levels["S00001", ""], web.levels["S00002", ""]) == (99, 99)


async def test_a_paused_channel_is_told_nothing_until_it_is_resumed(shops: Stage) -> None:
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    await work.pause(shops.pool, web.name, "stocktaking")
    async with shops.workers():
        store.sold("S00001", 1)
        await hear(shops, store.name, [order("1", "S00001", 1)])

        async def mall_is_told() -> bool:
            return mall.levels["S00001", ""] == 99

        await until(mall_is_told)
        assert web.levels["S00001", ""] == 100
        await work.resume(shops.pool, web.name)
        await waking.wake_publishers(shops.client, [web.name])
        await until(lambda: nothing_pending(shops))

    assert web.levels["S00001", ""] == 99
