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
CUT_OFF_SECONDS = 1.0
"""Platforms tell the moment of an order in whole seconds: it may have been placed so much later."""
HEARING_SECONDS = 2.0
CALL_SECONDS = 1.0
"""What a sale takes to be heard of, and a call to be answered until that was observed."""
REACH_SECONDS_MAX = 60.0
"""What is heard of later was not late but lost: a sweep found it, and it says nothing of the next sale."""

_FADING = log(2) / HALF_LIFE_SECONDS


@dataclass(frozen=True, slots=True)
class Demand:
    """Units heard to be sold of one level: a count that fades, as of `at`, gathered since `began_at`."""

    units: float = 0.0
    at: float = 0.0
    began_at: float = 0.0


def with_sale(demand: Demand, units: int, heard_at: float) -> Demand:
    """The demand after a sale of so many units that was heard of at that moment."""
    left = decayed(demand.units, heard_at - demand.at)
    if left < FORGOTTEN_PIECES:
        return Demand(left + units, heard_at, heard_at)
    return Demand(left + units, max(demand.at, heard_at), demand.began_at)


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
