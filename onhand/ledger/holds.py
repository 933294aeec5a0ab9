"""Holds: runs that would change too much of a channel at once, and what the guard has not let through yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from onhand.domain.guard import Tally
from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.queries import query

HoldKind = Literal["sync", "reconciliation"]
"""Whose errand was held: a run that brings a channel to its targets, or a read-back that repairs what it shows."""


@dataclass(frozen=True, slots=True)
class HeldRun:
    """One hold. `tally` is what the errand wanted to do, or, once released, what the next one may.

    `run_id`: the run that was held last, or that sends what was released. `told_at`: when people were alerted.
    """

    channel: str
    kind: HoldKind
    run_id: str
    held_at: datetime
    tally: Tally
    reason: str
    told_at: datetime | None
    released_at: datetime | None
    released_by: str

    @property
    def stands(self) -> bool:
        """Whether it waits for a person."""
        return self.released_at is None


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be seen of a channel at no cost. `pending`: listings that may have to change, of so many `listings`
    (0 where too few are pending for that to matter); `rules`: digest of those of the last run that was let through."""

    pending: int
    listings: int
    rules: str
    held: bool


async def note_unjudged(connection: Connection, first_event: int) -> None:
    """A source has posted, from this event on; in the transaction that posts it."""
    await connection.execute(query("note_unjudged"), {"first_event": first_event})


async def glance(pool: Pool, channel: str, listings_min: int) -> Glance:
    """What may change on a channel; its listings are counted where so many are pending."""
    named = {"channel": channel, "listings_min": listings_min}
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query("guard_glance"), named)).fetchone()
        assert row is not None, "a count answers one row"
        return Glance(*row)


async def let_through(pool: Pool, channel: str, rules: str) -> None:
    """What was said until now may be told to the channel by everybody; `rules` is the digest of those in force."""
    async with one_statement(pool) as connection:
        await connection.execute(query("let_through"), {"channel": channel, "rules": rules})


async def let_named_through(pool: Pool, listings: Sequence[int]) -> None:
    """The same for some listings only, whose SKUs a person has named; until all of the channel is let through."""
    async with one_statement(pool) as connection:
        await connection.execute(query("name_listings"), {"listings": list(listings)})


async def save(pool: Pool, channel: str, kind: HoldKind, run: str, tally: Tally, reason: str) -> None:
    """Hold a channel, or bring the hold that stands up to date."""
    named = {"channel": channel, "kind": kind, "run": run, "reason": reason, **_numbers(tally)}
    async with one_statement(pool) as connection:
        await connection.execute(query("save_hold"), named)


async def of_channels(pool: Pool, channels: Sequence[str] | None = None) -> list[HeldRun]:
    """Every hold, those that were released and not sent yet included; of these channels, or of all."""
    named = {"channels": None if channels is None else list(channels)}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("holds"), named)
        return [_held_run(*row) for row in await cursor.fetchall()]


async def of_channel(pool: Pool, channel: str, kind: HoldKind) -> HeldRun | None:
    """The hold of one kind on one channel."""
    return next((hold for hold in await of_channels(pool, [channel]) if hold.kind == kind), None)


async def note_told(pool: Pool, hold: HeldRun) -> None:
    """People were alerted of this hold."""
    async with one_statement(pool) as connection:
        await connection.execute(
            query("hold_told"), {"channel": hold.channel, "kind": hold.kind, "held_at": hold.held_at}
        )


async def release(pool: Pool, channel: str, kind: HoldKind, by: str, tally: Tally) -> bool:
    """Let the next errand do as much as `tally`; False where nothing is held (any more)."""
    named = {"channel": channel, "kind": kind, "by": by, **_numbers(tally)}
    async with one_statement(pool) as connection:
        return (await connection.execute(query("release_hold"), named)).rowcount > 0


async def use(pool: Pool, channel: str, kind: HoldKind, run: str) -> None:
    """This errand does what was released."""
    async with one_statement(pool) as connection:
        await connection.execute(query("use_hold"), {"channel": channel, "kind": kind, "run": run})


async def drop(pool: Pool, channel: str, kind: HoldKind, *, sent_by: str | None = None) -> bool:
    """The hold is over; answers whether there was one. `sent_by`: only where that run has sent what was released."""
    named = {"channel": channel, "kind": kind, "run": sent_by}
    async with one_statement(pool) as connection:
        return (await connection.execute(query("drop_hold"), named)).rowcount > 0


def _held_run(channel: str, kind: HoldKind, run_id: str, held_at: datetime, *found: Any) -> HeldRun:
    return HeldRun(channel, kind, run_id, held_at, Tally(*found[:4]), *found[4:])


def _numbers(tally: Tally) -> dict[str, int]:
    return {
        "listings": tally.listings,
        "changing": tally.changing,
        "zeroing": tally.zeroing,
        "units": tally.units,
    }
