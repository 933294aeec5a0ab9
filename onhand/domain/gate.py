"""The gate: how far claimed levels are raised, while all levels of their SKUs are held still. Pure.

Allocation says what a level should show; whoever claims one is granted no more than all others leave
(`onhand.domain.sharing`; docs/decisions/0033 says why it is here).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from onhand.domain.listings import ListingState, RuleBook, Spot
from onhand.domain.sharing import granted
from onhand.domain.targets import Target, late_units, room_for, targets_of


@dataclass(frozen=True, slots=True)
class Grant:
    """The most that a claimed level may be told, and whether it should show more than that; and the pieces that a blind
    write may put on show again."""

    most: int
    blind: bool
    owed: bool
    undoes: int = 0


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
        undoes = 0 if most == book else target.undoes  # who is told nothing undoes nothing
        given[spot] = max(most + undoes, book or 0) * units + late_units(target)
        return Grant(most, self.blind[spot], owed=most < wanted, undoes=undoes)
