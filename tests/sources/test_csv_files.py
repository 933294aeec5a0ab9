"""CSV files as a source: what the world writes, what is taken of it, and what an operator is told."""

import codecs
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from onhand.domain.counts import CountMeaning
from onhand.sources.base import Finding, Progress, SourceDown, StockRow
from onhand.sources.csv_files import CsvFiles, CsvOptions
from onhand.sources.csv_stock import StockColumns
from onhand.sources.numbers import Marks
from onhand.sources.text_files import CHUNK_BYTES
from tests.sources.fakes import NOW, Directory, bad, read, rows, stock

WRITTEN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LOST = "The row was not taken."


def write(path: Path, content: str | bytes) -> Path:
    """A file as it stands there since WRITTEN."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    return path


def source(path: Path, **options: Any) -> CsvFiles:
    """The source under test; nothing waits for files to settle unless a test says so."""
    return CsvFiles(CsvOptions(path, **({"settle_seconds": 0.0} | options)), clock=lambda: NOW)


def table(tmp_path: Path, content: str | bytes, **options: Any) -> CsvFiles:
    """A source of one file, stock.csv."""
    return source(write(tmp_path / "stock.csv", content), **options)


async def test_a_plain_file_gives_its_rows_with_all_that_is_known_of_them(tmp_path: Path) -> None:
    pages = await read(table(tmp_path, "sku,location,quantity\nA-1,leeds,5\nA-1,london,-2\n"))
    assert stock(pages) == [
        StockRow("A-1", "leeds", 5, CountMeaning.AVAILABLE, WRITTEN, "stock.csv line 2"),
        StockRow("A-1", "london", -2, CountMeaning.AVAILABLE, WRITTEN, "stock.csv line 3"),
    ]
    assert [page.progress for page in pages] == [Progress(2, 2)]
    assert pages[0].findings == (Finding("stock.csv", True, "2 rows, read as utf-8-sig"),)
    assert [notice.origin for notice in pages[0].notices] == ["stock.csv line 3"]


async def test_columns_are_found_by_usual_names_in_any_order_case_and_spelling(tmp_path: Path) -> None:
    content = "Name,ON_HAND, Stock Code ,Warehouse,\nMug,5,A-1,leeds,\n"
    assert rows(await read(table(tmp_path, content))) == [("A-1", "leeds", 5)]


async def test_configured_names_are_the_only_ones_accepted(tmp_path: Path) -> None:
    columns = StockColumns(sku="Artikel", location="", quantity="Bestand", as_of="Stand")
    content = "sku,Artikel,Bestand,quantity,Stand\nX,A-1,5,99,2026-11-19\n"
    pages = await read(table(tmp_path, content, columns=columns, location="leeds"))
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert stock(pages)[0].as_of == datetime(2026, 11, 19, tzinfo=UTC)


async def test_a_missing_column_refuses_the_file_and_names_what_is_there_and_what_is_accepted(
    tmp_path: Path,
) -> None:
    pages = await read(
        table(tmp_path, "sku,site,amount\nA-1,leeds,5\n", columns=StockColumns(quantity="qty"))
    )
    assert rows(pages) == []
    assert [page.findings for page in pages] == [
        (
            Finding(
                "stock.csv",
                False,
                'stock.csv has no column for quantity. Found are "sku", "site", "amount"; accepted are '
                'quantity: "qty".',
                "Have it exported with that header, or configure the column's name; no row was taken.",
            ),
        )
    ]
    assert pages[0].watermark == {}


async def test_two_columns_that_could_be_meant_refuse_the_file(tmp_path: Path) -> None:
    pages = await read(table(tmp_path, "sku,location,on hand,available\nA-1,leeds,5,4\n"))
    assert pages[0].findings[0].message == (
        'stock.csv: "on hand" (column 3) and "available" (column 4) could both be the quantity.'
    )
    assert rows(pages) == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_the_delimiter_is_the_one_under_which_the_header_is_understood(
    tmp_path: Path, delimiter: str
) -> None:
    content = "sku,location,quantity\nA-1,leeds,5\n".replace(",", delimiter)
    assert rows(await read(table(tmp_path, content))) == [("A-1", "leeds", 5)]


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
async def test_a_first_line_that_names_the_delimiter_goes_before_the_setting(
    tmp_path: Path, first: str
) -> None:
    pages = await read(table(tmp_path, f"{first}sku;location;quantity\nA-1;leeds;5\n", delimiter=","))
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert stock(pages)[0].origin == "stock.csv line 3"


@pytest.mark.parametrize(
    ("content", "encoding", "found"),
    [
        ("sku,location,quantity\nGröße,leeds,5\n".encode(), "cp1252", "utf-8-sig"),
        (codecs.BOM_UTF8 + "sku,location,quantity\nGröße,leeds,5\n".encode(), "cp1252", "utf-8-sig"),
        ("sku,location,quantity\nGröße,leeds,5\n".encode("utf-16"), "cp1252", "utf-16"),
        (
            codecs.BOM_UTF16_BE + "sku,location,quantity\nGröße,leeds,5\n".encode("utf-16-be"),
            "cp1252",
            "utf-16",
        ),
        ("sku,location,quantity\nGröße,leeds,5\n".encode("cp1252"), "cp1252", "cp1252"),
        ("sku,location,quantity\nGröße,leeds,5\n".encode("cp850"), "cp850", "cp850"),
    ],
)
async def test_the_encoding_is_settled_by_the_bytes_and_reported(
    tmp_path: Path, content: bytes, encoding: str, found: str
) -> None:
    pages = await read(table(tmp_path, content, encoding=encoding))
    assert rows(pages) == [("Größe", "leeds", 5)]
    assert pages[0].findings[0].message == f"1 rows, read as {found}"


async def test_one_byte_far_behind_decides_the_encoding_of_the_whole_file(tmp_path: Path) -> None:
    many = "".join(f"{number:0200d},leeds,5\n" for number in range(6_000))
    content = f"sku,location,quantity\n{many}über,leeds,1\n".encode("cp1252")
    assert len(content) > CHUNK_BYTES
    pages = await read(table(tmp_path, content))
    assert rows(pages)[-1] == ("über", "leeds", 1)
    assert pages[-1].progress == Progress(6_001, 6_001)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "stock.csv is empty."),
        (b"\n\n", "stock.csv holds no header and no rows."),
        (b"sku,location,quantity\n\n,,\n", "stock.csv has a header but no rows."),
        (
            b"sku,location,quantity\nA-1,leeds,5\nA-2,le",
            'stock.csv ends in the middle of line 3: "A-2,le".',
        ),
        (
            b'sku,location,quantity\nA-1,leeds,5\n"A-2,leeds,5',
            'stock.csv ends in the middle of line 3: ""A-2,leeds,5".',
        ),
        (
            b"sku,location,quantity\nA-1,leeds,5\n\0\0\0",
            "stock.csv cannot be read as text (as utf-8-sig: it holds NUL characters, as a file that was cut "
            "off does; as cp1252: it holds NUL characters, as a file that was cut off does).",
        ),
        (
            b"sku,location,quantity\nA\x81,leeds,5\n",
            "stock.csv cannot be read as text (as utf-8-sig: invalid start byte near byte 23; as cp1252: "
            "character maps to <undefined> near byte 23).",
        ),
        (
            codecs.BOM_UTF16_LE + "sku,location,quantity\nA-1,leeds,5\n".encode("utf-16-le")[:-1],
            "stock.csv cannot be read as text (as utf-16: truncated data near byte 69).",
        ),
    ],
)
async def test_a_file_that_is_not_whole_is_refused_as_a_whole_and_changes_nothing(
    tmp_path: Path, content: bytes, message: str
) -> None:
    pages = await read(table(tmp_path, content))
    assert [(page.rows, page.bad_rows, page.watermark) for page in pages] == [((), (), {})]
    assert [(finding.ok, finding.message) for finding in pages[0].findings] == [(False, message)]


async def test_a_last_line_without_its_ending_is_taken_unless_the_feed_promises_one(tmp_path: Path) -> None:
    content = "sku,location,quantity\nA-1,leeds,125"
    assert rows(await read(table(tmp_path, content))) == [("A-1", "leeds", 125)]
    pages = await read(table(tmp_path, content, final_newline=True))
    assert pages[0].findings[0].message == 'stock.csv ends in the middle of line 2: "A-1,leeds,125".'
    assert rows(pages) == []


async def test_ragged_rows_are_refused_one_by_one(tmp_path: Path) -> None:
    content = "sku,location,quantity,,\nA-1,leeds\nA-2,leeds,1,5\nA-3,leeds,7,,,\nA-4,leeds,8\n"
    pages = await read(table(tmp_path, content))
    assert rows(pages) == [("A-3", "leeds", 7), ("A-4", "leeds", 8)]
    shape = 'cells and the header 3; a cell that holds the delimiter "," must be in quotes.'
    assert bad(pages) == [
        ("ragged_row", f"stock.csv line 2: the row has 2 {shape} {LOST}"),
        ("ragged_row", f"stock.csv line 3: the row has 4 {shape} {LOST}"),
    ]
    assert pages[0].bad_rows[0].raw == "A-1,leeds\n"


async def test_line_breaks_inside_quotes_belong_to_their_row_and_lines_are_still_counted(
    tmp_path: Path,
) -> None:
    content = 'sku,name,location,quantity\r\nA-1,"Mug\r\n""blue""",leeds,5\r\n\r\nA-2,Cup,leeds,x\r\n'
    pages = await read(table(tmp_path, content))
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert [row.origin for page in pages for row in page.bad_rows] == ["stock.csv line 5"]


