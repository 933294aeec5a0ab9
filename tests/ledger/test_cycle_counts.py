"""Count sheets on a real ledger: what is posted, what waits, and that nothing is corrected twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.count_plan import CountIntervals
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.cycle_counts import CountRules, Grade
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import count_sheets, count_watch, cycle_counts, stock
from onhand.ledger.count_comparing import Entered, Line
from onhand.ledger.count_plan import shelves_due
from onhand.ledger.count_sheets import CountRefusedError, SheetLine
from onhand.ledger.cycle_counts import Answer, Outcome
from onhand.ledger.database import Connection, Pool
from onhand.ledger.posting import post_counts, post_events
from tests.fix_ledger import sql

RULES = CountRules(tolerance_units=1, tolerance_percent=1, escalate_percent=5)


async def move(pool: Pool, kind: EventKind, sku: str, units: int, location: str = "leeds") -> None:
    """Units come or go."""
    ((number,),) = await sql(pool, "SELECT count(*) FROM event")
    moved = Movement("test", f"m-{number}", kind, sku, location, units, datetime.now(UTC))
    await post_events(pool, [event_of(moved)])


@pytest.fixture
async def stocked(shop: Pool) -> Pool:
    """100 of A and 40 of B in Leeds; C was never there."""
    await move(shop, EventKind.RECEIPT, "A", 100)
    await move(shop, EventKind.RECEIPT, "B", 40)
    return shop


async def begin(pool: Pool, *skus: str) -> int:
    """The number of a new sheet in Leeds."""
    return (await count_sheets.start(pool, "leeds", skus or ("A", "B"), by="ann", note="")).sheet_id


async def enter(pool: Pool, sheet: int, *given: Entered) -> list[Answer]:
    """Take in what was counted."""
    return await cycle_counts.enter(pool, sheet, given, RULES, by="ann")


async def line(pool: Pool, sheet: int, sku: str) -> SheetLine:
    """One line of a sheet."""
    return next(each for each in await count_sheets.lines(pool, sheet) if each.sku == sku)


async def on_hand(pool: Pool, sku: str) -> int:
    """Units in Leeds."""
    return next(row.on_hand for row in await stock.sku_balances(pool, sku) if row.location == "leeds")


async def test_a_sheet_names_the_versions_it_was_printed_with(stocked: Pool) -> None:
    """Goal: also a SKU that was never there can be counted, at version 0."""
    sheet = await begin(stocked, "A", "B", "C")
    assert [
        (each.sku, each.version, each.printed_on_hand) for each in await count_sheets.lines(stocked, sheet)
    ] == [
        ("A", 2, 100),
        ("B", 2, 40),
        ("C", 0, 0),
    ]
    await move(stocked, EventKind.WRITE_OFF, "A", 3)
    assert (await line(stocked, sheet, "A")).printed_on_hand == 100


async def test_small_differences_are_posted_and_large_ones_wait(stocked: Pool) -> None:
    """Goal: 97 of 100 is posted; 30 of 40 changes nothing until somebody looks again."""
    sheet = await begin(stocked)

    a, b = await enter(stocked, sheet, Entered("A", 97), Entered("B", 30))

    assert (a.outcome, a.expected, a.difference, a.grade) == (Outcome.POSTED, 100, -3, Grade.SMALL)
    assert (b.outcome, b.expected, b.difference, b.event_id) == (Outcome.ESCALATED, 40, -10, None)
    assert (await on_hand(stocked, "A"), await on_hand(stocked, "B")) == (97, 40)
    assert (await line(stocked, sheet, "B")).state == "escalated"


async def test_a_second_count_that_agrees_posts_it(stocked: Pool) -> None:
    """Goal: what was shipped between the two counts is neither lost nor taken twice."""
    sheet = await begin(stocked)
    await enter(stocked, sheet, Entered("B", 30))
    await move(stocked, EventKind.WRITE_OFF, "B", 2)

    (answer,) = await enter(stocked, sheet, Entered("B", 30, turn=None))

    assert (answer.outcome, answer.expected, answer.difference) == (Outcome.POSTED, 40, -10)
    assert await on_hand(stocked, "B") == 28


async def test_the_same_file_twice_is_no_second_count(stocked: Pool) -> None:
    """Goal: a large difference is not confirmed by entering it again, nor is a posted one posted again."""
    sheet = await begin(stocked)
    given = (Entered("A", 97), Entered("B", 30))
    await enter(stocked, sheet, *given)

    again = await enter(stocked, sheet, *given)
    other = await enter(stocked, sheet, Entered("A", 96), Entered("B", 31))

    assert [each.outcome for each in again] == [Outcome.REPEATED, Outcome.REPEATED]
    assert [each.message for each in other] == [
        f"A on count sheet {sheet} is posted; start another sheet",
        "B was counted before, as 30; enter a second count with --again",
    ]
    assert (await on_hand(stocked, "A"), await on_hand(stocked, "B")) == (97, 40)


async def test_a_persons_word_posts_the_last_count(stocked: Pool) -> None:
    """Goal: re-based on what moved since, with its reason in the event; and only what waits can be approved."""
    sheet = await begin(stocked)
    await enter(stocked, sheet, Entered("B", 30))
    await move(stocked, EventKind.WRITE_OFF, "B", 5)

    (answer,) = await cycle_counts.approve(stocked, sheet, ["B"], by="bob", reason="burglary")

    assert (answer.outcome, answer.difference, await on_hand(stocked, "B")) == (Outcome.POSTED, -10, 25)
    (event, *_) = await stock.sku_events(stocked, "B", 1)
    assert (event.source, event.external_id, event.detail["reason"]) == (f"count/{sheet}", "B/1", "burglary")
    with pytest.raises(CountRefusedError, match=f"B on count sheet {sheet} waits for no approval"):
        await cycle_counts.approve(stocked, sheet, ["B"], by="bob")


async def test_a_shipment_between_printing_and_counting_is_no_loss(stocked: Pool) -> None:
    """Goal: without a moment nobody knows, with one it is exact."""
    sheet = await begin(stocked)
    await move(stocked, EventKind.WRITE_OFF, "A", 2)

    (doubtful,) = await enter(stocked, sheet, Entered("A", 98))
    assert (doubtful.outcome, doubtful.message) == (
        Outcome.ESCALATED,
        "counted 98, the ledger had 100 on hand, and -2 moved since the sheet was printed: count again, and say when "
        "(--at)",
    )
    (sure,) = await enter(stocked, sheet, Entered("A", 98, datetime.now(UTC), turn=None))
    assert (sure.outcome, sure.grade, await on_hand(stocked, "A")) == (Outcome.POSTED, Grade.EXACT, 98)
    assert await count_watch.claim_escalated(stocked) == []


async def test_what_somebody_else_counted_is_not_corrected_twice(stocked: Pool) -> None:
    """Goal: both saw 8 fewer; the ledger loses 8, not 16. A source's numbers are movements, and no such count."""
    sheet = await begin(stocked)
    for source in ("source/wms", "operator"):
        quantity = 99 if source == "source/wms" else 92
        stated = Count(source, "c-1", "A", "leeds", quantity, CountMeaning.ON_HAND, datetime.now(UTC))
        await post_counts(stocked, [stated], record_agreement=True)
        if source == "source/wms":
            assert await on_hand(stocked, "A") == 99

    (late,) = await enter(stocked, sheet, Entered("A", 92))
    assert (late.outcome, await on_hand(stocked, "A")) == (Outcome.ESCALATED, 92)
    with pytest.raises(CountRefusedError, match="another count of A at leeds was posted since; count again"):
        await cycle_counts.approve(stocked, sheet, ["A"], by="bob")
    (again,) = await enter(stocked, sheet, Entered("A", 92, turn=None))
    assert (again.outcome, again.grade, await on_hand(stocked, "A")) == (Outcome.POSTED, Grade.EXACT, 92)


