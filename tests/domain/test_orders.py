"""Orders: the difference between snapshots, whatever the delivery does to them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.orders import (
    NOTHING_POSTED,
    OrderLine,
    OrderSnapshot,
    PostedOrder,
    SnapshotRefusedError,
    events_of,
    moment_of,
    placed,
    sales_of,
    taken_by,
)
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Balances = Counter[tuple[str, str, State]]


def line(
    open_: int, fulfilled: int = 0, sku: str = "MUG", location: str = "leeds", line_id: str = "1"
) -> OrderLine:
    return OrderLine(line_id, sku, location, open_, fulfilled)


def snapshot(*lines: OrderLine, version: int = 1) -> OrderSnapshot:
    return OrderSnapshot("shopify", "1001", version, NOON, lines)


def posted(*lines: OrderLine, version: int = 0) -> PostedOrder:
    return PostedOrder(version, {each.line_id: each for each in lines})


def fold(events: Iterable[Event]) -> Balances:
    """Balances other than zero after the events."""
    sums: Balances = Counter()
    for event in events:
        for entry in event.entries:
            sums[entry.sku, entry.location, entry.state] += entry.quantity
    return Counter({key: units for key, units in sums.items() if units})


def deliver(snapshots: Sequence[OrderSnapshot]) -> tuple[PostedOrder, list[Event]]:
    """What the ledger has posted after the snapshots arrived in this order, and all events on the way."""
    state = NOTHING_POSTED
    events: list[Event] = []
    for each in snapshots:
        events += events_of(each, state)
        if each.version > state.version:
            state = posted(*each.lines, version=each.version)
    return state, events


def taken(units: int, sku: str = "MUG", location: str = "leeds") -> tuple[Entry, Entry]:
    return (
        Entry(sku, location, State.AVAILABLE, -units),
        Entry(sku, location, State.COMMITTED, units),
    )


def shipped(units: int, sku: str = "MUG", location: str = "leeds") -> tuple[Entry, Entry]:
    return (
        Entry(sku, location, State.COMMITTED, -units),
        Entry(sku, location, State.CUSTOMER, units),
    )


def kinds_and_entries(events: Iterable[Event]) -> list[tuple[EventKind, tuple[Entry, ...]]]:
    return [(event.kind, event.entries) for event in events]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((), (line(3),), [(EventKind.ORDER, taken(3))]),
        ((), (line(2, 1),), [(EventKind.ORDER, taken(3)), (EventKind.FULFILMENT, shipped(1))]),
        ((line(3),), (line(3),), []),
        ((line(3),), (line(2, 1),), [(EventKind.FULFILMENT, shipped(1))]),
        ((line(3),), (line(1),), [(EventKind.CANCELLATION, taken(-2))]),
        ((line(3),), (), [(EventKind.CANCELLATION, taken(-3))]),
        ((line(1),), (line(4),), [(EventKind.ORDER, taken(3))]),
        ((line(2, 1),), (line(3),), [(EventKind.FULFILMENT, shipped(-1))]),
        (
            (line(3),),
            (line(3, location="london"),),
            [(EventKind.ORDER, taken(3, location="london")), (EventKind.CANCELLATION, taken(-3))],
        ),
        (
            (line(2, 1),),
            (line(2, 1, sku="CUP"),),
            [
                (EventKind.ORDER, taken(3, sku="CUP")),
                (EventKind.CANCELLATION, taken(-3)),
                (EventKind.FULFILMENT, shipped(-1) + shipped(1, sku="CUP")),
            ],
        ),
        (
            (line(1, line_id="a"),),
            (line(2, line_id="b"), line(1, line_id="a"), line(4, line_id="c")),
            [(EventKind.ORDER, taken(2) + taken(4))],
        ),
    ],
)
def test_what_a_snapshot_posts(
    before: tuple[OrderLine, ...],
    now: tuple[OrderLine, ...],
    expected: list[tuple[EventKind, tuple[Entry, ...]]],
) -> None:
    assert kinds_and_entries(events_of(snapshot(*now), posted(*before))) == expected


def test_an_event_names_its_order_and_version() -> None:
    (event,) = events_of(snapshot(line(3), version=17), NOTHING_POSTED)
    assert (event.source, event.external_id) == ("channel/shopify", "1001@17/order")
    assert event.occurred_at == NOON
    assert event.detail == {"order": "1001"}


@pytest.mark.parametrize("version", [4, 5])
def test_a_snapshot_not_newer_than_what_is_posted_posts_nothing(version: int) -> None:
    assert events_of(snapshot(line(9), version=version), posted(line(3), version=5)) == ()


def test_an_order_without_lines_posts_nothing() -> None:
    assert events_of(snapshot(), NOTHING_POSTED) == ()


def test_the_order_of_lines_in_a_snapshot_means_nothing() -> None:
    lines = (line(1, line_id="a"), line(2, 1, line_id="b"), line(3, sku="CUP", line_id="c"))
    assert events_of(snapshot(*lines), NOTHING_POSTED) == events_of(snapshot(*lines[::-1]), NOTHING_POSTED)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            (line(1, line_id="7"), line(2, location="london", line_id="7")),
            "order 1001 of shopify, line 7: the line comes twice; each needs an id of its own",
        ),
        (
            (line(-1, 2),),
            "order 1001 of shopify, line 1: -1 open and 2 fulfilled units; neither can be negative",
        ),
        (
            (line(1, -2),),
            "order 1001 of shopify, line 1: 1 open and -2 fulfilled units; neither can be negative",
        ),
    ],
)
def test_a_snapshot_that_contradicts_itself_is_refused(lines: tuple[OrderLine, ...], words: str) -> None:
    with pytest.raises(SnapshotRefusedError) as refusal:
        snapshot(*lines)
    assert str(refusal.value) == words


def test_a_line_on_record_with_no_units_is_as_good_as_none() -> None:
    """The ledger keeps the lines that left an order, with zero units."""
    on_record = posted(line(0, location="london"), line(0, line_id="2"))
    assert events_of(snapshot(line(3)), on_record) == events_of(snapshot(line(3)), NOTHING_POSTED)


LINES = st.builds(
    OrderLine,
    line_id=st.sampled_from(["1", "2", "3"]),
    sku=st.sampled_from(["MUG", "CUP"]),
    location=st.sampled_from(["leeds", "london"]),
    open=st.integers(0, 5),
    fulfilled=st.integers(0, 5),
)
HISTORIES = st.lists(st.lists(LINES, max_size=3, unique_by=lambda each: each.line_id), min_size=1, max_size=6)


@given(data=st.data(), history=HISTORIES)
def test_delivery_decides_nothing(data: st.DataObject, history: list[list[OrderLine]]) -> None:
    """Snapshots of one order are lost, doubled and shuffled; the newest that arrives decides alone."""
    sent = [snapshot(*lines, version=version) for version, lines in enumerate(history)]
    arrived = data.draw(st.lists(st.sampled_from(sent), min_size=1, max_size=12), label="arrived")
    newest = max(arrived, key=lambda each: each.version)

    state, events = deliver(arrived)

    assert state == posted(*newest.lines, version=newest.version)
    assert fold(events) == fold(events_of(newest, NOTHING_POSTED))
    ids = [event.external_id for event in events]
    assert len(ids) == len(set(ids))


@given(HISTORIES)
def test_balances_are_what_the_lines_say(history: list[list[OrderLine]]) -> None:
    _, events = deliver([snapshot(*lines, version=version) for version, lines in enumerate(history)])
    expected: Balances = Counter()
    for each in history[-1]:
        expected[each.sku, each.location, State.AVAILABLE] -= each.open + each.fulfilled
        expected[each.sku, each.location, State.COMMITTED] += each.open
        expected[each.sku, each.location, State.CUSTOMER] += each.fulfilled
    assert fold(events) == Counter({key: units for key, units in expected.items() if units})


@given(HISTORIES)
def test_each_kind_moves_stock_its_own_way(history: list[list[OrderLine]]) -> None:
    _, events = deliver([snapshot(*lines, version=version) for version, lines in enumerate(history)])
    for event in events:
        available = [entry.quantity for entry in event.entries if entry.state is State.AVAILABLE]
        match event.kind:
            case EventKind.ORDER:
                assert max(available) < 0
            case EventKind.CANCELLATION:
                assert min(available) > 0
            case _:
                assert (event.kind, available) == (EventKind.FULFILMENT, [])


def level_line(
    pieces: int,
    fulfilled: int = 0,
    *,
    listing: int | None = 7,
    place: str = "",
    units: int = 1,
    line_id: str = "1",
) -> OrderLine:
    """A line of a listing, in pieces."""
    return OrderLine(line_id, "MUG", "leeds", pieces * units, fulfilled * units, listing, place, units)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ((), (level_line(3),), [(7, "", 3)]),
        ((), (level_line(2, 1, units=6),), [(7, "", 3)]),
        ((level_line(3),), (level_line(1, 2),), []),
        ((level_line(3),), (level_line(1),), [(7, "", -2)]),
        ((level_line(3),), (), [(7, "", -3)]),
        ((), (level_line(3, listing=None),), []),
        ((level_line(3, listing=None),), (level_line(3),), [(7, "", 3)]),
        ((level_line(3, place="L1"),), (level_line(3, place="L2"),), [(7, "L1", -3), (7, "L2", 3)]),
        (
            (),
            (level_line(1), level_line(2, line_id="2"), level_line(4, listing=5, line_id="3")),
            [(5, "", 4), (7, "", 3)],
        ),
        ((level_line(3, line_id="1"),), (level_line(3, line_id="2"),), []),
    ],
)
def test_what_a_channel_did_to_its_own_levels(
    before: tuple[OrderLine, ...], now: tuple[OrderLine, ...], expected: list[tuple[int, str, int]]
) -> None:
    """Goal: pieces by listing and place, as the difference to what is posted; shipping moves none."""
    sales = sales_of(snapshot(*now), posted(*before))
    assert [(sale.listing_id, sale.place, sale.pieces) for sale in sales] == expected
    assert {sale.moment for sale in sales} <= {NOON}


def test_an_old_snapshot_tells_of_no_sales() -> None:
    assert sales_of(snapshot(level_line(3), version=4), posted(version=4)) == ()


def test_an_order_new_to_us_happened_when_it_was_placed() -> None:
    """Goal: one we know was changed at its last update; where nobody says when it was placed, that has to do."""
    placed_at = NOON - timedelta(minutes=5)
    new = replace(snapshot(level_line(1)), placed_at=placed_at)
    assert moment_of(new, NOTHING_POSTED) == placed_at
    assert moment_of(new, posted(level_line(2))) == NOON
    assert moment_of(snapshot(level_line(1)), NOTHING_POSTED) == NOON
    assert [sale.moment for sale in sales_of(new, NOTHING_POSTED)] == [placed_at]


SECOND_BEFORE = NOON - timedelta(minutes=1)
POSTED = int(SECOND_BEFORE.timestamp()) * 1_000_000 + 730_000
"""A version: that second, and how far the order had come in it."""


@pytest.mark.parametrize(
    ("before", "now", "since"),
    [
        ((level_line(3),), (level_line(1),), SECOND_BEFORE),
        ((level_line(1),), (level_line(3),), None),
        ((level_line(1),), (level_line(2, 1),), SECOND_BEFORE),
        ((level_line(1), level_line(1, line_id="2", listing=8)), (level_line(3),), SECOND_BEFORE),
    ],
    ids=["given back", "bought", "bought and shipped", "one given back for the other"],
)
def test_since_when_a_change_may_have_been(
    before: tuple[OrderLine, ...], now: tuple[OrderLine, ...], since: datetime | None
) -> None:
    """Goal: what is given back, and what comes with something else, may be of a change that nobody told us of; what is
    bought alone is the last change itself, or every payment that comes later would have its level looked at again.
    """
    sales = sales_of(snapshot(*now, version=POSTED + 10**8), posted(*before, version=POSTED))
    assert {sale.since for sale in sales} == {since}


def test_a_version_that_is_no_moment_says_nothing_of_when() -> None:
    """Goal: one that lies ahead is some client's own number; then it may have been whenever the order stood."""
    placed_at = NOON - timedelta(hours=1)
    ahead = int((NOON + timedelta(days=1)).timestamp() * 1_000_000)
    now = replace(snapshot(version=ahead + 1), placed_at=placed_at)
    assert [sale.since for sale in sales_of(now, posted(level_line(1), version=ahead))] == [placed_at]


