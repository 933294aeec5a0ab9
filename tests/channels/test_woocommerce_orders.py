"""WooCommerce's orders reduced: what each line holds, and which of two states is the newer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.channels.woocommerce.order_versions import RANKS, SETTLED, progress
from onhand.channels.woocommerce.orders import channel_order
from onhand.domain.sales import ChannelOrder, OrderRefusedError, SoldLine, version_of

SECOND = datetime(2026, 11, 2, 10, tzinfo=UTC)

Counts = list[tuple[str, int, int]]


def line(number: int, quantity: int, product: int = 11, variation: int = 0, **notes: Any) -> dict[str, Any]:
    """A line; notes by `reduced` and `restocked`, among metas of others."""
    keys = {"reduced": "_reduced_stock", "restocked": "_restock_refunded_items"}
    metas = [{"id": 1, "key": "pa_size", "value": "S"}]
    metas += [{"id": 2, "key": keys[name], "value": value} for name, value in notes.items()]
    return {
        "id": number,
        "product_id": product,
        "variation_id": variation,
        "quantity": quantity,
        "sku": "A-1",
        "meta_data": metas,
    }


def row(status: str, *lines: dict[str, Any], second: int = 0, **more: Any) -> dict[str, Any]:
    moment = (SECOND + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": 450,
        "status": status,
        "date_created_gmt": "2026-11-02T09:59:58",
        "date_modified_gmt": moment,
        "line_items": list(lines),
        **more,
    }


def counts(order: ChannelOrder) -> Counts:
    return [(each.line_id, each.open, each.fulfilled) for each in order.lines]


def test_an_order_is_its_lines_and_times() -> None:
    """Goal: variations are named by their own id, products by theirs; a deleted product by nothing."""
    lines = (
        line(1, 3, reduced="3"),
        line(2, 2, variation=21, reduced="2"),
        {**line(3, 1, product=0, reduced="1"), "sku": ""},
    )
    order = channel_order(row("processing", *lines))
    assert order.lines == (
        SoldLine("1", ("11",), "A-1", 3, 0),
        SoldLine("2", ("21",), "A-1", 2, 0),
        SoldLine("3", (), "", 1, 0),
    )
    assert order.order_id == "450"
    assert order.placed_at == datetime(2026, 11, 2, 9, 59, 58, tzinfo=UTC)
    assert order.updated_at == SECOND


DONE = {"date_completed_gmt": "2026-11-02T10:00:00"}


@pytest.mark.parametrize(
    ("status", "more", "open_", "fulfilled"),
    [
        ("pending", {}, 3, 0),
        ("processing", {}, 3, 0),
        ("on-hold", {}, 3, 0),
        ("packed", {}, 3, 0),
        ("processing", DONE, 3, 0),
        ("completed", DONE, 0, 3),
        ("completed", {}, 0, 3),
        ("refunded", {}, 3, 0),
        ("refunded", DONE, 0, 3),
        ("failed", {}, 3, 0),
        ("failed", DONE, 0, 3),
        ("cancelled", {}, 3, 0),
        ("trash", {}, 3, 0),
        ("trash", DONE, 0, 3),
    ],
)
def test_a_note_counts_whatever_the_status(
    status: str, more: dict[str, Any], open_: int, fulfilled: int
) -> None:
    """Goal: what the shop has taken off its number is taken; it is gone once the order was completed."""
    order = channel_order(row(status, line(1, 9, reduced="3"), **more))
    assert counts(order) == [("1", open_, fulfilled)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("checkout-draft", []),
        ("pending", []),
        ("failed", []),
        ("cancelled", []),
        ("trash", []),
        ("packed", []),
        ("processing", [("1", 4, 0), ("2", 1, 0)]),
        ("on-hold", [("1", 4, 0), ("2", 1, 0)]),
        ("completed", [("1", 0, 4), ("2", 0, 1)]),
        ("refunded", [("1", 4, 0), ("2", 1, 0)]),
    ],
)
def test_without_any_note_paid_orders_count_their_quantities(status: str, expected: Counts) -> None:
    """Goal: a shop that hides its notes oversells nothing; an order that was never paid takes nothing."""
    assert counts(channel_order(row(status, line(1, 4), line(2, 1)))) == expected


def test_hidden_notes_less_what_is_known_to_be_put_back() -> None:
    """Goal: a tally of restocked pieces lowers the quantity only where the note, which is net of it, is missing."""
    assert counts(channel_order(row("completed", line(1, 4, restocked="3")))) == [("1", 0, 1)]
    assert counts(channel_order(row("completed", line(1, 4, restocked="5")))) == [("1", 0, 0)]
    assert counts(channel_order(row("completed", line(1, 4, reduced="1", restocked="3")))) == [("1", 0, 1)]


@pytest.mark.parametrize(
    ("status", "more", "told", "expected"),
    [
        ("processing", {}, line(1, 4, reduced="3", restocked="1"), []),
        ("completed", DONE, line(1, 4, reduced="4"), [0]),
        ("completed", DONE, line(1, 4, reduced="3", restocked="1"), [1]),
        ("refunded", DONE, line(1, 4, reduced="0", restocked="4"), [4]),
        ("refunded", {}, line(1, 4, reduced="0", restocked="4"), []),
        ("completed", DONE, line(1, 4, restocked="9"), [4]),
        # Its notes are taken off as it is cancelled: what has none any more is back.
        ("cancelled", DONE, line(1, 4), [4]),
        ("cancelled", DONE, line(1, 4, reduced="4"), [0]),
        ("cancelled", {}, line(1, 4), []),
    ],
)
def test_what_came_back_of_a_completed_order(
    status: str, more: dict[str, Any], told: dict[str, Any], expected: list[int]
) -> None:
    """Goal: what a shop puts back after it shipped is a return; of an order that was never completed nothing is."""
    order = channel_order(row(status, told, **more))
    assert [each.returned for each in order.lines if each.returned or each.fulfilled] == expected


def test_where_notes_are_seen_a_line_without_one_took_nothing() -> None:
    """Goal: a service beside goods is not counted."""
    assert counts(channel_order(row("processing", line(1, 4, reduced="4"), line(2, 1)))) == [("1", 4, 0)]
    assert counts(channel_order(row("processing", line(1, 4, reduced="0"), line(2, 1)))) == []


@pytest.mark.parametrize(
    ("value", "pieces"),
    [("3", 3), (3, 3), (3.0, 3), ("2.5", 3), (0, 0), ("0", 0), ("", 0), (None, 0), ("-1", 0), (-1, 0)],
)
def test_what_a_note_may_hold(value: Any, pieces: int) -> None:
    """Goal: numbers and texts alike; parts of a piece round up, and what was put back beyond is nothing."""
    order = channel_order(row("processing", line(1, 9, reduced=value)))
    assert counts(order) == ([("1", pieces, 0)] if pieces else [])


@pytest.mark.parametrize("value", ["many", True, "NaN", "Infinity", [3]])
def test_what_is_no_number_of_pieces_is_refused(value: Any) -> None:
    """Goal: an impossible quantity is told with its order and line, not guessed at."""
    with pytest.raises(OrderRefusedError, match=r"order 450, line 1: .* is no number of pieces"):
        channel_order(row("processing", line(1, 9, reduced=value)))


@pytest.mark.parametrize("number", [None, "450", 0, -1, True, 4.5])
def test_an_order_without_an_id_is_refused(number: Any) -> None:
    """Goal: nothing is posted under a made-up id."""
    with pytest.raises(OrderRefusedError, match="an order has a positive number as its id"):
        channel_order({**row("processing"), "id": number})


# Versions


def test_progress_stays_below_half_a_second_and_in_order() -> None:
    """Goal: no state is taken for one of the next second, or for a settled one."""
    assert progress("pending", 0, 10_000) == 50_000
    assert max(progress(status, 10_000, 0) for status in RANKS) == SETTLED - 1
    later = channel_order(row("pending", second=1)).version
    assert channel_order(row("trash"), settled=True).version < later
    assert channel_order(row("trash")).version < channel_order(row("pending"), settled=True).version


@dataclass
class Shop:
    """WooCommerce's own bookkeeping of one order, in small; it tells the order after every change."""

    quantities: list[int]
    status: str = "pending"
    second: int = 0
    completed: bool = False
    notes: dict[int, int] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self) -> None:
        lines = [
            line(at, quantity, **({"reduced": str(self.notes[at])} if at in self.notes else {}))
            for at, quantity in enumerate(self.quantities)
        ]
        more = {"date_completed_gmt": "2026-11-02T10:00:00"} if self.completed else {}
        self.told.append(row(self.status, *lines, second=self.second, **more))

    def pay(self) -> None:
        self.status = "processing"
        self.tell()
        for at, quantity in enumerate(self.quantities):
            self.notes[at] = quantity
            self.tell()

    def complete(self) -> None:
        self.status, self.completed = "completed", True
        self.tell()

    def restock(self) -> None:
        at = max(self.notes, key=lambda one: self.notes[one])
        self.notes[at] = max(0, self.notes[at] - 1)
        self.tell()

    def refund(self) -> None:
        self.status = "refunded"
        self.tell()

    def cancel(self) -> None:
        self.status = "cancelled"
        self.tell()
        for at in list(self.notes):
            del self.notes[at]
            self.tell()


