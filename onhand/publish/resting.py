"""Hot listings of channels that only set levels (design rule 6): which rest, what each is told first, when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onhand.channels.base import Channel, WriteKind
from onhand.domain.listings import RuleBook
from onhand.domain.rests import resting_of, told_first
from onhand.domain.targets import Target
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot
from onhand.publish.work import Work


@dataclass(slots=True)
class Rests:
    """What the errand has to know. `alone`: levels that rest and are not touched; `told`: shares, before they rest.

    `seconds`: how long each listing with such a level is not looked at. `woken`: channels that have to look again,
    because what rests is kept from them, or is theirs again.
    """

    alone: set[Spot] = field(default_factory=set)
    told: dict[Spot, int] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    marked: bool = False
    """Whether listings got new generations by it, so that what was read before is old."""


def may_rest(channel: Channel, rules: RuleBook) -> bool:
    """Whether levels of the channel rest while they are hot: it only sets levels, and tells of its orders."""
    can = channel.capabilities
    return can.write_kind is WriteKind.ABSOLUTE and not can.changes and rules.channels[channel.name].listens


async def rests_of(pool: Pool, channel: Channel, rules: RuleBook, targets: Mapping[Spot, Target]) -> Rests:
    """Decide and write down which of these levels begin, go on or cease to rest.

    What begins to rest is kept from the SKU's other listings from this moment, before it is told its share.
    """
    found = resting_of(
        targets, rules, may_rest=may_rest(channel, rules), call_seconds=channel.meter.call_seconds
    )
    rests = Rests(alone=found.alone, seconds=found.seconds)
    if found.hot:
        rests.told = await _shares(pool, rules, found.hot)
    if found.hot or found.ended:
        await levels.change_rests(pool, rests.told, found.ended)
        skus = sorted({targets[spot].state.sku for spot in [*found.hot, *found.ended]})
        rests.woken = await levels.mark(pool, skus)
        rests.marked = True
    return rests


async def leave_alone(pool: Pool, work: Work, rests: Rests) -> None:
    """After an errand: listings whose levels all rest, and know their share, are not looked at for a while."""
    unsure = {
        spot[0] for spot in rests.told if work.outcomes.get(spot) == "failed" or spot not in work.beliefs
    }
    generations = {target.state.listing_id: target.state.generation for target in work.targets.values()}
    quiet = [(n, generations[n], seconds) for n, seconds in rests.seconds.items() if n not in unsure]
    if quiet:
        await levels.leave_alone(pool, quiet)


async def _shares(pool: Pool, rules: RuleBook, hot: Mapping[Spot, Target]) -> dict[Spot, int]:
    """Pieces each hot level is told."""
    paces = await levels.paces_of_skus(pool, sorted({listing for listing, _ in hot}))
    return {spot: told_first(target, paces.get(spot[0], []), rules) for spot, target in hot.items()}
