"""Oversells on a real ledger: found, halted, told once and when they grow, and over by themselves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import JSONResponse

from onhand.alerts.slack import Slack
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.oversell import Unfilled
from onhand.ledger import catalogue, halts, oversells
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.oversells import OversellRow
from onhand.ledger.posting import post_counts, post_events
from onhand.overselling import Looked, look_for_oversells
from onhand.settings import GuardSettings, Settings, SlackSettings
from tests.alerts.slack_double import SlackDouble, refusal, running

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def settings(**oversell: object) -> Settings:
    """Two channels, alerts to their own channel."""
    woo = {"platform": "woocommerce", "base_url": "http://x.test", "key_env": "K", "secret_env": "S"}
    return Settings.model_validate(
        {
            "locations": {"leeds": {}, "london": {}},
            "channels": {name: {**woo, "locations": ["leeds", "london"]} for name in ("web", "store")},
            "slack": {"channel": "#stock", "alert_channel": "#alerts"},
            "oversell": {"playbook": "Call Ann.", **oversell},
        }
    )


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """A on both channels, B on web; 5 of A in Leeds."""
    await catalogue.save_listings(
        shop, "web", [NewListing("A", "w-A", "A"), NewListing("B", "w-B", "B")], [""]
    )
    await catalogue.save_listings(shop, "store", [NewListing("A", "s-A", "A")], [""])
    await receive(shop, "A", 5)
    return shop


async def receive(pool: Pool, sku: str, units: int, location: str = "leeds") -> None:
    """Units more than before."""
    moved = Movement("test", f"{sku}-{units}-{location}", EventKind.RECEIPT, sku, location, units, NOON)
    await post_events(pool, [event_of(moved)])


async def order(
    pool: Pool, channel: str, number: str, units: int, minutes: int, sku: str = "A", version: int = 1
) -> None:
    """An order of a channel, placed so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    line = OrderLine("1", sku, "leeds", units, 0)
    await post_orders(pool, [OrderSnapshot(channel, number, version, at, (line,), at)])


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


async def standing(pool: Pool) -> set[tuple[str, str]]:
    """(channel, SKU) of what is halted for an oversell."""
    return {(h.channel, h.sku) for h in await halts.standing(pool) if h.cause == "oversell"}


async def only(pool: Pool) -> OversellRow:
    """The one oversell there is, open or over."""
    (row,) = await oversells.listed(pool, resolved=True, limit=10)
    return row


async def test_an_oversell_is_found_with_the_orders_it_hits(listed: Pool, slack: Slack) -> None:
    """Goal: 5 there, 8 sold: the newest orders lack 3, and the channel that sold last is named."""
    await order(listed, "web", "1", 4, minutes=1)
    await order(listed, "store", "2", 2, minutes=2)
    await order(listed, "web", "3", 2, minutes=3)

    looked = await look_for_oversells(listed, settings(), slack)

    assert (looked.short, looked.resolved, looked.halted, looked.lifted, looked.told) == (1, 0, 2, 0, 1)
    row = await only(listed)
    assert (row.sku, row.units_short, row.short_now, row.last_channel) == ("A", 3, 3, "web")
    assert row.orders == (Unfilled("web", "3", 2), Unfilled("store", "2", 1))
    assert row.resolved_at is None


async def test_what_is_shipped_or_cancelled_lacks_nothing(listed: Pool, slack: Slack) -> None:
    """Goal: only open orders can go without; an order that was shipped has its units."""
    await order(listed, "web", "1", 4, minutes=1)
    await order(listed, "web", "2", 3, minutes=2)
    shipped = OrderLine("1", "A", "leeds", 0, 3)
    at = NOON + timedelta(minutes=5)
    await post_orders(listed, [OrderSnapshot("web", "2", 2, at, (shipped,), at)])
    await look_for_oversells(listed, settings(), slack)
    row = await only(listed)
    assert (row.units_short, row.orders, row.last_channel) == (2, (Unfilled("web", "1", 2),), "web")


