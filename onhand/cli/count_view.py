"""How counts look in a terminal: sheets, the lines of one, and what became of what was entered."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.markup import escape
from rich.text import Text

from onhand.cli.count_file import CountedSheet, Rows
from onhand.cli.output import err, grid, out
from onhand.ledger.count_sheets import Sheet
from onhand.ledger.cycle_counts import Answer, Outcome
from onhand.wording import ago, count, signed

STYLES = {
    "posted": "green",
    "repeated": "dim",
    "escalated": "bold yellow",
    "refused": "bold red",
    "open": "",
    "dropped": "dim",
}


def print_sheets(sheets: Sequence[Sheet]) -> None:
    """One line a sheet, the newest first."""
    if not sheets:
        out().print("nothing is being counted; begin with: onhand count start --due 50")
        return
    now = datetime.now(UTC)
    numbers = ("sheet", "SKUs", "to count", "escalated", "posted", "dropped")
    table = grid("sheet", "location", "started", "by", *numbers[1:], "note", right=numbers)
    for sheet in sheets:
        state = " (closed)" if sheet.closed_at else ""
        table.add_row(
            str(sheet.sheet_id), escape(sheet.location) + state, ago(sheet.started_at, now), escape(sheet.started_by),
            f"{sheet.lines:,}", f"{sheet.open:,}", f"{sheet.escalated:,}", f"{sheet.posted:,}", f"{sheet.dropped:,}",
            escape(sheet.note),
        )  # fmt: skip
    out().print(table)


def print_sheet(found: CountedSheet) -> None:
    """Every line with its last count, and what to do about those that wait."""
    sheet = found.sheet
    now = datetime.now(UTC)
    closed = f", closed {ago(sheet.closed_at, now)}" if sheet.closed_at else ""
    out().print(
        f"count sheet {sheet.sheet_id} at {escape(sheet.location)}, started {ago(sheet.started_at, now)} "
        f"by {escape(sheet.started_by)}{closed}  {escape(sheet.note)}".rstrip()
    )
    table = grid(
        "sku",
        "name",
        "state",
        "counts",
        "counted",
        "expected",
        "off",
        "",
        right=("counts", "counted", "expected", "off"),
    )
    for line in found.lines:
        table.add_row(
            escape(line.sku), escape(line.name), _state(line.state), f"{line.turns:,}", _units(line.quantity),
            _units(line.expected), "" if line.difference is None else signed(line.difference), escape(line.reason),
        )  # fmt: skip
    out().print(table)
    if sheet.escalated:
        number = sheet.sheet_id
        out().print(f"count again: onhand count enter {number} SKU QUANTITY --again", markup=False)
        out().print(f"or let the last count stand: onhand count approve {number} SKU", markup=False)


def print_answers(sheet: int, answers: Sequence[Answer], rows: Rows, *, at_once: bool) -> None:
    """What became of each line that is worth a look, then how many ended how."""
    worth = [each for each in answers if each.difference or each.message]
    if worth:
        table = grid("sku", "", "counted", "expected", "off", "", right=("counted", "expected", "off"))
        for each in worth:
            table.add_row(
                escape(each.sku), _state(each.outcome.value), f"{each.quantity:,}", _units(each.expected),
                "" if each.difference is None else signed(each.difference), escape(each.message),
            )  # fmt: skip
        out().print(table)
    for refusal in rows.refused:
        err().print(refusal, markup=False)
    said = [
        f"{sum(each.outcome is outcome for each in answers):,} {outcome.value}"
        for outcome in Outcome
        if any(each.outcome is outcome for each in answers)
    ]
    said += [f"{count(rows.empty, 'row')} without a number"] if rows.empty else []
    said += [f"{count(len(rows.refused), 'row')} refused"] if rows.refused else []
    out().print(f"count sheet {sheet}: {', '.join(said) or 'nothing to do'}")
    if not at_once:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )


def _state(word: str) -> Text:
    return Text(word, style=STYLES.get(word, ""))


def _units(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
