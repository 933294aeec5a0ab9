"""Levels in shares that are only set: what a set puts on show again, and who makes up for it. Pure; one SKU.

A set undoes every sale that it does not know of: what was sold before it took effect, and is not heard of, can be sold
once more. So a level is told less than its share by what may be undone, and while that would be much for the little
that it is off, it is not told at all. What such a level holds more or less than its share is made up for by the levels
that are changed exactly. docs/decisions/0034 says how this was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from onhand.domain.calm import HALF_LIFE_SECONDS, shares
from onhand.domain.demand import CALL_SECONDS, HEARING_SECONDS, Demand, at_most, rate
from onhand.domain.phases import DEFAULT_TERMS, Terms
from onhand.domain.sharing import Holder, is_off, spare, window_of

QUIET_UNITS = 0.05
"""Below so many sales in the time that a set takes, nothing is reckoned to be undone by it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A level in shares, with the units that its share gives it, and that its rules would give it of the pool.

    `blind`: it is only set. `holder`: what is known of it; None where there was nothing to know yet.
    """

    share: int
    pool: int
    weight: int
    locations: frozenset[str]
    blind: bool = False
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """What a level should be told: units to show; so many more may be on show again by that.

    `again`: it is off and left alone for now, or was told less for what may be undone, or makes up for one that is left
    alone, or might fall silent: it is to be decided anew in a few seconds. `look`: it has fallen silent, and is to be
    looked at before it is told anything.
    """

    units: int
    undoes: int = 0
    again: bool = False
    look: bool = False


def rate_of(holder: Holder) -> float:
    """Units a second that a level sells, by what it sold lately and for how long that was counted."""
    return rate(Demand(holder.sold, 0.0, -holder.counted_for), 0.0)


def sure_rate(holders: Sequence[Holder]) -> float:
    """Units a second that the levels sell together, less two standard deviations of the chance in so few sales.

    A handful of sales in a second is no rush yet; a dozen is.
    """
    counted = sum(holder.sold for holder in holders)
    certain = max(0.0, 1.0 - 2.0 / counted**0.5) if counted > 0 else 0.0
    return certain * sum(map(rate_of, holders))


def undone_by_a_set(holder: Holder, terms: Terms = DEFAULT_TERMS) -> int:
    """Units of a level that a set sent now puts on show again at most: no more than it may sell."""
    expected = rate_of(holder) * window_of(holder.seconds)
    if expected < QUIET_UNITS:
        return 0
    return min(holder.units, at_most(expected, holder.sold, terms.caution))


def kept(available: Mapping[str, int], parts: Sequence[Part], terms: Terms = DEFAULT_TERMS) -> list[bool]:
    """Which of the levels are left alone: setting them would undo more than they are off.

    None that together may sell more than there is, beyond what setting them would miss anyway.
    """
    found = [_is_kept(part, terms) for part in parts]
    missed = max((_missed(part) for part in parts), default=0)
    over = [keeps and _beyond(n, available, parts, found) > missed for n, keeps in enumerate(found)]
    return [keeps and not beyond for keeps, beyond in zip(found, over, strict=True)]


def _is_kept(part: Part, terms: Terms) -> bool:
    holder = part.holder
    if not part.blind or holder is None or holder.book is None or part.share == 0:
        return False
    if holder.units > part.pool:  # a halt or a cap says so
        return False
    return undone_by_a_set(holder, terms) * terms.worth > abs(part.share - holder.units)


def _missed(part: Part) -> int:
    """Units by which a set misses on average, and at least one."""
    if not part.blind or part.holder is None:
        return 0
    seconds = CALL_SECONDS if part.holder.seconds is None else part.holder.seconds
    return max(1, ceil(rate_of(part.holder) * seconds))


def _beyond(n: int, available: Mapping[str, int], parts: Sequence[Part], found: Sequence[bool]) -> int:
    """Units that a level may sell beyond what the others that are left alone leave it."""
    others = [(part.locations, _units(part)) for m, part in enumerate(parts) if m != n and found[m]]
    return _units(parts[n]) - spare(available, parts[n].locations, others)


def _units(part: Part) -> int:
    return 0 if part.holder is None else part.holder.units


def tell(
    available: Mapping[str, int],
    parts: Sequence[Part],
    n: int,
    *,
    crowded: bool = False,
    terms: Terms = DEFAULT_TERMS,
) -> Tell:
    """What to tell the level number `n` of all that are in shares.

    `crowded`: others do not leave it all that it may sell.
    """
    part, left_alone = parts[n], kept(available, parts, terms)
    if not part.blind:
        beyond = _made_up_for(n, parts, left_alone)
        return Tell(max(0, min(part.pool, part.share - beyond)), again=beyond != 0)
    holder = part.holder
    if holder is None:
        return Tell(part.share)
    if left_alone[n]:
        assert holder.book is not None, "who is left alone is known"
        found = Tell(holder.book, again=True)
    else:
        found = _told(part, holder, undone_by_a_set(holder, terms), crowded=crowded)
    return _watched(found, holder, terms)


def _made_up_for(n: int, parts: Sequence[Part], left_alone: Sequence[bool]) -> int:
    """Units that levels which are left alone hold beyond their shares, as far as this one makes up for them."""
    together = 0
    for kept_part, alone in zip(parts, left_alone, strict=True):
        beyond = _units(kept_part) - kept_part.share
        if not alone or beyond == 0:
            continue
        exact = {
            m: float(part.weight)
            for m, part in enumerate(parts)
            if not part.blind and part.locations & kept_part.locations
        }
        if n in exact:
            together += shares(abs(beyond), exact)[n] * (1 if beyond > 0 else -1)
    return together


def _told(part: Part, holder: Holder, undoes: int, *, crowded: bool) -> Tell:
    """Less than its share by what may be undone; what it shows, where that is not off or would change nothing for the
    better."""
    level, book = max(0, part.share - undoes), holder.book
    if book is None:
        return Tell(level, undoes, again=undoes > 0)
    falls = holder.units > part.share
    if not is_off(part.share, holder.units) and not (falls and (crowded or holder.units > part.pool)):
        return Tell(book, again=holder.units > book)
    for_the_better = level < book if falls else level > book
    return Tell(level, undoes, again=undoes > 0) if for_the_better else Tell(book, again=True)


def _watched(told: Tell, holder: Holder, terms: Terms) -> Tell:
    """Nobody else tells that it is empty, of a level that shows less than we believe.

    It is looked at after a silence in which so many sales were to be expected, and all that it sold is heard of; once.
    """
    if not holder.book or holder.quiet_for is None:
        return told
    told_since = holder.known_for is not None and holder.known_for < holder.quiet_for
    if told_since or rate_of(holder) < terms.silent_sales / HALF_LIFE_SECONDS:
        return told
    expected = rate_of(holder) * holder.quiet_for
    return replace(
        told, again=True, look=expected >= terms.silent_sales and holder.quiet_for >= HEARING_SECONDS
    )
