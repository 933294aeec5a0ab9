"""What was asked for of a SKU at a location, week by week, as planning wants it. Pure.

Demand is not what was sold: on a day without stock nothing could be. Such days are left out, and their week is scaled
up to seven days; a week of which hardly anything is left says nothing, and is left out as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onhand.domain.reorder import DAYS_OF_PERIOD

SELLABLE_DAYS_MIN = 3
"""A week in which it could be bought on fewer days is left out: scaled up, a single sale would be seven."""


@dataclass(frozen=True, slots=True)
class OrderedDay:
    """What was ordered within the 24 hours that ended `age` days ago, and is not cancelled, in units.

    `largest` and `second` are its two largest orders; 0 where there was none.
    """

    age: int
    units: int
    largest: int
    second: int = 0


@dataclass(frozen=True, slots=True)
class ShelfDay:
    """What was available on a day on which that changed: at its end, and at most."""

    age: int
    closing: int
    highest: int


@dataclass(frozen=True, slots=True)
class History:
    """A SKU at a location. `known_days`: since when the ledger knows it there.

    A shelf day that is older than the window tells what was there when it began.
    """

    known_days: int
    ordered: tuple[OrderedDay, ...]
    shelf: tuple[ShelfDay, ...]


def weekly(history: History, weeks: int) -> list[float]:
    """Units asked for in each of the last weeks, oldest first; only whole weeks, and only those that say something.

    The largest order of all counts only as much as the second largest (1 unit where there is no other), as it does for
    velocities: one bulk order says nothing about the next week.
    """
    days = min(weeks * DAYS_OF_PERIOD, history.known_days)
    asked = _without_bulk(history.ordered)
    empty = _empty_days(history.shelf, asked, days)
    found = []
    for week in range(days // DAYS_OF_PERIOD - 1, -1, -1):
        ages = range(week * DAYS_OF_PERIOD, (week + 1) * DAYS_OF_PERIOD)
        sellable = sum(age not in empty for age in ages)
        if sellable >= SELLABLE_DAYS_MIN:
            found.append(sum(asked.get(age, 0) for age in ages) * DAYS_OF_PERIOD / sellable)
    return found


def _without_bulk(ordered: Sequence[OrderedDay]) -> dict[int, int]:
    asked = {day.age: day.units for day in ordered}
    if ordered:
        bulk = max(ordered, key=lambda day: day.largest)
        others = [day.largest for day in ordered if day is not bulk]
        asked[bulk.age] -= bulk.largest - min(bulk.largest, max(1, bulk.second, *others))
    return asked


def _empty_days(shelf: Sequence[ShelfDay], asked: Mapping[int, int], days: int) -> set[int]:
    """Days on which nothing was available from beginning to end, and nothing was sold all the same."""
    by_age = {day.age: day for day in shelf}
    earlier = [day for day in shelf if day.age >= days]
    level = min(earlier, key=lambda day: day.age).closing if earlier else 0
    empty = set()
    for age in range(days - 1, -1, -1):
        day = by_age.get(age)
        highest = level if day is None else max(level, day.highest)
        level = level if day is None else day.closing
        if highest <= 0 and not asked.get(age):
            empty.add(age)
    return empty
