"""Purchase orders on a real Postgres: each statement once, balances equal to where orders stand, races included."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from onhand.domain.purchase_orders import (
    Closing,
    Delivery,
    DueChange,
    LineState,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderRefusedError,
)
from onhand.ledger import purchase_orders, suppliers
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.ledger.suppliers import SuppliedSku, Supplier
from tests.fix_ledger import sql

NOW = datetime.now(UTC)
DUE = NOW.date() + timedelta(days=14)


@pytest.fixture
async def supplied(shop: Pool) -> Pool:
    """The shop with a supplier."""
    await suppliers.save_suppliers(shop, [Supplier("Acme", 14.0, 3.0)])
    return shop


def order(code: str, *lines: tuple[str, int], supplier: str = "Acme", due: date = DUE) -> PurchaseOrder:
    return PurchaseOrder("operator", code, supplier, "leeds", lines, NOW, due)


async def came(pool: Pool, number: str, *lines: tuple[str, int], code: str = "PO-1") -> Verdict:
    stated = await purchase_orders.receive(pool, Delivery("operator", number, code, lines, NOW))
    return stated.posted.verdict


async def ended(pool: Pool, code: str, reason: str = "", number: str = "end") -> purchase_orders.Stated:
    return await purchase_orders.close(pool, Closing("operator", number, code, NOW, reason))


async def put_off(pool: Pool, due: date, number: str = "later", reason: str = "") -> purchase_orders.Stated:
    return await purchase_orders.put_off(pool, DueChange("operator", number, "PO-1", due, NOW, "ann", reason))


async def balances(pool: Pool) -> dict[str, tuple[int, int, int]]:
    """Units available, incoming and on the supplier's side, by SKU."""
    rows = await sql(
        pool,
        "SELECT code, available, incoming, supplier FROM balance JOIN sku ON sku.id = sku_id ORDER BY code",
    )
    return {code: (available, incoming, supplier) for code, available, incoming, supplier in rows}


async def test_an_order_comes_in_parts_and_the_rest_is_given_up(supplied: Pool) -> None:
    assert [
        p.verdict for p in await purchase_orders.place(supplied, [order("PO-1", ("A", 12), ("B", 5))])
    ] == [Verdict.POSTED]
    assert await balances(supplied) == {"A": (0, 12, -12), "B": (0, 5, -5)}

    assert await came(supplied, "d1", ("A", 5), ("B", 7)) is Verdict.POSTED
    assert await balances(supplied) == {"A": (5, 7, -12), "B": (7, 0, -7)}
    (open_,) = await purchase_orders.orders(supplied, only_open=True)
    assert open_.status is OrderStatus.PARTIAL
    assert open_.lines == (LineState("A", 12, 5), LineState("B", 5, 7))

    closed = await ended(supplied, "PO-1", "sold out there")
    assert closed.posted.verdict is Verdict.POSTED
    assert closed.state is not None
    assert closed.state.status is OrderStatus.CLOSED
    assert closed.state.lines[0] == LineState("A", 12, 5, 7)
    assert await balances(supplied) == {"A": (5, 0, -5), "B": (7, 0, -7)}
    assert await purchase_orders.orders(supplied, only_open=True) == []

    events = await purchase_orders.order_events(supplied, "PO-1")
    assert [(event.kind, event.reason) for event in events] == [
        ("purchase_order", ""),
        ("receipt", ""),
        ("purchase_order", "sold out there"),
    ]


