"""How drifts and read-backs look: the causes in sentences, then each level with its evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.markup import escape

from onhand.cli.output import grid, out, status
from onhand.ledger.reconcile import DriftRow, ReconciledChannel
from onhand.reconcile.preview import Foreseen
from onhand.wording import ago, count, duration

DONE = {
    "push": "told again",
    "widen": "told again, buffer widened",
    "halt": "halted",
    "report": "reported only",
}


def print_read_back(channels: Sequence[ReconciledChannel], ended: str, summary: str) -> None:
    """What a read-back found, channel by channel."""
    console = out()
    console.print(status(ended), escape(summary))
    numbers = ("levels", "again", "drifted", "halted", "open", "reads", "writes", "waited", "took")
    table = grid("channel", "status", *numbers, right=numbers)
    for row in channels:
        took = (row.finished_at - row.started_at).total_seconds() if row.finished_at else 0.0
        counts = (row.levels, row.suspects, row.drifts, row.halted, row.open, row.reads, row.writes)
        table.add_row(
            escape(row.channel), status(row.status), *(f"{number:,}" for number in counts),
            duration(row.waited_seconds), duration(took),
        )  # fmt: skip
    console.print(table)


def print_drifts(rows: Sequence[DriftRow]) -> None:
    """Drifts with cause, evidence and what was done; nothing where there are none."""
    if not rows:
        return
    now = datetime.now(UTC)
    table = grid(
        "channel", "sku", "place", "expected", "shown", "cause", "done", "since", "evidence",
        right=("expected", "shown"),
    )  # fmt: skip
    for row in rows:
        done = DONE[row.action] + (f"; {row.resolution}" if row.resolved_at is not None else "; still open")
        table.add_row(
            escape(row.channel), escape(row.sku), escape(row.place), number(row.expected), number(row.shown),
            row.cause.replace("_", " "), done, ago(row.found_at, now), escape(row.evidence),
        )  # fmt: skip
    out().print(table)


def print_foreseen(rows: Sequence[Foreseen]) -> None:
    """What a read-back would find and do."""
    if not rows:
        out().print("nothing has drifted")
        return
    table = grid(
        "channel", "sku", "place", "expected", "shown", "cause", "would be", "evidence",
        right=("expected", "shown"),
    )  # fmt: skip
    for row in rows:
        table.add_row(
            escape(row.channel), escape(row.sku), escape(row.place), number(row.expected), number(row.shown),
            row.cause.replace("_", " "), DONE[row.action], escape(row.evidence),
        )  # fmt: skip
    out().print(table)
    out().print(f"{count(len(rows), 'level')} drifted")


def number(quantity: int | None) -> str:
    """A level, "?" where none is known."""
    return "?" if quantity is None else f"{quantity:,}"
