"""Campaigns: SKUs that are put into shares beforehand. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from onhand.domain.rules import PERCENT_PARTS, percent_text


class CampaignRefusedError(ValueError):
    """A campaign cannot be as it was stated; the message says why, and what is accepted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign plans: percent by channel (those that are not named have the rest by demand), and until when;
    None: until somebody ends it. Raises CampaignRefusedError.
    """

    shares: Mapping[str, Decimal] = field(default_factory=dict)
    until: datetime | None = None

    def __post_init__(self) -> None:
        for channel, percent in self.shares.items():
            if not 0 <= percent <= 100 or percent * PERCENT_PARTS % 1:
                raise CampaignRefusedError(
                    f"{channel} is given {percent} %; accepted is a percentage from 0 to 100 with at most four "
                    "decimal places"
                )
        together = sum(self.shares.values())
        if together > 100:
            raise CampaignRefusedError(
                f"the shares add up to {percent_text(Decimal(together))} %; accepted is at most 100 %"
            )

    def require_ahead(self, now: datetime) -> None:
        """Refuse a campaign that would be over before it begins."""
        if self.until is not None and self.until <= now:
            raise CampaignRefusedError(
                f"it would have ended at {self.until:%Y-%m-%d %H:%M}; say a time to come"
            )
