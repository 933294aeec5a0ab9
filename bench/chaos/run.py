"""One chaos run: minutes of orders under faults and kills, then stillness, then the judgement."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.expected import PLATFORMS, Stock
from bench.chaos.judging import Verdict, converge, judge, replay
from bench.chaos.plan import MINUTE_SECONDS, Kill, Minute, Mishap, plan
from bench.chaos.proxy import WELL
from bench.chaos.recovery import measure as measure_recovery
from bench.chaos.world import SWEEPS, Sweeps, World, open_world
from bench.figures import BenchFailed, tell

SKUS = [f"C-{n:02}" for n in range(60)]
OPENING: Stock = dict.fromkeys(SKUS, (1_000_000, 10_000))
RETRIES_SCALE = 0.02
"""Shopify's first retry of a webhook after 0.6 s instead of 30, BigCommerce's after 1.2."""
CONVERGE_SECONDS_MAX = 240.0
LOAD_SECONDS_MAX = 60.0
HEAL_SECONDS = 10.0
LINGERING = ("credentials_revoked", "version_retired")
"""Faults whose end only a probe finds out, a minute later: not in a run's last minute."""
NEVER = ("policy_flip", "untrack")
"""Faults that leave an item for a person to mend."""


class ChaosFailed(BenchFailed):
    """Something is not as it must be; the message says what, and where the artefacts are."""


@dataclass(frozen=True, slots=True)
class Options:
    """One run. `kills`: a minute, which is `minute_seconds` long (tests have short ones). `recovery`: whether the
    recovery of each process is measured first. `sweeps`: how shops are asked for what nobody told of."""

    seed: int
    minutes: int = 10
    rate: float = 20.0
    kills: int = 5
    recovery: bool = True
    minute_seconds: float = MINUTE_SECONDS
    sweeps: Sweeps = SWEEPS


