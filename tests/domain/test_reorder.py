"""When and how much to reorder, against reference values of textbooks, and what has to hold of every quantity."""

from math import exp, factorial, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.classification import DemandClass
from onhand.domain.quantiles import counted_quantile, normal_quantile
from onhand.domain.reorder import (
    Costs,
    Demand,
    LeadTime,
    Plan,
    Terms,
    economic_quantity,
    fill_rate_point,
    lead_demand,
    plan,
    position,
    reorder_point,
    rounded_up,
    to_order,
    unit_loss,
)

CARPETS = Demand(30, 5)
"""The carpet shop of a textbook: 30 a day, standard deviation 5."""


@pytest.mark.parametrize(
    ("lead", "point"),
    [(LeadTime(10), 326.0074), (LeadTime(10, 2), 402.0605)],
    ids=["fixed lead time", "variable lead time"],
)
def test_reorder_points_are_those_of_the_textbook(lead: LeadTime, point: float) -> None:
    assert reorder_point(CARPETS, lead, 0.95) == pytest.approx(point, abs=5e-5)


def test_deviation_over_a_variable_lead_time() -> None:
    mean, variance = lead_demand(CARPETS, LeadTime(10, 2))
    assert (mean, sqrt(variance)) == (300, pytest.approx(62.0484, abs=5e-5))


def test_a_fill_rate_is_reached_with_less() -> None:
    point = fill_rate_point(CARPETS, LeadTime(10, 2), 0.98, 200)
    assert point == pytest.approx(370.2015, abs=5e-5)
    assert (point - 300) / 62.0483682 == pytest.approx(1.131399, abs=1e-6)
    assert fill_rate_point(Demand(30, 0), LeadTime(10), 0.98, 200) == 300


def test_the_loss_function() -> None:
    assert unit_loss(0) == pytest.approx(0.398942, abs=5e-7)
    assert unit_loss(1.2) == pytest.approx(0.0561025, abs=5e-8)


def test_the_economic_quantity() -> None:
    quantity = economic_quantity(1_300, Costs(8, 0.225))
    assert quantity == pytest.approx(304.0468, abs=5e-5)
    assert 8 * 1_300 / quantity + 0.225 * quantity / 2 == pytest.approx(68.4105, abs=5e-5)


@pytest.mark.parametrize(
    ("demand", "lead", "service", "level"),
    [
        (Demand(50, 8), LeadTime(1), 0.70 / (0.70 + 0.18), 56.60396),
        (Demand(50, 8), LeadTime(4, 0, 1), 0.70 / (0.70 + 0.18), 264.76689),
        (Demand(1_300, 150), LeadTime(1 / 12), 7.5 / (7.5 + 0.225), 190.3370),
    ],
    ids=["newsvendor", "base stock", "economic quantity with safety stock"],
)
def test_textbook_levels_at_the_critical_ratio(
    demand: Demand, lead: LeadTime, service: float, level: float
) -> None:
    """Goal: where a shortage and a leftover have their prices, the service level is their ratio."""
    assert reorder_point(demand, lead, service) == pytest.approx(level, abs=5e-5)


@pytest.mark.parametrize(
    ("service", "z"),
    [
        (0.80, 0.8416), (0.90, 1.2816), (0.95, 1.6449), (0.975, 1.9600),
        (0.98, 2.0537), (0.99, 2.3263), (0.995, 2.5758), (0.999, 3.0902),
    ],
)  # fmt: skip
def test_quantiles_of_the_normal_distribution(service: float, z: float) -> None:
    assert normal_quantile(0, 1, service) == pytest.approx(z, abs=5e-5)


def test_little_demand_is_counted_by_the_piece() -> None:
    """Goal: against Poisson's sums by hand; where it varies more, more is needed; the normal one would say less."""
    mean = 2.0
    chances = [exp(-mean) * mean**n / factorial(n) for n in range(20)]
    for certainty in (0.5, 0.9, 0.95, 0.99):
        wanted = next(n for n in range(20) if sum(chances[: n + 1]) >= certainty)
        assert counted_quantile(mean, mean, certainty) == wanted
    assert counted_quantile(2.0, 2.0, 0.95) == 5
    assert counted_quantile(2.0, 8.0, 0.95) == 8
    assert counted_quantile(0.0, 0.0, 0.95) == 0
    assert reorder_point(Demand(0.2, sqrt(0.2)), LeadTime(10), 0.95) == 5
    assert reorder_point(Demand(5, 8, DemandClass.LUMPY), LeadTime(10), 0.95) == 97
    assert reorder_point(Demand(5, 8, DemandClass.ERRATIC), LeadTime(10), 0.95) == pytest.approx(
        91.61187, abs=1e-5
    )


