"""From what the ledger knows of a listing to the levels its channel should show."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from onhand.domain.allocation import Claim, allocate
from onhand.domain.beyond import with_preorder, with_programmes
from onhand.domain.blind_shares import Part as SharedPart
from onhand.domain.blind_shares import sure_rate, tell
from onhand.domain.kits import Part, packed
from onhand.domain.preorders import PreOrder
from onhand.domain.rules import Duplicates, Mode, Rule, for_pickup
from onhand.domain.sharing import Holder, Shared, is_off, spare, weights
from onhand.domain.velocity import VelocityBuffer

Spot = tuple[int, str]
"""A level: its listing and its place."""
EVERY_CHANNEL = ""
"""The name that stands for all channels in a rule for SKUs or tags."""


@dataclass(frozen=True, slots=True)
class Sibling:
    """A listing of the same SKU, here or on another channel."""

    channel: str
    listing_id: int
    units: int


@dataclass(frozen=True, slots=True)
class Resting:
    """A level of the SKU, here or on another channel, that sells its share by itself and is left alone meanwhile.

    `pieces` is what it is believed to show; that is kept from the SKU's other levels.
    """

    channel: str
    listing_id: int
    place: str
    pieces: int
    units: int


@dataclass(frozen=True, slots=True)
class Component:
    """What goes into a kit: `quantity` units of `sku`, with what decides how many can be packed, as in ListingState.

    `resting` are also levels of kits that hold the SKU: their `units` are those of the SKU.
    """

    sku: str
    quantity: int
    available: Mapping[str, int]
    versions: Mapping[str, int] = field(default_factory=dict)
    resting: tuple[Resting, ...] = ()
    withheld: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListingState:
    """One listing with all that decides its levels, read in one snapshot.

    `available`: units by location; `books`: what we believe it shows, by place (None: never read or
    written); `paces`: pieces lately sold there (`onhand.domain.calm`). `generation` is that of its outbox row, 0
    without one; `due_since` is when the oldest change that is not on the channel yet became durable, None without
    one. `siblings` includes itself. `resting` are levels of the SKU that are left alone, its own included. `halted`: it
    is held at zero; `widened`: units kept from it beyond its rule's buffer, because it drifted. `withheld`: units by
    location that the source has moved the SKU by, and that no run was let through with yet (`onhand.domain.guard`);
    empty where nobody asked for them. `versions` are those of the balances that `available` was
    read from. `tags` are the SKU's. `spiking`: units kept from each of its listings while it sells much faster than
    usual. `paced`: what others sell until the channel shows a change, by place. `preorder`: what may be sold before it
    arrives; `reserved`: units kept for wholesale programmes, by partner and location. `components`: what the SKU is
    packed from, where it is a kit; `available` are then kits, and versions and withheld units those of the components.
    `shared`: the SKU is in shares (`onhand.domain.sharing`), None where it is not; `holders`: its levels with what each
    may still sell and how it sells, `demand`: units lately sold a second by channel, as of the last sale, so that all
    who look before the next one divide alike, `rates`: the same as of now, `slowest`: seconds that the slowest channel
    lately took to show a change. These four are read where they decide something.
    """

    channel: str
    listing_id: int
    sku: str
    item_id: str
    parent_id: str
    tracking: str
    units: int
    generation: int
    available: Mapping[str, int]
    books: Mapping[str, int | None]
    siblings: tuple[Sibling, ...] = ()
    due_since: datetime | None = None
    paces: Mapping[str, float] = field(default_factory=dict)
    resting: tuple[Resting, ...] = ()
    halted: bool = False
    widened: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    spiking: int = 0
    paced: Mapping[str, VelocityBuffer] = field(default_factory=dict)
    preorder: PreOrder | None = None
    reserved: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    components: tuple[Component, ...] = ()
    shared: Shared | None = None
    holders: tuple[Holder, ...] = ()
    demand: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    slowest: float | None = None

    @property
    def divisible(self) -> bool:
        """Whether it can be put in shares: it is no kit, and nothing of it is sold beyond what is available."""
        return not self.components and self.preorder is None and not self.reserved

    @property
    def per_second(self) -> float:
        """Units that all channels sell together as of now: by their rates, or by a rush that has only begun."""
        return max(sum(self.rates.values()), sure_rate(self.holders))

    @property
    def withholds(self) -> bool:
        """Whether the source has moved it by anything that no run was let through with."""
        return any(self.withheld.values()) or any(any(part.withheld.values()) for part in self.components)


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """How one channel takes part: its rule, and which of our locations each of its places shows.

    `listens`: its orders reach the ledger by themselves, so a level that fell unexplained is a sale on its way to us.
    Otherwise sales come from the source, and such a level is drift. `authority`: places where a level that a person
    changes is a count, and of which of our locations. `pickup`: places whose buyers fetch what they buy, and the units
    held back there. `trusts_returns`: refunded pieces that the channel put back on its shelf can be sold at once;
    otherwise they wait for an inspection. `hides_at_zero`: listings that show nothing are taken out of sight.
    `partner`: whose wholesale programmes its orders draw on. `blind`: its levels are only set, whatever they show.
    """

    rule: Rule
    places: Mapping[str, tuple[str, ...]]
    listens: bool = False
    authority: Mapping[str, str] = field(default_factory=dict)
    trusts_returns: bool = True
    pickup: Mapping[str, int] = field(default_factory=dict)
    hides_at_zero: bool = False
    partner: str = ""
    blind: bool = False

    def at(self, place: str, rule: Rule) -> Rule:
        """What becomes of a rule at one of its places."""
        return for_pickup(rule, self.pickup[place]) if place in self.pickup else rule

    def shows_all(self, place: str) -> bool:
        """Whether a place is in no shares: buyers fetch there what its shop holds, or its level is a count."""
        return place in self.pickup or place in self.authority


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Every rule of the configuration; each replaces those that are less exact as a whole.

    The first that there is decides: for the SKU on the channel, for a tag of it there, for the SKU, for a tag, the
    channel's own (`onhand.domain.precedence` says why). `sku_rules` are by channel and SKU, `tag_rules` by channel and
    tag, EVERY_CHANNEL where they name none; of several tags the rule that comes first decides.
    `guarded`: what the source says reaches a channel by a run that was let through, and by nothing else.
    """

    channels: Mapping[str, ChannelRules]
    sku_rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    guarded: bool = False
    tag_rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)

    def rule_for(self, channel: str, sku: str, tags: Sequence[str] = ()) -> Rule:
        """The rule that decides what `channel` shows of `sku`, which has these tags."""
        by_sku, tagged = self.sku_rules, bool(tags and self.tag_rules)
        if by_sku or tagged:
            for named in (channel, EVERY_CHANNEL):
                rule = by_sku.get((named, sku)) or (self._rule_of_tags(named, tags) if tagged else None)
                if rule is not None:
                    return rule
        return self.channels[channel].rule

    def _rule_of_tags(self, named: str, tags: Sequence[str]) -> Rule | None:
        for (channel, tag), rule in self.tag_rules.items():
            if channel == named and tag in tags:
                return rule
        return None

    @property
    def needs_siblings(self) -> bool:
        """Whether any rule looks at a SKU's other listings, so that a listing cannot be decided alone."""
        return any(
            rule.mode is Mode.PARTITIONED or rule.last_units or rule.duplicates is not Duplicates.EACH
            for rule in self._rules()
        )

    @property
    def needs_demand(self) -> bool:
        """Whether any rule goes by how fast a SKU sells and who may still sell what, so that both have to be known."""
        return any(rule.mode is not Mode.POOLED for rule in self._rules())

    @property
    def needs_velocity(self) -> bool:
        """Whether any rule holds back what others sell until a change is shown."""
        return any(rule.buffer.velocity for rule in self._rules())

    def _rules(self) -> Iterator[Rule]:
        yield from (each.rule for each in self.channels.values())
        yield from self.sku_rules.values()
        yield from self.tag_rules.values()


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


