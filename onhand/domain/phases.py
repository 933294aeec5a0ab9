"""Pooled or in shares: when a SKU goes from one to the other, and what can be tuned about it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil


class Phase(StrEnum):
    """How the levels of a SKU share its pool."""

    POOLED = "pooled"
    """Each shows all of it."""
    SHARES = "shares"
    """Each has a share of its own, and a unit moves only once its giver answered that it is gone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be tuned, for all SKUs alike; docs/decisions/0024 and 0034 say how the defaults were found.

    `margin` times what is sold in the longest window, and at least `units_min`, is the threshold below which there are
    shares; they are left again above `leave` times the threshold. A share moves when it is off by more than
    `tolerance`. `caution`: standard deviations by which sales that are unheard when a level is set blindly are
    overestimated. `worth`: a level that is only set is told again when it is off by this many times what the telling
    may give back. `silent_sales`: it is looked at after a silence in which so many sales were to be expected.
    """

    margin: float = 16.0
    units_min: int = 5
    leave: float = 1.5
    tolerance: float = 0.1
    caution: float = 2.0
    worth: float = 2.0
    silent_sales: float = 6.0


DEFAULT_TERMS = Terms()


def threshold(rate_together: float, window: float, terms: Terms) -> int:
    """Units at or below which there are shares: what is sold within the longest window, with a margin."""
    return max(terms.units_min, ceil(rate_together * window * terms.margin))


def next_phase(phase: Phase, free: int, limit: int, terms: Terms) -> Phase:
    """Into shares at the threshold; out of them only well above, so that levels do not flap."""
    if phase is Phase.SHARES:
        return Phase.POOLED if free > limit * terms.leave else Phase.SHARES
    return Phase.SHARES if free <= limit else Phase.POOLED
