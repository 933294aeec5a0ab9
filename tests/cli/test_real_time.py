"""`onhand channels pause|resume`, `inbox`, `webhooks` and `watch`: what an operator sees of real time, and can do."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console
from temporalio.testing import WorkflowEnvironment

from onhand.channels.base import Subscription
from onhand.channels.errors import ChannelDown
from onhand.cli.watch import look, looks
from onhand.cli.watch_view import Watched, watch_view
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import inbox, levels, posting, stock, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import InboxOutcome, Received
from onhand.ledger.levels import LevelLearnt, Push, Sent
from onhand.ledger.pace import ChannelPace, Percentiles
from onhand.ledger.work import ChannelWork
from onhand.messages import intake_id, poison_id, publish_id
from onhand.publish import Errand, bring_to_targets
from onhand.settings import load_settings
from tests.cli.conftest import Onhand
from tests.memory_channel import MemoryChannel

PUBLIC_URL = "https://stock.example.com"


async def told(
    pool: Pool,
    channel: str,
    number: str,
    *,
    kind: str = "order",
    poison: str = "",
    topic: str = "order.updated",
) -> int:
    """A delivery of that order; with `poison` one that was refused for that reason."""
    outcome = InboxOutcome.POISON if poison else None
    received = Received(
        channel, f"d{number}", number.encode(), kind, topic, number, {"order": number}, outcome, poison
    )
    (accepted,) = await inbox.accept(pool, [received])
    assert accepted.inbox_id is not None
    return accepted.inbox_id


@pytest.fixture
async def temporal(
    temporal_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WorkflowEnvironment]:
    """The commands find the tests' Temporal; the workflows they start there are ended afterwards."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_env.client.service_client.config.target_host)
    yield temporal_env
    running = "ExecutionStatus = 'Running' AND WorkflowId IN ('{}', '{}', '{}')".format(
        publish_id("woo"), publish_id("bigc"), intake_id("woo")
    )
    async for found in temporal_env.client.list_workflows(running):
        await temporal_env.client.get_workflow_handle(found.id).terminate()


async def signals(temporal: WorkflowEnvironment, workflow_id: str) -> list[str]:
    """The signals a workflow that nobody works on has been sent."""
    history = await temporal.client.get_workflow_handle(workflow_id).fetch_history()
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        for event in history.events
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]


# Pause and resume.


async def test_a_pause_lasts_until_it_is_taken_back(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment
) -> None:
    """Goal: it is in the ledger, shown with its reason, and its end wakes the publisher, once."""
    answer = await onhand("channels", "pause", "woo", "--note", "stock[taking]")
    assert (answer.code, answer.lines) == (0, ["woo: paused; go on with: onhand channels resume woo"])
    paused = (await work.holds(store, ["woo"]))["woo"]
    assert (paused.paused_at is not None, paused.pause_note) == (True, "stock[taking]")
    listed = await onhand("channels", "list")
    assert listed.lines[-1] == (
        "woo          0        0  never       never       paused just now: stock[taking]"
    )

    answer = await onhand("channels", "resume", "woo")

    assert (answer.code, answer.lines) == (0, ["woo: goes on"])
    assert not (await work.holds(store, ["woo"]))["woo"].holds
    assert await signals(temporal, publish_id("woo")) == ["wake"]


async def test_resuming_a_channel_in_trouble_tries_it_now(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment
) -> None:
    """Goal: the publisher is told to probe, and the ledger no longer makes it wait for the breaker's time."""
    await work.note_trouble(store, "bigc", "bigc: setting levels failed (HTTP 503)", 600)

    answer = await onhand("channels", "resume", "bigc")

    assert (answer.code, answer.lines) == (0, ["bigc: tried again now; how it went: onhand channels list"])
    assert await signals(temporal, publish_id("bigc")) == ["probe"]
    hold = (await work.holds(store, ["bigc"]))["bigc"]
    assert hold.trouble == "bigc: setting levels failed (HTTP 503)"
    assert hold.retry_at is not None
    assert hold.retry_at <= datetime.now(UTC)


