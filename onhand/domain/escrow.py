"""Adaptive allocation: one pool for all while stock is plentiful, shares in escrow when it is not. Pure; one SKU.

A channel sells before it tells us, and a call takes time. While the pool is larger than what can be sold in that window
(with a margin), every channel shows all of it. At or below that threshold each level has a share by recent demand, and
a unit moves only after its giver's answer proved that it was taken:

    sum of what all levels may still sell  ≤  what is available, less provisional demand

at every moment, whatever the order of answers. What a level may still sell is `onhand.domain.holdings.may_sell`.

Levels that are only set blindly and sell faster than a call takes (`onhand.domain.calm`) have a share of their own also
while stock is plentiful, less what may be sold there before it takes effect; they are then left alone until they are
nearly empty, or calm. One that falls silent is looked at, as nobody else tells that it is empty.

In a planned campaign all levels have shares beforehand, by the weights that were planned, and escrow takes it from
there.
"""

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import Generic

from onhand.domain.calm import CALL_SECONDS_MIN, CALM_PIECES, HOT_PIECES, shares
from onhand.domain.demand import at_most, speed_of
from onhand.domain.holdings import Writing, may_sell, unheard_ahead, unheard_now, unheard_still
from onhand.domain.selling import Decision, Key, Move, Phase, Seller, Terms, next_phase, threshold

SMALLEST_RATE = 0.03
"""Units a second that every level is reckoned with besides what it sold: who shows nothing can sell nothing."""
SOONEST_SECONDS = 0.05
LOOK_AGAIN_SECONDS = 5.0
"""Levels that rest are judged again at least so often: they may be calm."""


def decide(
    left: int, sellers: Sequence[Seller[Key]], phase: Phase, now: float, terms: Terms
) -> Decision[Key]:
    """What to tell which level, for a SKU of which `left` units are available as far as orders were heard of.

    The order of the sellers decides ties, and nothing else. Levels that fall come first among the moves.
    """
    table = _Table(left, sellers, now, terms)
    campaign = any(seller.planned is not None for seller in sellers)
    limit = threshold(
        sum(speed.rate for speed in table.speeds), max(seller.reach.window for seller in sellers), terms
    )
    after = Phase.ESCROW if campaign else next_phase(phase, table.free, limit, terms)
    table.share(after)
    moves = (*table.looks(), *table.lowered(), *table.raised())
    resting = frozenset(s.key for s, rests in zip(sellers, table.resting, strict=True) if rests)
    return Decision(after, moves, resting, table.again_in())


