"""Histories of runs that happened replay on today's workflows: a change that would break running ones fails here.

They are recorded anew with `make test ARGS=tests/replay` and ONHAND_RECORD=1 in the environment, and then only
when it is known that no run of the old shape is under way anywhere.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from onhand.channels.base import WriteKind
from onhand.channels.errors import CredentialsBad
from onhand.ledger import runs
from onhand.messages import ChannelPlan, ChannelSyncState, SkuUpdateRequest, sku_update_id
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel
from tests.publish.test_withheld import says
from tests.workflows.test_sync_run import stock
from worker import WORKFLOWS

FOLDER = Path(__file__).parent / "histories"
RECORD = "ONHAND_RECORD"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))

EXPECTED = [
    "channel-sync-continued",
    "channel-sync-dead",
    "channel-sync-held",
    "channel-sync-lifted",
    "channel-sync-partial",
    "channel-sync-proven",
    "sku-update-parked",
    "sync-run-failed",
    "sync-run-held",
    "sync-run-partial",
    "sync-run-success",
]


@workflow.defn(name="SkuUpdate")
class Otherwise:
    """SkuUpdate as it never was."""

    @workflow.run
    async def run(self, request: SkuUpdateRequest) -> None:
        """Wait where the real one pushes."""
        await workflow.sleep(5)


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
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter)
    result = await replayer.replay_workflow(recorded(name), raise_on_replay_failure=False)
    failure = result.replay_failure
    assert failure is None or isinstance(failure, ApplicationError), failure


async def test_a_workflow_that_does_its_steps_otherwise_is_found_out() -> None:
    """The negative control: without it, a replay that checks nothing would pass for ever."""

    replayer = Replayer(
        workflows=[Otherwise],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),  # this module is no workflow module
    )
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(recorded("sku-update-parked"))


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
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter)
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
