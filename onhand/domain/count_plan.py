"""What to count next: fast SKUs often, slow ones seldom (cycle counting by classes). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from onhand.domain.velocity import Tier


@dataclass(frozen=True, slots=True)
class CountIntervals:
    """Days after which a shelf of each tier is to be counted again.

    Source of the defaults: the usual classes of cycle counting, A monthly, B quarterly, C twice a year.
    """

    real_time_days: int = 30
    quarter_hour_days: int = 90
    hourly_days: int = 180

    def by_tier(self) -> Mapping[Tier, int]:
        """Days for each tier."""
        return {
            Tier.REAL_TIME: self.real_time_days,
            Tier.QUARTER_HOUR: self.quarter_hour_days,
            Tier.HOURLY: self.hourly_days,
        }


@dataclass(frozen=True, slots=True)
class Due:
    """A shelf with its last count, None where it was never counted; `known_since` is when anything came onto it first.

    `interval_days`: how often it is to be counted. `per_day`: units of the SKU sold a day.
    """

    sku: str
    name: str
    location: str
    tier: Tier
    per_day: float
    on_hand: int
    counted_at: datetime | None
    known_since: datetime
    interval_days: int

    def days_since(self, now: datetime) -> float:
        """Days since it was counted, or since it is known."""
        return (now - (self.counted_at or self.known_since)) / timedelta(days=1)

    def overdue(self, now: datetime) -> float:
        """How many of its intervals have passed: from 1 on it is due. The more, the sooner it is to be counted."""
        return self.days_since(now) / self.interval_days
