"""Which shelves are to be counted next, from when each was counted last."""

from collections.abc import Sequence
from datetime import datetime

from onhand.domain.count_plan import CountIntervals, Due
from onhand.domain.velocity import Tier
from onhand.ledger.database import Pool, fetched


async def shelves_due(
    pool: Pool,
    intervals: CountIntervals,
    now: datetime,
    *,
    location: str | None = None,
    limit: int,
    ahead: bool = False,
) -> Sequence[Due]:
    """Shelves that hold something and are due, the most overdue first; `ahead`: those that are not due yet, too."""
    by_tier = intervals.by_tier()
    rows = await fetched(
        pool,
        "shelves_due",
        tiers=[tier.value for tier in by_tier],
        days=list(by_tier.values()),
        location=location,
        now=now,
        from_share=0 if ahead else 1,
        limit=limit,
    )
    return [
        Due(sku, name, place, Tier(tier), per_day, int(on_hand), counted_at, known_since, days)
        for sku, name, place, tier, per_day, on_hand, counted_at, known_since, days in rows
    ]
