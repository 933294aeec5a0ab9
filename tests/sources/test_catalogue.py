"""A catalogue in CSV: each row with its verdict, by the same manners as stock."""

from pathlib import Path

import pytest

from onhand.sources.base import Finding, Progress
from onhand.sources.catalogue import CatalogueRow, read_catalogue
from onhand.sources.file_rows import RowPage
from onhand.sources.text_files import FileRefused

LOST = "The row was not taken."


async def catalogue(tmp_path: Path, content: str) -> list[RowPage[CatalogueRow]]:
    """All pages of a catalogue of that content."""
    path = tmp_path / "catalogue.csv"
    path.write_text(content)
    return [page async for page in read_catalogue(path)]


def refused(pages: list[RowPage[CatalogueRow]]) -> list[tuple[str, str]]:
    """Kind and message of all refused rows."""
    return [(row.problem.value, row.message) for page in pages for row in page.bad_rows]


async def test_a_full_row_and_a_bare_one(tmp_path: Path) -> None:
    pages = await catalogue(
        tmp_path,
        "SKU,Name,Barcode,Tags,Status,Unit Rule\n"
        'A-1,"Mug\n blue",2000000000015, kitchen ;mug;; mug,Discontinued,Round down\n'
        "A-2,,,,,\n",
    )
    assert pages == [
        RowPage(
            (
                CatalogueRow(
                    "A-1",
                    "Mug blue",
                    "2000000000015",
                    ("kitchen", "mug"),
                    "discontinued",
                    "round_down",
                    "catalogue.csv line 2",
                ),
                CatalogueRow("A-2", "", "", (), "active", "refuse", "catalogue.csv line 4"),
            ),
            (),
            Progress(2, 2),
            (Finding("catalogue.csv", True, "2 rows, read as utf-8-sig"),),
        )
    ]


async def test_only_the_sku_column_is_required(tmp_path: Path) -> None:
    pages = await catalogue(tmp_path, "stock_code\nA-1\n")
    assert [row.code for row in pages[0].rows] == ["A-1"]
    with pytest.raises(FileRefused) as caught:
        await catalogue(tmp_path, "name\nMug\n")
    assert caught.value.said.startswith(
        'catalogue.csv has no column for sku. Found are "name"; accepted are sku: "sku"'
    )


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        (",Mug,,,,", "blank_sku", 'column "sku": the SKU is blank; every row needs one.'),
        (
            f"A-1,{'x' * 501},,,,",
            "bad_value",
            f'column "name": "{"x" * 57}..." has 501 characters; at most 500 are accepted.',
        ),
        ("A-1,a\x07b,,,,", "bad_value", 'column "name": "a\\x07b" holds a mark that cannot be printed.'),
        (
            "A-1,Mug,5.05E+12,,,",
            "bad_value",
            'column "barcode": "5.05E+12" is what a spreadsheet makes of a long number; its digits are lost. '
            "Export again with the column formatted as text.",
        ),
        (
            "A-1,Mug,,,gone,",
            "bad_value",
            'column "status": "gone" is not accepted; write "active" or "discontinued".',
        ),
        (
            "A-1,Mug,,,,nearest",
            "bad_value",
            'column "fraction": "nearest" is not accepted; write "refuse" or "round_down".',
        ),
        (
            f"A-1,Mug,,{';'.join(map(str, range(51)))},,",
            "bad_value",
            'column "tags": 51 tags are too many; at most 50 are accepted.',
        ),
        (
            f"A-1,Mug,,{'t' * 101},,",
            "bad_value",
            f'column "tags": "{"t" * 57}..." has 101 characters; at most 100 are accepted.',
        ),
    ],
)
async def test_each_wrong_cell_is_named(tmp_path: Path, row: str, kind: str, message: str) -> None:
    pages = await catalogue(tmp_path, f"sku,name,barcode,tags,status,fraction\n{row}\nB-1,Cup,,,,\n")
    assert refused(pages) == [(kind, f"catalogue.csv line 2, {message} {LOST}")]
    assert [good.code for good in pages[0].rows] == ["B-1"]


async def test_skus_that_stand_twice_or_are_one_typing_error_apart_are_refused_all(tmp_path: Path) -> None:
    pages = await catalogue(
        tmp_path, "sku,name\nA-1,Mug\nA-1,Cup\n85123A,Heart\n85123a,Heart\nB-1,Box\nC-1\n"
    )
    assert [row.code for row in pages[0].rows] == ["B-1"]
    assert refused(pages) == [
        (
            "duplicate",
            f'catalogue.csv line {line}, column "sku": "A-1" stands on 2 rows, the first on line 2, the last on '
            f"line 3; none of them was taken, keep one. {LOST}",
        )
        for line in (2, 3)
    ] + [
        (
            "sku_conflict",
            f'catalogue.csv line {line}, column "sku": "{sku}" and another SKU that differs only in case or spaces '
            f"stand on 2 rows, the first on line 4, the last on line 5; keep one spelling. {LOST}",
        )
        for line, sku in ((4, "85123A"), (5, "85123a"))
    ] + [
        (
            "ragged_row",
            'catalogue.csv line 7: the row has 1 cells and the header 2; a cell that holds the delimiter "," must be '
            f"in quotes. {LOST}",
        )
    ]
