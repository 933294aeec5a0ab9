"""A folder of files over time: what is new, what is still being written, what is left out and why."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onhand.sources.base import Finding
from onhand.sources.csv_folder import FILES_REMEMBERED_MAX, Book
from onhand.sources.csv_table import CsvTable, Record
from onhand.sources.text_files import FileFacts
from tests.sources.fakes import Directory, read, rows, stock
from tests.sources.test_csv_files import source, write

HEADER = "sku,location,quantity\n"


def facts(name: str, digest: str = "ab") -> FileFacts:
    """A file that was examined."""
    return FileFacts(Path(name), 10, 0, digest, "utf-8-sig")


async def test_files_come_in_name_order_and_what_is_no_finished_csv_is_left_alone(tmp_path: Path) -> None:
    for number, name in enumerate(["b.csv", "A.CSV", "c.csv.tmp", "d.part", ".e.csv", "~$f.csv", "g.txt"]):
        write(tmp_path / name, f"{HEADER}A-1,leeds,{number}\n")
    (tmp_path / "h.csv").mkdir()
    pages = await read(source(tmp_path))
    assert [row.origin for row in stock(pages)] == ["A.CSV line 2", "b.csv line 2"]


async def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", f"{HEADER}A-1,leeds,1\n")
    write(tmp_path / "b.csv", f"{HEADER}B-1,leeds,2\n")
    first = await read(source(tmp_path))
    mark = first[-1].watermark
    assert sorted(mark) == ["a.csv", "b.csv"]
    assert mark["a.csv"] == f"34:{mark['a.csv'].split(':')[1]}:1"
    assert await read(source(tmp_path), mark) == []
    os.utime(tmp_path / "a.csv")
    assert await read(source(tmp_path), mark) == []
    write(tmp_path / "b.csv", f"{HEADER}B-1,leeds,3\n")
    assert rows(await read(source(tmp_path), mark)) == [("B-1", "leeds", 3)]
    assert rows(await read(source(tmp_path))) == [("A-1", "leeds", 1), ("B-1", "leeds", 3)]


async def test_the_watermark_takes_a_file_in_only_with_its_last_page(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + "".join(f"A-{number},leeds,1\n" for number in range(5)))
    pages = await read(source(tmp_path, page_rows=2))
    assert [sorted(page.watermark) for page in pages] == [[], [], ["a.csv"]]
    assert [len(page.findings) for page in pages] == [1, 0, 0]


async def test_a_bad_file_neither_holds_up_its_neighbours_nor_enters_the_watermark(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "")
    write(tmp_path / "b.csv", f"{HEADER}B-1,leeds,2\n")
    pages = await read(source(tmp_path))
    assert rows(pages) == [("B-1", "leeds", 2)]
    assert [finding for page in pages for finding in page.findings] == [
        Finding("a.csv", False, "a.csv is empty.", "Have it exported again; no stock was changed."),
        Finding("b.csv", True, "1 rows, read as utf-8-sig"),
    ]
    assert list(pages[-1].watermark) == ["b.csv"]
    again = await read(source(tmp_path), pages[-1].watermark)
    assert [finding.subject for page in again for finding in page.findings] == ["a.csv"]


async def test_a_file_that_still_grows_is_left_for_the_next_run(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", f"{HEADER}A-1,leeds,1\n")
    write(tmp_path / "b.csv", f"{HEADER}B-1,leeds,2\n")
    reading = asyncio.create_task(read(source(tmp_path, settle_seconds=0.2)))
    await asyncio.sleep(0.1)
    write(tmp_path / "a.csv", f"{HEADER}A-1,leeds,1\nA-2,leeds,2\n")
    pages = await reading
    assert rows(pages) == [("B-1", "leeds", 2)]
    assert pages[0].findings == (Finding("a.csv", True, "still being written; left for the next run"),)
    assert list(pages[-1].watermark) == ["b.csv"]


async def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}A-1,leeds,1\n")
    made = source(tmp_path)

    class Growing(CsvTable):
        """A table whose file gets another row just when reading begins."""

        def records(self) -> Iterator[Record]:
            with path.open("a") as file:
                file.write("A-2,leeds,2\n")
            return super().records()

    monkeypatch.setattr("onhand.sources.staged_file.CsvTable", Growing)
    pages = await read(made)
    assert rows(pages) == []
    assert pages[0].findings == (
        Finding("a.csv", True, "a.csv was written to while it was read; it is left for the next run."),
    )
    assert pages[0].watermark == {}


async def test_a_file_that_lost_most_of_its_rows_is_refused_until_a_person_agrees(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + "".join(f"A-{number},leeds,1\n" for number in range(10)))
    mark = (await read(source(tmp_path)))[-1].watermark
    write(tmp_path / "a.csv", HEADER + "".join(f"A-{number},leeds,2\n" for number in range(4)))
    pages = await read(source(tmp_path), mark)
    assert rows(pages) == []
    assert pages[0].watermark == mark
    assert pages[0].findings == (
        Finding(
            "a.csv",
            False,
            "a.csv has 4 rows; its last version had 10.",
            "A drop of more than 50% looks like a cut-off file, so no row was taken. If it is right, send "
            "it under "
            "another name or raise rows_drop_max.",
        ),
    )
    assert len(rows(await read(source(tmp_path, rows_drop_max=1.0), mark))) == 4
    write(tmp_path / "a.csv", HEADER + "".join(f"A-{number},leeds,2\n" for number in range(5)))
    assert len(rows(await read(source(tmp_path), mark))) == 5


async def test_a_reading_that_is_given_up_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + "".join(f"A-{number},leeds,1\n" for number in range(9)))
    pages = source(tmp_path, page_rows=2).pages(None, Directory(anything=True))
    page = await anext(pages)
    assert len(page.rows) == 2
    await pages.aclose()
    assert sorted(os.listdir(tmp_path)) == ["a.csv"]


def test_the_book_remembers_a_bounded_number_of_files_and_forgets_the_oldest() -> None:
    book = Book.of(None)
    for number in range(FILES_REMEMBERED_MAX + 1):
        book.enter(facts(f"{number}.csv"), 1)
    book.enter(facts("1.csv"), 1)
    assert len(book.watermark()) == FILES_REMEMBERED_MAX
    assert not book.has(facts("0.csv"))
    assert list(book.watermark())[-1] == "1.csv"
    assert not book.has(facts("5.csv", digest="cd"))


PEAK = """
import asyncio, sys
from pathlib import Path
from onhand.sources.csv_files import CsvFiles, CsvOptions
from tests.sources.fakes import Directory

async def main() -> int:
    count = 0
    source = CsvFiles(CsvOptions(Path(sys.argv[1]), settle_seconds=0))
    async for page in source.pages(None, Directory(anything=True)):
        count += len(page.rows)
    return count

count = asyncio.run(main())
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(count, peak.split()[1])
"""


def peak_kib(path: Path, count: int) -> int:
    """Peak memory of a process of its own that reads a file of so many rows."""
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(f"SKU-{number * 7919 % count:07d},leeds,{number % 500}\n" for number in range(count))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    read_rows, kib = done.stdout.split()
    assert int(read_rows) == count
    return int(kib)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Goal: flat memory. Method: peak RSS of two processes, one reading ten times as many rows."""
    small, large = peak_kib(tmp_path / "a.csv", 15_000), peak_kib(tmp_path / "b.csv", 150_000)
    assert large - small < 6_000, f"15,000 rows peak at {small} KiB, 150,000 rows at {large} KiB"
