"""Pre-orders and backorders: units sold before they arrive, up to a cap, and never more than what comes in.

Orders beyond what is available take `available` below zero; that many units are promised. What may be promised besides,
by location, is

    free      = incoming - promised there, at least 0
    allowance = free, in the order of the locations' names, together at most cap - promised in all

so no channel shows more than the cap leaves, wherever it draws from. Whoever ordered first gets the units: what is
short is laid upon the newest orders, and these hold promises, in the order of their time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class PreOrder:
    """What of a SKU may be sold before it arrives: at most `cap` units, promised for a day, on some channels.

    `channels`: those that may (empty: all). `incoming`: units by location that come in by then.
    """

    cap: int
    promised_for: date
    channels: frozenset[str]
    incoming: Mapping[str, int]

    def allows(self, channel: str) -> bool:
        """Whether a channel may sell what has not arrived."""
        return not self.channels or channel in self.channels


@dataclass(frozen=True, slots=True)
class OpenLine:
    """Units of a SKU that one line of an order still waits for, and when the order was placed."""

    channel: str
    order_id: str
    line_id: str
    units: int
    sold_at: datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """Units of an order's line that have not arrived; `position` is its place in the queue, from 1.

    `covered`: of these, units that are on their way and within the cap; the others are oversold.
    """

    line: OpenLine
    units: int
    covered: int
    position: int


def allowance(available: Mapping[str, int], preorder: PreOrder) -> dict[str, int]:
    """Units by location that may be sold there before they arrive, besides those that already were."""
    left = preorder.cap - sum(-units for units in available.values() if units < 0)
    allowed: dict[str, int] = {}
    for location in sorted(preorder.incoming):
        promised = max(0, -available.get(location, 0))
        units = min(left, preorder.incoming[location] - promised)
        if units > 0:
            allowed[location] = units
            left -= units
    return allowed


def promises_of(units_short: int, covered: int, lines: Iterable[OpenLine]) -> tuple[Promise, ...]:
    """The lines that wait for units which have not arrived, those that are served first at the front.

    `covered` units of what is short are on their way and within the cap: they are for the first in the queue.
    """
    newest_first = sorted(
        lines, key=lambda line: (line.sold_at, line.channel, line.order_id, line.line_id), reverse=True
    )
    waiting: list[tuple[OpenLine, int]] = []
    for line in newest_first:
        missing = min(units_short, line.units)
        if missing <= 0:
            break
        waiting.append((line, missing))
        units_short -= missing
    promises = []
    for position, (line, units) in enumerate(reversed(waiting), 1):
        served = min(units, covered)
        covered -= served
        promises.append(Promise(line, units, served, position))
    return tuple(promises)
