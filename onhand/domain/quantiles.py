"""How much demand will not be exceeded, with a given certainty. Pure.

A normal distribution is wrong where little is asked for, or in lumps: it gives part of its weight to less than nothing.
There whole units are counted: by Poisson's distribution where demand varies as much as buyers who come by chance do
(variance = mean), by the negative binomial one where it varies more.
"""

from collections.abc import Iterator
from math import ceil, exp, log, sqrt
from statistics import NormalDist

STEPS_MAX = 1_000_000
"""No sensible quantile lies beyond; a guard against a certainty of all but 1."""
SMALLEST_MEAN = 1e-9
"""Units: who asks for less asks for nothing."""
SMALLEST_LOG = -700.0
"""Below it a probability is no number a machine holds; so large a mean is normal enough."""


def normal_quantile(mean: float, variance: float, certainty: float) -> float:
    """Demand that is not exceeded with that certainty (0 to 1), where it is normally distributed."""
    return mean + NormalDist().inv_cdf(certainty) * sqrt(variance)


def counted_quantile(mean: float, variance: float, certainty: float) -> int:
    """The same in whole units, of demand by the piece: the fewest that are enough with that certainty."""
    if mean < SMALLEST_MEAN:
        return 0
    over_dispersed = variance > mean
    size = mean * mean / (variance - mean) if over_dispersed else 0.0
    start = size * log(size / (size + mean)) if over_dispersed else -mean
    if start < SMALLEST_LOG:
        return max(0, ceil(normal_quantile(mean, variance, certainty)))
    chances = _negative_binomial(mean, size, exp(start)) if over_dispersed else _poisson(mean, exp(start))
    total = 0.0
    for units, chance in enumerate(chances):
        total += chance
        # What is missing to 1 in the end is the machine's rounding, not demand.
        if total >= certainty or units >= STEPS_MAX or (units > mean and chance < 1e-17):
            return units
    raise AssertionError("the chances never end")


def _poisson(mean: float, none: float) -> Iterator[float]:
    chance, units = none, 0
    while True:
        yield chance
        units += 1
        chance *= mean / units


def _negative_binomial(mean: float, size: float, none: float) -> Iterator[float]:
    chance, units = none, 0
    while True:
        yield chance
        chance *= (units + size) / (units + 1) * mean / (size + mean)
        units += 1
