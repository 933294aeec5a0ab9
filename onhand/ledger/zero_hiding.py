"""Which listings are out of sight because they show nothing. Only what we hid is ever shown again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.ledger.database import Pool, execute, fetched
from onhand.ledger.halts import Unhidden


@dataclass(frozen=True, slots=True)
class Hiding:
    """A listing that shows nothing: out of sight since then, or (`hidden` False) the channel could not do that."""

    listing_id: int
    hidden: bool
    since: datetime


async def to_hide(pool: Pool, channel: str, *, tried_before: datetime, limit: int) -> list[Unhidden]:
    """Listings that show nothing: at most so many that are due, with all others of their products that show nothing."""
    rows = await fetched(pool, "listings_to_hide", channel=channel, before=tried_before, limit=limit)
    return [Unhidden(*row) for row in rows]


async def to_show(pool: Pool, channel: str, *, enabled: bool, whole: bool, limit: int) -> list[Unhidden]:
    """Listings to be shown again: those that show something by now; where hiding is not `enabled`, all we have hidden.

    `whole`: the channel shows whole products, so that all listings of theirs are among them.
    """
    named = {"channel": channel, "enabled": enabled, "whole": whole, "limit": limit}
    return [Unhidden(*row) for row in await fetched(pool, "listings_to_show", **named)]


async def note_hidden(pool: Pool, tried: Sequence[int], done: Collection[int]) -> None:
    """Of those `tried` the channel has taken these out of sight."""
    hidden = [listing in done for listing in tried]
    await execute(pool, "note_zero_hidden", listings=list(tried), hidden=hidden)


async def note_shown(pool: Pool, listings: Collection[int]) -> None:
    """The channel shows these again."""
    await execute(pool, "note_zero_shown", listings=list(listings))


async def of_sku(pool: Pool, sku: str) -> dict[int, Hiding]:
    """The listings of a SKU that show nothing, and are out of sight or could not be hidden, by their number."""
    return {row[0]: Hiding(*row) for row in await fetched(pool, "hidings_of_sku", sku=sku)}


async def hidden(pool: Pool, listings: Sequence[int]) -> set[int]:
    """Of these listings, those that we took out of sight."""
    return {listing for (listing,) in await fetched(pool, "hidden_at_zero", listings=list(listings))}
