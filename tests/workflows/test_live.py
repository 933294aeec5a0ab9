"""Real time on a real Temporal and a real ledger: an order on one channel is seen on all others."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.service import RPCError
from temporalio.testing import ActivityEnvironment

from activities.live import LeavingSteps
from onhand import waking
from onhand.channels.errors import ChannelDown, CredentialsBad
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.sales import ChannelOrder, SoldLine
from onhand.ledger import inbox, levels, planning, stock, work
from onhand.ledger.inbox import Received
from onhand.ledger.posting import post_events
from onhand.messages import (
    SYNC_TASK_QUEUE,
    FollowPoison,
    SweepRequest,
    SweepResult,
    poison_id,
    sweep_id,
)
from onhand.settings import Settings
from tests.fix_live import LONG, delivery, hear, named, nothing_pending, order, until
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel


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


async def test_dismissed_poison_is_shown_as_done(shops: Stage) -> None:
    """Goal: the workflow of a delivery nobody could read fails first, and completes once somebody dismisses it."""
    store = named(shops, "store")
    poison = Received(
        store.name, "d1", b"1", "other", "orders", "", {}, inbox.InboxOutcome.POISON, "the body is no JSON"
    )
    async with shops.workers():
        ((number, _),) = [(each.inbox_id, each.woken) for each in await inbox.accept(shops.pool, [poison])]
        assert number is not None
        await ActivityEnvironment().run(
            LeavingSteps(shops.pool, shops.client, shops.slack, "#stock").follow_poison,
            FollowPoison(channel=store.name, inbox_ids=[number]),
        )
        handle = shops.client.get_workflow_handle(poison_id(store.name, number))
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), LONG)
        (row,) = await inbox.dismiss(shops.pool, [number], "ada", "seen to")
        assert await waking.close_poison(shops.client, row)
        await asyncio.wait_for(handle.result(), LONG)
        details = await handle.describe()

    assert details.status is WorkflowExecutionStatus.COMPLETED
    assert await details.static_summary() == f"{store.name}: dismissed by ada"


async def test_a_paused_channel_is_told_nothing_until_it_is_resumed(shops: Stage) -> None:
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    await work.pause(shops.pool, web.name, "stocktaking", "ada")
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


async def test_a_worker_makes_the_rows_of_newly_configured_places(make_stage: MakeStage) -> None:
    """Goal: a place that came with a new configuration has its levels before the first sync run."""
    stage = await make_stage([MemoryChannel("web")], 3)

    async def rows() -> int:
        async with stage.pool.connection() as connection:
            cursor = await connection.execute("SELECT count(*) FROM level WHERE place = ''")
            (number,) = await cursor.fetchone() or (0,)
            return number

    async with stage.pool.connection() as connection:
        await connection.execute("DELETE FROM level")
    assert await rows() == 0
    async with stage.workers():
        assert await rows() == 3


def with_authority(stage: Stage, channel: str) -> None:
    """Its levels are counts of leeds from now on, looked at a moment after they were changed."""
    raw = stage.settings.model_dump()
    raw["channels"][channel]["authority_for"] = ["leeds"]
    raw["sync"]["authority_settle_seconds"] = 0.2
    stage.settings = Settings.model_validate(raw)


def notice(channel: str, name: str, sku: str, quantity: int) -> Received:
    """The channel tells that a level is something else now."""
    return Received(
        channel, name, name.encode(), "level", "levels/update", sku, {"place": "", "quantity": quantity}
    )


async def test_what_an_authority_sets_by_hand_is_swept_counted_and_told_to_all(shops: Stage) -> None:
    """Goal: the whole way on a real server: put aside, swept soon by a workflow of its own, counted, published."""
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    with_authority(shops, store.name)
    store.levels["S00001", ""] = 88
    async with shops.workers():
        (told,) = await inbox.accept(shops.pool, [notice(store.name, "n1", "S00001", 88)])
        assert told.woken
        await waking.wake_intakes(shops.client, [store.name])

        async def told_to_all() -> bool:
            return web.levels["S00001", ""] == mall.levels["S00001", ""] == 88

        await until(told_to_all)
        handle = shops.client.get_workflow_handle(
            f"{sweep_id(store.name)}/authority", result_type=SweepResult
        )
        result = await asyncio.wait_for(handle.result(), LONG)
        described = await handle.describe()
        await until(lambda: nothing_pending(shops))

    assert (result.channel, result.orders, result.missed) == (store.name, 0, 0)
    assert (described.workflow_type, described.status) == ("OrderSweep", WorkflowExecutionStatus.COMPLETED)
    kinds = [(event.kind, event.source) for event in await stock.sku_events(shops.pool, "S00001", 1)]
    assert kinds == [("count", f"channel/{store.name}/authority")]


async def test_a_sweep_that_is_to_come_serves_whatever_is_changed_until_then(shops: Stage) -> None:
    """Goal: ten changed levels are one sweep. Method: nobody works on it, so it stays to come."""
    store = named(shops, "store")
    for _ in range(3):
        await waking.sweep_soon(shops.client, store.name, timedelta(minutes=5))
    handle = shops.client.get_workflow_handle(f"{sweep_id(store.name)}/authority")
    history = await handle.fetch_history()
    await handle.terminate()
    started = history.events[0].workflow_execution_started_event_attributes
    assert started.workflow_type.name == "OrderSweep"
    assert started.first_workflow_task_backoff.ToTimedelta() == timedelta(minutes=5)
    assert len(history.events) == 1


async def test_a_sweep_takes_what_no_webhook_told_and_wakes_who_was_never_signalled(shops: Stage) -> None:
    """Goal: a lost webhook, and a signal lost in a crash, are both made good for by one sweep."""
    store, web = named(shops, "store"), named(shops, "web")
    store.sold("S00001", 2)
    store.sold("S00002", 3)
    missed = order("1001", "S00001", 2)
    store.orders.by_id[missed.order_id] = missed
    await inbox.accept(
        shops.pool, [delivery(store.name, order("1002", "S00002", 3))]
    )  # and nobody is signalled
    async with shops.workers():
        result = await shops.client.execute_workflow(
            "OrderSweep",
            SweepRequest(channel=store.name),
            id=f"{sweep_id(store.name)}/test",
            task_queue=SYNC_TASK_QUEUE,
            result_type=SweepResult,
        )
        await until(lambda: nothing_pending(shops))

    assert (result.orders, result.missed, result.dropped) == (1, 1, 0)
    assert (web.levels["S00001", ""], web.levels["S00002", ""]) == (98, 97)
    assert await planning.computed_at(shops.pool) is not None, "reorder points are worked out beside it"
