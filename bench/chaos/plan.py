"""A bad day for our own processes and the network between them, minute by minute, drawn from a seed. Pure.

What goes wrong in the shops is planned by the sandbox (`onhand.sandbox.fault_plan`), from the same seed.
"""

import random
from dataclasses import dataclass

from bench.chaos.armed import POINTS
from bench.chaos.proxy import Fault

MINUTE_SECONDS = 60.0
QUIET_SHARE = 0.25
"""Of all minutes, those in which the network is well; kills come all the same."""
PROCESSES = {"worker": 5, "web": 3, "temporal": 2, "postgres": 2}
"""Who dies, and how often against the others."""
POINTED_SHARE = 0.6
"""Of the deaths of our own programs, those at a named point; the others come at any moment."""
MISHAPS_MAX = 3
SECONDS_LEFT = 8.0
"""A minute's last kill comes so long before its end, so that it counts to its own minute."""


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9 of `process`, `at` seconds into the minute; `point` empty: wherever it is."""

    at: float
    process: str
    point: str = ""


@dataclass(frozen=True, slots=True)
class Mishap:
    """The network to `server` is faulty from `at` for `seconds`; `reset`: every connection is reset as it begins."""

    at: float
    seconds: float
    server: str
    fault: Fault
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Minute:
    """What happens to us in one minute, in the order of its moments."""

    kills: tuple[Kill, ...]
    mishaps: tuple[Mishap, ...]


def plan(seed: int, minute: int, kills: int, seconds: float = MINUTE_SECONDS) -> Minute:
    """The same for the same seed, minute (from 0) and number of kills; `seconds`: how long this minute is."""
    chance = random.Random(f"{seed}/{minute}")
    span = (seconds - min(SECONDS_LEFT, seconds / 4)) / max(1, kills)
    deaths = tuple(_kill(chance, span * n + chance.uniform(0, span * 0.6)) for n in range(kills))
    if chance.random() < QUIET_SHARE:
        return Minute(deaths, ())
    mishaps = [_mishap(chance, seconds) for _ in range(chance.randint(1, MISHAPS_MAX))]
    return Minute(deaths, tuple(sorted(mishaps, key=lambda mishap: mishap.at)))


def _kill(chance: random.Random, at: float) -> Kill:
    (process,) = chance.choices(list(PROCESSES), list(PROCESSES.values()))
    pointed = process in POINTS and chance.random() < POINTED_SHARE
    return Kill(round(at, 3), process, chance.choice(POINTS[process]) if pointed else "")


def _mishap(chance: random.Random, minute_seconds: float) -> Mishap:
    at = round(chance.uniform(0, minute_seconds * 0.75), 3)
    server = chance.choice(("postgres", "temporal"))
    seconds = round(chance.uniform(1, 10), 3)
    match chance.randrange(5):
        case 0:
            return Mishap(at, seconds, server, Fault(latency_seconds=round(chance.uniform(0.005, 0.2), 3)))
        case 1:
            return Mishap(at, seconds, server, Fault(refuse=True), reset=True)
        case 2:
            return Mishap(at, seconds, server, Fault(cut_after_bytes=chance.randrange(1, 50_000)))
        case 3:
            return Mishap(at, seconds, server, Fault(swallow=True))
        case _:
            return Mishap(at, 0.0, server, Fault(), reset=True)
