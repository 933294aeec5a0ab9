"""Purchase orders: every statement is balanced, and where an order stands is the sum of what was stated."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import Event, EventKind
from onhand.domain.purchase_orders import (
    Closing,
    Delivery,
    LineChange,
    LineState,
    OrderState,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderRefusedError,
    closing,
    commitment,
    delivery,
    explained,
)
from onhand.domain.states import State

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DUE = date(2026, 12, 10)
END = Closing("operator", "end", "PO-1", NOW, "gone")


def order(*lines: tuple[str, int], code: str = "PO-1") -> PurchaseOrder:
    return PurchaseOrder("operator", code, "Acme", "leeds", lines, NOW, DUE)


def came(*lines: tuple[str, int], number: str = "d1") -> Delivery:
    return Delivery("operator", number, "PO-1", lines, NOW)


def state(*lines: LineState) -> OrderState:
    return OrderState("PO-1", "Acme", "leeds", NOW, DUE, lines, 1)


def moved(event: Event) -> dict[tuple[str, State], int]:
    """Units by SKU and state, all at the order's location."""
    assert {entry.location for entry in event.entries} == {"leeds"}
    return {(entry.sku, entry.state): entry.quantity for entry in event.entries}


def test_an_order_that_is_placed_is_incoming() -> None:
    stated = commitment(order(("A", 12), ("B", 5)))
    assert (stated.event.kind, stated.event.external_id) == (EventKind.PURCHASE_ORDER, "purchase-order/PO-1")
    assert moved(stated.event) == {
        ("A", State.SUPPLIER): -12,
        ("A", State.INCOMING): 12,
        ("B", State.SUPPLIER): -5,
        ("B", State.INCOMING): 5,
    }
    assert stated.changes == (LineChange("A", ordered=12), LineChange("B", ordered=5))
    assert stated.event.detail == {"purchase_order": "PO-1", "supplier": "Acme", "due": "2026-12-10"}


def test_part_of_it_comes() -> None:
    stated = delivery(came(("A", 5)), state(LineState("A", 12), LineState("B", 5)))
    assert stated.event.kind is EventKind.RECEIPT
    assert moved(stated.event) == {("A", State.INCOMING): -5, ("A", State.AVAILABLE): 5}


def test_what_is_beyond_the_order_comes_from_the_supplier() -> None:
    """Goal: incoming never goes below what is still to come, and the excess can be sold all the same."""
    stated = delivery(came(("A", 9)), state(LineState("A", 12, received=5)))
    assert moved(stated.event) == {
        ("A", State.INCOMING): -7,
        ("A", State.SUPPLIER): -2,
        ("A", State.AVAILABLE): 9,
    }
    assert explained(LineState("A", 12, received=14)) == "2 more than expected: taken in all the same"


def test_a_receipt_stated_too_high_is_taken_back() -> None:
    """Goal: first what was beyond the order, then what is expected again."""
    stated = delivery(came(("A", -9)), state(LineState("A", 12, received=14)))
    assert moved(stated.event) == {
        ("A", State.INCOMING): 7,
        ("A", State.SUPPLIER): 2,
        ("A", State.AVAILABLE): -9,
    }
    with pytest.raises(PurchaseOrderRefusedError, match=r"15 of A cannot be taken back .*: 14 came on it"):
        delivery(came(("A", -15)), state(LineState("A", 12, received=14)))


