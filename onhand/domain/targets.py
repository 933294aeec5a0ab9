"""From what decides a listing to the levels its channel should show, and how far each may be raised. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from onhand.domain.allocation import Claim, allocate
from onhand.domain.blind_shares import Part as SharedPart
from onhand.domain.blind_shares import tell
from onhand.domain.claims import claims_of
from onhand.domain.kits import Part, packed
from onhand.domain.listings import ListingState, Resting, RuleBook, Spot
from onhand.domain.rules import Mode, Rule
from onhand.domain.sharing import Shared, is_off, spare


@dataclass(frozen=True, slots=True)
class Target:
    """What one listing should show at one place, and what we believe it shows (None: we never knew).

    `beyond`: units that are not available, and that it may sell all the same (`onhand.domain.beyond`). `divides`: it
    is a part that nobody else shows, and so is raised only as far as others' answers allow (`room_for`); `in_shares`:
    one by demand or of a campaign. `undoes`: pieces that setting it may put on show again, which its quantity leaves
    room for; `again`: it is to be decided anew in a few seconds; `look`: it is to be looked at before it is told
    anything (all three in `onhand.domain.blind_shares`).
    """

    state: ListingState
    place: str
    quantity: int
    book: int | None
    beyond: int = 0
    divides: bool = False
    in_shares: bool = False
    undoes: int = 0
    again: bool = False
    look: bool = False

    @property
    def differs(self) -> bool:
        """Whether the channel has to be told."""
        return self.quantity != self.book


def targets_of(state: ListingState, rules: RuleBook) -> list[Target]:
    """The levels of one listing, one for each place of its channel.

    While something is withheld they are worked out as if the source had not said it: what is sold, put back, counted
    or halted goes out, and nothing else of the SKU.
    """
    if not state.withholds:
        return _targets_of(state, rules)
    withheld = {state.sku: state.withheld, **{part.sku: part.withheld for part in state.components}}
    before = with_changes(state, lambda sku: {at: -units for at, units in withheld[sku].items()})
    return [replace(target, state=state) for target in _targets_of(before, rules)]


def _targets_of(state: ListingState, rules: RuleBook) -> list[Target]:
    claims = claims_of(state, rules)
    levels = allocate(state.available, claims) if _draws_on_all(state) else []
    targets = [
        Target(
            state,
            claim.place,
            levels[n] if levels else allocate(free_for(state, rules, claim.place), claims)[n],
            state.books.get(claim.place),
            claim.programme + claim.preorder,
            claim.divides and state.divisible,
            claim.weight is not None,
        )
        for n, claim in enumerate(claims)
        if claim.listing_id == state.listing_id
    ]
    if state.shared is None:
        return targets
    parts = _parts(state, rules, claims, levels) if levels else {}
    return [_settled(_told(target, rules, parts), claims, rules) for target in targets]


def _parts(
    state: ListingState, rules: RuleBook, claims: Sequence[Claim], levels: Sequence[int]
) -> dict[Spot, SharedPart]:
    """All levels that share the SKU, by listing and place."""
    sharing = [n for n, claim in enumerate(claims) if claim.weight is not None]
    if not any(rules.channels[claims[n].channel].blind for n in sharing):
        return {}
    pooled = allocate(state.available, [replace(claim, weight=None) for claim in claims])
    holders = {(each.listing_id, each.place): each for each in state.holders}
    for place, book in state.books.items():
        own = (state.listing_id, place)
        if own in holders and book is not None:  # it may be claimed by whoever asks
            holders[own] = replace(holders[own], book=book * state.units)
    return {
        spot: SharedPart(
            levels[n] * claim.units,
            pooled[n] * claim.units,
            claim.weight or 0,
            frozenset(claim.locations),
            rules.channels[claim.channel].blind,
            holders.get(spot),
        )
        for n, claim in enumerate(claims)
        if n in sharing
        for spot in [(claim.listing_id, claim.place)]
    }


def _told(target: Target, rules: RuleBook, parts: Mapping[Spot, SharedPart]) -> Target:
    """The same, where levels that are only set share the SKU."""
    own, units = (target.state.listing_id, target.place), target.state.units
    if own not in parts:
        return target
    part, crowded = parts[own], False
    if part.blind and part.holder is not None:
        crowded = part.holder.units > room_for(target, rules)
    found = tell(target.state.available, list(parts.values()), list(parts).index(own), crowded=crowded)
    return replace(
        target,
        quantity=found.units // units,
        undoes=-(-found.undoes // units),
        again=found.again,
        look=found.look,
    )


def _settled(target: Target, claims: Sequence[Claim], rules: RuleBook) -> Target:
    """The same, or what it shows already where its share is off by so little that it is left alone.

    Never more than the channel would show of the pool, and nothing that somebody else was given.
    """
    state, book = target.state, target.book
    own = (state.listing_id, target.place)
    n = next(n for n, claim in enumerate(claims) if (claim.listing_id, claim.place) == own)
    if not target.in_shares or book is None or book == target.quantity:
        return target
    if rules.channels[state.channel].blind:  # that is decided already
        return target
    if is_off(target.quantity, book):
        return target
    if book > target.quantity:
        pooled = allocate(state.available, [replace(claim, weight=None) for claim in claims])[n]
        if book > pooled or book * state.units > room_for(target, rules) - late_units(target):
            return target
    return replace(target, quantity=book)


def late_units(target: Target) -> int:
    """Units of a level in shares that may have been sold besides what it shows, and are not heard of."""
    state, own = target.state, (target.state.listing_id, target.place)
    if target.book is None:
        return 0
    holding = sum(holder.units for holder in state.holders if (holder.listing_id, holder.place) == own)
    return max(0, holding - max(0, target.book) * state.units)


def room_for(target: Target, rules: RuleBook, given: Mapping[Spot, int] | None = None) -> int:
    """Units that a level in shares may sell at most, next to what all others may; below 0 where that is too much.

    `given`: units that others, by listing and place, are being told in this moment, where that is more. What a source
    said and no run was let through with is given to nobody, and what it took away is gone.
    """
    state, own = target.state, (target.state.listing_id, target.place)
    others = []
    for holder in state.holders:
        spot = (holder.listing_id, holder.place)
        channel = rules.channels.get(holder.channel)
        if spot == own or channel is None or channel.shows_all(holder.place):
            continue
        if not _has_a_part(rules.rule_for(holder.channel, state.sku, state.tags), state.shared):
            continue
        units = max(holder.units, (given or {}).get(spot, 0))
        others.append((frozenset(channel.places.get(holder.place, ())), units))
    free = {
        location: min(units, units - state.withheld.get(location, 0))
        for location, units in state.available.items()
    }
    return spare(free, rules.channels[state.channel].places[target.place], others)


def free_for(state: ListingState, rules: RuleBook, place: str) -> Mapping[str, int]:
    """Units by location that the level at `place` may draw on: all that resting levels do not sell by themselves.

    What such a level shows is taken from its locations in turn, as far as each has any, and from the first beyond that.
    """
    if _draws_on_all(state):
        return state.available
    if state.components:
        return packed([(part.quantity, units) for part, units in free_parts(state, rules, place).items()])
    return _free(state.available, state.resting, (state.listing_id, place), rules)


def _draws_on_all(state: ListingState) -> bool:
    """Whether no level rests; in shares, what one shows is its part, and nobody has to be kept from it."""
    return not state.resting or (state.shared is not None and state.divisible)


def free_parts(state: ListingState, rules: RuleBook, place: str) -> dict[Part, Mapping[str, int]]:
    """The same of each component of a kit, in units of the component."""
    own = (state.listing_id, place)
    return {
        Part(part.sku, part.quantity): _free(part.available, part.resting, own, rules)
        for part in state.components
    }


def _free(
    available: Mapping[str, int], resting: Sequence[Resting], own: tuple[int, str], rules: RuleBook
) -> Mapping[str, int]:
    free = dict(available)
    for level in resting:
        locations = (
            rules.channels[level.channel].places.get(level.place) if level.channel in rules.channels else None
        )
        if not locations or (level.listing_id, level.place) == own:
            continue
        kept = max(0, level.pieces) * level.units
        for location in locations:
            taken = min(kept, max(0, free.get(location, 0)))
            free[location] = free.get(location, 0) - taken
            kept -= taken
        free[locations[0]] = free.get(locations[0], 0) - kept
    return free


def with_changes(state: ListingState, changes_of: Callable[[str], Mapping[str, int]]) -> ListingState:
    """The same listing as if SKUs had moved by `changes_of` them, units by location; a kit by its components."""
    if not state.components:
        return replace(state, available=_moved(state.available, changes_of(state.sku)))
    components = tuple(
        replace(part, available=_moved(part.available, changes_of(part.sku))) for part in state.components
    )
    kits = packed([(part.quantity, part.available) for part in components])
    return replace(state, available=kits, components=components)


def _moved(available: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, int]:
    moved = dict(available)
    for location, units in changes.items():
        moved[location] = moved.get(location, 0) + units
    return moved


def all_targets(states: Sequence[ListingState], rules: RuleBook) -> list[Target]:
    """The levels of many listings, in their order."""
    return [target for state in states for target in targets_of(state, rules)]


def _has_a_part(rule: Rule, shared: Shared | None) -> bool:
    """Whether a level under that rule is one of those that together show no more than there is."""
    if rule.mode is Mode.PARTITIONED:
        return True
    return shared is not None and (shared.planned or rule.mode is Mode.ADAPTIVE)
