"""The demo's sample: clean except for the three rows it is meant to show, and made from the real data."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.make_sample import make
from onhand.sources.catalogue import read_catalogue
from onhand.sources.csv_files import CsvFiles, CsvOptions
from tests.sources.fakes import Directory, bad, read, rows

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
DATA = ROOT.parent / "shared" / "data" / "online_retail.csv.gz"
FILES = ["catalogue.csv", "stock/leeds.csv", "stock/london.csv"]


@pytest.mark.skipif(not DATA.exists(), reason="the real shop's data is not at ../shared/data")
def test_the_committed_sample_is_what_the_real_data_gives(tmp_path: Path) -> None:
    make(DATA, tmp_path)
    assert [(tmp_path / name).read_text() for name in FILES] == [(DEMO / name).read_text() for name in FILES]


async def test_the_whole_catalogue_is_good() -> None:
    pages = [page async for page in read_catalogue(DEMO / "catalogue.csv")]
    assert [(len(page.rows), page.bad_rows) for page in pages] == [(300, ())]
    assert pages[0].rows[0].code == "15034"
    assert pages[0].rows[0].tags == ("paper",)


async def test_the_stock_has_one_negative_and_two_refused_rows() -> None:
    catalogue = [row.code async for page in read_catalogue(DEMO / "catalogue.csv") for row in page.rows]
    source = CsvFiles(CsvOptions(DEMO / "stock", settle_seconds=0), clock=lambda: datetime.now(UTC))
    pages = await read(source, known=Directory(*catalogue))
    levels = rows(pages)
    assert len(levels) == 599
    assert [notice.origin for page in pages for notice in page.notices] == ["london.csv line 42"]
    assert [quantity for _, _, quantity in levels if quantity < 0] == [-3]
    assert sum(quantity == 0 for _, _, quantity in levels) == 80
    assert bad(pages) == [
        (
            "not_a_number",
            'leeds.csv line 62, column "quantity": "#N/A" is a spreadsheet\'s error value, not a number. '
            "The row was not taken.",
        ),
        (
            "unknown_sku",
            'london.csv line 302, column "sku": SKU "POST" is not in the catalogue; import it, and the next run posts '
            "it. The row was kept in the list of refused rows and not posted.",
        ),
    ]
