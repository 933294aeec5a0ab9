"""Drift: each cause by its evidence, the order of the questions, and answers that grow with what is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.drift import (
    Action,
    Cause,
    Evidence,
    Judgement,
    LastPush,
    Response,
    answer,
    is_lost_write,
    judged,
    was_edited,
)

AT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
PUSH = LastPush(quantity=8, before=5, answered_at=AT)
LATER = AT + timedelta(minutes=1)
SEVERITY = [Action.REPORT, Action.PUSH, Action.WIDEN, Action.HALT]


@pytest.mark.parametrize(
    ("evidence", "cause", "said"),
    [
        (
            Evidence(8, None, missing=True, problem="no such item."),
            Cause.MAPPING_ERROR,
            "the channel does not have it any more (no such item)",
        ),
        (
            Evidence(8, 3, swapped_with="MUG-RED", last_push=PUSH),
            Cause.MAPPING_ERROR,
            "it shows the level of MUG-RED (3), which shows the one meant for it (8)",
        ),
        (
            Evidence(8, 8, tracked=False),
            Cause.TRACKING_OFF,
            "the channel does not track it: it sells there without limit",
        ),
        (
            Evidence(8, None, problem="stock is not managed"),
            Cause.TRACKING_OFF,
            "the channel does not track it (stock is not managed): it sells there without limit",
        ),
        (
            Evidence(8, 6, orders=("1001", "1002"), sold=2, overdue="no subscription to orders"),
            Cause.LOST_WEBHOOK,
            "a sweep found orders 1001, 1002 for 2; no subscription to orders",
        ),
        (
            Evidence(8, 6, orders=("1", "2", "3", "4", "5"), sold=3),
            Cause.UNHEARD_SALE,
            "a sweep found orders 1, 2, 3 and 2 more for 3, and no webhook had told of it yet",
        ),
        (
            Evidence(8, 5, last_push=PUSH),
            Cause.LOST_WRITE,
            "it shows what it showed before 8 was accepted at 02:00:00 UTC in place of 5",
        ),
        (
            Evidence(8, 5, last_push=PUSH, changed_at=LATER),
            Cause.MANUAL_EDIT,
            "it was changed there at 02:01:00 UTC, and no order explains it",
        ),
        (
            Evidence(8, 12, last_push=PUSH),
            Cause.MANUAL_EDIT,
            "we told it 8, and no order and no write of ours explains 12",
        ),
        (Evidence(8, 8, oversells=True), Cause.POLICY_CHANGE, "the channel goes on selling it at zero"),
        (
            Evidence(8, 7, listens=False, last_push=PUSH),
            Cause.UNKNOWN,
            "its orders are not listened to, so it may have been sold, put back or changed there",
        ),
        (Evidence(8, 7), Cause.UNKNOWN, "nothing is recorded that we told it"),
    ],
)
def test_each_cause_has_its_evidence(evidence: Evidence, cause: Cause, said: str) -> None:
    assert (judged(evidence).cause, judged(evidence).evidence) == (cause, said)


def test_what_makes_a_level_meaningless_is_asked_before_what_could_have_moved_it() -> None:
    """Goal: the questions are asked in their order. Method: evidence for everything, taken away cause by cause."""
    all_at_once = Evidence(
        8,
        5,
        missing=True,
        tracked=False,
        oversells=True,
        last_push=PUSH,
        orders=("1",),
        sold=3,
        overdue="late",
    )
    less = [
        replace(all_at_once),
        replace(all_at_once, missing=False),
        replace(all_at_once, missing=False, tracked=True),
        replace(all_at_once, missing=False, tracked=True, overdue=""),
        replace(all_at_once, missing=False, tracked=True, orders=()),
    ]
    assert [judged(each).cause for each in less] == [
        Cause.MAPPING_ERROR,
        Cause.TRACKING_OFF,
        Cause.LOST_WEBHOOK,
        Cause.UNHEARD_SALE,
        Cause.LOST_WRITE,
    ]


def test_orders_that_do_not_make_up_the_difference_explain_nothing() -> None:
    assert (
        judged(Evidence(8, 4, orders=("1",), sold=3, last_push=LastPush(8, 2, AT))).cause is Cause.MANUAL_EDIT
    )


def test_the_moment_of_a_cause_is_that_of_what_it_is_blamed_on() -> None:
    assert judged(Evidence(8, 5, last_push=PUSH)).happened_at == AT
    assert judged(Evidence(8, 5, last_push=PUSH, changed_at=LATER)).happened_at == LATER
    assert judged(Evidence(8, 12, last_push=PUSH)).happened_at is None


@given(
    before=st.integers(-50, 500),
    quantity=st.integers(0, 500),
    sold=st.integers(0, 20),
)
def test_a_lost_write_is_known_whatever_was_sold_since(before: int, quantity: int, sold: int) -> None:
    """Goal: sales heard since the push move what is believed and what is shown alike."""
    push = LastPush(quantity, before, AT)
    lost = is_lost_write(quantity - sold, before - sold, push)
    assert lost == (before != quantity)
    assert not is_lost_write(quantity - sold, quantity - sold, push) or before == quantity


def test_a_change_within_the_slack_of_two_clocks_may_be_our_own_write() -> None:
    assert not was_edited(AT + timedelta(seconds=5), PUSH)
    assert was_edited(AT + timedelta(seconds=6), PUSH)
    assert not was_edited(LATER, None)
    assert not was_edited(None, PUSH)


# Answers.

EDIT = Judgement(Cause.MANUAL_EDIT, "by hand")


def edited(expected: int, shown: int) -> Evidence:
    return Evidence(expected, shown, last_push=PUSH)


@pytest.mark.parametrize(
    ("expected", "shown", "units", "action"),
    [
        (100, 102, 1, Action.PUSH),
        (100, 105, 1, Action.PUSH),
        (100, 106, 1, Action.WIDEN),
        (100, 110, 1, Action.WIDEN),
        (100, 111, 1, Action.HALT),
        (100, 89, 1, Action.HALT),
        (0, 2, 1, Action.PUSH),
        (0, 3, 1, Action.HALT),
        (4, 6, 1, Action.PUSH),
        (4, 7, 1, Action.HALT),
        (2, 3, 6, Action.HALT),
    ],
)
def test_answers_are_graded(expected: int, shown: int, units: int, action: Action) -> None:
    assert answer(Response(), EDIT, edited(expected, shown), units) is action


def test_within_tolerance_means_by_percent_or_by_units_and_a_halt_wants_both() -> None:
    response = Response(tolerance_percent=5, tolerance_units=2, halt_percent=10, halt_units_min=30)
    assert answer(response, EDIT, edited(1_000, 1_050), 1) is Action.PUSH, "5 % of it"
    assert answer(response, EDIT, edited(10, 12), 1) is Action.PUSH, "2 units"
    assert answer(response, EDIT, edited(100, 129), 1) is Action.WIDEN, "29 %, and too few to halt"
    assert answer(response, EDIT, edited(100, 130), 1) is Action.HALT


def test_nothing_is_halted_where_halts_are_off() -> None:
    assert answer(Response(halts=False), EDIT, edited(10, 500), 1) is Action.WIDEN


@pytest.mark.parametrize(
    ("evidence", "cause", "action"),
    [
        (Evidence(8, None, missing=True), Cause.MAPPING_ERROR, Action.REPORT),
        (Evidence(8, 8, oversells=True), Cause.POLICY_CHANGE, Action.REPORT),
        (Evidence(8, None), Cause.TRACKING_OFF, Action.PUSH),
        (Evidence(80, 20, orders=("1",), sold=60), Cause.UNHEARD_SALE, Action.PUSH),
        (Evidence(80, 20, orders=("1",), sold=60), Cause.LOST_WEBHOOK, Action.PUSH),
        (Evidence(80, 20), Cause.LOST_WRITE, Action.PUSH),
        (Evidence(20, 80), Cause.LOST_WRITE, Action.HALT),
        (Evidence(80, 20, listens=False), Cause.UNKNOWN, Action.REPORT),
        (Evidence(20, 80, listens=False), Cause.UNKNOWN, Action.HALT),
    ],
)
def test_some_causes_have_their_own_answer(evidence: Evidence, cause: Cause, action: Action) -> None:
    assert answer(Response(), Judgement(cause, ""), evidence, 1) is action


@given(
    expected=st.integers(0, 2_000),
    off=st.integers(0, 2_000),
    more=st.integers(0, 500),
    up=st.booleans(),
    units=st.integers(1, 12),
    response=st.builds(
        Response,
        tolerance_percent=st.floats(0, 20),
        tolerance_units=st.integers(0, 10),
        halt_percent=st.floats(20, 100),
        halt_units_min=st.integers(1, 20),
        halts=st.booleans(),
    ),
)
def test_who_is_further_off_is_never_answered_more_mildly(
    expected: int, off: int, more: int, up: bool, units: int, response: Response
) -> None:
    sign = 1 if up else -1
    mild = answer(response, EDIT, edited(expected, expected + sign * off), units)
    hard = answer(response, EDIT, edited(expected, expected + sign * (off + more)), units)
    assert SEVERITY.index(mild) <= SEVERITY.index(hard)


evidences = st.builds(
    Evidence,
    expected=st.none() | st.integers(-5, 50),
    shown=st.none() | st.integers(-5, 50),
    listens=st.booleans(),
    missing=st.booleans(),
    tracked=st.booleans(),
    oversells=st.booleans(),
    swapped_with=st.sampled_from(["", "MUG"]),
    last_push=st.none()
    | st.builds(
        LastPush, quantity=st.integers(0, 50), before=st.none() | st.integers(-5, 50), answered_at=st.just(AT)
    ),
    changed_at=st.none() | st.just(LATER),
    orders=st.sampled_from([(), ("1",)]),
    sold=st.integers(0, 50),
    overdue=st.sampled_from(["", "late"]),
)


@given(evidence=evidences)
def test_whatever_the_evidence_there_is_one_cause_with_words_and_one_answer(evidence: Evidence) -> None:
    judgement = judged(evidence)
    assert judgement.evidence
    assert judged(evidence) == judgement
    assert answer(Response(), judgement, evidence, 1) in Action
    if not evidence.listens and judgement.cause is Cause.UNKNOWN and (evidence.delta or 0) < 0:
        assert answer(Response(), judgement, evidence, 1) is Action.REPORT, "it may have been sold"