async def test_every_statement_counts_once(supplied: Pool) -> None:
    """Goal: said again it is a duplicate, with other content a conflict; nothing moves either way."""
    await purchase_orders.place(supplied, [order("PO-1", ("A", 12))])
    placed = [await purchase_orders.place(supplied, [order("PO-1", ("A", units))]) for units in (12, 13)]
    assert [posted.verdict for (posted,) in placed] == [Verdict.DUPLICATE, Verdict.CONFLICT]
    assert [await came(supplied, "d1", ("A", units)) for units in (12, 12, 11)] == [
        Verdict.POSTED,
        Verdict.DUPLICATE,
        Verdict.CONFLICT,
    ]
    assert await came(supplied, "d2", ("A", -12)) is Verdict.POSTED
    assert await came(supplied, "d2", ("A", -12)) is Verdict.DUPLICATE, (
        "although nothing could be taken back now"
    )
    closed = [await ended(supplied, "PO-1", number=number) for number in ("1", "1", "2")]
    assert [each.posted.verdict for each in closed] == [Verdict.POSTED, Verdict.DUPLICATE, Verdict.UNCHANGED]
    assert await balances(supplied) == {"A": (0, 0, 0)}


async def test_what_is_not_known_is_refused_and_the_others_go_in(supplied: Pool) -> None:
    placed = await purchase_orders.place(
        supplied,
        [order("1", ("A", 1), supplier="Nobody"), order("2", ("A", 1), ("X", 1)), order("3", ("A", 3))],
    )
    assert [posted.verdict for posted in placed] == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.POSTED]
    assert placed[0].message.startswith("there is no supplier 'Nobody': purchase order 1 was not placed.")
    assert [state.code for state in await purchase_orders.orders(supplied)] == ["3"]
    assert await balances(supplied) == {"A": (0, 3, -3)}
    nowhere = await ended(supplied, "9", "")
    assert (nowhere.posted.verdict, nowhere.state) == (Verdict.UNKNOWN, None)


async def test_incoming_units_tell_where_and_when(supplied: Pool) -> None:
    """Goal: the view is the balance, taken apart by order and day."""
    later = DUE + timedelta(days=7)
    await purchase_orders.place(supplied, [order("1", ("A", 10)), order("2", ("A", 4), ("B", 2), due=later)])
    await came(supplied, "d1", ("A", 13), code="1")
    await came(supplied, "d1", ("A", 1), code="2")
    rows = await sql(
        supplied,
        "SELECT s.code, due_on, units FROM incoming_unit JOIN sku s ON s.id = sku_id ORDER BY s.code",
    )
    assert rows == [("A", later, 3), ("B", later, 2)]
    assert await balances(supplied) == {"A": (14, 3, -17), "B": (0, 2, -2)}
    assert [state.code for state in await purchase_orders.orders(supplied, sku="B")] == ["2"]


async def test_an_order_is_put_off_and_no_day_is_forgotten(supplied: Pool) -> None:
    """Goal: the day that was named last holds, wherever what is to come is looked at; nothing moves."""
    later, sooner = DUE + timedelta(days=20), DUE + timedelta(days=3)
    await purchase_orders.place(supplied, [order("PO-1", ("A", 10))])
    for number, day, reason in (("1", later, "ship is late"), ("2", sooner, "")):
        stated = await put_off(supplied, day, number, reason)
        assert (stated.posted.verdict, stated.state and stated.state.due_on) == (Verdict.POSTED, day)
    assert await sql(supplied, "SELECT due_on, units FROM incoming_unit") == [(sooner, 10)]
    assert await balances(supplied) == {"A": (0, 10, -10)}
    placed, *moved = await purchase_orders.order_events(supplied, "PO-1")
    assert (placed.due_on, placed.changes) == (None, (purchase_orders.LineChange("A", ordered=10),))
    assert [(each.due_on, each.stated_by, each.reason, each.changes) for each in moved] == [
        (later, "ann", "ship is late", ()),
        (sooner, "ann", "", ()),
    ]
    assert await sql(supplied, "SELECT due_on FROM purchase_order") == [(DUE,)], (
        "what was agreed at first stays"
    )


