"""full_sync: 50,000 SKUs on three channels, within the documented limits and without any; and how memory grows.

Each channel's time is held against the least its limits allow (bench/least.py), the run without limits against a bare
httpx script that sends the same calls to the same sandbox (bench/bare.py).

Shopify's bucket is full before the first sync, and was emptied before the one where every level changed: a full one
would pay for 2,000 of its 2,400 points, and the figure would be of this machine. That case is told besides.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from bench import bare
from bench.draining import drain
from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.least import least_seconds, shopify_seconds
from bench.machine import peak_rss_mb
from bench.seeding import move, seed
from bench.shops import SHOPS
from bench.syncing import SyncMeasure, require_shown, sync
from bench.world import World, new_database, open_world
from onhand.embedded.services import CommandService
from onhand.sandbox.shopify.options import ShopifyOptions

SKUS = 50_000
MEMORY_SKUS = (1_000, 50_000, 500_000)
LIMITED_RUNS = 3
UNLIMITED_RUNS = 3
OPENING = 100
"""Units of each SKU at first; every step after it adds one."""

GOALS = (
    Goal("shopify_over_limit", "Shopify: time of a full sync / least its limits allow", at_most=1.05),
    Goal("woocommerce_over_limit", "WooCommerce: the same", at_most=1.05),
    Goal("bigcommerce_over_limit", "BigCommerce: the same", at_most=1.05),
    Goal("run_over_slowest", "Time of the run / time of its slowest channel", at_most=1.05),
    Goal("unlimited_vs_httpx", "No limits: listings a second / those of bare httpx", at_least=0.7),
    Goal("shopify_calls", "Write calls for all Shopify levels", at_most=205),
    Goal("max_history_events", "Events of the longest workflow history", at_most=1_999),
    Goal("second_run_writes", "Write calls of a second run with nothing changed", at_most=0),
    Goal(
        "rss_growth",
        "Worker's peak memory at 1,000, 50,000 and 500,000 listings a channel: largest / smallest, less 1",
        at_most=0.2,
    ),
)


async def measure(options: Options) -> Figures:
    """All of it: limited, unlimited, memory."""
    skus = options.sized(SKUS)
    limited_runs = options.runs or LIMITED_RUNS
    unlimited_runs = options.runs or UNLIMITED_RUNS
    tell(f"full_sync: {skus:,} SKUs; {limited_runs} limited and {unlimited_runs} unlimited runs of each kind")
    async with open_world(limits=True) as world:
        limited = medians([await _limited(world, skus) for _ in range(limited_runs)])
    async with open_world(limits=False) as world:
        unlimited = medians([await _unlimited(world, skus) for _ in range(unlimited_runs)])
        memory = await _memory(world, [options.sized(size) for size in MEMORY_SKUS])
    return {
        **limited,
        **unlimited,
        **memory,
        "skus": skus,
        "limited_runs": limited_runs,
        "unlimited_runs": unlimited_runs,
    }


async def _limited(world: World, skus: int) -> Figures:
    """A first sync, one where every level changed, and one with nothing to do, with the limits enforced."""
    tell("with the documented limits:")
    await world.fill(skus)
    dsn = await new_database(world.postgres)
    await seed(dsn, skus, OPENING)
    async with world.worker(dsn) as worker:
        first = await sync(world, dsn, worker, "first sync")
        await require_shown(world, skus, OPENING)
        await move(dsn, skus, 1, "changed")
        drained = await drain(world.sandbox, skus)
        changed = await sync(world, dsn, worker, "every level changed")
        await require_shown(world, skus, OPENING + 1)
        second = await sync(world, dsn, worker, "nothing changed")
        burst = await _burst(world, dsn, worker, skus)
    _require_changed((first, changed), skus)
    least = {
        "first": {shop.name: least_seconds(shop.name, skus, first=True) for shop in SHOPS},
        "changed": {shop.name: least_seconds(shop.name, skus, first=False) for shop in SHOPS},
    }
    held = drained.points_at(changed.began["shopify"])
    least["changed"]["shopify"] = shopify_seconds(skus, first=False, bucket=held)
    histories = [history for each in (first, changed, second) for history in each.histories]
    return {
        **_over_limits({"first": first, "changed": changed}, least),
        **burst,
        "run_over_slowest": max(first.over_slowest, changed.over_slowest),
        "shopify_calls": max(first.writes("shopify"), changed.writes("shopify")),
        "max_history_events": max(history.events for history in histories),
        "max_history_bytes": max(history.size_bytes for history in histories),
        "second_run_writes": second.writes(),
        "second_run_seconds": second.seconds,
    }


async def _burst(world: World, dsn: str, worker: CommandService, skus: int) -> Figures:
    """Shopify alone, every level changed, with a full bucket, which pays for five sixths of it at once.

    What is left to wait for is so little that this says how fast we are, not how well we keep to a limit.
    """
    least = shopify_seconds(skus, first=False)
    if not least:
        return {"shopify_full_bucket_seconds": None, "shopify_full_bucket_least_seconds": least}
    await asyncio.sleep(ShopifyOptions().points_max / ShopifyOptions().points_per_second)
    await move(dsn, skus, 1, "burst")
    measured = await sync(world, dsn, worker, "Shopify alone with a full bucket", ["shopify"])
    return {
        "shopify_full_bucket_seconds": measured.channels["shopify"],
        "shopify_full_bucket_least_seconds": least,
    }


def _over_limits(measures: Mapping[str, SyncMeasure], least: Mapping[str, Mapping[str, float]]) -> Figures:
    """Each channel's time over its least time, of the first sync and of the changed one, and the worse of both."""
    figures: Figures = {}
    for shop in SHOPS:
        ratios = []
        for kind, measured in measures.items():
            wall, bound = measured.channels[shop.name], least[kind][shop.name]
            # A small sync may fit into what the platform gives at once; then its limits say nothing.
            ratio = wall / bound if bound else None
            figures[f"{shop.name}_{kind}_seconds"] = wall
            figures[f"{shop.name}_{kind}_least_seconds"] = bound
            figures[f"{shop.name}_{kind}_over_limit"] = ratio
            ratios += [ratio] if ratio is not None else []
        figures[f"{shop.name}_over_limit"] = max(ratios, default=None)
    return figures


