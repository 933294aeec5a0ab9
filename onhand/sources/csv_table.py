"""A table in CSV as the world writes it: records under a known header, the bad ones told apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onhand.sources.codes import clean
from onhand.sources.csv_records import Lines, read_record, said_delimiter
from onhand.sources.problems import RAW_LENGTH_MAX, Problem, Refusal, shown
from onhand.sources.text_files import FileFacts, FileRefused, Line, lines_of

DELIMITERS = (",", ";", "\t", "|")
HEADERS_SHOWN_MAX = 30


@dataclass(frozen=True, slots=True)
class Column:
    """A field that is looked for, and the header names it may stand under (case does not matter)."""

    field: str
    accepted: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Header:
    """Where each field stands: `places` by field; `names` as the file spells them.

    `width` counts the columns up to the last named one; spreadsheets add blank ones after it.
    """

    delimiter: str
    names: tuple[str, ...]
    places: dict[str, int]
    width: int

    def labels(self) -> dict[str, str]:
        """What to call each field in a message: {"quantity": 'column "Qty"'}."""
        return {field: f'column "{self.names[place]}"' for field, place in self.places.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line it begins on, its text, one cell per column looked for ("" where there is none)."""

    line: int
    raw: str
    cells: tuple[str, ...]
    refusal: Refusal | None = None


class CsvTable:
    """An examined file read as a table. Raises FileRefused when the header is not what is looked for."""

    def __init__(
        self,
        facts: FileFacts,
        columns: Sequence[Column],
        delimiter: str | None = None,
        final_newline: bool = False,
    ) -> None:
        self._final_newline = final_newline
        self.name = facts.path.name
        self._columns = columns
        self._lines = Lines(lines_of(facts))
        self.header = self._find_header(delimiter)
        self._places = [self.header.places.get(column.field) for column in columns]

    def records(self) -> Iterator[Record]:
        """All rows that are not blank. Raises FileRefused where the file ends in the middle of one."""
        last: Record | None = None
        cut_off = False
        while (line := self._lines.take()) is not None:
            raw, cells = read_record(line, self._lines, self.header.delimiter)
            if cells is not None and not any(clean(cell) for cell in cells):
                continue
            last = self._record(line.number, raw, cells)
            cut_off = not raw.endswith(("\n", "\r")) and (self._final_newline or self._is_short(cells))
            yield last
        if last is None:
            raise FileRefused(f"{self.name} has a header but no rows.", "No stock was changed.")
        if cut_off:
            raise FileRefused(
                f"{self.name} ends in the middle of line {last.line}: {shown(last.raw)}.",
                "It was cut off; have it sent again. No stock was changed.",
            )

    def _record(self, number: int, raw: str, cells: list[str] | None) -> Record:
        refusal = self._refuse_shape(cells)
        if refusal is not None or cells is None:
            return Record(number, raw[:RAW_LENGTH_MAX], (), refusal)
        chosen = tuple("" if place is None else cells[place] for place in self._places)
        return Record(number, raw[:RAW_LENGTH_MAX], chosen)

    def _is_short(self, cells: list[str] | None) -> bool:
        return cells is None or len(cells) < self.header.width

    def _refuse_shape(self, cells: list[str] | None) -> Refusal | None:
        if cells is None:
            return Refusal(
                Problem.LONE_QUOTE,
                "a double quote is opened and not closed, or stands beside text; "
                'write a " inside a quoted cell as "".',
            )
        width = self.header.width
        if self._is_short(cells) or any(clean(cell) for cell in cells[width:]):
            return Refusal(
                Problem.RAGGED_ROW,
                f"the row has {len(cells)} cells and the header {width}; "
                f"a cell that holds the delimiter {shown(self.header.delimiter)} must be in quotes.",
            )
        return None

    def _find_header(self, delimiter: str | None) -> Header:
        line = self._lines.take()
        if line is not None and (said := said_delimiter(line.text)):
            delimiter, line = said, self._lines.take()
        while line is not None and not clean(line.text):
            line = self._lines.take()
        if line is None:
            raise FileRefused(f"{self.name} holds no header and no rows.", "No stock was changed.")
        headers = [self._header(line, candidate) for candidate in (delimiter or DELIMITERS)]
        best = max(headers, key=lambda header: (len(header.places), len(header.names)))
        self._require_columns(best)
        return best

    def _header(self, line: Line, delimiter: str) -> Header:
        # A line break inside a header cell is not supported; the header would be named as unreadable.
        _, cells = read_record(line, Lines(()), delimiter)
        names = tuple(clean(cell) for cell in cells or [])
        places: dict[str, int] = {}
        for column in self._columns:
            wanted = {_same(name) for name in column.accepted}
            found = [index for index, name in enumerate(names) if _same(name) in wanted]
            if len(found) > 1:
                both = " and ".join(f'"{names[index]}" (column {index + 1})' for index in found)
                raise FileRefused(
                    f"{self.name}: {both} could both be the {column.field}.",
                    "Name the one to read in the configuration, or remove the other; no row was taken.",
                )
            if found:
                places[column.field] = found[0]
        width = max((index for index, name in enumerate(names, start=1) if name), default=0)
        return Header(delimiter, names, places, width)

    def _require_columns(self, header: Header) -> None:
        required = [column for column in self._columns if column.required]
        missing = [column for column in required if column.field not in header.places]
        if not missing:
            return
        wanted = "; ".join(f"{column.field}: {_listed(column.accepted)}" for column in missing)
        raise FileRefused(
            f"{self.name} has no column for {' and '.join(column.field for column in missing)}. "
            f"Found are {_listed(header.names)}; accepted are {wanted}.",
            "Have it exported with that header, or configure the column's name; no row was taken.",
        )


def _same(name: str) -> str:
    return " ".join(name.replace("_", " ").split()).casefold()


def _listed(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > HEADERS_SHOWN_MAX else ""
    return ", ".join(shown(name) for name in names[:HEADERS_SHOWN_MAX]) + more
