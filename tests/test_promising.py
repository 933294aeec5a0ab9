"""Promises ahead on a real ledger: what a look does, and what people are told, once."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.responses import JSONResponse

from onhand.alerts.slack import Slack
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.programmes import Beyond, Line, Terms
from onhand.ledger import health, preorders, programmes
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.promising import Kept, keep
from onhand.settings import Settings, SlackSettings
from tests.alerts.slack_double import SlackDouble, refusal, running

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def settings() -> Settings:
    """Two channels, one of them of a partner, in London's days."""
    woo = {"platform": "woocommerce", "base_url": "http://x.test", "key_env": "K", "secret_env": "S"}
    channels = {name: {**woo, "locations": ["leeds", "london"]} for name in ("web", "store")}
    return Settings.model_validate(
        {
            "locations": {"leeds": {}, "london": {}},
            "channels": {"store": channels["store"], "web": {**channels["web"], "partner": "acme"}},
            "clients": {"edi": {"token_envs": ["T"], "scopes": ["events"], "partner": "acme"}},
            "slack": {"channel": "#stock", "alert_channel": "#alerts"},
            "report": {"timezone": "Europe/London"},
        }
    )


async def receive(pool: Pool, units: int, number: str = "1") -> None:
    """Units of A in Leeds."""
    moved = Movement("t", number, EventKind.RECEIPT, "A", "leeds", units, NOON)
    await post_events(pool, [event_of(moved)])


async def sell(pool: Pool, number: str, units: int, at: datetime = NOON, partner: str = "") -> None:
    """An order of the web shop."""
    line = OrderLine("1", "A", "leeds", units, 0)
    await post_orders(pool, [OrderSnapshot("web", number, 1, at, (line,), at, partner)])


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


async def programme(pool: Pool, units: int, beyond: Beyond = Beyond.TAKE) -> None:
    """Ten days of A for acme, until midnight in London."""
    until = datetime(2026, 3, 13, 0, 0, tzinfo=UTC)
    await programmes.create(
        pool, Terms("spring", "acme", NOON, until, beyond), [Line("A", "leeds", units)], "ann"
    )


def texts(double: SlackDouble) -> list[tuple[str, str, str]]:
    """Where, the headline, and the list of each message."""
    return [(m["channel"], m["text"], m["blocks"][1]["text"]["text"]) for m in double.asked]


def test_sellers_are_channels_and_clients() -> None:
    """Goal: a partner's orders are known by the names the ledger keeps them under."""
    assert settings().sellers() == {"acme": ["web", "client/edi"]}
    assert settings().rule_book().channels["web"].partner == "acme"
    assert settings().rule_book().channels["store"].partner == ""


async def test_a_programme_is_begun_and_ended_by_looks(shop: Pool) -> None:
    """Goal: nobody has to be there; a look with nothing to do does nothing."""
    await receive(shop, 20)
    await programme(shop, 10)
    silent = Slack(None)
    assert await keep(shop, settings(), silent, NOON - DAY) == Kept()
    assert (await keep(shop, settings(), silent, NOON)).programmes == 1
    assert await keep(shop, settings(), silent, NOON + DAY) == Kept()
    assert (await keep(shop, settings(), silent, NOON + 11 * DAY)).programmes == 1
    (found,) = await programmes.listed(shop, ended=True)
    assert found.lines == (Line("A", "leeds", 10),)


async def test_people_are_warned_while_something_can_be_done(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: 20 promised of 12 there: 8 may be missing, told once, again when it grows, forgotten when it is over."""
    await receive(shop, 12)
    await programme(shop, 20)
    told = [(await keep(shop, settings(), slack, NOON - DAY)).warned for _ in range(2)]
    assert told == [1, 0]
    assert (await keep(shop, settings(), slack, NOON)).warned == 0
    await sell(shop, "1", 3)
    assert (await keep(shop, settings(), slack, NOON)).warned == 1
    (_, facts) = await health.look(shop, ["web"], [])
    assert (facts.promised.short_programmes, facts.promised.short_programme) == (1, "spring")
    await receive(shop, 100, "2")
    assert (await keep(shop, settings(), slack, NOON)).warned == 0
    (_, facts) = await health.look(shop, ["web"], [])
    assert facts.promised.short_programmes == 0
    title = "*By the end of each programme*\n"
    assert texts(double) == [
        ("#alerts", "spring: 8 units may be missing",
         f"{title}• `A` at leeds for acme: 8 units short of what is reserved, ordered and due (until 2026-03-12)"),
        ("#alerts", "spring: 11 units may be missing",
         f"{title}• `A` at leeds for acme: 11 units short of what is reserved, ordered and due (until 2026-03-12)"),
    ]  # fmt: skip


async def test_orders_beyond_a_programme_are_told_where_it_says_so(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: by the programme's word. Method: 12 ordered of 10 promised, 30 there, of both kinds."""
    await receive(shop, 30)
    await programme(shop, 10, Beyond.ALERT)
    await keep(shop, settings(), slack, NOON)
    await sell(shop, "1", 12, NOON + DAY, "acme")
    assert [(await keep(shop, settings(), slack, NOON + DAY)).warned for _ in range(2)] == [1, 0]
    ((_, headline, lines),) = texts(double)
    assert headline == "spring: more is ordered than was promised"
    assert lines.endswith("for acme: 2 units ordered beyond what was promised (until 2026-03-12)")


async def test_who_could_not_be_warned_is_warned_by_the_next_look(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: Slack being away costs a minute, not the warning."""
    double.answers = [refusal("channel_not_found"), JSONResponse({"ok": True})]
    await programme(shop, 20)
    told = [(await keep(shop, settings(), slack, NOON - DAY)).warned for _ in range(3)]
    assert told == [0, 1, 0]


async def test_late_promises_are_told_once(shop: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: on the day after, with the orders; and status knows of them."""
    incoming = Movement("t", "in", EventKind.RECEIPT, "A", "leeds", 1, NOON)
    await post_events(shop, [event_of(incoming)])
    await preorders.open_(shop, "A", 10, date(2026, 3, 4), [], "ann")
    await sell(shop, "1", 5)
    first = await keep(shop, settings(), slack, NOON + 2 * DAY)
    assert (first.waiting, first.late) == (1, 0)
    assert [(await keep(shop, settings(), slack, NOON + 3 * DAY)).late for _ in range(2)] == [1, 0]
    assert texts(double) == [
        ("#alerts", "1 pre-order is late: A",
         "*Promised, and not there*\n• `A`: web order `1`, 4 units promised for 2026-03-04"),
    ]  # fmt: skip
    (_, facts) = await health.look(shop, ["web"], [])
    assert (facts.promised.late, facts.promised.skus, facts.promised.late_sku) == (1, 1, "A")
    assert facts.promised.late_since == date(2026, 3, 4)


async def test_late_promises_are_told_by_the_next_look_where_slack_is_away(
    shop: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: the same for them."""
    double.answers = [refusal("channel_not_found"), JSONResponse({"ok": True})]
    await preorders.open_(shop, "A", 10, date(2026, 3, 4), [], "ann")
    await sell(shop, "1", 5)
    assert [(await keep(shop, settings(), slack, NOON + 3 * DAY)).late for _ in range(3)] == [0, 1, 0]
