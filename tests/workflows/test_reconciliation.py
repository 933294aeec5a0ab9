"""Read-backs on a real Temporal and a real ledger: found, repaired, recorded and told, by hand and after a sync."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from onhand import guard, reconciliations, schedules
from onhand.channels.base import FoundLevel, WriteKind
from onhand.channels.errors import CredentialsBad
from onhand.domain.events import EventKind
from onhand.domain.guard import Tally
from onhand.domain.movements import Movement, event_of
from onhand.ledger import halts, holds, levels
from onhand.ledger import reconcile as records
from onhand.ledger.posting import post_events
from onhand.messages import (
    RECONCILE_SCHEDULE_ID,
    ReconcileRequest,
    ReconcileResult,
    SyncRequest,
    intake_id,
    publish_id,
    reconcile_id,
)
from onhand.publish import Errand, bring_to_targets
from onhand.settings import ReconcileSettings
from tests.fix_ledger import sql
from tests.fix_workflows import MakeStage, Stage
from tests.memory_channel import MemoryChannel

SKUS = 20


@pytest.fixture
async def shops(make_stage: MakeStage) -> AsyncIterator[Stage]:
    """Two channels that show 100 of each of 20 SKUs, told and believed."""
    stage = await make_stage(
        [
            MemoryChannel(
                "store", write_kind=WriteKind.COMPARE_AND_SET, changes=True, bulk_size=50, walk_size=7
            ),
            MemoryChannel("web", bulk_size=50, walk_size=7),
        ],
        SKUS,
    )
    reading = ReconcileSettings(after_sync=False, settle_seconds=0.1)
    stage.settings = stage.settings.model_copy(update={"reconcile": reading})
    at = datetime.now(UTC) - timedelta(hours=1)
    receipts = [
        event_of(Movement("test", f"r{n}", EventKind.RECEIPT, f"S{n:05}", "leeds", 100, at))
        for n in range(SKUS)
    ]
    await post_events(stage.pool, receipts)
    for channel in stage.channels.values():
        channel.capabilities = replace(channel.capabilities, visible_within_seconds=0.0)
        ids, _ = await levels.listing_page(stage.pool, channel.name, levels.ListingCursor(), 100, None)
        await bring_to_targets(stage.pool, channel, stage.settings.rule_book(), ids, Errand())
        channel.calls.clear()
    yield stage
    for channel in stage.channels:
        for workflow in (intake_id(channel), publish_id(channel), reconcile_id(channel)):
            with suppress(RPCError):
                await stage.client.get_workflow_handle(workflow).terminate()


def named(stage: Stage, name: str) -> MemoryChannel:
    return next(channel for key, channel in stage.channels.items() if key.startswith(name))


async def read_back(stage: Stage, request: ReconcileRequest | None = None) -> ReconcileResult:
    handle = await reconciliations.start(stage.client, request or ReconcileRequest(trigger="operator"))
    return await handle.result()


async def test_what_somebody_changed_is_found_and_repaired_in_one_read_back(shops: Stage) -> None:
    """Goal: the whole way on two channels at once, with everything there is to see of it."""
    store, web = named(shops, "store"), named(shops, "web")
    store.levels |= {("S00003", ""): 102, ("S00007", ""): 99}
    web.levels |= {("S00003", ""): 101, ("S00009", ""): 98}

    async with shops.workers():
        result = await read_back(shops)
        again = await read_back(shops)

    assert [(c.channel, c.status, c.levels, c.suspects, c.drifts, c.open) for c in result.channels] == [
        (store.name, "drift", SKUS, 2, 2, 0),
        (web.name, "drift", SKUS, 2, 2, 0),
    ]
    assert (result.status, again.status) == ("drift", "clean")
    assert set(store.levels.values()) == set(web.levels.values()) == {100}
    rows = await records.drifts(shops.pool)
    assert {(row.channel, row.sku, row.cause, row.action) for row in rows} == {
        (store.name, "S00003", "manual_edit", "push"),
        (store.name, "S00007", "manual_edit", "push"),
        (web.name, "S00003", "manual_edit", "push"),
        (web.name, "S00009", "manual_edit", "push"),
    }
    assert {row.resolution for row in rows} == {"told again, and it shows"}
    assert shops.slack.said == [], "what is within the tolerance is no news"
    assert await suspects_left(shops) == 0


async def test_a_channel_that_answers_zero_for_everything_is_neither_believed_nor_written(
    shops: Stage,
) -> None:
    """Goal: its API broke: nothing is told, nothing is halted, one alert; when it answers again, all is well."""
    store, web = named(shops, "store"), named(shops, "web")
    right = dict(web.levels)
    web.levels = dict.fromkeys(right, 0)

    async with shops.workers():
        first, second = await read_back(shops), await read_back(shops)
        web.levels = dict(right)
        after = await read_back(shops)

    assert (first.status, second.status, after.status) == ("partial", "partial", "clean")
    assert [(c.channel, c.status, c.suspects, c.drifts) for c in second.channels] == [
        (store.name, "clean", 0, 0),
        (web.name, "held", 20, 0),
    ]
    assert second.channels[1].message == (
        "held: it would change 20 of 20 listings (100 %) by 2,000 pieces in all; what changes more than 20 % is held. "
        "Where that is wrong, mend what the channel answers: the next read-back that is not too much lifts the hold. "
        f"Where it is right: onhand runs release --channel {web.name}"
    )
    assert [kind for channel in (store, web) for kind, _ in channel.calls if kind in ("set", "change")] == []
    assert set(store.levels.values()) == {100}
    assert [message.text.partition(":")[0] for message in shops.slack.said] == [f"{web.name} is held"]
    assert (await records.drifts(shops.pool), await holds.of_channels(shops.pool)) == ([], [])


async def test_a_read_back_that_was_released_goes_on(shops: Stage) -> None:
    """Goal: a person knows that it is so; what was held is judged and answered, and the release is used up."""
    web = named(shops, "web")
    web.levels = dict.fromkeys(web.levels, 97)

    async with shops.workers():
        held = await read_back(shops)
        (hold,) = await holds.of_channels(shops.pool)
        assert await guard.release(shops.pool, hold, hold.tally, by="jo")
        released = await read_back(shops)

    assert ([c.status for c in held.channels], hold.tally) == (["clean", "held"], Tally(20, 20, 0, 60))
    assert [(c.status, c.drifts) for c in released.channels] == [("clean", 0), ("drift", 20)]
    assert set(web.levels.values()) == {100}
    assert await holds.of_channels(shops.pool) == []


async def suspects_left(stage: Stage) -> int:
    ((number,),) = await sql(stage.pool, "SELECT count(*) FROM suspect")
    return int(number)


async def test_a_run_can_be_followed_in_the_web_ui(shops: Stage) -> None:
    named(shops, "web").levels["S00003", ""] = 101
    async with shops.workers():
        handle = await reconciliations.start(shops.client, ReconcileRequest(trigger="operator"))
        result = await handle.result()
        described = await handle.describe()
        child = shops.client.get_workflow_handle(reconcile_id(named(shops, "web").name))
        events = (await child.describe()).raw_description.workflow_execution_info.history_length

    attributes = {pair.key.name: pair.value for pair in described.typed_search_attributes.search_attributes}
    assert attributes["SyncStatus"] == "drift"
    assert attributes["SyncRunId"] == handle.id
    assert result.summary == (
        f"{named(shops, 'store').name} 20 levels read back, 0 looked at again, 0 drifted; "
        f"{named(shops, 'web').name} 20 levels read back, 1 looked at again, 1 drifted, 0 still open."
    )
    assert events < 100, "the history does not grow with the catalogue"


async def test_a_halt_is_alerted_once_and_lifted_by_two_clean_read_backs(shops: Stage) -> None:
    """Goal: from the edit to the level that is shown again, without a person."""
    web = named(shops, "web")
    web.levels["S00003", ""] = 500

    async with shops.workers():
        await read_back(shops)
        assert (web.levels["S00003", ""], web.hidden) == (0, {"S00003"})
        assert [message.text for message in shops.slack.said] == ["1 level drifted, 1 halted"]
        first = await read_back(shops)
        assert (first.status, len(await halts.standing(shops.pool))) == ("clean", 1)
        await read_back(shops)
        assert await halts.standing(shops.pool) == []
        async with asyncio.timeout(20):
            while web.levels["S00003", ""] != 100:
                await asyncio.sleep(0.02)

    assert web.hidden == set()
    assert len(shops.slack.said) == 1


async def test_a_channel_that_refuses_us_does_not_stop_the_other(shops: Stage) -> None:
    store, web = named(shops, "store"), named(shops, "web")
    store.raises = [CredentialsBad(store.name, "reading levels", "the token was revoked")]
    web.levels["S00003", ""] = 101

    async with shops.workers():
        result = await read_back(shops)

    assert result.status == "partial"
    assert [(c.channel, c.status, c.open) for c in result.channels] == [
        (store.name, "failed", 0),
        (web.name, "drift", 0),
    ]
    assert "the token was revoked" in result.channels[0].message
    assert web.levels["S00003", ""] == 100
    rows = {row.channel: row for row in await records.channels_of(shops.pool, result.reconciliation_id)}
    assert (rows[store.name].status, "revoked" in rows[store.name].message) == ("failed", True)


async def test_where_no_channel_answers_it_fails(shops: Stage) -> None:
    for channel in shops.channels.values():
        channel.raises = [CredentialsBad(channel.name, "reading levels", "no")]
    async with shops.workers():
        handle = await reconciliations.start(shops.client, ReconcileRequest(trigger="operator"))
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert (await reconciliations.outcome(handle))[0] == "failed"
    record = await records.get(shops.pool, handle.id)
    assert record is not None
    assert record.status == "failed"


async def test_one_whole_read_back_of_a_channel_at_a_time_and_single_skus_beside_it(
    shops: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the schedule, a sync and a person do not walk the same channel at the same time."""
    web, gate, entered = named(shops, "web"), asyncio.Event(), asyncio.Event()
    walk = web.walk_levels

    async def slow(places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        async for page in walk(places):
            entered.set()
            await gate.wait()
            yield page

    monkeypatch.setattr(web, "walk_levels", slow)
    async with shops.workers():
        first = await reconciliations.start(shops.client, ReconcileRequest(channels=[web.name]))
        await asyncio.wait_for(entered.wait(), 20)
        second = await read_back(shops, ReconcileRequest(channels=[web.name]))
        single = await read_back(shops, ReconcileRequest(channels=[web.name], skus=["S00003"]))
        gate.set()
        whole = await first.result()

    assert (second.status, second.channels[0].status) == ("partial", "skipped")
    assert (single.status, single.channels[0].levels) == ("clean", 1)
    assert (whole.status, whole.channels[0].levels) == ("clean", SKUS)


async def test_an_unknown_channel_or_sku_is_told(shops: Stage) -> None:
    async with shops.workers():
        for request, said in (
            (ReconcileRequest(channels=["nowhere"]), "no enabled channel is called nowhere"),
            (ReconcileRequest(skus=["NOTHING"]), "there is no SKU NOTHING"),
        ):
            handle = await reconciliations.start(shops.client, request)
            status, reason, _ = await reconciliations.outcome(handle)
            assert (status, said in reason) == ("failed", True)


async def test_a_sync_that_has_told_something_is_read_back(shops: Stage) -> None:
    """Goal: the child outlives the run, looks at the channels that were told something, and finds what was lost."""
    reading = shops.settings.reconcile.model_copy(update={"after_sync": True})
    shops.settings = shops.settings.model_copy(update={"reconcile": reading})
    web = named(shops, "web")
    at = datetime.now(UTC) - timedelta(minutes=1)
    movement = Movement("test", "more", EventKind.RECEIPT, "S00005", "leeds", 2, at)
    await post_events(shops.pool, [event_of(movement)])
    web.loses = {"S00005"}

    async with shops.workers():
        run = await shops.start()
        result = await run.result()
        web.loses = set()
        child = shops.client.get_workflow_handle(f"{run.id}/reconcile", result_type=ReconcileResult)
        found = await child.result()
        idle = await shops.start()
        await idle.result()
        with pytest.raises(RPCError):
            await shops.client.get_workflow_handle(f"{idle.id}/reconcile").describe()

    assert result.status == "success"
    assert {channel.channel for channel in found.channels} == set(shops.channels)
    row = await records.get(shops.pool, f"{run.id}/reconcile")
    assert row is not None
    assert (row.run_id, row.request["trigger"]) == (run.id, "sync")
    assert [(d.sku, d.cause) for d in await records.drifts(shops.pool)] == [("S00005", "lost_write")]
    assert web.levels["S00005", ""] == 102


async def test_a_sync_does_not_wait_for_its_read_back(shops: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = shops.settings.reconcile.model_copy(update={"after_sync": True})
    shops.settings = shops.settings.model_copy(update={"reconcile": reading})
    gate = asyncio.Event()

    async def stuck(places: Sequence[str]) -> AsyncIterator[list[FoundLevel]]:
        await gate.wait()
        yield []

    for channel in shops.channels.values():
        monkeypatch.setattr(channel, "walk_levels", stuck)
    async with shops.workers():
        run = await shops.start(SyncRequest(full=True, trigger="operator"))
        at = datetime.now(UTC) - timedelta(minutes=1)
        movement = Movement("test", "more", EventKind.RECEIPT, "S00005", "leeds", 2, at)
        await run.result()
        await post_events(shops.pool, [event_of(movement)])
        second = await shops.start()
        await asyncio.wait_for(second.result(), 20)
        child = shops.client.get_workflow_handle(f"{second.id}/reconcile")
        assert (await child.describe()).status is WorkflowExecutionStatus.RUNNING
        gate.set()
        await child.result()


async def test_the_schedule_is_made_once_and_a_pause_survives(temporal_env: WorkflowEnvironment) -> None:
    client = temporal_env.client
    every = ReconcileSettings()
    try:
        assert await schedules.apply_reconciliation(client, every) == "created"
        handle = client.get_schedule_handle(RECONCILE_SCHEDULE_ID)
        await handle.pause(note="stocktaking")
        assert await schedules.apply_reconciliation(client, every) == "unchanged"
        assert await schedules.apply_reconciliation(client, ReconcileSettings(every_minutes=30)) == "updated"
        view = await schedules.show(client, RECONCILE_SCHEDULE_ID)
        assert (view.paused, view.note, view.every) == (True, "stocktaking", timedelta(minutes=30))
        assert {at.minute % 30 for at in view.next_runs} == {0}
    finally:
        gone = ReconcileSettings(every_minutes=0)
        assert await schedules.apply_reconciliation(client, gone) == "updated"
        assert await schedules.apply_reconciliation(client, gone) == "unchanged"
