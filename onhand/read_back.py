"""Proof for channels whose answers prove nothing: read back what was written, and call what is lost lost."""

import asyncio
from datetime import UTC, datetime

from onhand.channels.base import Channel, ShownLevel
from onhand.domain.listings import RuleBook
from onhand.domain.targets import Target
from onhand.ledger import levels, runs
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot
from onhand.publish import Errand, Work
from onhand.publish.record import record
from onhand.publish.work import key_of, lost_write

PAUSE_SECONDS = 1.0
"""Between the first looks; doubled each time, as what is late is often later still."""
PAUSE_MAX_SECONDS = 15.0


async def prove(pool: Pool, channel: Channel, rules: RuleBook, run: str, first: int, last: int) -> int:
    """Look at what a chunk of a run wrote until it shows; answers how many levels were lost.

    What does not show within the channel's own patience is a lost write: it fails, and the book follows what the
    channel shows. Only what did not show yet is asked for again. A level that has been told or sold something since is
    no longer this run's to prove.
    """
    planned = await runs.planned_levels(pool, run, channel.name, first, last, unproven=True)
    positions = {(p.listing_id, p.place): p.position for p in planned}
    work = Work(await _told(pool, channel, list(positions)), {}, {}, set())
    missing = dict(work.targets)
    seen: dict[Spot, ShownLevel] = {}
    pause, patience = PAUSE_SECONDS, channel.capabilities.visible_within_seconds
    while missing:
        missing = await _look(pool, channel, missing, seen)
        if not missing or patience <= 0:
            break
        await asyncio.sleep(min(pause, patience))
        patience -= pause
        pause = min(pause * 2, PAUSE_MAX_SECONDS)
    for spot, target in missing.items():
        work.fail(spot, lost_write(channel, target, seen[spot]))
    async with pool.connection() as connection:
        read = [(spot, work.targets[spot].quantity, level.quantity) for spot, level in sorted(seen.items())]
        await levels.note_shown(connection, read)
    errand = Errand(run_id=run, positions=positions)
    await record(pool, channel, rules, work, errand, datetime.now(UTC), None)
    return len(missing)


async def _look(
    pool: Pool, channel: Channel, missing: dict[Spot, Target], seen: dict[Spot, ShownLevel]
) -> dict[Spot, Target]:
    """Ask once; answers what still does not show and nobody has touched since."""
    shown = await channel.read_levels([key_of(target) for target in missing.values()])
    late = {}
    for (spot, target), level in zip(missing.items(), shown, strict=True):
        seen[spot] = level
        if level.quantity != target.quantity:
            late[spot] = target
    if not late:
        return {}
    told = await _told(pool, channel, list(late))
    return {spot: t for spot, t in late.items() if spot in told and told[spot].quantity == t.quantity}


async def _told(pool: Pool, channel: Channel, spots: list[Spot]) -> dict[Spot, Target]:
    """What each level was last told, which is what its book says."""
    listings = list(dict.fromkeys(listing for listing, _ in spots))
    states = {
        state.listing_id: state
        for state in await levels.listing_states(pool, channel.name, listings, siblings=False)
    }
    told = {spot: states[spot[0]].books[spot[1]] for spot in spots if spot[0] in states}
    # A level nobody believes in is being written by another step right now, which proves its own write.
    return {
        (listing, place): Target(states[listing], place, book, None)
        for (listing, place), book in told.items()
        if book is not None
    }
