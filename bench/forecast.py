"""forecast: which method would have known best what a real merchant of giftware was asked for.

A year of the real order lines, by code and week, without what was cancelled. The last 8 weeks are held out: each method
says what will be asked for in each of them, knowing only what came before. Its error is the root of the mean squared
error over these weeks, in units of what the naive forecast (the same again) was off by from week to week before (RMSSE,
Hyndman and Koehler 2006), on average over the codes; `mase` is the same of absolute errors, `bias` what it says too
much of all that was asked for. Codes are in that were sold for 8 weeks and more before.

Then the same 8 weeks are lived through day by day. Stock is looked at every evening and ordered by the reorder points
that follow from the method (14 days of lead time, a service level of 95 %, orders for 14 days), with a new forecast
every week; who finds nothing goes away. `lost_share` is what was asked for and not there, `out_share` the days on which
a code had nothing, `stock_days` how long the stock on hand would last on average. A method with larger errors has
larger buffers, and loses less for that alone; so each is lived through at a lower and a higher service level, too, and
`lost_at_30_days` is what is lost where the stock on hand would last 30 days.

The default is the method with the smallest error. Pure computing, in this process alone.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from statistics import fmean

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, tell
from bench.retail_days import read_days
from onhand.domain.forecast import Forecast, Method, forecast
from onhand.domain.reorder import DAYS_OF_PERIOD, LeadTime, Plan, Policy, Terms, daily, plan, to_order

HELD_WEEKS = 8
WEEKS_MIN = 8
"""Of a shorter past no method is asked."""
LEAD_DAYS = 14
SERVICE = 0.95
OTHER_SERVICES = (0.7, 0.99)
STOCK_DAYS = 30.0
"""At this stock methods are compared with each other."""
AUTO = "auto"

GOALS = (
    *(
        Goal(f"{name}_error", f"Error of {words} in the 8 weeks held out")
        for name, words in (
            (AUTO, "each code's best method so far"),
            ("naive", "the naive forecast"),
            ("seasonal_naive", "the seasonal naive forecast"),
            ("moving_average", "the moving average"),
            ("ses", "simple exponential smoothing"),
            ("croston", "Croston's method"),
            ("sba", "the Syntetos-Boylan approximation"),
            ("tsb", "the Teunter-Syntetos-Babai method"),
        )
    ),
    Goal("default", "The method with the smallest error, which is the default"),
)

Series = Sequence[int]
Forecaster = Callable[[Sequence[float]], Forecast]


@dataclass(slots=True)
class _Tally:
    """What came out of one method, over all codes."""

    scaled_root: list[float] = field(default_factory=list)
    scaled_absolute: list[float] = field(default_factory=list)
    said: float = 0.0
    asked: int = 0
    lost: int = 0
    empty_days: int = 0
    days: int = 0
    unit_days: int = 0

    def point(self) -> tuple[float, float]:
        """Days the stock on hand would last, and the share of units that was lost."""
        return self.unit_days / max(self.asked, 1), self.lost / max(self.asked, 1)

    def figures(self, name: str) -> Figures:
        """All of it under the method's name."""
        asked = max(self.asked, 1)
        return {
            f"{name}_error": fmean(self.scaled_root),
            f"{name}_mase": fmean(self.scaled_absolute),
            f"{name}_bias": (self.said - self.asked) / asked,
            f"{name}_lost_share": self.lost / asked,
            f"{name}_out_share": self.empty_days / max(self.days, 1),
            f"{name}_stock_days": self.unit_days / asked,
        }


async def measure(options: Options) -> Figures:
    """The figures of every method, and which one wins. `scale` below 1 takes that share of the codes."""
    return await asyncio.to_thread(_measure, min(1.0, options.scale))


