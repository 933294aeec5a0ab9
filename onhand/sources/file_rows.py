"""What the readers of a catalogue and of a mapping share: a file's records become rows, one verdict each."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from onhand.sources.base import PAGE_ROWS, BadRow, Finding, Progress
from onhand.sources.problems import Problem, Refusal, shown
from onhand.sources.rows import RawRow, bad_row
from onhand.sources.staged_file import StagedFile, TableFormat
from onhand.sources.staging import Staged

TEXT_LENGTH_MAX = 500

Row = TypeVar("Row")
Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """Up to PAGE_ROWS rows of a file, judged. `findings` (first page only) say how the file was read."""

    rows: tuple[Row, ...]
    bad_rows: tuple[BadRow, ...]
    progress: Progress
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RowReader(Generic[Row]):
    """`read` makes a row of cells (and where they stood), or refuses; `twin` refuses rows with one key."""

    form: TableFormat
    read: Callable[[Cells, str], Row | Refusal]
    twin: Callable[[Staged], Refusal]

    async def pages(self, path: Path, rows_max: int = PAGE_ROWS) -> AsyncGenerator[RowPage[Row], None]:
        """The whole file. Raises FileRefused for one that is not taken at all, SourceDown, FileBusy."""
        async with StagedFile(path, self.form) as file:
            await file.stage()
            labels = file.header.labels()
            said = f"{file.count:,} rows, read as {file.facts.encoding}"
            findings: tuple[Finding, ...] = (Finding(path.name, True, said),)
            done = 0
            async for page in file.pages(rows_max):
                done += len(page)
                verdicts = [self._verdict(staged, path.name, labels) for staged in page]
                yield RowPage(
                    tuple(verdict for verdict in verdicts if not isinstance(verdict, BadRow)),
                    tuple(verdict for verdict in verdicts if isinstance(verdict, BadRow)),
                    Progress(done, file.count),
                    findings,
                )
                findings = ()

    def _verdict(self, staged: Staged, name: str, labels: Mapping[str, str]) -> Row | BadRow:
        record = staged.record
        origin = f"{name} line {record.line}"
        row = self._row(staged, origin)
        if isinstance(row, Refusal):
            return bad_row(RawRow(origin, record.raw), row, labels)
        return row

    def _row(self, staged: Staged, origin: str) -> Row | Refusal:
        if staged.record.refusal is not None:
            return staged.record.refusal
        return self.twin(staged) if staged.twins is not None else self.read(staged.record.cells, origin)


def one_line(text: str, field: str, length_max: int = TEXT_LENGTH_MAX) -> str | Refusal:
    """The text with runs of white space as one space, or why it is too long or unprintable."""
    line = " ".join(text.replace("\ufeff", "").split())
    if len(line) > length_max:
        why = f"{shown(line)} has {len(line):,} characters; at most {length_max:,} are accepted."
        return Refusal(Problem.BAD_VALUE, why, field)
    if not line.isprintable():
        return Refusal(Problem.BAD_VALUE, f"{shown(line)} holds a mark that cannot be printed.", field)
    return line


def one_of(text: str, field: str, accepted: tuple[str, ...]) -> str | Refusal:
    """The accepted word a cell holds in any case, spaces for underscores; the first one where it is blank."""
    word = "_".join(text.replace("\ufeff", "").casefold().split())
    if not word:
        return accepted[0]
    if word in accepted:
        return word
    choice = " or ".join(shown(choice) for choice in accepted)
    return Refusal(Problem.BAD_VALUE, f"{shown(text.strip())} is not accepted; write {choice}.", field)
