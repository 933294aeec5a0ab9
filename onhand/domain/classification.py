"""What kind of demand a SKU has, which decides how it can be forecast. Pure.

The four classes of Syntetos, Boylan and Croston ("On the categorization of demand patterns", 2005): by how seldom there
is any demand, and by how much it varies where there is some.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

INTERVAL_BOUND = 1.32
"""Periods from one demand to the next, on average: from here on demand is seldom."""
VARIATION_BOUND = 0.49
"""Squared coefficient of variation of what is asked for: from here on it varies much."""


class DemandClass(StrEnum):
    """How demand comes."""

    SMOOTH = "smooth"
    """Nearly always, in like quantities."""
    ERRATIC = "erratic"
    """Nearly always, in very different quantities."""
    INTERMITTENT = "intermittent"
    """Now and then, in like quantities."""
    LUMPY = "lumpy"
    """Now and then, in very different quantities."""
    NONE = "none"
    """There was none."""


@dataclass(frozen=True, slots=True)
class DemandPattern:
    """`interval`: periods to each one with demand. `variation`: squared coefficient of variation of those above 0."""

    interval: float
    variation: float

    @property
    def demand_class(self) -> DemandClass:
        """The class these two numbers put it into."""
        if self.interval < INTERVAL_BOUND:
            return DemandClass.SMOOTH if self.variation < VARIATION_BOUND else DemandClass.ERRATIC
        return DemandClass.INTERMITTENT if self.variation < VARIATION_BOUND else DemandClass.LUMPY


def pattern_of(series: Sequence[float]) -> DemandPattern | None:
    """The pattern of demand by period; None where there was none."""
    sizes = [units for units in series if units > 0]
    if not sizes:
        return None
    mean = fmean(sizes)
    # statistics.pvariance is exact, and a hundred times as slow.
    variance = fmean((units - mean) ** 2 for units in sizes)
    return DemandPattern(len(series) / len(sizes), variance / mean**2)


def class_of(series: Sequence[float]) -> DemandClass:
    """The class of demand by period."""
    pattern = pattern_of(series)
    return DemandClass.NONE if pattern is None else pattern.demand_class
