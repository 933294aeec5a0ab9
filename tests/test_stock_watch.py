"""What people are told of stock itself: counts that wait, small differences in sum, and what runs out; each once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from onhand.alerts.slack import Slack
from onhand.domain.cycle_counts import CountRules
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import count_sheets, cycle_counts, health
from onhand.ledger.count_comparing import Entered
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.settings import Settings, SlackSettings
from onhand.stock_watch import watch
from tests.alerts.slack_double import SlackDouble, refusal, running
from tests.fix_ledger import sql


def settings(**sections: object) -> Settings:
    """Two locations, alerts to their own channel."""
    woo = {"platform": "woocommerce", "base_url": "http://x.test", "key_env": "K", "secret_env": "S"}
    return Settings.model_validate(
        {
            "locations": {"leeds": {}, "london": {}},
            "channels": {"web": {**woo, "locations": ["leeds", "london"]}},
            "slack": {"channel": "#stock", "alert_channel": "#alerts"},
            **sections,
        }
    )


@pytest.fixture
async def double() -> AsyncIterator[SlackDouble]:
    """A workspace that remembers what it was told."""
    async with running(SlackDouble()) as double:
        yield double


@pytest.fixture
def slack(double: SlackDouble, monkeypatch: pytest.MonkeyPatch) -> Slack:
    """The way to it."""
    monkeypatch.setenv("T", "xoxb-planted-token")
    return Slack.from_settings(SlackSettings(token_env="T", base_url=double.base_url))


async def move(pool: Pool, kind: EventKind, sku: str, units: int, location: str = "leeds") -> None:
    """Units come or go."""
    ((number,),) = await sql(pool, "SELECT count(*) FROM event")
    moved = Movement("test", f"m-{number}", kind, sku, location, units, datetime.now(UTC))
    await post_events(pool, [event_of(moved)])


async def sells(pool: Pool, sku: str, per_day: float) -> None:
    """What it sells a day."""
    await sql(
        pool,
        "INSERT INTO sku_velocity SELECT id, %s, now() FROM sku WHERE code = %s"
        " ON CONFLICT (sku_id) DO UPDATE SET per_day = excluded.per_day",
        per_day,
        sku,
    )


def texts(double: SlackDouble) -> list[str]:
    """What was said, in order."""
    return [message["text"] for message in double.asked]


async def counted(pool: Pool, **units: int) -> int:
    """A sheet of these SKUs in Leeds, on which so many were counted."""
    sheet = await count_sheets.start(pool, "leeds", list(units), by="ann", note="")
    given = [Entered(sku, number) for sku, number in units.items()]
    await cycle_counts.enter(pool, sheet.sheet_id, given, CountRules(), by="ann")
    return sheet.sheet_id


async def test_a_count_that_waits_is_told_of_once(shop: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: also when Slack is away at first, and status says it until somebody has seen to it."""
    await move(shop, EventKind.RECEIPT, "A", 100)
    sheet = await counted(shop, A=60)
    double.answers.insert(0, refusal("channel_not_found"))

    for _ in range(3):
        await watch(shop, settings(), slack, whole=False)

    assert texts(double) == ["A: counted 60 at leeds, expected 100"] * 2
    _, facts = await health.look(shop, ["web"], [])
    assert (facts.counts.lines, facts.counts.sheets, facts.counts.first_sheet) == (1, 1, sheet)
    await cycle_counts.approve(shop, sheet, ["A"], by="bob")
    _, facts = await health.look(shop, ["web"], [])
    assert facts.counts.lines == 0


