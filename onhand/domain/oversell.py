"""Oversells: more of a SKU is promised than there is. Which orders cannot be filled, and which channel sold last.

Whoever bought first gets the units: what is short is taken from the newest orders.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """Units of the SKU that an order still waits for, and when it was placed."""

    channel: str
    order_id: str
    units: int
    sold_at: datetime


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Units of an order that there are none for."""

    channel: str
    order_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Oversell:
    """What a SKU is short of, in units, and the orders that bear it, newest first.

    `last_channel`: where it was sold last, None where no open order is known. `unexplained`: units short beyond all
    open orders, as when a count was corrected below what is promised elsewhere.
    """

    units_short: int
    orders: tuple[Unfilled, ...]
    last_channel: str | None
    unexplained: int


def oversell_of(units_short: int, promises: Iterable[Promise]) -> Oversell:
    """Lay the missing units upon the newest of the open orders."""
    assert units_short > 0, "nothing is short"
    newest_first = sorted(promises, key=lambda p: (p.sold_at, p.channel, p.order_id), reverse=True)
    left = units_short
    orders: list[Unfilled] = []
    for promise in newest_first:
        missing = min(left, promise.units)
        if missing <= 0:
            break
        orders.append(Unfilled(promise.channel, promise.order_id, missing))
        left -= missing
    last = newest_first[0].channel if newest_first else None
    return Oversell(units_short, tuple(orders), last, left)
