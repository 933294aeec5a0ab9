"""Orders of kits: they take their components, by what each kit was packed from when its line came."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Entry, EventKind
from onhand.domain.kits import Composition, composition_of
from onhand.domain.orders import (
    NOTHING_POSTED,
    OrderLine,
    OrderSnapshot,
    PostedOrder,
    composed,
    contradicts,
    events_of,
    sales_of,
    taken_by,
    untold,
)
from onhand.domain.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIR = composition_of({"MUG": 2, "TIN": 1})
LARGER = composition_of({"MUG": 3, "CARD": 1})
KITS = {"PAIR": PAIR, "BOX": composition_of({"TIN": 4})}
Moved = Counter[tuple[str, State]]


def snapshot(*lines: OrderLine, version: int = 1) -> OrderSnapshot:
    return OrderSnapshot("web", "7", version, NOON, lines)


def line(line_id: str, sku: str, open_: int, fulfilled: int = 0, listing: int | None = None) -> OrderLine:
    return OrderLine(line_id, sku, "leeds", open_, fulfilled, listing)


def deliver(
    snapshots: Sequence[OrderSnapshot], kits: Sequence[Mapping[str, Composition]]
) -> tuple[PostedOrder, Moved]:
    """What is posted once these came, each while kits were composed so, and the units it moved."""
    posted, moved = NOTHING_POSTED, Moved()
    for each, known in zip(snapshots, kits, strict=True):
        now = composed(each, posted, known)
        for event in events_of(now, posted):
            for entry in event.entries:
                moved[entry.sku, entry.state] += entry.quantity
        posted = taken_by(now, posted)
    return posted, Moved({key: units for key, units in moved.items() if units})


def test_an_order_of_a_kit_takes_its_components_and_nothing_of_itself() -> None:
    now = composed(snapshot(line("1", "PAIR", 3, 1)), NOTHING_POSTED, KITS)
    ordered, shipped = events_of(now, NOTHING_POSTED)
    assert (ordered.kind, ordered.entries) == (
        EventKind.ORDER,
        (
            Entry("MUG", "leeds", State.AVAILABLE, -8),
            Entry("MUG", "leeds", State.COMMITTED, 8),
            Entry("TIN", "leeds", State.AVAILABLE, -4),
            Entry("TIN", "leeds", State.COMMITTED, 4),
        ),
    )
    assert (shipped.kind, shipped.entries) == (
        EventKind.FULFILMENT,
        (
            Entry("MUG", "leeds", State.COMMITTED, -2),
            Entry("MUG", "leeds", State.CUSTOMER, 2),
            Entry("TIN", "leeds", State.COMMITTED, -1),
            Entry("TIN", "leeds", State.CUSTOMER, 1),
        ),
    )


def test_kits_that_share_a_component_and_the_component_alone_are_one_order() -> None:
    """Goal: one event takes all of it; each line is known by itself."""
    lines = (line("1", "PAIR", 1), line("2", "BOX", 2), line("3", "TIN", 5))
    now = composed(snapshot(*lines), NOTHING_POSTED, KITS)
    (event,) = events_of(now, NOTHING_POSTED)
    taken: Counter[str] = Counter()
    for entry in event.entries:
        if entry.state is State.AVAILABLE:
            taken[entry.sku] -= entry.quantity
    assert taken == {"MUG": 2, "TIN": 1 + 8 + 5}


def test_a_line_keeps_what_its_kit_was_packed_from() -> None:
    """Goal: a kit that is changed later changes no open order: shipping and cancelling move what was taken."""
    steps = [
        snapshot(line("1", "PAIR", 2), version=1),
        snapshot(line("1", "PAIR", 1, 1), version=2),
        snapshot(line("1", "PAIR", 0, 1), version=3),
    ]
    posted, moved = deliver(steps, [KITS, {"PAIR": LARGER}, {}])
    assert posted.lines["1"].composition == PAIR
    assert moved == {
        ("MUG", State.AVAILABLE): -2,
        ("MUG", State.CUSTOMER): 2,
        ("TIN", State.AVAILABLE): -1,
        ("TIN", State.CUSTOMER): 1,
    }


def test_a_line_that_came_after_the_change_is_packed_as_the_kit_is_then() -> None:
    steps = [
        snapshot(line("1", "PAIR", 1), version=1),
        snapshot(line("1", "PAIR", 1), line("2", "PAIR", 1), version=2),
    ]
    posted, moved = deliver(steps, [KITS, {"PAIR": LARGER}])
    assert [posted.lines[n].composition for n in "12"] == [PAIR, LARGER]
    assert moved["MUG", State.COMMITTED] == 5
    assert (moved["TIN", State.COMMITTED], moved["CARD", State.COMMITTED]) == (1, 1)


def test_a_line_of_which_nothing_is_held_is_packed_anew() -> None:
    """Goal: cancelled and then ordered again is a new order of the kit as it is now."""
    steps = [
        snapshot(line("1", "PAIR", 2), version=1),
        snapshot(line("1", "PAIR", 0), version=2),
        snapshot(line("1", "PAIR", 1), version=3),
    ]
    posted, moved = deliver(steps, [KITS, KITS, {"PAIR": LARGER}])
    assert posted.lines["1"].composition == LARGER
    assert moved == {
        ("MUG", State.AVAILABLE): -3,
        ("MUG", State.COMMITTED): 3,
        ("CARD", State.AVAILABLE): -1,
        ("CARD", State.COMMITTED): 1,
    }


def test_the_channels_book_falls_by_pieces_of_the_kit() -> None:
    now = composed(snapshot(line("1", "PAIR", 3, listing=9)), NOTHING_POSTED, KITS)
    assert [(sale.listing_id, sale.pieces) for sale in sales_of(now, NOTHING_POSTED)] == [(9, 3)]


def test_a_duplicate_does_not_contradict_once_its_kits_are_known() -> None:
    first = snapshot(line("1", "PAIR", 3))
    posted = taken_by(composed(first, NOTHING_POSTED, KITS), NOTHING_POSTED)
    assert not contradicts(composed(first, posted, {"PAIR": LARGER}), posted)
    assert contradicts(composed(snapshot(line("1", "PAIR", 4)), posted, KITS), posted)


def refunded(*, trusted: bool) -> tuple[OrderSnapshot, PostedOrder]:
    """Of two pairs that were shipped one is refunded and restocked: what is told then, and what is posted before."""
    shipped = composed(snapshot(line("1", "PAIR", 0, 2, listing=9)), NOTHING_POSTED, KITS)
    told = replace(line("1", "PAIR", 0, 1, listing=9), returned=1, trusted=trusted)
    posted = taken_by(shipped, NOTHING_POSTED)
    return composed(snapshot(told, version=2), posted, {"PAIR": LARGER}), posted


@pytest.mark.parametrize(("trusted", "state"), [(True, State.AVAILABLE), (False, State.QUALITY_CONTROL)])
def test_components_come_back_as_they_left(trusted: bool, state: State) -> None:
    """Goal: of what the line's kit was packed from, whatever it is packed from by now; told again it is no news."""
    now, posted = refunded(trusted=trusted)
    (event,) = events_of(now, posted)
    assert event.kind is EventKind.RETURN
    assert {(entry.sku, entry.state, entry.quantity) for entry in event.entries} == {
        ("MUG", State.CUSTOMER, -2), ("MUG", state, 2), ("TIN", State.CUSTOMER, -1), ("TIN", state, 1),
    }  # fmt: skip
    assert not contradicts(now, taken_by(now, posted))


