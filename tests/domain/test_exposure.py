"""The bound on what can be oversold: by speed where levels are pooled, nothing in shares."""

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.exposure import Exposed, oversell_bound

WINDOW = 2.0


def level(key: str, book: int, rate: float, *, blind: bool = False, held_back: int = 0) -> Exposed[str]:
    """A level that has sold at this rate for long."""
    return Exposed(key, book, rate, rate / 0.0693147, WINDOW, blind, held_back)


def test_by_speed_where_all_show_the_pool() -> None:
    """Goal: 4 and 9 a second, 2 seconds: a oversells what it sells itself in that time, b what a sells."""
    bound = oversell_bound(100, [level("a", 100, 4.0), level("b", 100, 9.0)], 0.0)

    assert bound.by_level == {"a": 8, "b": 8}
    assert bound.together == 16


def test_what_is_held_back_counts() -> None:
    """Goal: a buffer of 5 on b takes 5 off its part."""
    bound = oversell_bound(100, [level("a", 100, 4.0), level("b", 100, 9.0, held_back=5)], 0.0)

    assert bound.by_level == {"a": 8, "b": 3}


def test_a_blind_level_besides_gives_back_its_own() -> None:
    """Goal: a set on b gives back what b sold unheard, so all that it sells in the window can be too much."""
    levels = [level("a", 100, 4.0), level("b", 100, 9.0, blind=True)]

    assert oversell_bound(100, levels, 0.0).by_level == {"a": 8, "b": 18}


def test_by_what_is_shown_where_stock_is_low() -> None:
    """Goal: 3 shown in all, 2 left: one can be oversold, whatever the speed."""
    assert oversell_bound(2, [level("a", 2, 4.0), level("b", 1, 9.0)], 2.0).together == 1


def test_what_is_oversold_already_can_still_be_oversold_by_what_is_shown() -> None:
    """Goal: nothing is left, and less than that: three on show are three."""
    assert oversell_bound(-4, [level("a", 3, 4.0), level("b", 0, 9.0)], 2.0).together == 3


@given(
    books=st.lists(st.integers(0, 100), min_size=1, max_size=4), rate=st.floats(0, 50), more=st.integers(0, 9)
)
def test_in_shares_nothing_can_be_oversold(books: list[int], rate: float, more: int) -> None:
    """Goal: where levels together show no more than is left, the bound is 0."""
    levels = [level(str(n), book, rate) for n, book in enumerate(books)]

    assert oversell_bound(sum(books) + more, levels, 3.0).together == 0


def test_nobody_sells_nothing() -> None:
    """Goal: a SKU without levels."""
    assert oversell_bound(5, [], 3.0).together == 0
