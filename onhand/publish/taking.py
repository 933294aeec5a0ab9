"""Take up what has to be told: what each level should show now, and every level that is touched claimed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from onhand.channels.base import Channel, WriteKind
from onhand.domain.beliefs import Belief
from onhand.domain.gate import Gate
from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.rests import AGAIN_SECONDS
from onhand.domain.targets import Target, targets_of
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot, Wish
from onhand.publish.claims import CLAIM_SECONDS, new_claim
from onhand.publish.resting import Rests, may_rest, rests_of
from onhand.publish.sharing import states_decided
from onhand.publish.work import Errand, Work


async def taken_up(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    listings: Sequence[int],
    errand: Errand,
    woken: set[str] | None,
) -> tuple[Work, Rests]:
    """What has to be done, with every level that has to be touched claimed."""
    withheld = rules.guarded and not errand.let_through
    states = await states_decided(
        pool,
        channel.name,
        rules,
        listings,
        withheld=withheld,
        deciding=rules.needs_demand or may_rest(channel, rules),
        woken=woken,
    )
    targets = _targets(states, rules)
    wanted = [spot for spot in errand.positions or targets if spot in targets]
    rests = await rests_of(pool, channel, rules, {spot: targets[spot] for spot in wanted})
    if woken is not None:
        woken.update(rests.woken)
    touched = [
        spot
        for spot in wanted
        if (errand.distrust or targets[spot].differs or targets[spot].look) and spot not in rests.alone
    ]
    # One without a row could be claimed by nobody, and would stay pending for ever.
    rowless = [spot for spot in touched if spot[1] not in targets[spot].state.books]
    if rowless:
        await levels.make_levels(pool, rowless)
    wishes = {spot: _wish(targets[spot], channel, errand, rests) for spot in touched}
    taking = _Taking(pool, channel.name, rules, listings, withheld, new_claim())
    quick = errand.live and not rests.marked
    taken = await taking.take(targets, wishes, rests.told, quick=quick) if touched else _Taken({}, targets)
    for listing in taken.waiting:
        rests.seconds[listing] = AGAIN_SECONDS
    return _work(taken, wanted, wishes, rests, taking.claim), rests


def _wish(target: Target, channel: Channel, errand: Errand, rests: Rests) -> Wish:
    """What a level is to be told, as far as it is known before it is claimed."""
    can, spot = channel.capabilities, (target.state.listing_id, target.place)
    relative = errand.live and can.changes and target.book is not None
    return Wish(
        min(target.quantity, rests.told.get(spot, target.quantity)),
        blind=not relative and can.write_kind is WriteKind.ABSOLUTE,
        unshared=target.state.shared is None,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was believed of the levels that could be had; what all of the listings' levels should show; and, where they
    went through the gate, the most that each is told, and listings that wait for what time alone sets free."""

    books: Mapping[Spot, int | None]
    targets: Mapping[Spot, Target]
    most: Mapping[Spot, int] | None = None
    waiting: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Taking:
    """One errand's way of claiming levels of these listings."""

    pool: Pool
    channel: str
    rules: RuleBook
    listings: Sequence[int]
    withheld: bool
    claim: int

    async def take(
        self,
        targets: Mapping[Spot, Target],
        wishes: Mapping[Spot, Wish],
        told: Mapping[Spot, int],
        *,
        quick: bool,
    ) -> _Taken:
        """Claim the levels of `wishes`: through the gate, where any is raised only as far as others allow; by what is
        believed of all of them; or with a second look, as what was read before may be old."""
        if any(targets[spot].divides for spot in wishes):
            return await self._through_the_gate(wishes, told)
        believed = {spot: book for spot in wishes if (book := targets[spot].book) is not None}
        if quick and len(believed) == len(wishes):
            return _Taken(
                await levels.claim_believed(
                    self.pool, believed, claim=self.claim, seconds=CLAIM_SECONDS, wishes=wishes
                ),
                targets,
            )
        books, states = await levels.claim(
            self.pool,
            self.channel,
            list(wishes),
            self.listings,
            siblings=self.rules.needs_siblings,
            withheld=self.withheld,
            claim=self.claim,
            seconds=CLAIM_SECONDS,
            wishes=wishes,
        )
        return _Taken(books, _targets(states, self.rules))

    async def _through_the_gate(self, wishes: Mapping[Spot, Wish], told: Mapping[Spot, int]) -> _Taken:
        gate = Gate(self.rules, told, {spot: wish.blind for spot, wish in wishes.items()})
        await levels.claim_in_shares(
            self.pool,
            self.channel,
            list(wishes),
            self.listings,
            gate,
            siblings=self.rules.needs_siblings,
            withheld=self.withheld,
            claim=self.claim,
            seconds=CLAIM_SECONDS,
        )
        most = {spot: grant.most for spot, grant in gate.granted.items()}
        return _Taken(gate.books, gate.targets, most, gate.waiting())


def _work(
    taken: _Taken, wanted: Sequence[Spot], wishes: Mapping[Spot, Wish], rests: Rests, claim: int
) -> Work:
    """What is to be done with what was taken; what was wanted and could not be had stays pending."""
    mine, late = dict[Spot, Target](), set[int]()
    for spot in wanted:
        target, book = taken.targets[spot], taken.books.get(spot, taken.targets[spot].book)
        quantity = min(target.quantity, rests.told.get(spot, target.quantity))
        if spot in taken.books:
            quantity, is_late = _announced(taken, spot, quantity, wishes[spot])
            late |= {spot[0]} if is_late else set()
        mine[spot] = replace(target, book=book, quantity=quantity)
    elsewhere = {spot[0] for spot, target in taken.targets.items() if spot not in mine and target.differs}
    work = Work(
        mine,
        {spot: Belief(taken.books[spot]) for spot in wishes if spot in taken.books},
        {spot: target.book for spot, target in mine.items()},
        elsewhere | rests.seconds.keys() | late,
        claim,
        {spot: target.book for spot, target in taken.targets.items() if spot not in taken.books},
    )
    for spot in wanted:
        if spot not in taken.books:
            work.outcomes[spot] = "unchanged"
            # Somebody else holds it, or it changed between the two looks: it stays pending.
            if taken.targets[spot].differs:
                work.pending_elsewhere.add(spot[0])
    return work


def _announced(taken: _Taken, spot: Spot, quantity: int, wish: Wish) -> tuple[int, bool]:
    """What a level is told: no more than others reckon with since it was claimed; and whether it should be more.

    What is owed to a level in shares is not pending: whoever sets it free marks it.
    """
    if taken.most is not None:
        return min(quantity, taken.most.get(spot, quantity)), False
    most = max(wish.quantity or 0, taken.books[spot] or 0)
    return min(quantity, most), quantity > most


def _targets(states: Iterable[ListingState], rules: RuleBook) -> dict[Spot, Target]:
    return {
        (state.listing_id, target.place): target for state in states for target in targets_of(state, rules)
    }
