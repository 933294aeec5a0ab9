"""SKUs in shares: who has which part, whether a share is worth moving, and how far a level may be raised. Pure.

Allocation says what a level should show; the gate says how far it may be raised now. While a SKU is in shares, at every
moment and for every set of locations,

    what all levels there may still sell  ≤  what is available there, less provisional demand

once the falls that begin it were answered: a unit is given to a level only after somebody else's answer proved that
it was taken. What a level may still sell is its book; while a call is under way, or its fate is unknown, the higher of
what it showed and what it is told (`onhand.domain.holdings`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from onhand.domain.calm import shares
from onhand.domain.demand import CALL_SECONDS, HEARING_SECONDS, REACH_SECONDS_MAX
from onhand.domain.phases import DEFAULT_TERMS, Phase, Terms, next_phase, threshold
from onhand.domain.rules import PERCENT_PARTS, WHOLE_PARTS

SMALLEST_PART = 0.05
"""Of what is divided, for every channel whatever it sold: who shows nothing can sell nothing."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A SKU is in shares, by scarcity or, `planned`, by a campaign: `shares` are the percentages planned in it."""

    planned: bool = False
    shares: Mapping[str, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A level, and the units of the SKU that it may still sell.

    `book`: units that it shows as far as we know, None while nobody does. `sold`: units lately heard to be sold there,
    a count that fades (`onhand.domain.calm`), gathered for `counted_for` seconds; the last of them was heard of
    `quiet_for` seconds ago, and `known_for` seconds ago the channel last told anything of it (None: never). `seconds`:
    what changes to its channel lately took to be shown at the longest, None where that was not measured.
    """

    channel: str
    listing_id: int
    place: str
    units: int
    book: int | None = None
    sold: float = 0.0
    counted_for: float = 0.0
    quiet_for: float | None = None
    known_for: float | None = None
    seconds: float | None = None


def window_of(slowest: float | None) -> float:
    """Seconds from a sale on one channel until all others can no longer sell the same unit: the longest that changes
    lately took to be shown (None: not measured), and what hearing of the sale takes."""
    shown = CALL_SECONDS if slowest is None else min(REACH_SECONDS_MAX, max(CALL_SECONDS, slowest))
    return HEARING_SECONDS + shown


def limits(rate_together: float, slowest: float | None, terms: Terms = DEFAULT_TERMS) -> tuple[int, float]:
    """At or below how many units a SKU that sells so many a second goes into shares, and above how many it leaves."""
    enters = threshold(rate_together, window_of(slowest), terms)
    return enters, enters * terms.leave


def phase_after(phase: Phase, free: int, rate_together: float, slowest: float | None) -> Phase:
    """How the SKU goes on with `free` units left."""
    return next_phase(phase, free, limits(rate_together, slowest)[0], DEFAULT_TERMS)


def weights(
    channels: Iterable[str], demand: Mapping[str, float], planned: Mapping[str, Decimal] | None
) -> dict[str, int]:
    """The part of each channel, in WHOLE_PARTS: what was planned; of the rest, by units lately sold a second.

    Those for whom nothing was planned have all of it together.
    """
    fixed = {c: int(percent * PERCENT_PARTS) for c, percent in (planned or {}).items()}
    names = sorted(set(channels))
    by_demand = [name for name in names if name not in fixed]
    found = {name: fixed[name] for name in names if name in fixed}
    if by_demand:
        rest = WHOLE_PARTS - sum(found.values())
        sold = {name: max(0.0, demand.get(name, 0.0)) for name in by_demand}
        found |= shares(rest, {name: rate + _least(sold) for name, rate in sold.items()})
    return found


def _least(sold: Mapping[str, float]) -> float:
    """A rate that gives whoever sold nothing the smallest part; of many channels none has more than half of an equal
    one.
    """
    part = min(SMALLEST_PART, 0.5 / len(sold))
    return sum(sold.values()) * part / (1 - part * len(sold)) or 1.0


def is_off(level: int, book: int, terms: Terms = DEFAULT_TERMS) -> bool:
    """Whether a share is far enough from what is shown to be moved."""
    return abs(level - book) > terms.tolerance * level


def spare(
    available: Mapping[str, int],
    own: Iterable[str],
    others: Sequence[tuple[frozenset[str], int]],
) -> int:
    """Units that a level at `own` locations may sell at most, next to what others may sell: (locations, units).

    Of every set of locations that holds its own: what is available there, less what levels that draw on nothing else
    may sell. Locations that nobody connects with its own bear on nothing.
    """
    first = frozenset(own)
    seen, open_sets, least = {first}, [first], None
    while open_sets:
        here = open_sets.pop()
        left = sum(available.get(location, 0) for location in here)
        left -= sum(units for there, units in others if there <= here)
        least = left if least is None else min(least, left)
        for there, units in others:
            wider = here | there
            if units > 0 and there & here and wider not in seen:
                seen.add(wider)
                open_sets.append(wider)
    assert least is not None, "its own locations are looked at"
    return least


def granted(wanted: int, book: int | None, free: int) -> int:
    """Units a level may be told to show: a fall is never gated, and a raise goes no further than `free` units.

    Nor does the gate ever lower a level below its book. One of which nobody knows what it shows is told no more than is
    free.
    """
    return min(wanted, max(book or 0, free, 0))
