"""Programmes: whatever orders come in whatever order, what is held and drawn follows from what was taken and found."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, events_of, taken_by
from onhand.domain.programmes import (
    Line,
    PartnerOrder,
    ProgrammeRefusedError,
    Running,
    Terms,
    drawn_by,
    ended,
    ordered,
    released,
    require_sensible,
    reservation,
    secured,
    short_by,
)
from onhand.domain.states import State

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def line(units: int, taken: int = 0, secured: int = 0) -> Line:
    return Line("A", "leeds", units, taken, secured)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    units = draw(st.integers(0, 50))
    return line(units, draw(st.integers(0, 80)), draw(st.integers(0, units)))


@given(lines(), st.integers(-100, 100))
def test_no_more_is_reserved_than_is_due_and_than_there_is(before: Line, available: int) -> None:
    """Goal: what is held grows by what was found, which is all of what is due or all of what is available."""
    after = secured(before, available)
    assert after.held - before.held == min(before.due, max(0, available))
    assert after.held + min(after.taken, after.units) <= after.units
    assert (after.units, after.taken) == (before.units, before.taken)


@given(lines(), st.integers(0, 60))
def test_an_order_and_its_cancellation_leave_what_was_held(before: Line, units: int) -> None:
    """Goal: it draws on what is reserved first, never more than that, and its cancellation puts exactly that back."""
    after = ordered(before, units)
    drawn = before.held - after.held
    assert drawn == min(units, before.held)
    assert ordered(after, -units) == before


@given(lines(), st.integers(0, 60))
def test_what_is_given_up_is_what_nobody_has_taken(before: Line, units: int) -> None:
    """Goal: units given up are those still to be found first; what the orders took stays promised."""
    after = released(before, units)
    assert before.units - units <= after.units <= before.units
    assert after.drawn == before.drawn
    assert after.units >= min(before.taken, before.units)
    assert 0 <= before.held - after.held <= units
    assert ended(before).held == 0
    assert ended(before).drawn == before.drawn


def test_a_programme_from_its_beginning_to_its_end() -> None:
    """Goal: 10 promised, 6 there; 8 ordered, 2 found; 3 cancelled: each step as a person would count it."""
    steps = [line(10)]
    steps.append(secured(steps[-1], 6))
    steps.append(ordered(steps[-1], 8))
    steps.append(secured(steps[-1], 5))
    steps.append(ordered(steps[-1], -3))
    steps.append(ended(steps[-1]))
    assert [(step.taken, step.drawn, step.held, step.due) for step in steps] == [
        (0, 0, 0, 10),
        (0, 0, 6, 4),
        (8, 6, 0, 2),
        (8, 8, 2, 0),
        (5, 5, 5, 0),
        (5, 5, 0, 5),
    ]


def test_orders_beyond_it_are_told_apart() -> None:
    """Goal: 12 taken of 10 promised: 2 beyond, nothing due, nothing held."""
    after = ordered(secured(line(10), 10), 12)
    assert (after.beyond, after.due, after.held, after.drawn) == (2, 0, 0, 10)


def order(number: str, units: int, version: int = 1, shipped: int = 0) -> OrderSnapshot:
    at = NOON + timedelta(minutes=version)
    return OrderSnapshot(
        "b2b", number, version, at, (OrderLine("1", "A", "leeds", units - shipped, shipped),), NOON
    )


@given(st.permutations([(n, version) for n in range(3) for version in (1, 2, 3)]), st.integers(0, 12))
def test_deliveries_in_any_order_draw_the_same(deliveries: list[tuple[int, int]], found: int) -> None:
    """Goal: late, repeated and shuffled snapshots draw what the newest of each order says, and nothing twice.

    Method: three orders of three versions in every order, each twice; what is reserved at the end is compared with the
    versions that count, and with the entries of all events.
    """
    quantities = {1: 5, 2: 3, 3: 4}
    kept = secured(line(10), found)
    programme = Running(1, "spring", NOON - DAY, NOON + DAY, 0, {kept.shelf: kept})
    posted = dict.fromkeys(("0", "1", "2"), NOTHING_POSTED)
    events: list[Event] = []
    for n, version in deliveries * 2:
        snapshot = order(str(n), quantities[version], version, shipped=1 if version == 3 else 0)
        known = posted[str(n)]
        of_order = events_of(snapshot, known)
        events += drawn_by(PartnerOrder("b2b", str(n), known.version < 0, NOON, of_order), [programme])
        posted[str(n)] = taken_by(snapshot, known)
    after = programme.lines[kept.shelf]
    assert after == ordered(kept, 3 * 4)
    reserved = sum(e.quantity for event in events for e in event.entries if e.state is State.RESERVED)
    assert reserved == after.held - kept.held
    assert [event.external_id for event in events] == [str(n) for n in range(1, len(events) + 1)]


def test_what_a_programme_does_not_keep_is_not_drawn() -> None:
    """Goal: another SKU, another location, and what a return brings back are none of its business."""
    kept = secured(line(10), 10)
    programme = Running(1, "spring", NOON - DAY, NOON + DAY, 4, {kept.shelf: kept})
    moved = [("B", "leeds", State.AVAILABLE), ("A", "london", State.AVAILABLE), ("A", "leeds", State.DAMAGED)]
    entries = [Entry(*where, -2) for where in moved] + [
        Entry(sku, location, State.COMMITTED, 2) for sku, location, _ in moved
    ]
    returned = (Entry("A", "leeds", State.AVAILABLE, 1), Entry("A", "leeds", State.CUSTOMER, -1))
    events = (
        Event("channel/b2b", "1", EventKind.ORDER, NOON, tuple(entries), fingerprint(1)),
        Event("channel/b2b", "2", EventKind.RETURN, NOON, returned, fingerprint(2)),
    )
    assert drawn_by(PartnerOrder("b2b", "1", True, NOON, events), [programme]) == []
    assert (programme.step, programme.lines[kept.shelf]) == (4, kept)


def test_a_reservation_says_what_was_held_and_why() -> None:
    """Goal: units go from available to reserved and back, in one event of its own number."""
    up, down = line(10, 0, 0), line(10, 0, 7)
    other = Line("B", "leeds", 5, 0, 5)
    event = reservation(
        "spring", 3, [(up, secured(up, 4)), (other, ended(other)), (down, down)], NOON, "units"
    )
    assert event is not None
    assert (event.source, event.external_id, event.kind) == ("programme/spring", "3", EventKind.RESERVATION)
    assert [(e.sku, e.state, e.quantity) for e in event.entries] == [
        ("A", State.AVAILABLE, -4),
        ("A", State.RESERVED, 4),
        ("B", State.AVAILABLE, 5),
        ("B", State.RESERVED, -5),
    ]
    assert event.detail == {"reason": "units"}
    assert reservation("spring", 4, [(down, down)], NOON, "nothing") is None


def test_what_may_be_missing_is_told_in_time() -> None:
    """Goal: reserved and open orders beyond what will exist by then; of two programmes the later one goes without."""
    first, second = line(10, 0, 4), line(8)
    soon, late = NOON + DAY, NOON + 9 * DAY
    both = [(1, first, soon), (2, second, late)]
    assert short_by(both, {("A", "leeds"): 0}, {1: 6, 2: 14}) == {}
    assert short_by(both, {("A", "leeds"): 0}, {1: 5, 2: 14}) == {1: 1}
    assert short_by(both, {("A", "leeds"): 0}, {1: 6, 2: 10}) == {2: 4}
    # Sold below nothing: what is reserved may have to fill those orders.
    assert short_by([(1, line(10, 0, 10), soon)], {("A", "leeds"): -3}, {}) == {1: 3}
    assert short_by([(1, line(10, 10, 10), soon)], {("A", "leeds"): -3}, {}) == {}


@pytest.mark.parametrize(
    ("terms", "kept", "said"),
    [
        (
            Terms("s", "acme", NOON + DAY, NOON),
            [line(1)],
            "it ends before it begins; give --until a later day than --from",
        ),
        (
            Terms("s", "acme", NOON - DAY, NOON),
            [line(1)],
            "it is over already; give --until a day that is not past",
        ),
        (Terms("s", "acme", NOON, NOON + DAY), [], "it keeps no units; name at least one SKU with its units"),
        (Terms("s", "acme", NOON, NOON + DAY), [line(0)], "A: 0 units; accepted are 1 to 1,000,000,000"),
        (
            Terms("s", "acme", NOON, NOON + DAY),
            [line(1), line(2)],
            "A at leeds comes twice; say its units once",
        ),
    ],
)
def test_nonsense_is_refused(terms: Terms, kept: list[Line], said: str) -> None:
    """Goal: each refusal says what is wrong and what is accepted."""
    with pytest.raises(ProgrammeRefusedError) as refused:
        require_sensible(terms, kept, NOON)
    assert str(refused.value) == said
