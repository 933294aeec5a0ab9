"""Which hot levels of a channel that only sets are left alone, and when each is decided anew (design rule 6). Pure.

One level is a matter of `onhand.domain.calm`; here it is told apart which levels that concerns at all: none that has
its share already, and none of a SKU of which there is plenty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onhand.domain.calm import Course, Sight, course_of, rest_seconds, shares
from onhand.domain.demand import HEARING_SECONDS
from onhand.domain.listings import RuleBook, Spot
from onhand.domain.sharing import limits
from onhand.domain.targets import Target

AGAIN_SECONDS = 2 * HEARING_SECONDS
"""When a level in shares is decided anew of which time alone tells more: what was sold before is heard of by then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one level sells lately (`onhand.domain.calm`), in pieces of so many `units`."""

    channel: str
    listing_id: int
    place: str
    units: int
    pace: float


@dataclass(slots=True)
class RestPlan:
    """`alone`: levels that rest and are not touched; `hot`: those that are told their share before they rest; `ended`:
    those that rest no more. `seconds`: how long each listing of levels like these is not looked at."""

    alone: set[Spot] = field(default_factory=set)
    hot: dict[Spot, Target] = field(default_factory=dict)
    ended: list[Spot] = field(default_factory=list)
    seconds: dict[int, float] = field(default_factory=dict)


def resting_of(
    targets: Mapping[Spot, Target], rules: RuleBook, *, may_rest: bool, call_seconds: float
) -> RestPlan:
    """What becomes of these levels of one channel; `may_rest`: it only sets levels, and tells of its orders;
    `call_seconds`: what a call to it takes."""
    found = RestPlan(seconds={spot[0]: AGAIN_SECONDS for spot, target in targets.items() if target.again})
    if may_rest:
        for spot, target in targets.items():
            _decide(found, spot, target, rules, call_seconds)
    return found


def _decide(found: RestPlan, spot: Spot, target: Target, rules: RuleBook, call_seconds: float) -> None:
    resting = any((level.listing_id, level.place) == spot for level in target.state.resting)
    if not (resting or target.differs):
        return
    pace = target.state.paces.get(target.place, 0.0)
    course = course_of(Sight(pace, call_seconds, resting, target.book, target.quantity))
    if target.in_shares or course is Course.TELL or _is_plentiful(target, rules, resting=resting):
        found.ended += [spot] if resting else []
        return
    seconds = rest_seconds(pace, call_seconds)
    found.seconds[spot[0]] = min(found.seconds.get(spot[0], float("inf")), seconds)
    if course is Course.REST:
        found.alone.add(spot)
    else:
        found.hot[spot] = target


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


def told_first(target: Target, paces: Iterable[Pace], rules: RuleBook) -> int:
    """Pieces that a hot level is told before it rests: its share, where it is in shares; else its part, by recent pace,
    of what it would show if it were alone. `paces` are those of its SKU's levels, but of others that rest."""
    if target.divides:
        return target.quantity
    state = target.state
    own = set(rules.channels[state.channel].places[target.place])
    rivals = {
        (each.listing_id, each.place): each.pace * each.units
        for each in paces
        if each.channel in rules.channels
        and own & set(rules.channels[each.channel].places.get(each.place, ()))
    }
    given = shares(target.quantity * state.units, rivals)
    return min(target.quantity, given[state.listing_id, target.place] // state.units)
