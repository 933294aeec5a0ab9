"""How the work on each channel stands: who is awake, what waits, whether it is paused or in trouble."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand.ledger.database import Pool, one_statement
from onhand.ledger.queries import query

RECENT_DELIVERIES = 20_000
"""Of all channels, among which the last one of each is looked for: it is news or it is nothing."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps levels from being told to a channel: an operator (`paused_at`), or an open breaker (`trouble`).

    `retry_at` is when a call is tried again.
    """

    channel: str
    paused_at: datetime | None
    pause_note: str
    trouble: str
    trouble_since: datetime | None
    retry_at: datetime | None
    paused_by: str = ""

    @property
    def pause(self) -> str:
        """Who paused it, since when and why, in words; empty where nobody did."""
        if self.paused_at is None:
            return ""
        by = f" by {self.paused_by}" if self.paused_by else ""
        note = f" ({self.pause_note})" if self.pause_note else ""
        return f"paused{by} since {self.paused_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC{note}"

    @property
    def holds(self) -> bool:
        """Whether anything does."""
        return self.paused_at is not None or bool(self.trouble)


@dataclass(frozen=True, slots=True)
class ChannelWork:
    """One channel. `inbox` and `outbox` count what waits, with the oldest of each.

    `heard_at` is its last delivery, None where there was none lately; what a sweep found is no delivery.
    """

    channel: str
    intake_awake: bool
    publish_awake: bool
    paused_at: datetime | None
    pause_note: str
    trouble: str
    trouble_since: datetime | None
    retry_at: datetime | None
    swept_to: datetime | None
    swept_at: datetime | None
    inbox: int
    inbox_oldest: datetime | None
    outbox: int
    outbox_oldest: datetime | None
    heard_at: datetime | None
    paused_by: str = ""

    @property
    def hold(self) -> Hold:
        """What keeps its levels from being told."""
        return Hold(
            self.channel,
            self.paused_at,
            self.pause_note,
            self.trouble,
            self.trouble_since,
            self.retry_at,
            self.paused_by,
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """Whether something waits for a channel's intake, and for its publisher."""

    inbox: bool
    outbox: bool


async def of_channels(pool: Pool, channels: Sequence[str]) -> list[ChannelWork]:
    """How each of these channels stands, by name."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("work_of_channels"), {"channels": list(channels), "deliveries": RECENT_DELIVERIES}
        )
        return [ChannelWork(*row) for row in await cursor.fetchall()]


async def holds(pool: Pool, channels: Sequence[str]) -> dict[str, Hold]:
    """What keeps levels from being told to each of these channels, by name; one that is not known is missing."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("channel_holds"), {"channels": list(channels)})
        return {row[0]: Hold(*row) for row in await cursor.fetchall()}


async def pending(pool: Pool, channels: Sequence[str]) -> dict[str, Pending]:
    """What waits, whoever is awake."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("channels_with_work"), {"channels": list(channels)})
        return {name: Pending(inbox, outbox) for name, inbox, outbox in await cursor.fetchall()}


async def pause(pool: Pool, channel: str, note: str, who: str = "") -> bool:
    """Tell a channel nothing until it is resumed; False where there is no such channel."""
    return await _changed(pool, "pause_channel", {"channel": channel, "note": note, "who": who})


async def resume(pool: Pool, channel: str) -> bool:
    """Go on, at once also where the breaker is open; the caller signals the publisher. False: no such channel."""
    return await _changed(pool, "resume_channel", {"channel": channel})


async def note_trouble(pool: Pool, channel: str, trouble: str, retry_seconds: float) -> None:
    """Nothing is published for so long; `trouble` is the channel's own word."""
    named = {"channel": channel, "trouble": trouble, "seconds": retry_seconds}
    await _changed(pool, "note_trouble", named)


async def clear_trouble(pool: Pool, channel: str) -> bool:
    """All is well again; answers whether it was not before."""
    return await _changed(pool, "clear_trouble", {"channel": channel})


async def note_sweep(pool: Pool, channel: str, swept_to: datetime) -> None:
    """Orders changed before that moment, by the channel's clock, were read."""
    await _changed(pool, "note_sweep", {"channel": channel, "swept_to": swept_to})


async def note_hooks(pool: Pool, channel: str, problem: str) -> None:
    """What a look at its webhook subscriptions found wrong; empty: nothing, or it was mended."""
    await _changed(pool, "note_hooks", {"channel": channel, "problem": problem})


async def _changed(pool: Pool, name: str, named: dict[str, object]) -> bool:
    async with one_statement(pool) as connection:
        return (await connection.execute(query(name), named)).rowcount > 0
