"""ledger_post: events posted a second, against the same rows of `event` and `entry` written by plain COPY.

50,000 SKUs, each listed on three channels, so that every event also locks and moves balances and marks three listings
in the outbox; COPY does none of that. Batches of 500 events, each a transaction, on a few connections at once:
receipts, adjustments both ways, and orders of two lines. Then events of every kind, on a ledger with a kit for every 50
SKUs: kits are ordered and shipped, and a component's change marks the listings of its kit, too.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.mixed_events import kits_of, mixed_events, seed_with_kits
from bench.seeding import receipt, seed
from bench.shops import LOCATION, sku_code
from bench.world import new_database, open_postgres
from onhand.domain.events import Event, EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, events_of
from onhand.ledger.database import Pool, open_pool
from onhand.ledger.posting import Verdict, post_events

SKUS = 50_000
EVENTS = 100_000
BATCH = 500
CONNECTIONS = 3
RUNS = 3
STRIDE = 7_919
"""A prime: the events of a batch are of SKUs all over the catalogue."""

GOALS = (
    Goal("events_per_s", "Events posted a second, in batches of 500", at_least=20_000),
    Goal("mixed_events_per_s", "The same of every kind of event, kits among them", at_least=15_000),
    Goal("vs_copy", "The same / rows of the same events written by plain COPY"),
)

EVENT_COLUMNS = "id, source, external_id, kind, occurred_at, fingerprint, detail"
ENTRY_COLUMNS = "sku_id, location_id, version, event_id, state, quantity, balance_after"


async def measure(options: Options) -> Figures:
    """The median of some rounds, each on a ledger of its own."""
    skus, count = options.sized(SKUS), options.sized(EVENTS)
    runs = options.runs or RUNS
    tell(f"ledger_post: {count:,} events of {skus:,} SKUs, {runs} runs")
    async with open_postgres() as postgres:
        rounds = []
        for number in range(runs):
            dsn = await new_database(postgres)
            await seed(dsn, skus, 1_000)
            rounds.append(await _round(dsn, make_events(skus, count, f"round{number}")))
            mixed = await new_database(postgres)
            await seed_with_kits(mixed, skus, 1_000)
            rounds[-1] |= await _mixed_round(mixed, mixed_events(skus, count, STRIDE, f"round{number}"))
            tell(
                f"  {rounds[-1]['events_per_s']:,.0f} events/s, COPY {rounds[-1]['copy_events_per_s']:,.0f}, "
                f"of every kind {rounds[-1]['mixed_events_per_s']:,.0f}"
            )
    sizes = {"skus": skus, "kits": kits_of(skus), "events": count, "connections": CONNECTIONS, "runs": runs}
    return {**medians(rounds), **sizes}


def make_events(skus: int, count: int, name: str) -> list[Event]:
    """Of ten: four receipts, two adjustments up, two down, two orders of two lines."""
    return [_event(at % 10, at * STRIDE % skus, skus, f"{name}-{at}") for at in range(count)]


def _event(kind: int, at: int, skus: int, name: str) -> Event:
    if kind < 4:
        return receipt(at, 3, name)
    now = datetime.now(UTC)
    if kind < 8:
        change = 2 if kind < 6 else -1
        return event_of(Movement("bench", name, EventKind.ADJUSTMENT, sku_code(at), LOCATION, change, now))
    lines = [sku_code(at), *([sku_code((at + 1) % skus)] if skus > 1 else [])]
    order = OrderSnapshot(
        "shopify",
        name,
        1,
        now,
        tuple(OrderLine(str(n), sku, LOCATION, 1, 0) for n, sku in enumerate(lines)),
    )
    (event,) = events_of(order, NOTHING_POSTED)
    return event


async def _round(dsn: str, events: Sequence[Event]) -> dict[str, float]:
    async with open_pool(dsn, size=CONNECTIONS) as pool:
        await _warm(pool)
        began = time.perf_counter()
        await _post_all(pool, events)
        posting = time.perf_counter() - began
    copying = await _copy_same(dsn, len(events))
    return {
        "events_per_s": len(events) / posting,
        "copy_events_per_s": len(events) / copying,
        "vs_copy": copying / posting,
        "entries_per_s": sum(len(event.entries) for event in events) / posting,
    }


async def _mixed_round(dsn: str, events: Sequence[Event]) -> dict[str, float]:
    async with open_pool(dsn, size=CONNECTIONS) as pool:
        await _warm(pool)
        began = time.perf_counter()
        await _post_all(pool, events)
        posting = time.perf_counter() - began
    return {"mixed_events_per_s": len(events) / posting}


async def _warm(pool: Pool) -> None:
    """Open every connection; a statement is prepared on it when it has been seen often enough."""
    connections = [await pool.getconn() for _ in range(CONNECTIONS)]
    for connection in connections:
        await pool.putconn(connection)


async def _post_all(pool: Pool, events: Sequence[Event]) -> None:
    starts = iter(range(0, len(events), BATCH))

    async def work() -> None:
        for start in starts:
            answers = await post_events(pool, events[start : start + BATCH])
            if any(answer.verdict is not Verdict.POSTED for answer in answers):
                raise BenchFailed("an event was not posted")

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


async def _copy_same(dsn: str, count: int) -> float:
    """Write the very rows that were posted last once more, into empty tables of the same shape and indexes."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection, connection.cursor() as cursor:
        await cursor.execute(f"SELECT {EVENT_COLUMNS} FROM event ORDER BY id DESC LIMIT {count}")
        events = await cursor.fetchall()
        first = min(row[0] for row in events)
        await cursor.execute(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE event_id >= %s", (first,))
        entries = await cursor.fetchall()
        for table in ("event", "entry"):
            await cursor.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")
        await connection.commit()
        began = time.perf_counter()
        async with cursor.copy(f"COPY copied_event ({EVENT_COLUMNS}) FROM STDIN") as copy:
            for event in events:
                await copy.write_row((*event[:-1], event[-1] and Jsonb(event[-1])))
        async with cursor.copy(f"COPY copied_entry ({ENTRY_COLUMNS}) FROM STDIN") as copy:
            for row in entries:
                await copy.write_row(row)
        await connection.commit()
        return time.perf_counter() - began


LEDGER_POST = Benchmark("ledger_post", __doc__ or "", GOALS, measure)
