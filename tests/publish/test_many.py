"""A backlog: what is pending goes together, and each listing costs what it costs alone."""

import time

from onhand.ledger import catalogue, levels
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE, receipt

SECONDS_MAX = 15
"""Some two seconds on a laptop; a statement that looked at each listing for each took a minute."""


async def test_thousands_are_told_and_settled_together(shop: Pool) -> None:
    """Goal: no statement on the way of a push compares every listing with every other."""
    codes = [f"S{n:05}" for n in range(3_000)]
    await catalogue.save_skus(shop, [CatalogueSku(code) for code in codes])
    await catalogue.save_listings(shop, "web", [NewListing(code, code, code) for code in codes], [""])
    await post_events(shop, [receipt(code, code, 7) for code in codes], set())
    pending = await levels.pending_live(shop, "web", len(codes))
    assert len(pending) == len(codes)
    channel = MemoryChannel("web", bulk_size=250)

    began = time.monotonic()
    outcomes = await bring_to_targets(shop, channel, LIVE, pending, Errand(live=True), set())
    assert time.monotonic() - began < SECONDS_MAX

    assert set(outcomes.values()) == {"changed"}
    assert await sql(shop, "SELECT count(*), min(book), max(book) FROM level") == [(3_000, 7, 7)]
    assert await sql(shop, "SELECT count(*) FROM outbox") == [(0,)]
