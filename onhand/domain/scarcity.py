"""Whether a SKU is scarce: which SKUs share what is left of them, and when that begins and ends. Pure.

By what is free where its channels draw on, against what they sell until all of them show a sale
(`onhand.domain.sharing.limits`).
"""

from dataclasses import dataclass

from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.phases import Phase
from onhand.domain.rules import Mode
from onhand.domain.sharing import limits, phase_after


@dataclass(frozen=True, slots=True)
class Crossing:
    """A SKU crosses the limit: it comes into shares or leaves them; `locations` are what its channels draw on.

    It comes into them while no more than `limit` units are free there, and leaves them while more are; None: it leaves
    whatever there is.
    """

    into: bool
    limit: float | None
    locations: tuple[str, ...]


def crossing_of(state: ListingState, rules: RuleBook) -> Crossing | None:
    """What becomes of the SKU of a listing; None: it stays as it is. A campaign ends by itself alone."""
    shared = state.shared
    if shared is not None and shared.planned:
        return None
    locations = drawn_on(state, rules)
    if not can_share(state, rules):
        return None if shared is None else Crossing(into=False, limit=None, locations=locations)
    before = Phase.POOLED if shared is None else Phase.SHARES
    rate = state.per_second
    after = phase_after(before, free_units(state, rules), rate, state.slowest)
    if after is before:
        return None
    enters, leaves = limits(rate, state.slowest)
    into = after is Phase.SHARES
    return Crossing(into, enters if into else leaves, locations)


def can_share(state: ListingState, rules: RuleBook) -> bool:
    """Whether scarcity puts the SKU in shares: its rules say so, and there is more than one channel to share it."""
    sellers = [name for name in state.demand if name in rules.channels]
    modes = {rules.rule_for(name, state.sku, state.tags).mode for name in sellers}
    return Mode.ADAPTIVE in modes and len(sellers) > 1 and state.divisible


def drawn_on(state: ListingState, rules: RuleBook) -> tuple[str, ...]:
    """Locations that any channel which lists the SKU draws on."""
    sellers = [rules.channels[name] for name in state.demand if name in rules.channels]
    return tuple(sorted({code for seller in sellers for places in seller.places.values() for code in places}))


def free_units(state: ListingState, rules: RuleBook) -> int:
    """Units left at them, less provisional demand."""
    return sum(state.available.get(location, 0) for location in drawn_on(state, rules))
