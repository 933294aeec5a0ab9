"""The record of sync runs: begun, planned, settled chunk by chunk, finished, looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.levels import Failure
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class PlannedLevel:
    """One level a run has to look at: its position in the plan, the listing and the place."""

    position: int
    listing_id: int
    place: str


@dataclass(frozen=True, slots=True)
class ChunkOutcome:
    """What became of a chunk of a plan, in levels."""

    changed: int
    unchanged: int
    failed: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as recorded. `request` is what was asked for."""

    id: str
    workflow_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    request: Mapping[str, Any]
    summary: str
    rows_read: int
    rows_posted: int
    rows_unchanged: int
    rows_refused: int


@dataclass(frozen=True, slots=True)
class RunChannelRow:
    """What a run did on one channel: levels by outcome, calls by kind, seconds waited on limits."""

    channel: str
    platform: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    levels: int
    planned: int
    changed: int
    unchanged: int
    skipped: int
    failed: int
    reads: int
    writes: int
    throttled: int
    waited_seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class RunFailureRow:
    """A level a run could not set, with the reason an operator reads."""

    channel: str
    sku: str
    item_id: str
    place: str
    failed_at: datetime
    category: str
    message: str
    advice: str


async def begin_run(pool: Pool, run: str, workflow_id: str, request: Mapping[str, Any]) -> None:
    """Record that a run began."""
    async with pool.connection() as connection:
        await connection.execute(
            query("begin_run"), {"run": run, "workflow": workflow_id, "request": Jsonb(dict(request))}
        )


async def begin_channel(pool: Pool, run: str, channel: str) -> None:
    """Record that a run will take up a channel."""
    async with pool.connection() as connection:
        await connection.execute(query("begin_channel"), {"run": run, "channel": channel})


async def start_channel(pool: Pool, run: str, channel: str, skus: Sequence[str] | None) -> None:
    """Note when the work on a channel began, so that its duration is its own, and how many SKUs it lacks."""
    async with pool.connection() as connection:
        await connection.execute(
            query("start_channel"),
            {"run": run, "channel": channel, "skus": None if skus is None else list(skus)},
        )


async def record_rows(pool: Pool, run: str, *, read: int, posted: int, unchanged: int, refused: int) -> None:
    """Record what came from the source so far."""
    async with pool.connection() as connection:
        await connection.execute(
            query("run_rows"),
            {"run": run, "read": read, "posted": posted, "unchanged": unchanged, "refused": refused},
        )


async def save_plan_page(
    pool: Pool, run: str, channel: str, first: int, levels_so_far: int, plan: Sequence[tuple[int, str]]
) -> None:
    """Save one page of a plan, (listing, place) from position `first` on; a repeated page replaces itself."""
    async with pool.connection() as connection:
        named = {"run": run, "channel": channel, "first": first}
        await connection.execute(query("clear_plan_from"), named)
        await connection.execute(
            query("save_plan"),
            named | {"listings": [listing for listing, _ in plan], "places": [place for _, place in plan]},
        )
        await connection.execute(
            query("plan_progress"),
            {"run": run, "channel": channel, "levels": levels_so_far, "planned": first + len(plan)},
        )


async def planned_levels(
    pool: Pool, run: str, channel: str, first: int, last: int, *, unproven: bool = False
) -> list[PlannedLevel]:
    """The levels of a chunk not yet done; with `unproven`, those written but not yet seen to hold."""
    name = "unproven_levels" if unproven else "planned_levels"
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query(name), {"run": run, "channel": channel, "first": first, "last": last}
        )
        return [PlannedLevel(*row) async for row in cursor]


async def settle_plan(connection: Connection, run: str, channel: str, outcomes: Mapping[int, str]) -> None:
    """Write the outcome ("changed", "unchanged", "failed") of positions of a plan."""
    if not outcomes:
        return
    await connection.execute(
        query("settle_plan"),
        {
            "run": run,
            "channel": channel,
            "first": min(outcomes),
            "last": max(outcomes),
            "positions": list(outcomes),
            "outcomes": list(outcomes.values()),
        },
    )


async def save_failures(connection: Connection, run: str, channel: str, failures: Sequence[Failure]) -> None:
    """Keep why levels could not be set."""
    await connection.execute(
        query("save_failures"),
        {
            "run": run,
            "channel": channel,
            "listings": [f.listing_id for f in failures],
            "places": [f.place for f in failures],
            "categories": [f.category for f in failures],
            "messages": [f.message for f in failures],
            "advices": [f.advice for f in failures],
        },
    )


async def add_costs(
    connection: Connection, run: str, channel: str, *, reads: int, writes: int, throttled: int, waited: float
) -> None:
    """Add what a step cost the channel's budget."""
    await connection.execute(
        query("add_costs"),
        {
            "run": run,
            "channel": channel,
            "reads": reads,
            "writes": writes,
            "throttled": throttled,
            "waited": waited,
        },
    )


async def chunk_outcome(pool: Pool, run: str, channel: str, first: int, last: int) -> ChunkOutcome:
    """What became of a chunk, as recorded."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("chunk_outcomes"), {"run": run, "channel": channel, "first": first, "last": last}
        )
        row = await cursor.fetchone()
        assert row is not None
        return ChunkOutcome(*row)


async def finish_channel(pool: Pool, run: str, channel: str, status: str | None, message: str) -> None:
    """Close a channel's part of a run with the counts of its plan; saying it again changes nothing.

    Without `status` the outcomes decide: "success" when nothing failed, else "partial".
    """
    named = {"run": run, "channel": channel}
    async with pool.connection() as connection:
        row = await (await connection.execute(query("channel_outcomes"), named)).fetchone()
        assert row is not None
        changed, unchanged, failed = row
        decided = status or ("partial" if failed else "success")
        await connection.execute(
            query("finish_channel"),
            named
            | {
                "status": decided,
                "message": message,
                "changed": changed,
                "unchanged": unchanged,
                "failed": failed,
            },
        )
        await connection.execute(query("drop_plan"), named)


async def finish_run(pool: Pool, run: str, status: str, summary: str) -> None:
    """Close a run, and whatever of its channels is still open."""
    async with pool.connection() as connection:
        await connection.execute(query("close_channels"), {"run": run, "message": summary})
        await connection.execute(query("finish_run"), {"run": run, "status": status, "summary": summary})


async def forget_pushes(pool: Pool, days: int) -> int:
    """Drop push records older than the retention; answers how many."""
    async with pool.connection() as connection:
        return (await connection.execute(query("forget_pushes"), {"days": days})).rowcount


async def list_runs(pool: Pool, limit: int) -> list[RunRow]:
    """Recent runs, newest first."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("runs"), {"run": None, "limit": limit})
        return [RunRow(*row) async for row in cursor]


async def first_started(pool: Pool) -> datetime | None:
    """When the first of all runs began; None where there was none."""
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query("first_run_started"))).fetchone()
    assert row is not None, "an aggregate answers one row"
    began: datetime | None = row[0]
    return began


async def get_run(pool: Pool, run: str) -> RunRow | None:
    """One run, or None where there is none of that id."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query("runs"), {"run": run, "limit": 1})).fetchone()
        return None if row is None else RunRow(*row)


async def run_channels(pool: Pool, run: str) -> list[RunChannelRow]:
    """What a run did, or is doing, on each channel."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("run_channels"), {"run": run})
        return [RunChannelRow(*row) async for row in cursor]


async def run_failures(pool: Pool, run: str, limit: int) -> list[RunFailureRow]:
    """The levels a run could not set, with the reasons."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("run_failures"), {"run": run, "limit": limit})
        return [RunFailureRow(*row) async for row in cursor]
