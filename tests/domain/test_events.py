"""Events: balanced or refused, and fingerprints that stay the same on every machine and for ever."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, Event, EventKind, UnbalancedEventError, fingerprint, require_balanced
from onhand.domain.states import ON_HAND, OUTSIDE, State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRIES = st.builds(
    Entry,
    sku=st.sampled_from(["MUG", "CUP"]),
    location=st.sampled_from(["leeds", "london"]),
    state=st.sampled_from(State),
    quantity=st.integers(-100, 100),
)


def event(*entries: Entry, occurred_at: datetime = NOON) -> Event:
    return Event(
        source="operator",
        external_id="1",
        kind=EventKind.RECEIPT,
        occurred_at=occurred_at,
        entries=entries,
        fingerprint=b"",
    )


def test_entries_that_sum_to_zero_for_each_sku_are_an_event() -> None:
    entries = (
        Entry("MUG", "leeds", State.SUPPLIER, -3),
        Entry("MUG", "london", State.AVAILABLE, 3),
        Entry("CUP", "leeds", State.SUPPLIER, -1),
        Entry("CUP", "leeds", State.AVAILABLE, 1),
    )
    assert event(*entries).entries == entries
    assert event(*entries).detail == {}


def test_an_event_may_move_nothing() -> None:
    assert event().entries == ()


def test_stock_that_would_appear_is_refused() -> None:
    with pytest.raises(UnbalancedEventError) as refusal:
        event(Entry("MUG", "leeds", State.SUPPLIER, -3), Entry("MUG", "leeds", State.AVAILABLE, 5))
    assert str(refusal.value) == "the entries of SKU MUG sum to +2 units instead of zero"


def test_one_sku_cannot_make_up_for_another() -> None:
    with pytest.raises(UnbalancedEventError) as refusal:
        event(Entry("CUP", "leeds", State.AVAILABLE, -2), Entry("MUG", "leeds", State.AVAILABLE, 2))
    assert str(refusal.value) == "the entries of SKU CUP sum to -2 units instead of zero"


@given(st.lists(ENTRIES, max_size=6))
def test_refused_exactly_when_some_sku_does_not_sum_to_zero(entries: list[Entry]) -> None:
    balanced = all(sum(e.quantity for e in entries if e.sku == sku) == 0 for sku in ("MUG", "CUP"))
    try:
        require_balanced(entries)
    except UnbalancedEventError:
        assert not balanced
    else:
        assert balanced


def test_an_event_without_a_time_zone_is_refused() -> None:
    with pytest.raises(AssertionError, match="an event without a time zone has no moment"):
        event(occurred_at=NOON.replace(tzinfo=None))


def test_a_fingerprint_is_the_same_for_ever() -> None:
    """Fingerprints are stored: a change here would turn every repeated fact into a conflict."""
    stated = fingerprint(EventKind.RECEIPT, "MUG", "leeds", "", 3, NOON)
    assert stated.hex() == "145dc529213b92c1a935f8822f6ff84d"


def test_a_fingerprint_knows_the_moment_and_not_its_time_zone() -> None:
    in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert fingerprint(in_tokyo) == fingerprint(NOON)
    assert fingerprint(NOON + timedelta(microseconds=1)) != fingerprint(NOON)


def test_the_parts_of_a_fingerprint_do_not_run_into_each_other() -> None:
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
    assert fingerprint("a;1:b") != fingerprint("a", "b")


def test_no_state_is_both_on_the_shelf_and_outside() -> None:
    assert ON_HAND.isdisjoint(OUTSIDE)
    assert set(State) - ON_HAND - OUTSIDE == {State.IN_TRANSIT, State.INCOMING}
