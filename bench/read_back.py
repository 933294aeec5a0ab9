"""read_back: every level of 50,000 listings on three channels read back, within the documented limits.

A read-back of all channels at once by the worker, with nothing wrong to be found: it walks over each channel and merges
what it finds with the ledger. Each channel's time is held against the least its limits allow (bench/least.py).
Shopify's bucket was emptied before. One walk over BigCommerce fits into a window of its quota, so its limits say
nothing of it: it is read back nine times in a row. Memory is the worker's without limits, at ten times the size, too.
"""

import asyncio
from collections.abc import Sequence

from bench.draining import drain
from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.least import bigcommerce_walk_seconds, shopify_walk_seconds, woocommerce_walk_seconds
from bench.machine import peak_rss_mb
from bench.seeding import seed, seed_shown
from bench.shops import BIGCOMMERCE, SHOPS
from bench.world import World, new_database, open_world
from onhand import reconciliations
from onhand.ledger.database import open_pool
from onhand.ledger.reconcile import ReconciledChannel
from onhand.messages import ReconcileRequest
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.settings import BigCommerceSettings

SKUS = 50_000
MEMORY_SKUS = (50_000, 500_000)
RUNS = 3
OPENING = 7
BIGCOMMERCE_ROUNDS = 9
SHARE = float(BigCommerceSettings.model_fields["quota_share"].default)

GOALS = (
    Goal("shopify_over_limit", "Shopify: time of a read-back / least its limits allow", at_most=1.1),
    Goal("woocommerce_over_limit", "WooCommerce: the same", at_most=1.1),
    Goal("bigcommerce_over_limit", "BigCommerce: the same, of nine in a row", at_most=1.1),
    Goal(
        "rss_growth",
        "Worker's peak memory at 500,000 listings a channel / at 50,000, less 1",
        at_most=0.2,
    ),
)


async def measure(options: Options) -> Figures:
    """Both parts: limited, memory."""
    skus, runs = options.sized(SKUS), options.runs or RUNS
    tell(f"read_back: {skus:,} SKUs on {len(SHOPS)} channels; {runs} runs")
    async with open_world(limits=True) as world:
        dsn = await _seeded(world, skus)
        async with world.worker(dsn):
            limited = medians([await _limited(world, dsn, skus) for _ in range(runs)])
    async with open_world(limits=False) as world:
        memory = await _memory(world, [options.sized(size) for size in MEMORY_SKUS])
    return {**limited, **memory, "skus": skus, "runs": runs}


async def _seeded(world: World, skus: int) -> str:
    """A ledger and three shops that agree on every level; the ledger's DSN."""
    await world.fill(skus, OPENING)
    dsn = await new_database(world.postgres)
    await seed(dsn, skus, OPENING)
    await seed_shown(dsn, OPENING)
    return dsn


async def _limited(world: World, dsn: str, skus: int) -> Figures:
    """One run with the limits enforced: all channels at once, then BigCommerce alone in fresh windows."""
    drained = await drain(world.sandbox, skus)
    found = {each.channel: each for each in await _read_back(world, dsn, skus, None)}
    shopify, woocommerce = found["shopify"], found["woocommerce"]
    least = {
        "shopify": shopify_walk_seconds(skus, bucket=drained.points_at(shopify.started_at.timestamp())),
        "woocommerce": woocommerce_walk_seconds(skus),
        "bigcommerce": bigcommerce_walk_seconds(skus, rounds=BIGCOMMERCE_ROUNDS, share=SHARE),
    }
    if least["bigcommerce"]:
        await asyncio.sleep(BigCommerceOptions().window_seconds)
    in_a_row = [
        each
        for _ in range(BIGCOMMERCE_ROUNDS)
        for each in await _read_back(world, dsn, skus, [BIGCOMMERCE.name])
    ]
    seconds = {
        "shopify": _seconds(shopify, shopify),
        "woocommerce": _seconds(woocommerce, woocommerce),
        "bigcommerce": _seconds(in_a_row[0], in_a_row[-1]),
    }
    figures: Figures = {}
    for name, bound in least.items():
        # What fits into what the platform gives at once says nothing of its limits.
        figures[f"{name}_over_limit"] = seconds[name] / bound if bound else None
        figures[f"{name}_seconds"] = seconds[name]
        figures[f"{name}_least_seconds"] = bound
        figures[f"{name}_calls"] = found[name].reads
        tell(f"  {name}: {seconds[name]:.1f} s, at least {bound:.1f} s; {found[name].reads} calls a walk")
    one = found[BIGCOMMERCE.name]
    return {**figures, "bigcommerce_once_seconds": _seconds(one, one)}


async def _memory(world: World, sizes: Sequence[int]) -> Figures:
    """The worker's peak memory over one read-back of each size, with a fresh worker for each."""
    peaks = []
    for skus in sizes:
        dsn = await _seeded(world, skus)
        async with world.worker(dsn) as worker:
            await _read_back(world, dsn, skus, None)
            assert worker.pid is not None, "the worker lived through it"
            peaks.append(peak_rss_mb(worker.pid))
        tell(f"  {skus:,} listings a channel: peak of the worker {peaks[-1]:.0f} MB")
    small, large = peaks
    return {"rss_growth": large / small - 1, "rss_mb_small": small, "rss_mb_large": large}


async def _read_back(
    world: World, dsn: str, skus: int, channels: list[str] | None
) -> list[ReconciledChannel]:
    """Read channels back once. Raises BenchFailed unless every level was found, and nothing wrong with any."""
    request = ReconcileRequest(channels=channels, trigger="operator")
    handle = await reconciliations.start(world.client, request)
    status, summary, _ = await reconciliations.outcome(handle)
    async with open_pool(dsn, size=1) as pool:
        progress = await reconciliations.look(pool, handle.id)
    for each in progress.channels:
        if (each.levels, each.suspects) != (skus, 0):
            raise BenchFailed(
                f"{each.channel}: {each.levels} levels were found, {each.suspects} of them suspect ({summary})"
            )
    if status in ("failed", "partial") or len(progress.channels) != len(channels or SHOPS):
        raise BenchFailed(f"a read-back ended {status}: {summary}")
    return list(progress.channels)


def _seconds(first: ReconciledChannel, last: ReconciledChannel) -> float:
    """From the beginning of one channel's part to the end of another's."""
    assert last.finished_at is not None, "a read-back that has ended says when"
    return (last.finished_at - first.started_at).total_seconds()


READ_BACK = Benchmark("read_back", __doc__ or "", GOALS, measure)
