"""Proof for channels whose answers prove nothing: read back what was written, and call what is lost lost."""

import asyncio
from datetime import UTC, datetime

from onhand import publish
from onhand.channels.base import Channel
from onhand.domain.listings import Target
from onhand.ledger import levels, runs
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelUpdate
from onhand.publish import Errand, Spot, Work

PAUSE_SECONDS = 1.0
"""Between the first looks; doubled each time, as what is late is often later still."""
PAUSE_MAX_SECONDS = 15.0


async def prove(pool: Pool, channel: Channel, run: str, first: int, last: int) -> int:
    """Look at what a chunk of a run wrote until it shows; answers how many levels were lost.

    What does not show within the channel's own patience is a lost write: it fails, and the book follows
    what the channel shows. Only what did not show yet is asked for again.
    """
    planned = await runs.planned_levels(pool, run, channel.name, first, last, unproven=True)
    positions = {(p.listing_id, p.place): p.position for p in planned}
    work = Work(await _written(pool, channel, list(positions)), {}, set())
    missing = dict(work.targets)
    pause, patience = PAUSE_SECONDS, channel.capabilities.visible_within_seconds
    while missing:
        missing = await _look(channel, work, missing, give_up=patience <= 0)
        if not missing or patience <= 0:
            break
        await asyncio.sleep(min(pause, patience))
        patience -= pause
        pause = min(pause * 2, PAUSE_MAX_SECONDS)
    await publish.record(pool, channel, work, Errand(run_id=run, positions=positions), datetime.now(UTC))
    return len(missing)


async def _look(
    channel: Channel, work: Work, missing: dict[Spot, Target], *, give_up: bool
) -> dict[Spot, Target]:
    """Ask once; answers what still does not show. With `give_up` that is counted as lost."""
    shown = await channel.read_levels([publish.key_of(target) for target in missing.values()])
    late: dict[Spot, Target] = {}
    for (spot, target), level in zip(missing.items(), shown, strict=True):
        generation = target.state.generation
        if level.quantity == target.quantity:
            work.updates.append(LevelUpdate(*spot, generation, shown=level.quantity))
            continue
        late[spot] = target
        if give_up:
            work.updates.append(
                LevelUpdate(
                    *spot, generation, book=level.quantity, shown=level.quantity, problem=level.problem
                )
            )
            publish.fail(work, spot, publish.lost_write(channel, target, level))
    return late


async def _written(pool: Pool, channel: Channel, spots: list[Spot]) -> dict[Spot, Target]:
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
