"""Decisions on simulated days: what must hold on every one of some, known results, negative controls."""

from dataclasses import replace
from decimal import Decimal
from statistics import fmean

import pytest

from onhand.domain import blind_shares, gate, holdings
from onhand.domain.rules import Mode
from onhand.simulation import desk
from onhand.simulation.comparing import WAYS, compared, percentile, run_day
from onhand.simulation.live import Live, campaign
from onhand.simulation.market import Outcome
from onhand.simulation.scenario import BLACK_FRIDAY_FAULTS, TABLE, Scenario
from onhand.simulation.ways import opening_levels

AFTERNOON, EVEN_RUSH, UNEVEN_RUSH = TABLE
ROUGH_RUSH = UNEVEN_RUSH.with_faults(BLACK_FRIDAY_FAULTS)
SAFE = [name for name in WAYS if name.startswith(("fixed", "campaign", "planned"))]
DAYS, FEW = 8, 4
ADAPTIVE = [name for name in WAYS if name.startswith("adaptive")]


def outcomes(scenario: Scenario, name: str, days: int) -> list[Outcome]:
    """So many days in one way."""
    return [run_day(scenario, seed, WAYS[name]) for seed in range(days)]


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
        (EVEN_RUSH, "pooled_absolute", 12.55),
        (EVEN_RUSH, "pooled_relative", 8.45),
        (UNEVEN_RUSH, "each_order", 23.95),
        (UNEVEN_RUSH, "pooled_relative", 10.65),
        (UNEVEN_RUSH, "pooled_absolute", 9.95),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "name", ""),
)
def test_units_oversold_on_known_days(scenario: Scenario, name: str, expected: float) -> None:
    """Goal: the ways of the field, and pooled ones, sell what is not there; exactly so much on these twenty days."""
    assert oversold(scenario, name) == pytest.approx(expected)


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("scenario", TABLE, ids=lambda scenario: scenario.name)
def test_adaptive_ways_oversell_nothing_and_leave_nothing(scenario: Scenario, name: str) -> None:
    """Goal: without mishaps not a unit too much, and hardly one left that somebody wanted: two on one of these days."""
    found = outcomes(scenario, name, DAYS)
    left = 2 if (scenario, name) == (EVEN_RUSH, "adaptive_absolute") else 0

    assert [each.oversold for each in found] == [0] * DAYS
    assert sum(each.missed for each in found) == left


@pytest.mark.parametrize("name", SAFE)
def test_shares_from_the_start_oversell_nothing_whatever_goes_wrong(name: str) -> None:
    """Goal: webhooks doubled and shuffled, a channel that refuses, a worker killed twice: not one unit too much."""
    assert [each.oversold for each in outcomes(ROUGH_RUSH, name, FEW)] == [0] * FEW


def test_an_unplanned_rush_with_mishaps() -> None:
    """Goal: where a rush is known only when it is there, it is oversold on few days: those on which a channel refuses,
    and nobody lives to tell the others, in its first seconds.
    """
    found = outcomes(ROUGH_RUSH, "adaptive_relative", 11)

    assert [each.oversold for each in found if each.oversold] == [29, 7]


def test_the_field_with_mishaps() -> None:
    """Goal: the way it is done today sells a third of the stock twice."""
    assert oversold(ROUGH_RUSH, "each_order") == pytest.approx(63.9)


# What holds on every day.


@pytest.mark.parametrize("name", WAYS)
def test_what_holds_on_every_day(name: str) -> None:
    """Goal: units are sold or left; who is turned away came; nothing depends on anything but the seed."""
    for seed in range(2):
        found = run_day(ROUGH_RUSH, seed, WAYS[name])
        assert found == run_day(ROUGH_RUSH, seed, WAYS[name])
        assert found.oversold == 0 or found.unsold == 0
        assert 0 <= found.missed <= found.unsold <= 200
        assert found.turned_away + found.oversold + 200 - found.unsold <= 1_000


@pytest.mark.parametrize("name", ADAPTIVE)
def test_levels_do_not_flap(name: str) -> None:
    """Goal: from the pool into escrow, and never back while it sells."""
    assert {each.switches for each in outcomes(UNEVEN_RUSH, name, FEW)} <= {0, 1}


@pytest.mark.parametrize("name", ["pooled_relative", "adaptive_relative", "adaptive_mixed"])
def test_what_was_oversold_is_within_the_bound_that_was_told(name: str) -> None:
    """Goal: when the last unit went, the bound said how many more might be sold."""
    found = outcomes(UNEVEN_RUSH, name, FEW)

    assert [each.oversold <= (each.bound or 0) for each in found] == [True] * FEW


def test_a_campaign_is_planned_in_proportion() -> None:
    """Goal: percentages of at most four places that are the whole together; by demand where nothing is planned."""
    planned = campaign((1.0, 1.0, 1.0))

    assert planned.shares == {
        "000": Decimal("33.3334"), "001": Decimal("33.3333"), "002": Decimal("33.3333"),
    }  # fmt: skip
    assert (campaign(None).planned, campaign(None).shares) == (True, None)


# Negative controls.


def test_without_reckoning_with_what_a_set_undoes_blind_levels_oversell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: on the days on which the rule oversells nothing."""
    assert oversold(EVEN_RUSH, "adaptive_absolute", DAYS) == 0
    monkeypatch.setattr(blind_shares, "undone_by_a_set", lambda holder, terms=None: 0)

    assert oversold(EVEN_RUSH, "adaptive_absolute", DAYS) == 20.5


def test_without_the_gate_units_are_on_show_twice_while_they_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: shares alone, told as they are worked out."""
    monkeypatch.setattr(gate, "room_for", lambda target, rules, given=None: 10**6)

    assert oversold(UNEVEN_RUSH, "adaptive_relative", DAYS) == 3.5


def test_without_provisional_demand_a_rush_oversells_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: what answers teach is what makes exactly-once changes better."""
    with_it = oversold(EVEN_RUSH, "pooled_relative", 10)
    booked = holdings.booked

    def forgetful(*given: object, **named: object) -> holdings.Booked:
        found = booked(*given, **named)  # type: ignore[arg-type]
        return replace(found, holding=replace(found.holding, provisional=0, earlier=0))

    monkeypatch.setattr(desk.holdings, "booked", forgetful)

    assert (with_it, oversold(EVEN_RUSH, "pooled_relative", 10)) == (9.0, 30.9)


def test_without_counting_doubtful_sales_units_are_left_that_somebody_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Goal: a sale in the second of a set is off the pool; taken for news when it is found missing, it is off twice."""
    monkeypatch.setattr(holdings, "_explained", lambda h, b, seen, short: 0)

    assert fmean(each.missed for each in outcomes(UNEVEN_RUSH, "adaptive_mixed", DAYS)) == 6.125


def test_without_shares_a_calm_day_is_oversold_as_well() -> None:
    """Goal: pooled to the end is what oversells on a calm day."""
    pooled = [run_day(AFTERNOON, seed, WAYS["adaptive_absolute"], Live(Mode.POOLED)) for seed in range(20)]

    assert fmean(each.oversold for each in pooled) == 0.25


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
