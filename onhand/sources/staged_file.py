"""One CSV file made ready: examined, parsed and staged off the event loop, then handed out page by page."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from onhand.sources.base import PAGE_ROWS
from onhand.sources.csv_table import Column, CsvTable, Header, Record
from onhand.sources.staging import Key, Staged, Staging
from onhand.sources.text_files import FileFacts, examine, require_same

STAGE_ROWS = 20_000
"""Records set down in one go; between two goes the reading can be cancelled."""

Value = TypeVar("Value")
KeyOf = Callable[[tuple[str, ...]], Key | None]


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a file is to be read: its columns, its key, and what a person configured about its text.

    `delimiter` None: the one of , ; tab | under which the header is understood. `final_newline`:
    refuse a file whose last line is not ended, for feeds that always end it.
    """

    columns: tuple[Column, ...]
    key_of: KeyOf
    delimiter: str | None = None
    encoding: str = "cp1252"
    final_newline: bool = False


class StagedFile:
    """Use as `async with`. A thread of its own does all that blocks, so nothing is shared between threads."""

    facts: FileFacts
    header: Header
    count: int

    def __init__(self, path: Path, form: TableFormat) -> None:
        self._path = path
        self._form = form
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="csv")
        self._staging: Staging | None = None

    async def __aenter__(self) -> Self:
        """Examine the file. Raises FileRefused, FileBusy or SourceDown."""
        try:
            self.facts = await self.run(examine, self._path, self._form.encoding)
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def read_header(self) -> CsvTable:
        """The table, with its header understood. Raises FileRefused where it is not."""
        form = self._form
        table = await self.run(CsvTable, self.facts, form.columns, form.delimiter, form.final_newline)
        self.header = table.header
        return table

    async def stage(self) -> None:
        """Read the file to its end. Raises FileRefused for a file that must not be used at all."""
        table = await self.read_header()
        self._staging = await self.run(Staging)
        records = self._keyed(table.records())
        while await self.run(self._staging.add, islice(records, STAGE_ROWS)):
            pass
        await self.run(require_same, self.facts)
        await self.run(self._staging.find_twins)
        self.count = self._staging.count

    async def run(self, function: Callable[..., Value], *given: object) -> Value:
        """Call something that blocks, on the file's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *given)

    async def pages(self, rows_max: int = PAGE_ROWS) -> AsyncIterator[Sequence[Staged]]:
        """All staged records in the order of the file."""
        line = 0
        while page := await self.run(self.staging.page, line, rows_max):
            yield page
            line = page[-1].record.line

    @property
    def staging(self) -> Staging:
        """The records, once `stage` has returned; to be used through `run`."""
        assert self._staging is not None, "stage() comes first"
        return self._staging

    def close(self) -> None:
        """Give the disk space back, after whatever the thread is at; does not wait for it."""
        if self._staging is not None:
            self._thread.submit(self._staging.close)
        self._thread.shutdown(wait=False)

    def _keyed(self, records: Iterator[Record]) -> Iterator[tuple[Record, Key | None]]:
        for record in records:
            yield record, None if record.refusal is not None else self._form.key_of(record.cells)
