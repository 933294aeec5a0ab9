"""Look at levels without writing them: claimed, so that nobody writes meanwhile, and what they show is believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand.channels.base import Channel, ShownLevel
from onhand.domain.beliefs import Belief
from onhand.domain.listings import RuleBook
from onhand.domain.targets import all_targets
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot
from onhand.publish.claims import CLAIM_SECONDS, held, new_claim
from onhand.publish.record import record
from onhand.publish.work import Errand, Work, key_of


@dataclass(frozen=True, slots=True)
class Seen:
    """What was believed of a level when it was claimed (None: nothing), and what the channel showed of it then."""

    expected: int | None
    level: ShownLevel


async def look(
    pool: Pool,
    channel: Channel,
    rules: RuleBook,
    spots: Sequence[Spot],
    keep: Callable[[Spot, Seen], bool],
    woken: set[str],
) -> dict[Spot, Seen]:
    """Read the levels of one bulk call; left out are those that somebody else holds, or that were told so lately that
    the channel need not show it yet.

    What is seen is booked as any answer is: fewer than was believed is a sale on its way, until a sweep proves that
    there is none. Where `keep` says so, what was believed stands. Publishers that get something to do by it are added
    to `woken`. Raises ChannelError; then everything is believed as before.
    """
    claim = new_claim()
    listings = list(dict.fromkeys(listing for listing, _ in spots))
    claimed, states = await levels.claim(
        pool,
        channel.name,
        spots,
        listings,
        siblings=rules.needs_siblings,
        claim=claim,
        seconds=CLAIM_SECONDS,
    )
    targets = {(t.state.listing_id, t.place): t for t in all_targets(states, rules)}
    mine = {spot: targets[spot] for spot in spots if spot in claimed and spot in targets}
    beliefs = {spot: Belief[datetime](book) for spot, book in claimed.items()}
    # Nothing is settled by a look: what is pending stays so.
    work = Work(mine, beliefs, {}, set(listings), claim)
    began, seen = datetime.now(UTC), dict[Spot, Seen]()
    async with held(pool, list(beliefs), claim):
        try:
            asked = await _due(pool, channel, list(mine))
            asked_at = datetime.now(UTC)
            shown = await channel.read_levels([key_of(mine[spot]) for spot in asked]) if asked else []
            for spot, level in zip(asked, shown, strict=True):
                seen[spot] = Seen(claimed[spot], level)
                if not keep(spot, seen[spot]):
                    beliefs[spot].read(
                        level.quantity, asked_at, problem=level.problem, mendable=level.mendable
                    )
        finally:
            await record(pool, channel, rules, work, Errand(), began, woken)
    return seen


async def _due(pool: Pool, channel: Channel, spots: Sequence[Spot]) -> list[Spot]:
    """Those of the levels that show by now whatever the channel was told; asked once they are claimed."""
    patience = channel.capabilities.visible_within_seconds
    if not spots or patience <= 0:
        return list(spots)
    late = await levels.written_lately(pool, spots, patience)
    return [spot for spot in spots if spot not in late]