def claims_of(state: ListingState, rules: RuleBook) -> list[Claim]:
    """Every claim on the SKU's pool that bears on this listing, its own first.

    Halts and widened buffers are known of its own claims only: those of others change nothing here.
    """
    claims = _in_shares(state, _claims_on_pool(state, rules), rules)
    if state.preorder is not None:
        claims = with_preorder(claims, state.available, state.preorder)
    if state.reserved:
        partners = {name: channel.partner for name, channel in rules.channels.items() if channel.partner}
        claims = with_programmes(claims, state.reserved, partners)
    return claims


def _claims_on_pool(state: ListingState, rules: RuleBook) -> list[Claim]:
    siblings = state.siblings
    if not siblings:
        rule = rules.rule_for(state.channel, state.sku, state.tags)
        channel = rules.channels[state.channel]
        return [
            Claim(
                state.channel,
                state.listing_id,
                place,
                locations,
                channel.at(place, rule),
                state.units,
                halted=state.halted,
                widened=state.widened,
                spiking=state.spiking,
                paced=state.paced.get(place),
            )
            for place, locations in channel.places.items()
        ]
    mine_first = sorted(siblings, key=lambda s: (s.listing_id != state.listing_id, s.channel, s.listing_id))
    return [
        Claim(
            channel=sibling.channel,
            listing_id=sibling.listing_id,
            place=place,
            locations=locations,
            rule=rule,
            units=sibling.units,
            halted=state.halted and sibling.listing_id == state.listing_id,
            widened=state.widened if sibling.listing_id == state.listing_id else 0,
            spiking=state.spiking,
            paced=state.paced.get(place) if sibling.listing_id == state.listing_id else None,
            twins=tuple(twin.units for twin in twins),
            turn=twins.index(sibling) if twins else 0,
        )
        for sibling in mine_first
        if sibling.channel in rules.channels
        for channel in [rules.channels[sibling.channel]]
        for place, locations in channel.places.items()
        for rule in [channel.at(place, rules.rule_for(sibling.channel, state.sku, state.tags))]
        for twins in [_twins(sibling, state, rule)]
    ]


