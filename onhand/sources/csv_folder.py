"""Which files of a folder are there, finished, and not read yet."""

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from onhand.sources.base import SourceDown, Watermark
from onhand.sources.text_files import FileFacts, FileRefused, is_unfinished, stamp

FILES_REMEMBERED_MAX = 1_000
"""Files whose names and digests a watermark keeps; the ones read longest ago are forgotten first."""


def look_for_files(path: Path, pattern: str) -> list[Path]:
    """The file itself, or a folder's finished files in name order. Raises SourceDown when it is not there."""
    try:
        if not path.is_dir():
            stamp(path)
            return [path]
        return sorted(
            entry
            for entry in path.iterdir()
            if fnmatchcase(entry.name.lower(), pattern.lower())
            and not is_unfinished(entry.name)
            and entry.is_file()
        )
    except OSError as error:
        raise SourceDown(f"{path} cannot be listed: {error.strerror}.") from error


async def settled(paths: Sequence[Path], seconds: float) -> frozenset[Path]:
    """Those of the files whose size and time stay the same for `seconds`.

    The age of a file proves nothing, as an upload may set it.
    """
    if not seconds or not paths:
        return frozenset(paths)
    before = await asyncio.to_thread(_stamps, paths)
    await asyncio.sleep(seconds)
    after = await asyncio.to_thread(_stamps, paths)
    return frozenset(path for path in paths if path in before and before[path] == after.get(path))


class Book:
    """Which content of which file was read: name -> size, SHA-256 and number of rows. It is the watermark."""

    def __init__(self, entries: dict[str, str]) -> None:
        self._entries = entries

    @classmethod
    def of(cls, since: Watermark | None) -> Self:
        """The book a watermark holds; an empty one for a full reading."""
        return cls(dict(since or {}))

    def has(self, facts: FileFacts) -> bool:
        """Whether just this content was read under this name."""
        return self._entries.get(facts.path.name, "").startswith(f"{facts.size}:{facts.sha256}:")

    def enter(self, facts: FileFacts, rows: int) -> None:
        """The file was read to its end."""
        self._entries.pop(facts.path.name, None)
        self._entries[facts.path.name] = f"{facts.size}:{facts.sha256}:{rows}"
        while len(self._entries) > FILES_REMEMBERED_MAX:
            del self._entries[next(iter(self._entries))]

    def watermark(self) -> Watermark:
        """The book as of now, as a copy."""
        return dict(self._entries)

    def require_no_drop(self, facts: FileFacts, rows: int, drop_max: float) -> None:
        """Raise FileRefused when too many of the rows of the file's last version are gone.

        A file that was cut off at the end of a line looks whole; that it became much shorter is the
        only sign.
        """
        entry = self._entries.get(facts.path.name)
        if entry is None:
            return
        before = int(entry.rsplit(":", 1)[1])
        if rows < before * (1 - drop_max):
            raise FileRefused(
                f"{facts.path.name} has {rows:,} rows; its last version had {before:,}.",
                f"A drop of more than {drop_max:.0%} looks like a cut-off file, so no row was taken. "
                "If it is right, send it under another name or raise rows_drop_max.",
            )


def _stamps(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    stamps = {}
    for path in paths:
        try:
            stamps[path] = stamp(path)
        except SourceDown:
            continue
    return stamps
