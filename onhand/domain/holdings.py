"""What one level may still sell, whatever happened that nobody told us of: the book that escrow is kept by. Pure.

A level's book (design of `book`, `fixed_at` and `provisional_demand` in the ledger) is what it shows as far as its
sales were heard of. That is enough for a level that is only changed exactly once, because its unheard sales are still
in the book. A blind set throws them out: whoever was sold something before it took effect is still to be heard of, and
what was set is there to be sold as well. So a holding also bounds what is unheard from before its last blind set or
first look.

    may sell = what is shown at most + what was sold before we fixed it, and is not heard of yet

Each function answers the holding after one thing that happened. They mirror the ledger's functions `take_sales_v2`
(a sale is heard of) and `book_levels_v3` (a call is answered); counts are units of the SKU.
Of a sale made while a level of unknown fate is looked at the ledger knows that it knows nothing, and has it looked at
again; here it stays in the book, which may then be too high.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from onhand.domain.demand import Reach, Speed


class Writing(StrEnum):
    """How a level can be changed while it sells, best first."""

    RELATIVE = "relative"
    """By a difference, exactly once; the answer tells the level after."""
    COMPARE = "compare"
    """To a level, only if it shows what we believe."""
    ABSOLUTE = "absolute"
    """To a level, whatever it shows: what was sold in the meantime is given back."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is known of one level.

    `book`: what it shows, as far as its sales were heard of; below zero where more was taken off than was there.
    `provisional`: units an answer proved to be sold that no order told of yet; they are off the pool already.
    `earlier`: those of them that were sold before the level was fixed.
    `known`: False after an answer was lost; `book` is then the most it may be.
    `fixed_at`: when a blind set was answered, or a level of unknown fate was looked at: sales before that moment do not
    lower the book. `unheard`: at most so many of them are not heard of.
    `told`: the level that a call under way sets, None without one; `blind`: whether that call is a blind set; `heard`:
    units sold there that were heard of since it was sent.
    """

    book: int
    provisional: int = 0
    earlier: int = 0
    known: bool = True
    fixed_at: float | None = None
    unheard: int = 0
    told: int | None = None
    blind: bool = False
    heard: int = 0


def with_sale(holding: Holding, units: int, placed_at: float) -> Holding:
    """A sale of so many units was heard of. What an answer had told of already is replaced, not added to."""
    h = holding
    if h.fixed_at is not None and placed_at < h.fixed_at:
        replaced = min(h.earlier, units)
        unheard = max(0, h.unheard - units + replaced)
        return Holding(
            h.book, h.provisional - replaced, h.earlier - replaced, h.known, h.fixed_at, unheard,
            h.told, h.blind, h.heard,
        )  # fmt: skip
    news = units - min(h.provisional - h.earlier, units)
    provisional = h.provisional - units + news
    heard = 0 if h.told is None else h.heard + news
    return Holding(
        h.book - news, provisional, h.earlier, h.known, h.fixed_at, h.unheard,
        h.told, h.blind, heard,
    )  # fmt: skip


def told(holding: Holding, level: int, writing: Writing, reach: Reach, now: float) -> Holding:
    """A call to change the level was sent; until it is answered nobody knows whether it took effect."""
    assert holding.told is None, "one call at a time"
    blind = writing is Writing.ABSOLUTE
    assert holding.known or blind, "a level of unknown fate is looked at before it is changed"
    unheard = unheard_still(holding, reach, now)
    return replace(holding, unheard=unheard, told=level, blind=blind, heard=0)


def changed(holding: Holding, echo: int) -> Holding:
    """A relative change, or a compare that held, was answered: the level after it was `echo`.

    Units it fell short by that were not heard of are provisional demand.
    """
    assert holding.told is not None, "an answer has its call"
    short = holding.told - echo
    if short < 0:  # pieces were put back there: what it shows counts
        return replace(holding, book=echo, known=True, told=None, heard=0)
    book = echo - max(holding.heard - short, 0)
    provisional = holding.provisional + max(short - holding.heard, 0)
    return replace(holding, book=book, provisional=provisional, known=True, told=None, heard=0)


def was_set(holding: Holding, now: float) -> Holding:
    """A blind set was answered. What it may have sold before is still to be heard of."""
    assert holding.told is not None, "an answer has its call"
    return _fixed(holding, holding.told, now, max(0, holding.book) + holding.unheard)


def refused(holding: Holding) -> Holding:
    """A call did nothing, and said so; what it shows is as well known as before."""
    return replace(holding, told=None, blind=False, heard=0)


def moved(holding: Holding) -> Holding:
    """A compare did not hold: it shows something else than we believe."""
    return replace(holding, known=False, told=None, heard=0)


def lost(holding: Holding, over_by: float) -> Holding:
    """The answer of a call never came; if it took effect, then before the moment `over_by`."""
    level = holding.told
    if level is None:
        return holding
    if holding.blind:
        before = max(0, holding.book) + holding.unheard
        return replace(_fixed(holding, max(before, level), over_by, before), known=False)
    return replace(holding, book=max(holding.book, level - holding.heard), known=False, told=None, heard=0)


def looked_at(holding: Holding, level: int, reach: Reach, now: float) -> Holding:
    """The level was read. What it shows less than it might is sold, or was never there; nobody can tell which."""
    before = max(0, holding.book) + unheard_still(holding, reach, now)
    return _fixed(holding, level, now, max(0, before - max(0, level)))


def _fixed(holding: Holding, level: int, at: float, unheard: int) -> Holding:
    """From now on sales before `at` do not lower the book; at most so many of them, beyond what is provisional, are not
    heard of.
    """
    provisional = holding.provisional
    return Holding(level, provisional, provisional, True, at, unheard)


def swept(holding: Holding, began_at: float, *, proven: bool) -> Holding:
    """Every order placed before `began_at` was heard of. `proven`: what is provisional was known before that, and so is
    no sale.
    """
    fixed_before = holding.fixed_at is not None and holding.fixed_at <= began_at
    return replace(
        holding,
        provisional=0 if proven else holding.provisional,
        earlier=0 if proven else holding.earlier,
        unheard=0 if fixed_before else holding.unheard,
    )


def unheard_still(holding: Holding, reach: Reach, now: float) -> int:
    """Units sold before the level was fixed that may still be heard of: none when even the slowest would be by now."""
    if holding.fixed_at is None or now - holding.fixed_at >= reach.hearing:
        return 0
    return holding.unheard


def unheard_now(holding: Holding, speed: Speed, now: float) -> int:
    """The same by how fast it sells, beyond what is provisional already."""
    still = unheard_still(holding, speed.reach, now)
    if not still or holding.fixed_at is None:
        return 0
    seconds = min(0.0, holding.fixed_at - now) + speed.reach.hearing
    return min(still, max(0, speed.within(seconds) - holding.earlier))


def unheard_ahead(holding: Holding, speed: Speed, now: float) -> int:
    """Units that a blind set sent now may give back: sold before it takes effect, and not heard of before."""
    most = max(0, holding.book) + unheard_still(holding, speed.reach, now)
    return min(most, max(0, speed.within(speed.reach.window) - holding.provisional)) if most else 0


def may_sell(holding: Holding, speed: Speed, now: float) -> int:
    """The most units of this level that can still be sold or heard of, apart from what is provisional."""
    late = unheard_now(holding, speed, now)
    most = max(0, holding.book) + late
    if holding.told is None:
        return most
    if holding.blind:
        return max(most, holding.told + unheard_ahead(holding, speed, now))
    return max(most, holding.told - holding.heard + late)