LIVES = st.sampled_from(
    [
        ("pay",),
        ("pay", "cancel"),
        ("cancel",),
        ("pay", "complete"),
        ("pay", "restock", "complete", "restock", "restock", "refund"),
        ("pay", "complete", "refund"),
        ("pay", "restock", "cancel"),
    ]
)


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What a shop told of one order, oldest first; some changes share their second, some do not."""
    shop = Shop(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    shop.tell()
    for step in draw(LIVES):
        shop.second += draw(st.integers(0, 1))
        getattr(shop, step)()
    return shop.told


def kept(arrived: Sequence[ChannelOrder]) -> tuple[SoldLine, ...]:
    """What the ledger holds after these arrived, by its rule: a version must be greater than the last one taken."""
    version, lines = -1, ()
    for order in arrived:
        if order.version > version:
            version, lines = order.version, order.lines
    return lines


@given(lives(), st.data())
def test_the_newest_state_wins_in_whatever_order_they_arrive(
    told: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Goal: shuffled, doubled and with gaps, the states of one order end in the newest, though seconds are shared."""
    orders = [channel_order(each) for each in told]
    some = data.draw(st.lists(st.sampled_from(orders), max_size=12), label="some")
    arrived = data.draw(st.permutations([*some, orders[-1]]), label="arrived")
    assert kept(arrived) == orders[-1].lines


