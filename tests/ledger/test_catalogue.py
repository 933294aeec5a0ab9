"""The catalogue: what a new or changed SKU means for rows that were refused before."""

from dataclasses import replace

import pytest

from onhand.ledger import catalogue
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool

APPLE = CatalogueSku("A", name="Apple")


@pytest.mark.parametrize(
    ("saved", "read_again"),
    [
        (APPLE, False),
        (replace(APPLE, name="Cox apple", barcode="1", tags=("fruit",)), False),
        (CatalogueSku("NEW"), True),
        (replace(APPLE, status="discontinued"), True),
        (replace(APPLE, fraction="round_down"), True),
    ],
)
async def test_sources_are_read_whole_again_when_their_rows_may_be_judged_otherwise(
    shop: Pool, saved: CatalogueSku, read_again: bool
) -> None:
    await catalogue.save_skus(shop, [APPLE])
    await catalogue.save_watermark(shop, "source/csv", {"stock.csv": "read"})

    await catalogue.save_skus(shop, [saved])

    watermark = await catalogue.read_watermark(shop, "source/csv")
    assert watermark == (None if read_again else {"stock.csv": "read"})
