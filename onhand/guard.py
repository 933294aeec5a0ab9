"""The blast-radius guard: what would change too much of a channel at once waits for a person; all else is not delayed.

A run asks at a glance (`glance`) whether it could be too much, which is free on ordinary runs, and only then counts
(`weigh`), listing by listing in constant memory. `look` judges a count and keeps the hold; a read-back that repairs
levels brings counts of its own to it.
"""

import hashlib
import heapq
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import structlog

from onhand.domain import guard
from onhand.domain.guard import Limits, Tally
from onhand.domain.listings import RuleBook
from onhand.domain.targets import Target, targets_of
from onhand.ledger import holds, levels
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun, HoldKind
from onhand.ledger.levels import ListingCursor

PAGE_LISTINGS = 2_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """An errand that has to wait for a person."""

    channel: str
    kind: HoldKind
    tally: Tally
    reason: str

    @property
    def message(self) -> str:
        """What happened, why, and what to do, for an operator."""
        return f"held: {self.reason}. {advice(self.channel, self.kind)}"


@dataclass(frozen=True, slots=True)
class Change:
    """One level that would be told something else. `pieces`: by how many it would move, whichever way."""

    sku: str
    item_id: str
    place: str
    before: int
    after: int

    @property
    def pieces(self) -> int:
        """How far it would move."""
        return abs(self.after - self.before)


def advice(channel: str, kind: HoldKind = "sync") -> str:
    """What to do about a hold of that channel."""
    mend = {
        "sync": "mend the source: the next run",
        "reconciliation": "mend what the channel answers: the next read-back",
    }[kind]
    return (
        f"Where that is wrong, {mend} that is not too much lifts the hold. "
        f"Where it is right: onhand runs release --channel {channel}"
    )


def lifted(hold: HeldRun) -> str:
    """What is said of a hold that is over without having been released."""
    return f"the hold of {hold.run_id} is over: what is to be told to {hold.channel} is not too much any more"


def digest_of(rules: RuleBook) -> str:
    """Names the rules: under others every level may be another, though nothing in the ledger has changed."""
    return hashlib.blake2b(repr(rules).encode(), digest_size=16).hexdigest()


async def glance(pool: Pool, channel: str, limits: Limits, rules: str) -> bool:
    """Whether a run has to be counted before it tells the channel anything; `rules` is their digest.

    False lets it through. Pending listings whose level is known are counted, which are few on an ordinary run.
    """
    seen = await holds.glance(pool, channel, max(1, limits.listings_min))
    other_rules = limits.enabled and seen.rules not in ("", rules)
    if seen.held or other_rules or guard.may_be_too_much(seen.listings, seen.pending, limits):
        return True
    await holds.let_through(pool, channel, rules)
    return False


async def weigh(pool: Pool, channel: str, rules: RuleBook) -> Tally:
    """Count what a run would do to a channel. Listings that are pending and right already are so no more."""
    total = Tally()
    async for page in _pages(pool, channel, rules):
        for targets in page:
            total += guard.of_listing((target.book, target.quantity) for target in targets)
        await _settle(pool, page)
    return total


async def biggest(pool: Pool, channel: str, rules: RuleBook, most: int) -> tuple[Tally, list[Change]]:
    """The same count, with the levels that would move furthest, at most so many, the furthest first."""
    total, kept = Tally(), list[Change]()
    async for page in _pages(pool, channel, rules):
        for targets in page:
            total += guard.of_listing((target.book, target.quantity) for target in targets)
        changes = [change for targets in page for change in _changes(targets)]
        kept = heapq.nsmallest(most, [*kept, *changes], key=lambda change: (-change.pieces, change.sku))
    return total, kept


async def look(
    pool: Pool, channel: str, tally: Tally, limits: Limits, *, kind: HoldKind, run_id: str
) -> Held | None:
    """Judge what an errand wants to do to a channel; None: it may go.

    What is held is kept, for people and for later runs, until a person releases it or what is wanted is not too much
    any more. An errand that does what was released says so by `done` once it has.
    """
    before = await holds.of_channel(pool, channel, kind)
    why = guard.reason(tally, limits)
    if why is None:
        if before is not None and await holds.drop(pool, channel, kind) and before.stands:
            log.info("a hold is over", channel=channel, run=run_id, held=before.run_id)
        return None
    if before is not None and not before.stands and guard.is_within(tally, before.tally, limits):
        await holds.use(pool, channel, kind, run_id)
        return None
    await holds.save(pool, channel, kind, run_id, tally, why)
    log.warning("a run is held", channel=channel, run=run_id, reason=why)
    return Held(channel, kind, tally, why)


async def look_at_run(
    pool: Pool, channel: str, rules: RuleBook, limits: Limits, run_id: str
) -> tuple[Held | None, str]:
    """Count and judge a run that `glance` did not let through.

    Where it may go, also what to say of a hold that is over by it, or who released it.
    """
    before = await holds.of_channel(pool, channel, "sync")
    held = await look(pool, channel, await weigh(pool, channel, rules), limits, kind="sync", run_id=run_id)
    if held is not None:
        return held, ""
    await holds.let_through(pool, channel, digest_of(rules))
    if before is None:
        return None, ""
    return None, lifted(before) if before.stands else f"released by {before.released_by}"


async def release(pool: Pool, hold: HeldRun, tally: Tally, *, by: str) -> bool:
    """Let the next errand do as much as `tally`, what the person was shown; False where the hold is over already."""
    return await holds.release(pool, hold.channel, hold.kind, by, tally)


async def done(pool: Pool, channel: str, *, kind: HoldKind, run_id: str) -> None:
    """This errand has done what was released, where anything was: the next one is judged anew."""
    await holds.drop(pool, channel, kind, sent_by=run_id)


async def _pages(pool: Pool, channel: str, rules: RuleBook) -> AsyncIterator[list[Sequence[Target]]]:
    """The levels of every listing of a channel, listing by listing."""
    cursor: ListingCursor | None = ListingCursor()
    while cursor is not None:
        listings, cursor = await levels.listing_page(pool, channel, cursor, PAGE_LISTINGS, None)
        states = await levels.listing_states(pool, channel, listings, siblings=rules.needs_siblings)
        yield [targets_of(state, rules) for state in states]


async def _settle(pool: Pool, page: Iterable[Sequence[Target]]) -> None:
    right = [
        (targets[0].state.listing_id, targets[0].state.generation)
        for targets in page
        if targets and targets[0].state.generation and not any(target.differs for target in targets)
    ]
    if right:
        async with pool.connection() as connection:
            await levels.settle(connection, right)


def _changes(targets: Iterable[Target]) -> Iterable[Change]:
    for target in targets:
        if target.book is not None and target.differs:
            state = target.state
            yield Change(state.sku, state.item_id, target.place, target.book, target.quantity)
