"""The latest count of each shelf in the ledger, and what keeps it true."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.recounts import LastCount, Spot
from onhand.ledger.database import Connection
from onhand.ledger.queries import query


async def ask(connection: Connection, shelves: Iterable[Spot]) -> AsyncCursor[TupleRow]:
    """Have the latest counts of these shelves looked up; `read` takes the answer."""
    named = sorted(shelves)
    return await connection.execute(
        query("last_counts"),
        {"skus": [sku for sku, _ in named], "locations": [location for _, location in named]},
    )


async def read(cursor: AsyncCursor[TupleRow]) -> dict[Spot, LastCount]:
    """The latest count of each shelf that was asked for and ever counted."""
    return {
        (sku, location): LastCount(source, external_id, CountMeaning(meaning), as_of, sure_of)
        for sku, location, source, external_id, meaning, as_of, sure_of in await cursor.fetchall()
    }


def told(kept: Iterable[Sequence[str]] | None) -> dict[Spot, LastCount]:
    """The same as posting tells it."""
    return {
        (sku, location): LastCount(
            source,
            external_id,
            CountMeaning(meaning),
            datetime.fromisoformat(as_of),
            datetime.fromisoformat(sure_of),
        )
        for sku, location, source, external_id, meaning, as_of, sure_of in kept or ()
    }


async def keep(connection: Connection, counts: Sequence[Count]) -> None:
    """These counts of one source were taken. One made against a version leaves none: what comes later is later.

    What a channel shows is not kept: it knows of its own sales, and of no other channel's before we tell it.
    """
    if counts and counts[0].source.startswith("channel/"):
        return
    timed = [count for count in counts if count.base_version is None]
    versioned = [count for count in counts if count.base_version is not None]
    if timed:
        named = {
            "source": timed[0].source,
            "external_ids": [count.external_id for count in timed],
            "meanings": [count.meaning.value for count in timed],
            "as_of": [count.as_of for count in timed],
            "sure_of": [count.sure_of for count in timed],
        }
        await connection.execute(query("keep_last_counts"), _shelves(timed) | named)
    if versioned:
        await connection.execute(query("forget_counts_of_shelves"), _shelves(versioned))


async def forget(connection: Connection, counts: Sequence[tuple[str, str]]) -> None:
    """These counts, by source and id, are taken back: they say nothing any more."""
    named = {"sources": [source for source, _ in counts], "external_ids": [name for _, name in counts]}
    await connection.execute(query("forget_counts"), named)


def _shelves(counts: Sequence[Count]) -> dict[str, object]:
    return {"skus": [count.sku for count in counts], "locations": [count.location for count in counts]}