async def test_without_temporal_it_is_resumed_all_the_same(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("channels", "resume", "woo")
    assert (answer.code, answer.lines) == (3, ["woo: was not paused; its publisher looks once more"])
    assert " ".join(answer.stderr.split()) == (
        "its publisher could not be signalled: Temporal does not answer; the next order sweep wakes it"
    )


@pytest.mark.parametrize("command", ["pause", "resume"])
async def test_a_channel_that_is_not_there_is_wrong_usage(store: Pool, onhand: Onhand, command: str) -> None:
    answer = await onhand("channels", command, "ebay")
    assert (answer.code, answer.stdout) == (2, "")
    assert "'ebay' is not in [channels]" in answer.stderr


async def test_scripts_see_what_waits_and_what_holds_it_up(store: Pool, onhand: Onhand) -> None:
    await told(store, "woo", "1001")
    await work.note_trouble(store, "woo", "woo: no answer", 60)
    (bigc, woo) = (await onhand("channels", "list", "--json")).json
    assert (bigc["work"]["inbox"], bigc["work"]["trouble"], bigc["work"]["heard_at"]) == (0, "", None)
    assert (woo["work"]["inbox"], woo["work"]["trouble"]) == (1, "woo: no answer")
    assert woo["work"]["inbox_oldest"] == woo["work"]["heard_at"]


# The inbox.


async def test_deliveries_are_listed_newest_first(store: Pool, onhand: Onhand) -> None:
    await told(store, "woo", "1001", poison="no listing stands for item [77]")
    await told(store, "bigc", "2001", topic="store/order/updated")

    assert (await onhand("inbox", "list")).lines == [
        "id  channel  received  topic                subject  outcome  reason",
        "─────────────────────────────────────────────────────────────────────────────────────────────",
        " 2  bigc     just now  store/order/updated  2001     waiting",
        " 1  woo      just now  order.updated        1001     poison   no listing stands for item [77]",
    ]
    assert [
        r["inbox_id"] for r in (await onhand("inbox", "list", "--outcome", "waiting", "--json")).json
    ] == [2]
    assert [r["outcome"] for r in (await onhand("inbox", "list", "--outcome", "poison", "--json")).json] == [
        "poison"
    ]
    assert (await onhand("inbox", "list", "--channel", "woo", "--outcome", "waiting")).lines == ["nothing"]
    assert (await onhand("inbox", "list", "--outcome", "lost")).code == 2
    assert (await onhand("inbox", "list", "--channel", "ebay")).code == 2


async def test_one_delivery_is_shown_whole(store: Pool, onhand: Onhand) -> None:
    number = await told(store, "woo", "1001", poison="no listing stands for item 77")

    answer = await onhand("inbox", "show", number)

    assert answer.code == 0
    assert [re.sub(r"\d{4}-\d\d-\d\d [\d:]{8}", "WHEN", line) for line in answer.lines] == [
        "delivery    1, woo order.updated 1001",
        "received    WHEN",
        "outcome     poison WHEN",
        "reason      no listing stands for item 77",
        "what to do  Mend what the reason says, then: onhand inbox replay 1",
        "its own id  d1001",
        "{",
        '  "order": "1001"',
        "}",
    ]
    assert (await onhand("inbox", "show", number, "--json")).json["body"] == {"order": "1001"}
    gone = await onhand("inbox", "show", 99)
    assert (gone.code, gone.stderr) == (
        2,
        "error: there is no delivery 99\nwhat to do: onhand inbox list\n",
    )


async def test_poison_is_replayed_and_its_intake_signalled(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment
) -> None:
    """Goal: what can be taken again waits again; what cannot says why, and the exit code tells."""
    mended = await told(store, "woo", "1001", poison="no listing stands for item 77")
    unreadable = await told(store, "woo", "1002", kind="other", poison="no JSON")
    waiting = await told(store, "woo", "1003")

    answer = await onhand("inbox", "replay", mended, unreadable, waiting, 99)

    assert (answer.code, answer.lines) == (3, ["woo: 1 delivery back in the inbox"])
    assert " ".join(answer.stderr.split()) == (
        "2 was not replayed: it could not be read, and nothing of it was kept; the order sweep reads the order itself "
        "3 was not replayed: it is no poison but waiting "
        "99 was not replayed: there is no such delivery"
    )
    row = await inbox.one(store, mended)
    assert row is not None
    assert (row.outcome, row.reason) == (None, "")
    assert await signals(temporal, intake_id("woo")) == ["wake"]


async def test_all_poison_is_replayed_at_once(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment
) -> None:
    numbers = [await told(store, "woo", str(n), poison="unknown item") for n in (1, 2)]
    document = (await onhand("inbox", "replay", "--all", "--json")).json
    assert document == {
        "replayed": {str(n): "woo" for n in numbers},
        "refused": {},
        "unreadable": 0,
        "signalled": True,
    }
    again = await onhand("inbox", "replay", "--all")
    assert (again.code, again.lines) == (0, ["nothing was put back"])


async def test_a_replay_says_of_what(store: Pool, onhand: Onhand) -> None:
    neither = await onhand("inbox", "replay")
    both = await onhand("inbox", "replay", 1, "--all")
    assert (neither.code, both.code) == (2, 2)
    assert "give the numbers of deliveries, or --all" in neither.stderr
    nothing = await onhand("inbox", "replay", 99)
    assert (nothing.code, nothing.lines) == (1, ["nothing was put back"])


async def test_poison_is_dismissed_with_who_and_why(
    store: Pool, onhand: Onhand, temporal: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: also what could not be read is closed; its workflow is told, and the record names a person."""
    monkeypatch.setenv("LOGNAME", "ada")
    unreadable = await told(store, "woo", "1002", kind="other", poison="no JSON")
    waiting = await told(store, "woo", "1003")

    answer = await onhand("inbox", "dismiss", unreadable, waiting, 99, "--note", "cancelled [by hand]")

    assert (answer.code, answer.lines) == (3, ["woo: 1 delivery dismissed"])
    assert " ".join(answer.stderr.split()) == (
        f"{waiting} was not dismissed: it is no poison but waiting 99 was not dismissed: there is no such delivery"
    )
    row = await inbox.one(store, unreadable)
    assert row is not None
    assert (row.outcome, row.reason, row.dismissed_by, row.dismissed_because) == (
        "dismissed", "no JSON", "ada", "cancelled [by hand]",
    )  # fmt: skip
    shown = await onhand("inbox", "show", unreadable)
    assert "dismissed   by ada: cancelled [by hand]" in shown.lines
    handle = temporal.client.get_workflow_handle(poison_id("woo", unreadable))
    assert (await handle.describe()).workflow_type == "InboxPoison"
    await handle.terminate()
    again = await onhand("inbox", "dismiss", unreadable, "--note", "twice")
    assert (again.code, again.lines) == (1, ["nothing was dismissed"])
    assert (await onhand("inbox", "dismiss", unreadable)).code == 2


async def test_without_temporal_it_is_dismissed_all_the_same(store: Pool, onhand: Onhand) -> None:
    number = await told(store, "woo", "1002", kind="other", poison="no JSON")
    answer = await onhand("inbox", "dismiss", number, "--note", "seen to")
    assert (answer.code, answer.lines) == (3, ["woo: 1 delivery dismissed"])
    assert " ".join(answer.stderr.split()) == (
        "Temporal does not answer, so its Web UI goes on showing them as failed"
    )
    assert await inbox.count_poison(store) == (0, 0)


# Webhooks.


@pytest.fixture
def shops(monkeypatch: pytest.MonkeyPatch, config: Path) -> Mapping[str, MemoryChannel]:
    """Two channels in memory, and the address they reach us at."""
    made = {name: MemoryChannel(name) for name in ("woo", "bigc")}
    monkeypatch.setattr("onhand.cli.webhooks.make_channel", lambda name, _: made[name])
    config.write_text(f'{config.read_text()}\n[web]\npublic_url = "{PUBLIC_URL}"\n')
    return made


async def test_webhooks_from_the_first_to_the_last(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel]
) -> None:
    """Goal: what is missing is told with what to do, made, then found; then taken away."""
    missing = await onhand("webhooks", "check", "--channel", "woo")
    assert missing.code == 3
    assert missing.lines == [
        "woo (woocommerce) to https://stock.example.com/webhooks/woo",
        "!!  webhooks       no subscription to orders",
        "                   what to do: onhand webhooks register --channel woo",
        "ok  last delivery  none lately",
        "ok  last sweep     never",
    ]

    made = await onhand("webhooks", "register")
    assert (made.code, made.lines) == (
        0,
        [
            "woo (woocommerce) to https://stock.example.com/webhooks/woo",
            "ok  webhooks  subscribed to orders",
            "bigc (bigcommerce) to https://stock.example.com/webhooks/bigc",
            "ok  webhooks  subscribed to orders",
        ],
    )

    await told(store, "bigc", "2001")
    await work.note_sweep(store, "bigc", datetime.now(UTC))
    there = await onhand("webhooks", "check", "--channel", "bigc")
    assert (there.code, there.lines[1:]) == (
        0,
        [
            "ok  webhooks       subscribed to orders",
            "ok  last delivery  just now",
            "ok  last sweep     just now",
        ],
    )

    gone = await onhand("webhooks", "remove")
    assert (gone.code, gone.lines) == (
        0,
        ["woo: 1 subscription taken away", "bigc: 1 subscription taken away"],
    )
    assert [each.hooks.subscriptions for each in shops.values()] == [[], []]


async def test_what_is_switched_off_or_delivers_elsewhere_is_told(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel]
) -> None:
    shops["woo"].hooks.subscriptions = [
        Subscription("1", "orders", f"{PUBLIC_URL}/webhooks/woo", active=False, problem="five failures"),
        Subscription("2", "orders", "https://old.example.com/webhooks/woo"),
    ]
    answer = await onhand("webhooks", "check", "--channel", "woo")
    assert (answer.code, answer.lines[1:4]) == (
        3,
        [
            "!!  webhooks       orders is switched off (five failures)",
            "                   what to do: onhand webhooks register --channel woo",
            "ok  elsewhere      some deliver to https://old.example.com/webhooks/woo",
        ],
    )
    (document,) = (await onhand("webhooks", "check", "--channel", "woo", "--json")).json
    assert (document["ok"], document["problem"]) == (False, "orders is switched off (five failures)")
    assert document["elsewhere"] == ["https://old.example.com/webhooks/woo"]
    assert [each["active"] for each in document["subscriptions"]] == [False, True]


async def test_sweeps_are_no_deliveries(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel]
) -> None:
    """Goal: a shop whose webhooks never came is not taken for one that was heard."""
    await inbox.accept(store, [Received("woo", "sweep", b"1", "order", "sweep", "1001", {})])
    (document,) = (await onhand("webhooks", "check", "--channel", "woo", "--json")).json
    assert document["heard_at"] is None


async def test_a_shop_that_does_not_answer_is_a_failure(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise ChannelDown("woo", "listing webhooks", "out for lunch", advice="Is it up?", status=503)

    monkeypatch.setattr(shops["woo"].hooks, "found", fails)
    answer = await onhand("webhooks", "check")
    assert answer.code == 1
    assert answer.lines[1:3] == [
        "!!  webhooks       woo: listing webhooks failed (HTTP 503): out for lunch",
        "                   what to do: Is it up?",
    ]
    assert "bigc (bigcommerce) to https://stock.example.com/webhooks/bigc" in answer.lines


async def test_another_address_may_be_given(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel]
) -> None:
    answer = await onhand("webhooks", "register", "--channel", "woo", "--url", "https://tunnel.example.com/")
    assert answer.code == 0
    assert [each.url for each in shops["woo"].hooks.subscriptions] == [
        "https://tunnel.example.com/webhooks/woo"
    ]
    wrong = await onhand("webhooks", "register", "--url", "tunnel.example.com")
    assert (wrong.code, "'tunnel.example.com' is no http or https address" in wrong.stderr) == (2, True)


async def test_without_an_address_it_says_what_to_set(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("webhooks", "register")
    assert (answer.code, answer.stdout) == (2, "")
    assert " ".join(answer.stderr.split()) == (
        "error: nothing says under which address the channels reach Onhand what to do: Set public_url in [web] to the "
        "https address that leads to the web app, or give it with --url."
    )


async def test_a_channel_whose_orders_are_not_taken_in_has_nothing_to_subscribe_to(
    store: Pool, onhand: Onhand, shops: Mapping[str, MemoryChannel], config: Path
) -> None:
    config.write_text(config.read_text().replace("[channels.woo]", '[channels.woo]\norders = "ignore"'))
    answer = await onhand("webhooks", "register", "--channel", "woo")
    assert answer.code == 2
    assert "woo takes in no orders, so there is nothing to subscribe to" in answer.stderr
    assert (await onhand("webhooks", "register", "--json")).json[0]["channel"] == "bigc"


async def test_a_missing_secret_is_named(
    store: Pool, onhand: Onhand, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WOO_SECRET")
    answer = await onhand("webhooks", "register", "--channel", "woo", "--url", PUBLIC_URL)
    assert answer.code == 1
    assert "WOO_SECRET is not set" in answer.stdout


# The live view.


async def unheard_sale(pool: Pool) -> None:
    """An answer of woo showed that two pieces of A were sold there; no order told of it."""
    (listing,) = await stock.sku_listings(pool, "A", "woo")
    spot = (listing.listing_id, "")
    await levels.claim(pool, "woo", [spot], [listing.listing_id], siblings=False, claim=1, seconds=60)
    learnt = LevelLearnt(*spot, expected=9, seen=7, shortfall=2, location="leeds")
    async with pool.connection() as connection:
        await levels.book(connection, [learnt], datetime.now(UTC), 1)


async def pushed(pool: Pool, channel: str, milliseconds: list[int], *, run: str | None = None) -> None:
    """Levels of A that the channel accepted just now, each so long after the change was durable."""
    (listing,) = await stock.sku_listings(pool, "A", channel)
    at = datetime.now(UTC)
    pushes = [
        Push(listing.listing_id, "", 1, 7, 8, "accepted", due_since=at - timedelta(milliseconds=each))
        for each in milliseconds
    ]
    async with pool.connection() as connection:
        await levels.settle(connection, [], sent=Sent(pushes, run, 1, at, at))


def working(channel: str, at: datetime, **differs: Any) -> ChannelWork:
    """A channel on which nothing waits, swept 42 seconds ago."""
    idle = ChannelWork(
        channel=channel, intake_awake=True, publish_awake=True, paused_at=None, pause_note="", trouble="",
        trouble_since=None, retry_at=None, swept_to=None, swept_at=at - timedelta(seconds=42), inbox=0,
        inbox_oldest=None, outbox=0, outbox_oldest=None, heard_at=None,
    )  # fmt: skip
    return replace(idle, **differs)


def test_what_waits_and_what_is_in_the_way_is_seen_at_a_glance() -> None:
    """Goal: a line for each channel, empty where there is nothing to say, and below it what holds up."""
    at = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    nothing = Percentiles(None, None)
    down = working(
        "bigc", at, inbox=12, inbox_oldest=at - timedelta(milliseconds=35), outbox=1_500,
        outbox_oldest=at - timedelta(seconds=92), trouble="bigc: setting levels failed (HTTP 503): [busy]",
        trouble_since=at - timedelta(minutes=2), retry_at=at + timedelta(seconds=8),
    )  # fmt: skip
    paused = working("woo", at, paused_at=at - timedelta(hours=2), pause_note="theme update")
    watched = Watched(
        at,
        (
            ChannelPace("bigc", 12.2, 1_310.5, Percentiles(0.024, 0.088), Percentiles(0.023, 1.2), 3),
            ChannelPace("woo", 0.0, 0.0, nothing, nothing, 0),
        ),
        (down, paused),
    )
    console = Console(width=110, record=True, file=StringIO())

    console.print(watch_view(watched, "connection refused"))

    assert [line.rstrip() for line in console.export_text().splitlines() if line.strip()][1:] == [
        "channel  orders/s  levels/s  synced in, 1 min          5 min      inbox            to tell  unheard  swept",
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "bigc         12.2   1,310.5     24 ms / 88 ms  23 ms / 1.2 s  12, 35 ms  1,500, 1 min 32 s        3  42 s ago",
        "woo                                                                                                  42 s ago",
        "bigc: breaker open 2 min ago, tried again in 8 s: bigc: setting levels failed (HTTP 503): [busy]",
        "woo: paused 2 h ago: theme update",
        "synced in: median / 99th percentile, from durable to accepted by the channel · inbox, to tell: how many wait,",
        "the oldest for how long · unheard: units a channel showed as sold whose orders have not come yet",
        "the ledger does not answer: connection refused",
    ]


async def test_one_look_at_how_things_go(store: Pool, onhand: Onhand) -> None:
    """Goal: rates are over ten seconds; time-to-sync is that of what was told at once, not of what waited for a run."""
    await pushed(store, "woo", [20] * 50 + [30] * 48 + [80, 2_000])
    await pushed(store, "woo", [900_000], run="run-1")

    answer = await onhand("watch", "--once")

    assert answer.code == 0
    assert answer.lines[1:5] == [
        "channel  orders/s  levels/s  synced in, 1 min          5 min  inbox  to tell  unheard  swept",
        "────────────────────────────────────────────────────────────────────────────────────────────",
        "bigc                                                                                   never",
        "woo                    10.1     20 ms / 80 ms  20 ms / 80 ms                           never",
    ]


async def test_orders_that_no_channel_told_of_are_seen(store: Pool, onhand: Onhand) -> None:
    """Goal: provisional demand counts in units of the SKU; orders count, other deliveries do not."""
    for number in range(20):
        await told(store, "bigc", str(number))
    await told(store, "bigc", "x", kind="other", poison="no JSON")
    await unheard_sale(store)
    (bigc, woo) = (await onhand("watch", "--json")).json["pace"]
    assert (bigc["orders_per_second"], bigc["provisional"]) == (2.0, 0)
    assert (woo["orders_per_second"], woo["provisional"]) == (0.0, 2)


async def test_scripts_get_one_look(store: Pool, onhand: Onhand) -> None:
    await pushed(store, "woo", [10, 20, 30])
    document = (await onhand("watch", "--json")).json
    (bigc, woo) = document["pace"]
    assert (bigc["levels_per_second"], bigc["minute"]) == (0.0, {"p50": None, "p99": None})
    assert woo["levels_per_second"] == pytest.approx(0.3)
    assert woo["minute"] == woo["five_minutes"] == {"p50": 0.02, "p99": 0.03}
    assert [each["channel"] for each in document["work"]] == ["bigc", "woo"]


async def test_rates_are_over_what_the_newest_rows_reach(
    store: Pool, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a busy ledger is not read further than the limit, and its rate is not told too low for that."""
    for number in range(20):
        await told(store, "woo", str(number))
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("UPDATE inbox SET received_at = now() - interval '2 seconds' WHERE id <= 10")
    monkeypatch.setattr("onhand.ledger.pace.ROWS_MAX", 10)
    (_, woo) = (await look(store, ["woo", "bigc"])).pace
    assert woo.orders_per_second == pytest.approx(10 / 2, rel=0.2)


async def test_what_the_publisher_tells_knows_since_when_it_was_due(store: Pool, config: Path) -> None:
    """Goal: time-to-sync starts when the change was durable, not when it was looked at."""
    receipt = Movement("erp", "r1", EventKind.RECEIPT, "A", "leeds", 9, datetime.now(UTC))
    await posting.post_events(store, [event_of(receipt)])
    (listing,) = await stock.sku_listings(store, "A", "woo")
    assert listing.pending is not None
    await asyncio.sleep(0.05)

    rules = load_settings(config).rule_book()
    await bring_to_targets(store, MemoryChannel("woo"), rules, [listing.listing_id], Errand(live=True))

    async with store.connection() as connection:
        rows = await (await connection.execute("SELECT due_since, answered_at FROM push")).fetchall()
    ((due_since, answered_at),) = rows
    assert due_since == listing.pending.since
    assert answered_at - due_since >= timedelta(seconds=0.05)


async def test_a_ledger_that_goes_away_is_told_and_asked_again(
    store: Pool, onhand: Onhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the view outlives a restart of the database. Method: the second of three looks fails."""
    answers: list[object] = [None, psycopg.OperationalError("gone\nfor a while"), None]

    async def sometimes(pool: Pool, channels: list[str]) -> Watched:
        failed = answers.pop(0)
        if isinstance(failed, Exception):
            raise failed
        return await look(pool, channels)

    monkeypatch.setattr("onhand.cli.watch.look", sometimes)
    seen = looks(store, ["woo"], 0.0)
    kinds = [type(await anext(seen)).__name__ for _ in range(3)]
    assert kinds == ["Watched", "str", "Watched"]
