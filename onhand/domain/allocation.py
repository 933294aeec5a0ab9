"""Allocation: from available units and rules to the level each listing shows. Pure; one SKU at a time.

For a claim with the pool P (its locations together) and its rule:

    P        = without the last units, where they are another channel's (`onhand.domain.last_units`)
    sellable = max(0, P - buffer(P))
    given    = floor(sellable * share)                          pooled
    given    = its part of every pot it draws on                partitioned or in shares, see `_partition`
    given    = given + programme + preorder                     what it may sell beyond the pool
    pieces   = floor(min(cap, max(0, given - reserve - widened - paced - spiking)) / units of one piece)
               of several listings of the SKU on the channel each its part, see `onhand.domain.duplicates`
    level    = 0 if halted or pieces < minimum to show, otherwise pieces

`allocate` computes levels alone and is what every sync runs. `explain` says how a level came about,
for a person; it calls the same functions step by step, so the two cannot disagree.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import lcm
from typing import TypeVar

from onhand.domain.duplicates import part_of
from onhand.domain.last_units import LastUnits, drawing_claims, last_units
from onhand.domain.rules import PERCENT_PARTS, WHOLE_PARTS, Duplicates, Mode, Rule, percent_text, units_text
from onhand.domain.velocity import VelocityBuffer

Key = TypeVar("Key", str, int)


@dataclass(frozen=True, slots=True)
class Claim:
    """One level to decide: listing `listing_id` of `channel` shows at `place` what `locations` hold together.

    `place` is the channel's own location, "" where the channel has one number. `units` of the SKU leave
    the shelf with one sold piece (a six-pack: 6). `halted` holds the level at zero; `widened` units more than its rule
    says are kept from it, because it drifted, and `spiking` more while it sells much faster than usual, but never more
    than half. `paced` is what others sell until its channel shows a change, held back where its rule says so. Beyond
    its pool it may sell `programme` units, which are reserved for its channel's partner, and `preorder` units that are
    on their way, promised for the day `promised_for`. `twins`: where the rule divides what the channel has among its
    listings of the SKU, the units of one piece of each; this one is number `turn` of them, from 0. `weight`: the SKU is
    in shares (`onhand.domain.sharing`), and so much of WHOLE_PARTS is its channel's; None: it is not.
    """

    channel: str
    listing_id: int
    place: str
    locations: tuple[str, ...]
    rule: Rule
    units: int = 1
    halted: bool = False
    widened: int = 0
    spiking: int = 0
    paced: VelocityBuffer | None = None
    programme: int = 0
    preorder: int = 0
    promised_for: date | None = None
    twins: tuple[int, ...] = ()
    turn: int = 0
    weight: int | None = None

    @property
    def divides(self) -> bool:
        """Whether it has a part of its own, which nobody else shows."""
        return self.weight is not None or self.rule.mode is Mode.PARTITIONED

    @property
    def parts(self) -> int:
        """Of WHOLE_PARTS, its channel's part where it has one of its own."""
        return self.rule.share_parts if self.weight is None else self.weight

    @property
    def silent(self) -> bool:
        """Whether another listing of the SKU shows all that the channel has."""
        return self.turn > 0 and self.rule.duplicates is Duplicates.FIRST

    def __post_init__(self) -> None:
        assert self.units >= 1, f"one piece of listing {self.listing_id} takes {self.units} units"
        assert len(self.locations) < 2 or len(set(self.locations)) == len(self.locations), (
            f"listing {self.listing_id} names a location twice: {self.locations}"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did to a level: `before` became `after`, and why, in words for an operator.

    `rule` is the key of the rule ("buffer", "share", "cap", ...). Units of the SKU up to the step "units",
    pieces of the listing after it.
    """

    rule: str
    before: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """A level and how it came about: first the pool, then only the rules that exist for the claim."""

    claim: Claim
    level: int
    steps: tuple[Step, ...]


def allocate(available: Mapping[str, int], claims: Sequence[Claim]) -> list[int]:
    """The levels of one SKU's claims, in their order; `available` is units by location, absent means 0.

    All claims on the SKU have to be given together where any is partitioned. The order of the claims
    decides nothing.
    """
    levels = _given(available, drawing_claims(available, claims))
    for n, claim in enumerate(claims):
        level = levels[n]
        for apply in _APPLY:
            level = apply(claim, level)
        levels[n] = level
    return levels


def explain(available: Mapping[str, int], claims: Sequence[Claim]) -> list[Allocation]:
    """The same levels with the steps that led to them; much slower, for people."""
    drawing = drawing_claims(available, claims)
    return [
        _explained(available, claims, drawing, n, given) for n, given in enumerate(_given(available, drawing))
    ]


# What a claim is given of its pool.


def parts_of(units: Mapping[str, int], claims: Sequence[Claim]) -> list[int]:
    """What the claims' buffers and shares give each of them of `units` by location, whatever those are."""
    return _given(units, claims)


def _given(available: Mapping[str, int], claims: Sequence[Claim]) -> list[int]:
    given: list[int] = []
    partitioned: list[int] = []
    for claim in claims:
        if claim.divides:
            if not claim.silent:
                partitioned.append(len(given))
            given.append(0)
        else:
            given.append(_of_pool(available, claim))
    if partitioned:
        partitioned.sort(key=lambda n: (claims[n].channel, claims[n].listing_id, claims[n].place))
        parts = _partition(available, [claims[n] for n in partitioned])
        for n, part in zip(partitioned, parts, strict=True):
            claim = claims[n]
            # What demand gives a channel is never more than the channel would show of the pool.
            given[n] = part if claim.weight is None else min(part, _of_pool(available, claim))
    return given


def _of_pool(available: Mapping[str, int], claim: Claim) -> int:
    return _sellable(claim.rule, _pool(available, claim)) * claim.rule.share_parts // WHOLE_PARTS


def _pool(available: Mapping[str, int], claim: Claim) -> int:
    pool = 0
    for location in claim.locations:
        pool += available.get(location, 0)
    return pool


def _sellable(rule: Rule, pool: int) -> int:
    return pool - rule.buffer.held_back(pool) if pool > 0 else 0


# Partitioned claims.


@dataclass(frozen=True, slots=True)
class _Pot:
    """Locations that the same claims draw on: `units` there, and what share of them is each claim's.

    `weights` are by the claim's rank, in parts of `whole`; together they are at most `whole`. `full` is
    100 %; a larger `whole` means that more was configured and is scaled down.
    """

    units: int
    weights: Mapping[int, int]
    full: int
    whole: int


def _partition(available: Mapping[str, int], claims: Sequence[Claim]) -> list[int]:
    """Units given to each of the partitioned claims, which are ranked: the earlier one wins a tie.

    Locations that the same claims draw on are one pot. A claim takes its sellable units from its pots in
    turn. The quota of a claim is its weight of what it takes from a pot, and quotas are made whole by
    largest remainder (Hamilton's method): everyone has the integer part, and the units still missing to
    the sum go to the largest fractions, first among channels, then among the claims of a channel.
    As no quota is rounded beyond the next integer, a pot never gives more than it has.

    Fractions are carried from pot to pot: a pot gives the whole units that its channels are owed by then,
    between its own quotas' sum rounded down and up. With one unit in each of five places, half shares
    would otherwise give all five to the same channel.
    """
    pots = _pots(available, claims)
    whole = lcm(*(pot.whole for pot in pots))
    sellable = [_sellable(claim.rule, _pool(available, claim)) for claim in claims]
    given = [0] * len(claims)
    channels_owed: dict[str, int] = defaultdict(int)
    claims_owed: dict[int, int] = defaultdict(int)
    for pot in pots:
        quotas: dict[str, dict[int, int]] = {}
        for rank, weight in pot.weights.items():
            taken = min(sellable[rank], pot.units)
            sellable[rank] -= taken
            quotas.setdefault(claims[rank].channel, {})[rank] = taken * weight * (whole // pot.whole)
        sums = {channel: sum(by_claim.values()) for channel, by_claim in quotas.items()}
        units = _whole_units(sums, whole, channels_owed)
        for channel, part in _largest_remainder(sums, units, whole, channels_owed).items():
            for rank, own in _largest_remainder(quotas[channel], part, whole, claims_owed).items():
                given[rank] += own
    return given


def _pots(available: Mapping[str, int], claims: Sequence[Claim]) -> list[_Pot]:
    """The pots of the claims' locations; their order depends on the names of the locations only."""
    ranks: dict[str, list[int]] = {}
    for rank, claim in enumerate(claims):
        for location in claim.locations:
            ranks.setdefault(location, []).append(rank)
    units: dict[tuple[int, ...], int] = {}
    for location in sorted(ranks):
        drawing = tuple(ranks[location])
        units[drawing] = units.get(drawing, 0) + available.get(location, 0)
    if any(n < 0 for n in units.values()):
        _settle_deficits(units)
    return [_pot(claims, drawing, max(0, n)) for drawing, n in units.items()]


def _settle_deficits(units: dict[tuple[int, ...], int]) -> None:
    """What was sold beyond a pot is taken from those that a claim draws on besides it, the nearest first: together its
    claims show no more than there is.
    """
    for short in [drawing for drawing, n in units.items() if n < 0]:
        lacking, units[short] = -units[short], 0
        reached, ahead = {short}, [short]
        while lacking and ahead:
            here = ahead.pop(0)
            for other in [drawing for drawing in units if drawing not in reached and {*drawing} & {*here}]:
                reached.add(other)
                ahead.append(other)
                taken = min(lacking, max(0, units[other]))
                units[other] -= taken
                lacking -= taken


def _pot(claims: Sequence[Claim], drawing: Sequence[int], units: int) -> _Pot:
    """Several claims of a channel divide its share, and shares above 100 % are scaled down to it."""
    count: dict[str, int] = defaultdict(int)
    for rank in drawing:
        count[claims[rank].channel] += 1
    common = lcm(*count.values())
    weights = {rank: claims[rank].parts * (common // count[claims[rank].channel]) for rank in drawing}
    full = common * WHOLE_PARTS
    return _Pot(units, weights, full, whole=max(full, sum(weights.values())))


def _whole_units(quotas: Mapping[str, int], whole: int, owed: Mapping[str, int]) -> int:
    """Units one pot gives away: what its channels are owed, as near as its own quotas allow."""
    quota = sum(quotas.values())
    due = quota + sum(owed[channel] for channel in quotas)
    return min(max(due // whole, quota // whole), -(-quota // whole))


def _largest_remainder(
    quotas: Mapping[Key, int], units: int, whole: int, owed: dict[Key, int]
) -> dict[Key, int]:
    """Split `units` by `quotas`, which are in parts of a `whole` unit: each rounded down or up.

    `owed` is what was rounded away before (negative: given too much); it is brought up to date.
    """
    given = {key: quota // whole for key, quota in quotas.items()}
    spare = units - sum(given.values())
    if spare:
        # A quota without a fraction is not rounded up: it may be all that there is. The sort is stable.
        entitled = [key for key, quota in quotas.items() if quota % whole]
        assert 0 < spare <= len(entitled), "largest remainder rounds each quota once, up or down"
        entitled.sort(key=lambda key: -(owed[key] + quotas[key] % whole))
        for key in entitled[:spare]:
            given[key] += 1
    for key, quota in quotas.items():
        owed[key] += quota - given[key] * whole
    return given


# From what a claim is given to what it shows.


@dataclass(frozen=True, slots=True)
class _Stage:
    """One rule on the way: whether it exists for a claim, what it makes of a number, and its words."""

    rule: str
    exists: Callable[[Claim], bool]
    apply: Callable[[Claim, int], int]
    reason: Callable[[Claim, int, int], str]


def _with_programme(claim: Claim, units: int) -> int:
    return units + claim.programme


def _with_preorder(claim: Claim, units: int) -> int:
    return units + claim.preorder


def _less_reserve(claim: Claim, units: int) -> int:
    reserve = claim.rule.reserve
    return units - reserve if units > reserve else 0


def _less_widened(claim: Claim, units: int) -> int:
    # Taken after the shares, so that one listing's drift changes no other listing's level.
    return units - claim.widened if units > claim.widened else 0


def _less_paced(claim: Claim, units: int) -> int:
    # After the shares like the one above, as it is known of this claim alone.
    if claim.paced is None or not claim.rule.buffer.velocity:
        return units
    return units - claim.paced.units if units > claim.paced.units else 0


def _paced_reason(claim: Claim, before: int, after: int) -> str:
    assert claim.paced is not None, "asked only of claims that have it"
    return (
        f"safety buffer by velocity: others sell {claim.paced.per_day:.1f} a day of this, and a change takes "
        f"{claim.paced.seconds:.1f} s to be shown: {units_text(claim.paced.units)} hold back {before - after}"
    )


def _less_spiking(claim: Claim, units: int) -> int:
    # No more than half: what is in demand stays on sale.
    return units - min(claim.spiking, units // 2) if claim.spiking else units


# What is known of one claim alone is held back after twins have divided the same number among them: their parts could
# otherwise add up to more than it.


def _widened_before(claim: Claim, units: int) -> int:
    return units if claim.twins else _less_widened(claim, units)


def _widened_after(claim: Claim, units: int) -> int:
    return _less_widened(claim, units) if claim.twins else units


def _paced_before(claim: Claim, units: int) -> int:
    return units if claim.twins else _less_paced(claim, units)


def _paced_after(claim: Claim, units: int) -> int:
    return _less_paced(claim, units) if claim.twins else units


def _among_twins(claim: Claim, units: int) -> int:
    return part_of(claim.rule.duplicates, units, claim.twins, claim.turn) if claim.twins else units


def _twins_reason(claim: Claim, before: int, after: int) -> str:
    if claim.rule.duplicates is Duplicates.FIRST:
        which = "another listing of it here was listed first" if claim.silent else "it was listed first"
        return f"one of {len(claim.twins)} listings of {claim.channel} shows it: {which}"
    return f"split among {len(claim.twins)} listings of {claim.channel}: {units_text(after)} of {before}"


def _capped(claim: Claim, units: int) -> int:
    cap = claim.rule.cap
    return units if cap is None or units <= cap else cap


def _in_pieces(claim: Claim, units: int) -> int:
    return units // claim.units


def _at_least_minimum(claim: Claim, pieces: int) -> int:
    return pieces if pieces >= claim.rule.minimum_to_show else 0


def _unless_halted(claim: Claim, pieces: int) -> int:
    # Only the level is held at zero: a halted claim keeps its part of the pot, so that one listing's halt
    # changes no other listing's level.
    return 0 if claim.halted else pieces


def _widened_reason(claim: Claim, before: int, after: int) -> str:
    return f"buffer widened by {units_text(claim.widened)} after drift holds back {before - after}"


def _minimum_reason(claim: Claim, before: int, after: int) -> str:
    judged = f"shows 0 instead of {before}" if after < before else f"{after} shown as it is"
    return f"minimum to show {claim.rule.minimum_to_show}: {judged}"


_STAGES = (
    _Stage(
        "programme",
        exists=lambda claim: claim.programme > 0,
        apply=_with_programme,
        reason=lambda claim, before, after: f"{units_text(claim.programme)} reserved for its partner added",
    ),
    _Stage(
        "preorder",
        exists=lambda claim: claim.preorder > 0,
        apply=_with_preorder,
        reason=lambda claim, before, after: (
            f"{units_text(claim.preorder)} on the way added, to be sold as promised for {claim.promised_for}"
        ),
    ),
    _Stage(
        "reserve",
        exists=lambda claim: claim.rule.reserve > 0,
        apply=_less_reserve,
        reason=lambda claim, before, after: (
            f"reserve of {units_text(claim.rule.reserve)} holds back {before - after}"
        ),
    ),
    _Stage(
        "widened",
        exists=lambda claim: claim.widened > 0 and not claim.twins,
        apply=_widened_before,
        reason=_widened_reason,
    ),
    _Stage(
        "velocity",
        exists=lambda claim: claim.paced is not None and claim.rule.buffer.velocity and not claim.twins,
        apply=_paced_before,
        reason=_paced_reason,
    ),
    _Stage(
        "spiking",
        exists=lambda claim: claim.spiking > 0,
        apply=_less_spiking,
        reason=lambda claim, before, after: (
            f"buffer widened by {units_text(claim.spiking)}, at most half of it, while it spikes: "
            f"holds back {before - after}"
        ),
    ),
    _Stage(
        "cap",
        exists=lambda claim: claim.rule.cap is not None,
        apply=_capped,
        reason=lambda claim, before, after: f"cap {claim.rule.cap}",
    ),
    _Stage("duplicates", exists=lambda claim: bool(claim.twins), apply=_among_twins, reason=_twins_reason),
    _Stage(
        "widened",
        exists=lambda claim: claim.widened > 0 and bool(claim.twins),
        apply=_widened_after,
        reason=_widened_reason,
    ),
    _Stage(
        "velocity",
        exists=lambda claim: claim.paced is not None and claim.rule.buffer.velocity and bool(claim.twins),
        apply=_paced_after,
        reason=_paced_reason,
    ),
    _Stage(
        "units",
        exists=lambda claim: claim.units > 1,
        apply=_in_pieces,
        reason=lambda claim, before, after: f"{claim.units} units a piece: {units_text(before)} make {after}",
    ),
    _Stage(
        "minimum_to_show",
        exists=lambda claim: claim.rule.minimum_to_show > 0,
        apply=_at_least_minimum,
        reason=_minimum_reason,
    ),
    _Stage(
        "halt",
        exists=lambda claim: claim.halted,
        apply=_unless_halted,
        reason=lambda claim, before, after: "halted: shows 0 until the halt is lifted",
    ),
)
_APPLY = tuple(stage.apply for stage in _STAGES)


# The explanation.


def _explained(
    available: Mapping[str, int], claims: Sequence[Claim], drawing: Sequence[Claim], n: int, given: int
) -> Allocation:
    """`drawing` are the claims without what they leave to another channel; the one explained is the n-th."""
    claim = claims[n]
    steps = [*_steps_to_pool(available, claims, claim, drawing[n])]
    steps += _steps_to_given(_pool(available, drawing[n]), drawing, drawing[n], given)
    number = given
    for stage in _STAGES:
        before, number = number, stage.apply(claim, number)
        if stage.exists(claim):
            steps.append(Step(stage.rule, before, number, stage.reason(claim, before, number)))
    return Allocation(claim, number, tuple(steps))


def _steps_to_pool(
    available: Mapping[str, int], claims: Sequence[Claim], claim: Claim, drawing: Claim
) -> list[Step]:
    pool = _pool(available, claim)
    places = " + ".join(claim.locations) or "no location"
    steps = [Step("pool", 0, pool, f"pool: {pool} available at {places}")]
    if pool < 0:
        steps.append(Step("oversold", pool, 0, f"oversold by {units_text(-pool)}: nothing is left to sell"))
    last = last_units(available, claims, claim)
    if last is not None and claim is not drawing:
        after = max(0, _pool(available, drawing))
        steps.append(Step("last_units", max(0, pool), after, _last_units_reason(claim, last)))
    return steps


def _last_units_reason(claim: Claim, last: LastUnits) -> str:
    left = f"{last.left} left at {' + '.join(last.locations)}, and the last {last.limit} are"
    alone = (
        "its own alone, whatever its share" if claim.channel == last.channel else f"{last.channel}'s alone"
    )
    return f"last units: {left} {alone}"


def _steps_to_given(pool: int, claims: Sequence[Claim], claim: Claim, given: int) -> list[Step]:
    rule, steps = claim.rule, list[Step]()
    sellable = _sellable(rule, pool)
    if rule.pickup:
        reason = "pick-up: shows what it holds itself, and no share of a pool"
        steps.append(Step("pickup", max(0, pool), max(0, pool), reason))
    if rule.buffer.exists:
        held = rule.buffer.held_back(pool)
        reason = f"safety buffer: {rule.buffer} holds back {held}"
        steps.append(Step("buffer", max(0, pool), sellable, reason))
    if claim.divides:
        steps.append(Step("share", sellable, given, _partition_reason(claims, claim)))
    elif rule.share != 100:
        steps.append(Step("share", sellable, given, f"share {percent_text(rule.share)} % of the pool"))
    return steps


def _partition_reason(claims: Sequence[Claim], claim: Claim) -> str:
    own_places = set(claim.locations)
    rivals = [c for c in claims if c.divides and not c.silent and own_places & set(c.locations)]
    shares = sorted({(c.channel, _percent_of(c)) for c in rivals})
    among = ", ".join(f"{channel} {percent_text(share)}" for channel, share in shares)
    how = "partitioned among" if claim.weight is None else "in shares:"
    parts = [f"share {percent_text(_percent_of(claim))} % of the pool, {how} {among}"]
    own = sum(c.channel == claim.channel for c in rivals)
    if own > 1:
        parts.append(f"divided among the {own} levels of {claim.channel}")
    if any(_oversubscribed(rivals, location) for location in claim.locations):
        parts.append("scaled down, as shares together are at most 100 %")
    return "; ".join(parts)


def _percent_of(claim: Claim) -> Decimal:
    """As configured; by demand to a tenth of a percent."""
    if claim.weight is None:
        return claim.rule.share
    return (Decimal(claim.weight) / PERCENT_PARTS).quantize(Decimal("0.1"))


def _oversubscribed(claims: Sequence[Claim], location: str) -> bool:
    drawing = [rank for rank, claim in enumerate(claims) if location in claim.locations]
    pot = _pot(claims, drawing, 0)
    return pot.whole > pot.full
