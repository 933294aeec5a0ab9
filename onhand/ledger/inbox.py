"""The inbox: what channels have told us, durable before it is acknowledged, settled exactly once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.queries import query

SUBJECT_CHARS_MAX = 200
UNREADABLE = "other"
"""The kind of what was not understood at the door, so that nothing but the fact was kept: it cannot be replayed."""


class InboxOutcome(StrEnum):
    """What became of a delivery."""

    POSTED = "posted"
    """The ledger has taken something from it."""
    UNCHANGED = "unchanged"
    """The ledger already knew all it says."""
    STALE = "stale"
    """A newer snapshot of the order was taken before."""
    ECHO = "echo"
    """It tells of our own push."""
    NOTED = "noted"
    """It tells of a level that is not ours to take; reconciliation looks at levels."""
    POISON = "poison"
    """It cannot be understood or posted; somebody has to mend what is wrong and replay it."""
    DISMISSED = "dismissed"
    """It was poison, and somebody said that nothing has to be done about it."""


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery on its way into the inbox: what `onhand.channels.inbound` made of it.

    `digest` covers what is inside; with `delivery_id` it tells a duplicate. `reason` says what is wrong with it, where
    the door could not make sense of it: the intake settles it as poison, and has people told. With an `outcome` it is
    settled as it comes in, and nobody is woken for it.
    """

    channel: str
    delivery_id: str
    digest: bytes
    kind: str
    topic: str
    subject: str
    body: Mapping[str, Any]
    outcome: InboxOutcome | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A delivery is durable. `inbox_id` None: it was there before. `woken`: its channel's intake is to be signalled."""

    inbox_id: int | None
    woken: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that has no outcome yet. `reason`: what the door found wrong with it; empty where nothing."""

    inbox_id: int
    kind: str
    topic: str
    subject: str
    body: Mapping[str, Any]
    received_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of one delivery; `reason` is for an operator, empty where the outcome says it."""

    inbox_id: int
    outcome: InboxOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One delivery as people look at it. `outcome` None: it waits. `body` and `delivery_id` only where one is shown.

    `dismissed_by` and `dismissed_because`: who said that nothing has to be done about it, and why; else empty.
    """

    inbox_id: int
    channel: str
    kind: str
    topic: str
    subject: str
    received_at: datetime
    outcome: str | None
    settled_at: datetime | None
    reason: str
    dismissed_by: str = ""
    dismissed_because: str = ""
    delivery_id: str = ""
    body: Mapping[str, Any] | None = None


async def accept(pool: Pool, deliveries: Sequence[Received]) -> list[Accepted]:
    """Make deliveries durable in one transaction; one answer for each, in order. The channels are known ones."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("accept_deliveries"),
            {
                "channels": [d.channel for d in deliveries],
                "delivery_ids": [d.delivery_id for d in deliveries],
                "digests": [d.digest for d in deliveries],
                "kinds": [d.kind for d in deliveries],
                "topics": [d.topic for d in deliveries],
                "subjects": [d.subject[:SUBJECT_CHARS_MAX] for d in deliveries],
                # As texts, which go over as a whole: as Jsonb they were most of what this costs.
                "bodies": [json.dumps(d.body, separators=(",", ":")) for d in deliveries],
                "outcomes": [d.outcome and d.outcome.value for d in deliveries],
                "reasons": [d.reason for d in deliveries],
            },
        )
        return [Accepted(inbox_id, woken) for _, inbox_id, woken in await cursor.fetchall()]


async def waiting(pool: Pool, channel: str, limit: int) -> list[Waiting]:
    """The oldest deliveries of a channel that wait for their outcome."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("waiting_deliveries"), {"channel": channel, "limit": limit}, binary=True
        )
        return [Waiting(*row) for row in await cursor.fetchall()]


async def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Write down what became of deliveries, in the caller's transaction; one that has an outcome keeps it."""
    if not settled:
        return
    await connection.execute(
        query("settle_deliveries"),
        {
            "ids": [s.inbox_id for s in settled],
            "outcomes": [s.outcome.value for s in settled],
            "reasons": [s.reason for s in settled],
        },
    )


