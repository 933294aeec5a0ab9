"""How soon levels are told again after kill -9 of a process, under orders and on a network that is well."""

import asyncio
import time
from datetime import UTC, datetime

import psycopg

from bench.chaos.world import World
from bench.figures import BenchFailed

RATE = 10
RECOVERY_SECONDS_MAX = 60.0
AFTERWARDS_SECONDS = 6.0
"""Between two deaths: each is to hit a system that is at ease."""

FIRST_PUSH = "SELECT min(answered_at) FROM push WHERE outcome = 'accepted' AND sent_at > %s"


async def measure(world: World, skus: list[str]) -> dict[str, float]:
    """Seconds from the death of each process to the first push that a channel accepted after it.

    Of Temporal and Postgres a push counts once they are up again: what the worker still finishes without them is not
    their recovery.
    """
    found = {}
    seconds = 4 * (RECOVERY_SECONDS_MAX + AFTERWARDS_SECONDS)
    await world.control("POST", "load", {"rate": RATE, "seconds": seconds, "skus": skus, "seed": 1})
    try:
        await asyncio.sleep(AFTERWARDS_SECONDS)
        for process in ("worker", "temporal", "postgres"):
            found[process] = await _recovered(world, process)
            await asyncio.sleep(AFTERWARDS_SECONDS)
    finally:
        await world.control("DELETE", "load")
    return found


async def _recovered(world: World, process: str) -> float:
    killed_at = datetime.now(UTC)
    await world.kill(process)
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        again = world.restarted.get(process)
        if again is None or again < killed_at:
            continue
        try:
            ((pushed_at,),) = await world.rows(FIRST_PUSH, killed_at if process == "worker" else again)
        except psycopg.OperationalError:
            continue
        if pushed_at is not None:
            return float((pushed_at - killed_at).total_seconds())
    raise BenchFailed(f"{process} was killed, and no level was told within {RECOVERY_SECONDS_MAX:.0f} s")