def _measure(share: float) -> Figures:
    days = read_days()
    codes = sorted(days.pieces)
    every = max(1, round(1 / share))
    histories = [found for code in codes[::every] if (found := _split(days.pieces[code])) is not None]
    if not histories:
        raise BenchFailed("no code of the file was sold for long enough")
    tell(
        f"forecast: {len(histories):,} codes, {len(histories[0].past):,} weeks at most, {HELD_WEEKS} held out"
    )
    figures: Figures = {}
    for name, forecaster in _forecasters().items():
        tally = _Tally()
        for history in histories:
            _judge(tally, history, forecaster)
            _live(tally, history, forecaster, SERVICE)
        others = [_lived(histories, forecaster, service) for service in OTHER_SERVICES]
        figures |= tally.figures(name)
        figures[f"{name}_lost_at_{STOCK_DAYS:g}_days"] = lost_at(
            STOCK_DAYS, [each.point() for each in (tally, *others)]
        )
    errors = {name: figures[f"{name}_error"] for name in _forecasters()}
    winner = min(errors, key=lambda name: float(errors[name] or 0))
    return {**figures, "default": winner, "codes": len(histories), "units_held_out": tally.asked}


def _forecasters() -> Mapping[str, Forecaster]:
    found: dict[str, Forecaster] = {AUTO: forecast}
    for method in Method:
        found[method.value] = _by(method)
    return found


def _by(method: Method) -> Forecaster:
    return lambda series: forecast(series, method)


@dataclass(frozen=True, slots=True)
class _History:
    """A code: whole weeks from the first with demand on, and the days that are held out."""

    past: Series
    held: Series


def _split(pieces: Series) -> _History | None:
    cut = len(pieces) - HELD_WEEKS * DAYS_OF_PERIOD
    weeks = list(_weeks(pieces[cut % DAYS_OF_PERIOD : cut]))
    first = next((at for at, units in enumerate(weeks) if units), len(weeks))
    past = weeks[first:]
    # Nothing is scaled by a past in which every week was the same.
    if len(past) < WEEKS_MIN or len(set(past)) == 1:
        return None
    return _History(past, pieces[cut:])


def _weeks(pieces: Series) -> Iterator[int]:
    for start in range(0, len(pieces), DAYS_OF_PERIOD):
        yield sum(pieces[start : start + DAYS_OF_PERIOD])


def _judge(tally: _Tally, history: _History, forecaster: Forecaster) -> None:
    """What is said of the weeks held out, all at once, against what came."""
    past, came = history.past, list(_weeks(history.held))
    said = forecaster(past).ahead(len(came))
    steps = [after - before for before, after in pairwise(past)]
    errors = [units - answer for units, answer in zip(came, said, strict=True)]
    tally.scaled_root.append(sqrt(fmean(e * e for e in errors) / fmean(s * s for s in steps)))
    tally.scaled_absolute.append(fmean(map(abs, errors)) / fmean(map(abs, steps)))
    tally.said += sum(said)


def _lived(histories: Sequence[_History], forecaster: Forecaster, service: float) -> _Tally:
    tally = _Tally()
    for history in histories:
        _live(tally, history, forecaster, service)
    return tally


def lost_at(stock_days: float, points: Sequence[tuple[float, float]]) -> float | None:
    """What is lost at that stock, by straight lines between the points; None beyond them."""
    for (less, lost_more), (more, lost_less) in pairwise(sorted(points)):
        if less <= stock_days <= more:
            part = (stock_days - less) / (more - less) if more > less else 0.0
            return lost_more + part * (lost_less - lost_more)
    return None


def _live(tally: _Tally, history: _History, forecaster: Forecaster, service: float) -> None:
    """The days held out, with stock that is reordered; at first there is as much as would have been aimed at."""
    known = list(history.past)
    wanted = _plan(forecaster(known), service)
    on_hand, coming = wanted.target, [0] * LEAD_DAYS
    for day, asked in enumerate(history.held):
        if day and day % DAYS_OF_PERIOD == 0:
            known.append(sum(history.held[day - DAYS_OF_PERIOD : day]))
            wanted = _plan(forecaster(known), service)
        on_hand += coming.pop(0)
        tally.empty_days += on_hand == 0
        sold = min(asked, on_hand)
        on_hand -= sold
        tally.asked += asked
        tally.lost += asked - sold
        tally.unit_days += on_hand
        tally.days += 1
        coming.append(to_order(on_hand + sum(coming), wanted, Terms()))


def _plan(found: Forecast, service: float) -> Plan:
    return plan(daily(found), LeadTime(LEAD_DAYS, 0, 1), service, Policy().cover_days)


FORECAST = Benchmark("forecast", __doc__ or "", GOALS, measure)
