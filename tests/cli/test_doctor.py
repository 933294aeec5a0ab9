"""`onhand doctor`: every finding says how things are and what to do, and the exit code sums them up."""

import re
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from onhand import schedules
from onhand.channels.base import RemoteItem
from onhand.ledger import inbox, levels, stock, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Received
from onhand.ledger.levels import Failure
from onhand.messages import SYNC_TASK_QUEUE, channel_task_queue
from onhand.settings import ReconcileSettings, ScheduleSettings
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
        "webhooks": "gap",
        "database": "ok",
        "migrations": "ok",
        "mapping woo": "gap",
        "mapping bigc": "gap",
        "inbox": "ok",
        "orders bigc": "gap",
        "publish bigc": "ok",
        "orders woo": "gap",
        "publish woo": "ok",
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
    assert answer.lines[-1] == "1 thing to mend, 6 to look at"
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


async def test_real_time_is_looked_at_where_all_is_well(
    store: Pool, onhand: Onhand, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: with an address, secrets and sweeps there is nothing to do."""
    told = config.read_text().replace("[channels.woo]", '[channels.woo]\nwebhook_secret_envs = ["WOO_HOOKS"]')
    told = told.replace("[channels.bigc]", '[channels.bigc]\norders = "ignore"')
    config.write_text(told + '[web]\npublic_url = "https://stock.example.com"\n')
    monkeypatch.setenv("WOO_HOOKS", "letters")
    await work.note_sweep(store, "woo", datetime.now(UTC))

    answer = await onhand("doctor", "--offline", "--json")

    real_time = ("webhooks", "inbox", "orders", "publish")
    said = {f["subject"]: f["message"] for f in answer.json["findings"] if f["subject"].startswith(real_time)}
    assert said == {
        "webhooks": "delivered to https://stock.example.com/webhooks/...",
        "inbox": "every delivery could be taken",
        "publish bigc": "nothing to tell",
        "orders woo": "swept just now, no delivery lately",
        "publish woo": "nothing to tell",
    }
    assert found(answer, "secrets")["message"] == "set: WOO_KEY, WOO_SECRET, WOO_HOOKS, BIGC_TOKEN"


@pytest.mark.parametrize(
    ("minutes", "health", "message"),
    [
        (1, "ok", "not swept yet; they will be within 1 min"),
        (6, "gap", "never swept"),
        (None, "gap", "never swept"),
    ],
)
async def test_who_has_just_begun_was_not_swept_yet(
    store: Pool, onhand: Onhand, database: str, minutes: int | None, health: str, message: str
) -> None:
    """Goal: the first minute of a new installation is no gap, and a sweep that never comes is one."""
    if minutes is not None:
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute(
                "INSERT INTO run (id, workflow_id, started_at, request)"
                " VALUES ('run-1', 'run-1', now() - make_interval(mins => %s), '{}')",
                [minutes],
            )
    orders = found(await onhand("doctor", "--offline", "--json"), "orders woo")
    assert (orders["health"], orders["message"]) == (health, message)


async def test_what_hinders_real_time_is_told_with_what_to_do(
    store: Pool, onhand: Onhand, config: Path, database: str
) -> None:
    """Goal: every way in which an order or a level can be stuck has its line."""
    config.write_text(config.read_text() + '[web]\npublic_url = "https://stock.example.com"\n')
    unread = Received("woo", "1", b"1", "other", "order.updated", "", {}, InboxOutcome.POISON, "no JSON")
    unknown = Received("woo", "2", b"2", "order", "order.updated", "7", {}, InboxOutcome.POISON, "no item")
    await inbox.accept(store, [unread, unknown])
    await onhand("stock", "receive", "A", 5, "-l", "leeds")
    await work.note_trouble(store, "woo", "woo: no answer", 60)
    await work.pause(store, "bigc", "stocktaking")
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "UPDATE channel_work SET swept_at = now() - interval '2 hours', trouble_since = now() - interval '3 min'"
        )

    answer = await onhand("doctor", "--offline", "--json")

    assert [
        (f["health"], f["subject"], re.sub(r"in 1 min|in \d+ s", "in SOON", f["message"]), f["advice"])
        for f in answer.json["findings"]
        if f["subject"].split()[0] in ("webhooks", "inbox", "orders", "publish") and f["health"] != "ok"
    ] == [
        (
            "gap",
            "webhooks woo",
            "no secret to check its deliveries with, so none is let in",
            "Set webhook_secret_envs in [channels.woo], then: onhand webhooks register --channel woo",
        ),
        (
            "gap",
            "webhooks bigc",
            "no secret to check its deliveries with, so none is let in",
            "Set webhook_secret_envs in [channels.bigc], then: onhand webhooks register --channel bigc",
        ),
        (
            "gap",
            "inbox",
            "2 deliveries could not be taken, 1 of them not even read",
            "onhand inbox list --outcome poison says why; mend it, then: onhand inbox replay --all. What needs "
            "nothing: onhand inbox dismiss ID --note WHY",
        ),
        (
            "broken",
            "orders bigc",
            "last swept 2 h ago",
            "The worker lines below, and the channel's OrderSweep and Intake in the Temporal Web UI.",
        ),
        (
            "gap",
            "publish bigc",
            "paused just now: stocktaking; to tell: 1 since just now",
            "onhand channels resume bigc",
        ),
        (
            "broken",
            "orders woo",
            "last swept 2 h ago",
            "The worker lines below, and the channel's OrderSweep and Intake in the Temporal Web UI.",
        ),
        (
            "broken",
            "publish woo",
            "breaker open 3 min ago, tried again in SOON: woo: no answer; to tell: 1 since just now",
            "Mend what it says, then: onhand channels resume woo",
        ),
    ]


async def test_what_waits_for_too_long_is_broken(store: Pool, onhand: Onhand, database: str) -> None:
    """Goal: nobody takes the inbox or tells the levels, though nothing is in the way."""
    await onhand("stock", "receive", "A", 5, "-l", "leeds")
    await inbox.accept(store, [Received("woo", "1", b"1", "order", "order.updated", "7", {})])
    await work.note_sweep(store, "woo", datetime.now(UTC))
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("UPDATE inbox SET received_at = now() - interval '10 minutes'")
        await connection.execute("UPDATE outbox SET marked_at = now() - interval '10 minutes'")

    answer = await onhand("doctor", "--offline", "--json")

    assert found(answer, "orders woo")["message"] == "waiting to be taken: 1 since 10 min ago"
    assert found(answer, "publish woo")["message"] == "waiting to be told: 1 since 10 min ago"
    assert found(answer, "publish woo")["health"] == "broken"


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
    assert found(before, "sweep woo")["advice"] == "onhand schedule apply"
    assert found(before, "read-backs")["advice"] == "onhand schedule apply"

    await schedules.apply(client, ScheduleSettings(every_minutes=30))
    await schedules.apply_sweeps(client, ScheduleSettings(sweep_seconds=30), ["woo", "bigc"])
    await schedules.apply_reconciliation(client, ReconcileSettings(every_minutes=30))
    handle = client.get_schedule_handle(schedules.SYNC_SCHEDULE_ID)
    try:
        stale = await onhand("doctor", "--json")
        assert found(stale, "schedule")["message"] == "every 30 min, the configuration says 15 min"
        assert found(stale, "sweep woo")["message"] == "every 30 s, the configuration says 1 min"
        assert found(stale, "read-backs")["message"] == "every 30 min, the configuration says 15 min"
        await schedules.apply(client, ScheduleSettings())
        await schedules.apply_reconciliation(client, ReconcileSettings())
        await schedules.apply_sweeps(client, ScheduleSettings(), ["woo", "bigc"])
        for name in ("woo", "bigc"):
            await work.note_sweep(store, name, datetime.now(UTC))
        await schedules.pause(client, "stocktaking")
        async with (
            Worker(client, task_queue=SYNC_TASK_QUEUE, workflows=[SyncRun], activities=[_nothing]),
            Worker(client, task_queue=channel_task_queue("woo"), activities=[_nothing]),
            Worker(client, task_queue=channel_task_queue("bigc"), activities=[_nothing]),
        ):
            after = await onhand("doctor", "--json")
    finally:
        await handle.delete()
        await schedules.apply_sweeps(client, ScheduleSettings(), [])
        await schedules.apply_reconciliation(client, ReconcileSettings(every_minutes=0))

    assert after.code == 3
    assert found(after, "sweeps")["message"] == "of woo, bigc every 1 min"
    assert found(after, "read-backs")["message"] == "every 15 min"
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


async def test_an_address_that_would_give_the_key_away_is_a_fault_of_the_configuration(
    store: Pool, onhand: Onhand
) -> None:
    """Goal: told with the setting's key wherever the channel is asked for, and nothing is sent."""
    said = (
        "channels.woo.base_url: WooCommerce at http://woo.test would send the key unencrypted: give the https address. "
        "Plain http is taken for loopback addresses only."
    )
    checked = await onhand("channels", "check", "--channel", "woo", "--json")
    assert (checked.code, [(f["subject"], f["message"]) for f in checked.json[0]["findings"]]) == (
        1,
        [("configuration", said)],
    )
    discovered = await onhand("mapping", "discover", "--channel", "woo")
    assert discovered.code == 2
    assert "would send the key unencrypted" in discovered.stderr
