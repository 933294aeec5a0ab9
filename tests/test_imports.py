"""Files into the ledger: every row has a verdict, good rows go in, and the same file twice does no harm."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.states import State
from onhand.imports import FileFormat, LedgerDirectory, import_catalogue, import_mapping, import_stock
from onhand.ledger import catalogue, posting, stock
from onhand.ledger.database import Pool
from onhand.sources.base import SourceError
from onhand.sources.csv_files import CsvOptions

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def written(path: Path, text: str, at: datetime = NOON) -> Path:
    """A file of that text, last written at that time."""
    path.write_text(text)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def known(pool: Pool) -> LedgerDirectory:
    """The directory of the test's two locations."""
    return LedgerDirectory(pool, frozenset({"leeds", "london"}))


async def available(pool: Pool, sku: str) -> dict[str, int]:
    """What is available of a SKU, by location."""
    return {row.location: row.units[State.AVAILABLE] for row in await stock.sku_balances(pool, sku)}


async def test_a_catalogue_adds_skus_and_renames_them(shop: Pool, tmp_path: Path) -> None:
    file = written(
        tmp_path / "c.csv", "sku,name,barcode,status\nA,Apple,1,\nD,Date,2,discontinued\n,none,,\n"
    )

    report = await import_catalogue(shop, file, FileFormat())

    assert (report.kind, report.file, report.rows, report.taken, report.refused) == (
        "catalogue",
        "c.csv",
        3,
        2,
        1,
    )
    assert await stock.sku_card(shop, "A") == stock.SkuCard("A", "Apple", "1", "active")
    assert await stock.sku_card(shop, "D") == stock.SkuCard("D", "Date", "2", "discontinued")
    (refused,) = report.refusals
    assert (refused.origin, refused.problem) == ("c.csv line 4", "blank_sku")
    assert await catalogue.refused_rows(shop, report.key, 10) == [refused]


async def test_importing_again_lists_its_refused_rows_once(shop: Pool, tmp_path: Path) -> None:
    file = written(tmp_path / "c.csv", "sku,name\n,none\n")
    for _ in range(2):
        report = await import_catalogue(shop, file, FileFormat())
    assert len(await catalogue.refused_rows(shop, report.key, 10)) == 1


async def test_a_mapping_pins_listings_with_their_units(shop: Pool, tmp_path: Path) -> None:
    file = written(tmp_path / "m.csv", "sku,item_id,parent_id,units\nA,101,9,6\nQ,102,,\n")

    report = await import_mapping(shop, file, "web", [""], known(shop), FileFormat())

    assert (report.taken, report.refused) == (1, 1)
    (listing,) = await stock.sku_listings(shop, "A", "web")
    assert (listing.item_id, listing.units, listing.pinned) == ("101", 6, True)
    assert [level.place for level in listing.levels] == [""]
    assert "import it first" in report.refusals[0].message


async def test_counts_go_in_and_bad_rows_are_listed(shop: Pool, tmp_path: Path) -> None:
    file = written(
        tmp_path / "s.csv", "sku,quantity,location\nA,7,leeds\nB,-2,london\nC,x,leeds\nQ,1,leeds\n"
    )

    report = await import_stock(shop, CsvOptions(file, settle_seconds=0), known(shop))

    assert (report.rows, report.taken, report.known, report.refused) == (4, 2, 0, 2)
    assert await available(shop, "A") == {"leeds": 7}
    assert await available(shop, "B") == {"london": -2}
    assert [(row.origin, row.problem) for row in report.refusals] == [
        ("s.csv line 4", "not_a_number"),
        ("s.csv line 5", "unknown_sku"),
    ]
    (notice,) = report.notices
    assert "-2 is negative" in notice


async def test_the_same_file_twice_changes_nothing_even_after_sales(shop: Pool, tmp_path: Path) -> None:
    """Goal: a file is known by its content. Its time is later the second time, and stock has moved between."""
    text = "sku,quantity,location\nA,7,leeds\nB,0,leeds\n"
    options = CsvOptions(written(tmp_path / "s.csv", text), settle_seconds=0)
    await import_stock(shop, options, known(shop))
    sold = Movement("till", "1", EventKind.WRITE_OFF, "A", "leeds", 3, NOON + timedelta(hours=1))
    found = Movement("till", "2", EventKind.ADJUSTMENT, "B", "leeds", 4, NOON + timedelta(hours=1))
    await posting.post_events(shop, [movements.event_of(sold), movements.event_of(found)])
    written(options.path, text, NOON + timedelta(hours=2))

    report = await import_stock(shop, options, known(shop))

    assert (report.taken, report.known, report.nothing_new) == (0, 2, True)
    assert await available(shop, "A") == {"leeds": 4}
    assert await available(shop, "B") == {"leeds": 4}


async def test_a_count_keeps_what_moved_after_the_file_was_written(shop: Pool, tmp_path: Path) -> None:
    sold = Movement("till", "1", EventKind.WRITE_OFF, "A", "leeds", 3, NOON + timedelta(hours=1))
    await posting.post_events(shop, [movements.event_of(sold)])
    file = written(tmp_path / "s.csv", "sku,quantity,location\nA,7,leeds\n")

    await import_stock(shop, CsvOptions(file, settle_seconds=0), known(shop))

    assert await available(shop, "A") == {"leeds": 4}


async def test_a_file_that_cannot_be_trusted_as_a_whole_is_not_taken_at_all(
    shop: Pool, tmp_path: Path
) -> None:
    file = written(tmp_path / "s.csv", "article,colour\nA,red\n")
    with pytest.raises(SourceError, match=r"s\.csv has no column for location and quantity"):
        await import_stock(shop, CsvOptions(file, settle_seconds=0), known(shop))
    with pytest.raises(SourceError, match="no column for sku"):
        await import_catalogue(shop, written(tmp_path / "c.csv", "colour\nred\n"), FileFormat())
