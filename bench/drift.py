"""drift: levels changed behind our back and writes that were lost in silence: how many read-backs find and mend them.

50,000 SKUs in three shops without limits. First 2 % of each shop's levels are changed by hand. Then every level is told
another number while Shopify and WooCommerce lose 5 % of the writes and answer that all went well (BigCommerce's answers
are never believed: a run reads its writes back itself). A cycle is one read-back of all channels; in production one
starts every 15 minutes. A cycle has found a level when it has recorded it, and mended it when the shop shows it. What
BigCommerce was told may take two minutes to show, and is no drift before: the ledger's writes are made that old.
"""

import time
from collections.abc import Mapping, Sequence

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.seeding import age_writes, move, seed
from bench.shops import SHOPS, ShopShape, sku_code
from bench.syncing import sync
from bench.world import World, new_database, open_world
from onhand import reconciliations
from onhand.channels.bigcommerce.adapter import CAPABILITIES as BIGCOMMERCE
from onhand.ledger import reconcile
from onhand.ledger.database import open_pool
from onhand.ledger.reconcile import DriftRow
from onhand.messages import ReconcileRequest

SKUS = 50_000
OPENING = 100
EDITED_SHARE = 0.02
LOST_SHARE = 0.05
CYCLES_MAX = 3
ROWS_MAX = 1_000_000
LOSING = ("shopify", "woocommerce")

GOALS = (
    Goal("cycles_to_find", "Read-backs until every level changed behind our back is found", at_most=1),
    Goal("cycles_to_repair", "Read-backs until all of them show what they should", at_most=1),
    Goal("silent_found_share", "Share of silently lost writes that one read-back finds", at_least=1.0),
    Goal("silent_wrong_after", "Levels that are wrong after it", at_most=0),
)


async def measure(options: Options) -> Figures:
    """Both, so many times."""
    skus = options.sized(SKUS)
    rounds = []
    for number in range(options.runs or 1):
        tell(f"drift: run {number + 1}, {skus:,} SKUs")
        async with open_world(limits=False) as world:
            rounds.append(await _round(world, skus))
    return {**medians(rounds), "skus": skus, "runs": len(rounds)}


async def _round(world: World, skus: int) -> Figures:
    await world.fill(skus)
    dsn = await new_database(world.postgres)
    await seed(dsn, skus, OPENING)
    async with world.worker(dsn) as worker:
        await sync(world, dsn, worker, "first sync")
        await age_writes(dsn, BIGCOMMERCE.visible_within_seconds)
        edited = await _changed_behind_our_back(world, dsn, skus)
        for name in LOSING:
            fault = {"kind": "lost_writes", "share": LOST_SHARE, "seed": 7}
            await world.control("PUT", f"{name}/faults", fault)
        await move(dsn, skus, 1, "moved")
        await sync(world, dsn, worker, "every level changed, 5 % of the writes lost")
        await world.control("DELETE", "faults")
        await age_writes(dsn, BIGCOMMERCE.visible_within_seconds)
        return edited | await _lost_in_silence(world, dsn, skus)


async def _changed_behind_our_back(world: World, dsn: str, skus: int) -> Figures:
    """A person sets 2 % of the levels of each shop two higher."""
    step = max(1, round(1 / EDITED_SHARE))
    changed = {(shop.name, sku_code(at)) for shop in SHOPS for at in range(0, skus, step)}
    for shop in SHOPS:
        for at in range(0, skus, step):
            body = {"platform": shop.name, "sku": sku_code(at), "place": shop.place, "quantity": OPENING + 2}
            await world.control("POST", "edit", body)
    found: set[tuple[str, str]] = set()
    cycles_to_find = cycles_to_repair = 0
    seconds = 0.0
    for cycle in range(1, CYCLES_MAX + 1):
        took, rows = await _cycle(world, dsn)
        seconds += took
        found |= {(row.channel, row.sku) for row in rows}
        if found >= changed and not cycles_to_find:
            cycles_to_find = cycle
        if not sum((await _wrong(world, OPENING)).values()):
            cycles_to_repair = cycle
            break
    if not cycles_to_find or not cycles_to_repair:
        raise BenchFailed(
            f"after {CYCLES_MAX} read-backs {len(changed - found)} of {len(changed)} are not found"
        )
    return {
        "changed_levels": len(changed),
        "cycles_to_find": cycles_to_find,
        "cycles_to_repair": cycles_to_repair,
        "accused_in_vain": len(found - changed),
        "seconds_to_repair": seconds,
    }


async def _lost_in_silence(world: World, dsn: str, skus: int) -> Figures:
    """What the shops lost, against what one read-back finds, and calls by that name."""
    lost = await _wrong_skus(world, OPENING + 1)
    if not lost:
        return {"silent_found_share": None, "silent_wrong_after": None, "silent_lost": 0}
    took, rows = await _cycle(world, dsn)
    found = {(row.channel, row.sku) for row in rows}
    named = {(row.channel, row.sku) for row in rows if row.cause == "lost_write"}
    return {
        "silent_lost": len(lost),
        "silent_found_share": len(found & lost) / len(lost),
        "silent_named_share": len(named & lost) / len(lost),
        "silent_seconds": took,
        "silent_wrong_after": len(await _wrong_skus(world, OPENING + 1)),
    }


async def _cycle(world: World, dsn: str) -> tuple[float, Sequence[DriftRow]]:
    """One read-back of all channels: its seconds, and what it recorded."""
    began = time.monotonic()
    handle = await reconciliations.start(world.client, ReconcileRequest(trigger="operator"))
    status, summary, _ = await reconciliations.outcome(handle)
    took = time.monotonic() - began
    tell(f"  read-back: {took:.1f} s, {status}: {summary}")
    if status in ("failed", "partial"):
        raise BenchFailed(f"a read-back ended {status}: {summary}")
    async with open_pool(dsn, size=1) as pool:
        record = await reconcile.get(pool, handle.id)
        assert record is not None, "it was written down when it began"
        return took, await reconcile.drifts(pool, since=record.started_at, limit=ROWS_MAX)


async def _wrong(world: World, level: int) -> Mapping[str, int]:
    """How many levels of each shop are not `level`."""
    return {shop.name: len(await _wrong_of(world, shop, level)) for shop in SHOPS}


async def _wrong_skus(world: World, level: int) -> set[tuple[str, str]]:
    return {(shop.name, sku) for shop in SHOPS for sku in await _wrong_of(world, shop, level)}


async def _wrong_of(world: World, shop: ShopShape, level: int) -> list[str]:
    shown = await world.shown(shop.name, shop.place)
    return [sku for sku, quantity in shown.items() if quantity != level]


DRIFT = Benchmark("drift", __doc__ or "", GOALS, measure)
