"""What the merchant of giftware was asked for, code by code and day by day, from the file of order lines.

A line of a cancellation takes pieces from the newest line with its code that still has as many, as in retail_plan.py:
what was cancelled was not asked for after all. Write-offs and lines that are no goods are left out.
"""

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bench.figures import BenchFailed
from bench.retail import PATH
from bench.retail_plan import NO_GOODS


@dataclass(slots=True)
class _Line:
    """What is left of one line of an order."""

    day: int
    pieces: int


@dataclass(frozen=True, slots=True)
class Days:
    """Pieces of each code by day; day 0 is that of the first order of the file, and all have as many days."""

    first: date
    pieces: Mapping[str, Sequence[int]]

    @property
    def count(self) -> int:
        """Days of the file."""
        return max(map(len, self.pieces.values()), default=0)


def read_days(path: Path = PATH) -> Days:
    """Everything that was asked for, less what was cancelled. Raises BenchFailed where the file is not there."""
    if not path.is_file():
        raise BenchFailed(f"the order stream {path.name} is not in ../shared/data beside the project")
    lines: dict[str, list[_Line]] = {}
    first, last = None, 0
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        for number, code, _, quantity, moment in list(csv.reader(text))[1:]:
            day = date.fromisoformat(moment[:10])
            first = first or day
            last = (day - first).days
            if code not in NO_GOODS:
                _take(lines.setdefault(code, []), number, last, int(float(quantity)))
    return Days(first or date.min, {code: _by_day(found, last + 1) for code, found in lines.items()})


def _take(lines: list[_Line], number: str, day: int, pieces: int) -> None:
    if pieces > 0 and not number.startswith("C"):
        lines.append(_Line(day, pieces))
    elif pieces < 0 and number.startswith("C"):
        bought = next((line for line in reversed(lines) if line.pieces >= -pieces), None)
        if bought is not None:
            bought.pieces += pieces


def _by_day(lines: Sequence[_Line], days: int) -> list[int]:
    found = [0] * days
    for line in lines:
        found[line.day] += line.pieces
    return found
