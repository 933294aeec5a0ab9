"""What a level may still sell: each thing that can happen to it, by hand."""

import pytest

from onhand.domain import holdings
from onhand.domain.demand import Reach, Speed
from onhand.domain.holdings import Holding, Writing, may_sell

REACH = Reach(hearing=1.5, call=0.5)
STILL = Speed(0.0, 0.0, REACH, 2.0)
"""Nothing is sold."""
RUSH = Speed(1_000.0, 1e9, REACH, 0.0)
"""So much that nothing bounds what is unheard but what was there."""


def test_a_sale_lowers_the_book() -> None:
    """Goal: what is heard is off the level that sold it."""
    assert holdings.with_sale(Holding(10), 1, 5.0) == Holding(9)


def test_an_answer_that_falls_short_tells_of_a_sale_and_the_order_replaces_it() -> None:
    """Goal: 10 less 4, answered with 4: two were sold unheard, and are off the pool before and after."""
    sent = holdings.told(Holding(10), 6, Writing.RELATIVE, REACH, 1.0)
    answered = holdings.changed(sent, 4)

    assert answered == Holding(4, provisional=2)
    assert holdings.with_sale(answered, 1, 0.5) == Holding(4, provisional=1)
    assert holdings.with_sale(answered, 3, 0.5) == Holding(3)


@pytest.mark.parametrize(("echo", "book", "provisional"), [(6, 5, 0), (5, 5, 0), (4, 4, 1)])
def test_what_is_heard_during_a_call_is_told_apart_from_what_is_not(
    echo: int, book: int, provisional: int
) -> None:
    """Goal: one sale heard meanwhile is in the answer or not; more than that is news."""
    sent = holdings.with_sale(holdings.told(Holding(10), 6, Writing.RELATIVE, REACH, 1.0), 1, 1.1)

    assert holdings.changed(sent, echo) == Holding(book, provisional=provisional)


def test_more_on_show_than_told_is_what_counts() -> None:
    """Goal: pieces put back by somebody are believed."""
    assert holdings.changed(holdings.told(Holding(10), 6, Writing.RELATIVE, REACH, 1.0), 8) == Holding(8)


def test_a_raise_counts_from_the_moment_it_is_sent_and_a_fall_from_its_answer() -> None:
    """Goal: nobody may be given what a call under way may not have taken yet."""
    raised = holdings.told(Holding(10), 14, Writing.RELATIVE, REACH, 1.0)
    lowered = holdings.told(Holding(10), 6, Writing.RELATIVE, REACH, 1.0)

    assert (may_sell(raised, STILL, 1.0), may_sell(lowered, STILL, 1.0)) == (14, 10)
    assert may_sell(holdings.with_sale(raised, 1, 1.1), STILL, 1.2) == 13
    assert may_sell(holdings.changed(lowered, 6), STILL, 1.5) == 6


def test_a_blind_set_may_give_back_all_that_was_sold_before_it() -> None:
    """Goal: 10 on show, set to 6: up to 10 of before and 6 after may be sold; that passes when all is heard."""
    sent = holdings.told(Holding(10), 6, Writing.ABSOLUTE, REACH, 1.0)
    answered = holdings.was_set(sent, 1.5)

    assert may_sell(sent, RUSH, 1.0) == 16
    assert may_sell(sent, STILL, 1.0) == 10
    assert may_sell(answered, RUSH, 1.5) == 16
    assert may_sell(answered, RUSH, 2.9) == 16
    assert may_sell(answered, RUSH, 3.0) == 6


def test_a_sale_before_a_blind_set_does_not_lower_its_book() -> None:
    """Goal: it was given back; it only is one less to be heard of."""
    answered = holdings.was_set(holdings.told(Holding(10), 6, Writing.ABSOLUTE, REACH, 1.0), 1.5)
    before = holdings.with_sale(answered, 1, 1.4)
    after = holdings.with_sale(answered, 1, 1.5)

    assert (before.book, may_sell(before, RUSH, 1.6)) == (6, 15)
    assert (after.book, may_sell(after, RUSH, 1.6)) == (5, 15)


def test_an_empty_level_is_set_at_no_risk() -> None:
    """Goal: who had nothing has sold nothing that could be given back."""
    sent = holdings.told(Holding(0), 6, Writing.ABSOLUTE, REACH, 1.0)

    assert may_sell(sent, RUSH, 1.0) == 6
    assert may_sell(holdings.was_set(sent, 1.5), RUSH, 1.5) == 6


def test_a_lost_answer_leaves_the_worst_of_both() -> None:
    """Goal: the change took effect or not; a set may besides have given back what was sold before."""
    raised = holdings.told(Holding(10), 14, Writing.RELATIVE, REACH, 1.0)
    lowered = holdings.told(Holding(10), 6, Writing.RELATIVE, REACH, 1.0)
    blind = holdings.told(Holding(10), 6, Writing.ABSOLUTE, REACH, 1.0)

    assert holdings.lost(raised, 1.5) == Holding(14, known=False)
    assert holdings.lost(lowered, 1.5) == Holding(10, known=False)
    assert may_sell(holdings.lost(blind, 1.5), RUSH, 1.5) == 20
    assert holdings.lost(Holding(10), 1.5) == Holding(10)


def test_looking_never_adds_to_what_may_be_sold() -> None:
    """Goal: 3 on show where up to 10 were expected: 7 were sold, or never there; when all is heard, 3 are left."""
    seen = holdings.looked_at(Holding(10, known=False), 3, REACH, 2.0)

    assert (seen.book, seen.known) == (3, True)
    assert may_sell(seen, RUSH, 2.0) == 10
    assert may_sell(seen, STILL, 2.0) == 3
    assert may_sell(seen, RUSH, 3.5) == 3


def test_what_was_provisional_before_a_level_was_fixed_is_replaced_by_sales_of_that_time_only() -> None:
    """Goal: two provisional of before and one of after; a later sale must not stand for an earlier one.

    The negative control is `earlier` left out: then the book falls by one more than the channel sold.
    """
    seen = holdings.looked_at(Holding(10, provisional=2), 8, REACH, 2.0)
    short = holdings.changed(holdings.told(seen, 6, Writing.RELATIVE, REACH, 2.1), 5)
    assert (short.book, short.provisional, short.earlier) == (5, 3, 2)

    early = holdings.with_sale(holdings.with_sale(short, 1, 1.0), 1, 1.9)
    assert (early.book, early.provisional, early.earlier) == (5, 1, 0)
    assert holdings.with_sale(early, 1, 2.05).book == 5
    assert holdings.with_sale(Holding(5, provisional=3, fixed_at=2.0), 1, 1.9).provisional == 3


def test_refusals_and_compares_that_do_not_hold() -> None:
    """Goal: a refusal changes nothing; a compare that did not hold makes the level unknown."""
    sent = holdings.told(Holding(10), 6, Writing.COMPARE, REACH, 1.0)

    assert holdings.refused(sent) == Holding(10)
    assert holdings.moved(sent) == Holding(10, known=False)


def test_a_sweep_drops_what_it_proved() -> None:
    """Goal: no order of before is unheard any more, and what an answer told of before that was no sale."""
    fixed = Holding(5, provisional=2, earlier=1, fixed_at=2.0, unheard=4)

    assert holdings.swept(fixed, 3.0, proven=True) == Holding(5, fixed_at=2.0)
    assert holdings.swept(fixed, 1.0, proven=False) == fixed
