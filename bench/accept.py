"""accept: webhooks accepted a second, from HTTP to the durable inbox, against the same app answering without storing.

The app, one process on one event loop, is the one that ships: each delivery's signature is checked over its raw bytes,
the order (one to five lines, 2 to 6 KB) is read and reduced, its row is committed, and only then it is answered 200.
The other way does all of that but the row. The load is a process of its own: 64 connections, each sends when it was
answered, so the latency beside the rate is that of an app which always has 64 requests at once; `idle_p99_ms` is that
of one connection alone. Afterwards every order has to be in the inbox once.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from bench.accept_app import SECRET_VARIABLE
from bench.accept_orders import CHANNEL, SECRET
from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.world import FIRST_PORT, ROOT, new_database, open_postgres, own_folder
from onhand.embedded.ports import LOOPBACK, free_port
from onhand.embedded.services import CommandService, answers
from onhand.ledger import catalogue
from onhand.ledger.database import open_pool

REQUESTS = 20_000
IDLE_REQUESTS = 1_000
CONNECTIONS = 64
RUNS = 3

GOALS = (
    Goal("requests_per_s", "Webhooks accepted a second, from HTTP to the durable inbox", at_least=2_000),
    Goal("vs_noop", "The same / the same app answering without storing"),
    Goal("p99_ms", "Latency of 99 of 100 with 64 requests at once; Shopify waits 5,000", at_most=500),
    Goal("idle_p99_ms", "The same with one request at a time", at_most=50),
)


async def measure(options: Options) -> Figures:
    """The median of some rounds, each on a ledger of its own."""
    count, idle = options.sized(REQUESTS), options.sized(IDLE_REQUESTS)
    runs = options.runs or RUNS
    tell(f"accept: {count:,} orders over {CONNECTIONS} connections, {runs} runs")
    async with open_postgres() as postgres:
        rounds = []
        for _ in range(runs):
            rounds.append(await _round(await new_database(postgres), count, idle))
            tell(
                f"  {rounds[-1]['requests_per_s']:,.0f}/s, without storing {rounds[-1]['noop_per_s']:,.0f}/s"
            )
    return {**medians(rounds), "requests": count, "connections": CONNECTIONS, "runs": runs}


async def _round(dsn: str, count: int, idle: int) -> dict[str, float]:
    async with open_pool(dsn, size=1) as pool:
        await catalogue.save_places(pool, {"leeds": "Leeds"}, {CHANNEL: "shopify"})
    async with _app(dsn, noop=True) as port:
        await _deliver(port, min(count, 500), CONNECTIONS, 0)
        noop = await _deliver(port, count, CONNECTIONS, 0)
    async with _app(dsn, noop=False) as port:
        await _deliver(
            port, min(count, 500), CONNECTIONS, 1
        )  # statements are prepared, the first row wakes the intake
        stored = await _deliver(port, count, CONNECTIONS, 1_000_000)
        alone = await _deliver(port, idle, 1, 2_000_000)
    await _prove(dsn, count + idle + min(count, 500))
    return {
        "requests_per_s": count / stored["seconds"],
        "noop_per_s": count / noop["seconds"],
        "vs_noop": noop["seconds"] / stored["seconds"],
        "p50_ms": stored["p50_ms"],
        "p99_ms": stored["p99_ms"],
        "idle_p50_ms": alone["p50_ms"],
        "idle_p99_ms": alone["p99_ms"],
    }


@asynccontextmanager
async def _app(dsn: str, *, noop: bool) -> AsyncIterator[int]:
    """The app in a process of its own while the body runs; its port."""
    with own_folder() as folder:
        port = free_port(FIRST_PORT + 5)
        more = ["--noop"] if noop else []
        service = CommandService(
            "web",
            [sys.executable, "-m", "bench.accept_app", str(folder / "data"), str(port), *more],
            data_dir=folder / "data",
            env=_environment() | {"DATABASE_URL": dsn},
            cwd=ROOT,
            ready=answers(f"http://{LOOPBACK}:{port}/healthz"),
        )
        await service.start()
        try:
            yield port
        finally:
            await service.stop()


async def _deliver(port: int, count: int, connections: int, first: int) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.accept_load", str(port), str(count), str(min(count, connections)), str(first)),
        cwd=ROOT,
        env=_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise BenchFailed(f"the load ended with {process.returncode}")
    figures: dict[str, float] = json.loads(out)
    return figures


async def _prove(dsn: str, expected: int) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = await connection.execute("SELECT count(*), count(DISTINCT subject) FROM inbox")
        found = await cursor.fetchone()
    if found != (expected, expected):
        raise BenchFailed(f"{expected} orders were accepted, the inbox holds (rows, orders) {found}")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1", SECRET_VARIABLE: SECRET}


ACCEPT = Benchmark("accept", __doc__ or "", GOALS, measure)
