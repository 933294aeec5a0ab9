"""Histories of runs that happened replay on today's workflows: a change that would break running ones fails here.

They are recorded anew with `make test ARGS=tests/replay` and ONHAND_RECORD=1 in the environment, and then only
when it is known that no run of the old shape is under way anywhere.
"""

import asyncio
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from onhand import reconciliations, waking
from onhand.channels.base import WriteKind
from onhand.channels.errors import ChannelDown, CredentialsBad
from onhand.domain.sales import ChannelOrder, SoldLine
from onhand.ledger import inbox, runs, work
from onhand.ledger.inbox import Received
from onhand.messages import (
    SYNC_TASK_QUEUE,
    ChannelPlan,
    ChannelSyncState,
    PublishState,
    ReconcileRequest,
    SkuUpdateRequest,
    SweepRequest,
    intake_id,
    poison_id,
    publish_id,
    reconcile_id,
    sku_update_id,
    sweep_id,
)
from tests.fix_live import delivery, hear, named, nothing_pending, order, until
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel
from tests.publish.test_withheld import says
from tests.workflows.test_sync_run import stock
from worker import LIVE_WORKFLOWS, WORKFLOWS

FOLDER = Path(__file__).parent / "histories"
RECORD = "ONHAND_RECORD"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))

EXPECTED = [
    "channel-reconciliation-clean",
    "channel-reconciliation-drift",
    "channel-reconciliation-failed",
    "channel-sync-continued",
    "channel-sync-dead",
    "channel-sync-held",
    "channel-sync-lifted",
    "channel-sync-partial",
    "channel-sync-proven",
    "channel-sync-skipped",
    "inbox-poison",
    "inbox-poison-dismissed",
    "intake-fetching",
    "intake-poison",
    "order-sweep",
    "publish-continued",
    "publish-paused",
    "publish-refused",
    "publish-trouble",
    "reconciliation-partial",
    "sku-update-parked",
    "sku-update-paused",
    "sync-run-failed",
    "sync-run-held",
    "sync-run-partial",
    "sync-run-success",
]


class Otherwise:
    """A workflow as it never was."""

    async def wait(self) -> None:
        """What the real one does not do at that point."""
        await workflow.sleep(5)


@workflow.defn(name="SkuUpdate")
class OtherSkuUpdate(Otherwise):
    """Waits where the real one pushes."""

    @workflow.run
    async def run(self, given: Any) -> None:
        """Wait."""
        await self.wait()


@workflow.defn(name="Intake")
class OtherIntake(Otherwise):
    """Waits where the real one takes a turn."""

    @workflow.run
    async def run(self, given: Any) -> None:
        """Wait."""
        await self.wait()


@workflow.defn(name="Publish")
class OtherPublish(Otherwise):
    """Waits where the real one takes a turn."""

    @workflow.run
    async def run(self, given: Any) -> None:
        """Wait."""
        await self.wait()


@workflow.defn(name="OrderSweep")
class OtherSweep(Otherwise):
    """Waits where the real one sweeps."""

    @workflow.run
    async def run(self, given: Any) -> None:
        """Wait."""
        await self.wait()


@workflow.defn(name="InboxPoison")
class OtherPoison(Otherwise):
    """Waits where the real one says what is wrong."""

    @workflow.run
    async def run(self, given: Any) -> None:
        """Wait."""
        await self.wait()


def recorded(name: str) -> WorkflowHistory:
    """A committed history under the workflow id it had: ids of children are made from it."""
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    return WorkflowHistory.from_json(kept.pop("workflowId"), kept)


def without_traces(value: Any) -> Any:
    """The same without what tells of the machine it was recorded on."""
    if isinstance(value, dict):
        machine = {"stackTrace": "", "identity": "worker", "rootCauseStackTrace": ""}
        return {key: machine[key] if key in machine else without_traces(item) for key, item in value.items()}
    return [without_traces(item) for item in value] if isinstance(value, list) else value


