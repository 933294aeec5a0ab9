"""Two channels that sell the same two SKUs, on a real ledger: what publishing and read-backs are tried on."""

from dataclasses import dataclass

import pytest

from onhand.channels.base import WriteKind
from onhand.ledger import catalogue
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE, ids_of, receipt


@dataclass(frozen=True)
class Selling:
    """Two channels that show what they should: `store` changes levels exactly once, `web` sets them blindly."""

    pool: Pool
    store: MemoryChannel
    web: MemoryChannel


@pytest.fixture
async def selling(shop: Pool) -> Selling:
    """A and B are listed on both, 100 and 50 of them, told and believed; nothing is pending."""
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True)
    web = MemoryChannel("web")
    for channel in (store, web):
        listings = [NewListing(sku, f"{channel.name}-{sku}", sku) for sku in "AB"]
        await catalogue.save_listings(shop, channel.name, listings, [""])
    await post_events(shop, [receipt("1", "A", 100), receipt("2", "B", 50)])
    for channel in (store, web):
        await bring_to_targets(shop, channel, LIVE, await ids_of(shop, channel.name), Errand())
        channel.calls.clear()
    return Selling(shop, store, web)