def test_closing_gives_the_rest_back() -> None:
    stated = closing(END, state(LineState("A", 12, received=5), LineState("B", 5, 5)))
    assert stated is not None
    assert stated.event.kind is EventKind.PURCHASE_ORDER
    assert moved(stated.event) == {("A", State.INCOMING): -7, ("A", State.SUPPLIER): 7}
    assert stated.changes == (LineChange("A", closed=7),)
    assert closing(END, state(LineState("A", 12, 5, 7))) is None
    assert explained(LineState("A", 12, 5, 7)) == "7 short: given up when the order was closed"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((LineState("A", 12), LineState("B", 5)), OrderStatus.OPEN),
        ((LineState("A", 12), LineState("B", 5, 5)), OrderStatus.PARTIAL),
        ((LineState("A", 12, 13), LineState("B", 5, 5)), OrderStatus.RECEIVED),
        ((LineState("A", 12, 5, 7), LineState("B", 5, 5)), OrderStatus.CLOSED),
    ],
)
def test_one_word_says_where_it_stands(lines: tuple[LineState, ...], status: OrderStatus) -> None:
    found = state(*lines)
    assert found.status is status
    open_ = status in (OrderStatus.OPEN, OrderStatus.PARTIAL)
    assert found.late_days(date(2026, 12, 13)) == (3 if open_ else 0)
    assert found.late_days(DUE) == 0


@given(st.lists(st.one_of(st.integers(-30, 60), st.just("close")), max_size=12))
def test_whatever_is_stated_incoming_is_what_is_to_come(steps: list[int | str]) -> None:
    """Goal: over any deliveries, corrections and closings the entries add up to the state, never to less than 0."""
    line = LineState("A", 40)
    balance = Counter({State.SUPPLIER: -40, State.INCOMING: 40})
    for number, step in enumerate(steps):
        if step == "close":
            stated = closing(END, state(line))
        else:
            try:
                stated = delivery(came(("A", int(step)), number=str(number)), state(line))
            except PurchaseOrderRefusedError:
                stated = None
        if stated is None:
            continue
        for entry in stated.event.entries:
            balance[entry.state] += entry.quantity
        (change,) = stated.changes
        line = LineState("A", 40, line.received + change.received, line.closed + change.closed)
        assert balance[State.INCOMING] == line.open >= 0
        assert balance[State.AVAILABLE] == line.received >= 0
        assert balance[State.SUPPLIER] == -line.open - line.received
        assert 0 <= line.closed <= 40


def test_the_same_order_is_known_again_and_another_is_not() -> None:
    """Goal: neither the order of its lines nor a due day that nobody stated makes it another."""
    prints = [
        commitment(each).event.fingerprint
        for each in (
            order(("A", 1), ("B", 2)),
            order(("B", 2), ("A", 1)),
            order(("A", 1), ("B", 3)),
        )
    ]
    assert prints[0] == prints[1] != prints[2]
    usual = [
        PurchaseOrder("operator", "PO-1", "Acme", "leeds", (("A", 1),), NOW, day, due_stated=False)
        for day in (DUE, date(2026, 12, 11))
    ]
    assert len({commitment(each).event.fingerprint for each in usual}) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "purchase order PO-1 has 0 lines; accepted: 1 to 1,000"),
        ((("A", 0),), "purchase order PO-1 has 0 units of A; accepted: 1 to 1,000,000,000"),
        ((("A", 1), ("A", 2)), "purchase order PO-1 names A twice; add the units up to one line"),
    ],
)
def test_an_impossible_order_is_refused(lines: tuple[tuple[str, int], ...], said: str) -> None:
    with pytest.raises(PurchaseOrderRefusedError, match=said):
        commitment(order(*lines))


def test_other_impossible_statements_are_refused() -> None:
    with pytest.raises(PurchaseOrderRefusedError, match="cannot name a purchase order"):
        commitment(order(("A", 1), code="a\nb"))
    with pytest.raises(PurchaseOrderRefusedError, match="has no SKU C; it has A, B"):
        delivery(came(("C", 1)), state(LineState("A", 1), LineState("B", 1)))
    with pytest.raises(PurchaseOrderRefusedError, match="0 units of A on purchase order PO-1"):
        delivery(came(("A", 0)), state(LineState("A", 1)))
    early = PurchaseOrder("operator", "PO-1", "Acme", "leeds", (("A", 1),), NOW, date(2026, 11, 25))
    with pytest.raises(PurchaseOrderRefusedError, match="is due on 2026-11-25, before it is ordered"):
        commitment(early)
