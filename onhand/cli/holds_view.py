"""How holds are shown to people: in a line wherever a channel is shown, and whole before one is released."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.markup import escape

from onhand.cli.output import err, grid, out
from onhand.domain.guard import Tally
from onhand.guard import Change
from onhand.ledger.holds import HeldRun
from onhand.wording import ago, count

WHAT = {"sync": "its sync", "reconciliation": "the repair of what was read back"}


def hold_line(hold: HeldRun, now: datetime) -> str:
    """Since when what is held, and why; or who has let it go."""
    if hold.released_at is not None:
        return (
            f"{hold.channel}: {WHAT[hold.kind]} was held, and released {ago(hold.released_at, now)} "
            f"by {hold.released_by}; the next one sends it"
        )
    return f"{hold.channel}: {WHAT[hold.kind]} is held, first {ago(hold.held_at, now)}: {hold.reason}"


def print_holds(holds: Iterable[HeldRun], now: datetime) -> None:
    """One line for each hold, with the command that releases it."""
    for hold in holds:
        out().print(f"[yellow]{escape(hold_line(hold, now))}[/]")
        if hold.stands:
            out().print(f"  release it: onhand runs release --channel {escape(hold.channel)}")


def print_hold(hold: HeldRun, tally: Tally, changes: Sequence[Change], now: datetime) -> None:
    """One hold, and the levels that would move furthest if it were released."""
    console = out()
    console.print(f"[bold]{escape(hold_line(hold, now))}[/]")
    if hold.kind != "sync":
        return
    if changes:
        table = grid("sku", "item", "place", "from", "to", right=("from", "to"))
        for change in changes:
            table.add_row(
                escape(change.sku), escape(change.item_id), escape(change.place),
                f"{change.before:,}", f"{change.after:,}",
            )  # fmt: skip
        console.print(table)
    console.print(
        f"now: {tally.changing:,} of {count(tally.listings, 'listing')} would change, {tally.zeroing:,} of them to "
        f"nothing, {count(tally.units, 'piece')} in all"
    )
    if tally.changing > len(changes):
        err().print("the biggest are shown; see more with --show, and all with: onhand sync --dry-run")
