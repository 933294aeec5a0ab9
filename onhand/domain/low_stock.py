"""Low stock: from how few units on a SKU is low, until when, and what it costs to be out of it. Pure."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

HOURS_A_DAY = 24


class Crossing(StrEnum):
    """What a SKU has come to that people are told of, once."""

    LOW = "low"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class LowStockRules:
    """Units from which on downwards a SKU is low: by SKU, else by its tag (the first that it bears), else for all.

    With `reorder_points` a SKU that has one is low from there on, unless a rule names it or its tag. None where nothing
    is said: such a SKU is never low. It is low until more than the threshold and `recover_percent`
    of it, and at least one unit more, are available: a SKU that is sold and put back at its threshold is told of once.
    """

    units: int | None = None
    by_sku: Mapping[str, int] = field(default_factory=dict)
    by_tag: Sequence[tuple[str, int]] = ()
    recover_percent: float = 20.0
    reorder_points: bool = False

    @property
    def highest(self) -> int | None:
        """The highest of the stated thresholds: above it no SKU is low by them. None: there is none."""
        stated = [*self.by_sku.values(), *(units for _, units in self.by_tag)]
        if self.units is not None:
            stated.append(self.units)
        return max(stated, default=None)

    @property
    def watches(self) -> bool:
        """Whether there may be a threshold of any SKU."""
        return self.reorder_points or self.highest is not None

    def threshold(self, sku: str, tags: Collection[str], reorder_point: int | None = None) -> int | None:
        """From how many units on downwards the SKU is low. `reorder_point`: where one was worked out."""
        if sku in self.by_sku:
            return self.by_sku[sku]
        worked_out = reorder_point if self.reorder_points else None
        by_default = self.units if worked_out is None else worked_out
        return next((units for tag, units in self.by_tag if tag in tags), by_default)

    def recovered(self, threshold: int, units: int) -> bool:
        """Whether so many units are clearly more than the threshold."""
        return units >= threshold + max(1, math.ceil(threshold * self.recover_percent / 100))


@dataclass(frozen=True, slots=True)
class Stocked:
    """A SKU with the units available of it, and what it sells a day.

    `found_at`: since when it is known as low, None where it is not. `out_at`: when nothing was left, of what then sold
    `per_day_then`; None while there is some.
    """

    sku_id: int
    sku: str
    name: str
    tags: tuple[str, ...]
    units: int
    per_day: float
    active: bool = True
    reorder_point: int | None = None
    found_at: datetime | None = None
    out_at: datetime | None = None
    per_day_then: float | None = None


@dataclass(frozen=True, slots=True)
class Low:
    """A SKU that is low: by which threshold, since when (None: only now), and what being out of it costs.

    `per_day`: units it sells a day, or sold when it ran out: with nothing to sell the average falls by itself.
    """

    sku_id: int
    sku: str
    name: str
    units: int
    threshold: int
    per_day: float
    found_at: datetime | None
    out_at: datetime | None

    @property
    def crossing(self) -> Crossing:
        """What it has come to."""
        return Crossing.LOW if self.units > 0 else Crossing.OUT

    @property
    def lost_per_hour(self) -> float:
        """Units that could be sold an hour and are not: what it sold a day, spread over the day."""
        return self.per_day / HOURS_A_DAY if self.units <= 0 else 0.0


def low_among(stocked: Iterable[Stocked], rules: LowStockRules) -> list[Low]:
    """Those that are low, bestsellers first."""
    found = [low for each in stocked if (low := _low(each, rules)) is not None]
    return sorted(found, key=lambda low: (-low.per_day, low.units, low.sku))


def _low(stocked: Stocked, rules: LowStockRules) -> Low | None:
    threshold = rules.threshold(stocked.sku, stocked.tags, stocked.reorder_point)
    if threshold is None or not stocked.active:
        return None
    known = stocked.found_at is not None
    if stocked.units > threshold and (not known or rules.recovered(threshold, stocked.units)):
        return None
    out = stocked.units <= 0 and stocked.out_at is not None
    per_day = stocked.per_day_then if out and stocked.per_day_then is not None else stocked.per_day
    return Low(
        stocked.sku_id,
        stocked.sku,
        stocked.name,
        stocked.units,
        threshold,
        per_day,
        stocked.found_at,
        stocked.out_at if stocked.units <= 0 else None,
    )
