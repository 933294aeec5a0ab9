"""`onhand preorders`: sell a SKU before it arrives, and see who waits for it."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.purchase_orders import PurchaseOrder
from onhand.ledger import purchase_orders, suppliers
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.suppliers import Supplier
from tests.cli.conftest import Onhand

NOW = datetime.now(UTC)
DAY = f"{NOW + timedelta(days=30):%Y-%m-%d}"


@pytest.fixture
async def expected(store: Pool) -> Pool:
    """20 of A are to come to Leeds."""
    await suppliers.save_suppliers(store, [Supplier("Acme", 14.0, 3.0)])
    due = NOW.date() + timedelta(days=10)
    await purchase_orders.place(
        store, [PurchaseOrder("operator", "PO-1", "Acme", "leeds", (("A", 20),), NOW, due)]
    )
    return store


async def test_nothing_is_sold_before_it_arrives(store: Pool, onhand: Onhand) -> None:
    """Goal: quiet answers; what was never open is wrong usage."""
    answer = await onhand("preorders", "list")
    assert (answer.code, answer.lines) == (0, ["nothing is sold before it arrives"])
    assert (await onhand("preorders", "show", "A")).code == 2
    answer = await onhand("preorders", "close", "A")
    assert answer.stderr == "error: A is not open for pre-orders\nwhat to do: onhand preorders list\n"
    assert (await onhand("preorders", "open", "Z", "--cap", "1", "--promise", DAY)).code == 2
    answer = await onhand("preorders", "open", "A", "--cap", "1", "--promise", DAY, "--channel", "ebay")
    assert (answer.code, answer.stderr) == (2, "error: 'ebay' is not in [channels]; known are woo, bigc\n")
    answer = await onhand("preorders", "open", "A", "--cap", "1", "--promise", "2026-01-01")
    assert (answer.code, answer.stderr) == (2, "error: --promise 2026-01-01 is past; promise a day to come\n")


async def test_one_is_opened_sold_and_closed(expected: Pool, onhand: Onhand) -> None:
    """Goal: what may be sold, who waits, that explain says so, and that closing keeps what was promised."""
    answer = await onhand("preorders", "open", "A", "--cap", "15", "--promise", DAY, "--channel", "woo")
    assert " ".join(answer.lines) == (
        f"A: 15 units may be sold before they arrive (20 on their way by {DAY}, 0 promised, at most 15)"
    )
    at = datetime.now(UTC)
    line = OrderLine("1", "A", "leeds", 4, 0)
    await post_orders(expected, [OrderSnapshot("woo", "1001", 1, at, (line,), at)])
    answer = await onhand("preorders", "show", "A")
    assert answer.code == 0
    assert answer.lines == [
        "sku  promised for  cap  on the way  promised  left  channels  state",
        "─" * 67,
        f"A    {DAY}     15          20         4    11  woo       open",
        "place  units  covered  channel  order  line  ordered   promised for  outcome",
        "─" * 76,
        f"    1      4        4  woo      1001   1     just now  {DAY}",
    ]
    explained = (await onhand("explain", "A", "--json")).json
    (promise,) = explained["promises"]
    assert (promise["order_id"], promise["units"], promise["position"]) == ("1001", 4, 1)
    steps = {level["channel"]: [s["rule"] for s in level["steps"]] for level in explained["levels"]}
    assert steps["woo"][-1] == "preorder"
    assert "preorder" not in steps["bigc"]
    answer = await onhand("preorders", "close", "A")
    assert (answer.code, answer.lines) == (0, ["A: closed; 4 units promised"])
    (row,) = (await onhand("preorders", "list", "--json")).json
    assert (row["sku"], row["cap"], row["covered"], row["left"]) == ("A", 4, 4, 0)


async def test_what_is_not_covered_is_told_with_exit_code_3(expected: Pool, onhand: Onhand) -> None:
    """Goal: 25 sold of 20 that come: 5 of the last order are not on their way."""
    await onhand("preorders", "open", "A", "--cap", "30", "--promise", DAY)
    for n, units in enumerate((15, 10)):
        at = datetime.now(UTC)
        line = OrderLine("1", "A", "leeds", units, 0)
        await post_orders(expected, [OrderSnapshot("woo", str(n), 1, at, (line,), at)])
    answer = await onhand("preorders", "show", "A", "--json")
    assert answer.code == 3
    assert [(p["order_id"], p["units"], p["covered"]) for p in answer.json["promises"]] == [
        ("0", 15, 15),
        ("1", 10, 5),
    ]
    text = " ".join((await onhand("explain", "A")).stdout.replace("│", " ").split())
    assert (
        f"woo order 1 waits for 10 that were promised for {DAY} (number 2 in the queue); 5 of them are not"
        in text
    )
