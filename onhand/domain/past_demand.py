"""What was asked for of one SKU in some past days, and what else moved its stock: rules are tried against it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from onhand.domain.listings import Sibling

NO_CHANNEL = ""
"""Who moved stock that no channel sold: a receipt, a count, a transfer."""


@dataclass(frozen=True, slots=True)
class Happening:
    """At `at` (seconds since the days began) `units` were taken off `location` (negative: put there).

    `channel` sold them, with what is left of the order after cancellations; NO_CHANNEL where nobody was asked.
    """

    at: float
    location: str
    units: int
    channel: str = NO_CHANNEL


@dataclass(frozen=True, slots=True)
class PastDemand:
    """One SKU: `available` units by location when the days began, and what happened since, in the order of time.

    `siblings` are its listings as they are now.
    """

    sku: str
    tags: tuple[str, ...]
    available: Mapping[str, int]
    siblings: tuple[Sibling, ...]
    happenings: tuple[Happening, ...]
