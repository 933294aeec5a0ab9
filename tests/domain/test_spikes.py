"""Spikes: when they begin and end, that they do not come and go, and what is held back meanwhile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain.allocation import Claim, allocate, explain
from onhand.domain.rules import Rule
from onhand.domain.spikes import SoldHour, SpikeRules

RULES = SpikeRules()


@pytest.mark.parametrize(
    ("units", "usual", "begins"),
    [
        (20, 0.0, True),
        (19, 0.0, False),
        (20, 4.0, True),
        (20, 4.1, False),
        (50, 10.0, True),
        (49, 10.0, False),
    ],
)
def test_it_begins_far_above_what_is_usual(units: int, usual: float, begins: bool) -> None:
    assert RULES.begins(units, usual) is begins


@pytest.mark.parametrize(
    ("units", "usual", "over"),
    [(8, 0.0, False), (7, 0.0, True), (20, 10.0, False), (19, 10.0, True)],
)
def test_it_is_over_well_below_where_it_began(units: int, usual: float, over: bool) -> None:
    assert RULES.is_over(units, usual) is over


def test_switched_off_none_begins_and_all_end() -> None:
    off = SpikeRules(enabled=False)
    assert not off.begins(1_000, 0.0)
    assert off.is_over(1_000, 0.0)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1_000), st.floats(1, 20), st.floats(0, 1))
def test_what_begins_is_not_over(units: int, usual: float, begin: float, part: float) -> None:
    """Goal: hysteresis: no number of units both begins a spike and ends it."""
    rules = SpikeRules(begin_times=begin, end_times=begin * part)
    assert not (rules.begins(units, usual) and rules.is_over(units, usual))


@pytest.mark.parametrize(
    ("units", "seconds", "held"), [(100, 0.5, 2), (3_600, 4.5, 5), (7_200, 1.0, 2), (7_200, 60.0, 120)]
)
def test_what_sells_until_it_is_shown_is_held_back(units: int, seconds: float, held: int) -> None:
    assert RULES.held_back(units, seconds) == held


@pytest.mark.parametrize(
    ("units", "largest", "second", "ordinary"), [(30, 1, 1, 30), (50, 48, 1, 3), (48, 48, 0, 1), (0, 0, 0, 0)]
)
def test_one_bulk_order_is_no_spike(units: int, largest: int, second: int, ordinary: int) -> None:
    assert SoldHour(1, units, largest, second, 0.0).ordinary == ordinary


def test_more_is_held_back_but_never_more_than_half() -> None:
    one = Claim("shop", 1, "", ("leeds",), Rule(), spiking=4)
    assert [allocate({"leeds": units}, [one])[0] for units in (100, 8, 7, 1, 0)] == [96, 4, 4, 1, 0]
    assert [step.reason for step in explain({"leeds": 7}, [one])[0].steps] == [
        "pool: 7 available at leeds",
        "buffer widened by 4 units, at most half of it, while it spikes: holds back 3",
    ]
