"""How many units can still be oversold: said beforehand, so that it can be compared with what happened. Pure.

Two bounds hold, and the lesser one counts. By speed: a channel sells a unit that is gone only while it was not told of
the others' sales (and, where levels are set blindly, of its own that a set gave back): their rate times the longest
window, less what is held back there, and no more than it sells itself in that time. By what is shown: all levels
together cannot sell more than they may (`onhand.domain.holdings.may_sell`), so in shares nothing is oversold.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from onhand.domain.demand import at_most

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Exposed(Generic[Key]):
    """One level that sells from the pool.

    `may_sell`: units that it may still sell at most; it sells `rate` a second, which is known from so many `counted`
    units; `window`: seconds from a sale elsewhere until it can no longer sell the same unit. `blind`: it is only set.
    `held_back`: units of the pool that it does not show.
    """

    key: Key
    may_sell: int
    rate: float
    counted: float
    window: float
    blind: bool = False
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Bound(Generic[Key]):
    """Units that can still be oversold: by each level if it alone went wrong, and by all together."""

    by_level: Mapping[Key, int]
    together: int


def oversell_bound(free: int, levels: Sequence[Exposed[Key]], caution: float) -> Bound[Key]:
    """The bound for a SKU of which `free` units are left, provisional demand taken off. `caution` is in standard
    deviations, as in `onhand.domain.demand.at_most`."""
    together = sum(level.rate for level in levels)
    counted = sum(level.counted for level in levels)
    window = max((level.window for level in levels), default=0.0)
    by_level: dict[Key, int] = {}
    for level in levels:
        too_much = at_most((together - level.rate) * window, counted - level.counted, caution)
        if level.blind:
            undone = at_most(level.rate * level.window, level.counted, caution)
            too_much += min(level.may_sell, undone)
        sells = at_most(level.rate * window, level.counted, caution)
        by_level[level.key] = max(0, min(too_much - level.held_back, sells, level.may_sell))
    shown = sum(level.may_sell for level in levels)
    return Bound(by_level, min(sum(by_level.values()), max(0, shown - max(0, free))))
