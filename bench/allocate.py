"""allocate: listings a second whose levels are worked out, of 50,000 SKUs on five channels, by `all_targets` alone.

Pure code in one process: what the ledger takes to read the states is not in it. Two locations, and one channel that
shows each by itself; buffers, shares, caps and minimums; a rule for some SKUs and one for a tag; one SKU in ten is sold
as a six-pack. *Pooled*: a listing is decided alone. *Partitioned*: every channel has a part, so that each listing is
decided with the SKU's others, as the largest remainder needs. *Last units*: pooled, the last five one channel's.

The other way is the same formula as one writes it first, in decimal arithmetic. Both have to come to the same levels.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from onhand.domain.listings import EVERY_CHANNEL, ChannelRules, ListingState, RuleBook, Sibling
from onhand.domain.rules import Buffer, BufferTake, Mode, Rule
from onhand.domain.targets import all_targets

SKUS = 50_000
CHANNELS = ("shopify", "woocommerce", "bigcommerce", "ebay", "amazon")
BY_PLACE = {"shopify": {"1": ("leeds",), "2": ("london",)}}
TOGETHER = {"": ("leeds", "london")}
RUNS = 3
SEED = 7

GOALS = (
    Goal("listings_per_s", "Listings a second, pooled", at_least=100_000),
    Goal("vs_naive", "The same / listings a second in decimal arithmetic"),
    Goal("partitioned_listings_per_s", "Listings a second, partitioned: each with the SKU's others"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """One thing to measure: the listings, and the rules they are under."""

    prefix: str
    states: Sequence[ListingState]
    rules: RuleBook


async def measure(options: Options) -> Figures:
    """The median of some rounds over the same listings."""
    skus, runs = options.sized(SKUS), options.runs or RUNS
    alone = list(make_states(skus))
    shared = [replace(state, siblings=_siblings(state, skus)) for state in alone]
    pooled = Way("", alone, make_rules(Mode.POOLED))
    others = (
        Way("partitioned_", shared, make_rules(Mode.PARTITIONED)),
        Way("last_units_", shared, make_rules(Mode.POOLED, last_units=5)),
    )
    tell(f"allocate: {len(alone):,} listings of {skus:,} SKUs, {runs} runs")
    rounds = []
    for _ in range(runs):
        rounds.append(_round(pooled, others))
        tell(
            f"  {rounds[-1]['listings_per_s']:,.0f} listings/s, naive {rounds[-1]['naive_listings_per_s']:,.0f}"
        )
    return {**medians(rounds), "skus": skus, "listings": len(alone), "runs": runs}


def _round(pooled: Way, others: Sequence[Way]) -> Figures:
    figures: Figures = {}
    ours, levels = _ours(pooled)
    started = time.perf_counter()
    naive = naive_levels(pooled)
    other = len(pooled.states) / (time.perf_counter() - started)
    if levels != naive:
        raise BenchFailed("both ways have to work out the same levels, and did not")
    for way in others:
        figures[f"{way.prefix}listings_per_s"], _ = _ours(way)
    return {"listings_per_s": ours, "naive_listings_per_s": other, "vs_naive": ours / other, **figures}


def _ours(way: Way) -> tuple[float, list[int]]:
    """Listings a second, and their levels."""
    started = time.perf_counter()
    targets = all_targets(way.states, way.rules)
    seconds = time.perf_counter() - started
    return len(way.states) / seconds, [target.quantity for target in targets]


def make_rules(mode: Mode, *, last_units: int = 0) -> RuleBook:
    """A rule for each channel, one for every hundredth SKU on one of them, and one for a tag on all."""
    shares = (100, 80, 60, 40, 20) if mode is Mode.POOLED else (30, 25, 20, 15, 10)
    base = Rule(
        mode,
        buffer=Buffer(units=10, percent=Decimal("7.5"), take=BufferTake.LESSER),
        last_units=last_units,
        last_channel=CHANNELS[0] if last_units else "",
    )
    rules = [replace(base, share=Decimal(share), name=f"share {share}") for share in shares]
    channels = {
        name: ChannelRules(replace(rule, minimum_to_show=2, cap=500), BY_PLACE.get(name, TOGETHER))
        for name, rule in zip(CHANNELS, rules, strict=True)
    }
    skus = {(CHANNELS[3], _code(n)): replace(rules[3], reserve=3) for n in range(0, SKUS, 100)}
    return RuleBook(channels, skus, tag_rules={(EVERY_CHANNEL, "sale"): replace(rules[2], cap=30)})


def make_states(skus: int) -> Iterator[ListingState]:
    """Channel by channel, as a sync asks for them; every SKU on each, with stock of chance at both locations."""
    chance = Random(SEED)
    stock = [{"leeds": chance.randrange(-2, 60), "london": chance.randrange(20)} for _ in range(skus)]
    for number, channel in enumerate(CHANNELS):
        places = BY_PLACE.get(channel, TOGETHER)
        for n in range(skus):
            yield ListingState(
                channel=channel,
                listing_id=number * skus + n,
                sku=_code(n),
                item_id=str(n),
                parent_id="",
                tracking="",
                units=_units(n),
                generation=0,
                available=stock[n],
                books=dict.fromkeys(places),
                tags=("sale",) if n % 20 == 0 else (),
            )


def _siblings(state: ListingState, skus: int) -> tuple[Sibling, ...]:
    n = state.listing_id % skus
    return tuple(Sibling(channel, number * skus + n, state.units) for number, channel in enumerate(CHANNELS))


def _code(n: int) -> str:
    return f"S{n:05}"


def _units(n: int) -> int:
    return 6 if n % 10 == 0 else 1


def naive_levels(way: Way) -> list[int]:
    """The levels of pooled listings by the formula in decimal arithmetic; shares no code with what is measured."""
    return [
        _naive_level(state, locations, _naive_rule(state, way.rules))
        for state in way.states
        for locations in way.rules.channels[state.channel].places.values()
    ]


def _naive_rule(state: ListingState, rules: RuleBook) -> Rule:
    if (state.channel, state.sku) in rules.sku_rules:
        return rules.sku_rules[state.channel, state.sku]
    for (_, tag), rule in rules.tag_rules.items():
        if tag in state.tags:
            return rule
    return rules.channels[state.channel].rule


def _naive_level(state: ListingState, locations: Sequence[str], rule: Rule) -> int:
    pool = max(0, sum(state.available[location] for location in locations))
    percent, units = Decimal(rule.buffer.percent or 0), Decimal(rule.buffer.units or 0)
    buffer = min((pool * percent / 100).to_integral_value(ROUND_CEILING), units)
    given = ((pool - buffer) * rule.share / 100).to_integral_value(ROUND_FLOOR) - rule.reserve
    pieces = int(max(Decimal(0), given if rule.cap is None else min(given, Decimal(rule.cap)))) // state.units
    return pieces if pieces >= rule.minimum_to_show else 0


ALLOCATE = Benchmark("allocate", __doc__ or "", GOALS, measure)
