"""A read-back that only looks: it reads and judges as the real one does, and nothing is written anywhere.

The second look is without a claim, and orders that nobody told of are read and not taken in, so that a level which is
told something in this very moment may be among what is found.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from onhand.channels.base import Channel, ItemRef, LevelKey
from onhand.domain.drift import Evidence, answer, judged
from onhand.domain.listings import RuleBook
from onhand.intake.resolve import Resolver
from onhand.ledger import levels, orders, reconcile, work
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot
from onhand.ledger.reconcile import Accused
from onhand.reconcile.policy import Policy
from onhand.reconcile.walking import found_of, pages_of
from onhand.sweeping import FIRST_LOOK, OVERLAP

PAGE_LEVELS = 2_000
"""Levels that a walk may not have come by are looked through so many at a time."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A drift that a read-back would record, and what it would do about it."""

    channel: str
    sku: str
    item_id: str
    place: str
    expected: int | None
    shown: int | None
    cause: str
    evidence: str
    action: str


@dataclass(frozen=True, slots=True)
class Unheard:
    """Orders that the ledger has nothing of: pieces of each level, and the orders' ids."""

    pieces: Counter[Spot]
    orders: dict[Spot, tuple[str, ...]]


async def preview(
    pool: Pool, channel: Channel, rules: RuleBook, policy: Policy, skus: Sequence[str] | None
) -> AsyncIterator[Foreseen]:
    """Every drift that a read-back of the channel would find now. Raises ChannelError."""
    mine = rules.channels[channel.name]
    unheard: Unheard | None = None
    async for suspects in _suspects(pool, channel, rules, policy, skus):
        if suspects and unheard is None:
            unheard = await _unheard(pool, channel, rules) if mine.listens else Unheard(Counter(), {})
        for accused in await _again(pool, channel, suspects) if suspects else ():
            assert unheard is not None, "orders are read before the first suspect is judged"
            if mine.authority.get(accused.place) is None:
                yield _foreseen(channel.name, policy, accused, unheard, listens=mine.listens)


async def _suspects(
    pool: Pool, channel: Channel, rules: RuleBook, policy: Policy, skus: Sequence[str] | None
) -> AsyncIterator[list[Accused]]:
    """What differs, page by page; after a whole walk also what the channel did not show at all."""
    places = list(rules.channels[channel.name].places)
    began = asked_at = datetime.now(UTC)
    come_by = set[
        int
    ]()  # hashes: names of as many items as a large shop has would take several times the memory
    pages = channel.walk_levels(places) if skus is None else pages_of(pool, channel, rules, skus)
    async for page in pages:
        come_by.update(hash((level.item_id, level.place)) for level in page)
        yield await reconcile.compare(
            pool,
            channel.name,
            [found_of(level) for level in page],
            asked_at,
            accept_overselling=policy.accept_overselling,
        )
        asked_at = datetime.now(UTC)
    after: Spot | None = (0, "") if skus is None else None
    while after is not None:
        known = await reconcile.believed_before(pool, channel.name, places, began, after, PAGE_LEVELS)
        yield [level for level in known if hash((level.item_id, level.place)) not in come_by]
        after = known[-1].spot if known else None


async def _again(pool: Pool, channel: Channel, suspects: Sequence[Accused]) -> list[Accused]:
    """What still differs when it is read once more; what was told so lately that it need not show yet is left out."""
    size, found = channel.capabilities.bulk_size, list[Accused]()
    patience = channel.capabilities.visible_within_seconds
    late = await levels.written_lately(pool, [each.spot for each in suspects], patience)
    suspects = [each for each in suspects if each.spot not in late]
    for start in range(0, len(suspects), size):
        part = suspects[start : start + size]
        keys = [
            LevelKey(
                ItemRef(each.listing_id, each.sku, each.item_id, each.parent_id, each.tracking), each.place
            )
            for each in part
        ]
        for accused, level in zip(part, await channel.read_levels(keys), strict=True):
            if level.quantity != accused.book or accused.condition in ("untracked", "overselling"):
                found.append(replace(accused, seen=level.quantity, problem=level.problem))
    return found


async def _unheard(pool: Pool, channel: Channel, rules: RuleBook) -> Unheard:
    """Read what a sweep would take in."""
    (state,) = await work.of_channels(pool, [channel.name])
    since = datetime.now(UTC) - FIRST_LOOK if state.swept_to is None else state.swept_to - OVERLAP
    pieces, named = Counter[Spot](), dict[Spot, tuple[str, ...]]()
    async for page in channel.orders.changed(since):
        known = await orders.versions(pool, channel.name, [order.order_id for order in page])
        fresh = [order for order in page if order.order_id not in known]
        resolver = await Resolver.of(pool, channel.name, rules.channels[channel.name], fresh)
        for order in fresh:
            for line in resolver.resolve(order).snapshot.lines:
                if line.listing_id is not None and line.pieces:
                    spot = (line.listing_id, line.place)
                    pieces[spot] += line.pieces
                    named[spot] = (*named.get(spot, ()), order.order_id)
    return Unheard(pieces, named)


def _foreseen(channel: str, policy: Policy, accused: Accused, unheard: Unheard, *, listens: bool) -> Foreseen:
    evidence = Evidence(
        accused.book,
        accused.seen,
        listens=listens,
        missing=accused.missing and accused.seen is None,
        tracked=accused.condition != "untracked",
        oversells=accused.condition == "overselling" and not policy.accept_overselling,
        last_push=accused.last_push,
        changed_at=accused.changed_at,
        orders=unheard.orders.get(accused.spot, ()),
        sold=unheard.pieces[accused.spot],
        problem=accused.problem,
    )
    judgement = judged(evidence)
    action = answer(policy.response, judgement, evidence, accused.units)
    return Foreseen(
        channel,
        accused.sku,
        accused.item_id,
        accused.place,
        accused.book,
        accused.seen,
        judgement.cause.value,
        judgement.evidence,
        action.value,
    )