async def sleep_intake(pool: Pool, channel: str) -> bool:
    """Go to sleep if nothing waits in the channel's inbox; False: something does, or is about to."""
    return await _sleep(pool, "sleep_intake", channel)


async def sleep_publish(pool: Pool, channel: str) -> bool:
    """Go to sleep if the channel has nothing to be told; False: it has, or is about to."""
    return await _sleep(pool, "sleep_publish", channel)


async def _sleep(pool: Pool, which: str, channel: str) -> bool:
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query(which), {"channel": channel})).fetchone()
    assert row is not None
    asleep: bool = row[0]
    return asleep


@dataclass(frozen=True, slots=True)
class SoldItem:
    """The listing a line of an order stands for. `listing_id` None: the SKU is on no listing of the channel, or on
    several of which nobody knows which was sold."""

    listing_id: int | None
    sku: str
    units: int


async def sold_items(pool: Pool, channel: str, refs: Sequence[str]) -> dict[str, SoldItem]:
    """What the channel's own names of things stand for; those that are not mapped are missing."""
    if not refs:
        return {}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("sold_items"), {"channel": channel, "refs": list(refs)})
        return {ref: SoldItem(listing, sku, units) for ref, listing, sku, units in await cursor.fetchall()}


async def sold_skus(pool: Pool, channel: str, codes: Sequence[str]) -> dict[str, SoldItem]:
    """The same by SKU, for lines that name no known item; unknown SKUs are missing."""
    if not codes:
        return {}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("sold_skus"), {"channel": channel, "codes": list(codes)})
        return {
            code: SoldItem(listing if count == 1 else None, code, units if count == 1 else 1)
            for code, listing, units, count in await cursor.fetchall()
        }


async def listed(pool: Pool, channel: str | None, outcome: str | None, limit: int) -> list[InboxRow]:
    """The newest deliveries, of one channel or all, with one outcome ("waiting": none yet) or any."""
    named = {"channel": channel, "outcome": outcome, "limit": limit}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("list_inbox"), named)
        return [InboxRow(*row) for row in await cursor.fetchall()]


async def one(pool: Pool, inbox_id: int) -> InboxRow | None:
    """One delivery with what was kept of it; None where there is none."""
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query("one_delivery"), {"id": inbox_id})).fetchone()
        return None if row is None else InboxRow(*row)


async def replay(pool: Pool, ids: Sequence[int], *, everything: bool = False) -> dict[int, str]:
    """Put poison back into the inbox; answers the channel of each that was put back, to be signalled.

    What is `UNREADABLE` is not: nothing of it was kept.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(query("replay_deliveries"), {"ids": list(ids), "all": everything})
        return dict(await cursor.fetchall())


async def dismiss(pool: Pool, ids: Sequence[int], who: str, note: str) -> list[InboxRow]:
    """Poison that nothing has to be done about: answers the deliveries that were dismissed now, as they are kept.

    It goes with the retention of settled deliveries. `who` is a person or a client of the app, `note` says why.
    """
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("dismiss_deliveries"), {"ids": list(ids), "who": who, "note": note}
        )
        dismissed = sorted(number for (number,) in await cursor.fetchall())
    rows = [await one(pool, number) for number in dismissed]
    return [row for row in rows if row is not None]


async def count_poison(pool: Pool) -> tuple[int, int]:
    """Deliveries that somebody has to see to, and how many of them cannot be replayed."""
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query("count_poison"))).fetchone()
    assert row is not None
    return row[0], row[1]


async def forget_old(pool: Pool, days: int) -> int:
    """Drop settled deliveries older than that; poison stays. Answers how many."""
    async with pool.connection() as connection:
        return (await connection.execute(query("forget_old_deliveries"), {"days": days})).rowcount
