"""Rules: what a safety buffer holds back, and which rules are refused, in which words."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.rules import Buffer, BufferTake, Mode, Rule, RuleRefusedError, percent_text, units_text

TEN_PERCENT = Decimal(10)
POOLS = st.integers(-1_000, 1_000_000)
UNITS = st.integers(0, 1_000)
PERCENTS = st.integers(0, 1_000_000).map(lambda parts: Decimal(parts) / 10_000)


@pytest.mark.parametrize(
    ("buffer", "pool", "held"),
    [
        (Buffer(), 42, 0),
        (Buffer(units=10), 42, 10),
        (Buffer(units=10), 3, 3),
        (Buffer(units=0), 42, 0),
        (Buffer(percent=TEN_PERCENT), 42, 5),
        (Buffer(percent=TEN_PERCENT), 40, 4),
        (Buffer(percent=Decimal("0.0001")), 1, 1),
        (Buffer(percent=Decimal(100)), 42, 42),
        (Buffer(percent=Decimal(0)), 42, 0),
        (Buffer(10, TEN_PERCENT, BufferTake.LESSER), 42, 5),
        (Buffer(10, TEN_PERCENT, BufferTake.LESSER), 420, 10),
        (Buffer(0, TEN_PERCENT, BufferTake.LESSER), 420, 0),
        (Buffer(10, TEN_PERCENT, BufferTake.GREATER), 42, 10),
        (Buffer(10, TEN_PERCENT, BufferTake.GREATER), 420, 42),
        (Buffer(10, TEN_PERCENT, BufferTake.SUM), 42, 15),
        (Buffer(10, TEN_PERCENT, BufferTake.SUM), 11, 11),
        (Buffer(10, TEN_PERCENT, BufferTake.SUM), 0, 0),
        (Buffer(10, TEN_PERCENT, BufferTake.SUM), -7, 0),
    ],
)
def test_a_buffer_holds_back_exactly(buffer: Buffer, pool: int, held: int) -> None:
    assert buffer.held_back(pool) == held


@pytest.mark.parametrize("take", BufferTake)
def test_an_absent_part_leaves_the_other_to_decide_alone(take: BufferTake) -> None:
    assert Buffer(percent=TEN_PERCENT, take=take).held_back(50) == 5
    assert Buffer(units=7, take=take).held_back(50) == 7


@given(pool=POOLS, units=UNITS, percent=PERCENTS)
def test_lesser_greater_and_sum_combine_the_two_parts(pool: int, units: int, percent: Decimal) -> None:
    parts = [Buffer(units=units).held_back(pool), Buffer(percent=percent).held_back(pool)]
    both = {take: Buffer(units, percent, take).held_back(pool) for take in BufferTake}
    assert both[BufferTake.LESSER] == min(parts)
    assert both[BufferTake.GREATER] == max(parts)
    assert both[BufferTake.SUM] == min(max(0, pool), sum(parts))


@given(pool=POOLS, units=st.none() | UNITS, percent=st.none() | PERCENTS, take=st.sampled_from(BufferTake))
def test_one_unit_more_in_the_pool_is_never_one_less_to_sell(
    pool: int, units: int | None, percent: Decimal | None, take: BufferTake
) -> None:
    buffer = Buffer(units, percent, take)
    held, held_of_more = buffer.held_back(pool), buffer.held_back(pool + 1)
    assert 0 <= held <= max(0, pool)
    assert held <= held_of_more <= held + 1


@pytest.mark.parametrize(
    ("buffer", "words", "exists"),
    [
        (Buffer(), "none", False),
        (Buffer(units=1), "1 unit", True),
        (Buffer(percent=Decimal("2.50")), "2.5 %", True),
        (Buffer(10, TEN_PERCENT, BufferTake.LESSER), "lesser of 10 % and 10 units", True),
        (Buffer(10, TEN_PERCENT), "greater of 10 % and 10 units", True),
        (Buffer(10, TEN_PERCENT, BufferTake.SUM), "sum of 10 % and 10 units", True),
    ],
)
def test_a_buffer_says_what_it_is(buffer: Buffer, words: str, exists: bool) -> None:
    assert str(buffer) == words
    assert buffer.exists is exists


def test_without_configuration_a_rule_shows_the_whole_pool() -> None:
    assert Rule() == Rule(
        mode=Mode.POOLED,
        share=Decimal(100),
        reserve=0,
        cap=None,
        minimum_to_show=0,
        buffer=Buffer(),
        name="default",
    )


def test_a_changed_copy_of_a_rule_keeps_its_arithmetic_in_step() -> None:
    rule = Rule(share=Decimal("33.3333"))
    assert rule.share_parts == 333_333
    assert replace(rule, share=Decimal(50)).share_parts == 500_000


@pytest.mark.parametrize(
    "share", ["140", "-0.1", "NaN", "Infinity", "33.33333", "99.99999999999999999999999999999999"]
)
def test_a_share_outside_the_whole_is_refused(share: str) -> None:
    with pytest.raises(RuleRefusedError) as refusal:
        Rule(share=Decimal(share), name="channels.shopify.rule")
    assert str(refusal.value) == (
        f"channels.shopify.rule.share is {share}; "
        "accepted is a percentage from 0 to 100 with at most four decimal places"
    )


@pytest.mark.parametrize("percent", ["100.0001", "-1"])
def test_a_buffer_percentage_outside_the_whole_is_refused(percent: str) -> None:
    with pytest.raises(RuleRefusedError) as refusal:
        Buffer(percent=Decimal(percent))
    assert str(refusal.value) == (
        f"buffer.percent is {percent}; "
        "accepted is a percentage from 0 to 100 with at most four decimal places"
    )


@pytest.mark.parametrize("key", ["reserve", "cap", "minimum_to_show"])
def test_negative_units_are_refused(key: str) -> None:
    given_units = {"reserve": 0, "cap": 0, "minimum_to_show": 0} | {key: -1}
    with pytest.raises(RuleRefusedError) as refusal:
        Rule(
            reserve=given_units["reserve"],
            cap=given_units["cap"],
            minimum_to_show=given_units["minimum_to_show"],
        )
    assert str(refusal.value) == f"default.{key} is -1; accepted is a number of units from 0 upwards"


def test_a_negative_buffer_is_refused() -> None:
    with pytest.raises(RuleRefusedError) as refusal:
        Buffer(units=-1)
    assert str(refusal.value) == "buffer.units is -1; accepted is a number of units from 0 upwards"


@pytest.mark.parametrize(
    ("percent", "text"),
    [("40", "40"), ("4E+1", "40"), ("12.50", "12.5"), ("0.0001", "0.0001"), ("100.00", "100")],
)
def test_percentages_are_written_as_people_write_them(percent: str, text: str) -> None:
    assert percent_text(Decimal(percent)) == text


def test_units_are_counted_in_words() -> None:
    assert [units_text(n) for n in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
