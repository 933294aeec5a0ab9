"""Which SKU each item of a channel is, in Postgres: what a discovery finds, and what operators state.

A discovery saves what it finds page by page. New listings stay inactive until the whole channel was
seen; only then is it known that no other item claims the same SKU. So a discovery that breaks off in
the middle has mapped nothing wrongly, and none has to be held in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class KnownItem:
    """What an item of a channel is mapped to, or (not `active`) was, or is suspected to be."""

    sku: str
    pinned: bool
    active: bool


@dataclass(frozen=True, slots=True)
class Losses:
    """Active listings of a channel, and how many of them a discovery did not see."""

    active: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Contested:
    """A SKU that several items of one channel claim: the items it is mapped to, and those left out."""

    sku: str
    name: str
    mapped: tuple[str, ...]
    left_out: tuple[str, ...]


async def known_items(pool: Pool, channel: str, items: Sequence[str]) -> dict[str, KnownItem]:
    """What is known of these items."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("known_items"), {"channel": channel, "items": list(items)})
        return {item: KnownItem(sku, pinned, active) async for item, sku, pinned, active in cursor}


async def save_found(pool: Pool, channel: str, found: Sequence[NewListing], places: Sequence[str]) -> None:
    """Save one page of a discovery; what is new or moved waits for `settle_found`."""
    named = _columns(channel, found)
    async with pool.connection() as connection:
        await connection.execute(query("save_found"), named)
        await connection.execute(
            query("save_levels"), {"channel": channel, "places": list(places), "items": named["items"]}
        )


async def losses(pool: Pool, channel: str, started: datetime) -> Losses:
    """How much of the mapping a discovery that began then did not see."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("discovery_losses"), {"channel": channel, "started": started})
        row = await cursor.fetchone()
        assert row is not None
        return Losses(*row)


async def activate_found(pool: Pool, channel: str, started: datetime) -> int:
    """The whole channel was seen: map what was found for SKUs that nothing else claims; answers how many."""
    named = {"channel": channel, "started": started}
    async with pool.connection() as connection:
        activated = (await connection.execute(query("activate_found"), named)).rowcount
        await connection.execute(query("mark_discovered"), named)
        return activated


async def pin_listings(
    pool: Pool, channel: str, stated: Sequence[NewListing], places: Sequence[str]
) -> set[str]:
    """Map items as an operator states, for good; answers which of them named a known SKU."""
    named = _columns(channel, stated) | {"units": [listing.units for listing in stated]}
    async with pool.connection() as connection:
        cursor = await connection.execute(query("pin_listings"), named)
        saved = {item async for (item,) in cursor}
        await connection.execute(
            query("save_levels"), {"channel": channel, "places": list(places), "items": list(saved)}
        )
        return saved


async def count_contested(pool: Pool, channel: str) -> int:
    """How many SKUs several items of the channel claim, so that some item is left out."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query("count_contested"), {"channel": channel})).fetchone()
        assert row is not None
        number: int = row[0]
        return number


async def contested_skus(pool: Pool, channel: str, limit: int) -> list[Contested]:
    """SKUs that several items of the channel claim."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("contested_skus"), {"channel": channel, "limit": limit})
        return [
            Contested(sku, name, tuple(mapped or ()), tuple(left_out or ()))
            async for sku, name, mapped, left_out in cursor
        ]


async def problem_counts(pool: Pool, run: str) -> dict[str, int]:
    """How many refused rows of a run, or of a discovery, have which problem."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("problem_counts"), {"run": run})
        return {problem: number async for problem, number in cursor}


def _columns(channel: str, listings: Sequence[NewListing]) -> dict[str, object]:
    return {
        "channel": channel,
        "skus": [listing.sku for listing in listings],
        "items": [listing.item_id for listing in listings],
        "parents": [listing.parent_id for listing in listings],
        "trackings": [listing.tracking for listing in listings],
        "sort_keys": [listing.sort_key for listing in listings],
        "order_refs": [listing.order_ref for listing in listings],
    }
