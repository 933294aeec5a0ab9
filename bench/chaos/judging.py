"""Whether all is well in the end: what the shops sold, folded apart, against the ledger, the shops, and a replay.

Nothing here uses the code under test: orders come from the shops' own memory, numbers by plain SQL from the ledger.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.expected import PLATFORMS, Folded, Stock, expected_levels, fold
from bench.chaos.world import World
from bench.figures import BenchFailed
from onhand.waking import wake_intakes

Orders = Mapping[str, Sequence[Mapping[str, Any]]]
"""What each shop sold, as it remembers it."""

SETTLE_SECONDS_MAX = 120.0
WRONG_TOLD = 20
QUIET_LOOKS = 3
LOOK_SECONDS = 0.4

BALANCES = """
SELECT s.code, l.code, b.available, b.committed, b.customer FROM balance b
  JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id
"""
PER_ORDER = """
SELECT c.name, v.detail->>'order', sum(e.quantity)
  FROM event v
  JOIN channel c ON v.source = 'channel/' || c.name
  JOIN entry e ON e.event_id = v.id AND e.state IN ('committed', 'customer')
 GROUP BY 1, 2
"""
WAITING = "SELECT count(*) FROM inbox WHERE outcome IS NULL"
PENDING = "SELECT count(*) FROM outbox"
OUTCOMES = """
SELECT outcome, count(*) FROM inbox
 WHERE outcome IS NOT NULL OR received_at < clock_timestamp() - interval '20 seconds'
 GROUP BY outcome
"""
AGAIN = """
UPDATE inbox SET outcome = NULL, settled_at = NULL, reason = ''
 WHERE kind IN ('order', 'order_hint') AND outcome IN ('posted', 'unchanged', 'stale', 'noted')
"""
AWAKE = "UPDATE channel_work SET intake_awake = true"
STATE = """
SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM entry),
       (SELECT md5(string_agg(b::text, '' ORDER BY b.sku_id, b.location_id)) FROM balance b),
       (SELECT md5(string_agg(l::text, '' ORDER BY l.channel_id, l.order_id, l.line_id)) FROM order_line l)