async def test_a_lone_quote_spoils_its_own_row_only(tmp_path: Path) -> None:
    many = "".join(f"B-{number},x,leeds,1\n" for number in range(50))
    content = (
        'sku,name,location,quantity\nA-1,"Mug,leeds,5\nA-2,Mug 5" tall,leeds,6\n'
        f'A-3,"Mug" blue,leeds,7\nA-4,"Mug, blue",leeds,8\n{many}'
    )
    pages = await read(table(tmp_path, content))
    assert rows(pages)[:3] == [("A-2", "leeds", 6), ("A-4", "leeds", 8), ("B-0", "leeds", 1)]
    assert len(rows(pages)) == 52
    why = (
        "a double quote is opened and not closed, or stands beside text; "
        'write a " inside a quoted cell as "".'
    )
    assert bad(pages) == [
        ("lone_quote", f"stock.csv line 2: {why} {LOST}"),
        ("lone_quote", f"stock.csv line 4: {why} {LOST}"),
    ]


async def test_numbers_follow_the_configured_marks(tmp_path: Path) -> None:
    content = "sku;location;quantity\nA-1;leeds;1.250,0\nA-2;leeds;1,250.0\n"
    pages = await read(table(tmp_path, content, marks=Marks(",", ".")))
    assert rows(pages) == [("A-1", "leeds", 1250)]
    assert bad(pages) == [
        (
            "marks",
            'stock.csv line 3, column "quantity": "1,250.0" does not follow the configured marks (decimal '
            "mark "
            f'",", thousands mark "." before each third digit). {LOST}',
        )
    ]


