"""Reversals: an event and what takes it back are nothing together, and what follows a record of its own is refused."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, EventKind
from onhand.domain.reversal import Recorded, ReversalRefusedError, reversal_of
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOSS = (Entry("MUG", "leeds", State.AVAILABLE, -2), Entry("MUG", "leeds", State.SHRINKAGE, 2))
RECORDED = Recorded(17, "operator", "op-1", EventKind.ADJUSTMENT, NOON, {"reason": "broken"}, LOSS)
FREE = [
    State.AVAILABLE,
    State.QUALITY_CONTROL,
    State.DAMAGED,
    State.IN_TRANSIT,
    State.SUPPLIER,
    State.SHRINKAGE,
]


def test_a_reversal_is_the_opposite_of_the_same_kind_and_moment() -> None:
    event = reversal_of(RECORDED, "typed twice")

    assert (event.source, event.external_id, event.kind) == ("reversal", "17", EventKind.ADJUSTMENT)
    assert event.occurred_at == NOON
    assert event.detail == {
        "reverses": "17",
        "first_source": "operator",
        "first_reason": "broken",
        "reason": "typed twice",
    }
    assert event.entries == (
        Entry("MUG", "leeds", State.AVAILABLE, 2),
        Entry("MUG", "leeds", State.SHRINKAGE, -2),
    )


@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["MUG", "CUP"]), st.sampled_from(FREE), st.sampled_from(FREE), st.integers(1, 99)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_an_event_and_its_reversal_are_nothing_and_reversing_that_is_the_event(
    moves: list[tuple[str, State, State, int]],
) -> None:
    """Goal: state by state the sum is zero; a reversal of a reversal has the lines of the first."""
    entries = tuple(
        entry
        for sku, origin, target, units in moves
        for entry in (Entry(sku, "leeds", origin, -units), Entry(sku, "leeds", target, units))
    )
    first = replace(RECORDED, entries=entries)
    taken_back = reversal_of(first)
    again = reversal_of(replace(first, event_id=18, source="reversal", entries=taken_back.entries))

    total: Counter[tuple[str, State]] = Counter()
    for entry in (*first.entries, *taken_back.entries):
        total[entry.sku, entry.state] += entry.quantity
    assert set(total.values()) == {0}
    assert again.entries == first.entries


def test_a_reversal_of_a_reversal_names_the_word_and_the_reason_of_the_first() -> None:
    """Goal: however often it is taken back, sums by source and reason stay on one line."""
    counted = replace(RECORDED, source="recount", detail={"reason": "counted", "counted_by": "import/abc"})
    for first, source, reason in ((RECORDED, "operator", "broken"), (counted, "import/abc", "counted")):
        once = reversal_of(first, "typed twice")
        twice = reversal_of(replace(RECORDED, event_id=18, source=once.source, detail=once.detail))
        assert twice.detail == {"reverses": "18", "first_source": source, "first_reason": reason}


def test_the_same_reversal_for_another_reason_is_the_same() -> None:
    assert reversal_of(RECORDED, "a").fingerprint == reversal_of(RECORDED, "b").fingerprint
    assert reversal_of(RECORDED).fingerprint != reversal_of(replace(RECORDED, event_id=18)).fingerprint


@pytest.mark.parametrize(
    ("source", "kind", "advice"),
    [
        (
            "channel/shopify",
            EventKind.ORDER,
            "Change or cancel the order on shopify; what differs is posted as soon as it is heard.",
        ),
        (
            "channel/client/till",
            EventKind.FULFILMENT,
            "Have till state the order as it should be, under the same id; what differs is posted then.",
        ),
    ],
)
def test_what_follows_an_order_is_refused_with_what_to_do_instead(
    source: str, kind: EventKind, advice: str
) -> None:
    with pytest.raises(ReversalRefusedError) as refused:
        reversal_of(replace(RECORDED, source=source, kind=kind, detail={"order": "1001"}))

    assert refused.value.message == (
        f"event 17 ({kind.value}, stated by {source}) is of order 1001: what is posted of an order follows the order, "
        "and would be posted again."
    )
    assert refused.value.advice == advice


@pytest.mark.parametrize(
    ("state", "instead"),
    [
        (State.COMMITTED, "cancel the order"),
        (State.RESERVED, "onhand programmes release"),
        (State.INCOMING, "onhand purchase-orders close"),
    ],
)
def test_units_of_which_another_record_is_kept_are_refused(state: State, instead: str) -> None:
    entries = (Entry("MUG", "leeds", State.AVAILABLE, -2), Entry("MUG", "leeds", state, 2))
    with pytest.raises(ReversalRefusedError, match=f"moves units that are {state.value}") as refused:
        reversal_of(replace(RECORDED, entries=entries))
    assert instead in refused.value.advice


def test_an_event_that_moved_nothing_has_nothing_to_take_back() -> None:
    with pytest.raises(ReversalRefusedError, match="moved nothing"):
        reversal_of(replace(RECORDED, kind=EventKind.COUNT, entries=()))


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("order", "onhand stock adjust"),
        ("transfer", "onhand stock adjust"),
        ("purchase_order", "onhand purchase-orders receive with units below 0"),
    ],
)
def test_what_another_record_keeps_account_of_is_refused(name: str, instead: str) -> None:
    """Goal: the line of the order, or the transfer, would go on saying what the ledger does not."""
    words = name.replace("_", " ")
    with pytest.raises(
        ReversalRefusedError, match=f"is of {words} T-1: .* is kept besides, and would disagree"
    ) as refused:
        reversal_of(replace(RECORDED, detail={name: "T-1"}))
    assert instead in refused.value.advice
