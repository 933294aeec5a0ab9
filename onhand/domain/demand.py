"""Demand: how fast one level sells right now, how sure that is, and what is sold while nobody has heard of it. Pure.

Moments are seconds of any one clock. The count fades as `onhand.domain.calm` lets it fade, but is read as a rate by the
time it was gathered in: a rush is known for what it is after a few sales, not after a few half-lives.
"""

from dataclasses import dataclass
from math import ceil, log, sqrt

from onhand.domain.calm import HALF_LIFE_SECONDS, decayed

GATHERED_SECONDS_MIN = 1.0
"""No count is reckoned younger: two sales within a blink are no rush."""
FORGOTTEN_PIECES = 0.5
"""Below this a count is over; the next sale begins a new one."""
HEARING_SECONDS = 2.0
CALL_SECONDS = 1.0
"""What a sale takes to be heard of and a call to be answered, until it was observed."""
REACH_SECONDS_MAX = 60.0
"""What is heard of later was not late but lost: a sweep found it, and it says nothing of the next sale."""
REACH_HALF_LIFE_SECONDS = 600.0

_FADING = log(2) / HALF_LIFE_SECONDS


@dataclass(frozen=True, slots=True)
class Demand:
    """Units heard to be sold of one level: a count that fades, as of `at`, gathered since `began_at`."""

    units: float = 0.0
    at: float = 0.0
    began_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """How far behind we are at one channel: the longest lately observed, in seconds.

    `hearing`: from a sale to our knowing of it; `call`: from sending a change to its answer. Together they are the
    window in which the channel sells what we cannot take back.
    """

    hearing: float = HEARING_SECONDS
    call: float = CALL_SECONDS

    @property
    def window(self) -> float:
        """Seconds from a sale elsewhere until this channel can no longer sell the same unit."""
        return self.hearing + self.call


def with_sale(demand: Demand, units: int, arrived_at: float) -> Demand:
    """The demand after a sale of so many units: told of at that moment, whenever we found the time to listen."""
    left = decayed(demand.units, arrived_at - demand.at)
    if left < FORGOTTEN_PIECES:
        return Demand(units, arrived_at, arrived_at)
    return Demand(left + units, max(demand.at, arrived_at), demand.began_at)


def rate(demand: Demand, now: float) -> float:
    """Units a second, as they were heard of lately."""
    gathered = max(GATHERED_SECONDS_MIN, now - demand.began_at)
    whole: float = 1.0 - 0.5 ** (gathered / HALF_LIFE_SECONDS)
    return decayed(demand.units, now - demand.at) * _FADING / whole


def at_most(expected: float, counted: float, caution: float) -> int:
    """Units that are sold at most where `expected` are on average, by a rate that was counted from so many.

    `caution` is in standard deviations: of the chance in what is sold, and of the chance in what was counted.
    """
    if expected <= 0:
        return 0
    return ceil(expected + caution * sqrt(expected + expected * expected / max(1.0, counted)))


@dataclass(frozen=True, slots=True)
class Speed:
    """How one level sells as of a moment: units a second, and from how many units that is known."""

    rate: float
    counted: float
    reach: Reach
    caution: float

    def within(self, seconds: float) -> int:
        """Units sold at most within so many seconds."""
        return at_most(self.rate * seconds, self.counted, self.caution)


def speed_of(demand: Demand, reach: Reach, now: float, caution: float) -> Speed:
    """How a level sells now; `caution` as in `at_most`."""
    return Speed(rate(demand, now), decayed(demand.units, now - demand.at), reach, caution)


def observed(longest: float, seconds: float, elapsed: float) -> float:
    """The longest lately observed, after one more observation, `elapsed` seconds after the last one."""
    faded: float = longest * 0.5 ** (max(0.0, elapsed) / REACH_HALF_LIFE_SECONDS)
    return min(REACH_SECONDS_MAX, max(seconds, faded))
