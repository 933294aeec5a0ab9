"""How many units can still be oversold: said beforehand, so that it can be compared with what happened. Pure.

Two bounds hold, and the lesser one counts. By speed: a channel sells a unit that is gone only while it was not told of
the others' sales (and, where levels are set blindly, of its own that a set gave back): their rate times the longest
window, less what is held back there, and no more than it sells itself in that time. By what is shown: all levels
together cannot sell more than they may (`onhand.domain.holdings.may_sell`), so in escrow nothing is oversold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from onhand.domain.demand import at_most, speed_of
from onhand.domain.holdings import Writing, may_sell, unheard_ahead
from onhand.domain.selling import Key, Seller


@dataclass(frozen=True, slots=True)
class Bound(Generic[Key]):
    """Units that can still be oversold: by each level if it alone went wrong, and by all together."""

    by_level: Mapping[Key, int]
    together: int


def oversell_bound(
    left: int,
    sellers: Sequence[Seller[Key]],
    now: float,
    caution: float,
    buffers: Mapping[Key, int] | None = None,
) -> Bound[Key]:
    """The bound for a SKU of which `left` units are available; `buffers`: units held back from a level, 0 if absent."""
    speeds = [speed_of(seller.demand, seller.reach, now, caution) for seller in sellers]
    together = sum(speed.rate for speed in speeds)
    counted = sum(speed.counted for speed in speeds)
    window = max((seller.reach.window for seller in sellers), default=0.0)
    most = [may_sell(seller.holding, speed, now) for seller, speed in zip(sellers, speeds, strict=True)]
    by_level: dict[Key, int] = {}
    for n, (seller, speed) in enumerate(zip(sellers, speeds, strict=True)):
        shown_too_much = at_most((together - speed.rate) * window, counted - speed.counted, caution)
        if seller.writing is Writing.ABSOLUTE:
            shown_too_much += unheard_ahead(seller.holding, speed, now)
        held_back = 0 if buffers is None else buffers.get(seller.key, 0)
        by_level[seller.key] = max(0, min(shown_too_much - held_back, speed.within(window), most[n]))
    free = max(0, left - sum(seller.holding.provisional for seller in sellers))
    return Bound(by_level, min(sum(by_level.values()), max(0, sum(most) - free)))
