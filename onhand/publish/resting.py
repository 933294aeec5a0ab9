"""Hot listings of channels that only set levels (design rule 6): which rest, what each is told first, when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onhand.channels.base import Channel, WriteKind
from onhand.domain.calm import Course, Sight, course_of, rest_seconds, shares
from onhand.domain.demand import HEARING_SECONDS
from onhand.domain.listings import ListingState, RuleBook
from onhand.domain.sharing import limits
from onhand.domain.targets import Target
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot
from onhand.publish.work import Work

AGAIN_SECONDS = 2 * HEARING_SECONDS
"""When a level in shares is decided anew of which time alone tells more: what was sold before is heard of by then."""


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


def _is_plentiful(target: Target, rules: RuleBook, *, resting: bool) -> bool:
    """Whether there is so much more than what is sold until all channels show a change that none has to rest: what a
    set gives back is told again long before it is missing. By the measure of shares, whatever the mode.
    """
    state = target.state
    if state.shared is not None:
        return False
    free = sum(state.available.get(code, 0) for code in rules.channels[state.channel].places[target.place])
    enters, leaves = limits(sum(state.rates.values()), state.slowest)
    return free > (leaves if resting else enters)


async def rests_of(pool: Pool, channel: Channel, rules: RuleBook, targets: Mapping[Spot, Target]) -> Rests:
    """Decide and write down which of these levels begin, go on or cease to rest.

    What begins to rest is kept from the SKU's other listings from this moment, before it is told its share.
    """
    rests = Rests(seconds={spot[0]: AGAIN_SECONDS for spot, target in targets.items() if target.again})
    if not may_rest(channel, rules):
        return rests
    ended: list[Spot] = []
    hot: dict[Spot, Target] = {}
    for spot, target in targets.items():
        resting = _rests(target.state, spot)
        if target.in_shares:
            ended += [spot] if resting else []
            continue
        if not (resting or target.differs):
            continue
        pace = target.state.paces.get(target.place, 0.0)
        seconds = channel.meter.call_seconds
        course = course_of(Sight(pace, seconds, resting, target.book, target.quantity))
        if course is Course.TELL or _is_plentiful(target, rules, resting=resting):
            ended += [spot] if resting else []
            continue
        rests.seconds[spot[0]] = min(rests.seconds.get(spot[0], float("inf")), rest_seconds(pace, seconds))
        if course is Course.REST:
            rests.alone.add(spot)
        else:
            hot[spot] = target
    if hot:
        rests.told = await _shares(pool, rules, hot)
    if hot or ended:
        await levels.change_rests(pool, rests.told, ended)
        skus = sorted({targets[spot].state.sku for spot in [*hot, *ended]})
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


def _rests(state: ListingState, spot: Spot) -> bool:
    return any((level.listing_id, level.place) == spot for level in state.resting)


async def _shares(pool: Pool, rules: RuleBook, hot: Mapping[Spot, Target]) -> dict[Spot, int]:
    """Pieces each hot level is told: its part, by recent pace, of what it would show if it were alone; in shares, its
    share."""
    paces = await levels.paces_of_skus(pool, sorted({listing for listing, _ in hot}))
    told = {spot: target.quantity for spot, target in hot.items() if target.divides}
    for spot, target in hot.items():
        if target.divides:
            continue
        own = rules.channels[target.state.channel].places[target.place]
        rivals = {
            (each.listing_id, each.place): each.pace * each.units
            for each in paces.get(spot[0], [])
            if each.channel in rules.channels
            and set(own) & set(rules.channels[each.channel].places.get(each.place, ()))
        }
        given = shares(target.quantity * target.state.units, rivals)
        told[spot] = min(target.quantity, given[spot] // target.state.units)
    return told