def test_every_branch_has_a_history() -> None:
    assert NAMES == EXPECTED


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_history_replays(name: str) -> None:
    replayer = Replayer(workflows=[*WORKFLOWS, *LIVE_WORKFLOWS], data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(recorded(name), raise_on_replay_failure=False)
    failure = result.replay_failure
    assert failure is None or isinstance(failure, ApplicationError), failure


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (OtherSkuUpdate, "sku-update-parked"),
        (OtherIntake, "intake-poison"),
        (OtherPublish, "publish-trouble"),
        (OtherSweep, "order-sweep"),
        (OtherPoison, "inbox-poison"),
    ],
)
async def test_a_workflow_that_does_its_steps_otherwise_is_found_out(other: type, name: str) -> None:
    """The negative control: without it, a replay that checks nothing would pass for ever."""

    replayer = Replayer(
        workflows=[other],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),  # this module is no workflow module
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded(name))


def test_histories_hold_no_secret_and_stay_small() -> None:
    for name in NAMES:
        text = (FOLDER / f"{name}.json").read_text()
        assert len(text) < 400_000, name
        assert "token" not in text.replace("taskToken", "").lower().replace("history_task_token", ""), name


# Recording: each scenario is run for real; what it left is written only when asked for.


async def keep(stage: Stage, workflow_id: str, name: str, run_id: str | None = None) -> None:
    """Check that the history of a workflow replays, and write it down where it is asked for."""
    handle = stage.client.get_workflow_handle(workflow_id, run_id=run_id)
    history = await handle.fetch_history()
    replayer = Replayer(workflows=[*WORKFLOWS, *LIVE_WORKFLOWS], data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    assert result.replay_failure is None or isinstance(result.replay_failure, ApplicationError)
    if os.environ.get(RECORD):
        kept = {"workflowId": workflow_id, **without_traces(history.to_json_dict())}
        (FOLDER / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


async def test_record_a_run_that_succeeds(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, echoes=False)
    stage = await make_stage([web, store], 25)
    await stock(stage, {"S00001": 4})

    result = await stage.run()

    assert result.status == "success"
    await keep(stage, result.run_id, "sync-run-success")
    await keep(stage, f"{result.run_id}/{store.name}", "channel-sync-proven")


async def test_record_a_read_back(make_stage: MakeStage) -> None:
    """One channel is right, one has drifted, one refuses us."""
    web, store, mall = MemoryChannel("web"), MemoryChannel("store"), MemoryChannel("mall")
    stage = await make_stage([web, store, mall], 10)
    await stock(stage, {"S00001": 4})
    await stage.run()
    store.levels["S00001", ""] = 5
    mall.raises = [CredentialsBad(mall.name, "reading levels", "revoked")]
    await asyncio.sleep(store.capabilities.visible_within_seconds)

    async with stage.workers():
        handle = await reconciliations.start(stage.client, ReconcileRequest(trigger="operator"))
        status, _, left = await reconciliations.outcome(handle)

    assert (status, left) == ("partial", 0)
    await keep(stage, handle.id, "reconciliation-partial")
    await keep(stage, reconcile_id(web.name), "channel-reconciliation-clean")
    await keep(stage, reconcile_id(store.name), "channel-reconciliation-drift")
    await keep(stage, reconcile_id(mall.name), "channel-reconciliation-failed")


async def test_record_a_run_with_a_dead_channel_and_a_bad_row(make_stage: MakeStage) -> None:
    web, store = MemoryChannel("web"), MemoryChannel("store")
    stage = await make_stage([web, store], 15, sku_update_attempts=1)
    await stock(stage, {"S00001": 4})
    store.raises = [CredentialsBad(store.name, "setting 10 levels", "revoked")]
    web.refuses = {"S00001"}

    async with stage.workers():
        result = await (await stage.start()).result()
        update = stage.client.get_workflow_handle(sku_update_id(web.name, "S00001"))
        with pytest.raises(Exception, match="Workflow execution failed"):
            await update.result()

    assert result.status == "partial"
    await keep(stage, result.run_id, "sync-run-partial")
    await keep(stage, f"{result.run_id}/{web.name}", "channel-sync-partial")
    await keep(stage, f"{result.run_id}/{store.name}", "channel-sync-dead")
    await keep(stage, update.id, "sku-update-parked")


async def test_record_a_run_in_which_every_channel_fails(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    web.raises = [CredentialsBad(web.name, "setting 2 levels", "revoked")]

    async with stage.workers():
        handle = await stage.start()
        with pytest.raises(Exception, match="Workflow execution failed"):
            await handle.result()

    await keep(stage, handle.id, "sync-run-failed")


async def test_record_a_run_that_is_held_and_one_that_lifts_the_hold(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 12)
    skus = [f"S{n:05}" for n in range(12)]
    await stock(stage, dict.fromkeys(skus, 20))
    await stage.run()
    await says(stage.pool, dict.fromkeys(skus, 0))

    held = await stage.run()
    await says(stage.pool, dict.fromkeys(skus, 20) | {"S00001": 19})
    lifted = await stage.run()

    assert [result.channels[0].status for result in (held, lifted)] == ["held", "success"]
    await keep(stage, held.run_id, "sync-run-held")
    await keep(stage, f"{held.run_id}/{web.name}", "channel-sync-held")
    await keep(stage, f"{lifted.run_id}/{web.name}", "channel-sync-lifted")


async def test_record_a_channel_sync_that_continues_as_new(make_stage: MakeStage) -> None:
    web = MemoryChannel("web", bulk_size=2)
    stage = await make_stage([web], 30)
    await runs.begin_run(stage.pool, "r", "r", {})
    await runs.begin_channel(stage.pool, "r", web.name)
    plan = ChannelPlan(name=web.name, platform="memory", bulk_size=2, concurrency=2, echoes=True)

    async with stage.workers():
        handle = await stage.client.start_workflow(
            "ChannelSync",
            ChannelSyncState(run_id="r", plan=plan, page_listings=7, history_events_max=40),
            id=f"r/{web.name}",
            task_queue="onhand",
        )
        await handle.result()

    await keep(stage, handle.id, "channel-sync-continued", handle.first_execution_run_id)


async def test_record_a_channel_sync_that_meets_a_pause(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    await work.pause(stage.pool, web.name, "stocktaking", "ada")

    result = await stage.run()

    await keep(stage, f"{result.run_id}/{web.name}", "channel-sync-skipped")


async def test_record_a_sku_update_that_waits_for_the_end_of_a_pause(make_stage: MakeStage) -> None:
    web = MemoryChannel("web")
    stage = await make_stage([web], 2)
    await work.pause(stage.pool, web.name, "stocktaking", "ada")

    async with stage.workers():
        handle = await stage.client.start_workflow(
            "SkuUpdate",
            SkuUpdateRequest(channel=web.name, sku="S00001", look_seconds=0.2),
            id=sku_update_id(web.name, "S00001"),
            task_queue=SYNC_TASK_QUEUE,
        )
        await asyncio.sleep(0.5)
        await work.resume(stage.pool, web.name)
        await asyncio.wait_for(handle.result(), 30)

    await keep(stage, handle.id, "sku-update-paused")


async def test_record_deliveries_of_which_one_is_poison(shops: Stage) -> None:
    """Intake with a poison, the poison's own workflow before and after it is dismissed, and a sweep."""
    store = named(shops, "store")
    at = datetime.now(UTC)
    bad = ChannelOrder("bad", 5, at, at, (SoldLine("1", ("unknown",), "NOPE", 1, 0),))
    async with shops.workers():
        await hear(shops, store.name, [order("1", "S00001", 1), bad])
        await until(lambda: nothing_pending(shops))
        (row,) = await inbox.listed(shops.pool, store.name, "poison", 10)
        poison = shops.client.get_workflow_handle(poison_id(store.name, row.inbox_id))
        with pytest.raises(Exception, match="Workflow execution failed"):
            await asyncio.wait_for(poison.result(), 30)
        await keep(shops, poison.id, "inbox-poison")
        (dismissed,) = await inbox.dismiss(shops.pool, [row.inbox_id], "ada", "cancelled by hand")
        await waking.close_poison(shops.client, dismissed)
        await asyncio.wait_for(poison.result(), 30)
        await keep(shops, poison.id, "inbox-poison-dismissed")
        sweep = await shops.client.start_workflow(
            "OrderSweep",
            SweepRequest(channel=store.name),
            id=f"{sweep_id(store.name)}/recorded",
            task_queue=SYNC_TASK_QUEUE,
        )
        await asyncio.wait_for(sweep.result(), 30)
        await keep(shops, sweep.id, "order-sweep")
        await keep(shops, intake_id(store.name), "intake-poison")


async def test_record_an_intake_that_waits_for_its_channel(shops: Stage) -> None:
    store = named(shops, "store")
    store.orders.by_id["7"] = order("7", "S00001", 1)
    store.orders.raises = [ChannelDown("store", "reading 1 order", "maintenance")]
    async with shops.workers():
        hint = Received(store.name, "h", b"h", "order_hint", "orders", "7", {})
        await inbox.accept(shops.pool, [hint])
        await waking.wake_intakes(shops.client, [store.name])
        await until(lambda: nothing_pending(shops))
        await keep(shops, intake_id(store.name), "intake-fetching")


async def test_record_a_publisher_in_trouble_refused_and_paused(shops: Stage) -> None:
    """Three channels told of the same order: one is down for a while, one refuses the SKU, one is paused."""
    store, web, mall = (named(shops, name) for name in ("store", "web", "mall"))
    web.raises = [ChannelDown("web", "setting 1 level", "maintenance") for _ in range(4)]
    mall.refuses = {"S00001"}
    async with shops.workers():
        await inbox.accept(shops.pool, [delivery(web.name, order("1", "S00001", 1))])
        await waking.wake_intakes(shops.client, [web.name])
        await hear(shops, store.name, [order("2", "S00002", 1)])
        await work.pause(shops.pool, store.name, "stocktaking", "ada")

        async def refused() -> bool:
            with suppress(RPCError):
                return bool(
                    await shops.client.get_workflow_handle(sku_update_id(mall.name, "S00001")).describe()
                )
            return False

        await until(refused)
        mall.refuses = set()
        await waking.wake_publishers(shops.client, [store.name])
        await asyncio.sleep(1)
        await work.resume(shops.pool, store.name)
        await waking.wake_publishers(shops.client, [store.name])
        await asyncio.wait_for(
            shops.client.get_workflow_handle(sku_update_id(mall.name, "S00001")).result(), 60
        )
        await until(lambda: nothing_pending(shops))
        await keep(shops, publish_id(web.name), "publish-trouble")
        await keep(shops, publish_id(mall.name), "publish-refused")
        await keep(shops, publish_id(store.name), "publish-paused")


async def test_record_a_publisher_that_continues_as_new(shops: Stage) -> None:
    web = named(shops, "web")
    async with shops.workers():
        handle = await shops.client.start_workflow(
            "Publish",
            PublishState(channel=web.name, history_events_max=5),
            id=publish_id(web.name),
            task_queue=f"channel-{web.name}",
        )

        async def continued() -> bool:
            await asyncio.sleep(0.2)  # one turn for each signal, and not all of them in one
            await handle.signal("wake")
            return (await handle.describe()).run_id != handle.first_execution_run_id

        await until(continued)
        await keep(shops, handle.id, "publish-continued", handle.first_execution_run_id)
