"""Halts: listings held at zero on purpose; and buffers that were widened after drift, until read-backs are clean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.queries import query

HaltCause = Literal["drift", "oversell", "operator"]


@dataclass(frozen=True, slots=True)
class Halt:
    """A listing that is held at zero. `placed_by`: a read-back by its id, or a person by name.

    `clean_reads_needed`: read-backs in a row without drift that lift it, of which `clean_reads` have been; None: only a
    person does. `hidden`: the channel has taken it out of sight.
    """

    halt_id: int
    listing_id: int
    channel: str
    sku: str
    item_id: str
    parent_id: str
    tracking: str
    placed_at: datetime
    placed_by: str
    cause: str
    reason: str
    drift_id: int | None
    clean_reads_needed: int | None
    clean_reads: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Unhidden:
    """A listing that was taken out of sight for a halt which is over."""

    listing_id: int
    sku: str
    item_id: str
    parent_id: str
    tracking: str


async def place(
    pool: Pool,
    listings: Sequence[int],
    *,
    by: str,
    cause: HaltCause,
    reason: str,
    drift_ids: Sequence[int | None] | None = None,
    clean_reads_needed: int | None = None,
    woken: set[str] | None = None,
) -> list[int]:
    """Hold listings at zero; answers those that were not halted before.

    `drift_ids` names the drift each is halted for. Their levels are told at once: publishers that sleep are added to
    `woken`, for the caller to signal; without it the next order sweep does.
    """
    named: dict[str, object] = {
        "listings": list(listings),
        "drifts": list(drift_ids) if drift_ids is not None else [None] * len(listings),
        "by": by,
        "cause": cause,
        "reason": reason,
        "clean_reads": clean_reads_needed,
    }
    return await _changed(pool, "place_halts", named, woken)


async def lift(pool: Pool, listings: Sequence[int], *, by: str, woken: set[str] | None = None) -> list[int]:
    """Let listings show again what they should; answers those that were halted. `woken` as in `place`."""
    return await _changed(pool, "lift_halts", {"listings": list(listings), "by": by}, woken)


async def standing(pool: Pool, channel: str | None = None, sku: str | None = None) -> list[Halt]:
    """Every listing that is halted now, on one channel or on all, of one SKU or all; the newest halt first."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("standing_halts"), {"channel": channel, "sku": sku})
        return [Halt(*row) for row in await cursor.fetchall()]


async def note_hidden(pool: Pool, listings: Sequence[int], *, hidden: bool) -> None:
    """The channel has taken these out of sight, or shows them again."""
    async with one_statement(pool) as connection:
        await connection.execute(query("note_hidden"), {"listings": list(listings), "hidden": hidden})


async def to_show_again(pool: Pool, channel: str) -> list[Unhidden]:
    """Listings of a channel that are out of sight though their halt was lifted."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("hidden_halts"), {"channel": channel})
        return [Unhidden(*row) for row in await cursor.fetchall()]


async def widen(
    pool: Pool,
    listings: Sequence[int],
    *,
    units: int,
    units_max: int,
    reason: str,
    woken: set[str] | None = None,
) -> None:
    """Keep so many more units of their SKUs from these listings, up to a limit; they are told at once."""
    named = {"listings": list(listings), "units": units, "most": units_max, "reason": reason}
    async with pool.connection() as connection:
        await connection.execute(query("widen_buffers"), named)
        await _mark(connection, listings, woken)


async def count_clean_reads(
    pool: Pool, channel: str, since: datetime, *, clean_reads: int, by: str, woken: set[str] | None = None
) -> list[int]:
    """A whole read-back of a channel that began at `since` has ended; answers the listings whose halt it lifted.

    Widened buffers are taken back after `clean_reads` in a row, or at the first one where that is 0.
    """
    named = {"channel": channel, "since": since, "clean_reads": max(1, clean_reads)}
    async with pool.connection() as connection:
        found = await (await connection.execute(query("count_clean_reads"), named)).fetchall()
        over = [listing for listing, halted in found if halted]
        narrowed = [listing for listing, halted in found if not halted]
        if over:
            await connection.execute(query("lift_halts"), {"listings": over, "by": by})
        if narrowed:
            await connection.execute(query("narrow_buffers"), {"listings": narrowed})
        await _mark(connection, [*over, *narrowed], woken)
    return over


async def _changed(pool: Pool, name: str, named: dict[str, object], woken: set[str] | None) -> list[int]:
    async with pool.connection() as connection:
        rows = await (await connection.execute(query(name), named)).fetchall()
        changed = [listing for (listing,) in rows]
        await _mark(connection, changed, woken)
    return changed


async def _mark(connection: Connection, listings: Sequence[int], woken: set[str] | None) -> None:
    """In the same transaction, so that no halt is placed that nobody is told of."""
    if not listings:
        return
    row = await (await connection.execute(query("mark_halted"), {"listings": list(listings)})).fetchone()
    assert row is not None
    if woken is not None:
        woken.update(row[0] or ())
