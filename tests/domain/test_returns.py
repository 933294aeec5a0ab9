"""Returns: each unit once, whoever tells of it, and in whatever order they tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain import returns
from onhand.domain.events import Entry, EventKind
from onhand.domain.orders import (
    NOTHING_POSTED,
    OrderLine,
    OrderSnapshot,
    PostedOrder,
    Sale,
    events_of,
    placed,
    sales_of,
    taken_by,
    untold,
)
from onhand.domain.returns import (
    NOT_HANDLED,
    Handled,
    Outcome,
    ReturnRefusedError,
    ReturnStatement,
    moves,
    position,
)
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Versions here are small numbers, and so moments long ago."""
Place = dict[tuple[str, State], int]


def where(
    restocked: Mapping[str, int], handled: Mapping[str, Handled], *, trusted: bool, sold_at: str = "leeds"
) -> dict[str, int]:
    """Where units are, as "leeds available"."""
    found = position(sold_at, restocked, handled, trusted=trusted)
    return {f"{location} {state}": units for (location, state), units in sorted(found.items()) if units}


@pytest.mark.parametrize(
    ("restocked", "handled", "trusted", "expected"),
    [
        ({}, {}, True, {}),
        # The channel alone tells.
        ({"leeds": 2}, {}, True, {"leeds available": 2, "leeds customer": -2}),
        ({"leeds": 2}, {}, False, {"leeds customer": -2, "leeds quality_control": 2}),
        ({"london": 2}, {}, True, {"leeds customer": -2, "london available": 2}),
        # The parcel alone tells: nobody has said that it can be sold.
        ({}, {"leeds": Handled(2)}, True, {"leeds customer": -2, "leeds quality_control": 2}),
        (
            {},
            {"leeds": Handled(2, 1, 1)},
            True,
            {"leeds available": 1, "leeds customer": -2, "leeds damaged": 1},
        ),
        ({}, {"leeds": Handled(1, 0, 0, 1)}, True, {"leeds customer": -1, "leeds shrinkage": 1}),
        # Inspected without a word of its arrival.
        ({}, {"leeds": Handled(0, 1)}, False, {"leeds available": 1, "leeds customer": -1}),
        # Both tell: of the same unit.
        ({"leeds": 1}, {"leeds": Handled(1)}, True, {"leeds available": 1, "leeds customer": -1}),
        ({"leeds": 1}, {"leeds": Handled(1)}, False, {"leeds customer": -1, "leeds quality_control": 1}),
        ({"leeds": 1}, {"leeds": Handled(1, 0, 1)}, True, {"leeds customer": -1, "leeds damaged": 1}),
        ({"leeds": 1}, {"leeds": Handled(1, 1)}, True, {"leeds available": 1, "leeds customer": -1}),
        # Of two the channel put back one, and two are in the house: the other one nobody vouches for.
        (
            {"leeds": 1},
            {"leeds": Handled(2)},
            True,
            {"leeds available": 1, "leeds customer": -2, "leeds quality_control": 1},
        ),
        # It is where it was seen, not where the channel put it.
        ({"leeds": 1}, {"london": Handled(1)}, True, {"leeds customer": -1, "london available": 1}),
        (
            {"leeds": 2},
            {"london": Handled(1)},
            False,
            {"leeds customer": -2, "leeds quality_control": 1, "london quality_control": 1},
        ),
    ],
)
def test_where_returned_units_are(
    restocked: Mapping[str, int],
    handled: Mapping[str, Handled],
    trusted: bool,
    expected: dict[str, int],
) -> None:
    assert where(restocked, handled, trusted=trusted) == expected


UNITS = st.integers(0, 4)
HANDLED = st.builds(Handled, UNITS, UNITS, UNITS, UNITS)
LOCATIONS = st.sampled_from(["leeds", "london", "york"])


@given(
    st.dictionaries(LOCATIONS, UNITS, max_size=3),
    st.dictionaries(LOCATIONS, HANDLED, max_size=3),
    st.booleans(),
)
def test_every_unit_is_somewhere_once(
    restocked: dict[str, int], handled: dict[str, Handled], trusted: bool
) -> None:
    """Goal: units are the more of what both sides told, none is anywhere a negative number of times, and what an
    inspection found is where it put it."""
    found = position("leeds", restocked, handled, trusted=trusted)
    told, seen = sum(restocked.values()), sum(each.seen for each in handled.values())
    assert found.total() == 0
    assert -found["leeds", State.CUSTOMER] == max(told, seen)
    assert min((n for (_, state), n in found.items() if state is not State.CUSTOMER), default=0) >= 0
    for location, each in handled.items():
        assert found[location, State.DAMAGED] == each.damaged
        assert found[location, State.SHRINKAGE] == each.lost
        assert found[location, State.AVAILABLE] >= each.sellable
    if not trusted:
        sellable = sum(n for (_, state), n in found.items() if state is State.AVAILABLE)
        assert sellable == sum(each.sellable for each in handled.values())


