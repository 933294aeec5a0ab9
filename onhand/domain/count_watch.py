"""Small count differences, watched in sum: none is worth a word, and together they may be a hole in the stock. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What small differences are summed over."""

    SKU = "sku"
    LOCATION = "location"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Small:
    """The small differences of one SKU at one location within the window: how many counts, units more or less."""

    sku: str
    location: str
    counts: int
    units: int


@dataclass(frozen=True, slots=True)
class Heap:
    """What they come to in one scope. `subject`: the SKU or location, empty for the total."""

    scope: Scope
    subject: str
    counts: int
    units: int


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How many units small differences may come to within `days`, of one SKU, at one location, and in all."""

    days: int = 90
    units_per_sku: int = 10
    units_per_location: int = 100
    units_in_total: int = 200

    def limit(self, scope: Scope) -> int:
        """The sum from which on people are told."""
        return {
            Scope.SKU: self.units_per_sku,
            Scope.LOCATION: self.units_per_location,
            Scope.TOTAL: self.units_in_total,
        }[scope]

    def reached(self, heap: Heap) -> bool:
        """Whether a sum has come to its limit."""
        return abs(heap.units) >= self.limit(heap.scope)


def heaps_of(differences: Iterable[Small]) -> list[Heap]:
    """The sums for every SKU, every location, and in all, with their signs: what was found makes up for what was lost.

    A unit that is missing in one place and found in another was put on the wrong shelf; it is still there.
    """
    sums: dict[tuple[Scope, str], list[int]] = {}
    for each in differences:
        for key in ((Scope.SKU, each.sku), (Scope.LOCATION, each.location), (Scope.TOTAL, "")):
            summed = sums.setdefault(key, [0, 0])
            summed[0] += each.counts
            summed[1] += each.units
    return [Heap(scope, subject, *summed) for (scope, subject), summed in sums.items()]


def above(heaps: Sequence[Heap], before: Collection[tuple[Scope, str]], rules: WatchRules) -> list[Heap]:
    """Those that have reached their limit, the widest scope first, then the largest.

    One that had reached it (`before`) stays until it is below half of it, so that a sum at its limit is told of once.
    """
    widest_first = list(reversed(Scope))
    found = [
        heap
        for heap in heaps
        if abs(heap.units) * (2 if (heap.scope, heap.subject) in before else 1) >= rules.limit(heap.scope)
    ]
    return sorted(found, key=lambda heap: (widest_first.index(heap.scope), -abs(heap.units), heap.subject))


def to_tell(found: Sequence[Heap], told: Mapping[tuple[Scope, str], int], rules: WatchRules) -> list[Heap]:
    """Those that people do not know of: new ones, and those that came to another whole limit since they were told.

    `told`: the sums they know of, by scope and subject; 0 where they know of none.
    """
    return [
        heap
        for heap in found
        if not (known := told.get((heap.scope, heap.subject), 0))
        or abs(heap.units - known) >= rules.limit(heap.scope)
    ]
