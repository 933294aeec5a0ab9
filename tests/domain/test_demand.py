"""Demand: how fast a level sells is known early, is never believed too surely, and fades."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.demand import Demand, at_most, rate, with_sale


def sold_every(seconds: float, until: float) -> Demand:
    demand, moment = Demand(), seconds
    while moment <= until:
        demand, moment = with_sale(demand, 1, moment), moment + seconds
    return demand


@pytest.mark.parametrize("until", [2.0, 10.0, 60.0, 600.0])
def test_a_steady_rate_is_known_early_and_stays_known(until: float) -> None:
    """Goal: four units a second are seen as such after two seconds as well as after ten minutes."""
    assert rate(sold_every(0.25, until), until) == pytest.approx(4.0, rel=0.15)


def test_a_rate_fades_when_nothing_is_sold() -> None:
    """Goal: ten seconds without a sale halve it, but for what was gathered in the meantime."""
    demand = sold_every(0.25, 600.0)

    assert rate(demand, 610.0) == pytest.approx(rate(demand, 600.0) / 2)


def test_two_sales_within_a_blink_are_no_rush() -> None:
    """Goal: no count is younger than a second."""
    demand = with_sale(with_sale(Demand(), 1, 100.0), 1, 100.01)

    assert rate(demand, 100.01) == pytest.approx(2.0, rel=0.05)


def test_a_new_rush_is_counted_anew() -> None:
    """Goal: what was forgotten does not stretch the time in which the next sales are counted."""
    anew = with_sale(sold_every(0.25, 10.0), 2, 1_000.0)

    assert (anew.units, anew.at, anew.began_at) == (pytest.approx(2.0), 1_000.0, 1_000.0)


def test_moments_may_come_in_any_order() -> None:
    """Goal: a count is as of its latest sale."""
    late = Demand()
    for moment in (5.0, 1.0, 3.0, 2.0, 4.0):
        late = with_sale(late, 1, moment)

    assert late.at == 5.0
    assert rate(late, 5.0) < 5.5


def test_at_most_by_hand() -> None:
    """Goal: the chance in what is sold and in what was counted both count."""
    assert at_most(9.0, float("inf"), 2.0) == 15  # 9 + 2 * 3
    assert at_most(9.0, 9.0, 2.0) == 18  # 9 + 2 * sqrt(9 + 9)
    assert at_most(0.0, 0.0, 2.0) == 0


@given(expected=st.floats(0, 1e4), more=st.floats(0, 1e3), counted=st.floats(0, 1e4), caution=st.floats(0, 5))
def test_more_is_never_bounded_by_less(expected: float, more: float, counted: float, caution: float) -> None:
    """Goal: a bound is above what is expected, and grows with it and with caution."""
    assert at_most(expected, counted, caution) >= expected
    assert at_most(expected + more, counted, caution) >= at_most(expected, counted, caution)
    assert at_most(expected, counted, caution + 1) >= at_most(expected, counted, caution)
