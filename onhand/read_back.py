"""Proof for channels whose answers prove nothing: read back what was written, and call what is lost lost."""

from datetime import UTC, datetime

from onhand import publish
from onhand.channels.base import Channel
from onhand.domain.listings import Target
from onhand.ledger import levels, runs
from onhand.ledger.database import Pool
from onhand.ledger.levels import LevelUpdate
from onhand.publish import Errand, Spot, Work


async def verify(pool: Pool, channel: Channel, run: str, first: int, last: int, *, give_up: bool) -> int:
    """Look at what a chunk of a run wrote; answers how many levels do not show it (yet).

    With `give_up` these count as lost writes: they fail, and the book follows what the channel shows.
    """
    planned = await runs.planned_levels(pool, run, channel.name, first, last, unproven=True)
    positions = {(p.listing_id, p.place): p.position for p in planned}
    written = await _written(pool, channel, list(positions))
    shown = await channel.read_levels([publish.key_of(target) for target in written.values()])
    work, missing = Work(written, {}, set()), 0
    for (spot, target), level in zip(written.items(), shown, strict=True):
        generation = target.state.generation
        if level.quantity == target.quantity:
            work.updates.append(LevelUpdate(*spot, generation, shown=level.quantity))
            continue
        missing += 1
        if give_up:
            work.updates.append(
                LevelUpdate(*spot, generation, book=level.quantity, shown=level.quantity, problem=level.problem)
            )
            publish.fail(work, spot, publish.lost_write(channel, target, level))
    await publish.record(pool, channel, work, Errand(run_id=run, positions=positions), datetime.now(UTC))
    return missing


async def _written(pool: Pool, channel: Channel, spots: list[Spot]) -> dict[Spot, Target]:
    """What each level was last told, which is what its book says."""
    listings = list(dict.fromkeys(listing for listing, _ in spots))
    states = {
        state.listing_id: state
        for state in await levels.listing_states(pool, channel.name, listings, siblings=False)
    }
    return {
        (listing, place): Target(states[listing], place, states[listing].books[place] or 0, None)
        for listing, place in spots
    }