def line(fulfilled: int, returned: int = 0, open_: int = 0, **more: object) -> OrderLine:
    kept = OrderLine("1", "MUG", "leeds", open_, fulfilled, 7, "L1", returned=returned)
    return replace(kept, **more)


def snapshot(version: int, *lines: OrderLine) -> OrderSnapshot:
    return OrderSnapshot("shopify", "1001", version, NOON, lines)


def test_a_refund_after_fulfilment_is_a_return_of_the_difference() -> None:
    """Goal: shipped, then one of two put back, then the other: two events of one unit each, and the same again none."""
    posted = taken_by(snapshot(1, line(2)), NOTHING_POSTED)
    for version, back in ((2, 1), (3, 2)):
        now = snapshot(version, line(2 - back, back))
        (event,) = events_of(now, posted)
        assert (event.kind, event.external_id) == (EventKind.RETURN, f"1001@{version}/return")
        assert event.entries == (
            Entry("MUG", "leeds", State.AVAILABLE, 1),
            Entry("MUG", "leeds", State.CUSTOMER, -1),
        )
        assert sales_of(now, posted) == (Sale(7, "L1", -1, NOON, EPOCH),)
        posted = taken_by(now, posted)
        assert events_of(now, posted) == ()


def test_an_order_first_heard_of_after_its_return_tells_of_all_of_it() -> None:
    events = events_of(snapshot(9, line(1, 1, trusted=False)), NOTHING_POSTED)
    moved: Counter[State] = Counter()
    for event in events:
        for entry in event.entries:
            moved[entry.state] += entry.quantity
    assert [event.kind for event in events] == [EventKind.ORDER, EventKind.FULFILMENT, EventKind.RETURN]
    assert moved == {State.AVAILABLE: -2, State.COMMITTED: 0, State.CUSTOMER: 1, State.QUALITY_CONTROL: 1}


def test_put_back_elsewhere_it_is_there() -> None:
    """Goal: the level of the place it came back to rises, and the stock of that place's location."""
    posted = taken_by(snapshot(1, line(2)), NOTHING_POSTED)
    now = snapshot(2, line(1, 1, elsewhere=(("L2", "london", 1),)))
    (event,) = events_of(now, posted)
    assert event.entries == (
        Entry("MUG", "leeds", State.CUSTOMER, -1),
        Entry("MUG", "london", State.AVAILABLE, 1),
    )
    assert sales_of(now, posted) == (Sale(7, "L2", -1, NOON, EPOCH),)


@pytest.mark.parametrize(("trusted", "expected"), [(True, set()), (False, {"MUG"})])
def test_what_waits_for_inspection_is_taken_off_what_the_channel_shows(
    trusted: bool, expected: set[str]
) -> None:
    """Goal: the channel raised its level by itself, and nobody else would say that it should not have."""
    posted = taken_by(snapshot(1, line(2)), NOTHING_POSTED)
    now = snapshot(2, line(1, 1, trusted=trusted))
    assert untold(now, posted, events_of(now, posted)) == expected


def test_a_policy_that_changes_moves_nothing_that_is_back_already() -> None:
    posted = taken_by(snapshot(1, line(1, 1, trusted=False)), NOTHING_POSTED)
    (kept,) = placed(snapshot(2, line(0, 2, trusted=True)), posted).lines
    assert not kept.trusted
    (new,) = placed(
        snapshot(2, line(0, 2, trusted=True)), taken_by(snapshot(1, line(2)), NOTHING_POSTED)
    ).lines
    assert new.trusted


def test_a_line_that_names_another_sku_takes_its_return_along() -> None:
    """Goal: what came back of the one is undone, what came back of the other is there; what was seen of it stays."""
    posted = PostedOrder(1, {"1": line(0, 1)}, {"1": {("MUG", "leeds"): Handled(1, 1)}})
    events = events_of(snapshot(2, replace(line(0, 1), sku="CUP")), posted)
    back = next(event for event in events if event.kind is EventKind.RETURN)
    assert back.entries == (
        Entry("CUP", "leeds", State.AVAILABLE, 1),
        Entry("CUP", "leeds", State.CUSTOMER, -1),
    )


Said = OrderSnapshot | ReturnStatement


def stated(number: int, quantity: int, location: str, outcome: Outcome | None) -> ReturnStatement:
    return ReturnStatement(
        "wms", str(number), "MUG", location, quantity, NOON, outcome, "shopify", "1001", "1"
    )


