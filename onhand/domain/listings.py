"""What the ledger knows of a listing, and the rules of every channel: all that decides its levels. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from onhand.domain.blind_shares import sure_rate
from onhand.domain.preorders import PreOrder
from onhand.domain.rules import Duplicates, Mode, Rule, for_pickup
from onhand.domain.sharing import Holder, Shared
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
        if not (self.withheld or self.components):  # as nearly always
            return False
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
