"""A CSV file, or a folder of them, as the source of stock.

Each file is a list of counts, as of a column of it or of the time it was last written. What it does
not mention stays as it is: neither an empty nor a cut-off file ever sets stock to zero. A file is
taken whole or, where it cannot be trusted as a whole, not at all; a folder's other files are read
all the same.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path

from onhand.domain.counts import CountMeaning
from onhand.sources.base import (
    PAGE_ROWS,
    Finding,
    Page,
    Progress,
    SkuDirectory,
    SourceError,
    Watermark,
)
from onhand.sources.csv_folder import Book, look_for_files, settled
from onhand.sources.csv_stock import DuplicatePolicy, StockColumns, StockReader, key_of, number_of
from onhand.sources.numbers import PLAIN_MARKS, Marks
from onhand.sources.rows import RowRules, judge
from onhand.sources.staged_file import StagedFile, TableFormat
from onhand.sources.text_files import FileBusy

CHECKED_FILES_MAX = 5


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """What a person configures about stock files.

    `path`: one file, or a folder whose files matching `pattern` are read in name order. `location`:
    where the stock is if there is no such column. `delimiter`: None takes the one of , ; tab | under
    which the header is understood; a first line `sep=;` goes before either. `encoding`: the code
    page of files that are neither UTF-8 nor UTF-16. `settle_seconds`: a file whose size or time
    changes within this is still being written. `rows_drop_max`: a new version of a file with this
    share of its rows gone is refused (1: never). `final_newline`: refuse a file whose last line is
    not ended. `zone`, `layout`: of the moments in the as-of column.
    """

    path: Path
    meaning: CountMeaning = CountMeaning.AVAILABLE
    columns: StockColumns = field(default_factory=StockColumns)
    location: str = ""
    delimiter: str | None = None
    encoding: str = "cp1252"
    marks: Marks = PLAIN_MARKS
    duplicates: DuplicatePolicy = "refuse"
    pattern: str = "*.csv"
    settle_seconds: float = 2.0
    rows_drop_max: float = 0.5
    final_newline: bool = False
    zone: tzinfo = UTC
    layout: str | None = None
    page_rows: int = PAGE_ROWS


def now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


class CsvFiles:
    """The source. `clock` answers with the time now; tests give their own."""

    def __init__(self, options: CsvOptions, name: str = "csv", clock: Callable[[], datetime] = now) -> None:
        self.name = name
        self.meaning = options.meaning
        self._options = options
        self._clock = clock
        self._form = TableFormat(
            columns=options.columns.columns(location_required=not options.location),
            key_of=key_of,
            delimiter=options.delimiter,
            encoding=options.encoding,
            final_newline=options.final_newline,
        )

    async def pages(self, since: Watermark | None, known: SkuDirectory) -> AsyncGenerator[Page, None]:
        """Files that are new or changed since the watermark (None: all), in name order.

        A refused file comes as a page without rows whose finding says why; it does not enter the
        watermark, so it is looked at again until it is put right. Raises SourceDown when the path
        cannot be reached.
        """
        book = Book.of(since)
        paths = await asyncio.to_thread(look_for_files, self._options.path, self._options.pattern)
        calm = await settled(paths, self._options.settle_seconds)
        for path in paths:
            if path not in calm:
                yield _verdict(book, Finding(path.name, True, "still being written; left for the next run"))
                continue
            async with aclosing(self._file(path, book, known)) as pages:
                async for page in pages:
                    yield page

    async def check(self) -> list[Finding]:
        """Whether the path is there and the first files have the header that is looked for."""
        try:
            paths = await asyncio.to_thread(look_for_files, self._options.path, self._options.pattern)
        except SourceError as error:
            return [Finding(str(self._options.path), False, error.said, error.advice)]
        if not paths:
            return [Finding(str(self._options.path), True, f"no file matches {self._options.pattern} yet")]
        return [await self._check_file(path) for path in paths[:CHECKED_FILES_MAX]]

    async def aclose(self) -> None:
        """Nothing is kept open between two readings."""

    async def _file(self, path: Path, book: Book, known: SkuDirectory) -> AsyncGenerator[Page, None]:
        try:
            async with StagedFile(path, self._form) as file:
                if book.has(file.facts):
                    return
                await file.stage()
                book.require_no_drop(file.facts, file.count, self._options.rows_drop_max)
                async for page in self._staged(file, book, known):
                    yield page
        except FileBusy as busy:
            yield _verdict(book, Finding(path.name, True, busy.said))
        except SourceError as error:
            yield _verdict(book, Finding(path.name, False, error.said, error.advice))

    async def _staged(self, file: StagedFile, book: Book, known: SkuDirectory) -> AsyncIterator[Page]:
        reader, rules = self._reader(file), self._rules(file)
        if reader.duplicates == "sum":
            await file.run(file.staging.sum_twins, partial(number_of, marks=reader.marks))
        findings: tuple[Finding, ...] = (self._accepted(file),)
        done = 0
        async for page in file.pages(self._options.page_rows):
            judged = await judge(reader.raw_rows(page), rules, known, self._clock())
            done += len(page)
            if done == file.count:
                book.enter(file.facts, file.count)
            progress = Progress(done, file.count)
            yield Page(judged.rows, judged.bad_rows, book.watermark(), progress, judged.notices, findings)
            findings = ()

    def _reader(self, file: StagedFile) -> StockReader:
        written = datetime.fromtimestamp(file.facts.modified_ns / 1e9, UTC)
        return StockReader(
            name=file.facts.path.name,
            default_location=self._options.location,
            # The clock of a file server may be ahead; nothing was written later than now.
            modified_at=min(written, self._clock()),
            marks=self._options.marks,
            duplicates=self._options.duplicates,
            has_location="location" in file.header.places,
            has_as_of="as_of" in file.header.places,
        )

    def _rules(self, file: StagedFile) -> RowRules:
        options = self._options
        return RowRules(options.meaning, options.marks, options.zone, options.layout, file.header.labels())

    def _accepted(self, file: StagedFile) -> Finding:
        return Finding(file.facts.path.name, True, f"{file.count:,} rows, read as {file.facts.encoding}")

    async def _check_file(self, path: Path) -> Finding:
        try:
            async with StagedFile(path, self._form) as file:
                await file.read_header()
        except SourceError as error:
            return Finding(path.name, False, error.said, error.advice)
        found = ", ".join(f"{name} in {label}" for name, label in file.header.labels().items())
        return Finding(path.name, True, f"read as {file.facts.encoding}; {found}")


def _verdict(book: Book, finding: Finding) -> Page:
    return Page((), (), book.watermark(), Progress(0), findings=(finding,))
