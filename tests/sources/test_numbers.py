"""Numbers: every kind of wrong one by its own name and message, every right one exactly."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import QUANTITY_MAX
from onhand.sources.numbers import Marks, read_number, whole_units
from onhand.sources.problems import Problem, Refusal

PLAIN = Marks()
GERMAN = Marks(",", ".")
ENGLISH = Marks(".", ",")
FRENCH = Marks(",", " ")
SWISS = Marks(".", "'")
EVERY = [Marks(decimal, mark) for decimal in ".," for mark in ["", ",", ".", " ", "'"] if mark != decimal]


@pytest.mark.parametrize(
    ("given", "marks", "number"),
    [
        ("0", PLAIN, "0"),
        ("17", PLAIN, "17"),
        ("-17", PLAIN, "-17"),
        ("+17", PLAIN, "17"),
        ("0017", PLAIN, "17"),
        (" \u00a017\ufeff", PLAIN, "17"),
        ("2.50", PLAIN, "2.50"),
        ("1,250.5", ENGLISH, "1250.5"),
        ("1250.5", ENGLISH, "1250.5"),
        ("1,250,000", ENGLISH, "1250000"),
        ("1.250,5", GERMAN, "1250.5"),
        ("-1.250", GERMAN, "-1250"),
        ("1 250,5", FRENCH, "1250.5"),
        ("1\u202f250\u00a0000,5", FRENCH, "1250000.5"),
        ("1'250.5", SWISS, "1250.5"),
        ("1\u2019250", SWISS, "1250"),
        (17, PLAIN, "17"),
        (0.1, PLAIN, "0.1"),
        (-3.0, GERMAN, "-3.0"),
        (1e9, PLAIN, "1000000000.0"),
        (Decimal("2.50"), GERMAN, "2.50"),
    ],
)
def test_good_numbers_are_read_exactly(given: object, marks: Marks, number: str) -> None:
    read = read_number(given, marks)
    assert isinstance(read, Decimal)
    assert str(read) == number


NOT_A_NUMBER = "is not a number; digits are accepted, with a minus in front if negative."
NO_THOUSANDS = 'does not follow the configured marks (decimal mark ".", no thousands mark).'


@pytest.mark.parametrize(
    ("given", "problem", "why"),
    [
        (None, Problem.BLANK_QUANTITY, "the quantity is blank; write 0 where there is no stock."),
        ("", Problem.BLANK_QUANTITY, "the quantity is blank; write 0 where there is no stock."),
        (" \u00a0", Problem.BLANK_QUANTITY, "the quantity is blank; write 0 where there is no stock."),
        ("NaN", Problem.NOT_FINITE, '"NaN" is not a finite number.'),
        ("-inf", Problem.NOT_FINITE, '"-inf" is not a finite number.'),
        (float("nan"), Problem.NOT_FINITE, '"nan" is not a finite number.'),
        (Decimal("Infinity"), Problem.NOT_FINITE, '"Infinity" is not a finite number.'),
        (
            "1e9",
            Problem.EXPONENT,
            '"1e9" is in exponent notation, which may have lost digits; write them all.',
        ),
        (
            "3.60E+10",
            Problem.EXPONENT,
            '"3.60E+10" is in exponent notation, which may have lost digits; write them all.',
        ),
        ("2026-11-21", Problem.DATE, '"2026-11-21" is a date or a time, not a number.'),
        ("21.11.2026", Problem.DATE, '"21.11.2026" is a date or a time, not a number.'),
        ("11/21/26", Problem.DATE, '"11/21/26" is a date or a time, not a number.'),
        ("12-May", Problem.DATE, '"12-May" is a date or a time, not a number.'),
        ("Okt 12", Problem.DATE, '"Okt 12" is a date or a time, not a number.'),
        ("12:30", Problem.DATE, '"12:30" is a date or a time, not a number.'),
        (date(2026, 11, 21), Problem.DATE, "2026-11-21 is a date or a time, not a number."),
        (
            datetime(2026, 11, 21, 9, tzinfo=UTC),
            Problem.DATE,
            "2026-11-21T09:00:00+00:00 is a date or a time, not a number.",
        ),
        (time(9, 30), Problem.DATE, "09:30:00 is a date or a time, not a number."),
        ("(5)", Problem.PARENTHESES, '"(5)" is in parentheses; write a negative number with a minus.'),
        ("1,250", Problem.MARKS, f'"1,250" {NO_THOUSANDS}'),
        ("1.250.000", Problem.MARKS, f'"1.250.000" {NO_THOUSANDS}'),
        ("1 250", Problem.MARKS, f'"1 250" {NO_THOUSANDS}'),
        ("#N/A", Problem.NOT_A_NUMBER, '"#N/A" is a spreadsheet\'s error value, not a number.'),
        (">100", Problem.NOT_A_NUMBER, '">100" is a bound; the exact number is needed.'),
        ("100+", Problem.NOT_A_NUMBER, '"100+" is a bound; the exact number is needed.'),
        ("5-", Problem.NOT_A_NUMBER, f'"5-" {NOT_A_NUMBER}'),
        ("--5", Problem.NOT_A_NUMBER, f'"--5" {NOT_A_NUMBER}'),
        ("five", Problem.NOT_A_NUMBER, f'"five" {NOT_A_NUMBER}'),
        ("\u0663", Problem.NOT_A_NUMBER, f'"\u0663" {NOT_A_NUMBER}'),
        (True, Problem.NOT_A_NUMBER, f'"True" {NOT_A_NUMBER}'),
        ("9" * 41, Problem.NOT_A_NUMBER, f'"{"9" * 41}" {NOT_A_NUMBER}'),
    ],
)
def test_each_kind_of_wrong_number_has_its_own_message(given: object, problem: Problem, why: str) -> None:
    assert read_number(given, PLAIN) == Refusal(problem, why, "quantity")


def test_thousands_marks_stand_before_each_third_digit_or_the_number_is_refused() -> None:
    marks = 'decimal mark ",", thousands mark "." before each third digit'
    for text in ("1.25", "12.50,5", "1.2500", "1..250", "1250.000.0", ".250"):
        refusal = read_number(text, GERMAN)
        assert isinstance(refusal, Refusal)
        assert refusal.problem in (Problem.MARKS, Problem.NOT_A_NUMBER)
    assert read_number("1.25", GERMAN) == Refusal(
        Problem.MARKS, f'"1.25" does not follow the configured marks ({marks}).', "quantity"
    )


@pytest.mark.parametrize(
    ("number", "units"), [("2.5", 2), ("0.9", 0), ("-0.1", -1), ("-2.5", -3), ("-2.0", -2), ("7", 7)]
)
def test_part_of_a_unit_is_dropped_toward_minus_infinity_where_that_is_allowed(
    number: str, units: int
) -> None:
    assert whole_units(Decimal(number), "round_down") == units


def test_part_of_a_unit_is_refused_by_default_and_a_whole_number_with_decimals_is_not() -> None:
    assert whole_units(Decimal("2.50"), "refuse") == Refusal(
        Problem.FRACTION,
        "2.50 is not a whole number of units; this SKU is sold in whole units only "
        '(its catalogue row may say fraction "round_down").',
        "quantity",
    )
    assert whole_units(Decimal("2.000"), "refuse") == 2


def test_the_largest_quantity_is_taken_and_the_next_is_not() -> None:
    assert whole_units(Decimal(QUANTITY_MAX), "refuse") == QUANTITY_MAX
    assert whole_units(Decimal(-QUANTITY_MAX), "refuse") == -QUANTITY_MAX
    assert whole_units(Decimal(QUANTITY_MAX + 1), "refuse") == Refusal(
        Problem.TOO_LARGE, "1000000001 is beyond 1,000,000,000 units, the most that is accepted.", "quantity"
    )
    assert isinstance(whole_units(Decimal("1000000000.5"), "round_down"), Refusal)


@pytest.mark.parametrize(
    ("decimal", "thousands", "said"),
    [
        (";", "", 'the decimal mark is "." or ",", not ";"'),
        (".", "_", 'the thousands mark is none, ",", ".", a space or an apostrophe, not "_"'),
        (".", ".", 'the decimal and the thousands mark are both "."'),
    ],
)
def test_marks_that_cannot_be_told_apart_are_refused(decimal: str, thousands: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        Marks(decimal, thousands)


@given(
    st.decimals(-QUANTITY_MAX, QUANTITY_MAX, allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from(EVERY),
    st.booleans(),
)
def test_a_formatted_number_is_read_back_exactly(number: Decimal, marks: Marks, grouped: bool) -> None:
    text = f"{number:,f}" if grouped and marks.thousands else f"{number:f}"
    text = text.translate({ord(","): marks.thousands, ord("."): marks.decimal})
    assert read_number(text, marks) == number


@given(st.one_of(st.text(), st.text("0123456789.,' +-eE()/:%#<>", max_size=45)), st.sampled_from(EVERY))
def test_any_text_gets_a_verdict(text: str, marks: Marks) -> None:
    number = read_number(text, marks)
    if isinstance(number, Decimal):
        assert number.is_finite()
        assert isinstance(whole_units(number, "round_down"), (int, Refusal))
    else:
        assert number.field == "quantity"
        assert number.why.endswith(".")
        assert "\n" not in number.why


@given(st.one_of(st.floats(), st.decimals(), st.integers(), st.none(), st.binary(), st.booleans()))
def test_any_value_of_a_database_gets_a_verdict(value: object) -> None:
    number = read_number(value, PLAIN)
    assert isinstance(number, (Decimal, Refusal))
    if isinstance(number, Decimal):
        assert isinstance(whole_units(number, "refuse"), (int, Refusal))
