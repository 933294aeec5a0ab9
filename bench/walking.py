"""`python -m bench.walking CONFIG NAME:ROUNDS ...`: walks channels over and over, all at once, and prints what it took.

A process of its own, as the worker is, so that its memory is that of walking and nothing else.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.figures import BenchFailed
from bench.machine import peak_rss_mb
from bench.shops import SHOPS
from bench.world import ROOT, World
from onhand.channels.base import Channel, Condition
from onhand.channels.registry import make_channel
from onhand.settings import load_settings


@dataclass(frozen=True, slots=True)
class Walked:
    """The walks of one channel: when they began (seconds since the epoch), how long they took, what they found.

    `units` is the sum of all levels that sell. `throttled`: calls that the channel refused for want of budget.
    """

    began: float
    seconds: float
    levels: int
    units: int
    calls: int
    throttled: int


@dataclass(frozen=True, slots=True)
class Walks:
    """One run of the process: each channel's walks, and the most memory it ever had."""

    channels: Mapping[str, Walked]
    peak_mb: float


async def walks(world: World, rounds: Mapping[str, int]) -> Walks:
    """Walk channels so many times in a row, all channels at once, in a process of its own."""
    given = [f"{name}:{count}" for name, count in rounds.items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(world.config()), *given),
        env={**world.environment, "DATABASE_URL": world.postgres.dsn},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise BenchFailed(f"the walks ended with {process.returncode}")
    told = json.loads(answer)
    return Walks({name: Walked(**each) for name, each in told["channels"].items()}, told["peak_mb"])


async def _walk(channel: Channel, place: str, rounds: int) -> Walked:
    began, started = time.time(), time.perf_counter()
    levels = units = 0
    for _ in range(rounds):
        async for page in channel.walk_levels([place]):
            levels += len(page)
            units += sum(level.quantity or 0 for level in page if level.condition is Condition.SELLING)
    seconds = time.perf_counter() - started
    await channel.aclose()
    return Walked(began, seconds, levels, units, channel.meter.reads, channel.meter.throttled)


async def _run(config: Path, rounds: Mapping[str, int]) -> Walks:
    settings = load_settings(config)
    places = {shop.name: shop.place for shop in SHOPS}
    channels = {name: make_channel(name, settings.channels[name]) for name in rounds}
    found = await asyncio.gather(
        *(_walk(channel, places[name], rounds[name]) for name, channel in channels.items())
    )
    return Walks(dict(zip(channels, found, strict=True)), peak_rss_mb(os.getpid()))


def _main(arguments: Sequence[str]) -> None:
    config, *given = arguments
    rounds = {name: int(count) for name, _, count in (each.partition(":") for each in given)}
    print(json.dumps(asdict(asyncio.run(_run(Path(config), rounds)))))


if __name__ == "__main__":
    _main(sys.argv[1:])