async def test_a_shelf_is_on_one_open_sheet_at_a_time(stocked: Pool) -> None:
    """Goal: two sheets would each correct the same units; once the first is closed the shelf is free."""
    first = await begin(stocked, "A")

    second = await count_sheets.start(stocked, "leeds", ["A", "B"], by="bob", note="")
    assert (second.skus, second.elsewhere) == (("B",), {"A": first})
    with pytest.raises(CountRefusedError, match=f"every SKU asked for .* A on sheet {first}"):
        await begin(stocked, "A")
    with pytest.raises(CountRefusedError, match="1 of the lines of count sheet"):
        await count_sheets.close(stocked, first, by="ann", drop=False)
    assert await count_sheets.close(stocked, first, by="ann", drop=True) == 1
    with pytest.raises(CountRefusedError, match="is closed"):
        await enter(stocked, first, Entered("A", 100))
    assert (await count_sheets.start(stocked, "leeds", ["A"], by="bob", note="")).skus == ("A",)
    assert [each.sheet_id for each in await count_sheets.listed(stocked)] == [
        second.sheet_id + 2,
        second.sheet_id,
    ]


async def test_what_cannot_be_taken_is_refused_alone(stocked: Pool) -> None:
    """Goal: each with its reason, and the others are posted."""
    sheet = await begin(stocked, "A", "B")
    early = datetime.now(UTC) - timedelta(hours=1)

    answers = await enter(
        stocked,
        sheet,
        Entered("C", 1),
        Entered("A", 100),
        Entered("B", 40, early),
    )

    assert [each.outcome for each in answers] == [Outcome.REFUSED, Outcome.POSTED, Outcome.REFUSED]
    assert answers[0].message == f"C is not on count sheet {sheet}"
    assert "it is counted after that, and before now" in answers[2].message
    (ahead,) = await enter(stocked, sheet, Entered("B", 40, turn=2))
    assert ahead.message == "B was counted 0 times, so this is no count 2"
    with pytest.raises(CountRefusedError, match="there is no count sheet 999"):
        await enter(stocked, 999, Entered("A", 1))


