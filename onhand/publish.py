"""The way of a level to a channel: decide, read where we never knew, write in bulk, judge, write down.

Everything that pushes (a run's chunks by `bring_to_targets`, single SKUs by `bring_sku_to_target`) goes one way, so
there is one place where a level's fate is decided.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from onhand.channels.base import (
    Channel,
    ItemRef,
    LevelKey,
    LevelWrite,
    Outcome,
    ShownLevel,
    WriteKind,
    WriteResult,
)
from onhand.channels.errors import ChannelError, RowRejected
from onhand.domain.listings import ListingState, RuleBook, Target, targets_of
from onhand.ledger import levels, runs
from onhand.ledger.database import Connection, Pool
from onhand.ledger.levels import Failure, LevelUpdate

ROUNDS_MAX = 4
"""Times a level that moved under our hands is looked at again before it is left to its own update."""

Spot = tuple[int, str]
"""A listing and a place."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Why levels are being pushed: the run (empty: none), the positions of its plan, and the attempt.

    `distrust`: read every level back before deciding, whatever we believe.
    """

    run_id: str = ""
    positions: dict[Spot, int] = field(default_factory=dict)
    attempt: int = 1
    distrust: bool = False


@dataclass(slots=True)
class Work:
    """What is known so far of the levels of one errand; everything that is sent or read back goes through one."""

    targets: dict[Spot, Target]
    books: dict[Spot, int | None]
    pending_elsewhere: set[int]
    """Listings that another chunk of the plan still has to tell something."""
    updates: list[LevelUpdate] = field(default_factory=list)
    outcomes: dict[Spot, str] = field(default_factory=dict)
    failures: dict[Spot, Failure] = field(default_factory=dict)

    def open_spots(self) -> list[Spot]:
        """Levels whose fate is not decided, in their bulk order."""
        return [spot for spot in self.targets if spot not in self.outcomes]


async def bring_to_targets(
    pool: Pool, channel: Channel, rules: RuleBook, listings: Sequence[int], errand: Errand
) -> dict[Spot, str]:
    """Make the channel show what the ledger says now for these listings; answers each level's outcome.

    Outcomes: "changed", "unchanged", "failed". Where the errand names positions, only those levels are
    touched. All that happened is recorded in one transaction, also when the channel fails as a whole;
    then its ChannelError is raised after recording, and the same call may simply be made again.
    """
    return (await _bring(pool, channel, rules, listings, errand)).outcomes


async def _bring(
    pool: Pool, channel: Channel, rules: RuleBook, listings: Sequence[int], errand: Errand
) -> Work:
    states = await levels.listing_states(pool, channel.name, listings, siblings=rules.needs_siblings)
    work = _work(states, rules, errand)
    sent_at = datetime.now(UTC)
    try:
        for turn in range(ROUNDS_MAX):
            await _read_unknown(channel, work, distrust=errand.distrust and turn == 0)
            if not await _write_round(pool, channel, work, errand, turn):
                break
        _give_up_on_moving(channel, work)
    finally:
        await record(pool, channel, work, errand, sent_at)
    return work


async def bring_sku_to_target(
    pool: Pool, channel: Channel, rules: RuleBook, listings: Sequence[int], errand: Errand
) -> list[Failure]:
    """The same for the listings of one SKU, proven where the channel's answer proves nothing; what failed."""
    work = await _bring(pool, channel, rules, listings, errand)
    if not channel.capabilities.echoes and "changed" in work.outcomes.values():
        await asyncio.sleep(channel.capabilities.visible_after_seconds)
        written = [spot for spot, outcome in work.outcomes.items() if outcome == "changed"]
        shown = await channel.read_levels([key_of(work.targets[spot]) for spot in written])
        for spot, level in zip(written, shown, strict=True):
            if level.quantity != work.targets[spot].quantity:
                fail(work, spot, lost_write(channel, work.targets[spot], level))
        await levels.forget_books(pool, list(work.failures))
    return list(work.failures.values())


