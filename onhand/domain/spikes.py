"""Spikes: a SKU that suddenly sells many times faster than usual: when it begins and ends, what is held back. Pure."""

from dataclasses import dataclass
from math import ceil

SECONDS_OF_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class SpikeRules:
    """When a SKU spikes. Sales are units of the last hour, what is usual is units an hour.

    A spike begins at `begin_times` what is usual and at least `units_min`, and is over below `end_times` of it: between
    the two nothing changes, so that a SKU does not come and go. `hold_units` are the least that are held back
    meanwhile.
    """

    enabled: bool = True
    begin_times: float = 5.0
    end_times: float = 2.0
    units_min: int = 20
    hold_units: int = 2

    def begins(self, units: int, usual: float) -> bool:
        """Whether so many units of the last hour are a spike."""
        return self.enabled and units >= self.units_min and units >= self.begin_times * usual

    def is_over(self, units: int, usual: float) -> bool:
        """Whether a spike that began above `usual` has calmed; few units are never a spike for long."""
        return not self.enabled or units < max(self.end_times * usual, self.units_min * self.calm_share)

    @property
    def calm_share(self) -> float:
        """What part of `units_min` is calm, where hardly anything is usual: as far below it as the end is below the
        beginning."""
        return self.end_times / self.begin_times

    def held_back(self, units: int, seconds: float) -> int:
        """Units held back while it lasts: what is sold, at the pace of the last hour, in the `seconds` until every
        channel shows a change."""
        return max(self.hold_units, ceil(units / SECONDS_OF_HOUR * seconds))


@dataclass(frozen=True, slots=True)
class SoldHour:
    """What was sold of a SKU in the last hour. `largest` and `second` are units of its two largest orders; `usual`
    units an hour; `spiking`: it does already."""

    sku_id: int
    units: int
    largest: int
    second: int
    usual: float
    spiking: bool = False

    @property
    def ordinary(self) -> int:
        """Units that say how many buyers come: the largest order counts only as much as the second (1 where there is
        no other), as one bulk order says nothing of it."""
        return self.units - self.largest + min(self.largest, max(1, self.second))
