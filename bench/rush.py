"""rush: 200 units of a SKU and 1,000 buyers in a minute on three channels, all of it running: what is oversold.

Not simulated: web app, worker, Temporal, Postgres and three shops run as processes, with a network as it is: shops tell
of a sale after 0.5 to 1.5 s, and a write takes effect after 0.2 to 0.8 s (bench/slow_shops.py). Shopify's levels change
exactly once, WooCommerce and BigCommerce only set them. A buyer who meets an empty shelf leaves. Four SKUs rush at a
time, in each way: *pooled*, *adaptive* (nobody knows of the rush), and in a *campaign* that was started beforehand.

`oversold` is what was sold beyond the units there were, the mean over all rushes; `most` the most of any one; `unsold`
the units left when all buyers had come.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, tell
from bench.seeding import seed, seed_shown
from bench.shops import SHOPS, sku_code
from bench.world import ROOT, World, new_database, open_world
from onhand.sandbox.world import BIGCOMMERCE_PLACES, SHOPIFY_PLACES

UNITS = 200
BUYERS = 1_000
SECONDS = 60.0
AT_A_TIME = 4
RUNS = 3
LATE = {"delay_seconds": [0.5, 1.5], "seed": 7}
QUIET_SECONDS = 10.0
WAYS = ("pooled", "adaptive", "campaign")

GOALS = (
    Goal("oversold_pooled", "Pooled: units oversold of 200, mean"),
    Goal("oversold_adaptive", "Adaptive: the same"),
    Goal("oversold_campaign", "In a campaign: the same", at_most=0),
    Goal("unsold_adaptive", "Adaptive: units left, mean"),
)


async def measure(options: Options) -> Figures:
    """Each way, so many times."""
    figures: Figures = {}
    for way in WAYS:
        rushes: list[int] = []
        for number in range(options.runs or RUNS):
            mode = "pooled" if way == "pooled" else "adaptive"
            config = "".join(f'\n[channels.{shop.name}.rule]\nmode = "{mode}"\n' for shop in SHOPS)
            async with open_world(limits=False, shops="bench.slow_shops", more_config=config) as world:
                rushes += await _rush(world, way, number, max(0.1, options.scale))
            tell(f"  {way}, run {number + 1}: sold beyond {UNITS} (less: left) {rushes[-AT_A_TIME:]}")
        figures[f"oversold_{way}"] = sum(max(0, beyond) for beyond in rushes) / len(rushes)
        figures[f"most_{way}"] = max(0, *rushes)
        figures[f"unsold_{way}"] = sum(max(0, -beyond) for beyond in rushes) / len(rushes)
    return {**figures, "rushes": len(rushes)}


async def _rush(world: World, way: str, number: int, scale: float) -> list[int]:
    """Units sold of each SKU beyond those there were; negative: left."""
    codes = [sku_code(at) for at in range(AT_A_TIME)]
    await world.fill(AT_A_TIME, UNITS)
    dsn = await new_database(world.postgres)
    await seed(dsn, AT_A_TIME, UNITS)
    await seed_shown(dsn, UNITS)
    await _sell_nothing_elsewhere(world, codes)
    async with world.worker(dsn), world.web(dsn) as web:
        await world.subscribe(web)
        if way == "campaign":
            await _begin_campaign(world, dsn, codes)
        await world.control("POST", "deliveries", LATE)
        buyers = BUYERS * AT_A_TIME
        quiet = max(1.0, QUIET_SECONDS * scale)
        body: dict[str, Any] = {
            "orders": round(buyers * scale),
            "rate": buyers / SECONDS,
            "skus": codes,
            "seed": number,
        }
        await world.control("POST", "load", {**body, "lines": [1, 1], "quantity": [1, 1]})
        await asyncio.sleep(body["orders"] / body["rate"] + quiet)
        if (await world.control("GET", "load"))["running"]:
            raise BenchFailed("the shops are not through with their buyers")
    sold = await _sold(world)
    return [sold[code] - UNITS for code in codes]


async def _sell_nothing_elsewhere(world: World, codes: Sequence[str]) -> None:
    """Nobody can buy it where Onhand does not look."""
    for platform, places in (("shopify", SHOPIFY_PLACES), ("bigcommerce", BIGCOMMERCE_PLACES)):
        for place in list(places)[1:]:
            for code in codes:
                body = {"platform": platform, "sku": code, "place": place, "quantity": 0}
                await world.control("POST", "edit", body)


async def _begin_campaign(world: World, dsn: str, codes: Sequence[str]) -> None:
    """As an operator does, with equal shares; and until every shop shows its own."""
    shares = [word for shop in SHOPS for word in ("--share", f"{shop.name}=33")]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(ROOT / "starter.py"), "--config", str(world.config()), "campaign", "start", *codes, *shares),
        env=world.environment | {"DATABASE_URL": dsn, "TEMPORAL_ADDRESS": world.temporal.address},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise BenchFailed(f"onhand campaign start ended with {process.returncode}: {said.decode()}")
    for _ in range(60):
        shown = [await world.shown(shop.name, shop.place) for shop in SHOPS]
        if all(sum(each[code] for each in shown) <= UNITS for code in codes):
            return
        await asyncio.sleep(0.5)
    raise BenchFailed("the shops do not show the campaign's shares")


async def _sold(world: World) -> Counter[str]:
    """Units of each SKU, by the shops' own memory."""
    sold: Counter[str] = Counter()
    for shop in SHOPS:
        answer = await world.control("GET", f"orders?platform={shop.name}&limit=1000000")
        for order in answer["orders"]:
            for line in order["lines"]:
                sold[line["sku"]] += line["quantity"]
    return sold


RUSH = Benchmark("rush", __doc__ or "", GOALS, measure)