@dataclass
class Outcome:
    """What a run did and found."""

    options: Options
    verdict: Verdict = field(default_factory=Verdict)
    deaths: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recovery: dict[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """One flat object."""
        converged = self.verdict.converged.values()
        slowest = None if None in converged or not converged else max(filter(None, converged), default=0.0)
        return {
            "kills": self.deaths.total(),
            "accepted": self.verdict.accepted,
            "lost": self.verdict.lost,
            "doubled": self.verdict.doubled,
            "slowest_convergence_s": slowest,
            **{f"recovery_{name}_s": self.recovery.get(name) for name in ("worker", "temporal", "postgres")},
            "deliveries": self.verdict.deliveries,
            "violations": len(self.verdict.wrong),
            "faults": self.faults.total(),
            "seed": self.options.seed,
            "minutes": self.options.minutes,
        }


async def run(options: Options) -> Outcome:
    """Carry it out. Raises ChaosFailed where anything is wrong in the end; the world's folder then stays."""
    outcome = Outcome(options)
    async with open_world(sweeps=options.sweeps) as world:
        tell(f"chaos: seed {options.seed}, {options.minutes} min; artefacts in {world.folder}")
        try:
            await _carry_out(world, outcome)
        except BenchFailed as error:
            _keep(world, outcome)
            raise ChaosFailed(f"{error}; artefacts: {world.folder}") from error
        finally:
            outcome.deaths.update(world.deaths)
        if outcome.verdict.wrong:
            _keep(world, outcome)
            told = "\n  ".join(outcome.verdict.wrong[:50])
            raise ChaosFailed(f"seed {options.seed}:\n  {told}\nartefacts: {world.folder}")
    return outcome


def _keep(world: World, outcome: Outcome) -> None:
    """What is known, beside the logs."""
    document = {
        **outcome.figures(),
        "wrong": outcome.verdict.wrong,
        "deaths": world.deaths,
        "converged": outcome.verdict.converged,
        "happened": world.happened,
    }
    (world.folder / "chaos.json").write_text(json.dumps(document, indent=2, default=str))


async def _carry_out(world: World, outcome: Outcome) -> None:
    options = outcome.options
    await fill(world)
    if options.recovery:
        outcome.recovery = await measure_recovery(world, SKUS)
        tell(f"  recovery: {outcome.recovery}")
    seconds = options.minutes * options.minute_seconds
    load = {"rate": options.rate, "seconds": seconds, "lines": [1, 5], "seed": options.seed, "skus": SKUS}
    await world.control("POST", "load", load)
    for minute in range(options.minutes):
        await _minute(world, outcome, minute)
    await _calm(world)
    deadline = asyncio.get_running_loop().time() + LOAD_SECONDS_MAX
    while (await world.control("GET", "load"))["running"]:
        if asyncio.get_running_loop().time() > deadline:
            raise BenchFailed("the shops are not through with their orders")
        await asyncio.sleep(0.1)
    over = asyncio.Event()
    healing = asyncio.create_task(_heal(world, over))
    verdict = outcome.verdict
    try:
        verdict.converged = await converge(world, OPENING, CONVERGE_SECONDS_MAX)
    finally:
        over.set()
        await healing
    tell(f"  converged: {verdict.converged}")
    await judge(world, OPENING, verdict)
    await replay(world, OPENING, verdict)


async def fill(world: World) -> None:
    """The same catalogue in all shops, the opening stock in the source, and a first sync."""
    await world.control("POST", "catalogue", [{"sku": sku, "title": f"Thing {sku}"} for sku in SKUS])
    (world.folder / "catalogue.csv").write_text(
        "sku,name\n" + "".join(f"{sku},Thing {sku}\n" for sku in SKUS)
    )
    for at, location in enumerate(("leeds", "london")):
        lines = [f"{sku},{location},{units[at]}\n" for sku, units in OPENING.items()]
        (world.folder / "stock" / f"{location}.csv").write_text("sku,location,quantity\n" + "".join(lines))
    for command in (("import", "catalogue", str(world.folder / "catalogue.csv")), ("sync",)):
        code, answer = await world.onhand(*command)
        if code != 0:
            raise BenchFailed(f"onhand {command[0]} ended with {code}: {answer}")
    await world.subscribe()
    await world.control("POST", "deliveries", {"time_scale": RETRIES_SCALE})


async def _minute(world: World, outcome: Outcome, minute: int) -> None:
    options = outcome.options
    last = minute == options.minutes - 1
    faults = await _faults_of(world, options.seed, minute, without=[*NEVER, *(LINGERING if last else ())])
    ours = plan(options.seed, minute, options.kills, options.minute_seconds)
    outcome.faults.update(fault["kind"] for fault in faults)
    outcome.faults.update(f"network to {mishap.server}" for mishap in ours.mishaps)
    tell(
        f"  minute {minute + 1}: {', '.join(_words(ours))}; shops: "
        + (", ".join(f"{fault['platform']} {fault['kind']}" for fault in faults) or "well")
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(_kill_all(world, ours.kills))
        for mishap in ours.mishaps:
            group.create_task(_have(world, mishap))
        group.create_task(asyncio.sleep(options.minute_seconds))


def _words(minute: Minute) -> list[str]:
    kills = [f"{kill.process}{f' at {kill.point}' if kill.point else ''}" for kill in minute.kills]
    mishaps = [
        f"{mishap.server} {'reset' if mishap.reset else ''}{mishap.fault}" for mishap in minute.mishaps
    ]
    return ["kill " + ", ".join(kills), *mishaps]


async def _faults_of(world: World, seed: int, minute: int, *, without: list[str]) -> list[Mapping[str, Any]]:
    """Switch on what goes wrong in the shops this minute."""
    body = {"seed": seed, "minute": minute, "without": without}
    answer = await world.control("POST", "faults/minute", body)
    found: list[Mapping[str, Any]] = answer["faults"]
    return found


async def _kill_all(world: World, kills: tuple[Kill, ...]) -> None:
    began = asyncio.get_running_loop().time()
    for kill in kills:
        await asyncio.sleep(max(0.0, began + kill.at - asyncio.get_running_loop().time()))
        await world.kill(kill.process, kill.point)


async def _have(world: World, mishap: Mishap) -> None:
    """One fault of the network; a later one of the same server takes its place."""
    await asyncio.sleep(mishap.at)
    proxy = world.proxies[mishap.server]
    proxy.set(mishap.fault)
    if mishap.reset:
        proxy.reset()
    await asyncio.sleep(mishap.seconds)
    if proxy.fault is mishap.fault:
        proxy.set(WELL)


async def _calm(world: World) -> None:
    """Every fault ends, everywhere."""
    for proxy in world.proxies.values():
        proxy.set(WELL)
    await world.control("DELETE", "faults")
    for platform in PLATFORMS:
        await world.control("GET", f"{platform}/faults")


async def _heal(world: World, over: asyncio.Event) -> None:
    """What a schedule does every quarter of an hour: read every level back, and repair what drifted.

    Again and again here: what BigCommerce was told may take two minutes to show, so that a write it lost is found by
    the first read-back after that.
    """
    while not over.is_set():
        code, answer = await world.onhand("reconcile")
        if code not in (0, 3):
            raise BenchFailed(f"onhand reconcile ended with {code}: {answer}")
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), HEAL_SECONDS)
