"""`onhand rules`: rules tried on what the ledger knows was sold, and on what every level shows now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import levels, past_demand, posting, stock
from onhand.ledger.database import Pool
from onhand.ledger.levels import Push, Sent
from onhand.ledger.orders import post_orders
from tests.alerts.slack_double import SlackDouble, refusal, running
from tests.cli.conftest import Onhand
from tests.fix_ledger import sql

NOW = datetime.now(UTC)


async def received(pool: Pool, sku: str, quantity: int, name: str) -> None:
    """A receipt at Leeds, written down now."""
    movement = Movement("erp", name, EventKind.RECEIPT, sku, "leeds", quantity, NOW - timedelta(hours=2))
    await posting.post_events(pool, [movements.event_of(movement)])


async def ordered(pool: Pool, channel: str, order: str, units: int, minutes_ago: int) -> None:
    """An order of A at Leeds, placed so long ago."""
    placed = NOW - timedelta(minutes=minutes_ago)
    line = OrderLine("1", "A", "leeds", units, 0)
    await post_orders(pool, [OrderSnapshot(channel, order, 1, placed, (line,), placed)])


@pytest.fixture
def pooled(config: Path) -> Path:
    """The configuration with channels that all see the whole pool."""
    text = config.read_text().replace(
        "rule.buffer.units = 2", 'rule = { mode = "pooled", buffer = { units = 2 } }'
    )
    config.write_text(f'{text}[rule]\nmode = "pooled"\n')
    return config


async def test_present_and_proposed_rules_are_replayed_and_every_changed_level_is_told(
    store: Pool, onhand: Onhand, pooled: Path
) -> None:
    """Goal: exact numbers from a real ledger: 10 received, 4 sold on woo, then 3 on bigc, and its cancellation of 1."""
    await received(store, "A", 10, "r1")
    await ordered(store, "woo", "1001", 4, 60)
    await ordered(store, "bigc", "2001", 3, 30)
    placed = NOW - timedelta(minutes=30)
    fewer = OrderSnapshot("bigc", "2001", 2, NOW, (OrderLine("1", "A", "leeds", 2, 0),), placed)
    await post_orders(store, [fewer])
    proposed = pooled.with_name("proposed.toml")
    proposed.write_text(pooled.read_text() + '[channels.bigc.rule]\nmode = "pooled"\ncap = 0\n')

    answer = await onhand("rules", "check", proposed, "--against", "1d", "--json")

    assert answer.code == 3, answer.stderr
    found = answer.json
    replayed = found["replayed"]
    assert replayed["skus"] == 1
    assert replayed["delays"] == {"woo": 1.0, "bigc": 1.0}
    kept = ("sold", "refused", "oversold", "left", "starved")
    assert {name: [tally[key] for key in kept] for name, tally in replayed["present"].items()} == {
        "woo": [4, 0, 0, 2, 0],
        "bigc": [2, 0, 0, 4, 0],
    }
    assert {name: [tally[key] for key in kept] for name, tally in replayed["proposed"].items()} == {
        "woo": [4, 0, 0, 4, 0],
        "bigc": [0, 2, 0, 0, 2],
    }
    assert found["changes"] == {"woo": 0, "bigc": 1}
    assert found["levels"] == [
        {"channel": "bigc", "sku": "A", "item_id": "7", "place": "1", "before": 4, "after": 0}
    ]
    assert found["warnings"] == [
        "bigc starves: 2 units were asked for while it showed 0 and there was stock (0 under the present rules), "
        "most of them of A (2)"
    ]


async def test_the_present_rules_have_nothing_against_them(store: Pool, onhand: Onhand, pooled: Path) -> None:
    await received(store, "A", 10, "r1")
    await ordered(store, "woo", "1001", 4, 60)

    answer = await onhand("rules", "check", pooled)

    assert answer.code == 0, answer.stderr
    assert answer.lines == [
        "demand of the last 30d: 1 SKU that were sold, in units",
        "channel  rules     sold  refused  oversold  left  shown after",
        "─────────────────────────────────────────────────────────────",
        "woo      present      4        0         0     4          1 s",
        "         proposed     4        0         0     4",
        "bigc     present      0        0         0     6          1 s",
        "         proposed     0        0         0     6",
        "woo: 0 levels would change now",
        "bigc: 0 levels would change now",
        "nothing was written, and no channel was asked",
    ]


async def test_what_a_sku_had_is_what_it_has_less_what_happened(store: Pool) -> None:
    """Goal: days that begin in the middle begin with what was there then."""
    await received(store, "A", 10, "r1")
    began = datetime.now(UTC)
    await ordered(store, "woo", "1001", 4, 0)
    await received(store, "A", 7, "r2")

    (found,) = [sku async for sku in past_demand.since(store, began)]

    assert found.sku == "A"
    assert found.available == {"leeds": 10}
    assert [(each.units, each.location, each.channel) for each in found.happenings] == [
        (-7, "leeds", ""),
        (4, "leeds", "woo"),
    ]
    assert [(each.channel, each.units) for each in found.siblings] == [("bigc", 1), ("woo", 1)]


async def test_the_delay_of_a_channel_is_what_its_pushes_took(store: Pool) -> None:
    """Goal: what went out by itself is measured; what a run told waited for the run, and says nothing."""
    (listing,) = await stock.sku_listings(store, "A", "woo")
    push = Push(listing.listing_id, "", 1, 5, None, "accepted", due_since=NOW - timedelta(seconds=4))
    for run, answered in ((None, NOW), ("run-1", NOW + timedelta(hours=1))):
        async with store.connection() as connection:
            await levels.settle(
                connection, [], sent=Sent([push], run, 1, NOW - timedelta(seconds=1), answered)
            )
    assert await past_demand.delays(store, NOW - timedelta(days=1)) == {"woo": 4.0}


async def test_a_span_or_a_file_that_makes_no_sense_is_refused(onhand: Onhand, config: Path) -> None:
    answer = await onhand("rules", "check", config, "--against", "30")
    assert answer.code == 2
    assert "accepted are hours, days or weeks up to a year" in " ".join(answer.stderr.split())
    wrong = config.with_name("wrong.toml")
    wrong.write_text(config.read_text() + "[channels.bigc.rule]\nshare = 101\n")
    answer = await onhand("rules", "check", wrong)
    assert answer.code == 2
    assert "channels.bigc.rule.share: given 101" in " ".join(answer.stderr.split())


async def test_what_would_fit_is_suggested_with_its_reason(store: Pool, onhand: Onhand, config: Path) -> None:
    """Goal: shares and a buffer from a real ledger, and the same days under both."""
    config.write_text(
        config.read_text().replace(
            "rule.buffer.units = 2", 'rule = { mode = "partitioned", share = 50, buffer = { units = 2 } }'
        )
        + '[channels.bigc.rule]\nmode = "partitioned"\nshare = 50\n'
    )
    await received(store, "A", 1_000, "r1")
    await ordered(store, "woo", "1001", 90, 60)
    await ordered(store, "bigc", "2001", 210, 30)
    await sql(store, "INSERT INTO propagation SELECT id, 86400, 7, now() FROM channel WHERE name = 'woo'")
    await sql(
        store,
        "INSERT INTO channel_velocity SELECT s.id, c.id, l.id, 3.5 FROM sku s, channel c, location l "
        "WHERE s.code = 'A' AND c.name = 'bigc' AND l.code = 'leeds'",
    )

    found = (await onhand("rules", "suggest", "--json")).json

    assert found["sold"] == {"woo": 90, "bigc": 210}
    assert [
        (each["channel"], each["key"], each["before"], each["after"]) for each in found["suggestions"]
    ] == [
        ("woo", "share", "50", "30"),
        ("woo", "buffer.units", "2", "4"),
        ("bigc", "share", "50", "70"),
    ]
    assert found["replayed"]["proposed"]["bigc"]["sold"] == 210
    told = await onhand("rules", "suggest")
    assert told.code == 0
    assert "[channels.woo.rule]  share = 30" in told.lines
    assert "[channels.woo.rule]  buffer.units = 4" in told.lines


async def rushed(pool: Pool, units: int, orders: int, each: int, apart: timedelta) -> None:
    """So many units of A, and orders of both channels in turn that ask for `each`."""
    await received(pool, "A", units, "r1")
    for number in range(orders):
        at = NOW - timedelta(minutes=30) + number * apart
        line = OrderLine("1", "A", "leeds", each, 0)
        channel = ("woo", "bigc")[number % 2]
        await post_orders(pool, [OrderSnapshot(channel, str(number), 1, at, (line,), at)])


async def test_pooled_channels_that_sell_units_twice_should_be_adaptive(
    store: Pool, onhand: Onhand, pooled: Path
) -> None:
    """Goal: 60 units, asked for 120 times in six seconds; in shares no unit is sold twice in the same days."""
    await rushed(store, 60, 120, 1, timedelta(milliseconds=50))
    told = await onhand("rules", "suggest", "--against", "1d")
    assert told.code == 0
    assert '[channels.woo.rule]  mode = "adaptive"' in told.lines
    assert '[channels.bigc.rule]  mode = "adaptive"' in told.lines
    found = (await onhand("rules", "suggest", "--against", "1d", "--json")).json["replayed"]
    oversold = {
        name: sum(tally["oversold"] for tally in found[name].values()) for name in ("present", "proposed")
    }
    assert oversold["present"] > 0
    assert oversold["proposed"] == 0


async def test_another_mode_is_not_suggested_where_it_would_not_have_helped(
    store: Pool, onhand: Onhand, pooled: Path
) -> None:
    """Goal: two orders of nearly all, at one moment: what is plenty is pooled in adaptive mode, too."""
    await rushed(store, 60, 2, 58, timedelta(milliseconds=1))
    assert "mode" not in (await onhand("rules", "suggest", "--against", "1d")).stdout


async def test_rules_that_fit_are_left_alone(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("rules", "suggest", "--against", "4w")
    assert (answer.code, answer.lines) == (0, ["the rules fit what was sold in the last 4w"])


async def test_a_suggestion_can_be_told_to_slack(
    store: Pool, onhand: Onhand, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: what the schedule of each quarter does, by hand; 3 where Slack does not take it, 0 where none is set up."""
    assert (await onhand("rules", "suggest", "--send")).code == 0
    monkeypatch.setenv("ONHAND_SLACK_TOKEN", "planted-slack-token-4")
    ends = []
    for double in (SlackDouble(), SlackDouble(refusal("is_archived"))):
        async with running(double):
            slack = f'[slack]\ntoken_env = "ONHAND_SLACK_TOKEN"\nbase_url = "{double.base_url}"\n'
            config.with_name("told.toml").write_text(config.read_text() + slack)
            answer = await onhand("--config", config.with_name("told.toml"), "rules", "suggest", "--send")
            ends.append((answer.code, [asked["text"] for asked in double.asked]))
    said = "The rules fit what was sold in the last quarter"
    assert ends == [(0, [said]), (3, [said])]
