"""Pre-orders in the ledger: which SKUs are sold before they arrive, and whom what is to come is promised to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from onhand.domain.preorders import OpenLine, Promise, promises_of
from onhand.ledger.database import Connection, Pool, execute, fetched
from onhand.ledger.levels import mark
from onhand.ledger.queries import query

LINES_MAX = 2_000
"""Newest ledger lines of a SKU at a location that its open orders are looked for in."""


@dataclass(frozen=True, slots=True)
class PreOrderRow:
    """A SKU that is, or was, sold before it arrives. Units; `channels` empty: all of them.

    `short`: sold beyond what is available; `incoming`: on its way, of which `due` by the promised day.
    """

    sku: str
    name: str
    cap: int
    promised_for: date
    channels: tuple[str, ...]
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    short: int
    incoming: int
    due: int

    @property
    def covered(self) -> int:
        """Of what is short, units that are on their way and within the cap."""
        return min(self.short, self.cap, self.incoming)

    @property
    def left(self) -> int:
        """Units that may still be promised."""
        return 0 if self.closed_at is not None else max(0, min(self.cap, self.due) - self.short)


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """Units that a line of an order waits for, or waited for until `settled_at`, and what came of it then."""

    channel: str
    order_id: str
    line_id: str
    units: int
    covered: int
    position: int
    sold_at: datetime
    promised_for: date
    settled_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Late:
    """A promise whose day is past."""

    sku: str
    channel: str
    order_id: str
    line_id: str
    units: int
    promised_for: date


async def open_(
    pool: Pool, sku: str, cap: int, promised_for: date, channels: Sequence[str], by: str
) -> set[str]:
    """Sell a SKU before it arrives from now on, under these terms. Answers whose publisher is to be signalled."""
    await execute(
        pool, "open_preorder", sku=sku, cap=cap, promised_for=promised_for, channels=list(channels), by=by
    )
    return await mark(pool, [sku])


async def close(pool: Pool, sku: str) -> set[str] | None:
    """Promise no more of it; what was promised stays so. None where it was not open, otherwise as `open_` answers."""
    if not await execute(pool, "close_preorder", sku=sku):
        return None
    return await mark(pool, [sku])


async def listed(pool: Pool, *, sku: str | None = None, everything: bool = False) -> list[PreOrderRow]:
    """SKUs that are open or owe something, or all that ever were; one where it is named."""
    rows = await fetched(pool, "preorders", sku=sku, all=everything)
    return [
        PreOrderRow(sku_, name, cap, promised_for, tuple(channels), *others)
        for sku_, name, cap, promised_for, channels, *others in rows
    ]


async def promises(pool: Pool, sku: str, *, settled: bool = False, limit: int = 1_000) -> list[PromiseRow]:
    """Who waits for a SKU, first served first; and whose promises were settled, where asked for."""
    return [
        PromiseRow(*row) for row in await fetched(pool, "promises", sku=sku, settled=settled, limit=limit)
    ]


async def keep_promises(pool: Pool) -> int:
    """Bring the queue of every SKU to what its orders and receipts say now; answers how many lines wait."""
    async with pool.connection() as connection:
        await connection.execute(query("shrink_closed_preorders"))
        rows = await (await connection.execute(query("lock_owing"))).fetchall()
        if not rows:
            return 0
        skus = [row[0] for row in rows]
        cursor = await connection.execute(query("lines_waiting"), {"skus": skus, "lines": LINES_MAX})
        open_lines: dict[int, list[OpenLine]] = {}
        for sku, *line in await cursor.fetchall():
            open_lines.setdefault(sku, []).append(OpenLine(*line))
        found = {
            sku: promises_of(short, max(0, covered), open_lines.get(sku, ()))
            for sku, short, covered, _ in rows
        }
        named = _columns(found, {row[0]: row[3] for row in rows})
        await connection.execute(query("settle_promises"), named | {"skus": skus})
        await connection.execute(query("keep_promises"), named)
    return len(named["of"])


def _columns(
    found: Mapping[int, Sequence[Promise]], days: Mapping[int, date]
) -> dict[str, list[int] | list[str] | list[datetime] | list[date]]:
    rows = [(sku, promise) for sku, promises in found.items() for promise in promises]
    return {
        "of": [sku for sku, _ in rows],
        "channels": [promise.line.channel for _, promise in rows],
        "orders": [promise.line.order_id for _, promise in rows],
        "lines": [promise.line.line_id for _, promise in rows],
        "units": [promise.units for _, promise in rows],
        "covered": [promise.covered for _, promise in rows],
        "positions": [promise.position for _, promise in rows],
        "sold": [promise.line.sold_at for _, promise in rows],
        "promised": [days[sku] for sku, _ in rows],
    }


async def mark_news(pool: Pool) -> set[str]:
    """Have listings looked at of which more or less is on its way than before.

    Answers the channels whose publisher is to be signalled.

    What is on its way is not available, so posting it marks nothing.
    """
    async with pool.connection() as connection:
        return await mark_news_on(connection)


async def mark_news_on(connection: Connection) -> set[str]:
    """The same inside the caller's transaction."""
    cursor = await connection.execute(query("preorders_with_news"))
    skus = [sku for (sku,) in await cursor.fetchall()]
    if not skus:
        return set()
    marked = await (await connection.execute(query("mark_skus"), {"skus": skus, "live": True})).fetchone()
    return set(marked[0] or ()) if marked is not None else set()


async def claim_late(pool: Pool, today: date) -> list[Late]:
    """Promises whose day is past, and that people were not told of; nobody else is given them."""
    return sorted(
        (Late(*row) for row in await fetched(pool, "claim_late_promises", today=today)),
        key=lambda late: (late.sku, late.promised_for, late.channel, late.order_id, late.line_id),
    )


async def unclaim_late(pool: Pool, late: Sequence[Late]) -> None:
    """Give back what `claim_late` gave: nobody could be told."""
    await execute(
        pool,
        "unclaim_late_promises",
        skus=[each.sku for each in late],
        channels=[each.channel for each in late],
        orders=[each.order_id for each in late],
        lines=[each.line_id for each in late],
    )
