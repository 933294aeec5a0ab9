"""A file of text as somebody else wrote it: is it whole, in which encoding, has it changed."""

import codecs
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onhand.sources.base import SourceDown, SourceError

CHUNK_BYTES = 1 << 20
LINE_LENGTH_MAX = 1 << 20
"""Characters of one line; a longer one means that this is no table of rows."""


class FileRefused(SourceError):
    """The file is not taken, as a whole; nothing of it was. `said` names the file."""


class FileBusy(SourceDown):
    """The file is being written to; it is left for the next run."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one pass over the bytes tells: `modified_ns` as the file system says, `encoding` for open()."""

    path: Path
    size: int
    modified_ns: int
    sha256: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line with its own ending; `number` counts from 1."""

    number: int
    text: str


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; a file that is still written shows others later."""
    try:
        status = path.stat()
    except OSError as error:
        raise SourceDown(f"{path} cannot be looked at: {error.strerror}.") from error
    return status.st_size, status.st_mtime_ns


def examine(path: Path, code_page: str) -> FileFacts:
    """Read all bytes once and settle the encoding: UTF-16 by its mark, else strict UTF-8, else `code_page`.

    The whole file decides, not its beginning, and nothing is guessed. Raises FileRefused for a file
    that is empty, holds NUL characters or can be read in neither; SourceDown when it cannot be opened.
    """
    size, modified_ns = stamp(path)
    digest = hashlib.sha256()
    trials: dict[str, _Trial] = {}
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                trials = trials or _trials(chunk, code_page)
                digest.update(chunk)
                for trial in trials.values():
                    trial.take(chunk)
    except OSError as error:
        raise SourceDown(f"{path} cannot be read: {error.strerror}.") from error
    if not trials:
        raise FileRefused(f"{path.name} is empty.", "Have it exported again; no stock was changed.")
    encoding = _settle(path, trials)
    facts = FileFacts(path, size, modified_ns, digest.hexdigest(), encoding)
    require_same(facts)
    return facts


def require_same(facts: FileFacts) -> None:
    """Raise FileBusy when the file is no longer the one that was examined."""
    if stamp(facts.path) != (facts.size, facts.modified_ns):
        raise FileBusy(f"{facts.path.name} was written to while it was read; it is left for the next run.")


def lines_of(facts: FileFacts) -> Iterator[Line]:
    """The lines of an examined file. Raises FileRefused at a line of more than LINE_LENGTH_MAX characters."""
    with facts.path.open(encoding=facts.encoding, errors="strict", newline="") as file:
        number = 0
        while text := file.readline(LINE_LENGTH_MAX + 1):
            number += 1
            if len(text) > LINE_LENGTH_MAX:
                raise FileRefused(
                    f"{facts.path.name} line {number} has more than {LINE_LENGTH_MAX:,} characters.",
                    "It does not look like a table of rows; have it exported again.",
                )
            yield Line(number, text)


class _Trial:
    """Whether all chunks so far can be read in one encoding; if not, `complaint` says where it failed."""

    def __init__(self, encoding: str) -> None:
        self.complaint = ""
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._bytes_taken = 0

    def take(self, chunk: bytes, final: bool = False) -> None:
        """Read one more chunk."""
        if self.complaint:
            return
        try:
            if "\0" in self._decoder.decode(chunk, final):
                self.complaint = "it holds NUL characters, as a file that was cut off does"
        except UnicodeDecodeError as error:
            self.complaint = f"{error.reason} near byte {self._bytes_taken + error.start:,}"
        self._bytes_taken += len(chunk)


def _trials(first: bytes, code_page: str) -> dict[str, _Trial]:
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return {"utf-16": _Trial("utf-16")}
    return {encoding: _Trial(encoding) for encoding in ("utf-8-sig", code_page)}


def _settle(path: Path, trials: dict[str, _Trial]) -> str:
    for encoding, trial in trials.items():
        trial.take(b"", final=True)
        if not trial.complaint:
            return encoding
    complaints = "; ".join(f"as {encoding}: {trial.complaint}" for encoding, trial in trials.items())
    raise FileRefused(
        f"{path.name} cannot be read as text ({complaints}).",
        "Have it exported again as UTF-8, or configure the code page its writer uses; no stock was changed.",
    )


def is_unfinished(name: str) -> bool:
    """Whether a file's name says that it is still being written, or belongs to an open editor."""
    unfinished = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
    return name.startswith((".", "~$")) or os.path.splitext(name)[1].lower() in unfinished
