"""What one errand believes of a level, step by step; and the breaker of a channel."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from onhand.channels.base import ItemRef, LevelKey
from onhand.channels.errors import (
    ChannelDown,
    ChannelError,
    CredentialsBad,
    NewKeyRetry,
    RowRejected,
    SameKeyRetry,
)
from onhand.ledger.levels import LevelLearnt
from onhand.publish.breaker import Breaker
from onhand.publish.work import Belief, Work

KEY = LevelKey(ItemRef(1, "A", "web-A"), "")
ASKED = datetime(2026, 11, 27, 12, 0, 5, tzinfo=UTC)
SECOND_BEFORE = datetime(2026, 11, 27, 12, 0, 4, tzinfo=UTC)
"""Platforms cut moments off to whole seconds."""
Step = tuple[str, int | None] | tuple[str, int, int | None]


def believed(expected: int | None, steps: Sequence[Step]) -> Belief:
    """A belief after reads ("read", shown), and writes ("write" or "blind", quantity, echo)."""
    belief = Belief(expected)
    for step in steps:
        if step[0] == "read":
            belief.read(step[1], ASKED)
        else:
            assert step[1] is not None
            assert len(step) == 3
            belief.written(step[1], step[2], ASKED, blind=step[0] == "blind")
    return belief


@pytest.mark.parametrize(
    ("expected", "steps", "after"),
    [
        (100, [], Belief(100)),
        (100, [("read", 100)], Belief(100, seen=100)),
        (100, [("read", 97)], Belief(97, seen=97, shortfall=3)),
        (100, [("read", 103)], Belief(103, seen=103, shortfall=None, surplus=3)),
        (100, [("read", None)], Belief(None, seen=None, shortfall=None)),
        (None, [("read", 97)], Belief(97, seen=97, shortfall=None)),
        (100, [("write", 96, 96)], Belief(96, seen=96)),
        (100, [("write", 96, 93)], Belief(96, seen=93, shortfall=3)),
        (100, [("write", 96, 98)], Belief(96, seen=98, shortfall=None, surplus=2)),
        (100, [("write", 96, None)], Belief(96)),
        (100, [("blind", 96, 96)], Belief(96, seen=96, blind=True)),
        (100, [("blind", 96, None)], Belief(96, blind=True)),
        (100, [("read", 97), ("read", 95)], Belief(95, seen=95, shortfall=5)),
        (100, [("read", 97), ("write", 93, 92)], Belief(93, seen=92, shortfall=4)),
        (100, [("read", 103), ("write", 93, 92)], Belief(93, seen=92, shortfall=None, surplus=3)),
        (100, [("read", 97), ("blind", 93, 93)], Belief(93, seen=93, shortfall=3, blind=True)),
    ],
)
def test_what_statements_of_a_channel_teach(
    expected: int | None, steps: Sequence[Step], after: Belief
) -> None:
    """Goal: statements below what was expected add up; one above it leaves open how much was sold."""
    assert believed(expected, steps) == after


def test_a_problem_lasts_until_a_write_is_accepted() -> None:
    belief = Belief(5)
    belief.read(None, ASKED, problem="not tracked")
    assert belief.problem == "not tracked"
    belief.written(4, 4, ASKED, blind=False)
    assert belief.problem == ""


def test_a_level_in_flight_is_learnt_as_unknown_with_what_was_read_before() -> None:
    """Goal: the fate of the call is open, and what a read before it told of is not."""
    belief = believed(100, [("read", 97)])
    work = Work({}, {(1, ""): belief, (2, ""): Belief(5, seen=5)}, {}, set(), in_flight={(1, "")})
    assert work.learnt({"": "leeds"}) == [
        LevelLearnt(1, "", expected=None, seen=None, shortfall=3, location="leeds", asked=SECOND_BEFORE),
        LevelLearnt(2, "", expected=5, seen=5, shortfall=0, location="leeds"),
    ]
    assert [learnt.location for learnt in work.learnt({})] == ["", ""]


def error(kind: type[ChannelError] = SameKeyRetry, after: float | None = None) -> ChannelError:
    return kind("web", "setting 1 level", "no", retry_after_seconds=after)


def test_the_breaker_opens_after_three_failures_and_waits_ever_longer() -> None:
    breaker = Breaker()
    waits, opened = [], []
    for _ in range(10):
        waits.append(breaker.failed(error()))
        opened.append(breaker.is_open)
    assert waits == [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0, 60.0]
    assert opened == [False, False] + [True] * 8
    assert breaker.trouble == "web: setting 1 level failed: no."


@pytest.mark.parametrize(
    ("failure", "wait", "opens"),
    [
        (error(SameKeyRetry), 0.2, False),
        (error(NewKeyRetry), 0.2, False),
        (error(RowRejected), 0.2, False),
        (error(SameKeyRetry, after=7.0), 7.0, False),
        (error(SameKeyRetry, after=0.1), 0.2, False),
        (error(ChannelDown), 0.2, True),
        (error(ChannelDown, after=30.0), 30.0, True),
        (error(CredentialsBad), 60.0, True),
    ],
)
def test_how_long_the_first_failure_keeps_away(failure: ChannelError, wait: float, opens: bool) -> None:
    breaker = Breaker()
    assert (breaker.failed(failure), breaker.is_open) == (wait, opens)


def test_one_success_closes_it_and_says_so_once() -> None:
    breaker = Breaker()
    breaker.failed(error(ChannelDown))
    assert [breaker.succeeded(), breaker.succeeded()] == [True, False]
    assert (breaker.is_open, breaker.failures, breaker.trouble) == (False, 0, "")
    assert breaker.failed(error()) == 0.2, "it counts from the beginning"


def test_failures_that_are_not_in_a_row_do_not_open_it() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(error())
        breaker.failed(error())
        assert not breaker.succeeded()
    assert not breaker.is_open