async def _unlimited(world: World, skus: int) -> Figures:
    """The same without limits, then the bare script on the same sandbox; the worse of first and changed counts."""
    tell("without limits:")
    await world.fill(skus)
    dsn = await new_database(world.postgres)
    await seed(dsn, skus, OPENING)
    async with world.worker(dsn) as worker:
        first = await sync(world, dsn, worker, "first sync")
        await move(dsn, skus, 1, "changed")
        changed = await sync(world, dsn, worker, "every level changed")
        second = await sync(world, dsn, worker, "nothing changed")
    _require_changed((first, changed), skus)
    bare_changed = await _bare(world, skus, OPENING + 2, OPENING + 1)
    bare_first = await _bare(world, skus, OPENING + 3, OPENING + 2, "--reads")
    await require_shown(world, skus, OPENING + 3)
    listings = skus * len(SHOPS)
    tell(f"  bare httpx: {bare_first:.1f} s as a first sync, {bare_changed:.1f} s changed")
    return {
        "unlimited_vs_httpx": min(bare_first / first.seconds, bare_changed / changed.seconds),
        "first_vs_httpx": bare_first / first.seconds,
        "changed_vs_httpx": bare_changed / changed.seconds,
        "first_listings_per_s": listings / first.seconds,
        "changed_listings_per_s": listings / changed.seconds,
        "httpx_first_listings_per_s": listings / bare_first,
        "httpx_changed_listings_per_s": listings / bare_changed,
        "unlimited_second_run_seconds": second.seconds,
    }


async def _bare(world: World, skus: int, level: int, shown: int, *flags: str) -> float:
    """The seconds of the bare script, in a process of its own as the worker is."""
    arguments = [world.sandbox, *map(str, (skus, level, shown)), *flags]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", bare.__name__, *arguments), stdout=asyncio.subprocess.PIPE
    )
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise BenchFailed(f"the bare script ended with {process.returncode}")
    return float(answer)


async def _memory(world: World, sizes: Sequence[int]) -> Figures:
    """The worker's peak memory over a first sync of each size, with a fresh worker for each."""
    tell("memory:")
    peaks = []
    for skus in sizes:
        await world.fill(skus)
        dsn = await new_database(world.postgres)
        await seed(dsn, skus, OPENING)
        async with world.worker(dsn) as worker:
            measured = await sync(world, dsn, worker, f"first sync of {skus:,}")
            assert worker.pid is not None, "the worker lived through the run"
            peaks.append(peak_rss_mb(worker.pid))
        _require_changed((measured,), skus)
        tell(f"  peak of the worker: {peaks[-1]:.0f} MB")
    small, middle, large = peaks
    return {
        "rss_growth": max(peaks) / min(peaks) - 1,
        "rss_growth_from_middle": large / middle - 1,
        "rss_mb_small": small,
        "rss_mb_middle": middle,
        "rss_mb_large": large,
    }


def _require_changed(measures: Sequence[SyncMeasure], skus: int) -> None:
    for each in measures:
        if each.changed != skus * len(SHOPS):
            raise BenchFailed(f"{each.changed} levels were changed, not {skus * len(SHOPS)}")


FULL_SYNC = Benchmark("full_sync", __doc__ or "", GOALS, measure)
