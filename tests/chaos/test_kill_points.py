"""kill -9 at each named point of the worker and the web app: what was committed is there, what was not is done again.

One world serves the module: every program a process, shops beside. At each point one order is sold, the program dies
there, and what the database holds in that moment is what was committed; in the end ledger and shops are what was sold.
Nobody else brings an order meanwhile: shops are asked for what nobody told of only after a death.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from bench.chaos.armed import POINTS
from bench.chaos.judging import Verdict, converge, judge, replay
from bench.chaos.run import OPENING, SKUS, fill
from bench.chaos.world import Sweeps, World, open_world

AN_HOUR = 3_600
CONVERGE_SECONDS_MAX = 40.0
SWEEP_SECONDS = 5.0
REST_SECONDS_MAX = 30.0
REPORT_SECONDS = 0.3
"""Who went to sleep has reported it by then."""
AWAKE = "SELECT count(*)::int FROM channel_work WHERE intake_awake OR publish_awake"
COUNTS = "SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM event), (SELECT count(*) FROM push)"


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    """Three shops, synchronised once."""
    async with open_world(durable=False, sweeps=Sweeps(seconds=AN_HOUR)) as found:
        await fill(found)
        yield found


@dataclass(frozen=True)
class AtDeath:
    """What is in the database when a program dies: whether the delivery, its event and a push of it are."""

    inbox: bool
    event: bool
    push: bool


AT_DEATH = {
    "accept.before_call": AtDeath(False, False, False),
    "accept.before_commit": AtDeath(False, False, False),
    "accept.after_commit": AtDeath(True, True, True),
    "accept.before_report": AtDeath(True, True, True),
    "intake.before_call": AtDeath(True, False, False),
    "intake.after_call": AtDeath(True, False, False),
    "intake.before_commit": AtDeath(True, False, False),
    "intake.after_commit": AtDeath(True, True, False),
    "intake.before_report": AtDeath(True, True, True),
    "publish.before_call": AtDeath(True, True, False),
    "publish.after_call": AtDeath(True, True, False),
    "publish.before_commit": AtDeath(True, True, False),
    "publish.after_commit": AtDeath(True, True, True),
    "publish.before_report": AtDeath(True, True, True),
}
"""What lives on goes on: once the web app has written down, the worker does the rest while it is dead."""

SURE = {
    "accept.after_commit": ("inbox",),
    "accept.before_report": ("inbox",),
    "intake.before_report": ("inbox", "event"),
}
"""Where others go on at the same time, only this is certain in that moment."""


@pytest.mark.parametrize("point", [point for points in POINTS.values() for point in points])
async def test_it_dies_there_and_nothing_is_lost_or_doubled(world: World, point: str) -> None:
    """Goal: no moment is a bad one to die. Method: one order, death at the point, the books of that moment, the end.

    BigCommerce only hints at its orders, so that the worker has to fetch them.
    """
    program = next(name for name, points in POINTS.items() if point in points)
    await at_rest(world)
    before = await counts(world)
    killing = asyncio.create_task(world.kill(program, point))
    await asyncio.sleep(0.1)
    lines = [{"sku": SKUS[0], "quantity": 3}]
    await world.control("POST", "order", {"platform": "bigcommerce", "lines": lines})
    await killing
    at_death = await counts(world)
    assert world.deaths[f"{program} {point}"] == 1
    expected = AT_DEATH[point]
    grown = dict(
        zip(
            ("inbox", "event", "push"),
            (now > then for now, then in zip(at_death, before, strict=True)),
            strict=True,
        )
    )
    for name in SURE.get(point, ("inbox", "event", "push")):
        assert grown[name] is getattr(expected, name), (name, before, at_death)
    async with sweeping(world):
        verdict = Verdict(converged=await converge(world, OPENING, CONVERGE_SECONDS_MAX))
    await judge(world, OPENING, verdict, audited=False)
    assert None not in verdict.converged.values()
    assert (verdict.lost, verdict.doubled, verdict.wrong) == (0, 0, [])


async def test_what_was_taken_at_every_point_changes_nothing_when_taken_again(world: World) -> None:
    """Goal: all of it once. Method: an audit; then every delivery of all the deaths above is taken once more."""
    verdict = Verdict()
    await judge(world, OPENING, verdict)
    await replay(world, OPENING, verdict)
    assert verdict.wrong == []


async def test_the_judge_finds_what_is_wrong(world: World) -> None:
    """Goal: the negative control of all above. Method: an order taken out of the ledger, a level edited."""
    ((order,),) = await world.rows("SELECT min(order_id) FROM channel_order")
    await world.rows("UPDATE event SET source = 'elsewhere' WHERE detail->>'order' = %s", order)
    await world.rows("UPDATE balance SET available = available + 1 WHERE sku_id = (SELECT min(id) FROM sku)")
    verdict = Verdict()
    await judge(world, OPENING, verdict)
    assert (verdict.lost, verdict.doubled) == (1, 0)
    told = "\n".join(verdict.wrong)
    assert f"ledger ('{SKUS[0]}', 'leeds')" in told
    assert "1 orders lost, 0 doubled" in told
    assert "audit: what is remembered of an order is what its events posted" in told
    assert "audit: a balance is the fold of its entries" in told
    await world.control("POST", "edit", {"platform": "woocommerce", "sku": SKUS[1], "quantity": 5})
    converged = await converge(world, OPENING, 1.0)
    assert converged["woocommerce"] is None
    assert converged["shopify"] is not None


async def at_rest(world: World) -> None:
    """Nobody is awake: else one that goes to sleep would pass a point, and die there, before the order comes."""
    async with asyncio.timeout(REST_SECONDS_MAX), sweeping(world):
        while await world.rows(AWAKE) != [(0,)]:
            await asyncio.sleep(0.05)
    async with asyncio.timeout(REST_SECONDS_MAX):
        while await world.sweeps() or await world.rows(AWAKE) != [(0,)]:
            await asyncio.sleep(0.05)
    await asyncio.sleep(REPORT_SECONDS)


@asynccontextmanager
async def sweeping(world: World) -> AsyncIterator[None]:
    """Shops are asked again and again, as they are on any day."""

    async def again_and_again() -> None:
        while True:
            await world.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    task = asyncio.create_task(again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def counts(world: World) -> tuple[int, ...]:
    """Deliveries, events and pushes that are committed."""
    ((*found,),) = await world.rows(COUNTS)
    return tuple(found)