def test_what_is_taken_keeps_lines_that_left_with_nothing_in_them() -> None:
    before = posted(level_line(3), level_line(2, 1, line_id="2"), version=1)
    after = taken_by(snapshot(level_line(4), version=2), before)
    assert after == posted(level_line(4), level_line(0, line_id="2"), version=2)
    assert taken_by(snapshot(version=1), before) is before


@pytest.mark.parametrize(
    ("line", "before", "expected"),
    [
        # the place was guessed: it stays where it was posted, unless it is another SKU now
        (
            OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1", guessed=True),
            (OrderLine("1", "MUG", "london", 3, 0, 7, "L2"),),
            [OrderLine("1", "MUG", "london", 2, 0, 7, "L2", guessed=True)],
        ),
        (
            OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1", guessed=True),
            (OrderLine("1", "CUP", "london", 3, 0, 8, "L2"),),
            [OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1", guessed=True)],
        ),
        (
            OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1", guessed=True),
            (),
            [OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1", guessed=True)],
        ),
        # it was told: it moves
        (
            OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1"),
            (OrderLine("1", "MUG", "london", 3, 0, 7, "L2"),),
            [OrderLine("1", "MUG", "leeds", 2, 0, 7, "L1")],
        ),
        # it names nothing any more: it is what it was, in its units; or nothing at all
        (
            OrderLine("1", "", "", 1, 2, guessed=True),
            (OrderLine("1", "MUG", "london", 18, 0, 7, "L2", 6),),
            [OrderLine("1", "MUG", "london", 6, 12, 7, "L2", 6)],
        ),
        (OrderLine("1", "", "", 1, 0, guessed=True), (), []),
    ],
)
def test_what_a_snapshot_leaves_open_is_taken_from_what_is_posted(
    line: OrderLine, before: tuple[OrderLine, ...], expected: list[OrderLine]
) -> None:
    assert list(placed(snapshot(line), posted(*before)).lines) == expected


LEVEL_LINES = st.builds(
    level_line,
    st.integers(0, 4),
    st.integers(0, 3),
    listing=st.sampled_from([None, 7, 8]),
    place=st.sampled_from(["L1", "L2"]),
    units=st.sampled_from([1, 6]),
    line_id=st.sampled_from(["1", "2", "3"]),
)


@given(
    data=st.data(),
    history=st.lists(
        st.lists(LEVEL_LINES, max_size=3, unique_by=lambda each: each.line_id), min_size=1, max_size=6
    ),
)
def test_sales_add_up_to_the_newest_that_arrived(data: st.DataObject, history: list[list[OrderLine]]) -> None:
    """Goal: books end the same whatever was lost, doubled and shuffled on the way."""
    sent = [snapshot(*lines, version=version) for version, lines in enumerate(history)]
    arrived = data.draw(st.lists(st.sampled_from(sent), min_size=1, max_size=12), label="arrived")
    state, sold = NOTHING_POSTED, Counter[tuple[int, str]]()
    for each in arrived:
        for sale in sales_of(each, state):
            sold[sale.listing_id, sale.place] += sale.pieces
        state = taken_by(each, state)

    newest = max(arrived, key=lambda each: each.version)
    expected = Counter[tuple[int, str]]()
    for each in newest.lines:
        if each.listing_id is not None:
            expected[each.listing_id, each.place] += each.pieces
    assert {level: pieces for level, pieces in sold.items() if pieces} == {
        level: pieces for level, pieces in expected.items() if pieces
    }
