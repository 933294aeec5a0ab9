"""Locations whose stock another party counts: whose word is taken there, and how far it may lag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from onhand.domain.counts import Count
from onhand.ledger.database import Connection, Pool
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Counter:
    """The one source whose counts of a location are taken; by `lag` its numbers may be behind what happened."""

    source: str
    lag: timedelta = timedelta(0)


async def save(pool: Pool, counters: Mapping[str, Counter]) -> None:
    """Which locations others count, by code; the counts of every other one are anybody's."""
    async with pool.connection() as connection:
        await connection.execute(
            query("save_counters"),
            {
                "codes": list(counters),
                "sources": [counter.source for counter in counters.values()],
                "lags": [counter.lag.total_seconds() for counter in counters.values()],
            },
        )


async def of_locations(connection: Connection, stated: Sequence[Count]) -> dict[str, Counter]:
    """Who counts the locations of these counts, where that is another party."""
    locations = sorted({count.location for count in stated})
    cursor = await connection.execute(query("counters_of"), {"locations": locations})
    return {code: Counter(source, timedelta(seconds=lag)) async for code, source, lag in cursor}


def lagging(count: Count, counters: Mapping[str, Counter]) -> Count:
    """The count with the lag of whoever counts its location."""
    counter = counters.get(count.location)
    return count if counter is None else replace(count, lag=max(count.lag, counter.lag))


def refusal(count: Count, counters: Mapping[str, Counter]) -> str:
    """Why a count is not taken: another party counts its location. Empty where it is."""
    counter = counters.get(count.location)
    if counter is None or counter.source == count.source:
        return ""
    return (
        f"{count.location} is counted by {counter.source} alone, whose next count would undo this one; nothing was "
        "changed. Have it count again, or take counted_by off the location."
    )
