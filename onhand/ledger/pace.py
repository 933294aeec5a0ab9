"""How fast things go at present: orders in, levels out, and how long a change takes to reach a channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from onhand.ledger.database import Pool, one_statement
from onhand.ledger.queries import query

RATE_SECONDS = 10.0
"""Rates are over so long."""
ROWS_MAX = 10_000
"""Newest deliveries and pushes that are looked at, of all channels together: a look costs the same however old the
ledger is, and while more than so many come within a window, the figures are those of the newest."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and 99th percentile of seconds; None where nothing was measured."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class ChannelPace:
    """One channel at present.

    `orders_per_second` counts deliveries of orders, swept ones among them; `levels_per_second` levels the channel
    accepted. Time-to-sync, over the last minute and the last five, is from the moment a change was durable until the
    channel had accepted it. `provisional` are units that its answers showed to be sold and no order told of yet.
    """

    channel: str
    orders_per_second: float
    levels_per_second: float
    minute: Percentiles
    five_minutes: Percentiles
    provisional: int


async def of_channels(pool: Pool, channels: Sequence[str]) -> list[ChannelPace]:
    """The pace of each of these channels, by name."""
    named = {"channels": list(channels), "rows": ROWS_MAX, "seconds": RATE_SECONDS}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("channel_pace"), named)
        return [
            ChannelPace(name, orders, levels, Percentiles(*of[:2]), Percentiles(*of[2:]), provisional)
            for name, orders, levels, *of, provisional in await cursor.fetchall()
        ]