async def test_two_people_entering_at_once_post_each_line_once(stocked: Pool) -> None:
    """Goal: the sheet is taken one batch at a time, whoever is first."""
    sheet = await begin(stocked)
    found = await asyncio.gather(*(enter(stocked, sheet, Entered("A", 97)) for _ in range(8)))
    outcomes = [answer.outcome for (answer,) in found]
    assert (outcomes.count(Outcome.POSTED), outcomes.count(Outcome.REPEATED)) == (1, 7)
    assert await on_hand(stocked, "A") == 97


async def test_without_holding_the_sheet_one_of_two_fails(
    stocked: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the negative control: both look before either has posted, and the second finds its turn taken."""
    sheet = await begin(stocked)
    both_have_looked = asyncio.Barrier(2)
    look = cycle_counts.lines_of

    async def unlocked(connection: Connection, sheet_id: int) -> str:
        return "leeds"

    async def looked(connection: Connection, sheet_id: int, skus: Sequence[str]) -> dict[str, Line]:
        found = await look(connection, sheet_id, skus)
        await both_have_looked.wait()
        return found

    monkeypatch.setattr(cycle_counts, "_locked", unlocked)
    monkeypatch.setattr(cycle_counts, "lines_of", looked)
    given = [enter(stocked, sheet, Entered("A", 97)) for _ in range(2)]
    found = await asyncio.gather(*given, return_exceptions=True)
    assert sorted(type(each).__name__ for each in found) == ["UniqueViolation", "list"]


async def test_200_small_differences_are_800_phantom_units(shop: Pool) -> None:
    """Goal: what nobody looked at line by line is there in sum; large differences are left out."""
    await sql(shop, "INSERT INTO sku (code) SELECT 'N' || n FROM generate_series(1, 200) n")
    names = [f"N{n}" for n in range(1, 201)]
    for name in names:
        await move(shop, EventKind.RECEIPT, name, 100)
    sheet = await begin(shop, *names)

    answers = await enter(shop, sheet, *(Entered(name, 96) for name in names[:199]))
    stated = Count("operator", "c", names[199], "leeds", 96, CountMeaning.ON_HAND, datetime.now(UTC))
    await cycle_counts.post_beside(shop, stated, RULES, by="ann")
    large = Count("operator", "d", names[0], "leeds", 50, CountMeaning.ON_HAND, datetime.now(UTC))
    await cycle_counts.post_beside(shop, large, RULES, by="ann")

    assert {each.outcome for each in answers} == {Outcome.POSTED}
    small = await count_watch.small_differences(shop, datetime.now(UTC) - timedelta(days=90))
    assert (len(small), sum(each.units for each in small)) == (200, -800)
    assert await count_watch.small_differences(shop, datetime.now(UTC)) == []


async def test_what_to_count_next(stocked: Pool) -> None:
    """Goal: a fast SKU after 40 days goes before a slow one after 100; empty shelves need no count."""
    await move(stocked, EventKind.RECEIPT, "C", 5)
    await move(stocked, EventKind.WRITE_OFF, "C", 5)
    await sql(stocked, "UPDATE sku SET tier = 0 WHERE code = 'A'")
    await sql(
        stocked,
        "INSERT INTO shelf_count (sku_id, location_id, turn, quantity, counted_at, counted_by, expected, difference,"
        " grade, event_id) SELECT s.id, l.id, 1, 1, now() - make_interval(days => d.days), 'x', 1, 0, 'exact', 1"
        " FROM (VALUES ('A', 40), ('A', 70), ('B', 100)) d(code, days) JOIN sku s USING (code)"
        " CROSS JOIN location l WHERE l.code = 'leeds'",
    )
    now = datetime.now(UTC)

    async def due(
        days: CountIntervals, location: str | None = None, *, ahead: bool = False
    ) -> list[tuple[str, str, int, float]]:
        found = await shelves_due(stocked, days, now, location=location, limit=10, ahead=ahead)
        return [(each.sku, each.location, each.on_hand, round(each.overdue(now), 2)) for each in found]

    assert await due(CountIntervals(30, 60, 90)) == [("A", "leeds", 100, 1.33), ("B", "leeds", 40, 1.11)]
    assert await due(CountIntervals(30, 60, 180)) == [("A", "leeds", 100, 1.33)]
    assert await due(CountIntervals(90, 90, 90), ahead=True) == [
        ("B", "leeds", 40, 1.11),
        ("A", "leeds", 100, 0.44),
    ]
    assert await due(CountIntervals(30, 60, 90), location="london") == []
    await begin(stocked, "A")
    assert await due(CountIntervals(30, 60, 90)) == [("B", "leeds", 40, 1.11)]