async def test_several_counts_that_wait_are_told_in_one_message(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: the largest first."""
    for sku in ("A", "B"):
        await move(shop, EventKind.RECEIPT, sku, 100)
    sheet = await counted(shop, A=90, B=10)

    await watch(shop, settings(), slack, whole=True)

    (message,) = double.asked
    assert message["channel"] == "#alerts"
    assert message["text"] == "2 counts are far from the ledger"
    assert message["blocks"][1]["text"]["text"] == (
        "*Not posted: count them once more, or approve them*\n"
        "• `B` at leeds: counted 10, expected 100 (-90)\n"
        "• `A` at leeds: counted 90, expected 100 (-10)"
    )
    assert message["blocks"][2]["elements"][0]["text"] == f"More: `onhand count show {sheet}`"


async def test_800_phantom_units_are_told_of_once(shop: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: none of 200 counts alone is worth a word; what they come to is, once, and once more when it has doubled."""
    await sql(shop, "INSERT INTO sku (code) SELECT 'N' || n FROM generate_series(1, 200) n")
    names = [f"N{n}" for n in range(1, 201)]
    for name in names:
        await move(shop, EventKind.RECEIPT, name, 100)
    rules = settings(counts={"watch_units_total": 700, "watch_units_location": 700})
    await counted(shop, **dict.fromkeys(names[:100], 96))
    await watch(shop, rules, slack, whole=True)
    assert texts(double) == []

    await counted(shop, **dict.fromkeys(names[100:], 96))
    double.answers.insert(0, refusal("channel_not_found"))
    for _ in range(3):
        await watch(shop, rules, slack, whole=True)

    said = "Small count differences add up: 800 units missing in all (200 counts in 90 days)"
    assert texts(double) == [said, said]
    assert double.asked[-1]["blocks"][1]["text"]["text"] == (
        "*Of these, or besides*\n• 800 units missing at leeds (200 counts in 90 days)"
    )
    _, facts = await health.look(shop, ["web"], [])
    assert [(each.scope, each.subject, each.units) for each in facts.added_up] == [
        ("total", "", -800),
        ("location", "leeds", -800),
    ]


async def test_sums_that_are_below_their_limit_again_are_over(shop: Pool, slack: Slack) -> None:
    """Goal: once what was lost is found, nothing is told any more."""
    rules = settings(counts={"watch_units_sku": 4, "escalate_percent": 50})
    await move(shop, EventKind.RECEIPT, "A", 100)
    await counted(shop, A=96)
    await watch(shop, rules, slack, whole=True)
    _, facts = await health.look(shop, ["web"], [])
    assert [(each.scope, each.units) for each in facts.added_up] == [("sku", -4)]
    await counted(shop, A=100)
    await watch(shop, rules, slack, whole=True)
    _, facts = await health.look(shop, ["web"], [])
    assert facts.added_up == ()


# Low stock.

LOW = {"low_stock": {"units": 5, "rules": [{"units": 50, "skus": ["B"]}]}}


async def test_each_crossing_is_told_of_once_bestsellers_first(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: low, then out, each once, however often it is looked; C was never anywhere and is not low."""
    await move(shop, EventKind.RECEIPT, "A", 3)
    await move(shop, EventKind.RECEIPT, "A", 1, "london")
    await move(shop, EventKind.RECEIPT, "B", 40)
    await sells(shop, "B", 24.0)
    for _ in range(2):
        await watch(shop, settings(**LOW), slack, whole=True)
    assert texts(double) == ["2 SKUs low"]
    assert double.asked[0]["blocks"][1]["text"]["text"] == (
        "*Low*\n• `B`: 40 left (low from 50), sells 24.0 a day\n• `A`: 4 left (low from 5), sells 0.0 a day"
    )

    await move(shop, EventKind.WRITE_OFF, "B", 40)
    for velocity in (24.0, 6.0):
        await sells(shop, "B", velocity)
        await watch(shop, settings(**LOW), slack, whole=True)

    assert texts(double)[1:] == ["B is out of stock"]
    assert double.asked[1]["blocks"][1]["text"]["text"] == (
        "*Out of stock*, about 1.0 sales lost an hour\n• `B`: sold 24.0 a day"
    )
    _, facts = await health.look(shop, ["web"], [])
    assert facts.low_stock.sentence == "2 SKUs low, 1 of them out of stock: about 1.0 sales lost an hour"


async def test_a_sale_put_back_at_the_threshold_is_told_of_once(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: hysteresis: 50, 55, 50 of B is one crossing; 60 ends it, and 50 is another."""
    await move(shop, EventKind.RECEIPT, "B", 50)
    await watch(shop, settings(**LOW), slack, whole=True)
    for kind, units in ((EventKind.RECEIPT, 5), (EventKind.WRITE_OFF, 5), (EventKind.RECEIPT, 10)):
        await move(shop, kind, "B", units)
        await watch(shop, settings(**LOW), slack, whole=True)
    assert texts(double) == ["B is low: 50 units left"]
    await move(shop, EventKind.WRITE_OFF, "B", 10)
    await watch(shop, settings(**LOW), slack, whole=True)
    assert texts(double) == ["B is low: 50 units left"] * 2


async def test_what_slack_did_not_hear_is_told_again(shop: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: a crossing is not lost with one message."""
    await move(shop, EventKind.RECEIPT, "A", 1)
    double.answers.insert(0, refusal("channel_not_found"))
    for _ in range(3):
        await watch(shop, settings(**LOW), slack, whole=True)
    assert texts(double) == ["A is low: 1 unit left"] * 2


async def test_a_reorder_point_is_a_threshold_where_that_is_wanted(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: those of its locations together, as stock is; a rule for the SKU comes before it."""
    for sku in ("A", "B"):
        await move(shop, EventKind.RECEIPT, sku, 60)
    await sql(
        shop,
        "INSERT INTO reorder_point SELECT s.id, l.id, 30, 90, 1, 1, 'smooth', 'ses', 9, 7, 1, now()"
        " FROM sku s CROSS JOIN location l WHERE s.code IN ('A', 'B')",
    )
    rules = {"rules": [{"units": 50, "skus": ["B"]}]}
    await watch(shop, settings(low_stock=rules), slack, whole=True)
    assert texts(double) == []
    await watch(shop, settings(low_stock={**rules, "reorder_points": True}), slack, whole=True)
    assert texts(double) == ["A is low: 60 units left"]


async def test_without_a_threshold_nothing_is_watched(shop: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: and what was low before the setting went is not any more."""
    await move(shop, EventKind.RECEIPT, "A", 1)
    await watch(shop, settings(**LOW), slack, whole=True)
    await watch(shop, settings(), slack, whole=True)
    _, facts = await health.look(shop, ["web"], [])
    assert (len(double.asked), facts.low_stock.skus, facts.low_stock.sentence) == (1, 0, "")
