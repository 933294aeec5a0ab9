"""A ledger with listings, for runs."""

import pytest

from onhand.ledger import catalogue
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from tests.publish.shelves import receipt


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """A, B and C are listed on both channels; A has 7 in Leeds and 2 in London, B 5 in Leeds, C nothing."""
    for channel, places in (("web", [""]), ("store", ["L1", "L2"])):
        await catalogue.save_listings(
            shop, channel, [NewListing(sku, f"{channel}-{sku}", sku) for sku in "ABC"], places
        )
    await post_events(shop, [receipt("1", "A", 7), receipt("2", "A", 2, "london"), receipt("3", "B", 5)])
    return shop
