"""Two authorities: when they contradict each other, the lower counts, until one says it again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.authority import Ruling, Statement, ruling

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=5)


def said(who: str, quantity: int, minutes_ago: float = 0.0) -> Statement:
    return Statement(who, quantity, NOON - timedelta(minutes=minutes_ago))


STATED = st.builds(said, st.sampled_from("abc"), st.integers(0, 9))
STATEMENTS = st.lists(
    st.builds(said, st.sampled_from("abc"), st.integers(0, 9), st.floats(0, 10)), max_size=6
)


@pytest.mark.parametrize(
    ("stated", "available", "before", "ruled"),
    [
        (said("a", 9), 5, [], Ruling(True)),
        (said("a", 9), 5, [said("b", 5, 6)], Ruling(True)),
        (said("a", 9), 9, [said("b", 9, 1)], Ruling(True)),
        (said("a", 9), 5, [said("a", 5, 1)], Ruling(True)),
        (said("a", 9), 5, [said("b", 5, 1)], Ruling(False, said("b", 5, 1))),
        (said("a", 3), 5, [said("b", 5, 1)], Ruling(True, said("b", 5, 1))),
        (said("a", 4), 3, [said("b", 5, 1)], Ruling(False, said("b", 5, 1))),
        (said("a", 9), 5, [said("a", 9, 2), said("b", 5, 1)], Ruling(True, said("b", 5, 1))),
        (said("a", 9), 5, [said("a", 9, 6), said("b", 5, 1)], Ruling(False, said("b", 5, 1))),
        (said("a", 9), 5, [said("b", 5, 2), said("c", 6, 1)], Ruling(False, said("c", 6, 1))),
        (said("a", 4), 4, [said("b", 5, 1)], Ruling(True)),
        (said("a", 9), 5, [said("a", 9), said("b", 5, 1)], Ruling(False, said("b", 5, 1))),
        (said("a", 3, 1), 5, [said("b", 5)], Ruling(False, said("b", 5))),
        (said("a", 5, 1), 5, [said("b", 4)], Ruling(False, said("b", 4))),
        (said("a", 3, 6), 5, [said("b", 5)], Ruling(True)),
    ],
    ids=[
        "alone",
        "long ago",
        "of one mind",
        "changed its mind",
        "the higher loses",
        "the lower wins",
        "two were sold since the rival spoke",
        "confirmed",
        "said before the window is no confirmation",
        "the newest rival",
        "it says what the ledger has",
        "the same word sent twice is no confirmation",
        "late, and the rival's word is newer",
        "late, and the ledger had that then",
        "late by more than the window",
    ],
)
def test_rulings(stated: Statement, available: int, before: list[Statement], ruled: Ruling) -> None:
    assert ruling(stated, available, before, WINDOW) == ruled


@given(
    stated=st.builds(said, st.sampled_from("abc"), st.integers(0, 9)),
    available=st.integers(-5, 9),
    before=STATEMENTS,
)
def test_a_contradicted_statement_never_raises_the_level_unconfirmed(
    stated: Statement, available: int, before: list[Statement]
) -> None:
    ruled = ruling(stated, available, before, WINDOW)
    same = [e for e in before if (e.authority, e.quantity) == (stated.authority, stated.quantity)]
    if ruled.rival is not None and not same:
        assert ruled.counts == (stated.quantity < available)
    if ruled.rival is not None and stated.quantity >= available:
        assert ruled.counts == any(e.at < stated.at and stated.at - e.at <= WINDOW for e in same)
    if ruled.rival is None:
        assert ruled.counts


@given(
    stated=st.builds(said, st.sampled_from("abc"), st.integers(0, 9)),
    available=st.integers(-5, 9),
    before=STATEMENTS,
)
def test_the_order_of_what_was_said_decides_nothing(
    stated: Statement, available: int, before: list[Statement]
) -> None:
    """Goal: only moments do; of two rivals at one moment the same is named every time."""
    distinct = list({(e.authority, e.at): e for e in before}.values())
    assert ruling(stated, available, distinct, WINDOW) == ruling(stated, available, distinct[::-1], WINDOW)
