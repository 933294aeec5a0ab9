"""Kits beside what is sold ahead: an order of one waits for its components, and a kit is neither kept nor ordered."""

from datetime import UTC, date, datetime, timedelta

import pytest

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.programmes import Line, ProgrammeRefusedError, Terms
from onhand.domain.purchase_orders import PurchaseOrder
from onhand.ledger import levels, preorders, programmes, purchase_orders, suppliers
from onhand.ledger.count_sheets import start
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import Verdict
from onhand.ledger.programmes import Kept
from onhand.ledger.suppliers import Supplier
from tests.fix_kits import shows, stock
from tests.fix_ledger import sql

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SOON = date(2026, 12, 10)


async def place(pool: Pool, sku: str, units: int) -> Verdict:
    """An order to the supplier, to come to Leeds."""
    await suppliers.save_suppliers(pool, [Supplier("Acme", 14.0, 3.0)])
    order = PurchaseOrder("operator", f"PO-{sku}", "Acme", "leeds", ((sku, units),), NOON, SOON)
    (posted,) = await purchase_orders.place(pool, [order])
    return posted.verdict


async def test_an_order_of_kits_waits_for_the_component_it_is_short_of(kitted: Pool) -> None:
    """Goal: 9 B are there and 10 are to come, which may be promised; what is on its way packs no kit. Four PAIR and a K
    take all that is there, so three B sold beside them wait, and after them the two of another PAIR."""
    assert await place(kitted, "B", 10) is Verdict.POSTED
    await preorders.open_(kitted, "B", 10, SOON, [], "ann")
    assert await shows(kitted, "web", "B") == {"": 19}
    assert await shows(kitted, "web", "PAIR") == {"": 4}
    for number, minutes, lines in (
        ("1", 1, (OrderLine("1", "PAIR", "leeds", 4, 0),)),
        ("2", 2, (OrderLine("1", "K", "leeds", 1, 0), OrderLine("2", "B", "leeds", 3, 0))),
    ):
        at = NOON + timedelta(minutes=minutes)
        await post_orders(kitted, [OrderSnapshot("web", number, 1, at, lines, at)])
    await preorders.keep_promises(kitted)
    waits = [(p.order_id, p.line_id, p.units, p.covered) for p in await preorders.promises(kitted, "B")]
    assert waits == [("2", "2", 3, 3)]
    at = NOON + timedelta(minutes=3)
    line = OrderLine("1", "PAIR", "leeds", 1, 0)
    await post_orders(kitted, [OrderSnapshot("web", "3", 1, at, (line,), at)])
    await preorders.keep_promises(kitted)
    waits = [(p.order_id, p.line_id, p.units, p.covered) for p in await preorders.promises(kitted, "B")]
    assert waits == [("2", "2", 3, 3), ("3", "1", 2, 2)]


async def test_a_kit_is_neither_ordered_nor_kept(kitted: Pool) -> None:
    """Goal: purchase orders and programmes name components; what is refused leaves nothing behind."""
    assert await place(kitted, "K", 5) is Verdict.KIT
    assert await purchase_orders.orders(kitted) == []
    terms = Terms("spring", "acme", NOON, NOON + timedelta(days=9))
    with pytest.raises(ProgrammeRefusedError, match="K: a kit has no stock to keep; name its components"):
        await programmes.create(kitted, terms, [Line("A", "leeds", 1), Line("K", "leeds", 1)], "ann")
    assert await programmes.listed(kitted) == []


async def test_what_an_unheard_kit_takes_is_not_kept_for_a_partner(kitted: Pool) -> None:
    """Goal: of 7 A in Leeds two are in a K that an answer told of and no order yet."""
    ((listing, _),) = await levels.listings_of_sku(kitted, "K", "store")
    await sql(
        kitted,
        "INSERT INTO provisional_demand (listing_id, place, sku_id, location_id, pieces, units) "
        "SELECT l.id, 'L1', l.sku_id, o.id, 1, 1 FROM listing l, location o WHERE l.id = %s AND o.code = 'leeds'",
        listing,
    )
    terms = Terms("spring", "acme", NOON, NOON + timedelta(days=9))
    await programmes.create(kitted, terms, [Line("A", "leeds", 7)], "ann")
    ((number, _),) = await programmes.to_keep(kitted, NOON)
    kept = await programmes.keep(kitted, number, NOON, [], set())
    assert kept == Kept("spring", 5, 0, True, False)


async def test_an_order_of_a_partner_draws_on_what_is_kept_of_components(kitted: Pool) -> None:
    """Goal: 4 A are kept; two K take them back out of what is kept, and nothing that others may buy."""
    terms = Terms("spring", "acme", NOON, NOON + timedelta(days=9))
    await programmes.create(kitted, terms, [Line("A", "leeds", 4)], "ann")
    ((number, _),) = await programmes.to_keep(kitted, NOON)
    await programmes.keep(kitted, number, NOON, ["web"], set())
    assert (await stock(kitted))["A", "leeds"] == (3, 0, 0)
    line = OrderLine("1", "K", "leeds", 2, 0)
    at = NOON + timedelta(minutes=1)
    await post_orders(kitted, [OrderSnapshot("web", "1", 1, at, (line,), at, "acme")])
    assert (await stock(kitted))["A", "leeds"] == (3, 4, 0)


async def test_a_kit_is_on_no_count_sheet(kitted: Pool) -> None:
    sheet = await start(kitted, "leeds", ["A", "K"], by="ann", note="")
    assert sheet.skus == ("A",)
