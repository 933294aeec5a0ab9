"""Many days, some ways: run, add up, compare."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from onhand.domain.exposure import oversell_bound
from onhand.domain.rules import Mode
from onhand.simulation.desk import Decider, Desk
from onhand.simulation.live import Live, campaign
from onhand.simulation.market import Market, Outcome
from onhand.simulation.scenario import Scenario, day_of
from onhand.simulation.ways import EachOrder, Periodic, Silence, opening_levels

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
    """A way by its name: whether its channels' levels are only set, what they show at first, and who decides.

    `first` is whether the first channel's are, `others` whether all others' are. `opening`: the weights of the shares
    that channels have when the first buyer comes; None where all show everything.
    """

    name: str
    says: str
    first: bool
    others: bool
    decider: Callable[[Scenario], Decider]
    opening: Callable[[Scenario], Sequence[float] | None] = _everything

    def blind(self, channels: int) -> list[bool]:
        """Whether the levels of each of so many channels are only set."""
        return [self.first, *[self.others] * (channels - 1)]


def _pooled(scenario: Scenario) -> Decider:
    return Live(Mode.POOLED)


def _adaptive(scenario: Scenario) -> Decider:
    return Live()


def _campaign(scenario: Scenario) -> Decider:
    return Live(shared=campaign(None))


def _planned(scenario: Scenario) -> Decider:
    return Live(shared=campaign(scenario.weights))


KINDS = {
    "relative": ("all change exactly once", False, False),
    "mixed": ("one changes, the others set", False, True),
    "absolute": ("all only set", True, True),
}
"""How the channels of a way can be written."""


def _ours(
    name: str,
    says: str,
    decider: Callable[[Scenario], Decider],
    opening: Callable[[Scenario], Sequence[float] | None] = _everything,
) -> Iterable[Way]:
    for kind, (how, first, others) in KINDS.items():
        yield Way(f"{name}_{kind}", f"{says}, {how}", first, others, decider, opening)


WAYS = {
    way.name: way
    for way in (
        Way("every_15_minutes", "absolute levels every 15 minutes", True, True, lambda _: Periodic()),
        Way(
            "each_order",
            "absolute levels after each order",
            True,
            True,
            lambda scenario: EachOrder(len(scenario.weights)),
        ),
        Way("fixed", "fixed shares, never moved", True, True, lambda _: Silence(), opening=_expected),
        *_ours("pooled", "pooled", _pooled),
        *_ours("adaptive", "adaptive", _adaptive),
        *_ours("campaign", "campaign by demand", _campaign, _alike),
        *_ours("planned", "campaign with planned shares", _planned, _expected),
    )
}


def run_day(scenario: Scenario, seed: int, way: Way, decider: Decider | None = None) -> Outcome:
    """One day in one way."""
    day = day_of(scenario, seed)
    channels = len(scenario.weights)
    levels = opening_levels(scenario.units, channels, way.opening(scenario))
    market = Market(day, levels)
    desk = Desk(market, way.blind(channels), decider or way.decider(scenario))
    bounds: list[int] = []

    def note_bound() -> None:
        bounds.append(oversell_bound(desk.free, desk.exposed(), BOUND_CAUTION).together)

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