def test_seconds_alone_would_lose_a_cancellation() -> None:
    """Goal: the negative control of the test above: states that share their second are what it is about."""
    placed = channel_order(row("processing", line(1, 3, reduced="3")))
    cancelled = channel_order(row("cancelled", line(1, 3)))
    assert kept([placed, cancelled]) == kept([cancelled, placed]) == ()
    by_seconds = [replace(order, version=version_of(order.updated_at)) for order in (placed, cancelled)]
    assert kept(by_seconds) == placed.lines


@given(lives())
def test_versions_never_go_back(told: list[dict[str, Any]]) -> None:
    """Goal: a later state never has a lower version, so an older one is always ignored."""
    versions = [channel_order(each).version for each in told]
    assert versions == sorted(versions)


STATUSES = st.sampled_from([*RANKS, "packed"])
ANY_LIFE = st.lists(
    st.tuples(STATUSES, st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=8
)


@given(ANY_LIFE, st.data())
def test_what_a_second_cannot_tell_is_settled_by_a_read(
    life: list[tuple[str, int, int | None]], data: st.DataObject
) -> None:
    """Goal: whatever an order did within one second, also what no shop does, a read after it has the last word."""
    told = [
        row(status, line(1, quantity, **({} if noted is None else {"reduced": noted})))
        for status, quantity, noted in life
    ]
    final = channel_order(told[-1], settled=True)
    arrived = data.draw(st.permutations([*map(channel_order, told), final]), label="arrived")
    assert kept(arrived) == final.lines
    later = channel_order(row("processing", line(1, 2, reduced=2), second=1))
    assert kept([*arrived, later]) == later.lines