def test_a_geometric_distribution_is_the_negative_binomial_one_of_size_one() -> None:
    """Goal: variance = mean + mean² has a closed form: 1 - (mean / (1 + mean))^(n + 1)."""
    mean = 3.0
    wanted = next(n for n in range(100) if 1 - (mean / (1 + mean)) ** (n + 1) >= 0.95)
    assert counted_quantile(mean, mean + mean**2, 0.95) == wanted == 10


def test_a_large_mean_is_normal_enough() -> None:
    assert counted_quantile(5_000, 5_000, 0.95) == 5_117
    assert normal_quantile(5_000, 5_000, 0.95) == pytest.approx(5_116.31, abs=0.01)


def test_a_plan_orders_for_a_while_or_what_costs_least() -> None:
    lead = LeadTime(10)
    assert plan(CARPETS, lead, 0.95, 14) == Plan(327, 747)
    assert plan(Demand(1_300 / 365, 1), lead, 0.95, 14, Costs(8, 0.225)) == Plan(41, 345)
    assert plan(CARPETS, LeadTime(10, 2), 0.95, 200 / 30, fill=0.98) == Plan(371, 571)
    assert plan(Demand(0, 0), lead, 0.95, 14, Costs(8, 0.225)) == Plan(0, 0)


@pytest.mark.parametrize(
    ("units", "terms", "ordered"),
    [
        (1, Terms(), 1),
        (7, Terms(pack=6), 12),
        (7, Terms(pack=6, minimum=20), 24),
        (7, Terms(pack=6, minimum=20, multiple=48), 48),
        (50, Terms(pack=6, multiple=10), 60),
        (61, Terms(pack=6, multiple=10), 90),
    ],
)
def test_quantities_are_what_the_supplier_sells(units: int, terms: Terms, ordered: int) -> None:
    assert rounded_up(units, terms) == ordered


@given(st.integers(1, 10_000), st.integers(1, 50), st.integers(0, 2_000), st.integers(1, 50))
def test_every_quantity_keeps_to_all_terms(units: int, pack: int, minimum: int, multiple: int) -> None:
    """Goal: enough, whole packs, the minimum and the multiple, and no step less would do."""
    found = rounded_up(units, Terms(pack, minimum, multiple))
    assert found >= max(units, minimum)
    assert found % pack == found % multiple == 0
    step = next(n for n in range(pack, pack * multiple + 1, pack) if n % multiple == 0)
    assert found - step < max(units, minimum)


def test_what_is_on_its_way_counts() -> None:
    """Goal: neither an order under way is made twice, nor is what is promised counted as there."""
    assert position(available=-4, incoming=20, in_transit=3) == 19
    wanted = Plan(10, 40)
    assert to_order(11, wanted, Terms()) == 0
    assert to_order(10, wanted, Terms()) == 30
    assert to_order(-5, wanted, Terms(pack=12)) == 48
    assert to_order(0, Plan(0, 0), Terms()) == 0
    assert to_order(-3, Plan(0, 0), Terms()) == 3


@given(
    st.floats(0.01, 50),
    st.floats(0, 50),
    st.floats(0, 30),
    st.floats(0.5, 0.999),
    st.sampled_from([each for each in DemandClass if each is not DemandClass.NONE]),
)
def test_more_certainty_never_needs_less(
    per_day: float, deviation: float, days: float, service: float, demand_class: DemandClass
) -> None:
    """Goal: a reorder point is never below 0, and grows with the service level and the lead time."""
    demand = Demand(per_day, deviation, demand_class)
    point = reorder_point(demand, LeadTime(days, 1), service)
    assert point >= 0 or not demand.counted
    assert reorder_point(demand, LeadTime(days, 1), min(0.9995, service + 0.01)) >= point
