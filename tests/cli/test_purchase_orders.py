"""`onhand suppliers` and `onhand purchase-orders`: what is stated, where it stands, and being refused clearly."""

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.purchase_orders import Delivery, PurchaseOrder
from onhand.ledger import purchase_orders, stock
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from tests.cli.conftest import Onhand

DUE = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()


async def placed(onhand: Onhand, *lines: str) -> None:
    """Supplier Acme, and order PO-1 to it with these lines."""
    await onhand("suppliers", "set", "Acme", "--lead-days", 14)
    await onhand(
        "purchase-orders", "create", "PO-1", *lines, "--supplier", "Acme", "-l", "leeds", "--due", DUE
    )


async def test_suppliers_are_set_and_listed(store: Pool, onhand: Onhand) -> None:
    first = await onhand("suppliers", "set", "Acme", "--lead-days", 14, "--lead-deviation", 2.5)
    assert first.lines == ["Acme: 14 days, give or take 2.5 days; 0 SKUs reordered from it"]
    second = await onhand(
        "suppliers", "set", "Acme", "--sku", "A", "--pack", 6, "--minimum", 24, "--unit-cost", "4.50"
    )
    assert second.lines == ["Acme: 14 days, give or take 2.5 days; 1 SKU reordered from it"]
    assert (await onhand("suppliers", "list")).lines == [
        "supplier  lead time  deviation  measured  deliveries  SKUs  open orders",
        "───────────────────────────────────────────────────────────────────────",
        "Acme        14 days   2.5 days                     0     1            0",
    ]
    assert (await onhand("suppliers", "list", "--supplier", "Acme", "--json")).json == [
        {
            "sku": "A",
            "supplier": "Acme",
            "pack_units": 6,
            "minimum_units": 24,
            "multiple_units": 1,
            "unit_cost": "4.5000",
        }
    ]


async def test_lead_times_are_measured_by_what_came(store: Pool, onhand: Onhand) -> None:
    """Goal: three deliveries, 8, 10 and 12 days after their orders; two are too few to say anything."""
    await onhand("suppliers", "set", "Acme", "--lead-days", 14)
    now = datetime.now(UTC)
    for number, days in enumerate((8, 10, 12)):
        ordered = now - timedelta(days=days)
        order = PurchaseOrder("operator", f"{number}", "Acme", "leeds", (("A", 6),), ordered, ordered.date())
        await purchase_orders.place(store, [order])
        if number == 2:
            early = await onhand("suppliers", "set", "Acme", "--measured")
            assert early.code == 1
            assert "2 deliveries of 'Acme' came so far; 3 are the fewest" in " ".join(early.stderr.split())
        await purchase_orders.receive(store, Delivery("operator", "d", f"{number}", (("A", 6),), now))
    assert (await onhand("suppliers", "list")).lines[2] == (
        "Acme        14 days     0 days  10.0 ± 2.0           3     0            0"
    )
    taken = await onhand("suppliers", "set", "Acme", "--measured")
    assert taken.lines == ["Acme: 10 days, give or take 2 days; 0 SKUs reordered from it"]


async def test_a_new_supplier_needs_a_lead_time(store: Pool, onhand: Onhand) -> None:
    answer = await onhand("suppliers", "set", "Acme")
    assert answer.code == 2
    assert "there is no supplier 'Acme' yet, so its lead time is needed" in answer.stderr
    wrong = await onhand("suppliers", "set", "Acme", "--lead-days", 3, "--pack", 6)
    assert wrong.code == 2
    assert "are of a SKU: give --sku" in wrong.stderr


async def test_an_order_from_placing_to_closing(store: Pool, onhand: Onhand) -> None:
    await placed(onhand, "A=12", "B=5")

    part = await onhand("purchase-orders", "receive", "PO-1", "A=5", "B=7", "--id", "d1")
    assert part.code == 0
    assert part.lines == [
        "PO-1 received  event 2",
        f"PO-1  Acme to leeds, due {DUE}: partial",
        "sku  ordered  received  to come",
        "────────────────────────────────────────────────────────────────────────────",
        "A         12         5        7  7 still to come",
        "B          5         7        0  2 more than expected: taken in all the same",
        "the next sync tells the channels",
    ]
    again = await onhand("purchase-orders", "receive", "PO-1", "A=5", "B=7", "--id", "d1")
    assert again.lines[0] == "PO-1: already recorded as event 2; nothing was changed"

    closed = await onhand("purchase-orders", "close", "PO-1", "--reason", "sold out there")
    assert closed.lines[0] == "PO-1 closed  event 3"
    assert "7 short: given up when the order was closed" in closed.lines[4]
    assert (await onhand("purchase-orders", "list")).lines == ["no purchase order is open"]

    shown = (await onhand("purchase-orders", "show", "PO-1", "--json")).json
    assert shown["status"] == "closed"
    assert [event["reason"] for event in shown["events"]] == ["", "", "sold out there"]
    (row,) = await stock.sku_balances(store, "A")
    assert {state.value: units for state, units in row.units.items() if units} == {
        "available": 5,
        "supplier": -5,
    }


