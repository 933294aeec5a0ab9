"""From what the ledger knows of a listing to the levels its channel should show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from onhand.domain.allocation import Claim, allocate
from onhand.domain.beyond import with_preorder, with_programmes
from onhand.domain.preorders import PreOrder
from onhand.domain.rules import Mode, Rule, for_pickup
from onhand.domain.velocity import VelocityBuffer

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
    arrives; `reserved`: units kept for wholesale programmes, by partner and location.
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


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """How one channel takes part: its rule, and which of our locations each of its places shows.

    `listens`: its orders reach the ledger by themselves, so a level that fell unexplained is a sale on its way to us.
    Otherwise sales come from the source, and such a level is drift. `authority`: places where a level that a person
    changes is a count, and of which of our locations. `pickup`: places whose buyers fetch what they buy, and the units
    held back there. `trusts_returns`: refunded pieces that the channel put back on its shelf can be sold at once;
    otherwise they wait for an inspection. `hides_at_zero`: listings that show nothing are taken out of sight.
    `partner`: whose wholesale programmes its orders draw on.
    """

    rule: Rule
    places: Mapping[str, tuple[str, ...]]
    listens: bool = False
    authority: Mapping[str, str] = field(default_factory=dict)
    trusts_returns: bool = True
    pickup: Mapping[str, int] = field(default_factory=dict)
    hides_at_zero: bool = False
    partner: str = ""

    def at(self, place: str, rule: Rule) -> Rule:
        """What becomes of a rule at one of its places."""
        return for_pickup(rule, self.pickup[place]) if place in self.pickup else rule


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
        return any(rule.mode is not Mode.POOLED or rule.last_units for rule in self._rules())

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

    `beyond`: units that are not available, and that it may sell all the same (`onhand.domain.beyond`).
    """

    state: ListingState
    place: str
    quantity: int
    book: int | None
    beyond: int = 0

    @property
    def differs(self) -> bool:
        """Whether the channel has to be told."""
        return self.quantity != self.book


def claims_of(state: ListingState, rules: RuleBook) -> list[Claim]:
    """Every claim on the SKU's pool that bears on this listing, its own first.

    Halts and widened buffers are known of its own claims only: those of others change nothing here.
    """
    claims = _claims_on_pool(state, rules)
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
            rule=rules.channels[sibling.channel].at(
                place, rules.rule_for(sibling.channel, state.sku, state.tags)
            ),
            units=sibling.units,
            halted=state.halted and sibling.listing_id == state.listing_id,
            widened=state.widened if sibling.listing_id == state.listing_id else 0,
            spiking=state.spiking,
            paced=state.paced.get(place) if sibling.listing_id == state.listing_id else None,
        )
        for sibling in mine_first
        if sibling.channel in rules.channels
        for place, locations in rules.channels[sibling.channel].places.items()
    ]


def targets_of(state: ListingState, rules: RuleBook) -> list[Target]:
    """The levels of one listing, one for each place of its channel.

    While something is withheld they are worked out as if the source had not said it: what is sold, put back, counted
    or halted goes out, and nothing else of the SKU.
    """
    if not any(state.withheld.values()):
        return _targets_of(state, rules)
    before = with_changes(state, {location: -units for location, units in state.withheld.items()})
    return [replace(target, state=state) for target in _targets_of(before, rules)]


def _targets_of(state: ListingState, rules: RuleBook) -> list[Target]:
    claims = claims_of(state, rules)
    levels = allocate(state.available, claims) if not state.resting else []
    return [
        Target(
            state,
            claim.place,
            levels[n] if levels else allocate(free_for(state, rules, claim.place), claims)[n],
            state.books.get(claim.place),
            claim.programme + claim.preorder,
        )
        for n, claim in enumerate(claims)
        if claim.listing_id == state.listing_id
    ]


def free_for(state: ListingState, rules: RuleBook, place: str) -> Mapping[str, int]:
    """Units by location that the level at `place` may draw on: all that resting levels do not sell by themselves.

    What such a level shows is taken from its locations in turn, as far as each has any, and from the first beyond that.
    """
    if not state.resting:
        return state.available
    free = dict(state.available)
    for level in state.resting:
        locations = (
            rules.channels[level.channel].places.get(level.place) if level.channel in rules.channels else None
        )
        if not locations or (level.listing_id, level.place) == (state.listing_id, place):
            continue
        kept = max(0, level.pieces) * level.units
        for location in locations:
            taken = min(kept, max(0, free.get(location, 0)))
            free[location] = free.get(location, 0) - taken
            kept -= taken
        free[locations[0]] = free.get(locations[0], 0) - kept
    return free


def with_changes(state: ListingState, changes: Mapping[str, int]) -> ListingState:
    """The same listing as if its SKU had already moved by `changes`, units by location."""
    available = dict(state.available)
    for location, units in changes.items():
        available[location] = available.get(location, 0) + units
    return replace(state, available=available)


def all_targets(states: Sequence[ListingState], rules: RuleBook) -> list[Target]:
    """The levels of many listings, in their order."""
    return [target for state in states for target in targets_of(state, rules)]
