"""Whether a SKU of past days would have been in shares, and how its channels would have divided it. Pure.

By the rules that decide it live (`onhand.domain.sharing`), on what these days tell: how fast each channel sold lately
and over days, and how late changes are shown.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log

from onhand.domain.allocation import Claim
from onhand.domain.claims import claims_of
from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.phases import Phase
from onhand.domain.rules import Mode
from onhand.domain.sharing import Shared, phase_after, spare

DAY = 86_400.0
LATELY_SECONDS = 10.0
"""After which a sale counts half for how fast a SKU sells at the moment."""
USUALLY_SECONDS = 3 * DAY
"""The same for how fast it usually sells."""


class _Fading:
    """Units sold by channel, each worth half as much after `half_life` seconds, as a rate a second."""

    def __init__(self, half_life: float, known_min: float) -> None:
        self._fade = log(2) / half_life
        self._known_min = known_min
        self._units: dict[str, tuple[float, float]] = {}

    def sold(self, channel: str, units: int, now: float) -> None:
        self._units[channel] = (self._left(channel, now) + units, now)

    def rate(self, channel: str, now: float) -> float:
        """Units a second. The days before these are not known, so the first of them count for more."""
        known = max(now, self._known_min)
        return self._left(channel, now) * self._fade / (1 - exp(-self._fade * known))

    def _left(self, channel: str, now: float) -> float:
        units, at = self._units.get(channel, (0.0, now))
        return units * exp(-self._fade * (now - at))


class Sharing:
    """One SKU while its days go by: pooled or in shares, and what each level claims."""

    def __init__(self, state: ListingState, rules: RuleBook, delays: Mapping[str, float]) -> None:
        self._state, self._rules = state, rules
        self.pooled = claims_of(state, rules)
        self._channels = [*dict.fromkeys(claim.channel for claim in self.pooled)]
        self._adaptive = sum(self._takes_part(channel) for channel in self._channels) > 1
        self._slowest = max((delays.get(channel, 0.0) for channel in self._channels), default=0.0)
        self._phase = Phase.POOLED
        self._paces = (_Fading(LATELY_SECONDS, LATELY_SECONDS), _Fading(USUALLY_SECONDS, DAY))

    def _takes_part(self, channel: str) -> bool:
        rule = self._rules.rule_for(channel, self._state.sku, self._state.tags)
        return rule.mode is Mode.ADAPTIVE

    @property
    def shared(self) -> bool:
        """Whether it is in shares."""
        return self._phase is Phase.SHARES

    def sold(self, channel: str, units: int, now: float) -> None:
        """A channel sold so many units."""
        if self._adaptive:
            for pace in self._paces:
                pace.sold(channel, units, now)

    def claims(self, stock: Counter[str], now: float) -> Sequence[Claim]:
        """What each level claims with this stock, in the order of `pooled`."""
        if not self._adaptive:
            return self.pooled
        demand = {channel: max(pace.rate(channel, now) for pace in self._paces) for channel in self._channels}
        drawn_on = {location for claim in self.pooled for location in claim.locations}
        free = max(0, sum(stock[location] for location in drawn_on))
        self._phase = phase_after(self._phase, free, sum(demand.values()), self._slowest)
        if not self.shared:
            return self.pooled
        return claims_of(replace(self._state, shared=Shared(), demand=demand), self._rules)

    def gates(self, claim: Claim) -> bool:
        """Whether a level is raised only as far as others leave it."""
        return self.shared and self._takes_part(claim.channel)

    def room(self, claim: Claim, stock: Counter[str], shown: Mapping[tuple[int, str], int]) -> int:
        """Pieces that a level may show at most next to what all others show: it is raised no further."""
        others = [
            (frozenset(other.locations), shown[other.listing_id, other.place] * other.units)
            for other in self.pooled
            if other is not claim and self._takes_part(other.channel)
        ]
        return max(0, spare(stock, claim.locations, others)) // claim.units