def _in_shares(state: ListingState, claims: list[Claim], rules: RuleBook) -> list[Claim]:
    """The same with the weight of each that takes part, where the SKU is in shares."""
    shared = state.shared
    if shared is None or not state.divisible:
        return claims
    takes_part = [
        not rules.channels[claim.channel].shows_all(claim.place)
        and (shared.planned or claim.rule.mode is Mode.ADAPTIVE)
        for claim in claims
    ]
    channels = [claim.channel for claim, takes in zip(claims, takes_part, strict=True) if takes]
    parts = weights(channels, _demand(state, rules), shared.shares) if channels else {}
    return [
        replace(claim, weight=parts[claim.channel], twins=_undivided(claim)) if takes else claim
        for claim, takes in zip(claims, takes_part, strict=True)
    ]


def _demand(state: ListingState, rules: RuleBook) -> dict[str, float]:
    """Units sold a second by channel; one whose sales we are not told of counts as the others do on average."""
    heard = {
        name: rate
        for name, rate in state.demand.items()
        if name in rules.channels and rules.channels[name].listens
    }
    average = sum(heard.values()) / len(heard) if heard else 0.0
    return {name: heard.get(name, average) for name in state.demand}


def _has_a_part(rule: Rule, shared: Shared | None) -> bool:
    """Whether a level under that rule is one of those that together show no more than there is."""
    if rule.mode is Mode.PARTITIONED:
        return True
    return shared is not None and (shared.planned or rule.mode is Mode.ADAPTIVE)


def _undivided(claim: Claim) -> tuple[int, ...]:
    """A channel's part is divided among its listings beforehand, as one of partitioned stock is."""
    return () if claim.rule.duplicates is Duplicates.SPLIT else claim.twins


def _twins(sibling: Sibling, state: ListingState, rule: Rule) -> Sequence[Sibling]:
    """The listings of the SKU on the channel of one, by age, where its rule divides what the channel has among them.

    Nobody, where each part is the listing's own already: shares of partitioned stock are divided beforehand.
    """
    divided = rule.duplicates is Duplicates.SPLIT and rule.mode is Mode.PARTITIONED
    if rule.duplicates is Duplicates.EACH or divided:
        return ()
    twins = sorted((s for s in state.siblings if s.channel == sibling.channel), key=lambda s: s.listing_id)
    return twins if len(twins) > 1 else ()


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
    parts = _parts(state, rules, claims, levels) if levels and state.shared is not None else {}
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
