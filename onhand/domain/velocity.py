"""Velocity: units of a SKU sold a day, as a decaying average, and the tier that follows from it. Pure.

A tier decides who goes first when a channel's budget is short; it never decides what a level is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

WINDOW_HALF_LIVES = 5
"""Sales older than so many half-lives weigh less than 4 % together, and are not looked at."""


class Tier(IntEnum):
    """How soon a change of a SKU is published when a channel's budget is short; smaller goes first."""

    REAL_TIME = 0
    QUARTER_HOUR = 1
    HOURLY = 2

    def __str__(self) -> str:
        return ("real-time", "15 min", "hourly")[self]


WAITS_AT_MOST = {Tier.QUARTER_HOUR: timedelta(minutes=15), Tier.HOURLY: timedelta(hours=1)}
"""A change that has waited longer goes before faster SKUs, so that these cannot starve it for ever."""


@dataclass(frozen=True, slots=True)
class TierRules:
    """Above how many units a day a SKU belongs to a tier, and how fast old sales stop counting.

    A SKU leaves a tier downwards only when it sells less than the threshold by the share `hysteresis`, so that one
    at the threshold does not change with every look.
    """

    real_time_per_day: float = 10.0
    quarter_hour_per_day: float = 1.0
    half_life_days: float = 3.0
    hysteresis: float = 0.2
    refresh: timedelta = timedelta(minutes=15)

    @property
    def window_days(self) -> int:
        """Days of sales that count, at least one."""
        return max(1, round(self.half_life_days * WINDOW_HALF_LIVES))

    def tier(self, per_day: float, before: Tier) -> Tier:
        """The tier of a SKU that sells `per_day` units a day and was in `before`."""
        floors = {Tier.REAL_TIME: self.real_time_per_day, Tier.QUARTER_HOUR: self.quarter_hour_per_day}
        for tier, floor in floors.items():
            stays = before <= tier and per_day >= floor * (1 - self.hysteresis)
            if per_day > floor or stays:
                return tier
        return Tier.HOURLY


@dataclass(frozen=True, slots=True)
class VelocityBuffer:
    """What other channels sell of what a level shows until its channel shows a change: `units`, rounded up, at
    `per_day` units a day in `seconds`."""

    units: int
    per_day: float
    seconds: float


@dataclass(frozen=True, slots=True)
class SoldDay:
    """What was sold of a SKU within the 24 hours that ended `age` days ago, less what was cancelled of it.

    `largest` and `second` are units of its two largest orders of that day; 0 where there was none.
    """

    age: int
    units: int
    largest: int
    second: int = 0


def per_day(days: Sequence[SoldDay], *, half_life_days: float, observed_days: int) -> float:
    """Units sold a day: the mean of the days seen, each weighing half as much as one a half-life younger.

    The largest order of all counts only as much as the second largest (1 unit where there is no other): one bulk
    order says nothing about how many buyers come. `observed_days` is how far back sales could have been heard of;
    a SKU is not slow because the ledger is young.
    """
    if not days:
        return 0.0
    observed = max(1, observed_days, *(day.age + 1 for day in days))
    decay: float = 0.5 ** (1 / half_life_days)
    bulk = max(range(len(days)), key=lambda n: days[n].largest)
    excess = days[bulk].largest - _ordinary(days, bulk)
    sold: float = sum(
        (day.units - (excess if n == bulk else 0)) * decay**day.age for n, day in enumerate(days)
    )
    return sold / sum(decay**age for age in range(observed))


def _ordinary(days: Sequence[SoldDay], bulk: int) -> int:
    """Units of the largest order but one; never more than the largest, which may be the only unit sold."""
    others = [day.largest for n, day in enumerate(days) if n != bulk]
    return min(days[bulk].largest, max(1, days[bulk].second, *others))
