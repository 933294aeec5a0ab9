"""black_friday: 200 units and a rush of buyers, in the field's ways and in ours: what is oversold, and what that costs.

Simulated (onhand/simulation), on the same days for each way: 240 buyers in 14 minutes on two channels; 1,000 in 60 s on
two even and on three uneven channels. A sale is heard of after 0.5 to 1.5 s, a call takes 0.2 to 0.8 s. *With mishaps*,
10 % of the webhooks are doubled and 20 % shuffled, one channel answers 429 for 10 s, and the worker is killed twice and
away for 5 s each time, all of it while stock is left.

Ours are decided by the very rules that decide live (onhand/domain), under the modes *pooled* and *adaptive*, and in
a *campaign* by demand, which begins with equal shares. *Planned* campaigns, and *fixed* shares, begin with shares by
expected demand. All others begin with every channel showing everything, and nobody knowing of the rush. *Relative*
channels change levels exactly once, *absolute* ones only set them; *mixed*: the first one changes, the others set.

The figures without a prefix are of the hardest sale, three uneven channels, without mishaps; `mishaps_` is the same
with them; the others are named after their sale. `oversold` is the mean in units, `p99` what 99 of 100 days stay at or
below, `turned_away` buyers who met an empty shelf while units were left elsewhere, `unsold_share` the part of the units
left at the end although such a buyer had come, `within_bound` the part of the days on which no more was oversold than
the bound said when the last unit went. The rules were tuned on other days than these.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bench.figures import Benchmark, Figures, Goal, Options, tell
from onhand.simulation.comparing import WAYS, Summary, compared
from onhand.simulation.scenario import BLACK_FRIDAY_FAULTS, TABLE, Scenario

SEEDS = 200
"""As many as take a quarter of an hour: every decision of a day is worked out as it is live."""
FIRST_SEED = 1_000_000
"""The rules were tuned on seeds from 0."""
PROCESSES = 2

GOALS = (
    Goal(
        "p99_adaptive_relative", "Oversold, changes exactly once on all channels, 99th percentile", at_most=0
    ),
    Goal(
        "unsold_share_adaptive_relative", "Part of the units that someone wanted and did not get", at_most=0
    ),
    Goal(
        "oversold_adaptive_mixed",
        "Oversold, one channel that changes and two that only set, mean",
        at_most=3.5,
    ),
    Goal("turned_away_adaptive_mixed", "What that costs: buyers turned away, mean"),
    Goal("mishaps_oversold_adaptive_relative", "Oversold with mishaps, changes exactly once, mean"),
    Goal("mishaps_oversold_adaptive_mixed", "Oversold with mishaps, one changes, two set, mean"),
    Goal("mishaps_p99_campaign_relative", "With mishaps, a campaign by demand, 99th percentile", at_most=0),
    Goal("mishaps_p99_campaign_mixed", "The same, one changes, two set", at_most=0),
    Goal("mishaps_p99_campaign_absolute", "The same, all only set", at_most=0),
    Goal("mishaps_p99_planned_relative", "With mishaps, a planned campaign, 99th percentile", at_most=0),
    Goal("mishaps_p99_planned_mixed", "The same, one changes, two set", at_most=0),
    Goal("mishaps_p99_planned_absolute", "The same, all only set", at_most=0),
)


async def measure(options: Options) -> Figures:
    """All ways, sale by sale; each way in a process of its own, as many at once as there are cores for it."""
    seeds = range(FIRST_SEED, FIRST_SEED + options.sized(SEEDS))
    tell(f"black_friday: {len(seeds):,} days, {len(WAYS)} ways, {len(TABLE)} sales with and without mishaps")
    figures: Figures = {}
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for prefix, scenario in _sales():
            work = [loop.run_in_executor(processes, _summary, scenario, seeds, name) for name in WAYS]
            for name, summary in zip(WAYS, await asyncio.gather(*work), strict=True):
                figures.update(_figures(prefix, name, summary, scenario))
            tell(f"  {scenario.name}{' with mishaps' if scenario.faults.kills else ''}")
    return {**figures, "days": len(seeds)}


def _sales() -> Iterator[tuple[str, Scenario]]:
    *others, hardest = TABLE
    yield "", hardest
    yield "mishaps_", hardest.with_faults(BLACK_FRIDAY_FAULTS)
    for scenario in others:
        yield f"{scenario.name}_", scenario
        yield f"{scenario.name}_mishaps_", scenario.with_faults(BLACK_FRIDAY_FAULTS)


def _summary(scenario: Scenario, seeds: range, name: str) -> Summary:
    return compared(scenario, seeds, [WAYS[name]])[name]


def _figures(prefix: str, name: str, summary: Summary, scenario: Scenario) -> Figures:
    return {
        f"{prefix}oversold_{name}": summary.oversold,
        f"{prefix}p99_{name}": summary.oversold_99,
        f"{prefix}turned_away_{name}": summary.turned_away,
        f"{prefix}unsold_share_{name}": summary.missed / scenario.units,
        f"{prefix}within_bound_{name}": summary.within_bound,
    }


BLACK_FRIDAY = Benchmark("black_friday", __doc__ or "", GOALS, measure)
