"""Levels: what listings show, what they should show, and the record of telling them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from onhand.domain.listings import ListingState, Sibling
from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class ListingCursor:
    """Where a walk over a channel's listings stands; the start is before every key."""

    sort_key: str = ""
    listing_id: int = 0


@dataclass(frozen=True, slots=True)
class LevelUpdate:
    """What became known of one level, and what was sent to it.

    `book`/`shown` None: nothing new is known. `outcome` is the push's outcome ("accepted", "stale",
    "rejected", "unknown"), empty where nothing was sent.
    """

    listing_id: int
    place: str
    generation: int
    book: int | None = None
    shown: int | None = None
    problem: str = ""
    quantity: int | None = None
    before: int | None = None
    outcome: str = ""
    echo: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a level could not be set, in words for an operator."""

    listing_id: int
    place: str
    category: str
    message: str
    advice: str


async def listing_page(
    pool: Pool, channel: str, after: ListingCursor, limit: int, skus: Sequence[str] | None
) -> tuple[list[int], ListingCursor | None]:
    """The next listing ids of a channel and where to go on; None when that was the end."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("listing_page"),
            {
                "channel": channel,
                "after_key": after.sort_key,
                "after_id": after.listing_id,
                "skus": None if skus is None else list(skus),
                "limit": limit,
            },
        )
        rows = await cursor.fetchall()
    ids = [row[0] for row in rows]
    return ids, ListingCursor(rows[-1][1], rows[-1][0]) if len(rows) == limit else None


async def listing_states(
    pool: Pool, channel: str, listings: Sequence[int], *, siblings: bool
) -> list[ListingState]:
    """What decides the levels of these listings of one channel, in the order given, from one snapshot."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("listing_states"), {"listings": list(listings), "siblings": siblings}, binary=True
        )
        return [_state(channel, row) async for row in cursor]


def _state(channel: str, row: tuple[Any, ...]) -> ListingState:
    listing, sku, item, parent, tracking, units, generation, places, books, locations, available, *others = (
        row
    )
    return ListingState(
        channel,
        listing,
        sku,
        item,
        parent,
        tracking,
        units,
        generation,
        dict(zip(locations or (), available or (), strict=True)),
        dict(zip(places or (), books or (), strict=True)),
        tuple(map(Sibling, *others)) if others[0] else (),
    )


async def listings_of_sku(pool: Pool, sku: str, channel: str | None) -> list[tuple[int, str]]:
    """(listing id, channel) of every active listing of a SKU, or of those on one channel."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("listings_of_sku"), {"sku": sku, "channel": channel})
        return [(listing, name) async for listing, name in cursor]


async def ensure_levels(pool: Pool, channel: str, places: Sequence[str]) -> None:
    """Make sure each listing of the channel has a level row at each configured place."""
    async with one_statement(pool) as connection:
        await connection.execute(query("ensure_levels"), {"channel": channel, "places": list(places)})


async def forget_books(pool: Pool, spots: Sequence[tuple[int, str]]) -> None:
    """Before levels are written: what they show is not known until the answer is booked.

    A process that dies, or a call that is lost, thus leaves levels nobody believes in, which the next push reads
    or writes again whatever the target is by then.
    """
    async with one_statement(pool) as connection:
        await connection.execute(
            query("forget_books"),
            {"listings": [listing for listing, _ in spots], "places": [place for _, place in spots]},
        )


async def record_levels(
    connection: Connection,
    updates: Sequence[LevelUpdate],
    *,
    run: str | None,
    attempt: int,
    sent_at: datetime,
    answered_at: datetime,
) -> None:
    """Book what a channel answered and keep the record of what was sent, in the caller's transaction."""
    learnt = _last_word(updates)
    await connection.execute(
        query("book_levels"),
        {
            "listings": [u.listing_id for u in learnt],
            "places": [u.place for u in learnt],
            "books": [u.book for u in learnt],
            "shown": [u.shown for u in learnt],
            "problems": [u.problem for u in learnt],
        },
    )
    sent = [u for u in updates if u.outcome]
    await connection.execute(
        query("save_pushes"),
        {
            "run": run,
            "attempt": attempt,
            "sent_at": sent_at,
            "answered_at": answered_at,
            "listings": [u.listing_id for u in sent],
            "places": [u.place for u in sent],
            "generations": [u.generation for u in sent],
            "quantities": [u.quantity for u in sent],
            "befores": [u.before for u in sent],
            "outcomes": [u.outcome for u in sent],
            "echoes": [u.echo for u in sent],
            "messages": [u.message or None for u in sent],
        },
    )


def _last_word(updates: Sequence[LevelUpdate]) -> list[LevelUpdate]:
    """One update for each level: what was learnt last, where a level was read and then written."""
    last: dict[tuple[int, str], LevelUpdate] = {}
    for update in updates:
        spot = (update.listing_id, update.place)
        before = last.get(spot)
        last[spot] = (
            update
            if before is None
            else replace(
                update,
                book=before.book if update.book is None else update.book,
                shown=before.shown if update.shown is None else update.shown,
            )
        )
    return list(last.values())


async def clear_outbox(connection: Connection, settled: Sequence[tuple[int, int]]) -> int:
    """Drop outbox rows (listing, generation) that nothing has touched since they were read; answers how many."""
    cursor = await connection.execute(
        query("clear_outbox"),
        {"listings": [listing for listing, _ in settled], "generations": [g for _, g in settled]},
    )
    return cursor.rowcount


async def park(pool: Pool, failure: Failure, workflow_id: str) -> None:
    """Keep a listing as a dead letter."""
    async with pool.connection() as connection:
        await connection.execute(
            query("park_level"),
            {
                "listing": failure.listing_id,
                "workflow": workflow_id,
                "category": failure.category,
                "message": failure.message,
                "advice": failure.advice,
            },
        )


async def unpark(connection: Connection, listings: Sequence[int]) -> None:
    """These listings' levels were accepted; they are no dead letters any more."""
    await connection.execute(query("unpark_level"), {"listings": list(listings)})
