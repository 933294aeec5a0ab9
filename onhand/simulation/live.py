"""Onhand's own way: what its publishers do with one SKU, by the same rules that they decide by.

Nothing is decided here. Whether it is in shares, what each level should show, how far it may be raised, what is left
alone and what a look changes is said by onhand/domain, as it is to onhand/publish; this is the walk of an errand
(`onhand.publish.bring`) without a database: decide, claim, look, tell, book, and mark whoever has to look again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log

from onhand.domain.beliefs import corrected
from onhand.domain.calm import HALF_LIFE_SECONDS, decayed
from onhand.domain.gate import Gate, Grant
from onhand.domain.holdings import Booked, may_sell
from onhand.domain.listings import ChannelRules, ListingState, Resting, RuleBook, Sibling
from onhand.domain.rests import AGAIN_SECONDS, Pace, RestPlan, resting_of, told_first
from onhand.domain.rules import Mode, Rule
from onhand.domain.scarcity import crossing_of
from onhand.domain.sharing import Holder, Shared
from onhand.domain.targets import Target, targets_of
from onhand.simulation.desk import Desk
from onhand.simulation.market import Order
from onhand.simulation.ways import Silence

SKU, PLACE, SHELF = "it", "", "shelf"
Spot = tuple[int, str]


def rules_of(mode: Mode, blind: list[bool]) -> RuleBook:
    """The configuration: channels by their numbers, all of them on one shelf and under the same rule."""
    return RuleBook(
        {
            _name(n): ChannelRules(Rule(mode), {PLACE: (SHELF,)}, listens=True, blind=sets)
            for n, sets in enumerate(blind)
        }
    )


def campaign(weights: tuple[float, ...] | None) -> Shared:
    """A planned campaign, with shares in proportion to `weights`; None: by demand."""
    if weights is None:
        return Shared(planned=True)
    parts = [Decimal(weight) / Decimal(sum(weights)) * 100 for weight in weights]
    cut = [part.quantize(Decimal("0.0001"), rounding="ROUND_DOWN") for part in parts]
    cut[0] += 100 - sum(cut)
    return Shared(planned=True, shares={_name(n): part for n, part in enumerate(cut)})


def _name(channel: int) -> str:
    return f"{channel:03}"


@dataclass(slots=True)
class _Errand:
    """What one channel is being told: the target as claimed, the generation it was decided under, and how long its
    listing is not looked at after it. `book`: what it shows by now; `anew`: all are decided again."""

    target: Target
    generation: int
    seconds: float | None
    book: int | None
    looked: bool = False
    anew: bool = False


class Live(Silence):
    """Levels as Onhand keeps them under one mode; `shared`: in a campaign from the start."""

    def __init__(self, mode: Mode = Mode.ADAPTIVE, shared: Shared | None = None) -> None:
        self._mode, self._shared = mode, shared

    def opened(self, desk: Desk) -> None:
        """All levels are told what they show at first, and nothing is pending."""
        channels = len(desk.blind)
        self._rules = rules_of(self._mode, desk.blind)
        self._pending = [False] * channels
        self._generations = [0] * channels
        self._waits_until = [0.0] * channels
        self._errands: dict[int, _Errand] = {}
        self._rested: dict[int, int] = {}
        self._siblings = tuple(Sibling(_name(n), n, 1) for n in range(channels))

    def heard(self, desk: Desk, orders: list[Order]) -> None:
        """A sale marks every listing of its SKU."""
        self._mark()

    def swept(self, desk: Desk) -> None:
        """What nobody will hear of any more may be free for others."""
        self._mark()

    def act(self, desk: Desk) -> None:
        """Every publisher takes up what is pending, until it has nothing to do or has to wait for an answer."""
        while (channel := self._next(desk)) is not None:
            self._take_up(desk, channel)
        waiting = [
            self._waits_until[n]
            for n, pending in enumerate(self._pending)
            if pending and self._waits_until[n] > desk.market.now
        ]
        if waiting:
            desk.look_again_at(min(waiting))

    def _next(self, desk: Desk) -> int | None:
        for n, pending in enumerate(self._pending):
            if pending and self._waits_until[n] <= desk.market.now and desk.idle(n):
                return n
        return None

    def _mark(self) -> None:
        self._pending = [True] * len(self._pending)
        self._generations = [generation + 1 for generation in self._generations]
        self._waits_until = [0.0] * len(self._waits_until)

    def _take_up(self, desk: Desk, n: int) -> None:
        state = self._decided(desk, n)
        (target,) = targets_of(state, self._rules)
        rests, told = self._rests(desk, n, target)
        generation, seconds = self._generations[n], rests.seconds.get(n)
        if not (target.differs or target.look) or rests.alone:
            self._settle(desk, n, generation, seconds, right=not target.differs)
            return
        grant, waits = self._granted(desk, n, state, told)
        if waits:
            seconds = AGAIN_SECONDS
        quantity = min(target.quantity, grant.most)
        self._errands[n] = _Errand(replace(target, quantity=quantity), generation, seconds, target.book)
        desk.claim(n, grant.most, undoes=grant.undoes, owed=grant.owed)
        if not self._say(desk, n):
            desk.book(n)

    def _rests(self, desk: Desk, n: int, target: Target) -> tuple[RestPlan, dict[Spot, int]]:
        """Whether the level begins, goes on or ceases to rest, and the share it is told before."""
        call_seconds = sum(desk.market.day.scenario.delays.call) / 2
        rests = resting_of(
            {(n, PLACE): target}, self._rules, may_rest=desk.blind[n], call_seconds=call_seconds
        )
        told = {spot: told_first(hot, self._paces(desk, n), self._rules) for spot, hot in rests.hot.items()}
        for spot, share in told.items():
            self._rested[spot[0]] = share
        for listing, _ in rests.ended:
            del self._rested[listing]
        if rests.hot or rests.ended:
            self._mark()
        return rests, told

    def _granted(
        self, desk: Desk, n: int, state: ListingState, told: Mapping[Spot, int]
    ) -> tuple[Grant, bool]:
        """The most that is told, and whether time alone may set free what it is owed."""
        gate, spot = Gate(self._rules, told, {(n, PLACE): desk.blind[n]}), (n, PLACE)
        grant = gate({spot: desk.holdings[n].book}, [state])[spot]
        return grant, bool(gate.waiting())

    def _say(self, desk: Desk, n: int) -> bool:
        """The next call of an errand, if there is one."""
        errand = self._errands[n]
        unknown = errand.book is None and not desk.blind[n]
        if (errand.target.look or unknown) and not errand.looked:
            errand.looked = True
            desk.ask(n)
            return True
        if errand.book == errand.target.quantity:
            return False
        desk.tell(n, errand.target.quantity, None if desk.blind[n] else errand.book)
        return True

    def goes_on(self, desk: Desk, channel: int) -> bool:
        """What was looked at is told what it should show after that."""
        claim, errand = desk.claims[channel], self._errands[channel]
        assert claim is not None, "an errand has its claim"
        if claim.level is not None:
            return False
        errand.book = claim.belief.seen
        errand.target, errand.anew = corrected(errand.target, claim.belief, 0, listens=True)
        return self._say(desk, channel)

    def booked(self, desk: Desk, channel: int, booked: Booked) -> None:
        """Settled where it is right; whoever is owed what came free, or shows what is sold, looks again."""
        errand = self._errands.pop(channel)
        shows = booked.holding.book
        self._settle(desk, channel, errand.generation, errand.seconds, right=shows == errand.target.quantity)
        owed = booked.freed and any(holding.owed for holding in desk.holdings)
        if errand.anew or booked.taught or booked.in_doubt or owed:
            self._mark()

    def _settle(self, desk: Desk, n: int, generation: int, seconds: float | None, *, right: bool) -> None:
        """It is pending no more if it is right, nothing came in between, and time alone changes nothing."""
        if self._generations[n] != generation:
            return
        if seconds is not None:
            self._waits_until[n] = desk.market.now + seconds
        elif right:
            self._pending[n] = False

    # What is known of it, as the ledger would say it.

    def _decided(self, desk: Desk, n: int) -> ListingState:
        state = self._state(desk, n)
        crossing = crossing_of(state, self._rules)
        if crossing is None:
            return state
        self._shared = Shared() if crossing.into else None
        desk.switches += 1
        self._mark()
        return self._state(desk, n)

    def _state(self, desk: Desk, n: int) -> ListingState:
        last = max(demand.at for demand in desk.demands)
        fade = log(2) / HALF_LIFE_SECONDS
        lately = {_name(m): decayed(each.units, last - each.at) * fade for m, each in enumerate(desk.demands)}
        since = decayed(1.0, desk.market.now - last)
        return ListingState(
            channel=_name(n),
            listing_id=n,
            sku=SKU,
            item_id="",
            parent_id="",
            tracking="",
            units=1,
            generation=self._generations[n],
            available={SHELF: desk.free},
            books={PLACE: desk.holdings[n].book},
            siblings=self._siblings if self._shared is not None else (),
            paces={PLACE: self._pace(desk, n)},
            resting=tuple(self._resting(desk, m) for m in self._rested),
            shared=self._shared,
            holders=tuple(self._holder(desk, m) for m in range(len(desk.blind))),
            demand=lately,
            rates={name: rate * since for name, rate in lately.items()},
            slowest=desk.market.day.scenario.delays.call[1],
        )

    def _pace(self, desk: Desk, n: int) -> float:
        return decayed(desk.demands[n].units, desk.market.now - desk.demands[n].at)

    def _paces(self, desk: Desk, own: int) -> list[Pace]:
        return [
            Pace(_name(m), m, PLACE, 1, self._pace(desk, m))
            for m in range(len(desk.blind))
            if m == own or m not in self._rested
        ]

    def _resting(self, desk: Desk, n: int) -> Resting:
        book = desk.holdings[n].book
        return Resting(_name(n), n, PLACE, self._rested[n] if book is None else book, 1)

    def _holder(self, desk: Desk, n: int) -> Holder:
        holding, demand, now = desk.holdings[n], desk.demands[n], desk.market.now
        known_at = [at for at in (holding.blind_at, holding.shown_at) if at is not None]
        sold = demand.units > 0
        return Holder(
            _name(n),
            n,
            PLACE,
            may_sell(holding, now),
            holding.book,
            self._pace(desk, n),
            now - demand.began_at if sold else 0.0,
            now - demand.at if sold else None,
            now - max(known_at) if known_at else None,
            desk.market.day.scenario.delays.call[1],
        )
