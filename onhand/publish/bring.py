"""Bring listings to their targets of this moment: claim, read, write, judge, record."""

import asyncio
import hashlib
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from onhand.channels.base import Channel, LevelWrite, Outcome, WriteKind, WriteResult
from onhand.channels.errors import ChannelError, RowRejected
from onhand.domain.beliefs import corrected
from onhand.domain.listings import RuleBook
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure, Push, Spot
from onhand.publish.claims import held
from onhand.publish.record import record
from onhand.publish.resting import leave_alone
from onhand.publish.taking import taken_up
from onhand.publish.work import Errand, Work, key_of, lost_write

ROUNDS_MAX = 4
"""Times a level that moved under our hands is looked at again before it is left to its own update."""


async def bring_to_targets(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    listings: Sequence[int],
    errand: Errand,
    woken: set[str] | None = None,
) -> dict[Spot, str]:
    """Make the channel show what the ledger says now for these listings; answers each level's outcome.

    Outcomes: "changed", "unchanged", "failed". Where the errand names positions, only those levels are touched; one
    that somebody else is writing in this moment is "unchanged", and stays pending. All that happened is recorded in one
    transaction, also when the channel fails as a whole; then its ChannelError is raised after recording, and the same
    call may simply be made again. Channels that have to look again, because an answer told of sales nobody told us of,
    are added to `woken`, also then; without it the next sync run looks.
    """
    return (await bring(pool, channel, rules, listings, errand, woken)).outcomes


async def bring_sku_to_target(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    listings: Sequence[int],
    errand: Errand,
    woken: set[str] | None = None,
) -> list[Failure]:
    """The same for the listings of one SKU, proven where the channel's answer proves nothing; what failed."""
    work = await bring(pool, channel, rules, listings, errand, woken)
    if not channel.capabilities.echoes and "changed" in work.outcomes.values():
        await asyncio.sleep(channel.capabilities.visible_after_seconds)
        written = [spot for spot, outcome in work.outcomes.items() if outcome == "changed"]
        shown = await channel.read_levels([key_of(work.targets[spot]) for spot in written])
        for spot, level in zip(written, shown, strict=True):
            if level.quantity != work.targets[spot].quantity:
                work.fail(spot, lost_write(channel, work.targets[spot], level))
        await levels.forget_books(pool, list(work.failures))
    return list(work.failures.values())


async def bring(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    listings: Sequence[int],
    errand: Errand,
    woken: set[str] | None = None,
) -> Work:
    """The whole way; answers all that became known."""
    work, rests = await taken_up(pool, channel, rules, listings, errand, woken)
    sent_at = datetime.now(UTC)
    async with held(pool, list(work.beliefs), work.claim):
        try:
            for turn in range(ROUNDS_MAX):
                await _read_unknown(pool, channel, rules, work, distrust=errand.distrust and turn == 0)
                if not await _write_round(channel, work, errand, turn):
                    break
            _give_up_on_moving(channel, work)
        finally:
            await record(pool, channel, rules, work, errand, sent_at, woken)
    await leave_alone(pool, work, rests)
    return work


async def _read_unknown(pool: Pool, channel: Channel, rules: RuleBook, work: Work, *, distrust: bool) -> None:
    """Read what we do not know and must know: a compare needs a value, a distrusted book a look.

    A channel that shows writes late may show what was before one: that tells of no sale, it is only told again.
    """
    must_know = channel.capabilities.write_kind is WriteKind.COMPARE_AND_SET
    spots = [
        spot
        for spot in work.open_spots()
        if distrust or _falls_silent(work, spot) or (must_know and work.books[spot] is None)
    ]
    size, patience = channel.capabilities.bulk_size, channel.capabilities.visible_within_seconds
    if spots and patience > 0:
        for spot in await levels.written_lately(pool, spots, patience):
            work.beliefs[spot].expected = None
    for start in range(0, len(spots), size):
        part, asked = spots[start : start + size], datetime.now(UTC)
        shown = await channel.read_levels([key_of(work.targets[spot]) for spot in part])
        for spot, level in zip(part, shown, strict=True):
            belief, before = work.beliefs[spot], work.beliefs[spot].shortfall
            belief.read(level.quantity, asked, problem=level.problem, mendable=level.mendable)
            _learn(channel, work, spot)
            listens = rules.channels[channel.name].listens
            work.targets[spot], anew = corrected(work.targets[spot], belief, before, listens=listens)
            if anew:
                work.again.add(work.targets[spot].state.sku)


def _learn(channel: Channel, work: Work, spot: Spot) -> None:
    target, belief = work.targets[spot], work.beliefs[spot]
    work.books[spot] = belief.seen
    if belief.seen is not None:
        return
    # A write may mend what states no level (stock not managed there yet); if not, its refusal says why.
    if channel.capabilities.write_kind is WriteKind.COMPARE_AND_SET and not belief.mendable:
        error = RowRejected(
            channel.name,
            f"reading SKU {target.state.sku} (item {target.state.item_id})",
            belief.problem or "the channel states no level",
            advice="Mend the item on the channel or its mapping; the next run tries again.",
        )
        work.fail(spot, error)