def lost_write(channel: Channel, target: Target, level: ShownLevel) -> RowRejected:
    """What is told of a write that was answered with success and does not show."""
    return RowRejected(
        channel.name,
        f"setting SKU {target.state.sku} to {target.quantity}",
        f"the write was answered with success, but the channel shows {level.quantity} {level.problem}".strip(),
        advice="A lost write or another program's; it is written again.",
    )


def _work(states: Iterable[ListingState], rules: RuleBook, errand: Errand) -> Work:
    targets = {
        (state.listing_id, target.place): target for state in states for target in targets_of(state, rules)
    }
    wanted = targets
    if errand.positions:
        wanted = {spot: targets[spot] for spot in errand.positions if spot in targets}
    elsewhere = {spot[0] for spot, target in targets.items() if target.differs and spot not in wanted}
    return Work(wanted, {spot: target.book for spot, target in wanted.items()}, elsewhere)


def key_of(target: Target) -> LevelKey:
    """How the channel is asked about this level."""
    state = target.state
    item = ItemRef(state.listing_id, state.sku, state.item_id, state.parent_id, state.tracking)
    return LevelKey(item, target.place)


async def _read_unknown(channel: Channel, work: Work, *, distrust: bool) -> None:
    """Read what we do not know and must know: a compare needs a value, a distrusted book a look."""
    must_know = channel.capabilities.write_kind is WriteKind.COMPARE_AND_SET
    spots = [spot for spot in work.open_spots() if distrust or (must_know and work.books[spot] is None)]
    size = channel.capabilities.bulk_size
    for start in range(0, len(spots), size):
        part = spots[start : start + size]
        shown = await channel.read_levels([key_of(work.targets[spot]) for spot in part])
        for spot, level in zip(part, shown, strict=True):
            _learn(channel, work, spot, level)


def _learn(channel: Channel, work: Work, spot: Spot, level: ShownLevel) -> None:
    target = work.targets[spot]
    if level.quantity is None and channel.capabilities.write_kind is not WriteKind.COMPARE_AND_SET:
        # A write may mend what states no level (stock not managed there yet); if not, its refusal says why.
        work.books[spot] = None
        return
    if level.quantity is None:
        error = RowRejected(
            channel.name,
            f"reading SKU {target.state.sku} (item {target.state.item_id})",
            level.problem or "the channel states no level",
            advice="Mend the item on the channel or its mapping; the next run tries again.",
        )
        fail(work, spot, error)
        return
    work.books[spot] = level.quantity
    work.updates.append(
        LevelUpdate(
            *spot, target.state.generation, book=level.quantity, shown=level.quantity, problem=level.problem
        )
    )
    if level.quantity == target.quantity and not level.problem:
        work.outcomes[spot] = "unchanged"


async def _write_round(pool: Pool, channel: Channel, work: Work, errand: Errand, turn: int) -> bool:
    """Send what differs; answers whether some levels moved under our hands and want another look."""
    spots = []
    for spot in work.open_spots():
        if work.books[spot] == work.targets[spot].quantity and not _problem_known(work, spot):
            work.outcomes[spot] = "unchanged"
        else:
            spots.append(spot)
    moved = False
    size = channel.capabilities.bulk_size
    for start in range(0, len(spots), size):
        part = spots[start : start + size]
        writes = [_write(work, spot) for spot in part]
        await levels.forget_books(pool, part)
        try:
            results = await channel.set_levels(writes, _key(errand, turn, writes))
        except ChannelError as error:
            _note_unknown(work, writes, error)
            raise
        for result in results:
            moved |= _judge(work, result)
    return moved


def _problem_known(work: Work, spot: Spot) -> bool:
    """Whether reading told that the number does not hold there (not tracked, for instance), so it must be written."""
    return any((u.listing_id, u.place) == spot and u.problem for u in work.updates)


def _write(work: Work, spot: Spot) -> LevelWrite:
    target = work.targets[spot]
    return LevelWrite(key_of(target), target.quantity, work.books[spot])


