"""Forecasts of demand by period, from what was asked for in each period so far. Pure; no numbers but Python's own.

Each method is a recursion over the series, oldest first, that answers what it would have said after each period of the
next one. The last of these is the forecast; all of them against what then came are the errors it is judged by.

    SES       l += a (y - l)                                       simple exponential smoothing (Brown 1956)
    Croston   on demand only: z += a (y - z); p += a (q - p)       z / p (Croston 1972), which comes out too high;
    SBA       (1 - a / 2) z / p                                    corrected (Syntetos and Boylan 2005)
    TSB       r += a ([y > 0] - r) each period; z as above: r z    falls to 0 as a SKU dies (Teunter and others 2011)

z is the size of a demand, p the interval between two, q the periods since the last one, r the chance of one; a is the
weight of what is new.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from math import sqrt
from statistics import fmean

from onhand.domain.classification import DemandClass, class_of

AVERAGED_PERIODS = 4
"""Periods of the moving average: of weeks, 28 days."""
SEASON_PERIODS = 4
"""Periods after which the seasonal baseline repeats itself: of weeks, about a month."""
LEARNING_PERIODS = 8
"""Errors of a method's first periods are not held against it, nor those of the first half of a shorter series."""


class Method(StrEnum):
    """How demand is forecast; the first three are what a better one has to beat."""

    NAIVE = "naive"
    SEASONAL_NAIVE = "seasonal_naive"
    MOVING_AVERAGE = "moving_average"
    SES = "ses"
    CROSTON = "croston"
    SBA = "sba"
    TSB = "tsb"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Demand of each period to come. `season`: one number, or several that repeat themselves.

    `deviation`: how far off one period is likely to be, the root of the mean squared error so far.
    """

    method: Method
    demand_class: DemandClass
    season: tuple[float, ...]
    deviation: float

    @property
    def rate(self) -> float:
        """Units a period, on average."""
        return fmean(self.season)

    def ahead(self, periods: int) -> list[float]:
        """Each of so many periods to come."""
        return [self.season[at % len(self.season)] for at in range(periods)]


Recursion = Callable[[Sequence[float], float], Iterable[float]]


def naive(series: Sequence[float], _: float = 0.0) -> Iterable[float]:
    """The same again."""
    return series


def seasonal_naive(series: Sequence[float], _: float = 0.0) -> Iterator[float]:
    """The same as a season ago."""
    for at in range(len(series)):
        yield series[max(0, at + 1 - SEASON_PERIODS)]


def moving_average(series: Sequence[float], _: float = 0.0) -> Iterator[float]:
    """The mean of the last periods."""
    for at in range(len(series)):
        yield fmean(series[max(0, at + 1 - AVERAGED_PERIODS) : at + 1])


def exponential(series: Sequence[float], smoothing: float) -> Iterator[float]:
    """SES: a level that follows what is new by its weight."""
    level = series[0]
    for units in series:
        level += smoothing * (units - level)
        yield level


def croston(series: Sequence[float], smoothing: float) -> Iterator[float]:
    """Croston: sizes and intervals apart, both looked at only when there is demand. 0 until there was some."""
    size = interval = 0.0
    since = 0
    for units in series:
        since += 1
        if units > 0:
            size = size + smoothing * (units - size) if interval else units
            interval = interval + smoothing * (since - interval) if interval else since
            since = 0
        yield size / interval if interval else 0.0


def syntetos_boylan(series: Sequence[float], smoothing: float) -> Iterator[float]:
    """SBA: Croston without what it is too high by."""
    for rate in croston(series, smoothing):
        yield (1 - smoothing / 2) * rate


def teunter_syntetos_babai(series: Sequence[float], smoothing: float) -> Iterator[float]:
    """TSB: sizes, and the chance that there is demand at all, which falls with every period without."""
    size, chance = 0.0, 1.0 if series[0] > 0 else 0.0
    for at, units in enumerate(series):
        if at:
            chance += smoothing * ((units > 0) - chance)
        if units > 0:
            size = size + smoothing * (units - size) if size else units
        yield chance * size


METHODS: dict[Method, tuple[Recursion, tuple[float, ...]]] = {
    Method.NAIVE: (naive, (0.0,)),
    Method.SEASONAL_NAIVE: (seasonal_naive, (0.0,)),
    Method.MOVING_AVERAGE: (moving_average, (0.0,)),
    Method.SES: (exponential, (0.1, 0.2, 0.3)),
    Method.CROSTON: (croston, (0.1,)),
    Method.SBA: (syntetos_boylan, (0.1,)),
    Method.TSB: (teunter_syntetos_babai, (0.1, 0.2)),
}
"""Each method with the weights that are tried; the one with the smallest errors so far is taken."""

CHOICE = (Method.MOVING_AVERAGE, Method.SES, Method.SBA, Method.TSB)
"""What a SKU's method is chosen from, where none is given: the one with the smallest errors so far; of equals the
first."""


def forecast(series: Sequence[float], method: Method | None = None) -> Forecast:
    """The forecast of a series of at least one period, by the method given or the one that was best so far."""
    assert series, "a forecast needs a past"
    tried = [
        (_mean_squared_error(series, said), at, each, said[-1])
        for at, each in enumerate(CHOICE if method is None else (method,))
        for said in _attempts(each, series)
    ]
    error, _, chosen, last = min(tried)
    season = series[-SEASON_PERIODS:] if chosen is Method.SEASONAL_NAIVE else (last,)
    return Forecast(chosen, class_of(series), tuple(float(max(0.0, each)) for each in season), sqrt(error))


def _attempts(method: Method, series: Sequence[float]) -> Iterator[list[float]]:
    recursion, weights = METHODS[method]
    for weight in weights:
        yield list(recursion(series, weight))


def _mean_squared_error(series: Sequence[float], said: Sequence[float]) -> float:
    """Of what was said of each next period. A single period has no error: a buyer who comes by chance is assumed."""
    errors = [units - answer for answer, units in zip(said, islice(series, 1, None), strict=False)]
    if not errors:
        return max(0.0, said[-1])
    judged = errors[min(LEARNING_PERIODS, len(errors) // 2) :]
    return fmean(error * error for error in judged)
