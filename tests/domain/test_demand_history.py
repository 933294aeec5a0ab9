"""Demand by week: stock-outs are no lack of demand, and one bulk order is not the next week's."""

import pytest

from onhand.domain.demand_history import History, OrderedDay, ShelfDay, weekly

FULL = (ShelfDay(100, 50, 50),)
"""There was always something."""


def days(*units: int) -> tuple[OrderedDay, ...]:
    """So many units on each of the last days, today's first, in orders of at most one unit."""
    return tuple(OrderedDay(age, n, 1, 1) for age, n in enumerate(units) if n)


def test_weeks_are_added_up_oldest_first() -> None:
    history = History(22, days(1, 1, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 2), FULL)
    assert weekly(history, 52) == [2, 4, 3]
    assert weekly(history, 2) == [4, 3]


def test_only_whole_weeks_count() -> None:
    """Goal: a SKU that came ten days ago has one week; of a shorter past nothing is said."""
    assert weekly(History(10, days(*[1] * 10), FULL), 52) == [7]
    assert weekly(History(6, days(*[1] * 6), FULL), 52) == []


def test_days_without_stock_are_left_out() -> None:
    """Goal: two days of a week had none, on the five others ten were sold: fourteen were asked for."""
    shelf = (ShelfDay(100, 50, 50), ShelfDay(5, 0, 0), ShelfDay(3, 40, 40))
    history = History(14, days(2, 2, 2, 4, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1), shelf)
    assert weekly(history, 52) == [7, pytest.approx(10 * 7 / 6)]
    longer = History(14, days(2, 2, 2, 4), (ShelfDay(100, 50, 50), ShelfDay(6, 0, 0), ShelfDay(3, 40, 40)))
    assert weekly(longer, 52) == [0, pytest.approx(10 * 7 / 5)]


def test_a_day_on_which_it_ran_out_counts() -> None:
    """Goal: something was there in the morning, so the day's sales are demand; so is what was sold without stock."""
    shelf = (ShelfDay(100, 5, 50), ShelfDay(3, 0, 5))
    assert weekly(History(7, days(0, 0, 0, 5), shelf), 52) == [pytest.approx(5 * 7 / 4)]
    assert weekly(History(7, days(1, 1, 1, 5), shelf), 52) == [8]


def test_a_week_that_was_nearly_all_empty_says_nothing() -> None:
    shelf = (ShelfDay(100, 0, 0), ShelfDay(8, 9, 9))
    assert weekly(History(21, days(*[1] * 7), shelf), 52) == [7]
    assert weekly(History(14, (), ()), 52) == []


def test_one_bulk_order_counts_like_the_next_largest() -> None:
    """Goal: 500 at once are not what is asked for in a week; without another order they are one unit."""
    ordered = (OrderedDay(0, 503, 500, 2), OrderedDay(8, 4, 3, 1))
    assert weekly(History(14, ordered, FULL), 52) == [4, 6]
    assert weekly(History(7, (OrderedDay(0, 500, 500),), FULL), 52) == [1]
