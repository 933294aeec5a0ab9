"""One level and everything that can happen to it, by hand (tests/ledger/test_holdings.py: the ledger does the same)."""

from dataclasses import replace

import pytest

from onhand.domain import holdings
from onhand.domain.beliefs import Belief
from onhand.domain.holdings import Booked, Holding, may_sell, may_show

SHOWS_TEN = Holding(10)


def told(holding: Holding, level: int, *, blind: bool = False, undoes: int = 0) -> Holding:
    """A call that tells it so much is on its way."""
    return holdings.claimed(holding, level, blind=blind, undoes=undoes)


def changed(holding: Holding, before: int, level: int, echo: int, now: float = 2.0) -> Booked:
    """An exact change was answered: the level after it was `echo`."""
    belief = Belief[float](before)
    belief.written(level, echo, now - 1.5, blind=False)
    return holdings.booked(holding, belief, now)


def was_set(holding: Holding, level: int, now: float = 2.0, asked: float = 0.5) -> Holding:
    """A blind set was answered."""
    belief = Belief[float](holding.bound)
    belief.written(level, level, asked, blind=True)
    return holdings.booked(holding, belief, now).holding


def looked_at(holding: Holding, before: int | None, shows: int, now: float, asked: float) -> Booked:
    """It was looked at; `before` is what was believed."""
    belief = Belief[float](before)
    belief.read(shows, asked)
    return holdings.booked(holdings.claimed(holding, None), belief, now)


def test_a_sale_lowers_the_book() -> None:
    """Goal: what is heard is off the level that sold it."""
    assert holdings.with_sale(SHOWS_TEN, 1, 5.0, 6.0) == Holding(9, heard_at=6.0)


def test_an_answer_that_falls_short_tells_of_a_sale_and_the_order_replaces_it() -> None:
    """Goal: 10 less 4, answered with 4: two were sold unheard, and are off the pool before and after."""
    answered = changed(told(SHOWS_TEN, 6), 10, 6, 4)

    assert answered.taught
    assert (answered.holding.book, answered.holding.provisional) == (4, 2)
    one = holdings.with_sale(answered.holding, 1, 0.5, 3.0)
    three = holdings.with_sale(answered.holding, 3, 0.5, 3.0)
    assert (one.book, one.provisional) == (4, 1)
    assert (three.book, three.provisional) == (3, 0)


@pytest.mark.parametrize(("echo", "book", "provisional"), [(6, 5, 0), (5, 5, 0), (4, 4, 1)])
def test_what_is_heard_during_a_call_is_told_apart_from_what_is_not(
    echo: int, book: int, provisional: int
) -> None:
    """Goal: one sale heard meanwhile is in the answer or not; more than that is news."""
    sent = holdings.with_sale(told(SHOWS_TEN, 6), 1, 1.1, 1.2)
    after = changed(sent, 10, 6, echo).holding

    assert (after.book, after.provisional) == (book, provisional)


def test_a_raise_counts_from_the_moment_it_is_sent_and_a_fall_from_its_answer() -> None:
    """Goal: nobody may be given what a call under way may not have taken yet."""
    raised, lowered = told(SHOWS_TEN, 14), told(SHOWS_TEN, 6)

    assert (may_sell(raised, 1.0), may_sell(lowered, 1.0)) == (14, 10)
    assert may_sell(holdings.with_sale(raised, 1, 1.1, 1.2), 1.2) == 13
    answered = changed(lowered, 10, 6, 6)
    assert (may_sell(answered.holding, 2.0), answered.freed, answered.taught) == (6, True, False)


def test_a_set_counts_what_it_may_undo_until_that_is_heard_of_or_would_be() -> None:
    """Goal: 10 on show, set to 6, room left for 3 unheard: 9 from sending to two seconds after the answer."""
    sent = told(SHOWS_TEN, 6, blind=True, undoes=3)
    after = was_set(sent, 6)

    assert (may_show(sent), may_sell(sent, 1.0), may_sell(after, 2.0), may_sell(after, 4.0)) == (10, 10, 9, 6)
    heard = holdings.with_sale(after, 2, 0.4, 2.5)
    assert (heard.book, heard.undone, may_sell(heard, 2.5)) == (6, 1, 7)
    assert may_sell(told(Holding(2), 6, blind=True, undoes=3), 1.0) == 9


def test_a_lost_answer_leaves_the_higher_of_what_it_showed_and_what_it_was_told() -> None:
    """Goal: the change took effect or not; it is believed by nobody, and the next claim starts from there."""
    for level, most in ((14, 14), (6, 10)):
        lost = holdings.booked(told(SHOWS_TEN, level), Belief(10), 2.0, in_flight=True).holding
        assert (lost.book, lost.bound, may_sell(lost, 2.0)) == (None, most, most)
        assert may_sell(told(lost, 0), 2.0) == most