async def test_the_rest_comes_at_once_and_a_slip_is_taken_back(store: Pool, onhand: Onhand) -> None:
    await placed(onhand, "A=12", "B=5")
    await onhand("purchase-orders", "receive", "PO-1", "--rest")
    assert (await onhand("purchase-orders", "receive", "PO-1", "--rest")).lines[0] == (
        "PO-1: nothing of it was still to come; nothing was changed"
    )
    back = await onhand("purchase-orders", "receive", "PO-1", "A=-2", "--reason", "miscounted", "--json")
    assert back.json["status"] == "partial"
    assert back.json["lines"][0] == {
        "sku": "A", "ordered": 12, "received": 10, "closed": 0, "open": 2, "excess": 0, "note": "2 still to come"
    }  # fmt: skip


async def test_the_list_has_the_soonest_first(store: Pool, onhand: Onhand) -> None:
    await placed(onhand, "A=12")
    sooner = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    await onhand(
        "purchase-orders", "create", "PO-2", "B=3", "--supplier", "Acme", "-l", "london", "--due", sooner
    )
    assert (await onhand("purchase-orders", "list")).lines[2:] == [
        f"PO-2   Acme      london    {sooner}  open       1        3         0        3",
        f"PO-1   Acme      leeds     {DUE}  open       1       12         0       12",
    ]


async def test_an_order_is_due_after_the_lead_time_and_is_known_again(store: Pool, onhand: Onhand) -> None:
    await onhand("suppliers", "set", "Acme", "--lead-days", 13.5)
    command = ("purchase-orders", "create", "PO-1", "A=12", "--supplier", "Acme", "-l", "leeds", "--json")
    answers = [await onhand(*command) for _ in range(2)]
    due = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    assert [(answer.json["verdict"], answer.json["due_on"]) for answer in answers] == [
        ("posted", due),
        ("duplicate", due),
    ]


async def test_an_order_is_put_off(store: Pool, onhand: Onhand) -> None:
    """Goal: by whom and why is kept; who was promised units by an earlier day is named."""
    later = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    await placed(onhand, "A=12")
    promise = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    await onhand("preorders", "open", "A", "--cap", 10, "--promise", promise)
    line = OrderLine("1", "A", "leeds", 3, 0)
    await post_orders(store, [OrderSnapshot("woo", "1001", 1, datetime.now(UTC), (line,), datetime.now(UTC))])

    answer = await onhand("purchase-orders", "due", "PO-1", later, "--reason", "ship is late", "--id", "n1")

    assert answer.lines == [
        f"PO-1 is due on {later}  event 3",
        f"PO-1  Acme to leeds, due {later}: open",
        "sku  ordered  received  to come",
        "──────────────────────────────────",
        "A         12         0       12",
        f"A: 3 units are promised for {promise}, and 0 come in by then; who waits: onhand preorders show A",
    ]
    again = await onhand("purchase-orders", "due", "PO-1", later)
    assert again.lines[0] == "PO-1: it is due then already; nothing was changed"
    shown = await onhand("purchase-orders", "show", "PO-1")
    assert f"due on {later}, says {getpass.getuser()}  ship is late" in shown.lines[-1]
    document = (await onhand("purchase-orders", "show", "PO-1", "--json")).json
    assert (document["due_on"], document["events"][1]["due_on"]) == (later, later)
    assert (await onhand("purchase-orders", "due", "PO-1", "soon")).code == 2


async def test_what_cannot_be_is_refused(store: Pool, onhand: Onhand) -> None:
    await placed(onhand, "A=12")
    for words, said, code in (
        (("receive", "PO-1", "A"), "'A' is not of the form SKU=UNITS, for example A=12", 2),
        (("receive", "PO-1", "C=1"), "purchase order PO-1 has no SKU C; it has A", 2),
        (("receive", "PO-9", "A=1"), "there is no purchase order 'PO-9'", 2),
        (("receive", "PO-1"), "give what came as SKU=UNITS, or --rest", 2),
        (("due", "PO-9", DUE), "there is no purchase order 'PO-9'", 2),
        (("due", "PO-1", "2020-01-01"), "is due on 2020-01-01, before it is ordered", 2),
        (("show", "PO-9"), "there is no purchase order 'PO-9'", 2),
        (("create", "PO-1", "A=13", "--supplier", "Acme", "-l", "leeds"), "was placed before with other content", 1),
        (("create", "PO-2", "A=13", "--supplier", "Nil", "-l", "leeds"), "no supplier 'Nil'; known are Acme", 2),
        (("create", "PO-2", "X=13", "--supplier", "Acme", "-l", "leeds"), "there is no SKU 'X'", 2),
    ):  # fmt: skip
        answer = await onhand("purchase-orders", *words)
        assert (answer.code, said in " ".join(answer.stderr.split())) == (code, True), (words, answer)


