"""Feeding a history into a ledger, in its order, many events at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from onhand.domain.counts import Count
from onhand.domain.orders import OrderSnapshot
from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool
from onhand.ledger.posting import Posted, Verdict
from onhand.ledger.stated import post_stated
from onhand.validation.files import Read
from onhand.validation.lines import Fact

AT_ONCE = 1_500
"""Statements of one step. An order becomes up to three events, and a transaction takes 5,000."""

Shelf = tuple[str, str]
"""A SKU at a location."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be taken, and why."""

    row: int
    message: str


@dataclass(slots=True)
class Fed:
    """What became of a history: how many statements, by verdict, and every one that was refused."""

    statements: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """Names the ledger has already been told."""

    skus: set[str] = field(default_factory=set)
    locations: set[str] = field(default_factory=set)


async def feed(
    pool: Pool, history: Iterable[Read], progress: Callable[[int], None] = lambda done: None
) -> Fed:
    """Post all of a history; SKUs and locations are made as they are named. `progress` hears how many were read."""
    fed, known = Fed(), _Known()
    reading = iter(history)
    while step := list(islice(reading, AT_ONCE)):
        fed.refusals += [Refusal(each.row, each.refused) for each in step if each.stated is None]
        taken = [(each.row, each.stated) for each in step if each.stated is not None]
        await _make_known(pool, known, [stated for _, stated in taken])
        for together in rounds(taken):
            await _post(pool, together, fed)
        fed.statements += len(step)
        progress(fed.statements)
    return fed


def shelves_of(stated: Fact) -> set[Shelf]:
    """What a statement is about."""
    if isinstance(stated, Count):
        return {(stated.sku, stated.location)}
    parts = stated.lines if isinstance(stated, OrderSnapshot) else stated.entries
    return {(part.sku, part.location) for part in parts}


def rounds(taken: Sequence[tuple[int, Fact]]) -> Iterator[list[tuple[int, Fact]]]:
    """Statements in groups that can be posted at once: movements before counts, and no count beside what follows it.

    A count is compared with what the ledger has, so that on its shelf the order of the file has to be kept; everything
    else only adds up.
    """
    found: list[list[tuple[int, Fact]]] = []
    counted: dict[Shelf, int] = {}
    moved: dict[Shelf, int] = {}
    for row, stated in taken:
        shelves = shelves_of(stated)
        at = max((counted.get(shelf, -1) + 1 for shelf in shelves), default=0)
        if isinstance(stated, Count):
            at = max(at, *(moved.get(shelf, 0) for shelf in shelves))
            counted.update(dict.fromkeys(shelves, at))
        else:
            moved.update({shelf: max(at, moved.get(shelf, 0)) for shelf in shelves})
        found += [[] for _ in range(at + 1 - len(found))]
        found[at].append((row, stated))
    for together in found:
        for counts in (False, True):
            yield [each for each in together if isinstance(each[1], Count) is counts]


async def _make_known(pool: Pool, known: _Known, taken: Sequence[Fact]) -> None:
    shelves = {shelf for stated in taken for shelf in shelves_of(stated)}
    skus = {sku for sku, _ in shelves} - known.skus
    locations = {location for _, location in shelves} - known.locations
    if skus:
        await catalogue.save_skus(pool, [CatalogueSku(code) for code in sorted(skus)])
    if locations:
        await catalogue.save_places(pool, {code: code for code in sorted(locations)}, {})
    known.skus |= skus
    known.locations |= locations


async def _post(pool: Pool, together: Sequence[tuple[int, Fact]], fed: Fed) -> None:
    by_source: dict[str, list[tuple[int, Fact]]] = {}
    for row, stated in together:
        by_source.setdefault(_source_of(stated), []).append((row, stated))
    for stated_by_one in by_source.values():
        posted = await post_stated(pool, [stated for _, stated in stated_by_one])
        for (row, _), answer in zip(stated_by_one, posted.answers, strict=True):
            _note(fed, row, answer)


def _note(fed: Fed, row: int, answer: Posted) -> None:
    fed.verdicts[answer.verdict] += 1
    if answer.verdict in (Verdict.CONFLICT, Verdict.UNKNOWN, Verdict.KIT):
        fed.refusals.append(Refusal(row, answer.message))


def _source_of(stated: Fact) -> str:
    return stated.channel if isinstance(stated, OrderSnapshot) else stated.source
