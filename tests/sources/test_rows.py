"""Row rules: one verdict for each row, by its own code, with the whole message an operator reads."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from onhand.domain.counts import CountMeaning
from onhand.sources.base import BadRow, Notice, SkuFacts, StockRow
from onhand.sources.codes import clean, fold, refuse_sku
from onhand.sources.numbers import Marks
from onhand.sources.problems import RAW_LENGTH_MAX, Problem, Refusal
from onhand.sources.rows import RawRow, RowRules, judge
from tests.sources.fakes import NOW, Directory

RULES = RowRules(
    CountMeaning.ON_HAND,
    Marks(),
    labels={"sku": 'column "Item"', "quantity": 'column "Qty"', "location": 'column "Site"'},
)
LOST = "The row was not taken."


def raw(
    sku: str = "A-1", location: str = "leeds", quantity: object = "5", as_of: str | datetime = NOW
) -> RawRow:
    """A row on line 7 of a file."""
    return RawRow("stock.csv line 7", f"{sku},{location},{quantity}", sku, location, quantity, as_of)


def directory() -> Directory:
    """Two sites; an ordinary SKU, one sold by the metre, one discontinued."""
    known = Directory("A-1", "METRE", "OLD")
    known.facts["METRE"] = SkuFacts(fraction="round_down")
    known.facts["OLD"] = SkuFacts(status="discontinued")
    return known


def good(sku: str, quantity: int) -> StockRow:
    """What a good row of that file becomes."""
    return StockRow(sku, "leeds", quantity, CountMeaning.ON_HAND, NOW, "stock.csv line 7")


async def test_good_rows_keep_their_order_and_ask_the_directory_once() -> None:
    known = directory()
    judged = await judge(
        [raw(), raw("METRE", quantity="2.7"), raw("OLD", quantity="0"), raw()], RULES, known, NOW
    )
    assert judged.rows == (good("A-1", 5), good("METRE", 2), good("OLD", 0), good("A-1", 5))
    assert (judged.bad_rows, judged.notices) == ((), ())
    assert known.questions == [3]


async def test_a_code_is_cleaned_of_what_cannot_be_seen() -> None:
    judged = await judge([raw("\ufeff A-1\u00a0", " leeds ")], RULES, directory(), NOW)
    assert judged.rows == (good("A-1", 5),)


async def test_a_negative_number_is_kept_and_mentioned() -> None:
    judged = await judge([raw(quantity="-3")], RULES, directory(), NOW)
    assert judged.rows == (good("A-1", -3),)
    assert judged.notices == (
        Notice(
            "stock.csv line 7",
            Problem.NEGATIVE,
            'stock.csv line 7, column "Qty": -3 is negative. The row was taken: the ledger keeps it as the '
            "truth, and channels show 0 until stock is back.",
        ),
    )


@pytest.mark.parametrize(
    ("row", "problem", "message"),
    [
        (
            raw("A-2"),
            Problem.UNKNOWN_SKU,
            'stock.csv line 7, column "Item": SKU "A-2" is not in the catalogue; import it, and the next '
            "run posts it. The row was kept in the list of refused rows and not posted.",
        ),
        (
            raw("OLD", quantity="4"),
            Problem.DISCONTINUED_SKU,
            'stock.csv line 7, column "Item": SKU "OLD" is discontinued, and 4 is not 0, the only number '
            "it may "
            f"have; set its catalogue row to active to sell it again. {LOST}",
        ),
        (
            raw(" "),
            Problem.BLANK_SKU,
            f'stock.csv line 7, column "Item": the SKU is blank; every row needs one. {LOST}',
        ),
        (
            raw("3.60E+10"),
            Problem.MANGLED_SKU,
            'stock.csv line 7, column "Item": "3.60E+10" is what a spreadsheet makes of a long number; '
            "the SKU's "
            f"digits are lost. Export again with the column formatted as text. {LOST}",
        ),
        (
            raw("#REF!"),
            Problem.MANGLED_SKU,
            f'stock.csv line 7, column "Item": "#REF!" is a spreadsheet\'s error value, not a SKU. {LOST}',
        ),
        (
            raw("A\n1"),
            Problem.UNREADABLE_SKU,
            'stock.csv line 7, column "Item": "A\\n1" holds a line break or another mark that cannot be '
            "printed. "
            f"{LOST}",
        ),
        (
            raw("A" * 201),
            Problem.UNREADABLE_SKU,
            f'stock.csv line 7, column "Item": "{"A" * 57}..." has 201 characters; a SKU has at most 200. '
            f"{LOST}",
        ),
        (
            raw(location="paris"),
            Problem.UNKNOWN_LOCATION,
            'stock.csv line 7, column "Site": "paris" is not a known location; known are leeds, london. '
            + LOST,
        ),
        (
            raw(location=""),
            Problem.UNKNOWN_LOCATION,
            f'stock.csv line 7, column "Site": the location is blank; known are leeds, london. {LOST}',
        ),
        (
            raw(quantity="1e9"),
            Problem.EXPONENT,
            'stock.csv line 7, column "Qty": "1e9" is in exponent notation, which may have lost digits; '
            "write "
            f"them all. {LOST}",
        ),
        (
            raw(quantity="2.5"),
            Problem.FRACTION,
            'stock.csv line 7, column "Qty": 2.5 is not a whole number of units; this SKU is sold in '
            "whole units "
            f'only (its catalogue row may say fraction "round_down"). {LOST}',
        ),
        (
            raw(quantity="2000000000"),
            Problem.TOO_LARGE,
            'stock.csv line 7, column "Qty": 2000000000 is beyond 1,000,000,000 units, the most that is '
            "accepted. "
            f"{LOST}",
        ),
        (
            raw(as_of="yesterday"),
            Problem.BAD_TIME,
            'stock.csv line 7, as_of: "yesterday" is not a time; ISO 8601 such as 2026-11-21T09:30:00Z is '
            "accepted. "
            f"{LOST}",
        ),
        (
            raw(as_of="2026-11-21T12:06:00Z"),
            Problem.BAD_TIME,
            'stock.csv line 7, as_of: "2026-11-21T12:06:00Z" lies in the future; now is '
            "2026-11-21T12:00:00Z. "
            f"{LOST}",
        ),
        (
            raw(as_of=""),
            Problem.BAD_TIME,
            "stock.csv line 7, as_of: the time is blank; it says which later sales the number cannot know "
            "of. "
            f"{LOST}",
        ),
    ],
)
async def test_each_kind_of_bad_row_has_its_own_message(row: RawRow, problem: Problem, message: str) -> None:
    judged = await judge([row], RULES, directory(), NOW)
    assert judged.bad_rows == (BadRow("stock.csv line 7", row.raw[:RAW_LENGTH_MAX], problem, message),)
    assert (judged.rows, judged.notices) == ((), ())


async def test_a_row_found_wanting_on_the_way_in_keeps_that_reason_and_its_text_is_cut() -> None:
    row = RawRow("stock.csv line 9", "x" * 600, refusal=Refusal(Problem.RAGGED_ROW, "the row is short."))
    judged = await judge([row], RULES, directory(), NOW)
    assert judged.bad_rows == (
        BadRow(
            "stock.csv line 9", "x" * 500, Problem.RAGGED_ROW, "stock.csv line 9: the row is short. " + LOST
        ),
    )


@pytest.mark.parametrize(
    ("given", "zone", "layout", "moment"),
    [
        ("2026-11-21", "UTC", None, datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T09:30:00Z", "Europe/Berlin", None, datetime(2026, 11, 21, 9, 30, tzinfo=UTC)),
        ("2026-11-21 09:30", "Europe/Berlin", None, datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("21.11.2026 09:30", "Europe/Berlin", "%d.%m.%Y %H:%M", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
        ("2026-11-21T12:05:00Z", "UTC", None, datetime(2026, 11, 21, 12, 5, tzinfo=UTC)),
    ],
)
async def test_a_stated_moment_is_read_in_its_zone(
    given: str, zone: str, layout: str | None, moment: datetime
) -> None:
    rules = RowRules(CountMeaning.AVAILABLE, zone=ZoneInfo(zone), layout=layout)
    judged = await judge([raw(as_of=given)], rules, directory(), NOW)
    assert [row.as_of for row in judged.rows] == [moment]


async def test_a_row_read_twice_makes_the_same_statement_and_another_number_another() -> None:
    judged = await judge([raw(), raw(), raw(quantity="6")], RULES, directory(), NOW)
    first, again, other = (row.statement for row in judged.rows)
    assert first == again
    assert first != other
    assert len(first) == 32


def test_near_misses_of_a_code_fold_to_the_same_and_others_do_not() -> None:
    assert {fold(code) for code in ("ab 1", "AB1", "Ab\u00a01", " ab1 ", "aB\ufeff1")} == {"ab1"}
    assert fold("AB-1") != fold("AB1")
    assert clean("\u200b Größe \ufeff") == "Größe"


def test_a_sku_that_only_resembles_a_mangled_number_is_taken() -> None:
    assert [refuse_sku(sku) for sku in ("12E5", "3E10", "A3.60E+10", "36.0E+10", "E+10")] == [None] * 5
    assert [refuse_sku(sku) is None for sku in ("3.6E+10", "3,60E+10", "3E-05", "3.60e+10")] == [False] * 4
