"""time_to_sync: from a buyer's order in one shop to the last other shop that shows it, at rising rates.

Orders of one to five lines over 50,000 SKUs in three shops that answer at once; web app, worker, Temporal, Postgres,
the shops and the load generator run together on this machine. The sandbox's stopwatch takes the time in the shops, from
the order (before its webhook is sent) to the write on the last of the other shops.

The hot SKU is sold at 200 orders a second; its figure is how many writes an order costs. The sustained rate is the
highest tried at which the 99th percentile stays below a second and nothing is left over.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bench.actions import actions
from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.seeding import seed, seed_shown
from bench.shops import sku_code
from bench.syncing import WRITES, require_alike
from bench.world import World, new_database, open_world
from onhand.sandbox.world import BIGCOMMERCE_PLACES, SHOPIFY_PLACES

SKUS = 50_000
OPENING = 1_000_000
RUNS = 3
IDLE_RATE, IDLE_SECONDS = 4, 30
RATES = {50: 120, 200: 60, 1_000: 30}
"""Orders a second, and for how many seconds."""
RAMP_FROM, RAMP_STEP, RAMP_SECONDS, RAMP_MAX = 200, 100, 15, 4_000
SUSTAINED_P99_MS = 1_000
ACTIONS_RATES = {1: 30, 50: 20, 500: 20}
HOT_RATE, HOT_SECONDS = 200, 30
SETTLE_SECONDS = 120.0

GOALS = (
    Goal("idle_p50_ms", "Idle: median, in milliseconds", at_most=30),
    Goal("idle_p99_ms", "Idle: 99th percentile", at_most=100),
    Goal("p99_ms_at_50", "At 50 orders a second: 99th percentile", at_most=150),
    Goal("p99_ms_at_200", "At 200 orders a second: 99th percentile", at_most=250),
    Goal("p99_ms_at_1000", "At 1,000 orders a second: 99th percentile", at_most=500),
    Goal("sustained_per_s", "Orders a second that are kept up with", at_least=1_000),
    Goal("pushes_per_order_hot", "One SKU at 200 orders a second: write calls an order", at_most=0.2),
    Goal("actions_per_order_at_500", "Temporal actions an order at 500 orders a second", at_most=0.1),
)


async def measure(options: Options) -> Figures:
    """All of it, so many times."""
    skus = options.sized(SKUS)
    rounds = []
    for number in range(options.runs or RUNS):
        tell(f"time_to_sync: run {number + 1}, {skus:,} SKUs")
        async with open_world(limits=False) as world:
            rounds.append(await _round(world, skus, options.scale))
    return {**medians(rounds), "skus": skus, "runs": len(rounds)}


async def _round(world: World, skus: int, scale: float) -> Figures:
    await world.fill(skus, OPENING)
    dsn = await new_database(world.postgres)
    await seed(dsn, skus, OPENING)
    await seed_shown(dsn, OPENING)
    async with world.worker(dsn), world.web(dsn) as web:
        await world.subscribe(web)
        await _load(world, IDLE_RATE, 5)  # connections, prepared statements, workflows that are started once
        idle = await _load(world, IDLE_RATE, IDLE_SECONDS * scale)
        figures: Figures = {"idle_p50_ms": idle["p50_ms"], "idle_p99_ms": idle["p99_ms"]}
        for rate, seconds in RATES.items():
            told = await _load(world, rate, seconds * scale)
            figures |= {f"p50_ms_at_{rate}": told["p50_ms"], f"p99_ms_at_{rate}": told["p99_ms"]}
        for rate, seconds in ACTIONS_RATES.items():
            before = await actions(world.temporal.metrics_url)
            told = await _load(world, rate, seconds * scale)
            made = await actions(world.temporal.metrics_url) - before
            figures[f"actions_per_order_at_{rate}"] = made / told["orders"]
        figures["sustained_per_s"] = await _sustained(world, scale)
        figures["pushes_per_order_hot"] = await _hot(world, scale)
        await require_alike(world)
    return figures


async def _load(
    world: World, rate: int, seconds: float, *, sweeps: bool = False, **more: Any
) -> Mapping[str, Any]:
    """Sell at a rate, wait until everything is shown everywhere, and answer the stopwatch's figures.

    With `sweeps` orders are swept meanwhile, as the schedule does: hot listings that were left alone come back by them.
    """
    await world.control("POST", "stopwatch", {})
    body: dict[str, Any] = {
        "rate": rate,
        "seconds": max(1.0, seconds),
        "lines": [1, 5],
        "quantity": [1, 3],
        "seed": rate,
    }
    await world.control("POST", "load", body | more)
    await asyncio.sleep(body["seconds"])
    while True:
        late = await world.control("GET", "load")
        if not late["running"]:
            break
        await asyncio.sleep(0.2)
    told = await _settled(world, sweeps=sweeps)
    tell(
        f"  {rate:,}/s: p50 {told['p50_ms']} ms, p99 {told['p99_ms']} ms, max {told['max_ms']} ms, "
        f"{told['orders']:,} orders, load at most {late['max_lateness_ms']} ms late"
    )
    if told["shown"] != told["orders"]:
        raise BenchFailed(
            f"{told['orders'] - told['shown']} of {told['orders']} orders are not shown everywhere"
        )
    return told


async def _settled(world: World, *, sweeps: bool) -> Mapping[str, Any]:
    """The stopwatch once every order is shown, or after a while."""
    told: Mapping[str, Any] = {}
    for look in range(int(SETTLE_SECONDS / 0.2)):
        if sweeps and look % 25 == 24:
            await world.sweep()
        told = await world.control("GET", "stopwatch")
        if told["shown"] == told["orders"]:
            break
        await asyncio.sleep(0.2)
    return told


async def _hot(world: World, scale: float) -> float:
    """Write calls for each order of one SKU, on all shops together, until all of them show what is left."""
    code = sku_code(0)
    for platform, places in (("shopify", SHOPIFY_PLACES), ("bigcommerce", BIGCOMMERCE_PLACES)):
        # Nobody can buy it where Onhand does not look: a listing that rests may show nothing at its own place.
        for place in list(places)[1:]:
            body = {"platform": platform, "sku": code, "place": place, "quantity": 0}
            await world.control("POST", "edit", body)
    before = await world.calls()
    more = {"skus": [code], "lines": [1, 1]}
    told = await _load(world, HOT_RATE, HOT_SECONDS * scale, sweeps=True, **more)
    after = await world.calls()
    writes: int = sum(
        after[shop].get(operation, 0) - before[shop].get(operation, 0)
        for shop, operations in WRITES.items()
        for operation in operations
    )
    return float(writes / told["orders"])


async def _sustained(world: World, scale: float) -> int:
    """Raise the rate until the 99th percentile passes a second, or the backlog stays."""
    best = 0
    for rate in range(RAMP_FROM, RAMP_MAX + 1, RAMP_STEP):
        try:
            told = await _load(world, rate, RAMP_SECONDS * scale)
        except BenchFailed:
            break
        if told["p99_ms"] > SUSTAINED_P99_MS:
            break
        best = rate
    return best


TIME_TO_SYNC = Benchmark("time_to_sync", __doc__ or "", GOALS, measure)
