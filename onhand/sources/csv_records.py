"""One CSV record out of lines: quotes, line breaks inside them, and quotes that are none.

One bad record never takes its neighbours with it: a quote that is opened and not closed within
RECORD_LINES_MAX lines spoils its own line only.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from onhand.sources.text_files import LINE_LENGTH_MAX, Line

RECORD_LINES_MAX = 20
"""Lines one record may span by line breaks inside quotes; more, and the quote is taken for a lone one."""

# The csv module's own limit is 128 KiB for a cell; ours is the one on a line, checked earlier.
csv.field_size_limit(RECORD_LINES_MAX * LINE_LENGTH_MAX)


class Lines:
    """Lines that can be put back, for a record that turns out to be shorter than it seemed."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._ahead: deque[Line] = deque()
        self._lines = iter(lines)

    def take(self) -> Line | None:
        """The next line, None at the end."""
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def put_back(self, lines: Sequence[Line]) -> None:
        """Have these lines come next, in their order."""
        self._ahead.extendleft(reversed(lines))


def read_record(first: Line, rest: Lines, delimiter: str) -> tuple[str, list[str] | None]:
    """The text and cells of the record that begins at a line; None for cells that cannot be told apart.

    Takes further lines only for line breaks inside quotes, and puts them back when the quote is lone.
    """
    if '"' not in first.text:
        return first.text, first.text.rstrip("\r\n").split(delimiter)
    taken = [first]

    def feed() -> Iterator[str]:
        yield first.text
        while len(taken) < RECORD_LINES_MAX and (line := rest.take()) is not None:
            taken.append(line)
            yield line.text

    try:
        cells = next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except csv.Error:
        rest.put_back(taken[1:])
        return first.text, None
    return "".join(line.text for line in taken), cells


def said_delimiter(text: str) -> str | None:
    """The delimiter of a first line `sep=;`, which Excel reads and writes; None where it is none."""
    said = text.rstrip("\r\n").strip('"')
    return said[4] if said.lower().startswith("sep=") and len(said) == 5 else None
