"""Decisions on simulated days: what must hold on every one of some hundred, known results, negative controls."""

from dataclasses import replace
from statistics import fmean

import pytest

from onhand.domain import holdings
from onhand.domain.holdings import Writing
from onhand.domain.phases import Terms
from onhand.simulation import desk
from onhand.simulation.comparing import WAYS, Way, compared, percentile, run_day
from onhand.simulation.market import Outcome
from onhand.simulation.scenario import BLACK_FRIDAY_FAULTS, TABLE, Scenario
from onhand.simulation.ways import Adaptive, opening_levels

AFTERNOON, EVEN_RUSH, UNEVEN_RUSH = TABLE
ROUGH_RUSH = UNEVEN_RUSH.with_faults(BLACK_FRIDAY_FAULTS)
SAFE = [name for name in WAYS if name.startswith(("fixed", "guarded", "planned"))]
ADAPTIVE = [name for name in WAYS if name.startswith("adaptive")]


def outcomes(scenario: Scenario, name: str, days: int, terms: Terms | None = None) -> list[Outcome]:
    """So many days in one way."""
    way = WAYS[name]
    return [run_day(scenario, seed, way, None if terms is None else Adaptive(terms)) for seed in range(days)]


def oversold(scenario: Scenario, name: str, days: int = 20) -> float:
    return fmean(each.oversold for each in outcomes(scenario, name, days))


# Known results.


@pytest.mark.parametrize(
    ("scenario", "name", "expected"),
    [
        (AFTERNOON, "each_order", 0.5),
        (AFTERNOON, "pooled_absolute", 0.25),
        (AFTERNOON, "pooled_relative", 0.25),
        (EVEN_RUSH, "every_15_minutes", 200.0),
        (EVEN_RUSH, "each_order", 23.25),
        (EVEN_RUSH, "pooled_absolute", 22.5),
        (EVEN_RUSH, "pooled_relative", 8.45),
        (UNEVEN_RUSH, "each_order", 23.95),
        (UNEVEN_RUSH, "pooled_relative", 10.65),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "name", ""),
)
def test_units_oversold_on_known_days(scenario: Scenario, name: str, expected: float) -> None:
    """Goal: the ways of the field, and pooled ones, sell what is not there; exactly so much on these twenty days."""
    assert oversold(scenario, name) == pytest.approx(expected)


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("scenario", TABLE, ids=lambda scenario: scenario.name)
def test_adaptive_ways_oversell_nothing_and_leave_nothing(scenario: Scenario, name: str) -> None:
    """Goal: without mishaps, on thirty days of a rush and ten afternoons, not a unit too much, and none left that
    somebody wanted.
    """
    days = 10 if scenario is AFTERNOON else 30
    found = outcomes(scenario, name, days)

    assert [each.oversold for each in found] == [0] * days
    assert [each.missed for each in found] == [0] * days


@pytest.mark.parametrize("name", SAFE)
def test_escrow_from_the_start_oversells_nothing_whatever_goes_wrong(name: str) -> None:
    """Goal: webhooks doubled and shuffled, a channel that refuses, a worker killed twice: not one unit too much."""
    assert [each.oversold for each in outcomes(ROUGH_RUSH, name, 40)] == [0] * 40


@pytest.mark.parametrize("name", ADAPTIVE)
def test_an_unplanned_rush_with_mishaps(name: str) -> None:
    """Goal: where a rush is known only when it is there, no more than a unit on average; each order: seventy."""
    assert oversold(ROUGH_RUSH, name, 30) <= 1.0


def test_the_field_with_mishaps() -> None:
    """Goal: the way it is done today sells a third of the stock twice."""
    assert oversold(ROUGH_RUSH, "each_order") == pytest.approx(63.9)


# What holds on every day.


