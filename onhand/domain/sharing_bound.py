"""How a SKU stands: pooled or in shares, and how many units of it can still be oversold. Pure.

Pooled, a channel sells what is gone until it shows the others' sales: their rate times the longest window, less what is
held back there. In shares nothing is oversold once all levels were told theirs, as far as what blind writes give back
is no more than room was left for (`onhand.domain.blind_shares`). See `onhand.domain.exposure` for pooled levels.
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import inf

from onhand.domain.demand import Demand, rate
from onhand.domain.exposure import Exposed, oversell_bound
from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.phases import DEFAULT_TERMS
from onhand.domain.rules import units_text
from onhand.domain.sharing import Holder, limits, window_of

Spot = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """One SKU: `phase` is "pooled", "shares" or "campaign"; `free` units are left where its channels draw on.

    It comes into shares at `enters` units, and leaves them above `leaves`; it sells `per_second` units on all channels
    together, and `window` seconds pass at most from a sale until all others show it. `may_sell` are units by channel
    that can still be sold there as far as channels were told; `bound` of them can be oversold at most.
    """

    phase: str
    free: int
    enters: int
    leaves: float
    per_second: float
    window: float
    may_sell: dict[str, int]
    bound: int
    reason: str


def standing_of(state: ListingState, rules: RuleBook, blind: Collection[Spot]) -> Standing:
    """How the SKU of a listing stands; `blind`: levels that are set without looking.

    The state is one that was read with all of its SKU's levels.
    """
    holders = [
        each
        for each in state.holders
        if each.channel in rules.channels and each.place in rules.channels[each.channel].places
    ]
    locations = {code for each in holders for code in rules.channels[each.channel].places.get(each.place, ())}
    free = sum(state.available.get(location, 0) for location in locations)
    together, window = state.per_second, window_of(state.slowest)
    enters, leaves = limits(together, state.slowest)
    phase = "pooled" if state.shared is None else "campaign" if state.shared.planned else "shares"
    may_sell: dict[str, int] = {}
    for each in holders:
        may_sell[each.channel] = may_sell.get(each.channel, 0) + each.units
    if phase == "pooled":
        bound = _pooled(state, rules, holders, blind, free)
        reason = _pooled_reason(bound, free, together, window)
    else:
        above = max(0, sum(may_sell.values()) - max(0, free))
        bound = above
        reason = _shared_reason(
            above, sum(may_sell.values()), free, any(_spot(each) in blind for each in holders)
        )
    return Standing(phase, free, enters, leaves, together, window, may_sell, bound, reason)


def _spot(holder: Holder) -> Spot:
    return holder.listing_id, holder.place


def _rate_of(state: ListingState, holder: Holder, holders: Collection[Holder]) -> float:
    """Its channel's, divided among that one's levels."""
    levels = sum(each.channel == holder.channel for each in holders)
    return state.rates.get(holder.channel, 0.0) / levels


def _pooled(
    state: ListingState,
    rules: RuleBook,
    holders: Collection[Holder],
    blind: Collection[Spot],
    free: int,
) -> int:
    a_second = rate(Demand(1.0, 0.0, -inf), 0.0)
    rates = {_spot(each): _rate_of(state, each, holders) for each in holders}
    exposed = [
        Exposed(
            _spot(each),
            each.units,
            rates[_spot(each)],
            rates[_spot(each)] / a_second,
            window_of(state.slowest),
            _spot(each) in blind,
            _held_back(state, rules, each),
        )
        for each in holders
    ]
    return oversell_bound(free, exposed, DEFAULT_TERMS.caution).together


def _held_back(state: ListingState, rules: RuleBook, holder: Holder) -> int:
    channel = rules.channels[holder.channel]
    rule = channel.at(holder.place, rules.rule_for(holder.channel, state.sku, state.tags))
    pool = sum(state.available.get(location, 0) for location in channel.places[holder.place])
    return rule.buffer.held_back(pool)


def _pooled_reason(bound: int, free: int, together: float, window: float) -> str:
    so_much = f"Up to {units_text(bound)}" if bound else "Nothing"
    return (
        f"{so_much} can be oversold: it is pooled, {units_text(max(0, free))} are left, all channels sell "
        f"{together * 60:.1f} a minute, and {window:.1f} s pass at most until others show a sale."
    )


def _shared_reason(above: int, may_sell: int, free: int, blind: bool) -> str:
    if above:
        return (
            f"Up to {units_text(above)} can be oversold: it is in shares, and not every channel has answered "
            f"yet; together they may sell {may_sell:,} of the {max(0, free):,} that are left."
        )
    room = (
        " Room is left for what may be sold while a level is told that is only set; it can be more."
        if blind
        else ""
    )
    return (
        f"Nothing can be oversold: it is in shares, and together they may sell {may_sell:,} of the {max(0, free):,} "
        f"that are left.{room}"
    )