async def test_a_due_day_is_stated_once_and_only_of_what_is_to_come(supplied: Pool) -> None:
    later = DUE + timedelta(days=1)
    await purchase_orders.place(supplied, [order("PO-1", ("A", 10))])
    verdicts = [
        (await put_off(supplied, day, number)).posted.verdict
        for number, day in (("1", later), ("1", later), ("1", DUE), ("2", later))
    ]
    assert verdicts == [Verdict.POSTED, Verdict.DUPLICATE, Verdict.CONFLICT, Verdict.UNCHANGED]
    with pytest.raises(PurchaseOrderRefusedError, match="is due on 2020-01-01, before it is ordered"):
        await put_off(supplied, date(2020, 1, 1), "3")
    await came(supplied, "d1", ("A", 10))
    with pytest.raises(PurchaseOrderRefusedError, match="nothing of purchase order PO-1 is still to come"):
        await put_off(supplied, DUE, "4")
    unknown = DueChange("operator", "5", "PO-9", DUE, NOW, "ann")
    assert (await purchase_orders.put_off(supplied, unknown)).posted.verdict is Verdict.UNKNOWN
    assert await sql(supplied, "SELECT count(*) FROM purchase_order_due") == [(1,)]


async def two_deliveries(pool: Pool) -> tuple[int, int, int]:
    """Sixty and sixty of a hundred come at the same moment; what is available, incoming, and the supplier's then."""
    await purchase_orders.place(pool, [order("PO-1", ("A", 100))])
    await asyncio.gather(*(came(pool, f"d{n}", ("A", 60)) for n in range(2)))
    return (await balances(pool))["A"]


async def test_two_deliveries_at_once_are_compared_with_each_other(supplied: Pool) -> None:
    assert await two_deliveries(supplied) == (120, 0, -120)


async def test_without_the_lock_incoming_would_go_below_zero(
    supplied: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: the negative control of the race above: both read the order before either is posted."""
    both = asyncio.Barrier(2)
    state_of = purchase_orders._state

    async def no_lock(*_: object) -> None:
        """As if nobody waited."""

    async def met(connection: purchase_orders.Connection, code: str) -> purchase_orders.OrderState | None:
        state = await state_of(connection, code)
        if state is not None and state.statements == 1:
            await both.wait()
        return state

    monkeypatch.setattr(purchase_orders, "_lock", no_lock)
    monkeypatch.setattr(purchase_orders, "_state", met)
    assert await two_deliveries(supplied) == (120, -20, -100)


async def test_orders_cannot_be_edited(supplied: Pool) -> None:
    """Goal: by the database's word, not by convention."""
    await purchase_orders.place(supplied, [order("PO-1", ("A", 1))])
    for statement in (
        "UPDATE purchase_order SET due_on = due_on",
        "DELETE FROM purchase_order_change",
        "UPDATE purchase_order_due SET due_on = due_on",
    ):
        with pytest.raises(Exception, match="permission denied for table purchase_order"):
            await sql(supplied, statement)


async def test_suppliers_are_kept_with_what_they_supply(supplied: Pool) -> None:
    await suppliers.save_suppliers(supplied, [Supplier("Zeta", 3.0), Supplier("Acme", 10.0, 2.5)])
    saved = await suppliers.save_supplied_skus(
        supplied,
        [
            SuppliedSku("A", "Acme", 6, 24, 12, Decimal("1.25")),
            SuppliedSku("X", "Acme"),
            SuppliedSku("B", "Nobody"),
        ],
    )
    assert saved == {"A"}
    await purchase_orders.place(supplied, [order("PO-1", ("A", 1))])
    rows = await suppliers.suppliers(supplied)
    assert [(row.supplier, row.skus, row.open_orders) for row in rows] == [
        (Supplier("Acme", 10.0, 2.5), 1, 1),
        (Supplier("Zeta", 3.0, 0.0), 0, 0),
    ]
    assert await suppliers.supplied_skus(supplied, "Acme") == [
        (SuppliedSku("A", "Acme", 6, 24, 12, Decimal("1.2500")), "")
    ]