TWINS = "sku,location,quantity\nA-1,leeds,5\nB-1,leeds,1\n A-1 ,leeds,2.5\nA-1,london,9\nA-1,leeds,0.5\n"


async def test_rows_that_state_the_same_are_all_refused_by_default(tmp_path: Path) -> None:
    pages = await read(table(tmp_path, TWINS, page_rows=2))
    assert rows(pages) == [("B-1", "leeds", 1), ("A-1", "london", 9)]
    why = (
        '"A-1" at "leeds" stands on 3 rows of this file, the first on line 2, the last on line 6; none of '
        "them was "
        'taken. The setting duplicates may say "sum" (bins, lots) or "last".'
    )
    assert bad(pages) == [
        ("duplicate", f'stock.csv line {line}, column "sku": {why} {LOST}') for line in (2, 4, 6)
    ]
    assert [page.progress for page in pages] == [Progress(2, 5), Progress(4, 5), Progress(5, 5)]


async def test_rows_that_state_the_same_are_added_up_where_configured_before_parts_are_judged(
    tmp_path: Path,
) -> None:
    pages = await read(table(tmp_path, TWINS, duplicates="sum", page_rows=2))
    assert rows(pages) == [("A-1", "leeds", 8), ("B-1", "leeds", 1), ("A-1", "london", 9)]
    assert stock(pages)[0].origin == "stock.csv lines 2 to 6 (3 rows added up)"
    assert bad(pages) == []


async def test_a_sum_with_one_unreadable_part_is_not_known(tmp_path: Path) -> None:
    content = "sku,location,quantity\nA-1,leeds,5\nA-1,leeds,#N/A\n"
    pages = await read(table(tmp_path, content, duplicates="sum"))
    assert rows(pages) == []
    assert [kind for kind, _ in bad(pages)] == ["duplicate", "duplicate"]
    assert bad(pages)[0][1] == (
        'stock.csv line 2, column "quantity": "A-1" at "leeds" is to be added up from 2 rows of this '
        "file, the "
        "first on line 2, the last on line 3; the quantity of at least one cannot be read, so the sum is "
        "not known "
        f"and none of them was taken. {LOST}"
    )


