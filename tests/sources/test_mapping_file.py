"""A mapping in CSV: which item sells which SKU, each row with its verdict."""

from pathlib import Path

import pytest

from onhand.sources.file_rows import RowPage
from onhand.sources.mapping_file import MappingRow, read_mapping
from onhand.sources.text_files import FileRefused
from tests.sources.fakes import Directory

LOST = "The row was not taken."


async def mapping(tmp_path: Path, content: str, *codes: str) -> list[RowPage[MappingRow]]:
    """All pages of a mapping of that content, in a shop that knows these SKUs."""
    path = tmp_path / "mapping.csv"
    path.write_text(content)
    return [page async for page in read_mapping(path, Directory(*codes))]


def refused(pages: list[RowPage[MappingRow]]) -> list[tuple[str, str]]:
    """Kind and message of all refused rows."""
    return [(row.problem.value, row.message) for page in pages for row in page.bad_rows]


async def test_several_items_may_sell_one_sku_and_blanks_have_their_meaning(tmp_path: Path) -> None:
    content = "sku;Item_ID;parent_id;tracking;units\nA-1;gid://shop/1;;;\nA-1;12;7;variant;6\n"
    pages = await mapping(tmp_path, content, "A-1")
    assert [page.rows for page in pages] == [
        (
            MappingRow("A-1", "gid://shop/1", "", "", 1, "mapping.csv line 2"),
            MappingRow("A-1", "12", "7", "variant", 6, "mapping.csv line 3"),
        )
    ]
    assert refused(pages) == []


async def test_each_wrong_row_is_named_in_the_order_of_the_file(tmp_path: Path) -> None:
    content = (
        "sku,item_id,units\nA-9,1,\nA-1,,\nA-1,4.46E+13,\nA-1,2,0\nA-1,3,2.5\nA-1,4,many\nA-1,5,1\nA-9,6,\n,7,\n"
        "A-1,8\nA-1,9,1000001\n"
    )
    pages = await mapping(tmp_path, content, "A-1")
    assert [row.item_id for row in pages[0].rows] == ["5"]
    units = "is not accepted; write a whole number from 1 to 1,000,000."
    assert refused(pages) == [
        (kind, f"mapping.csv line {line}{said} {LOST}")
        for line, kind, said in (
            (2, "unknown_sku", ', sku: SKU "A-9" is not in the catalogue; import it first.'),
            (3, "bad_value", ', column "item_id": the item is blank; it says what is sold on the channel.'),
            (
                4,
                "bad_value",
                ', column "item_id": "4.46E+13" is what a spreadsheet makes of a long number; its digits are lost. '
                "Export again with the column formatted as text.",
            ),
            (5, "bad_value", f', column "units": "0" {units}'),
            (6, "bad_value", f', column "units": "2.5" {units}'),
            (7, "bad_value", f', column "units": "many" {units}'),
            (9, "unknown_sku", ', sku: SKU "A-9" is not in the catalogue; import it first.'),
            (10, "blank_sku", ', column "sku": the SKU is blank; every row needs one.'),
            (
                11,
                "ragged_row",
                ': the row has 2 cells and the header 3; a cell that holds the delimiter "," must be in quotes.',
            ),
            (12, "bad_value", f', column "units": "1000001" {units}'),
        )
    ]


async def test_an_item_that_stands_twice_is_refused_all(tmp_path: Path) -> None:
    pages = await mapping(tmp_path, "sku,item_id\nA-1,1\nA-2,2\nA-2,1\n", "A-1", "A-2")
    assert [row.item_id for row in pages[0].rows] == ["2"]
    why = 'item "1" stands on 2 rows, the first on line 2, the last on line 4; it can sell one SKU only, so none of'
    assert refused(pages) == [
        ("duplicate", f'mapping.csv line {line}, column "item_id": {why} them was taken. {LOST}')
        for line in (2, 4)
    ]


async def test_a_missing_column_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as caught:
        await mapping(tmp_path, "sku,listing\nA-1,1\n")
    assert caught.value.said == (
        'mapping.csv has no column for item_id. Found are "sku", "listing"; accepted are item_id: "item id", '
        '"inventory item id", "variant id".'
    )
