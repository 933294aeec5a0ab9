"""How stock is shown to people: a SKU's balances, and what a statement changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from onhand.cli.output import grid, out
from onhand.cli.stock_post import Statement
from onhand.domain.events import EventKind
from onhand.domain.states import OUTSIDE, State
from onhand.ledger.posting import Verdict
from onhand.ledger.stock import BalanceRow, SkuCard
from onhand.wording import ago, moment

INSIDE = tuple(state for state in State if state not in OUTSIDE)
"""States of units that are the business's; the others are the far side of every movement."""

_VERBS = {
    EventKind.RECEIPT: "received {n} of {sku} at {at}",
    EventKind.ADJUSTMENT: "adjusted {sku} at {at} by {n:+}",
    EventKind.WRITE_OFF: "wrote off {n} of {sku} at {at}",
    EventKind.TRANSFER_OUT: "sent {n} of {sku} from {at}",
    EventKind.TRANSFER_IN: "took in {n} of {sku} at {at}",
    EventKind.RETURN: "took back {n} of {sku} at {at}",
    EventKind.INSPECTION: "inspected {n} of {sku} at {at}",
    EventKind.COUNT: "counted {n} of {sku} at {at}",
}


@dataclass(frozen=True, slots=True)
class StockCard:
    """A SKU with its balances; `at`: as of that moment, None: as they are now."""

    sku: SkuCard
    balances: tuple[BalanceRow, ...]
    at: datetime | None = None


def location_documents(balances: Sequence[BalanceRow]) -> list[dict[str, Any]]:
    """The same for a script: every state, and what is on hand."""
    return [
        {
            "location": row.location,
            "version": row.version,
            "moved_at": row.moved_at,
            "on_hand": row.on_hand,
            **{state.value: units for state, units in row.units.items()},
        }
        for row in balances
    ]


def title(card: SkuCard) -> str:
    """A SKU in one line, with how fast it sells and the tier that follows, as markup."""
    parts = [f"[bold]{escape(card.code)}[/]"]
    parts += [escape(card.name)] if card.name else []
    parts += [f"[dim]barcode {escape(card.barcode)}[/]"] if card.barcode else []
    parts += ["[yellow]discontinued[/]"] if card.status != "active" else []
    parts += [f"[dim]{card.per_day:,.1f} sold a day: {card.tier}[/]"]
    return "  ".join(parts)


def print_card(card: StockCard) -> None:
    """The balances as a table: what can be sold first, only the states that hold something."""
    console = out()
    console.print(title(card.sku))
    if card.at is not None:
        console.print(f"as the ledger had it at {moment(card.at)}, by what was recorded until then")
    if not card.balances:
        console.print("nothing has ever moved" if card.at is None else "nothing had moved by then")
        return
    console.print()
    console.print(balance_table(card.balances))


def balance_table(balances: Sequence[BalanceRow]) -> Table:
    """Units by location and state, with a total where there are several locations."""
    states = [s for s in INSIDE if s is State.AVAILABLE or any(row.units[s] for row in balances)]
    headings = [state.value.replace("_", " ") for state in states]
    table = grid(
        "location", *headings, "on hand", "version", "moved", right=(*headings, "on hand", "version")
    )
    for row in balances:
        numbers = [_units(row.units[state]) for state in states]
        table.add_row(
            escape(row.location), *numbers, _units(row.on_hand), f"{row.version:,}", ago(row.moved_at)
        )
    if len(balances) > 1:
        sums = [_units(sum(row.units[state] for row in balances)) for state in states]
        total = _units(sum(row.on_hand for row in balances))
        table.add_row("[bold]together[/]", *(f"[bold]{text}[/]" for text in (*sums, total)), "", "")
    return table


def _units(number: int) -> str:
    return f"[bold red]{number:,}[/]" if number < 0 else f"{number:,}"


def print_statement(statement: Statement) -> None:
    """What was stated, what it changed, and which levels have to be told."""
    console = out()
    said = _VERBS[statement.kind].format(
        n=statement.quantity, sku=escape(statement.sku), at=escape(statement.location)
    )
    if statement.verdict is Verdict.DUPLICATE:
        console.print(f"{said}: already recorded as event {statement.event_id}; nothing was changed")
        return
    console.print(f"[green]{said}[/]  [dim]event {statement.event_id}, id {escape(statement.id)}[/]")
    if not statement.changes:
        console.print(statement.message or "it agrees with the ledger; nothing had to be changed")
    inside = [change for change in statement.changes if State(change.state) not in OUTSIDE]
    if inside:
        table = grid("location", "state", "before", "after", right=("before", "after"))
        for change in inside:
            name = change.state.replace("_", " ")
            table.add_row(escape(change.location), name, f"{change.before:,}", f"{change.after:,}")
        console.print()
        console.print(table)
    _print_to_tell(statement)


def _print_to_tell(statement: Statement) -> None:
    console = out()
    console.print()
    if not statement.to_tell:
        console.print("no channel has to be told: every listing shows what it should")
        return
    table = grid("to be told", "item", "place", "shows", "should show", right=("shows", "should show"))
    for level in statement.to_tell:
        shows = "?" if level.before is None else f"{level.before:,}"
        table.add_row(level.channel, escape(level.item_id), escape(level.place), shows, f"{level.after:,}")
    console.print(table)
    if statement.at_once:
        console.print("they are being told")
    else:
        console.print(f"the next sync tells them; to do it now: onhand sync --sku {escape(statement.sku)}")