@pytest.mark.parametrize("name", WAYS)
def test_what_holds_on_every_day(name: str) -> None:
    """Goal: units are sold or left; who is turned away came; nothing depends on anything but the seed."""
    for seed in range(12):
        found = run_day(ROUGH_RUSH, seed, WAYS[name])
        assert found == run_day(ROUGH_RUSH, seed, WAYS[name])
        assert found.oversold == 0 or found.unsold == 0
        assert 0 <= found.missed <= found.unsold <= 200
        assert found.turned_away + found.oversold + 200 - found.unsold <= 1_000


@pytest.mark.parametrize("name", ADAPTIVE)
def test_levels_do_not_flap(name: str) -> None:
    """Goal: from the pool into escrow, and never back while it sells."""
    assert {each.switches for each in outcomes(UNEVEN_RUSH, name, 20)} <= {0, 1}


@pytest.mark.parametrize("name", ["pooled_relative", "adaptive_relative", "adaptive_mixed"])
def test_what_was_oversold_is_within_the_bound_that_was_told(name: str) -> None:
    """Goal: when the last unit went, the bound said how many more might be sold; at least 95 of 100 days keep to it."""
    found = outcomes(UNEVEN_RUSH, name, 40)

    assert fmean(each.oversold <= (each.bound or 0) for each in found) >= 0.95


def test_compare_and_set_is_safe_where_it_is_planned_and_starves_where_it_is_not() -> None:
    """Goal: the third kind of write. A compare never holds on a level that sells faster than a call takes: then the
    pool cannot be taken back from it.
    """
    way = Way("compare", "", Writing.COMPARE, Writing.COMPARE, lambda _: Adaptive())
    planned = replace(
        way,
        decider=lambda scenario: Adaptive(planned=scenario.weights),
        opening=lambda scenario: scenario.weights,
    )

    assert fmean(run_day(UNEVEN_RUSH, seed, way).oversold for seed in range(20)) == 47.35
    assert [run_day(ROUGH_RUSH, seed, planned).oversold for seed in range(20)] == [0] * 20


# Negative controls.


def test_without_caution_blind_levels_oversell_in_a_rush() -> None:
    """Goal: a set that reckons with nothing unheard, on the days on which the rule oversells nothing."""
    assert fmean(each.oversold for each in outcomes(EVEN_RUSH, "adaptive_absolute", 10, Terms())) == 0
    rash = Terms(caution=-10.0)
    assert fmean(each.oversold for each in outcomes(EVEN_RUSH, "adaptive_absolute", 10, rash)) == 19.7


def test_without_provisional_demand_a_rush_oversells_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: what answers teach is what makes exactly-once changes better."""
    with_it = oversold(EVEN_RUSH, "pooled_relative", 10)
    changed = holdings.changed
    monkeypatch.setattr(
        desk.holdings, "changed", lambda held, echo: replace(changed(held, echo), provisional=0)
    )

    assert (with_it, oversold(EVEN_RUSH, "pooled_relative", 10)) == (9.0, 38.3)


def test_without_a_margin_escrow_begins_too_late_for_blind_levels_of_a_calm_day() -> None:
    """Goal: pooled to the end is what oversells on a calm day."""
    late = Terms(margin=0.0, units_min=0)

    assert fmean(each.oversold for each in outcomes(AFTERNOON, "adaptive_absolute", 20, late)) == 0.25


# Adding up.


def test_percentiles_and_opening_levels_by_hand() -> None:
    """Goal: 99 of 100 days are at or below it; shares are whole and all there is."""
    assert percentile([0] * 99 + [7], 99) == 0
    assert percentile([0] * 98 + [7, 9], 99) == 7
    assert percentile([3], 99) == 3
    assert opening_levels(200, 3, None) == [200, 200, 200]
    assert opening_levels(200, 3, (5.0, 3.0, 2.0)) == [100, 60, 40]


def test_ways_are_compared_on_the_same_days() -> None:
    """Goal: a summary is that of its own days, whoever is compared besides."""
    alone = compared(EVEN_RUSH, range(5), [WAYS["fixed"]])
    both = compared(EVEN_RUSH, range(5), [WAYS["pooled_relative"], WAYS["fixed"]])

    assert alone["fixed"] == both["fixed"]
    assert both["fixed"].days == 5
