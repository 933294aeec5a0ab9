"""The supply side of the merchant's year, which the file does not tell: generated, as shops have it, seeded.

Every four weeks each supplier gets an order for about what was sold of its codes in such a time. Four lines in five
come as ordered, the others in two parts, short, or with more than was ordered. Some of it goes on to a second location,
where now and then part of it is still missing in the end; some of what was shipped comes back, waits to be looked at,
and is sold again, damaged or lost.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from onhand.domain.states import State

SEED = 20_101_201
PERIODS = 13
"""Of four weeks each: a year."""
CODES_OF_SUPPLIER = 100
"""Codes that come from one supplier, about."""
TRANSFERRED_SHARE = 0.1
"""Codes of which some are sent to the second location in a period."""
RETURNED_SHARE = 0.15
"""Codes of which some come back in a period."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A purchase order is placed."""

    order: str
    supplier: str
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Came:
    """Part of it comes, or all, or more; `last`: what has not come by then is given up."""

    order: str
    number: int
    lines: tuple[tuple[str, int], ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Went:
    """Units of a code go from one state to another. What is in transit is at the second location, where it arrives."""

    number: int
    code: str
    units: int
    origin: State
    target: State


Act = Ordered | Came | Went


def supply(sold: Mapping[str, int], shipped: Mapping[str, int]) -> list[tuple[float, Act]]:
    """Everything that happens, each with its moment: 0 is the first order of the file, 1 the last; in that order."""
    chance = Random(SEED)
    acts: list[tuple[float, Act]] = []
    numbers = iter(range(1, 10_000_000))
    suppliers = suppliers_of(sold)
    for period in range(PERIODS):
        for supplier, codes in suppliers.items():
            acts += _ordered(chance, period, supplier, codes, sold)
        for code in sorted(sold):
            if chance.random() < TRANSFERRED_SHARE:
                acts += _transferred(chance, period, code, sold[code], numbers)
            if shipped.get(code, 0) and chance.random() < RETURNED_SHARE:
                acts += _returned(chance, period, code, shipped[code], numbers)
    return sorted(acts, key=lambda each: each[0])


def suppliers_of(sold: Mapping[str, int]) -> dict[str, list[str]]:
    """Suppliers by name, each with its codes."""
    count = max(1, len(sold) // CODES_OF_SUPPLIER)
    found: dict[str, list[str]] = {f"supplier-{n}": [] for n in range(count)}
    for code in sorted(sold):
        found[f"supplier-{zlib.crc32(code.encode()) % count}"].append(code)
    return found


def _ordered(
    chance: Random, period: int, supplier: str, codes: Sequence[str], sold: Mapping[str, int]
) -> Iterator[tuple[float, Act]]:
    order = f"{supplier}/{period}"
    wanted = [code for code in codes if chance.random() < 0.8]
    lines = tuple((code, max(1, round(sold[code] / PERIODS * chance.uniform(0.7, 1.3)))) for code in wanted)
    if not lines:
        return
    placed = _moment(chance, period)
    yield placed, Ordered(order, supplier, lines)
    first: list[tuple[str, int]] = []
    second: list[tuple[str, int]] = []
    for code, units in lines:
        fate = chance.random()
        if fate < 0.8 or units == 1:
            first.append((code, units))
        elif fate < 0.92:
            first.append((code, units // 2))
            second.append((code, units - units // 2))
        elif fate < 0.97:
            first.append((code, max(1, units * 9 // 10)))
        else:
            first.append((code, units + 1 + units // 20))
    came = placed + chance.uniform(0.005, 0.02)
    yield came, Came(order, 1, tuple(first), last=not second)
    if second:
        yield came + chance.uniform(0.005, 0.02), Came(order, 2, tuple(second), last=True)


def _transferred(
    chance: Random, period: int, code: str, sold: int, numbers: Iterator[int]
) -> Iterator[tuple[float, Act]]:
    units = max(1, round(sold / PERIODS / 5))
    sent = _moment(chance, period)
    yield sent, Went(next(numbers), code, units, State.AVAILABLE, State.IN_TRANSIT)
    arrived = units if chance.random() < 0.95 else units // 2
    if arrived:
        moment = sent + chance.uniform(0.002, 0.01)
        yield moment, Went(next(numbers), code, arrived, State.IN_TRANSIT, State.AVAILABLE)


def _returned(
    chance: Random, period: int, code: str, shipped: int, numbers: Iterator[int]
) -> Iterator[tuple[float, Act]]:
    units = max(1, round(shipped / PERIODS / 20))
    back = _moment(chance, period)
    yield back, Went(next(numbers), code, units, State.CUSTOMER, State.QUALITY_CONTROL)
    (fate,) = chance.choices((State.AVAILABLE, State.DAMAGED, State.SHRINKAGE), (0.7, 0.25, 0.05))
    yield back + chance.uniform(0.001, 0.01), Went(next(numbers), code, units, State.QUALITY_CONTROL, fate)


def _moment(chance: Random, period: int) -> float:
    """Some time within a period, early enough that what follows from it is within the year."""
    return (period + chance.random()) / PERIODS * 0.94


@dataclass(frozen=True, slots=True)
class Stock:
    """What the supply side alone comes to for one code, in units, in the end: here, and at the second location."""

    available: int
    incoming: int
    quality_control: int
    damaged: int
    customer: int
    available_there: int
    in_transit_there: int


def fold_supply(acts: Iterable[Act]) -> dict[str, Stock]:
    """Worked out from what was ordered, came and went; without a ledger, and without entries."""
    ordered: dict[tuple[str, str], int] = {}
    received: Counter[tuple[str, str]] = Counter()
    ended: set[str] = set()
    went: Counter[tuple[str, State, State]] = Counter()
    codes: set[str] = set()
    for act in acts:
        match act:
            case Ordered(order, _, lines):
                ordered |= {(order, code): units for code, units in lines}
                codes |= {code for code, _ in lines}
            case Came(order, _, lines, last):
                for code, units in lines:
                    received[order, code] += units
                ended |= {order} if last else set()
            case Went(_, code, units, origin, target):
                went[code, origin, target] += units
                codes.add(code)
    came: Counter[str] = Counter()
    open_: Counter[str] = Counter()
    for (order, code), units in ordered.items():
        came[code] += received[order, code]
        open_[code] += 0 if order in ended else max(0, units - received[order, code])
    return {code: _stock(code, came[code], open_[code], went) for code in codes}


def _stock(code: str, came: int, open_: int, went: Mapping[tuple[str, State, State], int]) -> Stock:
    def moved(origin: State, target: State) -> int:
        return went.get((code, origin, target), 0)

    sent, arrived = moved(State.AVAILABLE, State.IN_TRANSIT), moved(State.IN_TRANSIT, State.AVAILABLE)
    back = moved(State.CUSTOMER, State.QUALITY_CONTROL)
    sold_again, damaged, lost = (
        moved(State.QUALITY_CONTROL, fate) for fate in (State.AVAILABLE, State.DAMAGED, State.SHRINKAGE)
    )
    return Stock(
        available=came - sent + sold_again,
        incoming=open_,
        quality_control=back - sold_again - damaged - lost,
        damaged=damaged,
        customer=-back,
        available_there=arrived,
        in_transit_there=sent - arrived,
    )
