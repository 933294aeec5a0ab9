"""Pushes beyond what is available: the audit knows what they may be, and tells those that are more."""

from datetime import UTC, date, datetime, timedelta

import pytest

from onhand.audit import audit
from onhand.domain.events import EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.programmes import Line, Terms
from onhand.domain.purchase_orders import PurchaseOrder
from onhand.domain.rules import Rule
from onhand.ledger import catalogue, levels, preorders, programmes, purchase_orders, suppliers
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.posting import post_events
from onhand.ledger.suppliers import Supplier
from onhand.publish import Errand, bring_to_targets
from tests.audit.test_audit import as_owner, both, broken
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = RuleBook(
    {
        "web": ChannelRules(Rule(), {"": ("leeds",)}),
        "store": ChannelRules(Rule(), {"": ("leeds",)}, partner="acme"),
    }
)


@pytest.fixture
async def told(shop: Pool) -> Pool:
    """12 of A in Leeds, of which 5 are kept for the store's partner; B is not there, and 20 of it are on their way."""
    for name in ("web", "store"):
        listed = [NewListing("A", f"{name}-A", "1"), NewListing("B", f"{name}-B", "2")]
        await catalogue.save_listings(shop, name, listed, [""])
    await post_events(shop, [event_of(Movement("t", "1", EventKind.RECEIPT, "A", "leeds", 12, NOON))], set())
    terms = Terms("spring", "acme", NOON, NOON + timedelta(days=9))
    await programmes.create(shop, terms, [Line("A", "leeds", 5)], "ann")
    ((number, _),) = await programmes.to_keep(shop, NOON)
    await programmes.keep(shop, number, NOON, ("store",), set())
    await suppliers.save_suppliers(shop, [Supplier("Acme", 14.0, 3.0)])
    due = date(2026, 3, 20)
    await purchase_orders.place(
        shop, [PurchaseOrder("operator", "PO-1", "Acme", "leeds", (("B", 20),), NOON, due)]
    )
    await preorders.open_(shop, "B", 15, due, ["web"], "ann")
    for name in ("web", "store"):
        ids, _ = await levels.listing_page(shop, name, ListingCursor(), 10, None)
        await bring_to_targets(shop, MemoryChannel(name), RULES, ids, Errand(live=True), set())
    return shop


async def test_what_is_reserved_or_on_its_way_justifies_a_push(told: Pool) -> None:
    """Goal: no false accusation: 7 for everybody and 12 for the partner; 15 of B on the web shop alone."""
    pushed = await sql(
        told,
        """SELECT c.name, s.code, p.quantity, p.basis -> 'beyond' FROM push p JOIN listing l ON l.id = p.listing_id
             JOIN channel c ON c.id = l.channel_id JOIN sku s ON s.id = l.sku_id WHERE p.quantity > 0 ORDER BY 1, 2""",
    )
    assert pushed == [("store", "A", 12, 5), ("web", "A", 7, None), ("web", "B", 15, 15)]
    assert broken(await audit(told)) == {}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE push SET quantity = 16 WHERE quantity = 15",
        """UPDATE push SET basis = basis || '{"beyond": 21}', quantity = 21 WHERE quantity = 15""",
        "UPDATE push SET quantity = 8 WHERE quantity = 7",
        """UPDATE push SET basis = basis || '{"beyond": 6}', quantity = 13 WHERE quantity = 12""",
    ],
)
async def test_more_than_that_is_told(told: Pool, database: str, damage: str) -> None:
    """Goal: a piece more than was allowed, and more allowed than was on its way or reserved, are found by both."""
    await as_owner(database, damage)
    assert broken(await audit(told)) == {"justified": both(1)}


async def test_what_was_told_while_a_run_was_held_has_no_basis_and_is_not_judged(
    told: Pool, database: str
) -> None:
    """Goal: a hold does not end the audit; what else was told is judged as ever."""
    await as_owner(database, "UPDATE push SET basis = NULL, quantity = 99 WHERE quantity = 7")
    assert broken(await audit(told)) == {}
    await as_owner(database, "UPDATE push SET quantity = 16 WHERE quantity = 15")
    assert broken(await audit(told)) == {"justified": both(1)}
