"""Counts: what a count corrects, and that a movement it cannot know of stays as it is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.counts import (
    Count,
    CountConflictError,
    CountMeaning,
    Shelf,
    correction,
    event_of,
    statement_of,
)
from onhand.domain.events import Entry, EventKind
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNT = Count("erp", "c-1", "MUG", "leeds", 10, CountMeaning.ON_HAND, NOON)
MOVES = st.lists(st.integers(-50, 50), max_size=6)


@pytest.mark.parametrize(
    ("current", "moved_since", "change"),
    [
        (10, 0, 0),
        (7, 0, 3),
        (12, 0, -2),
        (8, -2, 0),  # 2 sold after the count: the shelf had 10 then
        (8, -3, -1),  # it had 11 then: one is missing
        (15, 5, 0),  # 5 received after the count
        (-4, -4, 10),
    ],
)
def test_a_count_is_compared_with_the_balance_of_its_own_moment(
    current: int, moved_since: int, change: int
) -> None:
    assert correction(COUNT, Shelf(version=7, current=current, moved_since=moved_since)) == change


@given(start=st.integers(-50, 50), counted=st.integers(-50, 50), before=MOVES, meanwhile=MOVES, later=MOVES)
def test_what_moved_after_the_count_stays_moved(
    start: int, counted: int, before: list[int], meanwhile: list[int], later: list[int]
) -> None:
    """Movements are posted before the count's moment, between it and its posting, and after that."""
    current = start + sum(before) + sum(meanwhile)
    change = correction(
        replace(COUNT, quantity=counted), Shelf(version=1, current=current, moved_since=sum(meanwhile))
    )
    assert current + change + sum(later) == counted + sum(meanwhile) + sum(later)


@given(counted=st.integers(-50, 50), current=st.integers(-50, 50), meanwhile=MOVES)
def test_the_same_count_again_corrects_nothing(counted: int, current: int, meanwhile: list[int]) -> None:
    count, moved = replace(COUNT, quantity=counted), sum(meanwhile)
    change = correction(count, Shelf(version=1, current=current, moved_since=moved))
    # A correction belongs to the moment of the count, so it is not among what moved since.
    assert correction(count, Shelf(version=2, current=current + change, moved_since=moved)) == 0


def test_a_count_against_a_version_the_ledger_never_had_is_a_conflict() -> None:
    with pytest.raises(CountConflictError) as conflict:
        correction(replace(COUNT, base_version=8), Shelf(version=7, current=10, moved_since=0))
    assert str(conflict.value) == (
        "the count of MUG at leeds was made against balance version 8, but the ledger is at 7; "
        "look at the stock and count again"
    )


@pytest.mark.parametrize("base_version", [6, 7])
def test_a_count_against_a_version_the_ledger_had_is_re_based(base_version: int) -> None:
    count = replace(COUNT, base_version=base_version)
    assert correction(count, Shelf(version=7, current=9, moved_since=-2)) == -1


@pytest.mark.parametrize(
    ("change", "entries"),
    [
        (3, (Entry("MUG", "leeds", State.FOUND, -3), Entry("MUG", "leeds", State.AVAILABLE, 3))),
        (-3, (Entry("MUG", "leeds", State.SHRINKAGE, 3), Entry("MUG", "leeds", State.AVAILABLE, -3))),
        (0, ()),
    ],
)
def test_the_entries_of_a_correction(change: int, entries: tuple[Entry, ...]) -> None:
    event = event_of(COUNT, change)
    assert event.entries == entries
    assert (event.source, event.external_id, event.kind) == ("erp", "c-1", EventKind.COUNT)
    assert event.occurred_at == NOON
    assert event.fingerprint == statement_of(COUNT)


def test_an_event_keeps_what_was_stated() -> None:
    assert event_of(COUNT, 0).detail == {"counted": "10", "meaning": "on_hand"}
    stated = replace(COUNT, meaning=CountMeaning.AVAILABLE, base_version=0, reason="shelf check")
    assert event_of(stated, 0).detail == {
        "counted": "10",
        "meaning": "available",
        "base_version": "0",
        "reason": "shelf check",
    }


def test_the_fingerprint_is_of_the_statement_and_not_of_the_correction() -> None:
    assert event_of(COUNT, 3).fingerprint == event_of(COUNT, -5).fingerprint
    assert statement_of(replace(COUNT, quantity=11)) != statement_of(COUNT)