async def test_units_at_another_location_count(listed: Pool, slack: Slack) -> None:
    """Goal: Leeds is short by 2 and London has 2: nothing is oversold."""
    await receive(listed, "A", 2, "london")
    await order(listed, "web", "1", 7, minutes=1)
    assert await look_for_oversells(listed, settings(), slack) == Looked()
    assert await oversells.listed(listed, resolved=True, limit=10) == []


@pytest.mark.parametrize(("guarded", "halted"), [(True, 0), (False, 2)])
async def test_a_source_that_nobody_has_judged_halts_nothing(
    listed: Pool, slack: Slack, guarded: bool, halted: int
) -> None:
    """Goal: a file gone wrong empties no shop past the guard. Controls: without it; and what is short anyhow."""
    await order(listed, "web", "1", 3, minutes=1)
    await post_counts(
        listed,
        [Count("source/csv", "A@1", "A", "leeds", 0, CountMeaning.AVAILABLE, NOON + timedelta(minutes=2))],
        record_agreement=False,
    )
    await order(listed, "web", "2", 2, minutes=3)
    stated = settings().model_copy(update={"guard": GuardSettings(enabled=guarded)})

    looked = await look_for_oversells(listed, stated, slack)
    assert (looked.short, looked.halted, looked.told) == (1, halted, 1)

    await order(listed, "web", "3", 1, minutes=4)
    assert (await look_for_oversells(listed, stated, slack)).halted == 2 - halted


