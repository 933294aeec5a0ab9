"""Forecasts against reference values, and what has to hold of every method."""

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.classification import DemandClass, class_of, pattern_of
from onhand.domain.forecast import (
    METHODS,
    Method,
    Recursion,
    croston,
    exponential,
    forecast,
    moving_average,
    syntetos_boylan,
    teunter_syntetos_babai,
)

SERIES = (0, 0, 3, 0, 0, 0, 2, 0, 4, 0, 0, 1, 0, 0, 0, 0, 5, 0, 2, 0)
"""Twenty periods whose forecasts were worked out by another program (statsforecast 2.1.1), weights 0.1."""


@pytest.mark.parametrize(
    ("recursion", "rate"),
    [
        (croston, 0.9520228072),
        (syntetos_boylan, 0.9044216669),
        (teunter_syntetos_babai, 0.8173951231),
    ],
)
def test_intermittent_methods_give_the_reference_values(recursion: Recursion, rate: float) -> None:
    assert [*recursion(SERIES, 0.1)][-1] == pytest.approx(rate, abs=1e-10)


def test_baselines_and_smoothing_by_hand() -> None:
    series = (4, 8, 0, 4, 2)
    assert forecast(series, Method.NAIVE).ahead(2) == [2, 2]
    assert forecast(series, Method.SEASONAL_NAIVE).ahead(6) == [8, 0, 4, 2, 8, 0]
    assert list(moving_average(series)) == [4, 6, 4, 4, 3.5]
    assert list(exponential(series, 0.5)) == [4, 6, 3, 3.5, 2.75]


@pytest.mark.parametrize(
    ("series", "interval", "variation", "demand_class"),
    [
        ((4, 5, 6, 5), 1.0, 0.02, DemandClass.SMOOTH),
        ((1, 1, 1, 13), 1.0, 1.6875, DemandClass.ERRATIC),
        ((0, 2, 0, 2), 2.0, 0.0, DemandClass.INTERMITTENT),
        ((0, 1, 0, 9), 2.0, 0.64, DemandClass.LUMPY),
        ((1,) * 25 + (0,) * 8, 1.32, 0.0, DemandClass.INTERMITTENT),
    ],
)
def test_demand_is_classified(
    series: tuple[int, ...], interval: float, variation: float, demand_class: DemandClass
) -> None:
    """Goal: the two numbers by hand, and the class they mean; a bound belongs to the harder class."""
    found = pattern_of(series)
    assert found is not None
    assert (found.interval, found.variation) == (interval, pytest.approx(variation))
    assert found.demand_class is demand_class


def test_without_demand_nothing_is_forecast() -> None:
    assert pattern_of((0, 0)) is None
    assert class_of((0, 0, 0)) is DemandClass.NONE
    assert {forecast((0.0, 0.0, 0.0), method).rate for method in (*Method, None)} == {0.0}


def test_each_sku_has_the_method_that_was_best() -> None:
    """Goal: a level that jumped is followed fast, a SKU that died is forecast dead."""
    assert forecast([10.0] * 20).rate == 10
    jumped = forecast([10.0] * 12 + [30.0] * 8)
    assert jumped.method is Method.MOVING_AVERAGE
    assert jumped.rate == 30
    died = forecast([3, 0, 0, 4, 0, 2, 0, 0, 5, 0] + [0] * 30)
    assert died.rate < 0.1
    assert forecast([3, 0, 0, 4, 0, 2, 0, 0, 5, 0] + [0] * 30, Method.CROSTON).rate > 1


def test_the_deviation_is_that_of_its_own_errors() -> None:
    """Goal: by hand: after half of four errors were learnt from, the naive ones of the other half are 4 and -2."""
    assert forecast((4, 8, 0, 4, 2), Method.NAIVE).deviation == pytest.approx(fmean((16, 4)) ** 0.5)
    assert forecast((9,), Method.SES).deviation == 3.0


@given(
    st.lists(st.integers(0, 1_000), min_size=1, max_size=60),
    st.sampled_from([*Method, None]),
)
def test_no_forecast_leaves_what_was_seen(series: list[int], method: Method | None) -> None:
    """Goal: between nothing and the most ever asked for; the same whenever it is asked; scaled with its series."""
    found = forecast(series, method)
    assert 0 <= found.rate <= max(series) + 1e-9
    assert found == forecast(series, method)
    tenfold = forecast([10 * units for units in series], found.method)
    assert tenfold.rate == pytest.approx(10 * forecast(series, found.method).rate)
    assert set(METHODS) == set(Method)