def test_looking_never_adds_to_what_may_be_sold() -> None:
    """Goal: 3 on show where up to 10 were: 7 were sold, or never there; once all orders were swept, 3 are left."""
    seen = looked_at(Holding(None, bound=10), None, 3, 2.0, 0.5).holding

    assert (seen.book, seen.unheard, may_sell(seen, 2.0)) == (3, 7, 10)
    heard = holdings.with_sale(seen, 2, 0.4, 2.5)
    assert (heard.book, may_sell(heard, 2.5)) == (3, 8)
    assert may_sell(holdings.swept(heard, 3.0, disproved=False), 3.0) == 3
    assert holdings.swept(heard, 2.0, disproved=False) == heard


def test_of_a_sale_made_during_a_look_nobody_can_tell_whether_it_is_in_it() -> None:
    """Goal: asked at 1, answered at 3: a sale of 2 may be in the 3 on show or not; then nothing is believed."""
    seen = looked_at(Holding(None, bound=10), None, 3, 3.0, 1.0).holding

    assert holdings.with_sale(seen, 1, 0.9, 4.0).book == 3
    assert holdings.with_sale(seen, 1, 3.0, 4.0).book == 2
    in_doubt = holdings.with_sale(seen, 1, 2.0, 4.0)
    assert (in_doubt.book, in_doubt.bound, may_sell(in_doubt, 4.0)) == (None, 3, 9)


def test_a_sale_heard_during_a_look_leaves_it_to_be_looked_at_again() -> None:
    """Goal: what it shows was asked for at 1; a sale of 1.5 was heard of before the answer."""
    belief = Belief[float](None)
    belief.read(3, 1.0)
    heard = holdings.with_sale(holdings.claimed(Holding(None, bound=10), None), 1, 1.5, 2.0)
    booked = holdings.booked(heard, belief, 3.0)

    assert booked.in_doubt
    assert (booked.holding.book, booked.holding.bound) == (None, 3)


SET = was_set(told(SHOWS_TEN, 6, blind=True), 6, now=2.5, asked=0.5)
"""Sent at 1.5, which orders tell as 1, answered at 2.5."""


@pytest.mark.parametrize(("moment", "book", "doubtful"), [(0, 6, 0), (1, 6, 2), (2, 6, 2), (3, 4, 0)])
def test_a_sale_of_the_time_of_a_set_is_doubtful(moment: int, book: int, doubtful: int) -> None:
    """Goal: undone by it or made after it, it lowers no book; before and after that nothing is in doubt."""
    heard = holdings.with_sale(SET, 2, moment, 4.0)
    assert (heard.book, heard.doubtful) == (book, doubtful)


@pytest.mark.parametrize(
    ("shows", "heard_at", "provisional"), [(4, 4.0, 0), (5, 4.0, 0), (3, 4.0, 1), (4, 4.1, 2), (6, 4.0, 0)]
)
def test_what_is_missing_after_a_silence_are_doubtful_sales(
    shows: int, heard_at: float, provisional: int
) -> None:
    """Goal: 6 believed, two in doubt, asked two seconds after the last was heard of: only what they do not explain is
    news. A moment sooner all of it is.
    """
    heard = holdings.with_sale(SET, 2, 2, heard_at)
    seen = looked_at(heard, 6, shows, 7.0, 5.0).holding

    assert (seen.book, seen.provisional, seen.doubtful) == (shows, provisional, 0)


def test_what_was_provisional_before_a_level_was_fixed_is_replaced_by_sales_of_that_time_only() -> None:
    """Goal: two provisional of before and one of after; a later sale must not stand for an earlier one.

    The negative control is `earlier` left out: then the book falls by one more than the channel sold.
    """
    fixed = replace(Holding(8), provisional=2, earlier=2, fixed_at=2.0)
    short = changed(told(fixed, 6), 8, 6, 5, now=3.0).holding
    assert (short.book, short.provisional, short.earlier) == (5, 3, 2)

    early = holdings.with_sale(holdings.with_sale(short, 1, 1.0, 3.0), 1, 1.9, 3.0)
    assert (early.book, early.provisional, early.earlier) == (5, 1, 0)
    assert holdings.with_sale(early, 1, 2.05, 3.0).book == 5
    assert holdings.with_sale(replace(short, earlier=0), 1, 1.9, 3.0).provisional == 3


def test_a_sweep_drops_what_it_proved() -> None:
    """Goal: no order of before is unheard any more, and what an answer told of long before was no sale."""
    fixed = Holding(5, provisional=2, earlier=1, fixed_at=2.0, unheard=4, undone=3)

    assert holdings.swept(fixed, 3.0, disproved=True) == Holding(5, fixed_at=2.0)
    assert holdings.swept(fixed, 2.0, disproved=False) == fixed
