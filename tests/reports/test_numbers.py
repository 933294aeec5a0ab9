"""The numbers of a day, exactly, from a ledger that was written by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from onhand.domain.days import ChannelDay, DayReport, OversellOfDay, SyncTimes, day_before, span_of
from onhand.ledger import reports
from onhand.ledger.database import Pool
from tests.reports.fix_day import DAY, MADE_AT, NOON, SPAN, ZONE, seed


@pytest.fixture
async def report(shop: Pool) -> DayReport:
    """The report of the day, on both channels."""
    await seed(shop)
    return await reports.of_day(shop, SPAN, ["web", "store"], MADE_AT)


async def test_each_number_of_a_day(report: DayReport) -> None:
    """Goal: what is in the day counts once, what is a moment outside does not count."""
    web, store = report.channels
    assert web == ChannelDay(
        "web",
        drift={"lost_write": 2, "manual_edit": 1},
        drift_resolved=2,
        sync=SyncTimes(4, 2.5, pytest.approx(3.85), pytest.approx(3.97)),
        sent=9,
        accepted=6,
        stale=1,
        failed=2,
        accepted_live=5,
        halts_placed=1,
        halts_lifted=1,
        halts_standing=1,
        halted_orders=2,
        halted_units=6,
        calls_sync=9,
        calls_read_back=14,
        throttled=3,
        waited_seconds=3.75,
        orders_by_webhook=2,
        orders_by_sweep=1,
        poison=2,
        held_runs=0,
    )
    assert store == ChannelDay(
        "store",
        drift={"unknown": 1},
        halts_placed=1,
        halts_standing=1,
        calls_sync=33,
        throttled=3,
        waited_seconds=0.75,
        held_runs=1,
    )


async def test_what_is_of_no_channel(report: DayReport) -> None:
    """Goal: runs by their end, rows, contradictions, and oversells that were open at any time of the day."""
    assert report.runs == {"partial": 1, "success": 2}
    assert report.read_backs == {"clean": 1, "drift": 1}
    assert (report.refused_rows, report.conflicts) == (7, 1)
    assert report.oversells == (
        OversellOfDay("B", 9, None, NOON, None),
        OversellOfDay("A", 3, "web", SPAN.begins - timedelta(hours=2), NOON),
    )
    assert report.drift == {"lost_write": 2, "manual_edit": 1, "unknown": 1}


async def test_only_the_channels_that_are_asked_for(shop: Pool) -> None:
    """Goal: one that was switched off is not told of; a day without anything is all zeros."""
    await seed(shop)
    (store,) = (await reports.of_day(shop, SPAN, ["store"], MADE_AT)).channels
    assert store.channel == "store"
    quiet = await reports.of_day(shop, span_of(DAY - timedelta(days=9), ZONE), ["web"], MADE_AT)
    assert quiet.channels == (ChannelDay("web"),)
    assert (quiet.oversells, quiet.runs, quiet.read_backs) == ((), {}, {})


def test_a_day_is_as_long_as_it_is_there() -> None:
    """Goal: when clocks change, the day has 23 or 25 hours and none is counted twice."""
    lengths = [
        (span_of(day, ZONE).ends.astimezone(UTC) - span_of(day, ZONE).begins.astimezone(UTC))
        / timedelta(hours=1)
        for day in (date(2026, 3, 29), date(2026, 7, 1), date(2026, 10, 25))
    ]
    assert lengths == [23, 24, 25]
    assert span_of(date(2026, 7, 1), ZONE).begins == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_the_day_before_is_that_of_the_zone() -> None:
    """Goal: at half past eleven in the evening of UTC it is already the next day in Berlin."""
    moment = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    assert day_before(moment, UTC) == date(2026, 11, 25)
    assert day_before(moment, ZONE) == date(2026, 11, 26)