async def test_people_are_told_once_and_once_more_when_it_grows(
    listed: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: one message for each thing to know, to the alert channel, with what to do and no person."""
    await order(listed, "web", "1", 6, minutes=1)
    told = [(await look_for_oversells(listed, settings(), slack)).told for _ in range(3)]
    assert told == [1, 0, 0]
    await order(listed, "store", "2", 1, minutes=2)
    told = [(await look_for_oversells(listed, settings(), slack)).told for _ in range(2)]
    assert told == [1, 0]
    # It shrinks, and grows again to less than people know of.
    await order(listed, "store", "2", 0, minutes=3, version=2)
    assert (await look_for_oversells(listed, settings(), slack)).told == 0
    await order(listed, "store", "3", 1, minutes=4)
    assert (await look_for_oversells(listed, settings(), slack)).told == 0

    assert [(asked["channel"], asked["text"]) for asked in double.asked] == [
        ("#alerts", "A is oversold: 1 unit short"),
        ("#alerts", "A is oversold further: 2 units short"),
    ]
    texts = [block.get("text", {}).get("text", "") for block in double.asked[1]["blocks"]]
    assert texts[1:] == [
        "Sold last on *store*.",
        "*Orders that cannot be filled, newest first*\n• store order `2`: 1 unit\n• web order `1`: 1 unit",
        "*What to do*\nCall Ann.",
        "",
    ]
    assert double.asked[1]["blocks"][-1]["elements"][0]["text"] == "More: `onhand oversells show A`"


async def test_many_at_once_are_one_message(listed: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: a broken file does not fill the channel."""
    await order(listed, "web", "1", 6, minutes=1)
    await order(listed, "web", "2", 3, minutes=2, sku="B")
    assert (await look_for_oversells(listed, settings(), slack)).told == 2
    (asked,) = double.asked
    assert asked["text"] == "2 SKUs are oversold: 4 units short in all"
    assert asked["blocks"][1]["text"]["text"] == (
        "*The worst*\n• `B`: 3 units short, sold last on web\n• `A`: 1 unit short, sold last on web"
    )


async def test_who_could_not_be_told_is_told_by_the_next_look(
    listed: Pool, slack: Slack, double: SlackDouble
) -> None:
    """Goal: Slack being away costs a minute, not the alert."""
    double.answers = [refusal("channel_not_found"), JSONResponse({"ok": True})]
    await order(listed, "web", "1", 6, minutes=1)
    assert (await look_for_oversells(listed, settings(), slack)).told == 0
    assert (await look_for_oversells(listed, settings(), slack)).told == 1
    assert (await look_for_oversells(listed, settings(), slack)).told == 0


async def test_two_looks_at_once_tell_once(listed: Pool, slack: Slack, double: SlackDouble) -> None:
    """Goal: each channel's sweep looks, all in the same second. Method: eight at once; alone, one of them tells."""
    await order(listed, "web", "1", 6, minutes=1)
    looked = await asyncio.gather(*(look_for_oversells(listed, settings(), slack) for _ in range(8)))
    assert sum(each.told for each in looked) == len(double.asked) == 1
    assert len(await oversells.listed(listed, resolved=True, limit=10)) == 1
    assert sum(each.halted for each in looked) == 2


async def test_its_listings_are_halted_until_it_is_over(listed: Pool) -> None:
    """Goal: nothing is sold of it meanwhile, and no person has to lift it. Method: sell, look, receive, look."""
    silent = Slack(None)
    await order(listed, "web", "1", 6, minutes=1)
    await look_for_oversells(listed, settings(), silent)
    assert await standing(listed) == {("web", "A"), ("store", "A")}
    reasons = {halt.reason for halt in await halts.standing(listed)}
    assert reasons == {"A is oversold by 1; lifted when nothing is short any more"}

    await receive(listed, "A", 1)
    looked = await look_for_oversells(listed, settings(), silent)

    assert (looked.short, looked.resolved, looked.lifted) == (0, 1, 2)
    assert await standing(listed) == set()
    row = await only(listed)
    assert (row.units_short, row.short_now, row.resolution) == (1, 0, "nothing is short any more")
    assert row.resolved_at is not None


async def test_a_halt_that_a_person_lifted_stays_lifted(listed: Pool) -> None:
    """Goal: people know better; the next oversell is another matter."""
    await order(listed, "web", "1", 6, minutes=1)
    await look_for_oversells(listed, settings(), Slack(None))
    await halts.lift(listed, [h.listing_id for h in await halts.standing(listed)], by="ann")
    assert (await look_for_oversells(listed, settings(), Slack(None))).halted == 0
    assert await standing(listed) == set()

    await receive(listed, "A", 1)
    await look_for_oversells(listed, settings(), Slack(None))
    await order(listed, "web", "2", 1, minutes=9)
    assert (await look_for_oversells(listed, settings(), Slack(None))).halted == 2


async def test_a_halt_for_another_reason_outlives_the_oversell(listed: Pool) -> None:
    """Goal: the rule lifts its own halts only."""
    await order(listed, "web", "1", 6, minutes=1)
    first = (await oversells.to_halt(listed, ["web", "store"], guarded=True) or [None])[0]
    assert first is None, "nothing is open yet"
    await look_for_oversells(listed, settings(halt=False), Slack(None))
    candidates = await oversells.to_halt(listed, ["web"], guarded=True)
    assert [(each.sku, each.units_short) for each in candidates] == [("A", 1)]
    await halts.place(listed, [candidates[0].listing_id], by="ann", cause="operator", reason="look at it")
    await look_for_oversells(listed, settings(), Slack(None))
    assert await standing(listed) == {("store", "A")}

    await receive(listed, "A", 1)
    await look_for_oversells(listed, settings(), Slack(None))
    assert [(h.channel, h.cause) for h in await halts.standing(listed)] == [("web", "operator")]


async def test_without_halts_it_is_told_all_the_same(listed: Pool) -> None:
    """Goal: `halt = false` keeps listings as they are."""
    await order(listed, "web", "1", 6, minutes=1)
    looked = await look_for_oversells(listed, settings(halt=False), Slack(None))
    assert (looked.short, looked.halted, looked.told) == (1, 0, 1)
    assert await standing(listed) == set()
    assert looked.woken == set()
