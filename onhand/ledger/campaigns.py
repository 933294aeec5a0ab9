"""Campaigns: which SKUs are in shares because somebody planned it, since when, until when and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.types.json import Jsonb

from onhand.domain.campaigns import CampaignRefusedError, Plan
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.queries import query

BY_TIME = "its time"
"""Who ends a campaign whose time is over."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """One SKU of a campaign; `ended_at` is None while it goes on."""

    sku: str
    plan: Plan
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str


async def start(pool: Pool, skus: Sequence[str], plan: Plan, who: str) -> set[str]:
    """Put SKUs into shares, all of them or none; their levels follow at once.

    Answers the channels whose publisher is to be signalled. Raises CampaignRefusedError where one cannot be.
    """
    async with pool.connection() as connection:
        refused = await connection.execute(query("campaign_refusals"), {"skus": list(skus)})
        if row := await refused.fetchone():
            raise CampaignRefusedError(f"{row[0]} {row[1]}")
        named = {
            "skus": list(skus),
            "shares": Jsonb({channel: str(percent) for channel, percent in plan.shares.items()}),
            "until": plan.until,
            "who": who,
        }
        started = await connection.execute(query("start_campaigns"), named)
        if started.rowcount < len(set(skus)):
            raise CampaignRefusedError(
                "one of them came into another campaign in this moment; onhand campaign list"
            )
        await connection.execute(query("share_campaigns"), {"skus": list(skus)})
        return await _mark(connection, skus)


async def end(pool: Pool, skus: Sequence[str], who: str) -> tuple[list[str], set[str]]:
    """End the campaigns of these SKUs: their levels are shared or pooled again as their rules say.

    Answers the SKUs of which one went on, and the channels whose publisher is to be signalled.
    """
    return await _end(pool, {"skus": list(skus), "before": None, "who": who})


async def end_due(pool: Pool, now: datetime) -> set[str]:
    """End those whose time is over; answers the channels whose publisher is to be signalled."""
    _, woken = await _end(pool, {"skus": None, "before": now, "who": BY_TIME})
    return woken


async def _end(pool: Pool, named: dict[str, object]) -> tuple[list[str], set[str]]:
    async with pool.connection() as connection:
        cursor = await connection.execute(query("end_campaigns"), named)
        ended = sorted([sku for (sku,) in await cursor.fetchall()])
        return ended, await _mark(connection, ended) if ended else set()


async def _mark(connection: Connection, skus: Sequence[str]) -> set[str]:
    row = await (await connection.execute(query("mark_skus"), {"skus": list(skus), "live": True})).fetchone()
    return set() if row is None else set(row[0] or ())


async def listed(
    pool: Pool, *, sku: str | None = None, everything: bool = False, limit: int = 1_000
) -> list[Campaign]:
    """Campaigns, the newest first: those that go on, or all there were."""
    rows = await fetched(pool, "campaigns", sku=sku, everything=everything, limit=limit)
    return [
        Campaign(code, Plan({name: Decimal(share) for name, share in shares.items()}, until), *rest)
        for code, shares, until, *rest in rows
    ]
