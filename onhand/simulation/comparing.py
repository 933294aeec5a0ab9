"""Many days, some ways: run, add up, compare."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from onhand.domain.exposure import oversell_bound
from onhand.domain.holdings import Writing
from onhand.domain.selling import Terms
from onhand.simulation.desk import Decider, Desk
from onhand.simulation.market import Market, Outcome
from onhand.simulation.scenario import Scenario, day_of
from onhand.simulation.ways import (
    Adaptive,
    EachOrder,
    Periodic,
    Pooled,
    Silence,
    opening_levels,
    sellers_of,
)

RELATIVE, ABSOLUTE = Writing.RELATIVE, Writing.ABSOLUTE
BOUND_CAUTION = 3.0
"""Standard deviations of the bound on what can be oversold, which is held against what was."""


def _everything(scenario: Scenario) -> None:
    return None


def _expected(scenario: Scenario) -> Sequence[float]:
    return scenario.weights


def _alike(scenario: Scenario) -> Sequence[float]:
    return [1.0] * len(scenario.weights)


@dataclass(frozen=True, slots=True)
class Way:
    """A way by its name: how its channels can be written, what they show at first, and who decides.

    `first` is how the first channel is written, `others` all others. `opening`: the weights of the shares that channels
    have when the first buyer comes; None where all show everything.
    """

    name: str
    says: str
    first: Writing
    others: Writing
    decider: Callable[[Scenario], Decider]
    opening: Callable[[Scenario], Sequence[float] | None] = _everything

    def writings(self, channels: int) -> list[Writing]:
        """How each of so many channels is written."""
        return [self.first, *[self.others] * (channels - 1)]


def _adaptive(scenario: Scenario) -> Decider:
    return Adaptive()


def _guarded(scenario: Scenario) -> Decider:
    return Adaptive(Terms(units_min=scenario.units))


def _planned(scenario: Scenario) -> Decider:
    return Adaptive(planned=scenario.weights)


WAYS = {
    way.name: way
    for way in (
        Way("every_15_minutes", "absolute levels every 15 minutes", ABSOLUTE, ABSOLUTE, lambda _: Periodic()),
        Way(
            "each_order",
            "absolute levels after each order",
            ABSOLUTE,
            ABSOLUTE,
            lambda scenario: EachOrder(len(scenario.weights)),
        ),
        Way("pooled_absolute", "the same, books kept", ABSOLUTE, ABSOLUTE, lambda _: Pooled()),
        Way("pooled_relative", "changes exactly once, pooled", RELATIVE, RELATIVE, lambda _: Pooled()),
        Way("fixed", "fixed shares, never moved", ABSOLUTE, ABSOLUTE, lambda _: Silence(), opening=_expected),
        Way("adaptive_relative", "adaptive, all change exactly once", RELATIVE, RELATIVE, _adaptive),
        Way("adaptive_mixed", "adaptive, one changes, the others set", RELATIVE, ABSOLUTE, _adaptive),
        Way("adaptive_absolute", "adaptive, all only set", ABSOLUTE, ABSOLUTE, _adaptive),
        Way(
            "guarded_relative",
            "escrow at any speed, all change exactly once",
            RELATIVE,
            RELATIVE,
            _guarded,
            opening=_alike,
        ),
        Way(
            "guarded_mixed",
            "escrow at any speed, one changes, the others set",
            RELATIVE,
            ABSOLUTE,
            _guarded,
            opening=_alike,
        ),
        Way(
            "guarded_absolute",
            "escrow at any speed, all only set",
            ABSOLUTE,
            ABSOLUTE,
            _guarded,
            opening=_alike,
        ),
        Way(
            "planned_relative",
            "planned, all change exactly once",
            RELATIVE,
            RELATIVE,
            _planned,
            opening=_expected,
        ),
        Way(
            "planned_mixed",
            "planned, one changes, the others set",
            RELATIVE,
            ABSOLUTE,
            _planned,
            opening=_expected,
        ),
        Way("planned_absolute", "planned, all only set", ABSOLUTE, ABSOLUTE, _planned, opening=_expected),
    )
}


def run_day(scenario: Scenario, seed: int, way: Way, decider: Decider | None = None) -> Outcome:
    """One day in one way."""
    day = day_of(scenario, seed)
    channels = len(scenario.weights)
    levels = opening_levels(scenario.units, channels, way.opening(scenario))
    market = Market(day, levels)
    desk = Desk(market, way.writings(channels), decider or way.decider(scenario))
    bounds: list[int] = []

    def note_bound() -> None:
        bounds.append(oversell_bound(desk.left, sellers_of(desk), market.now, BOUND_CAUTION).together)

    market.on_last_unit = note_bound
    market.run(desk)
    return market.outcome(desk.switches, bounds[0] if bounds else None)


@dataclass(frozen=True, slots=True)
class Summary:
    """Many days of one way: means, and what 99 of 100 days stay at or below."""

    days: int
    oversold: float
    oversold_99: int
    oversold_days: float
    turned_away: float
    turned_away_99: int
    missed: float
    unsold: float
    writes: float
    reads: float
    switches: float
    within_bound: float
    """Part of the days on which no more was oversold than the bound said when the last unit went."""


def summary_of(outcomes: Sequence[Outcome]) -> Summary:
    """Add up."""
    return Summary(
        days=len(outcomes),
        oversold=fmean(each.oversold for each in outcomes),
        oversold_99=percentile([each.oversold for each in outcomes], 99),
        oversold_days=fmean(each.oversold > 0 for each in outcomes),
        turned_away=fmean(each.turned_away for each in outcomes),
        turned_away_99=percentile([each.turned_away for each in outcomes], 99),
        missed=fmean(each.missed for each in outcomes),
        unsold=fmean(each.unsold for each in outcomes),
        writes=fmean(each.writes for each in outcomes),
        reads=fmean(each.reads for each in outcomes),
        switches=fmean(each.switches for each in outcomes),
        within_bound=fmean(each.oversold <= (each.bound or 0) for each in outcomes),
    )


def percentile(values: Iterable[int], percent: int) -> int:
    """The least value that so many of a hundred are at or below."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def compared(scenario: Scenario, seeds: Sequence[int], ways: Iterable[Way]) -> dict[str, Summary]:
    """Each way on the same days."""
    return {way.name: summary_of([run_day(scenario, seed, way) for seed in seeds]) for way in ways}
