"""`onhand reorder`: from a low SKU to a purchase order, or to a file that comes back as one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from tests.cli.conftest import Onhand

NOW = datetime.now(UTC)


async def low(store: Pool, onhand: Onhand) -> None:
    """Seven of A a week, 12 left; Acme sells it in packs of 6, and takes 14 days."""
    begun = NOW - timedelta(days=71)
    opening = Movement("test", "open", EventKind.RECEIPT, "A", "leeds", 82, begun)
    await post_events(store, [event_of(opening)])
    moments = [NOW - timedelta(days=7 * n + 3) for n in range(10)]
    orders = [
        OrderSnapshot("woo", f"o{n}", 1, moment, (OrderLine("1", "A", "leeds", 7, 0),), moment)
        for n, moment in enumerate(moments)
    ]
    await post_orders(store, orders)
    await onhand("suppliers", "set", "Acme", "--lead-days", 14, "--sku", "A", "--pack", 6)


async def test_what_is_low_is_proposed(store: Pool, onhand: Onhand) -> None:
    await low(store, onhand)
    answer = await onhand("reorder", "propose")
    assert answer.code == 0
    assert answer.lines[::2] == [
        "no  supplier  sku  location  order  available  coming  point  target  a day  demand  method",
        " 1  Acme      A    leeds        18         12       0     15      29   1.00  smooth  moving_average",
    ]
    assert answer.stderr.strip() == "reorder points of just now; --fresh works them out anew"
    document = (await onhand("reorder", "propose", "--json")).json
    assert document["without_supplier"] == 0
    assert [(p["sku"], p["units"], p["weeks"], p["per_day"]) for p in document["proposals"]] == [
        ("A", 18, 10, 1.0)
    ]
    await onhand("suppliers", "set", "Zeta", "--lead-days", 3)
    assert (await onhand("reorder", "propose", "--supplier", "Zeta")).lines == ["nothing has to be ordered"]


async def test_nothing_is_ordered_unless_that_is_allowed(store: Pool, onhand: Onhand) -> None:
    await low(store, onhand)
    await onhand("reorder", "propose")
    refused = await onhand("reorder", "approve", "--all")
    assert refused.code == 2
    assert "planning.create_orders is off" in " ".join(refused.stderr.split())
    unclear = await onhand("reorder", "approve", "1", "--all")
    assert unclear.code == 2
    assert "give numbers of proposals, or --supplier, or --all" in unclear.stderr


async def test_an_approved_proposal_is_an_order(store: Pool, onhand: Onhand, config: Path) -> None:
    config.write_text(config.read_text() + "\n[planning]\ncreate_orders = true\n")
    await low(store, onhand)
    (proposal,) = (await onhand("reorder", "propose", "--json")).json["proposals"]
    answer = await onhand("reorder", "approve", proposal["id"])
    due = (NOW + timedelta(days=14)).date()
    code = f"R-{proposal['id']}"
    assert answer.lines == [f"{code} placed: 1 SKU, 18 units from Acme to leeds, due {due}"]
    shown = (await onhand("purchase-orders", "show", code, "--json")).json
    assert (shown["status"], shown["lines"][0]["open"]) == ("open", 18)
    assert (await onhand("reorder", "propose")).lines == ["nothing has to be ordered"]
    again = await onhand("reorder", "approve", proposal["id"])
    assert again.code == 1
    assert "not proposed, or proposed anew since" in " ".join(again.stderr.split())


async def test_what_is_exported_can_be_taken_in_as_an_order(
    store: Pool, onhand: Onhand, tmp_path: Path
) -> None:
    """Goal: who orders by other means loses nothing: the file is the order."""
    await low(store, onhand)
    await onhand("reorder", "propose")
    due = (NOW + timedelta(days=14)).date()
    assert (await onhand("reorder", "export")).stdout.splitlines()[1] == (
        f"R-1,Acme,A,18,leeds,{due},1,Apple,12,0,0,15,29,1.000,moving_average"
    )
    file = tmp_path / "order.csv"
    assert (await onhand("reorder", "export", file)).lines == [f"{file}: 1 proposal"]
    assert (await onhand("purchase-orders", "import", file)).code == 0
    assert (await onhand("reorder", "propose")).lines == ["nothing has to be ordered"]
