"""Reason codes: one of the list, or none; what is close to one is told."""

import pytest

from onhand.domain.events import EventKind
from onhand.domain.reasons import REASONS, ReasonRefusedError, require_reason


@pytest.mark.parametrize("reason", ["", "damaged", "other"])
def test_a_code_or_none_is_taken(reason: str) -> None:
    require_reason(EventKind.WRITE_OFF, reason, REASONS)


def test_other_kinds_give_their_reason_in_free_words() -> None:
    require_reason(EventKind.TRANSFER_OUT, "fill up the shop", REASONS)


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        (
            EventKind.ADJUSTMENT,
            "damage",
            "'damage' is no reason for an adjustment. Did you mean damaged? Known are a, ",
        ),
        (
            EventKind.WRITE_OFF,
            "Damaged",
            "'Damaged' is no reason for a write-off. Did you mean damaged? Known are a, ",
        ),
        (EventKind.WRITE_OFF, "xyz", "'xyz' is no reason for a write-off. Known are a, "),
    ],
)
def test_anything_else_is_refused_with_what_may_have_been_meant(
    kind: EventKind, reason: str, words: str
) -> None:
    with pytest.raises(ReasonRefusedError) as refusal:
        require_reason(kind, reason, ["a", "damaged"])
    assert str(refusal.value) == f"{words}damaged (movements.reasons in the configuration)."
