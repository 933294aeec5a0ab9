"""A file's records set down on disk, so that twins are found without holding the rows in memory.

Two rows that state the same thing may be 400,000 lines apart. The records go into a private SQLite
file that the operating system deletes with its last handle; SQLite sorts there on disk, and its cache
is the only memory the length of the file never changes. Reading the file to its end before its
first row is used has a second use: a file that turns out to be cut off has changed nothing.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import groupby

from onhand.sources.csv_table import Record
from onhand.sources.problems import Problem, Refusal

CACHE_KIB = 4_096

_PREPARE = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -{CACHE_KIB};
CREATE TABLE record (
    line INTEGER PRIMARY KEY, spelling TEXT, folded TEXT, cells TEXT NOT NULL, raw TEXT NOT NULL,
    problem TEXT, why TEXT
);
CREATE TABLE twin (
    folded TEXT PRIMARY KEY, lines INTEGER NOT NULL, spellings INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE total (folded TEXT PRIMARY KEY, units TEXT) WITHOUT ROWID;
"""
_FIND_TWINS = """
INSERT INTO twin (folded, lines, spellings, first, last)
SELECT folded, count(*), 1 + (min(spelling) <> max(spelling)), min(line), max(line)
FROM record WHERE folded IS NOT NULL GROUP BY folded HAVING count(*) > 1
"""
_PAGE = """
SELECT r.line, r.raw, r.cells, r.problem, r.why, t.lines, t.spellings, t.first, t.last, s.units
FROM record r LEFT JOIN twin t ON t.folded = r.folded LEFT JOIN total s ON s.folded = r.folded
WHERE r.line > ? ORDER BY r.line LIMIT ?
"""
_TWIN_CELLS = """
SELECT r.folded, r.cells FROM record r JOIN twin t ON t.folded = r.folded
WHERE t.spellings = 1 ORDER BY r.folded, r.line
"""

# Sums are exact: each number has at most 40 digits, and Decimal's usual context would round at 28.
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Key:
    """What a row states something about: as `spelling`, and `folded` so that near misses meet."""

    spelling: str
    folded: str


@dataclass(frozen=True, slots=True)
class Twins:
    """The rows of one file under one key: how many, in how many spellings (2: several), first and last line.

    `total` is the sum of their numbers, None where it was not asked for or one could not be read.
    """

    lines: int
    spellings: int
    first: int
    last: int
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Staged:
    """A record as it was set down; `twins` where other rows have its key."""

    record: Record
    twins: Twins | None


class Staging:
    """The records of one file, `count` so far. Used from one thread only, the one that made it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_PREPARE)
        self.count = 0

    def add(self, records: Iterable[tuple[Record, Key | None]]) -> int:
        """Set records down; one without a key has no twins. Says how many they were."""
        self._database.execute("BEGIN")
        rows = (_columns(record, key) for record, key in records)
        cursor = self._database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")
        self.count += cursor.rowcount
        return cursor.rowcount

    def find_twins(self) -> None:
        """Compare all records with each other, once, after the last was added."""
        self._database.execute(_FIND_TWINS)

    def sum_twins(self, number_of: Callable[[tuple[str, ...]], Decimal | None]) -> None:
        """Give twins of one spelling their total; `number_of` reads it from the cells (None: unreadable)."""
        cursor = self._database.execute(_TWIN_CELLS)
        for folded, group in groupby(cursor, key=lambda row: str(row[0])):
            total = _sum(number_of(tuple(json.loads(cells))) for _, cells in group)
            self._database.execute("INSERT INTO total VALUES (?, ?)", (folded, _text(total)))

    def page(self, after_line: int, rows_max: int) -> list[Staged]:
        """The next records in the order of the file."""
        return [_staged(*row) for row in self._database.execute(_PAGE, (after_line, rows_max))]

    def close(self) -> None:
        """Forget everything; the disk space is free again."""
        self._database.close()


def _columns(record: Record, key: Key | None) -> tuple[object, ...]:
    refusal = record.refusal
    return (
        record.line,
        None if key is None else key.spelling,
        None if key is None else key.folded,
        json.dumps(record.cells),
        record.raw,
        None if refusal is None else refusal.problem.value,
        None if refusal is None else refusal.why,
    )


def _staged(
    line: int,
    raw: str,
    cells: str,
    problem: str | None,
    why: str | None,
    lines: int | None,
    spellings: int,
    first: int,
    last: int,
    total: str | None,
) -> Staged:
    refusal = None if problem is None else Refusal(Problem(problem), why or "")
    sum_ = None if total is None else Decimal(total)
    twins = None if lines is None else Twins(lines, spellings, first, last, sum_)
    return Staged(Record(line, raw, tuple(json.loads(cells)), refusal), twins)


def _sum(numbers: Iterator[Decimal | None]) -> Decimal | None:
    total: Decimal | None = Decimal(0)
    for number in numbers:
        total = None if total is None or number is None else _EXACT.add(total, number)
    return total


def _text(total: Decimal | None) -> str | None:
    return None if total is None else f"{total:f}"