def test_a_kit_that_is_shown_again_and_waits_is_looked_at() -> None:
    """Goal: the channel put it back on its own level, and no event makes anything of it sellable."""
    now, posted = refunded(trusted=False)
    assert untold(now, posted, events_of(now, posted)) == {"PAIR"}
    now, posted = refunded(trusted=True)
    assert untold(now, posted, events_of(now, posted)) == set()


lines = st.builds(
    OrderLine,
    line_id=st.sampled_from("123"),
    sku=st.sampled_from(["PAIR", "BOX", "TIN", "MUG"]),
    location=st.sampled_from(["leeds", "york"]),
    open=st.integers(0, 4),
    fulfilled=st.integers(0, 3),
    returned=st.integers(0, 2),
)
histories = st.lists(
    st.lists(lines, max_size=3, unique_by=lambda each: each.line_id), min_size=1, max_size=5
).map(lambda versions: [snapshot(*each, version=n) for n, each in enumerate(versions, 1)])


@given(histories, st.data())
def test_delivery_decides_nothing(history: list[OrderSnapshot], data: st.DataObject) -> None:
    """Goal: shuffled, doubled and lost snapshots end where the newest alone does, kits and components together."""
    some = data.draw(st.lists(st.sampled_from(history), max_size=8))
    arrived = data.draw(st.permutations([*some, history[-1]]))
    _, moved = deliver(arrived, [KITS] * len(arrived))
    _, alone = deliver([history[-1]], [KITS])
    assert moved == alone


@given(histories, st.lists(st.sampled_from([KITS, {"PAIR": LARGER}, {}]), min_size=5, max_size=5))
def test_whatever_becomes_of_kits_what_is_held_is_what_was_taken(
    history: list[OrderSnapshot], kits: list[Mapping[str, Composition]]
) -> None:
    """Goal: after any changes of the kits, what is posted is the fold of the remembered lines; and an order that is
    cancelled gives back all that it took."""
    posted, moved = deliver(history, kits[: len(history)])
    held = Moved()
    for each in posted.lines.values():
        for part in each.stocked:
            held[part.sku, State.AVAILABLE] -= (each.open + each.fulfilled) * part.quantity
            held[part.sku, State.COMMITTED] += each.open * part.quantity
            held[part.sku, State.CUSTOMER] += each.fulfilled * part.quantity
    assert moved == Moved({key: units for key, units in held.items() if units})
    nothing = replace(snapshot(), version=99)
    assert deliver([*history, nothing], [*kits[: len(history)], {}])[1] == {}
