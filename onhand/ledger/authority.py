"""What authorities say of levels: put aside when it is told, judged after a look, and their conflicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.database import Pool, execute, fetched
from onhand.ledger.levels import Spot

CONFLICTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Noted:
    """A level that somebody changed, not judged yet; `noted_at` is when that was last told."""

    listing_id: int
    sku: str
    item_id: str
    parent_id: str
    tracking: str
    place: str
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Believed:
    """What we believe a noted level shows; `still`: nothing has become of it since it was read."""

    book: int
    units: int
    still: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two authorities that disagreed about a SKU. `counted`: `quantity` became a count in spite of the rival."""

    sku: str
    location: str
    authority: str
    quantity: int
    rival: str
    rival_quantity: int
    counted: bool
    found_at: datetime


async def put_aside(pool: Pool, channel: str, spots: Sequence[tuple[str, str]]) -> None:
    """Levels (item id, place) of a channel to be looked at after its next sweep; unmapped items are left out."""
    named = {
        "channel": channel,
        "items": [item for item, _ in spots],
        "places": [place for _, place in spots],
    }
    await execute(pool, "put_aside", **named)


async def due(pool: Pool, channel: str, before: datetime, limit: int) -> list[Noted]:
    """What was last told of before that moment, the oldest first."""
    return [
        Noted(*row) for row in await fetched(pool, "notices_due", channel=channel, before=before, limit=limit)
    ]


async def believed(pool: Pool, spots: Sequence[Spot], read_at: datetime) -> dict[Spot, Believed]:
    """What we believe of levels that were read then; those nothing is believed of are missing."""
    listings, places = [listing for listing, _ in spots], [place for _, place in spots]
    rows = await fetched(pool, "levels_noted", listings=listings, places=places, read_at=read_at)
    return {(listing, place): Believed(book, units, still) for listing, place, book, units, still in rows}


async def conflicts(pool: Pool, sku: str) -> list[Conflict]:
    """Disagreements of the last seven days about a SKU, the newest first."""
    return [Conflict(*row) for row in await fetched(pool, "conflicts_of_sku", sku=sku, limit=CONFLICTS_SHOWN)]


async def recent_conflicts(pool: Pool, limit: int) -> list[Conflict]:
    """Disagreements about anything, the newest first."""
    return [Conflict(*row) for row in await fetched(pool, "list_conflicts", limit=limit)]


async def book_as_read(pool: Pool, spot: Spot, book: int, quantity: int, read_at: datetime) -> None:
    """The level shows what was read, unless something has become of it since it was believed to show `book`."""
    named = {"listing": spot[0], "place": spot[1], "book": book, "quantity": quantity, "read_at": read_at}
    await execute(pool, "book_as_read", **named)


async def forget(pool: Pool, judged: Sequence[Noted]) -> None:
    """These were judged."""
    named = {
        "listings": [noted.listing_id for noted in judged],
        "places": [noted.place for noted in judged],
        "moments": [noted.noted_at for noted in judged],
    }
    await execute(pool, "forget_notices", **named)