async def test_orders_come_from_a_file_whole_or_not_at_all(
    store: Pool, onhand: Onhand, tmp_path: Path
) -> None:
    """Goal: one wrong row keeps its order out, and no other; the same file again changes nothing."""
    await onhand("suppliers", "set", "Acme", "--lead-days", 14)
    file = tmp_path / "orders.csv"
    file.write_text(
        "sku;quantity;order;supplier;location;due\n"
        f"A;12;PO-1;Acme;leeds;{DUE}\n"
        "A;3;PO-2;Acme;leeds;\n"
        f"B;5;PO-1;Acme;leeds;{DUE}\n"
        "B;2.5;PO-2;Acme;leeds;\n"
        "C;1;PO-3;Nil;london;\n"
        "C;4;PO-4;Acme;;\n"
    )
    command = ("purchase-orders", "import", file, "--location", "london", "--json")
    first = await onhand(*command)
    assert first.code == 3
    assert {name: first.json[name] for name in ("rows", "taken", "known", "refused")} == {
        "rows": 6, "taken": 3, "known": 0, "refused": 3
    }  # fmt: skip
    assert sorted((row["origin"], row["problem"]) for row in first.json["refusals"]) == [
        ("orders.csv line 3", "bad_value"),
        ("orders.csv line 5", "bad_value"),
        ("orders.csv line 6", "bad_value"),
    ]
    said = [row["message"] for row in first.json["refusals"]]
    assert any(
        'another row of order "PO-2" cannot be taken, and an order is placed whole.' in each for each in said
    )
    assert any('"2.5" is not accepted; write a whole number' in each for each in said)
    states = (await onhand("purchase-orders", "list", "--json")).json
    assert {state["order"]: (state["location"], len(state["lines"])) for state in states} == {
        "PO-1": ("leeds", 2),
        "PO-4": ("london", 1),
    }
    again = await onhand(*command)
    assert (again.json["taken"], again.json["known"], again.json["refused"]) == (0, 3, 3)


async def test_a_row_of_no_order_keeps_the_file_out(store: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: it may be the missing line of any of them."""
    await onhand("suppliers", "set", "Acme", "--lead-days", 14)
    file = tmp_path / "orders.csv"
    file.write_text("order,supplier,sku,quantity,location\nPO-1,Acme,A,12,leeds\n,Acme,B,1,leeds\n")
    answer = await onhand("purchase-orders", "import", file, "--json")
    assert (answer.code, answer.json["taken"], answer.json["refused"]) == (1, 0, 2)
    assert "nobody can tell whether orders.csv line 3 is of order" in str(answer.json["refusals"])


async def test_suppliers_come_from_a_file(store: Pool, onhand: Onhand, tmp_path: Path) -> None:
    """Goal: a lead time may stand once; rows that contradict it, or name what nobody knows, are refused."""
    file = tmp_path / "suppliers.csv"
    file.write_text(
        "supplier,sku,lead_days,lead_days_deviation,pack,minimum,unit_cost\n"
        "Acme,A,14,2.5,6,24,1.25\n"
        "Acme,B,,,,,\n"
        "Acme,C,10,2.5,,,\n"
        "Zeta,X,3,,,,\n"
        "Beta,Y,,,,,\n"
    )
    answer = await onhand("suppliers", "import", file, "--json")
    assert (answer.code, answer.json["taken"], answer.json["refused"]) == (3, 2, 3)
    assert [row["problem"] for row in answer.json["refusals"]] == ["bad_value", "unknown_sku", "bad_value"]
    rows = (await onhand("suppliers", "list", "--supplier", "Acme", "--json")).json
    assert [(row["sku"], row["pack_units"], row["minimum_units"]) for row in rows] == [
        ("A", 6, 24),
        ("B", 1, 0),
    ]
    document = (await onhand("suppliers", "list", "--json")).json
    assert [(row["supplier"]["lead_days_deviation"], row["skus"]) for row in document] == [(2.5, 2)]