async def test_the_last_row_counts_where_configured_and_the_others_are_mentioned(tmp_path: Path) -> None:
    content = "sku,location,quantity\nA-1,leeds,5\nA-1,leeds,6\nA-1,leeds,7\n"
    pages = await read(table(tmp_path, content, duplicates="last", page_rows=2))
    assert rows(pages) == [("A-1", "leeds", 7)]
    assert [notice.message for page in pages for notice in page.notices] == [
        f"stock.csv line {line}: line 4 states the same SKU and location and comes last, so it counts, not "
        f"this one."
        for line in (2, 3)
    ]


@pytest.mark.parametrize("policy", ["refuse", "sum", "last"])
async def test_skus_that_differ_only_in_case_or_spaces_conflict_under_every_policy(
    tmp_path: Path, policy: str
) -> None:
    content = "sku,location,quantity\n85123A,leeds,5\nB-1,leeds,1\n85123 a,leeds,7\n85123a,london,3\n"
    pages = await read(table(tmp_path, content, duplicates=policy))
    assert rows(pages) == [("B-1", "leeds", 1), ("85123a", "london", 3)]
    ending = (
        "and another SKU that differs only in case or spaces stand on 2 rows of this file, the first on "
        "line 2, the "
        f"last on line 4; which number is meant cannot be known, so none of them was taken. {LOST}"
    )
    assert bad(pages) == [
        ("sku_conflict", f'stock.csv line 2, column "sku": "85123A" {ending}'),
        ("sku_conflict", f'stock.csv line 4, column "sku": "85123 a" {ending}'),
    ]


async def test_twins_are_found_across_the_whole_length_of_a_large_file(tmp_path: Path) -> None:
    many = "".join(f"A-{number},leeds,1\n" for number in range(30_000))
    pages = await read(table(tmp_path, f"sku,location,quantity\nA-29999,leeds,5\n{many}"))
    assert len(rows(pages)) == 29_999
    assert [row.origin for page in pages for row in page.bad_rows] == [
        "stock.csv line 2",
        "stock.csv line 30002",
    ]
    assert len(pages) == 7


async def test_unknown_skus_are_listed_row_by_row(tmp_path: Path) -> None:
    content = "sku,location,quantity\nA-1,leeds,5\nA-9,leeds,5\n"
    pages = await read(table(tmp_path, content), known=Directory("A-1"))
    assert rows(pages) == [("A-1", "leeds", 5)]
    assert [(row.raw, row.problem.value) for row in pages[0].bad_rows] == [("A-9,leeds,5\n", "unknown_sku")]


async def test_the_time_of_a_file_from_a_clock_that_is_ahead_is_now(tmp_path: Path) -> None:
    made = table(tmp_path, "sku,location,quantity\nA-1,leeds,5\n")
    os.utime(tmp_path / "stock.csv", (NOW.timestamp() + 3600, NOW.timestamp() + 3600))
    assert stock(await read(made))[0].as_of == NOW


async def test_check_says_what_was_found_where(tmp_path: Path) -> None:
    made = table(tmp_path, "Item,Site,Qty\nA-1,leeds,5\n", columns=StockColumns(location="Site"))
    assert await made.check() == [
        Finding(
            "stock.csv",
            True,
            'read as utf-8-sig; sku in column "Item", location in column "Site", quantity in column "Qty"',
        )
    ]
    write(tmp_path / "stock.csv", "a,b\n")
    assert [finding.ok for finding in await made.check()] == [False]
    gone = source(tmp_path / "gone.csv")
    assert await gone.check() == [
        Finding(
            str(tmp_path / "gone.csv"),
            False,
            f"{tmp_path}/gone.csv cannot be looked at: No such file or directory.",
        )
    ]
    (tmp_path / "empty").mkdir()
    assert [finding.ok for finding in await source(tmp_path / "empty").check()] == [True]


async def test_a_path_that_is_not_there_is_a_source_that_is_down(tmp_path: Path) -> None:
    with pytest.raises(SourceDown) as caught:
        await read(source(tmp_path / "gone.csv"))
    assert str(caught.value) == f"{tmp_path}/gone.csv cannot be looked at: No such file or directory."


async def test_an_as_of_column_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    content = "sku,location,quantity,updated_at\nA-1,leeds,5,2026-11-19\n"
    assert stock(await read(table(tmp_path, content)))[0].as_of == WRITTEN
    usual = StockColumns(as_of=None)
    assert stock(await read(table(tmp_path, content, columns=usual)))[0].as_of == datetime(
        2026, 11, 19, tzinfo=UTC
    )
    named = StockColumns(as_of="Stand")
    pages = await read(table(tmp_path, content, columns=named))
    assert [finding.ok for page in pages for finding in page.findings] == [False]
