"""SKUs in shares, at the claim: which are, and how far each level may be raised (`onhand.domain.sharing`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.rules import Mode
from onhand.domain.selling import Phase
from onhand.domain.sharing import granted, limits, phase_after
from onhand.domain.targets import Target, late_units, room_for, targets_of
from onhand.ledger import levels, sharing
from onhand.ledger.database import Pool
from onhand.ledger.levels import Grant, Spot
from onhand.ledger.sharing import Change


async def states_decided(
    pool: Pool,
    channel: str,
    rules: RuleBook,
    listings: Sequence[int],
    *,
    withheld: bool,
    deciding: bool,
    woken: set[str] | None,
) -> list[ListingState]:
    """What decides the levels of these listings, once it is settled which of their SKUs are in shares.

    `deciding`: it has to be known how fast they sell. Where one comes into shares or leaves them all its listings are
    marked, and who is to be signalled is added to `woken`.
    """

    async def read() -> list[ListingState]:
        return await levels.listing_states(
            pool,
            channel,
            listings,
            siblings=rules.needs_siblings,
            withheld=withheld,
            deciding=deciding,
        )

    states = await read()
    entering, leaving = dict[str, Change](), dict[str, Change]()
    for state in states:
        _decide(state, rules, entering, leaving)
    if not (entering or leaving):
        return states
    changed, signalled = await sharing.change(pool, entering, leaving, live=woken is not None)
    if woken is not None:
        woken.update(signalled)
    return await read() if changed else states


def _decide(
    state: ListingState, rules: RuleBook, entering: dict[str, Change], leaving: dict[str, Change]
) -> None:
    shared = state.shared
    if shared is not None and shared.planned:
        return
    locations = drawn_on(state, rules)
    if not can_share(state, rules):
        if shared is not None:
            leaving[state.sku] = Change(None, locations)
        return
    before = Phase.POOLED if shared is None else Phase.ESCROW
    free, rate = free_units(state, rules), state.per_second
    after = phase_after(before, free, rate, state.slowest)
    if after is not before:
        enters, leaves = limits(rate, state.slowest)
        if after is Phase.ESCROW:
            entering[state.sku] = Change(enters, locations)
        else:
            leaving[state.sku] = Change(leaves, locations)


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


@dataclass(slots=True)
class Gate:
    """How far claimed levels are raised: `targets` are what all of the listings' levels should show, `granted` what the
    claimed ones are told, `books` what was believed of these.

    `told`: levels that are told their share before they rest, and no more than it. `blind` says of each whether it is
    set without looking.
    """

    rules: RuleBook
    told: Mapping[Spot, int]
    blind: Mapping[Spot, bool]
    targets: dict[Spot, Target] = field(default_factory=dict)
    granted: dict[Spot, Grant] = field(default_factory=dict)
    books: dict[Spot, int | None] = field(default_factory=dict)

    def __call__(
        self, books: Mapping[Spot, int | None], states: Sequence[ListingState]
    ) -> Mapping[Spot, Grant]:
        """Decide, while all levels of their SKUs are locked."""
        self.books = dict(books)
        for state in states:
            known = {place: books.get((state.listing_id, place), book) for place, book in state.books.items()}
            for target in targets_of(replace(state, books=known), self.rules):
                self.targets[state.listing_id, target.place] = target
        given: dict[Spot, int] = {}
        for spot, book in books.items():
            if spot in self.targets:
                self.granted[spot] = self._grant(spot, book, given)
        return self.granted

    def waiting(self) -> frozenset[int]:
        """Listings that are owed units which nobody's answer may set free: what a set has undone counts for seconds."""
        return frozenset(
            listing
            for (listing, place), grant in self.granted.items()
            if grant.owed
            for holder in self.targets[listing, place].state.holders
            if holder.channel in self.rules.channels and self.rules.channels[holder.channel].blind
        )

    def _grant(self, spot: Spot, book: int | None, given: dict[Spot, int]) -> Grant:
        target = self.targets[spot]
        wanted = min(target.quantity, self.told.get(spot, target.quantity))
        if not target.divides:
            return Grant(wanted, self.blind[spot], owed=False)
        units = target.state.units
        free = (room_for(target, self.rules, given) - late_units(target)) // units
        most = granted(wanted, book, free - target.undoes)
        given[spot] = max(most + target.undoes, book or 0) * units + late_units(target)
        return Grant(most, self.blind[spot], owed=most < wanted, undoes=target.undoes)
