"""Sync runs on a real Temporal server: what ends how, what is written down, what an operator can see."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ApplicationError

from onhand.channels.errors import ChannelDown, CredentialsBad, SameKeyRetry
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import runs, work
from onhand.ledger.posting import post_events
from onhand.messages import (
    ChannelPlan,
    ChannelResult,
    ChannelSyncState,
    SkuUpdateRequest,
    SyncRequest,
    sku_update_id,
)
from tests.fix_ledger import sql
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel

Handle = WorkflowHandle[Any, Any]


async def stock(stage: Stage, quantities: dict[str, int]) -> None:
    at = datetime.now(UTC) - timedelta(minutes=1)
    key = datetime.now(UTC).isoformat()
    await post_events(
        stage.pool,
        [
            event_of(Movement("test", f"{key}/{sku}", EventKind.RECEIPT, sku, "leeds", n, at))
            for sku, n in quantities.items()
        ],
    )


async def _waiting_retry(
    handle: Handle,
) -> tuple[WorkflowExecutionDescription, Sequence[PendingActivityInfo]]:
    """The workflow once its activity has failed and waits for the next attempt."""
    for _ in range(200):
        described = await handle.describe()
        pending = described.raw_description.pending_activities
        if pending and pending[0].HasField("last_failure"):
            return described, pending
        await asyncio.sleep(0.05)
    raise AssertionError("the activity did not fail in time")


async def test_two_channels_show_the_ledger_and_a_second_run_writes_nothing(make_stage: MakeStage) -> None:
    web, store = MemoryChannel("web"), MemoryChannel("store", bulk_size=7)
    stage = await make_stage([web, store], 25)
    await stock(stage, {f"S{n:05}": n for n in range(1, 25)})

    first = await stage.run()
    web_calls, store_calls = list(web.calls), list(store.calls)
    second = await stage.run()

    expected = {(f"S{n:05}", ""): n for n in range(25)}
    assert (web.levels, store.levels) == (expected, expected)
    assert first.status == "success"
    assert [(c.levels, c.changed, c.unchanged, c.failed) for c in first.channels] == [(25, 25, 0, 0)] * 2
    assert sorted(web_calls) == [("set", 5), ("set", 10), ("set", 10)]
    assert sorted(store_calls) == [("set", 4), ("set", 7), ("set", 7), ("set", 7)]
    assert [(c.changed, c.unchanged) for c in second.channels] == [(0, 25)] * 2
    assert (web.calls, store.calls) == (web_calls, store_calls), "nothing changed, so nothing was sent"


async def test_a_rejected_sku_makes_the_run_partial_and_gets_a_workflow_of_its_own(
    make_stage: MakeStage,
) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 12)
    await stock(stage, {"S00003": 5})
    web.refuses = {"S00003"}

    async with stage.workers():
        result = await (await stage.start()).result()
        update = stage.client.get_workflow_handle(sku_update_id(web.name, "S00003"))
        described, pending = await _waiting_retry(update)
        failure = pending[0].last_failure.message
        await update.terminate("the test has seen it")

    assert result.status == "partial"
    assert [(c.changed, c.failed) for c in result.channels] == [(11, 1)]
    assert described.status == WorkflowExecutionStatus.RUNNING
    assert failure == f"{web.name}: setting SKU S00003 failed: no such item. Map it anew."
    (row,) = await runs.run_failures(stage.pool, result.run_id, 10)
    assert (row.sku, row.category, row.advice) == ("S00003", "RowRejected", "Map it anew.")


async def test_a_sku_whose_retries_are_used_up_is_parked_and_its_run_fails(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 3, sku_update_attempts=1)
    await stock(stage, {"S00001": 5})
    web.refuses = {"S00001"}

    async with stage.workers():
        await (await stage.start()).result()
        update = stage.client.get_workflow_handle(sku_update_id(web.name, "S00001"))
        with pytest.raises(WorkflowFailureError) as failure:
            await update.result()

    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "RowRejected"
    assert cause.message == (
        f"{web.name}: setting SKU S00001 failed: no such item. Map it anew. Parked after 1 attempts. "
        f"When it is mended: onhand sync --sku S00001 --channel {web.name}"
    )
    assert await sql(stage.pool, "SELECT category FROM parked_level") == [("RowRejected",)]

    # The operator mends the product and drives it again.
    web.refuses = set()
    again = await stage.run(SyncRequest(skus=["S00001"], trigger="operator"))
    assert (again.status, await sql(stage.pool, "SELECT category FROM parked_level")) == ("success", [])


async def test_a_channel_that_refuses_our_credentials_fails_alone(make_stage: MakeStage) -> None:
    web, store = MemoryChannel("web"), MemoryChannel("store")
    stage = await make_stage([web, store], 5)
    web.raises = [
        CredentialsBad(web.name, "setting 5 levels", "invalid key", status=401, advice="Issue a new key.")
    ]

    result = await stage.run()

    assert result.status == "partial"
    by_name = {c.channel: c for c in result.channels}
    assert (by_name[web.name].status, by_name[store.name].status) == ("failed", "success")
    assert by_name[web.name].message == (
        f"{web.name}: setting 5 levels failed (HTTP 401): invalid key. Issue a new key."
    )
    assert len(store.levels) == 5
    child = await stage.client.get_workflow_handle(f"{result.run_id}/{web.name}").describe()
    assert child.status == WorkflowExecutionStatus.FAILED


async def test_when_every_channel_fails_the_run_fails_and_says_what_to_look_at(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    web.raises = [CredentialsBad(web.name, "setting 2 levels", "revoked")]

    async with stage.workers():
        handle = await stage.start()
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()

    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "SyncFailed"
    assert cause.message.endswith(f"See 'onhand runs show {handle.id}'.")
    row = await runs.get_run(stage.pool, handle.id)
    assert row is not None
    assert row.status == "failed"
    assert row.finished_at is not None


async def test_a_passing_failure_is_retried_and_nothing_is_sent_twice(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 15)
    web.raises = [
        SameKeyRetry(web.name, "setting levels", "502"),
        ChannelDown(web.name, "setting levels", "503"),
    ]

    result = await stage.run()

    assert result.status == "success"
    assert sum(n for kind, n in web.calls if kind == "set") == 15 + 10 + 5
    assert [c.changed for c in result.channels] == [15]


async def test_continuing_as_new_loses_and_repeats_nothing(make_stage: MakeStage) -> None:
    """Goal: the number of listings does not bound a run. Method: a history limit that is passed many times."""
    web = MemoryChannel("web", bulk_size=2)
    stage = await make_stage([web], 60)

    async with stage.workers():
        await runs.begin_run(stage.pool, "r", "r", {})
        await runs.begin_channel(stage.pool, "r", web.name)
        can = web.capabilities
        plan = ChannelPlan(
            name=web.name,
            platform="memory",
            bulk_size=can.bulk_size,
            concurrency=can.concurrency,
            echoes=can.echoes,
        )
        handle = await stage.client.start_workflow(
            "ChannelSync",
            ChannelSyncState(run_id="r", plan=plan, page_listings=7, history_events_max=40),
            id=f"r/{web.name}",
            task_queue="onhand",
            result_type=ChannelResult,
        )
        result = await handle.result()
        first = await stage.client.get_workflow_handle(
            handle.id, run_id=handle.first_execution_run_id
        ).fetch_history()

    assert (result.levels, result.changed, result.failed) == (60, 60, 0)
    assert sum(n for _, n in web.calls) == 60
    assert first.events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
    assert len(first.events) < 80


async def test_a_step_makes_several_calls_and_no_more_at_once_than_the_channel_wants(
    make_stage: MakeStage,
) -> None:
    """Goal: fewer steps for small bulk calls. Method: 25 levels in calls of 2, three a step, two wanted at once."""
    web = MemoryChannel("web", bulk_size=2, calls_a_step=3, seconds_per_call=0.02)
    stage = await make_stage([web], 25)
    await stock(stage, {f"S{n:05}": n for n in range(1, 25)})

    result = await stage.run()

    assert web.levels == {(f"S{n:05}", ""): n for n in range(25)}
    assert sorted(web.calls) == [("set", 1), *[("set", 2)] * 12]
    assert web.at_once_max == 3, "two that the channel wants, and one that was ready before it was wanted"
    assert await _steps(stage, f"{result.run_id}/{web.name}", "push_levels") == 5


async def test_a_step_that_is_tried_again_repeats_only_the_call_that_failed(make_stage: MakeStage) -> None:
    web = MemoryChannel("web", bulk_size=2, concurrency=1, calls_a_step=3)
    stage = await make_stage([web], 6)
    await stock(stage, {f"S{n:05}": n for n in range(1, 6)})
    web.raises = [SameKeyRetry(web.name, "setting levels", "the shop is busy")]

    result = await stage.run()

    assert result.status == "success"
    assert web.levels == {(f"S{n:05}", ""): n for n in range(6)}
    assert web.calls == [("set", 2)] * 4
    assert len(set(web.keys)) == 3, "the same levels went out under the same key"


async def _steps(stage: Stage, workflow_id: str, name: str) -> int:
    """How many activities of a name a workflow has scheduled."""
    history = await stage.client.get_workflow_handle(workflow_id).fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes for event in history.events]
    return sum(each.activity_type.name == name for each in scheduled)


async def test_a_lost_write_is_found_and_the_run_is_partial(make_stage: MakeStage) -> None:
    web = MemoryChannel("web", echoes=False)
    stage = await make_stage([web], 5, sku_update_attempts=1)
    await stock(stage, {"S00002": 4})
    web.loses = {"S00002"}

    result = await stage.run()

    assert result.status == "partial"
    assert [(c.changed, c.failed) for c in result.channels] == [(4, 1)]


async def test_a_run_of_some_skus_touches_no_others(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 9)
    await stock(stage, {"S00001": 3, "S00002": 4})

    result = await stage.run(SyncRequest(skus=["S00002"], trigger="operator"))

    assert web.levels == {("S00002", ""): 4}
    assert [(c.levels, c.changed) for c in result.channels] == [(1, 1)]


async def test_slack_hears_of_every_run(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)

    result = await stage.run()

    assert len(stage.slack.said) == 1
    assert result.run_id in str(stage.slack.said[0])


async def test_a_cancelled_run_is_closed_and_what_it_left_is_done_by_the_next(make_stage: MakeStage) -> None:
    web = MemoryChannel("web", bulk_size=1, seconds_per_call=0.2)
    stage = await make_stage([web], 40)

    async with stage.workers():
        handle = await stage.start()
        while not web.levels:
            await asyncio.sleep(0.05)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        written = len(web.levels)
        web.seconds_per_call = 0.0
        again = await (await stage.start()).result()

    row = await runs.get_run(stage.pool, handle.id)
    assert row is not None
    assert (row.status, row.summary) == ("failed", "cancelled by an operator")
    assert [c.status for c in await runs.run_channels(stage.pool, handle.id)] == ["failed"]
    assert 0 < written < 40
    assert again.status == "success"
    assert len(web.levels) == 40


async def test_a_dead_worker_is_noticed_within_seconds(make_stage: MakeStage) -> None:
    """Goal: killed while it plans or pushes, a worker holds a run up for no longer than its heart may be silent.

    Method: the limits in the history of a real run; a step of the ledger alone may otherwise take a minute.
    """
    channel = MemoryChannel("web")
    stage = await make_stage([channel], 3)
    await stock(stage, {"S00001": 7})
    result = await stage.run()

    silent_max: dict[str, timedelta] = {}
    handle = stage.client.get_workflow_handle(f"{result.run_id}/{channel.name}")
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            silent_max[scheduled.activity_type.name] = scheduled.heartbeat_timeout.ToTimedelta()
    assert silent_max["plan_levels"] == silent_max["push_levels"] == timedelta(seconds=10)


async def test_a_run_skips_a_paused_channel_and_is_no_worse_for_it(make_stage: MakeStage) -> None:
    """Goal: silence there, the others are brought to their targets; resumed, the next run tells it all."""
    web, store = MemoryChannel("web"), MemoryChannel("store")
    stage = await make_stage([web, store], 3)
    await stock(stage, {"S00001": 5})
    await work.pause(stage.pool, web.name, "stocktaking", "ada")
    since = (await work.holds(stage.pool, [web.name]))[web.name].paused_at
    assert since is not None

    async with stage.workers():
        first = await (await stage.start()).result()
        skipped = [(c.status, c.changed, c.message) for c in first.channels if c.channel == web.name]
        silent = (list(web.calls), dict(web.levels))
        await work.resume(stage.pool, web.name)
        second = await (await stage.start()).result()

    said = (
        f"paused by ada since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC (stocktaking); go on with: "
        f"onhand channels resume {web.name}"
    )
    assert skipped == [("skipped", 0, said)]
    assert silent == ([], {})
    assert first.status == "success"
    assert f"{web.name} skipped: {said}" in first.summary
    assert store.levels["S00001", ""] == 5
    (row,) = (r for r in await runs.run_channels(stage.pool, first.run_id) if r.channel == web.name)
    assert (row.status, row.message, row.finished_at is not None) == ("skipped", said, True)
    assert (second.status, web.levels["S00001", ""]) == ("success", 5)


async def test_a_run_that_only_meets_paused_channels_succeeds(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    await work.pause(stage.pool, web.name, "")
    result = await stage.run()
    assert (result.status, [c.status for c in result.channels], web.calls) == ("success", ["skipped"], [])


async def test_a_pause_stops_a_run_that_is_under_way(make_stage: MakeStage) -> None:
    """Goal: what is out already comes home, and no further call follows; what is left stays pending."""

    class Pausing(MemoryChannel):
        async def set_levels(self, writes, key, *, urgent=False):
            await work.pause(stage.pool, self.name, "stop")
            return await super().set_levels(writes, key)

    web = Pausing("web", bulk_size=1, concurrency=1)
    stage = await make_stage([web], 12)

    result = await stage.run()

    (channel,) = result.channels
    assert (result.status, channel.status) == ("success", "skipped")
    assert 1 <= len(web.calls) <= 2, "one, and the one that was prepared meanwhile"


async def test_the_update_of_a_sku_waits_while_its_channel_is_paused(make_stage: MakeStage) -> None:
    """Goal: no call and no try counted; resumed, it is told."""
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    await stock(stage, {"S00001": 5})
    await work.pause(stage.pool, web.name, "stocktaking", "ada")

    async with stage.workers():
        handle = await stage.client.start_workflow(
            "SkuUpdate",
            SkuUpdateRequest(channel=web.name, sku="S00001", attempts=1, look_seconds=0.2),
            id=sku_update_id(web.name, "S00001"),
            task_queue="onhand",
        )
        await asyncio.sleep(1.5)
        waiting = (await handle.describe()).status
        silent = list(web.calls)
        await work.resume(stage.pool, web.name)
        await asyncio.wait_for(handle.result(), 30)

    assert (waiting, silent) == (WorkflowExecutionStatus.RUNNING, [])
    assert web.levels["S00001", ""] == 5