class _Table(Generic[Key]):
    """All that one decision looks at, worked out once; lists are by the position of the seller."""

    def __init__(self, left: int, sellers: Sequence[Seller[Key]], now: float, terms: Terms) -> None:
        self.sellers, self.now, self.terms = sellers, now, terms
        self.free = max(0, left - sum(seller.holding.provisional for seller in sellers))
        self.speeds = [speed_of(s.demand, s.reach, now, terms.caution) for s in sellers]
        self.most = [may_sell(s.holding, v, now) for s, v in zip(sellers, self.speeds, strict=True)]
        self.ahead = [
            unheard_ahead(s.holding, v, now)
            if s.writing is Writing.ABSOLUTE
            else unheard_now(s.holding, v, now)
            for s, v in zip(sellers, self.speeds, strict=True)
        ]
        self.last = 0 < self.free <= terms.last_units and any(seller.takes_last for seller in sellers)
        self.resting = self._resting()
        self.sharing: list[bool] = []
        self.wants: list[int] = []
        self.kept: list[bool] = []
        self.spare = 0
        self.scarce = self.wanting = False

    def _resting(self) -> list[bool]:
        """A SKU that is hot on one channel that only sets levels is hot on all of them."""
        blind = [seller.writing is Writing.ABSOLUTE for seller in self.sellers]
        limit = CALM_PIECES if any(seller.resting for seller in self.sellers) else HOT_PIECES
        known = sum(speed.counted for speed in self.speeds) >= self.terms.counted_min
        hot = any(
            sets and speed.rate * max(CALL_SECONDS_MIN, speed.reach.call) > limit
            for sets, speed in zip(blind, self.speeds, strict=True)
        )
        return [
            sets and hot and (known or seller.resting)
            for sets, seller in zip(blind, self.sellers, strict=True)
        ]

    def share(self, phase: Phase) -> None:
        """Who has a share, how much each should be able to sell, and what is left to give."""
        positions = range(len(self.sellers))
        self.sharing = [phase is Phase.ESCROW or rests for rests in self.resting]
        ideal = self._divided(self.free, positions)
        self.kept = [self._is_kept(n, ideal[n]) for n in positions]
        reserved = [self._reserved(n, ideal[n]) for n in positions]
        rest = self.free - sum(reserved)
        if rest < 0 and -rest > self._unavoidable():
            self.kept = [not seller.reachable for seller in self.sellers]
            rest = max(0, self.free - sum(reserved[n] for n in positions if self.kept[n]))
        self.wants = self._wanted(ideal, rest)
        pooled = max((self.most[n] for n in positions if not self.sharing[n]), default=0)
        self.spare = self.free - pooled - sum(self.most[n] for n in positions if self.sharing[n])
        self.scarce = phase is Phase.ESCROW
        self.wanting = any(ideal[n] > self.most[n] for n in positions)

    def _wanted(self, ideal: Mapping[int, int], rest: int) -> list[int]:
        """What each should be able to sell. Nobody who can only be set gets more than its part: it is hard to take
        back.
        """
        told = [n for n in range(len(self.sellers)) if not self.kept[n]]
        wants = {**dict(enumerate(self.most)), **self._divided(rest, told)}
        for n in told:
            if self.sellers[n].writing is Writing.ABSOLUTE:
                wants[n] = min(wants[n], ideal[n])
                rest -= wants[n]
        wants.update(
            self._divided(rest, [n for n in told if self.sellers[n].writing is not Writing.ABSOLUTE])
        )
        return [wants[n] for n in range(len(self.sellers))]

    def _divided(self, units: int, positions: Sequence[int]) -> dict[int, int]:
        if not positions:
            return {}
        return shares(units, {n: self._weight(n) for n in positions})

    def _weight(self, n: int) -> float:
        if self.last:
            return 1.0 if self.sellers[n].takes_last else 0.0
        planned = self.sellers[n].planned
        return self.speeds[n].rate + SMALLEST_RATE if planned is None else planned

    def _is_kept(self, n: int, ideal: int) -> bool:
        """Whether a level is left alone: it cannot be told, or it rests and telling it again would cost too much."""
        if not self.sellers[n].reachable:
            return True
        if not (self.resting[n] and self.sellers[n].holding.known):
            return False
        return self.ahead[n] * self.terms.worth > abs(ideal - self.most[n])

    def _reserved(self, n: int, ideal: int) -> int:
        """Units that a level which is left alone takes away from the others.

        One that cannot be told goes on selling what it shows, which may be all there is: it is reckoned with what it
        will sell until nothing is left, at most.
        """
        if not self.kept[n]:
            return 0
        if self.sellers[n].reachable:
            return self.most[n]
        return min(self.most[n], at_most(ideal, self.speeds[n].counted, self.terms.caution))

    def _unavoidable(self) -> int:
        """Units by which setting a level again would miss anyway."""
        expected = [
            speed.rate * speed.reach.call
            for speed, seller in zip(self.speeds, self.sellers, strict=True)
            if seller.writing is Writing.ABSOLUTE
        ]
        return max(1, ceil(max(expected, default=0.0)))

    def looks(self) -> list[Move[Key]]:
        """Levels of which too little is known."""
        return [Move(s.key, None) for n, s in enumerate(self.sellers) if s.idle and self._looks(n)]

    def _looks(self, n: int) -> bool:
        seller = self.sellers[n]
        if not seller.holding.known and seller.writing is not Writing.ABSOLUTE:
            return True
        return self._look_due_in(n) <= 0

    def _look_due_in(self, n: int) -> float:
        """Seconds until a level has to be looked at that may show less than we believe, as it was once set or looked
        at.

        It is when it has fallen silent, or when others want units that it may not have: but never again before all that
        was sold before the last time is heard of.
        """
        seller, speed = self.sellers[n], self.speeds[n]
        doubtful = seller.writing is Writing.ABSOLUTE or seller.holding.fixed_at is not None
        if not (doubtful and self.sharing[n] and self.most[n] > 0):
            return inf
        silence = self.terms.silent_sales / speed.rate if speed.rate > 0 else inf
        fixed = seller.holding.fixed_at
        if fixed is None:
            return seller.demand.at + silence - self.now
        wanted = self.scarce and self.spare <= 0 and self.wanting
        heard = fixed + speed.reach.hearing
        return (heard if wanted else max(heard, seller.demand.at + silence)) - self.now

    def lowered(self) -> list[Move[Key]]:
        """Levels that may sell more than they should."""
        found = []
        for n, seller in enumerate(self.sellers):
            if self._free_to_tell(n) and self.sharing[n]:
                over = self.most[n] - self.wants[n]
                if over > 0 and (self.spare < 0 or self._off(n)):
                    level = max(0, self.wants[n] - self.ahead[n])
                    if level < seller.holding.book or not seller.holding.known:
                        found.append(Move(seller.key, level))
            elif self._free_to_tell(n):
                level = self._pool(n)
                if level < seller.holding.book or not seller.holding.known:
                    found.append(Move(seller.key, level))
        return found

    def raised(self) -> list[Move[Key]]:
        """Levels that should be able to sell more, as far as units were proven to be free; the emptiest first."""
        found = []
        spare = self.spare
        missing = [self.wants[n] - self.most[n] for n in range(len(self.sellers))]
        for n in sorted(range(len(self.sellers)), key=lambda n: -missing[n]):
            seller = self.sellers[n]
            if not self._free_to_tell(n):
                continue
            if not self.sharing[n]:
                level = self._pool(n)
            elif spare > 0 and self._off(n) and missing[n] > 0:
                given = min(missing[n], spare)
                level = self.most[n] + given - self.ahead[n]
            else:
                continue
            if level > seller.holding.book:
                found.append(Move(seller.key, level))
                spare -= given if self.sharing[n] else 0
        return found

    def _free_to_tell(self, n: int) -> bool:
        return self.sellers[n].idle and not self.kept[n] and not self._looks(n)

    def _off(self, n: int) -> bool:
        return abs(self.wants[n] - self.most[n]) > self.terms.tolerance * self.wants[n]

    def _pool(self, n: int) -> int:
        """What a level without a share of its own shows: all that those with one cannot sell, and at least its part."""
        shared = sum(most for most, has_share in zip(self.most, self.sharing, strict=True) if has_share)
        return max(self.free - shared, self.wants[n])

    def again_in(self) -> float | None:
        """Seconds until time alone changes what is known."""
        waits = []
        for n, seller in enumerate(self.sellers):
            fixed = seller.holding.fixed_at
            if fixed is not None and unheard_still(seller.holding, seller.reach, self.now):
                waits.append(fixed + seller.reach.hearing - self.now)
            if self.resting[n] or fixed is not None:
                waits.append(min(LOOK_AGAIN_SECONDS, max(0.0, self._look_due_in(n))))
        return max(SOONEST_SECONDS, min(waits)) if waits else None
