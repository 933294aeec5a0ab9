"""read_back: every level of 50,000 listings on three channels read back, within the documented limits.

Each channel's time is held against the least its limits allow (bench/least.py); all three are walked at once. Shopify's
bucket was emptied before. One walk over BigCommerce fits into a window of its quota, so its limits say nothing of it:
it is walked five times in a row. Memory is that of the walking process without limits, at ten times the size.
"""

import asyncio
from collections.abc import Mapping, Sequence
from statistics import median

from bench.draining import drain
from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.least import bigcommerce_walk_seconds, shopify_walk_seconds, woocommerce_walk_seconds
from bench.shops import SHOPS
from bench.walking import Walks, walks
from bench.world import World, open_world
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.settings import BigCommerceSettings

SKUS = 50_000
MEMORY_SKUS = (50_000, 500_000)
RUNS = 3
OPENING = 7
"""Units of each SKU on every channel: what is found must add up."""

ROUNDS = {"shopify": 1, "woocommerce": 1, "bigcommerce": 5}
SHARE = float(BigCommerceSettings.model_fields["quota_share"].default)

GOALS = (
    Goal(
        "shopify_over_limit", "Shopify: time of a walk over all levels / least its limits allow", at_most=1.1
    ),
    Goal("woocommerce_over_limit", "WooCommerce: the same", at_most=1.1),
    Goal("bigcommerce_over_limit", "BigCommerce: the same, of five walks in a row", at_most=1.1),
    Goal(
        "rss_growth",
        "Peak memory of the walking process at 500,000 listings a channel / at 50,000, less 1",
        at_most=0.2,
    ),
)


async def measure(options: Options) -> Figures:
    """Both parts: limited, memory."""
    skus, runs = options.sized(SKUS), options.runs or RUNS
    tell(f"read_back: {skus:,} SKUs on {len(SHOPS)} channels; {runs} runs")
    async with open_world(limits=True) as world:
        await world.fill(skus, OPENING)
        limited = medians([await _limited(world, skus) for _ in range(runs)])
    async with open_world(limits=False) as world:
        memory = await _memory(world, [options.sized(size) for size in MEMORY_SKUS], runs)
    return {**limited, **memory, "skus": skus, "runs": runs}


async def _limited(world: World, skus: int) -> Figures:
    """One run with the limits enforced, in a fresh window and with an empty bucket."""
    least = {
        "woocommerce": woocommerce_walk_seconds(skus),
        "bigcommerce": bigcommerce_walk_seconds(skus, rounds=ROUNDS["bigcommerce"], share=SHARE),
    }
    if least["bigcommerce"]:
        await asyncio.sleep(BigCommerceOptions().window_seconds)
    drained = await drain(world.sandbox, skus)
    walked = await walks(world, ROUNDS)
    _require_found(walked, skus, ROUNDS)
    held = drained.points_at(walked.channels["shopify"].began)
    least["shopify"] = shopify_walk_seconds(skus, bucket=held)
    figures: Figures = {}
    for name, each in walked.channels.items():
        bound = least[name]
        # What fits into what the platform gives at once says nothing of its limits.
        figures[f"{name}_over_limit"] = each.seconds / bound if bound else None
        figures[f"{name}_seconds"] = each.seconds
        figures[f"{name}_least_seconds"] = bound
        figures[f"{name}_calls"] = each.calls
        figures[f"{name}_throttled"] = each.throttled
        tell(f"  {name}: {each.seconds:.1f} s, at least {bound:.1f} s; {each.calls} calls")
    return figures


async def _memory(world: World, sizes: Sequence[int], runs: int) -> Figures:
    """The peak memory of a walk over all channels at each size, with a fresh process for each; medians."""
    once = dict.fromkeys(ROUNDS, 1)
    peaks = []
    for skus in sizes:
        await world.fill(skus, OPENING)
        found = [await walks(world, once) for _ in range(runs)]
        for walked in found:
            _require_found(walked, skus, once)
        peaks.append(median(walked.peak_mb for walked in found))
        tell(f"  {skus:,} listings a channel: peak of {peaks[-1]:.0f} MB")
    small, large = peaks
    return {"rss_growth": large / small - 1, "rss_mb_small": small, "rss_mb_large": large}


def _require_found(walked: Walks, skus: int, rounds: Mapping[str, int]) -> None:
    """Raise BenchFailed unless every level was found in every round, with what the shop holds."""
    for name, each in walked.channels.items():
        expected = skus * rounds[name]
        if (each.levels, each.units) != (expected, expected * OPENING):
            raise BenchFailed(
                f"{name}: {each.levels} levels with {each.units} units were found, not {expected}"
            )


READ_BACK = Benchmark("read_back", __doc__ or "", GOALS, measure)
