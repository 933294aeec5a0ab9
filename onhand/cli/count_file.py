"""Count sheets as CSV files: written to be filled in, and read back row by row."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from onhand.cli.errors import ExitCode, OperatorError
from onhand.ledger.count_comparing import Entered
from onhand.ledger.count_sheets import LINES_MAX, Sheet, SheetLine

COLUMNS = ("sku", "name", "barcode", "location", "turn", "counted", "counted_at")
NEEDED = ("sku", "counted")
EXPECTED = "expected"
QUANTITY_MAX = 1_000_000_000
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class CountedSheet:
    """A sheet with its lines."""

    sheet: Sheet
    lines: tuple[SheetLine, ...]


@dataclass(slots=True)
class Rows:
    """What a file says was counted; how many rows have no number yet, and which cannot be taken, with the reason."""

    entered: list[Entered] = field(default_factory=list)
    empty: int = 0
    refused: list[str] = field(default_factory=list)


def write_sheet(path: Path, sheet: CountedSheet, *, expected: bool) -> int:
    """Write what still has to be counted; answers how many SKUs. `turn` says which count of the SKU the row is."""
    waiting = [line for line in sheet.lines if line.state in ("open", "escalated")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, EXPECTED] if expected else COLUMNS)
        for line in waiting:
            row = [line.sku, line.name, line.barcode, sheet.sheet.location, line.turns + 1, "", ""]
            writer.writerow([*row, line.printed_on_hand] if expected else row)
    return len(waiting)


def read_rows(path: Path) -> Rows:
    """Read what was counted; a row that cannot be taken is listed, and the others go on. Raises OperatorError."""
    rows, seen = Rows(), set[str]()
    for number, row in _rows(path):
        sku, said = row["sku"], row["counted"]
        if not said:
            rows.empty += 1
        elif sku in seen:
            rows.refused.append(f"line {number}: {sku} is there twice; add its shelves up")
        else:
            entered = _entered(sku, row)
            if isinstance(entered, str):
                rows.refused.append(f"line {number}: {entered}")
            else:
                seen.add(sku)
                rows.entered.append(entered)
    if len(rows.entered) > LINES_MAX:
        raise OperatorError(f"{path} counts more than the {LINES_MAX:,} SKUs that one sheet may hold")
    return rows


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows with the number of their line, columns by lower-case heading."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise OperatorError(f"{path} is not UTF-8: {error}", "Save it as CSV in UTF-8.") from error
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    headings = [heading.strip().lower() for heading in next(reader, [])]
    missing = [name for name in NEEDED if name not in headings]
    if missing:
        raise OperatorError(
            f"{path} has no column {' nor '.join(missing)}; its headings are {', '.join(headings) or 'missing'}",
            "Fill in the file that `onhand count show SHEET --csv FILE` writes.",
            ExitCode.USAGE,
        )
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [*(cell.strip() for cell in cells), *[""] * len(headings)]
            yield reader.line_num, dict(zip(headings, padded, strict=False))


def _entered(sku: str, row: Mapping[str, str]) -> Entered | str:
    """The count that a row states, or why it states none."""
    said, turn, moment = row["counted"], row.get("turn") or "1", row.get("counted_at") or ""
    if not said.isascii() or not said.isdigit() or int(said) > QUANTITY_MAX:
        return f"{sku}: {said!r} is no number of units"
    if not turn.isascii() or not turn.isdigit():
        return f"{sku}: {turn!r} does not say which count it is; accepted: 1, 2, ..."
    try:
        counted_at = datetime.fromisoformat(moment).astimezone() if moment else None
    except ValueError:
        return f"{sku}: {moment!r} is no moment; accepted: 2026-11-26 14:30"
    return Entered(sku, int(said), counted_at, int(turn))
