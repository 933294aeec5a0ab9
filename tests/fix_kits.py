"""What tests of kits share: a shop whose SKU K is packed of two A and one B, listed beside them."""

from collections.abc import Mapping

import pytest

from onhand.domain.kits import composition_of
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.rules import Rule
from onhand.domain.targets import targets_of
from onhand.ledger import catalogue, kits, levels
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from tests.fix_ledger import sql
from tests.publish.shelves import ids_of, receipt

RULES = RuleBook(
    {
        "web": ChannelRules(Rule(name="web"), {"": ("leeds", "london")}, listens=True),
        "store": ChannelRules(Rule(name="store"), {"L1": ("leeds",), "L2": ("london",)}, listens=True),
    }
)
"""Web keeps one number for both locations, the store one for each."""


@pytest.fixture
async def kitted(shop: Pool) -> Pool:
    """K is two A and one B, PAIR two B; A, B, C, K and PAIR are listed on both channels, under their own names.

    Leeds has 7 A and 5 B, London 2 A and 4 B: K can be packed three times in Leeds and once in London.
    """
    await catalogue.save_skus(shop, [CatalogueSku("K"), CatalogueSku("PAIR")])
    for channel in ("web", "store"):
        listings = [NewListing(sku, f"{channel}-{sku}", sku) for sku in ("A", "B", "C", "K", "PAIR")]
        await catalogue.save_listings(shop, channel, listings, list(RULES.channels[channel].places))
    await compose(shop, {"K": {"A": 2, "B": 1}, "PAIR": {"B": 2}})
    stock = {"leeds": {"A": 7, "B": 5}, "london": {"A": 2, "B": 4}}
    received = [
        receipt(f"{sku}@{at}", sku, units, at)
        for at, units_of in stock.items()
        for sku, units in units_of.items()
    ]
    await post_events(shop, received)
    await sql(shop, "DELETE FROM outbox")
    await sql(shop, "UPDATE channel_work SET publish_awake = false")
    return shop


async def compose(pool: Pool, quantities: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Make kits of these; all must be accepted. Answers whose publishers are to be signalled."""
    done = await kits.set_kits(pool, {kit: composition_of(parts) for kit, parts in quantities.items()})
    assert done.refused == {}
    return done.woken


async def shows(pool: Pool, channel: str, sku: str, rules: RuleBook = RULES) -> dict[str, int]:
    """What the listing of a SKU should show on a channel, by place."""
    ids = await ids_of(pool, channel, [sku])
    states = await levels.listing_states(
        pool, channel, ids, siblings=rules.needs_siblings, withheld=rules.guarded
    )
    return {target.place: target.quantity for state in states for target in targets_of(state, rules)}


async def marked(pool: Pool) -> set[str]:
    """Item ids of all listings that are to be looked at, by whomever; they are forgotten."""
    rows = await sql(
        pool, "WITH gone AS (DELETE FROM outbox RETURNING listing_id) SELECT l.item_id FROM gone g "
        "JOIN listing l ON l.id = g.listing_id",
    )  # fmt: skip
    return {item for (item,) in rows}


async def stock(pool: Pool) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Available, committed and gone to customers, by SKU and location; shelves without any are left out."""
    rows = await sql(
        pool,
        """SELECT s.code, l.code, b.available, b.committed, b.customer FROM balance b
             JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id
            WHERE (b.available, b.committed, b.customer) <> (0, 0, 0)""",
    )
    return {(sku, location): tuple(units) for sku, location, *units in rows}
