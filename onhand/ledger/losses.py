"""Units that were lost and found, added up by why."""

from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.database import Pool, fetched


@dataclass(frozen=True, slots=True)
class Loss:
    """Units lost and found at one location by one kind of event for one reason (empty: none was given)."""

    reason: str
    kind: str
    location: str
    events: int
    lost: int
    found: int


async def losses(pool: Pool, begins: datetime, ends: datetime, location: str | None = None) -> list[Loss]:
    """What was written down from `begins` until before `ends`, the largest loss first. Counts are not in it: they say
    how many there are, not why."""
    rows = await fetched(pool, "losses", begins=begins, ends=ends, location=location)
    return [Loss(*row) for row in rows]