@st.composite
def said(draw: st.DrawFn) -> tuple[list[OrderSnapshot], list[ReturnStatement]]:
    """All that is told of one line: its snapshots, as it is shipped and put back; and parcels, seen and inspected."""
    trusted = draw(st.booleans())
    states, fulfilled, returned = [], 0, 0
    for version in range(draw(st.integers(1, 5))):
        fulfilled += draw(st.integers(0, 3))
        back = draw(st.integers(0, fulfilled))
        fulfilled, returned = fulfilled - back, returned + back
        away = draw(st.integers(0, returned))
        elsewhere = (("L2", "london", away),) if away else ()
        states.append(snapshot(version, line(fulfilled, returned, elsewhere=elsewhere, trusted=trusted)))
    parcels = draw(
        st.lists(st.tuples(st.integers(1, 3), LOCATIONS, st.sampled_from([None, *Outcome])), max_size=5)
    )
    return states, [stated(n, *each) for n, each in enumerate(parcels)]


def fold(arrived: Sequence[Said]) -> tuple[Place, Counter[tuple[int, str]]]:
    """What the ledger and the books hold after all of this arrived in this order."""
    units: Counter[tuple[str, State]] = Counter()
    sold: Counter[tuple[int, str]] = Counter()
    posted = NOTHING_POSTED
    for each in arrived:
        if isinstance(each, OrderSnapshot):
            each = placed(each, posted)
            events = events_of(each, posted)
            entries = [entry for event in events for entry in event.entries]
            for sale in sales_of(each, posted):
                sold[sale.listing_id, sale.place] += sale.pieces
            posted = taken_by(each, posted)
        else:
            before = posted.returns_of("1", "MUG")
            shelf = ("MUG", each.location)
            of_line = dict(posted.handled.get("1", {}))
            of_line[shelf] = of_line.get(shelf, NOT_HANDLED).plus(each.quantity, each.outcome)
            posted = replace(posted, handled={"1": of_line})
            entries = list(moves("MUG", before, posted.returns_of("1", "MUG")))
        for entry in entries:
            units[entry.location, entry.state] += entry.quantity
    return {key: n for key, n in units.items() if n}, sold


@given(said(), st.data())
def test_delivery_decides_nothing(
    told: tuple[list[OrderSnapshot], list[ReturnStatement]], data: st.DataObject
) -> None:
    """Goal: a channel's snapshots (lost, doubled, late) and a warehouse's words may come in any order: every unit ends
    where it would if the newest snapshot had come first and everything else after it.

    The first word is the order's: of an order that is not known nothing can be stated.
    """
    states, parcels = told
    late = data.draw(st.lists(st.sampled_from(states), max_size=6), label="late")
    first, *rest = data.draw(st.permutations([*late, states[-1]]), label="snapshots")
    mixed = data.draw(st.permutations([*rest, *parcels]), label="mixed")
    arrived, expected = [first, *mixed], [states[-1], *parcels]

    units, sold = fold(arrived)
    assert units == fold(expected)[0]
    assert {level: n for level, n in sold.items() if n} == {
        level: n for level, n in fold(expected)[1].items() if n
    }


def test_a_statement_names_what_it_is_of() -> None:
    event = returns.event_of(stated(3, 2, "york", Outcome.DAMAGED), ())
    assert (event.kind, event.external_id, event.detail) == (
        EventKind.INSPECTION,
        "3",
        {"channel": "shopify", "order": "1001", "line": "1", "outcome": "damaged"},
    )


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, ((State.CUSTOMER, -2), (State.QUALITY_CONTROL, 2))),
        (Outcome.SELLABLE, ((State.QUALITY_CONTROL, -2), (State.AVAILABLE, 2))),
        (Outcome.DAMAGED, ((State.QUALITY_CONTROL, -2), (State.DAMAGED, 2))),
        (Outcome.LOST, ((State.QUALITY_CONTROL, -2), (State.SHRINKAGE, 2))),
    ],
)
def test_without_an_order_units_go_straight(
    outcome: Outcome | None, expected: tuple[tuple[State, int], ...]
) -> None:
    one = ReturnStatement("wms", "1", "MUG", "leeds", 2, NOON, outcome)
    assert tuple((entry.state, entry.quantity) for entry in returns.unordered(one)) == expected


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"quantity": 0}, "return takes 1 to 1000000000 units, 0 was given"),
        ({"quantity": -1, "outcome": Outcome.LOST}, "inspection takes 1 to 1000000000 units, -1 was given"),
        ({"channel": "shopify"}, "a returned unit is of an order on a channel: give both of them, or none"),
        ({"order_id": "7"}, "a returned unit is of an order on a channel: give both of them, or none"),
        ({"line_id": "1"}, "line 1 is of no order: give the order, too"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, object], words: str) -> None:
    given = {"quantity": 1, **more}
    with pytest.raises(ReturnRefusedError) as refusal:
        ReturnStatement("wms", "1", "MUG", "leeds", occurred_at=NOON, **given)
    assert str(refusal.value) == words
