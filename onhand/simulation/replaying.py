"""Past demand under other rules: what each channel would have sold, refused and oversold. Pure.

The days are gone through again, SKU by SKU. A channel sells what it shows and refuses the rest; what it shows is what
the rules make of the stock, some seconds late, less what it sold itself since; while a SKU is in shares, no more than
others leave. Every other movement happens as it did.
Only what was sold can be asked for again: nobody knows who was turned away at the time.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onhand.domain.allocation import Claim, allocate
from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.past_demand import Happening, PastDemand
from onhand.simulation.shared import Sharing

Spot = tuple[int, str]
"""A listing and a place."""
STARVED_SKUS_MAX = 10
"""SKUs that are named of each channel that starves, those with the most units refused."""


@dataclass(slots=True)
class ChannelTally:
    """What one channel would have done, in units.

    `oversold`: sold beyond what there was. `left`: shown when the days ended. `starved`: refused while it showed 0 and
    there was stock at its locations; `starved_skus` names the SKUs with their units.
    """

    sold: int = 0
    refused: int = 0
    oversold: int = 0
    left: int = 0
    starved: int = 0
    starved_skus: Counter[str] = field(default_factory=Counter)

    def worst_starved(self) -> list[tuple[str, int]]:
        """The SKUs it could not sell although there was stock, the most units first."""
        return sorted(self.starved_skus.items(), key=lambda each: (-each[1], each[0]))[:STARVED_SKUS_MAX]


Tallies = dict[str, ChannelTally]


def replay(past: Iterable[PastDemand], rules: RuleBook, delays: Mapping[str, float]) -> Tallies:
    """Go through the days under these rules; `delays` are seconds by channel until a change is shown there."""
    tallies = {channel: ChannelTally() for channel in rules.channels}
    for sku in past:
        replay_sku(sku, rules, delays, tallies)
    return tallies


def replay_sku(sku: PastDemand, rules: RuleBook, delays: Mapping[str, float], tallies: Tallies) -> None:
    """The same for one SKU, added to the tallies."""
    shelves = _Shelves(sku, rules, delays)
    for happening in sku.happenings:
        shelves.catch_up(happening.at)
        tally = tallies.get(happening.channel)
        if tally is None or happening.units <= 0:
            shelves.move(happening.location, happening.units)
        else:
            _sell(shelves, happening, tally, sku.sku)
        shelves.tell(happening.at)
    for claim, level in zip(shelves.claims, shelves.levels(), strict=True):
        tallies[claim.channel].left += level * claim.units


def _sell(shelves: "_Shelves", happening: Happening, tally: ChannelTally, sku: str) -> None:
    claim = shelves.claim_for(happening)
    if claim is None:
        # Nothing of the channel sells it now: as the order did come in, somebody else's listing would not have.
        tally.refused += happening.units
        return
    wanted = happening.units // claim.units
    shown = shelves.shown[claim.listing_id, claim.place]
    pieces = min(wanted, shown)
    refused = happening.units - pieces * claim.units
    if shown == 0 and shelves.stock_of(claim) >= claim.units:
        tally.starved += refused
        tally.starved_skus[sku] += refused
    tally.refused += refused
    tally.sold += pieces * claim.units
    tally.oversold += shelves.sell(claim, happening, pieces)


class _Shelves:
    """One SKU while its days go by: the stock, and what every level shows."""

    def __init__(self, sku: PastDemand, rules: RuleBook, delays: Mapping[str, float]) -> None:
        self.stock: Counter[str] = Counter(sku.available)
        self._sharing = _sharing(sku, rules, delays)
        self.claims = self._sharing.pooled if self._sharing is not None else []
        self._now = 0.0
        self.shown: dict[Spot, int] = {}
        self._delays = delays
        self._sold: Counter[Spot] = Counter()
        self._ahead: dict[str, deque[tuple[float, list[tuple[Claim, int]]]]] = {}
        for claim, level in zip(self.claims, self.levels(), strict=True):
            self.shown[claim.listing_id, claim.place] = level
            self._ahead.setdefault(claim.channel, deque())

    def levels(self) -> list[int]:
        """What the rules make of the stock now, claim by claim."""
        if self._sharing is None:
            return []
        return allocate(self.stock, self._sharing.claims(self.stock, self._now))

    def catch_up(self, now: float) -> None:
        """Let every channel show what it was told by now, less what it has sold since that was decided."""
        self._now = now
        due = list[tuple[Claim, int]]()
        for ahead in self._ahead.values():
            last = list[tuple[Claim, int]]()
            while ahead and ahead[0][0] <= now:
                last = ahead.popleft()[1]
            due += last
        # What falls makes room for what rises.
        for falls in (True, False):
            for claim, until_sold in due:
                level = max(0, until_sold - self._sold[claim.listing_id, claim.place])
                if (level < self.shown[claim.listing_id, claim.place]) is falls:
                    self._show(claim, level)

    def _show(self, claim: Claim, level: int) -> None:
        shown = self.shown[claim.listing_id, claim.place]
        if level > shown and self._sharing is not None and self._sharing.gates(claim):
            level = min(level, max(shown, self._sharing.room(claim, self.stock, self.shown)))
        self.shown[claim.listing_id, claim.place] = level

    def tell(self, now: float) -> None:
        """Tell every channel its levels; each shows them after its delay."""
        told: dict[str, list[tuple[Claim, int]]] = {channel: [] for channel in self._ahead}
        for claim, level in zip(self.claims, self.levels(), strict=True):
            spot = (claim.listing_id, claim.place)
            # What is sold there from here on comes off it: it is shown until so many are sold in all.
            told[claim.channel].append((claim, level + self._sold[spot]))
        for channel, levels in told.items():
            self._ahead[channel].append((now + self._delays.get(channel, 0.0), levels))

    def claim_for(self, happening: Happening) -> Claim | None:
        """The level that the units were sold from: of those of its channel that draw on the location one whose pieces
        they make, the largest pieces first; any of the channel's levels where none draws on it."""
        own = [claim for claim in self.claims if claim.channel == happening.channel]
        there = [claim for claim in own if happening.location in claim.locations] or own
        whole = [claim for claim in there if happening.units % claim.units == 0] or there
        return max(whole, key=lambda claim: (claim.units, -claim.listing_id), default=None)

    def stock_of(self, claim: Claim) -> int:
        """Units at the locations that the level shows."""
        return sum(self.stock[location] for location in claim.locations)

    def sell(self, claim: Claim, happening: Happening, pieces: int) -> int:
        """Take sold pieces off the level and the stock; answers units that were not there.

        They are taken from the location the order named, and where that has none from the level's others.
        """
        spot = (claim.listing_id, claim.place)
        self.shown[spot] -= pieces
        self._sold[spot] += pieces
        lacking, location = pieces * claim.units, happening.location
        if self._sharing is not None:
            self._sharing.sold(claim.channel, lacking, happening.at)
        for each in (location, *claim.locations):
            taken = min(lacking, max(0, self.stock[each]))
            self.stock[each] -= taken
            lacking -= taken
        self.stock[location] -= lacking
        return lacking

    def move(self, location: str, units: int) -> None:
        """Units left the location, or came to it, without a channel being asked."""
        self.stock[location] -= units


def _sharing(sku: PastDemand, rules: RuleBook, delays: Mapping[str, float]) -> Sharing | None:
    """None where no channel lists it."""
    siblings = tuple(each for each in sku.siblings if each.channel in rules.channels)
    if not siblings:
        return None
    first = siblings[0]
    state = ListingState(
        channel=first.channel,
        listing_id=first.listing_id,
        sku=sku.sku,
        item_id="",
        parent_id="",
        tracking="",
        units=first.units,
        generation=0,
        available={},
        books={},
        siblings=siblings,
        tags=sku.tags,
    )
    return Sharing(state, rules, delays)