"""


@dataclass
class Verdict:
    """What became of everything. `wrong`: what is not as it must be, in words; empty when all is well.

    `accepted`: orders that the shops took. `lost`, `doubled`: those of which the ledger has fewer, or more, units.
    `converged`: seconds after the faults' end until each shop showed its targets; None: it did not.
    """

    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    deliveries: int = 0
    converged: dict[str, float | None] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


async def converge(world: World, opening: Stock, seconds_max: float) -> dict[str, float | None]:
    """Seconds until each shop shows what is left of the opening stock after all that was sold anywhere."""
    stock = _folded(await _orders(world)).left(opening)
    began = time.monotonic()
    converged: dict[str, float | None] = dict.fromkeys(PLATFORMS)
    while None in converged.values() and time.monotonic() - began < seconds_max:
        for platform in PLATFORMS:
            right = await world.levels(platform) == expected_levels(platform, stock)
            if right and converged[platform] is None:
                converged[platform] = time.monotonic() - began
            elif not right:
                converged[platform] = None
        await asyncio.sleep(0.2)
    return converged


async def _orders(world: World) -> Orders:
    return {platform: await world.orders(platform) for platform in PLATFORMS}


def _folded(orders: Orders) -> Folded:
    return fold(order for each in orders.values() for order in each)


async def judge(world: World, opening: Stock, verdict: Verdict, *, audited: bool = True) -> None:
    """Look at everything once more, now that all is still; what is wrong is added to the verdict.

    `audited`: by `onhand audit`, too.
    """
    await _until_settled(world)
    orders = await _orders(world)
    folded = _folded(orders)
    ledger = await world.rows(BALANCES)
    kept = {(sku, location): tuple(units) for sku, location, *units in ledger}
    verdict.wrong += _differing("ledger", kept, folded.balances(opening))
    await _count_orders(world, orders, verdict)
    stock = folded.left(opening)
    for platform in PLATFORMS:
        verdict.wrong += _differing(platform, await world.levels(platform), expected_levels(platform, stock))
    outcomes = dict(await world.rows(OUTCOMES))
    verdict.deliveries = sum(outcomes.values())
    odd = {name: count for name, count in outcomes.items() if name in (None, "poison")}
    if odd:
        verdict.wrong.append(f"deliveries without an outcome, or poison: {odd}")
    if audited:
        await _audit(world, verdict)


async def replay(world: World, opening: Stock, verdict: Verdict) -> None:
    """Take every delivery of an order once more: nothing may change, in the ledger or in the shops."""
    before = await world.rows(STATE)
    shown = {platform: await world.levels(platform) for platform in PLATFORMS}
    await world.rows(AGAIN)
    await world.rows(AWAKE)
    await wake_intakes(await world.client(), PLATFORMS)
    await _until_settled(world)
    if (after := await world.rows(STATE)) != before:
        verdict.wrong.append(f"a replay changed the ledger: {before} became {after}")
    for platform in PLATFORMS:
        verdict.wrong += _differing(
            f"{platform} after a replay", await world.levels(platform), shown[platform]
        )


async def _until_settled(world: World) -> None:
    """Until nothing is on its way, at several looks in a row."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    quiet_looks = 0
    while quiet_looks < QUIET_LOOKS:
        left = await _on_its_way(world)
        quiet_looks = 0 if any(left.values()) else quiet_looks + 1
        if not quiet_looks and time.monotonic() > deadline:
            raise BenchFailed(f"still on its way {SETTLE_SECONDS_MAX:.0f} s after all was over: {left}")
        await asyncio.sleep(LOOK_SECONDS)


async def _on_its_way(world: World) -> dict[str, int]:
    """What has to come to rest: nothing to be published, no delivery, nothing in the inbox."""
    ((outbox,),) = await world.rows(PENDING)
    stats = await world.control("GET", "stats")
    deliveries = sum(stats[name]["deliveries"]["waiting"] for name in PLATFORMS)
    ((inbox,),) = await world.rows(WAITING)
    return {"outbox": outbox, "deliveries": deliveries, "inbox": inbox}


async def _count_orders(world: World, orders: Orders, verdict: Verdict) -> None:
    """Each order's units, as its shop has them and as the ledger has: once, all of them."""
    sold: Counter[tuple[str, str]] = Counter()
    for platform, each in orders.items():
        for order in each:
            verdict.accepted += 1
            sold[platform, order["order"]] = sum(
                line["quantity"] - line["cancelled"] - line["restocked"] for line in order["lines"]
            )
    posted = Counter({(channel, order): units for channel, order, units in await world.rows(PER_ORDER)})
    for name in sold.keys() | posted.keys():
        if posted[name] < sold[name]:
            verdict.lost += 1
        elif posted[name] > sold[name]:
            verdict.doubled += 1
    if verdict.lost or verdict.doubled:
        verdict.wrong.append(f"{verdict.lost} orders lost, {verdict.doubled} doubled")


async def _audit(world: World, verdict: Verdict) -> None:
    code, report = await world.onhand("audit")
    for each in report["invariants"]:
        if not each["holds"]:
            verdict.wrong.append(f"audit: {each['says']}: {each['breaches']}")
    if code != 0 and report["clean"]:
        verdict.wrong.append(f"audit: exit code {code} of a clean ledger")


def _differing(where: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> list[str]:
    wrong = sorted(at for at in expected if found.get(at) != expected[at])
    told = [f"{where} {at}: {found.get(at)}, not {expected[at]}" for at in wrong[:WRONG_TOLD]]
    return [*told, f"{where}: {len(wrong)} in all"] if len(wrong) > WRONG_TOLD else told
