"""Low stock: which threshold holds, until when a SKU is low, and what it costs."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.low_stock import Crossing, LowStockRules, Stocked, low_among

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
A = Stocked(1, "A", "Apple", ("fruit", "red"), 3, 12.0)
FIVE = LowStockRules(units=5)


def test_the_rule_for_the_sku_comes_before_its_tags_and_those_before_the_default() -> None:
    """Goal: the nearest rule holds; of tags, the first rule of the file that names one it bears."""
    rules = LowStockRules(5, {"A": 9}, (("green", 1), ("red", 2), ("fruit", 3)))
    assert rules.threshold("A", A.tags) == 9
    assert rules.threshold("B", A.tags) == 2
    assert rules.threshold("B", ["fruit"]) == 3
    assert rules.threshold("B", []) == 5
    assert LowStockRules(by_tag=(("red", 2),)).threshold("B", []) is None
    assert rules.highest == 9
    assert rules.threshold("B", [], reorder_point=30) == 5
    by_point = replace(rules, reorder_points=True)
    assert [by_point.threshold(sku, tags, 30) for sku, tags in (("A", []), ("B", ["red"]), ("B", []))] == [
        9,
        2,
        30,
    ]
    assert by_point.threshold("B", []) == 5
    assert (LowStockRules(reorder_points=True).watches, LowStockRules().watches) == (True, False)
    assert LowStockRules().highest is None


@pytest.mark.parametrize(
    ("units", "known", "low"),
    [
        (5, False, True),
        (6, False, False),
        (5, True, True),
        (6, True, False),
        (0, False, True),
        (-2, False, True),
    ],
)
def test_low_is_at_the_threshold_and_below(units: int, known: bool, low: bool) -> None:
    """Goal: of 5, a fifth is one unit, so that 6 are enough again."""
    stocked = replace(A, units=units, found_at=NOON if known else None)
    assert bool(low_among([stocked], FIVE)) is low


def test_a_sku_that_hovers_at_its_threshold_stays_low() -> None:
    """Goal: of 50, 59 are not clearly more, 60 are; one that was not low is not at 51."""
    rules = LowStockRules(units=50)
    assert [bool(low_among([replace(A, units=n, found_at=NOON)], rules)) for n in (51, 59, 60)] == [
        True,
        True,
        False,
    ]
    assert low_among([replace(A, units=51)], rules) == []


def test_what_is_lost_goes_by_what_it_sold_when_it_ran_out() -> None:
    """Goal: days without stock sell nothing, and so lower the average; the loss is not lowered with it."""
    out = replace(A, units=0, per_day=0.5, found_at=NOON, out_at=NOON, per_day_then=24.0)
    (low,) = low_among([out], FIVE)
    assert (low.crossing, low.per_day, low.lost_per_hour, low.out_at) == (Crossing.OUT, 24.0, 1.0, NOON)
    (back,) = low_among([replace(out, units=1)], FIVE)
    assert (back.crossing, back.per_day, back.lost_per_hour, back.out_at) == (Crossing.LOW, 0.5, 0.0, None)


def test_bestsellers_come_first_and_what_is_not_sold_any_more_not_at_all() -> None:
    """Goal: the list begins with what hurts most."""
    found = low_among([A, replace(A, sku="B", per_day=30.0), replace(A, sku="C", active=False)], FIVE)
    assert [low.sku for low in found] == ["B", "A"]


@given(threshold=st.integers(0, 1_000), recover=st.floats(0, 200), units=st.integers(-10, 5_000))
def test_one_unit_does_not_flap(threshold: int, recover: float, units: int) -> None:
    """Goal: no number of units is both low anew and recovered, and a SKU can always recover."""
    rules = LowStockRules(threshold, recover_percent=recover)
    anew = bool(low_among([replace(A, units=units)], rules))
    stays = bool(low_among([replace(A, units=units, found_at=NOON)], rules))
    assert stays or not anew
    assert rules.recovered(threshold, 3 * threshold + 1)
    assert not rules.recovered(threshold, threshold)
