"""Transfers: every unit that is sent is on its way, arrived or written off; what arrives beyond that was found."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.states import State
from onhand.domain.transfers import (
    Progress,
    Step,
    Transfer,
    TransferLine,
    TransferRefusedError,
    TransferStatement,
    after,
    begun_by,
    difference,
    event_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SENT = Transfer("T-1", "leeds", "london", {"CUP": TransferLine(4), "MUG": TransferLine(10, 3)})


def step(which: Step, units: dict[str, int] | None = None, **more: str) -> TransferStatement:
    given = {"origin": "leeds", "destination": "london"} if which is Step.SEND else {}
    return TransferStatement("wms", "1", "T-1", which, units or {}, NOON, **{**given, **more})


def moved(event: Event) -> dict[str, int]:
    """Entries as "london available MUG"."""
    return {f"{e.location} {e.state} {e.sku}": e.quantity for e in event.entries}


def test_sending_puts_units_on_their_way() -> None:
    stated = step(Step.SEND, {"MUG": 5})
    event = event_of(stated, begun_by(stated))
    assert (event.kind, event.detail) == (EventKind.TRANSFER_OUT, {"transfer": "T-1"})
    assert event.entries == (
        Entry("MUG", "leeds", State.AVAILABLE, -5),
        Entry("MUG", "london", State.IN_TRANSIT, 5),
    )
    assert after(stated, begun_by(stated)).lines == {"MUG": TransferLine(5)}


@pytest.mark.parametrize(
    ("stated", "expected", "lines", "progress"),
    [
        (
            step(Step.RECEIVE, {"MUG": 2}),
            {"london in_transit MUG": -2, "london available MUG": 2},
            {"CUP": TransferLine(4), "MUG": TransferLine(10, 5)},
            Progress.PARTLY_RECEIVED,
        ),
        (
            step(Step.RECEIVE),
            {
                "london in_transit CUP": -4,
                "london available CUP": 4,
                "london in_transit MUG": -7,
                "london available MUG": 7,
            },
            {"CUP": TransferLine(4, 4), "MUG": TransferLine(10, 10)},
            Progress.RECEIVED,
        ),
        (
            step(Step.CLOSE, reason="lost"),
            {
                "london in_transit CUP": -4,
                "london shrinkage CUP": 4,
                "london in_transit MUG": -7,
                "london shrinkage MUG": 7,
            },
            {"CUP": TransferLine(4, 0, 4), "MUG": TransferLine(10, 3, 7)},
            Progress.CLOSED_SHORT,
        ),
        (
            step(Step.SEND, {"MUG": 1}),
            {"leeds available MUG": -1, "london in_transit MUG": 1},
            {"CUP": TransferLine(4), "MUG": TransferLine(11, 3)},
            Progress.PARTLY_RECEIVED,
        ),
    ],
)
def test_steps_of_a_transfer(
    stated: TransferStatement, expected: dict[str, int], lines: dict[str, TransferLine], progress: Progress
) -> None:
    assert moved(event_of(stated, SENT)) == expected
    assert after(stated, SENT).lines == lines
    assert after(stated, SENT).progress is progress


def test_what_arrives_beyond_what_is_on_its_way_was_found_and_is_told() -> None:
    """Goal: five of the four cups arrive, and a pot that nobody sent."""
    stated = step(Step.RECEIVE, {"CUP": 5, "POT": 1})
    event = event_of(stated, SENT)
    assert [(e.sku, e.state, e.quantity) for e in event.entries] == [
        ("CUP", State.IN_TRANSIT, -4),
        ("CUP", State.AVAILABLE, 4),
        ("CUP", State.FOUND, -1),
        ("CUP", State.AVAILABLE, 1),
        ("POT", State.FOUND, -1),
        ("POT", State.AVAILABLE, 1),
    ]
    assert event.detail == {"transfer": "T-1", "over": "1 of CUP, 1 of POT"}
    lines = after(stated, SENT).lines
    assert (lines["CUP"], lines["POT"]) == (TransferLine(4, 4, 0, 1), TransferLine(over=1))
    assert difference(SENT, after(stated, SENT)) == {
        "CUP": TransferLine(0, 4, 0, 1),
        "POT": TransferLine(0, 0, 0, 1),
    }


def test_what_was_closed_and_arrives_after_all_was_found() -> None:
    closed = after(step(Step.CLOSE), SENT)
    late = step(Step.RECEIVE, {"CUP": 4})
    assert moved(event_of(late, closed)) == {"london found CUP": -4, "london available CUP": 4}
    assert after(late, closed).progress is Progress.CLOSED_SHORT


@pytest.mark.parametrize(
    ("stated", "transfer", "words"),
    [
        (
            step(Step.RECEIVE, {"MUG": 1}, destination="york"),
            SENT,
            "transfer T-1 goes to london, not york. Goods that went elsewhere are received where they should have "
            "gone, and sent on from there.",
        ),
        (step(Step.SEND, {"MUG": 1}, origin="york"), SENT, "transfer T-1 goes from leeds, not york"),
        (
            step(Step.CLOSE, {"MUG": 8}),
            SENT,
            "transfer T-1: 7 of MUG are on their way, 8 cannot be written off",
        ),
        (
            step(Step.RECEIVE),
            Transfer("T-1", "leeds", "london", {"MUG": TransferLine(1, 1)}),
            "nothing is on its way any more by transfer T-1",
        ),
    ],
)
def test_what_contradicts_the_transfer_is_refused(
    stated: TransferStatement, transfer: Transfer, words: str
) -> None:
    with pytest.raises(TransferRefusedError) as refusal:
        event_of(stated, transfer)
    assert str(refusal.value).startswith(words)


@pytest.mark.parametrize(
    ("units", "more", "words"),
    [
        ({}, {}, "nothing is sent: give SKUs with their units"),
        ({"MUG": 0}, {}, "MUG: 0 units; accepted: 1 to 1000000000"),
        (
            {"MUG": 1},
            {"destination": "leeds"},
            "a transfer needs an origin, and a destination other than that",
        ),
        ({"MUG": 1}, {"origin": ""}, "a transfer needs an origin, and a destination other than that"),
        ({str(n): 1 for n in range(1001)}, {}, "1001 SKUs are given; accepted: at most 1000"),
    ],
)
def test_what_makes_no_sense_is_refused(units: dict[str, int], more: dict[str, str], words: str) -> None:
    with pytest.raises(TransferRefusedError) as refusal:
        step(Step.SEND, units, **more)
    assert str(refusal.value) == words


UNITS = st.dictionaries(st.sampled_from(["MUG", "CUP"]), st.integers(1, 9), min_size=1)
STEPS = st.lists(st.tuples(st.sampled_from(list(Step)), UNITS), max_size=8)


@given(STEPS)
def test_units_are_accounted_for(steps: Iterable[tuple[Step, dict[str, int]]]) -> None:
    """Goal: whatever becomes of a transfer, what is on its way by its lines is what its events have put on its way,
    what was lost and found likewise, and none of it is ever negative."""
    begin = step(Step.SEND, {"MUG": 3})
    transfer = begun_by(begin)
    sums: Counter[tuple[str, State]] = Counter()
    for which, units in [(Step.SEND, {"MUG": 3}), *steps]:
        stated = step(which, units)
        try:
            event = event_of(stated, transfer)
        except TransferRefusedError:
            assert which is Step.CLOSE
            continue
        transfer = after(stated, transfer)
        for entry in event.entries:
            sums[entry.sku, entry.state] += entry.quantity
    for sku, line in transfer.lines.items():
        assert line.outstanding == sums[sku, State.IN_TRANSIT] >= 0
        assert line.short == sums[sku, State.SHRINKAGE]
        assert line.over == -sums[sku, State.FOUND]
        assert line.sent == line.arrived + line.short + line.outstanding
