"""Which SKUs are in shares: they come and go by what is free at the moment of the change itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Change:
    """A SKU comes into shares where no more than `limit` units are free at these locations, or leaves them where more
    are; None: it leaves whatever there is."""

    limit: float | None
    locations: tuple[str, ...]


async def change(
    pool: Pool, entering: Mapping[str, Change], leaving: Mapping[str, Change], *, live: bool
) -> tuple[int, set[str]]:
    """Write down which SKUs came into shares and which left; all their listings are marked with it, once.

    Answers how many did, and the channels whose publisher is to be signalled. What somebody else has changed before, or
    what is free was a moment ago, counts no more.
    """
    async with pool.connection() as connection:
        changed = await _ids(connection, "enter_shares", entering) if entering else []
        changed += await _ids(connection, "leave_shares", leaving) if leaving else []
        return len(changed), await _mark(connection, changed, live=live)


async def _ids(connection: Connection, name: str, changes: Mapping[str, Change]) -> list[int]:
    drawn = [(sku, location) for sku, change in changes.items() for location in change.locations]
    named = {
        "skus": list(changes),
        "limits": [change.limit for change in changes.values()],
        "of_skus": [sku for sku, _ in drawn],
        "locations": [location for _, location in drawn],
    }
    cursor = await connection.execute(query(name), named)
    return [sku for (sku,) in await cursor.fetchall()]


async def _mark(connection: Connection, skus: Sequence[int], *, live: bool) -> set[str]:
    if not skus:
        return set()
    cursor = await connection.execute(query("mark_shared"), {"skus": list(skus), "live": live})
    row = await cursor.fetchone()
    return set() if row is None else set(row[0] or ())


async def forget_unheard(pool: Pool, channel: str, before: datetime) -> list[str]:
    """All orders of the channel placed before that moment were heard of: what levels lost sight of earlier is known.

    Answers the SKUs of which other levels may be given more by that.
    """
    return [sku for (sku,) in await fetched(pool, "forget_unheard", channel=channel, before=before)]
