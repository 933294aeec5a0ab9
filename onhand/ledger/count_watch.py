"""What people are told of counts: lines that were escalated, and small differences that have added up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.count_watch import Heap, Scope, Small, WatchRules, to_tell
from onhand.ledger.database import Pool, execute, fetched
from onhand.ledger.queries import query

ESCALATED_MAX = 500
"""Lines told of at once; the next look tells of the others."""


@dataclass(frozen=True, slots=True)
class Escalated:
    """A line whose count is far from the ledger, in units on hand, and why it is not posted."""

    sheet_id: int
    sku: str
    name: str
    location: str
    reason: str
    quantity: int
    expected: int
    difference: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A sum of small differences that reached its limit, since when. `told`: the sum people know of; 0: of none."""

    heap: Heap
    since: datetime
    told: int


async def small_differences(pool: Pool, since: datetime) -> list[Small]:
    """The small differences of each shelf since that moment."""
    return [
        Small(sku, location, number, int(units))
        for sku, location, number, units in await fetched(pool, "small_differences", since=since)
    ]


async def watched(pool: Pool) -> list[Watched]:
    """The sums that had reached their limit as of the last look."""
    return [
        Watched(Heap(Scope(scope), subject, number, units), since, told)
        for scope, subject, units, number, since, told in await fetched(pool, "watched_sums")
    ]


async def keep_and_claim(
    pool: Pool, heaps: Sequence[Heap], rules: WatchRules
) -> dict[tuple[Scope, str], int]:
    """Keep these as the sums above their limit, and let go of all others.

    Answers those to tell people of, by scope and subject, each with the sum they know of; nobody else is given them.
    """
    named: dict[str, object] = {
        "scopes": [heap.scope.value for heap in heaps],
        "subjects": [heap.subject for heap in heaps],
    }
    sums = {"units": [heap.units for heap in heaps], "counts": [heap.counts for heap in heaps]}
    async with pool.connection() as connection:
        await connection.execute(query("lock_count_watch"))
        await connection.execute(query("drop_other_sums"), named)
        await connection.execute(query("keep_watched_sums"), named | sums)
        cursor = await connection.execute(query("watched_sums"))
        told = {(Scope(scope), subject): known for scope, subject, *_, known in await cursor.fetchall()}
        news = to_tell(heaps, told, rules)
        await connection.execute(
            query("note_sums_told"),
            {"scopes": [heap.scope.value for heap in news], "subjects": [heap.subject for heap in news]},
        )
    return {(heap.scope, heap.subject): told[heap.scope, heap.subject] for heap in news}


async def unclaim_sums(pool: Pool, claimed: Mapping[tuple[Scope, str], int]) -> None:
    """Give them back: nobody could be told."""
    await execute(
        pool,
        "unclaim_sums",
        scopes=[scope.value for scope, _ in claimed],
        subjects=[subject for _, subject in claimed],
        tolds=list(claimed.values()),
    )


async def claim_escalated(pool: Pool) -> list[Escalated]:
    """Lines with a large difference to tell people of, the largest first; nobody else is given them."""
    return [Escalated(*row) for row in await fetched(pool, "claim_escalated", limit=ESCALATED_MAX)]


async def unclaim_escalated(pool: Pool, lines: Sequence[Escalated]) -> None:
    """Give them back: nobody could be told."""
    named = {"sheets": [line.sheet_id for line in lines], "skus": [line.sku for line in lines]}
    await execute(pool, "unclaim_escalated", **named)
