"""`onhand doctor`: every finding says how things are and what to do, and the exit code sums them up."""

from pathlib import Path

import psycopg
import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from onhand import schedules
from onhand.channels.base import RemoteItem
from onhand.ledger import levels, stock
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure
from onhand.messages import SYNC_TASK_QUEUE, channel_task_queue
from onhand.settings import ScheduleSettings
from tests.cli.conftest import Answer, Onhand
from tests.memory_channel import MemoryChannel
from workflows.sync_run import SyncRun


@activity.defn(name="nothing")
async def _nothing() -> None:
    """A worker wants something to do."""


def health(answer: Answer) -> dict[str, str]:
    """What `doctor --json` says of each subject."""
    return {finding["subject"]: finding["health"] for finding in answer.json["findings"]}


def found(answer: Answer, subject: str) -> dict[str, str]:
    """One finding of `doctor --json`."""
    (finding,) = [f for f in answer.json["findings"] if f["subject"] == subject]
    return finding


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels in memory."""

    def make(name: str, _: object) -> MemoryChannel:
        channel = MemoryChannel(name)
        channel.items = [RemoteItem(str(n), sku, "", sku, str(n)) for n, sku in enumerate("ABC")]
        return channel

    monkeypatch.setattr("onhand.cli.channels.make_channel", make)
    monkeypatch.setattr("onhand.cli.mapping.make_channel", make)


async def test_a_wrong_configuration_is_all_there_is_to_say(onhand: Onhand, config: Path) -> None:
    config.write_text("nonsense = 1")
    answer = await onhand("doctor")
    assert answer.code == 2
    assert answer.lines[0].startswith("!!  configuration")
    assert answer.lines[-1] == "1 thing to mend, 0 to look at"


async def test_it_goes_on_where_something_is_broken(store: Pool, onhand: Onhand, channels: None) -> None:
    answer = await onhand("doctor", "--json")

    assert answer.code == 1
    assert answer.json["health"] == "broken"
    assert health(answer) == {
        "configuration": "ok",
        "secrets": "ok",
        "database": "ok",
        "migrations": "ok",
        "mapping woo": "gap",
        "mapping bigc": "gap",
        "last run": "gap",
        "temporal": "broken",
        "woo": "ok",
        "bigc": "ok",
        "source": "ok",
        "slack": "ok",
    }
    assert found(answer, "secrets")["message"] == "set: WOO_KEY, WOO_SECRET, BIGC_TOKEN"
    assert found(answer, "mapping woo")["advice"] == "onhand mapping discover --channel woo"
    assert "onhand up" in found(answer, "temporal")["message"]


async def test_people_get_lines_with_what_to_do(store: Pool, onhand: Onhand, channels: None) -> None:
    answer = await onhand("doctor", "--offline")
    assert "ok  database       DATABASE_URL: reachable" in answer.lines
    at = answer.lines.index("--  mapping woo    never discovered")
    assert answer.lines[at + 1].strip() == "what to do: onhand mapping discover --channel woo"
    assert answer.lines[-1] == "1 thing to mend, 3 to look at"
    assert not any("slack" in line for line in answer.lines), "offline leaves the world in peace"


async def test_missing_secrets_are_named(onhand: Onhand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGC_TOKEN")
    answer = await onhand("doctor", "--offline")
    assert "!!  secrets        BIGC_TOKEN is not set; channels.bigc names it" in answer.lines
    assert "not-a-real-secret" not in answer.stdout


async def test_a_database_without_our_tables_wants_its_migrations(
    onhand: Onhand, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    answer = await onhand("doctor", "--offline", "--json")
    assert found(answer, "migrations")["message"].startswith("not applied: 0001_spine")
    assert found(answer, "migrations")["advice"] == "onhand up applies them."


async def test_a_database_of_a_newer_version_is_not_touched(
    onhand: Onhand, ledger: Pool, database: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("INSERT INTO migration VALUES (9999, 'future', 'x')")
    answer = await onhand("doctor", "--offline", "--json")
    assert "made by a newer version" in found(answer, "migrations")["message"]


async def test_a_database_that_is_away_is_told_without_its_password(
    onhand: Onhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:1/none")
    answer = await onhand("doctor", "--offline", "--json")
    assert found(answer, "database")["health"] == "broken"
    assert "secret-word" not in answer.stdout + answer.stderr


async def test_dead_letters_are_a_gap(store: Pool, onhand: Onhand) -> None:
    (listing,) = await stock.sku_listings(store, "B")
    await levels.park(store, Failure(listing.listing_id, "", "RowRejected", "gone", ""), "sku-update/woo/B")
    answer = await onhand("doctor", "--offline", "--json")
    assert found(answer, "given up woo")["message"] == "1 listing whose own update gave up"


async def test_temporal_its_schedule_and_its_workers_are_looked_at(
    store: Pool,
    onhand: Onhand,
    channels: None,
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: the same doctor, before and after there is a schedule and somebody who works."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_env.client.service_client.config.target_host)
    await onhand("mapping", "discover")
    client = temporal_env.client

    before = await onhand("doctor", "--json")
    assert before.code == 1
    assert found(before, "temporal")["health"] == "ok"
    assert found(before, "schedule")["advice"] == "onhand schedule apply"
    assert found(before, "worker channel-woo (steps)")["health"] == "broken"

    await schedules.apply(client, ScheduleSettings(every_minutes=30))
    handle = client.get_schedule_handle(schedules.SYNC_SCHEDULE_ID)
    try:
        stale = await onhand("doctor", "--json")
        assert found(stale, "schedule")["message"] == "every 30 min, the configuration says 15 min"
        await schedules.apply(client, ScheduleSettings())
        await schedules.pause(client, "stocktaking")
        async with (
            Worker(client, task_queue=SYNC_TASK_QUEUE, workflows=[SyncRun], activities=[_nothing]),
            Worker(client, task_queue=channel_task_queue("woo"), activities=[_nothing]),
            Worker(client, task_queue=channel_task_queue("bigc"), activities=[_nothing]),
        ):
            after = await onhand("doctor", "--json")
    finally:
        await handle.delete()

    assert after.code == 3
    assert found(after, "schedule")["message"] == "paused: stocktaking"
    assert found(after, "schedule")["advice"] == "onhand schedule resume"
    workers = {subject: state for subject, state in health(after).items() if subject.startswith("worker")}
    assert workers == {
        "worker onhand (workflows)": "ok",
        "worker onhand (steps)": "ok",
        "worker channel-woo (steps)": "ok",
        "worker channel-bigc (steps)": "ok",
    }
    assert found(after, "mapping woo")["message"] == "3 listings"