def _falls_silent(work: Work, spot: Spot) -> bool:
    return work.targets[spot].look and not work.beliefs[spot].looked


async def _write_round(channel: Channel, work: Work, errand: Errand, turn: int) -> bool:
    """Send what differs; answers whether some levels moved under our hands and want another look.

    Levels that fall go first: a unit too many on show is what oversells.
    """
    spots = []
    for spot in work.open_spots():
        if work.books[spot] == work.targets[spot].quantity and not work.beliefs[spot].problem:
            work.outcomes[spot] = "unchanged"
        else:
            spots.append(spot)
    falling = [spot for spot in spots if _falls(work, spot)]
    rising = [spot for spot in spots if not _falls(work, spot)]
    moved = False
    for part in (*_parts(falling, channel), *_parts(rising, channel)):
        moved |= await _send(channel, work, errand, turn, part)
    return moved


def _falls(work: Work, spot: Spot) -> bool:
    book = work.books[spot]
    return book is not None and work.targets[spot].quantity < book


def _parts(spots: Sequence[Spot], channel: Channel) -> Iterable[Sequence[Spot]]:
    size = channel.capabilities.bulk_size
    return (spots[start : start + size] for start in range(0, len(spots), size))


async def _send(channel: Channel, work: Work, errand: Errand, turn: int, spots: Sequence[Spot]) -> bool:
    """One bulk call; live changes are relative where the channel does them exactly once and we know what it shows."""
    writes = [LevelWrite(key_of(work.targets[s]), work.targets[s].quantity, work.books[s]) for s in spots]
    relative = errand.live and channel.capabilities.changes and all(w.shown is not None for w in writes)
    call = channel.change_levels if relative else channel.set_levels
    anew = errand.live or any(work.beliefs[spot].looked for spot in spots)
    work.in_flight.update(spots)
    began, asked = time.monotonic(), datetime.now(UTC)
    try:
        results = await call(writes, _key(errand, turn, writes, anew=anew), urgent=errand.live)
    except ChannelError as error:
        _note_unknown(work, writes, error)
        raise
    channel.meter.timed(time.monotonic() - began)
    work.in_flight.difference_update(spots)
    blind = not relative and channel.capabilities.write_kind is WriteKind.ABSOLUTE
    moved = False
    for result in results:
        moved |= _judge(work, result, asked, blind=blind)
    return moved


def _key(errand: Errand, turn: int, writes: Sequence[LevelWrite], *, anew: bool) -> str:
    """Names this content: an activity that is tried again with the same levels sends the same key.

    `anew`: a live errand is nobody's retry, and what was looked at just now is no more in doubt. The same change may
    well be due twice (a write that was answered and lost, a level that somebody set back), and under the key of the
    first it would be answered and not made; so the moment is part of the name.
    """
    digest = hashlib.blake2b(digest_size=16)
    moment = datetime.now(UTC).isoformat() if anew else ""
    digest.update(f"{errand.run_id}/{turn}/{moment}".encode())
    for write in writes:
        item = write.key.item
        digest.update(f"|{item.item_id}@{write.key.place}={write.quantity}<{write.shown}".encode())
    return digest.hexdigest()


def _judge(work: Work, result: WriteResult, asked: datetime, *, blind: bool) -> bool:
    """Take one answer to a call of that moment; True where the level moved and has to be read again."""
    write = result.write
    spot = (write.key.item.listing_id, write.key.place)
    work.pushes.append(
        Push(
            *spot,
            work.targets[spot].state.generation,
            write.quantity,
            write.shown,
            result.outcome.value,
            result.echo,
            result.error.sentence if result.error else "",
            work.targets[spot].state.due_since,
        )
    )
    if result.outcome is Outcome.STALE:
        work.books[spot] = None
        return True
    if result.outcome is Outcome.REJECTED:
        assert result.error is not None, "a rejected level says why"
        work.fail(spot, result.error)
        return False
    work.beliefs[spot].written(write.quantity, result.echo, asked, blind=blind)
    work.outcomes[spot] = "changed"
    return False


def _give_up_on_moving(channel: Channel, work: Work) -> None:
    for spot in work.open_spots():
        sku = work.targets[spot].state.sku
        error = RowRejected(
            channel.name,
            f"setting SKU {sku}",
            f"the level moved {ROUNDS_MAX} times while we looked",
            advice="It sells faster than a call takes; its own update tries again on its own.",
        )
        work.fail(spot, error)


def _note_unknown(work: Work, writes: Sequence[LevelWrite], error: ChannelError) -> None:
    for write in writes:
        spot = (write.key.item.listing_id, write.key.place)
        work.pushes.append(
            Push(
                *spot,
                work.targets[spot].state.generation,
                write.quantity,
                write.shown,
                "unknown",
                message=str(error),
                due_since=work.targets[spot].state.due_since,
            )
        )
