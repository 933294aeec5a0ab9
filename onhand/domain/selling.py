"""What escrow decides by and what it answers: phases, terms, sellers, moves. Pure; see `onhand.domain.escrow`."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Generic, TypeVar

from onhand.domain.demand import Demand, Reach
from onhand.domain.holdings import Holding, Writing

Key = TypeVar("Key", bound=Hashable)


class Phase(StrEnum):
    """How the levels of a SKU share its pool."""

    POOLED = "pooled"
    """Each shows all of it."""
    ESCROW = "escrow"
    """Each has a share of its own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What can be tuned, for all SKUs alike; the defaults are what simulation found best (docs/decisions/0024).

    `margin` times what is sold in the longest window, and at least `units_min`, is the threshold below which there is
    escrow; it is left again above `leave` times the threshold. A share moves when it is off by more than `tolerance`.
    `caution`: standard deviations by which sales that are unheard when a level is set blindly are overestimated.
    `counted_min`: units heard to be sold before demand is believed to be known well enough to divide by it early.
    `worth`: a level that rests is told again when it is off by this many times what the telling may give back.
    `silent_sales`: it is looked at after a silence in which so many sales were to be expected.
    `last_units`: at or below so many units in all, only the sellers that take the last show any; 0 switches that off.
    """

    margin: float = 16.0
    units_min: int = 5
    leave: float = 1.5
    tolerance: float = 0.1
    caution: float = 2.0
    counted_min: int = 20
    worth: float = 2.0
    silent_sales: float = 6.0
    last_units: int = 0


DEFAULT_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Seller(Generic[Key]):
    """One level that draws on the pool.

    `idle`: it can be told something now; False while a call is under way or its channel makes us wait, and then it is
    not `reachable` either. `resting`: it was told its share and is left alone. `planned`: its weight in a campaign,
    None outside one. `takes_last`: the last units are for it alone.
    """

    key: Key
    writing: Writing
    holding: Holding
    demand: Demand
    reach: Reach
    idle: bool = True
    reachable: bool = True
    resting: bool = False
    planned: float | None = None
    takes_last: bool = False


@dataclass(frozen=True, slots=True)
class Move(Generic[Key]):
    """Tell a level that it shows `level` from now on; None: look at what it shows."""

    key: Key
    level: int | None


@dataclass(frozen=True, slots=True)
class Decision(Generic[Key]):
    """What to do now. `resting`: levels to be left alone from now on; `again_in`: when to decide again if nothing
    happens, in seconds, None where only news can change anything.
    """

    phase: Phase
    moves: tuple[Move[Key], ...]
    resting: frozenset[Key] = frozenset()
    again_in: float | None = None


def threshold(rate_together: float, window: float, terms: Terms) -> int:
    """Units at or below which there is escrow: what is sold within the longest window, with a margin."""
    return max(terms.units_min, ceil(rate_together * window * terms.margin))


def next_phase(phase: Phase, free: int, limit: int, terms: Terms) -> Phase:
    """Into escrow at the threshold; out of it only well above, so that levels do not flap."""
    if phase is Phase.ESCROW:
        return Phase.POOLED if free > limit * terms.leave else Phase.ESCROW
    return Phase.ESCROW if free <= limit else Phase.POOLED
