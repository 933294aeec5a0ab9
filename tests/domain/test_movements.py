"""Movements: the exact entries of each kind, and the refusals an operator reads."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import QUANTITY_MAX, Entry, EventKind
from onhand.domain.movements import Movement, MovementRefusedError, event_of
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECEIPT = Movement("operator", "r-1", EventKind.RECEIPT, "MUG", "leeds", 3, NOON)
STATED = (
    EventKind.RECEIPT,
    EventKind.ADJUSTMENT,
    EventKind.WRITE_OFF,
    EventKind.TRANSFER_OUT,
    EventKind.TRANSFER_IN,
)


def movement(kind: EventKind, quantity: int, to_location: str = "") -> Movement:
    return replace(RECEIPT, kind=kind, quantity=quantity, to_location=to_location)


@pytest.mark.parametrize(
    ("stated", "origin", "target", "moved"),
    [
        (RECEIPT, ("leeds", State.SUPPLIER), ("leeds", State.AVAILABLE), 3),
        (movement(EventKind.ADJUSTMENT, 3), ("leeds", State.FOUND), ("leeds", State.AVAILABLE), 3),
        (movement(EventKind.ADJUSTMENT, -3), ("leeds", State.AVAILABLE), ("leeds", State.SHRINKAGE), 3),
        (movement(EventKind.WRITE_OFF, 3), ("leeds", State.AVAILABLE), ("leeds", State.SHRINKAGE), 3),
        (
            movement(EventKind.TRANSFER_OUT, 3, "london"),
            ("leeds", State.AVAILABLE),
            ("london", State.IN_TRANSIT),
            3,
        ),
        (movement(EventKind.TRANSFER_IN, 3), ("leeds", State.IN_TRANSIT), ("leeds", State.AVAILABLE), 3),
    ],
)
def test_the_entries_of_each_kind(
    stated: Movement, origin: tuple[str, State], target: tuple[str, State], moved: int
) -> None:
    assert event_of(stated).entries == (Entry("MUG", *origin, -moved), Entry("MUG", *target, moved))


def test_an_event_keeps_who_stated_it_and_why() -> None:
    event = event_of(replace(RECEIPT, reason="delivery note 7"))
    assert (event.source, event.external_id, event.kind) == ("operator", "r-1", EventKind.RECEIPT)
    assert event.occurred_at == NOON
    assert event.detail == {"reason": "delivery note 7"}
    assert event_of(RECEIPT).detail == {}


@pytest.mark.parametrize(
    "other",
    [
        replace(RECEIPT, kind=EventKind.WRITE_OFF),
        replace(RECEIPT, sku="CUP"),
        replace(RECEIPT, location="london"),
        replace(RECEIPT, to_location="london"),
        replace(RECEIPT, quantity=4),
        replace(RECEIPT, reason="another"),
    ],
)
def test_other_content_under_the_same_id_has_another_fingerprint(other: Movement) -> None:
    assert event_of(other).fingerprint != event_of(RECEIPT).fingerprint
    assert event_of(replace(RECEIPT)).fingerprint == event_of(RECEIPT).fingerprint


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (movement(EventKind.RECEIPT, 0), "a movement of 0 units moves nothing; give a quantity"),
        (
            movement(EventKind.WRITE_OFF, -3),
            "write_off takes a positive quantity, -3 was given; use an adjustment for a correction downwards",
        ),
        (
            movement(EventKind.RECEIPT, QUANTITY_MAX + 1),
            "1000000001 is beyond the limit of 1000000000 units",
        ),
        (
            movement(EventKind.ADJUSTMENT, -QUANTITY_MAX - 1),
            "-1000000001 is beyond the limit of 1000000000 units",
        ),
        (movement(EventKind.TRANSFER_OUT, 3), "a transfer needs a destination other than its origin"),
        (
            movement(EventKind.TRANSFER_OUT, 3, "leeds"),
            "a transfer needs a destination other than its origin",
        ),
        (movement(EventKind.ORDER, 3), "order is not stated as a movement"),
    ],
)
def test_a_movement_that_makes_no_sense_is_refused(stated: Movement, words: str) -> None:
    with pytest.raises(MovementRefusedError) as refusal:
        event_of(stated)
    assert str(refusal.value) == words


def test_the_limit_itself_is_accepted() -> None:
    assert event_of(movement(EventKind.RECEIPT, QUANTITY_MAX)).entries[1].quantity == QUANTITY_MAX


@given(st.sampled_from(STATED), st.integers(1, QUANTITY_MAX))
def test_every_movement_is_balanced_and_moves_the_stated_units(kind: EventKind, quantity: int) -> None:
    event = event_of(movement(kind, quantity, to_location="london"))
    assert [entry.quantity for entry in event.entries] == [-quantity, quantity]


@given(st.sampled_from([kind for kind in EventKind if kind not in STATED]))
def test_all_other_kinds_are_refused(kind: EventKind) -> None:
    with pytest.raises(MovementRefusedError, match=f"{kind} is not stated as a movement"):
        event_of(movement(kind, 3))
