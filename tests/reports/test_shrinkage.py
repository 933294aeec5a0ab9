"""The shrinkage report: what counts as lost and found, of which quarter, and as a share of what."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.quarters import Part, Quarter, ShrinkageReport
from onhand.ledger import shrinkage
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_counts, post_events
from onhand.reports.shrinkage import left_out, page, sentence, tables

NOW = datetime.now(UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "name", "following"),
    [
        (date(2026, 1, 1), "2026Q1", "2026Q2"),
        (date(2026, 9, 30), "2026Q3", "2026Q4"),
        (date(2026, 12, 31), "2026Q4", "2027Q1"),
    ],
)
def test_quarters_follow_each_other(day: date, name: str, following: str) -> None:
    """Goal: none is left out between two years, and each is read as it is written."""
    quarter = Quarter.of(day)
    assert (str(quarter), str(quarter.following)) == (name, following)
    assert Quarter.parse(name.lower()) == quarter
    assert quarter.ends(BERLIN) == quarter.following.begins(BERLIN)
    with pytest.raises(ValueError, match="'2026Q5' is no quarter; accepted: 2026Q4"):
        Quarter.parse("2026Q5")


async def of(pool: Pool, quarter: Quarter | None = None) -> ShrinkageReport:
    """The report of this quarter."""
    return await shrinkage.of_quarter(pool, quarter or Quarter.of(NOW.date()), UTC, datetime.now(UTC))


async def seed(pool: Pool) -> None:
    """A little of everything that takes or brings units."""
    before = NOW - timedelta(hours=1)
    stated = [Count("import/x", sku, sku, "leeds", 100, CountMeaning.ON_HAND, before) for sku in ("A", "B")]
    await post_counts(pool, stated, record_agreement=True)
    moves = [
        Movement("operator", "1", EventKind.WRITE_OFF, "A", "leeds", 5, NOW, reason="damaged"),
        Movement("operator", "2", EventKind.ADJUSTMENT, "A", "leeds", -3, NOW, reason="theft"),
        Movement("operator", "3", EventKind.ADJUSTMENT, "B", "leeds", 2, NOW),
        Movement("operator", "4", EventKind.RECEIPT, "B", "london", 50, NOW),
        Movement("operator", "5", EventKind.WRITE_OFF, "B", "london", 1, NOW, reason="damaged"),
    ]
    await post_events(pool, [event_of(move) for move in moves])
    on_sheet = Count("count/1", "A/1", "A", "leeds", 90, CountMeaning.ON_HAND, datetime.now(UTC))
    await post_counts(pool, [on_sheet], record_agreement=True)
    by_source = Count("source/csv", "r", "B", "leeds", 80, CountMeaning.ON_HAND, datetime.now(UTC))
    await post_counts(pool, [by_source], record_agreement=False)
    for version, units in ((1, 20), (2, 16)):
        line = OrderLine("1", "A", "leeds", units, 0)
        await post_orders(pool, [OrderSnapshot("web", "1", version, NOW, (line,), NOW)])


async def test_a_quarter_is_parted_in_every_way(shop: Pool) -> None:
    """Goal: opening stock is not found, a source's corrections are told apart, cancelled units were not sold."""
    await seed(shop)
    report = await of(shop)

    assert report.total == Part("in all", 11, 2, 16)
    assert report.by_kind() == [Part("write_off", 6, 0), Part("count", 2, 0), Part("adjustment", 3, 2)]
    assert report.by_reason() == [Part("damaged", 6, 0), Part("theft", 3, 0), Part("", 2, 2)]
    assert report.by_location() == [Part("leeds", 10, 2, 16), Part("london", 1, 0, 0)]
    assert report.by_sku() == [Part("A", 10, 0, 16), Part("B", 1, 2, 0)]
    assert (report.opening, report.corrections.lost, report.corrections.found) == (200, 22, 0)
    assert report.by_sku()[0].share_percent == 62.5
    assert report.by_sku()[1].share_percent is None


async def test_another_quarter_has_none_of_it(shop: Pool) -> None:
    """Goal: it goes by when it was written down."""
    await seed(shop)
    report = await of(shop, Quarter.of(NOW.date()).following)
    assert (report.movements, report.opening, report.sold) == ((), 0, {})
    assert (sentence(report), tables(report), left_out(report)) == ("nothing was lost or found", [], [])


async def test_the_page_holds_all_it_needs(shop: Pool) -> None:
    """Goal: each number in its table; nothing is loaded."""
    await seed(shop)
    report = await of(shop)
    text = page(report)
    assert sentence(report) == "9 units lost on balance: 11 lost, 2 found; 56.25 % of 16 units sold"
    for said in (sentence(report), "By reason", "none stated", "write off", "62.50 %", *left_out(report)):
        assert said in text
    assert "src=" not in text
    assert "<script" not in text
    assert left_out(report) == [
        "200 units were on shelves before their first count: opening stock.",
        "Sources and files took 22 and added 0 units: they also bring what was received and sold elsewhere.",
    ]