def _key(errand: Errand, turn: int, writes: Sequence[LevelWrite]) -> str:
    """Names this content: an activity that is tried again with the same levels sends the same key."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{errand.run_id}/{turn}".encode())
    for write in writes:
        item = write.key.item
        digest.update(f"|{item.item_id}@{write.key.place}={write.quantity}<{write.shown}".encode())
    return digest.hexdigest()


def _judge(work: Work, result: WriteResult) -> bool:
    """Take one answer; True where the level moved and has to be read again."""
    write = result.write
    spot = (write.key.item.listing_id, write.key.place)
    target = work.targets[spot]
    accepted = result.outcome is Outcome.ACCEPTED
    update = LevelUpdate(
        *spot,
        target.state.generation,
        book=_believed(result),
        shown=result.echo,
        quantity=write.quantity,
        before=write.shown,
        outcome=result.outcome.value,
        echo=result.echo,
        message=result.error.sentence if result.error else "",
    )
    work.updates.append(update)
    if accepted:
        work.outcomes[spot] = "changed"
    elif result.outcome is Outcome.STALE:
        work.books[spot] = None
        return True
    else:
        assert result.error is not None, "a rejected level says why"
        fail(work, spot, result.error)
    return False


def _believed(result: WriteResult) -> int | None:
    """What an answer leaves us believing; a refusal leaves the level as it was, a stale one tells nothing."""
    match result.outcome:
        case Outcome.ACCEPTED:
            return result.write.quantity
        case Outcome.REJECTED:
            return result.write.shown
        case Outcome.STALE:
            return None


def fail(work: Work, spot: Spot, error: ChannelError) -> None:
    """A level could not be set: its fate is decided, with the reason."""
    work.outcomes[spot] = "failed"
    work.failures[spot] = Failure(*spot, type(error).__name__, error.sentence, error.advice)


def _give_up_on_moving(channel: Channel, work: Work) -> None:
    for spot in work.open_spots():
        sku = work.targets[spot].state.sku
        error = RowRejected(
            channel.name,
            f"setting SKU {sku}",
            f"the level moved {ROUNDS_MAX} times while we looked",
            advice="It sells faster than a call takes; its own update tries again on its own.",
        )
        fail(work, spot, error)


def _note_unknown(work: Work, writes: Sequence[LevelWrite], error: ChannelError) -> None:
    for write in writes:
        spot = (write.key.item.listing_id, write.key.place)
        work.updates.append(
            LevelUpdate(
                *spot,
                work.targets[spot].state.generation,
                quantity=write.quantity,
                before=write.shown,
                outcome="unknown",
                message=str(error),
            )
        )


async def record(pool: Pool, channel: Channel, work: Work, errand: Errand, sent_at: datetime) -> None:
    """Write down all that became known, in one transaction; listings that are right everywhere are settled."""
    settled = _settled(work)
    async with pool.connection() as connection, connection.pipeline():  # one round trip for all of it
        await levels.record_levels(
            connection,
            work.updates,
            run=errand.run_id or None,
            attempt=errand.attempt,
            sent_at=sent_at,
            answered_at=datetime.now(UTC),
        )
        await levels.clear_outbox(connection, settled)
        await levels.unpark(connection, [listing for listing, _ in settled])
        if errand.run_id:
            await _record_for_run(connection, channel, work, errand)


async def _record_for_run(connection: Connection, channel: Channel, work: Work, errand: Errand) -> None:
    outcomes = {
        errand.positions[spot]: outcome for spot, outcome in work.outcomes.items() if spot in errand.positions
    }
    await runs.settle_plan(connection, errand.run_id, channel.name, outcomes)
    await runs.save_failures(connection, errand.run_id, channel.name, list(work.failures.values()))
    spent = channel.meter.take()
    await runs.add_costs(
        connection,
        errand.run_id,
        channel.name,
        reads=spent.reads,
        writes=spent.writes,
        throttled=spent.throttled,
        waited=spent.waited_seconds,
    )


def _settled(work: Work) -> list[tuple[int, int]]:
    """Listings (with the generation read) that are right now at every place, so they are no longer pending."""
    right: dict[int, bool] = dict.fromkeys(work.pending_elsewhere, False)
    for spot in work.targets:
        fine = work.outcomes.get(spot) in ("changed", "unchanged")
        right[spot[0]] = right.get(spot[0], True) and fine
    generations = {t.state.listing_id: t.state.generation for t in work.targets.values()}
    return [(listing, generations[listing]) for listing, fine in right.items() if fine]
