"""How purchase orders are shown to people and to scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.markup import escape

from onhand.cli.output import grid, out
from onhand.domain.purchase_orders import LineChange, OrderState, OrderStatus, explained
from onhand.ledger.posting import Posted, Verdict
from onhand.ledger.preorders import PreOrderRow
from onhand.ledger.purchase_orders import OrderEvent
from onhand.wording import count, moment, signed

_STYLES = {
    OrderStatus.OPEN: "cyan",
    OrderStatus.PARTIAL: "yellow",
    OrderStatus.RECEIVED: "green",
    OrderStatus.CLOSED: "yellow",
}


NOTHING_TO_COME = "nothing of it was still to come"


@dataclass(frozen=True, slots=True)
class OrderCard:
    """An order with what was stated of it."""

    state: OrderState
    events: tuple[OrderEvent, ...]


def said(code: str, posted: Posted, verb: str, unchanged: str = NOTHING_TO_COME) -> str:
    """What became of a statement, in one line of markup."""
    match posted.verdict:
        case Verdict.DUPLICATE:
            return f"{escape(code)}: already recorded as event {posted.event_id}; nothing was changed"
        case Verdict.UNCHANGED:
            return f"{escape(code)}: {unchanged}; nothing was changed"
        case _:
            return f"[green]{escape(code)} {verb}[/]  [dim]event {posted.event_id}[/]"


def document(state: OrderState, today: date) -> dict[str, Any]:
    """An order for a script."""
    return {
        "order": state.code,
        "supplier": state.supplier,
        "location": state.location,
        "ordered_at": state.ordered_at,
        "due_on": state.due_on,
        "status": state.status,
        "late_days": state.late_days(today),
        "lines": [
            {
                "sku": line.sku,
                "ordered": line.ordered,
                "received": line.received,
                "closed": line.closed,
                "open": line.open,
                "excess": line.excess,
                "note": explained(line),
            }
            for line in state.lines
        ],
    }


def print_orders(states: Sequence[OrderState], today: date) -> None:
    """Orders as a table, one line each."""
    if not states:
        out().print("no purchase order is open")
        return
    numbers = ("SKUs", "ordered", "received", "to come")
    table = grid("order", "supplier", "location", "due", "status", *numbers, right=numbers)
    for state in states:
        table.add_row(
            escape(state.code), escape(state.supplier), escape(state.location), _due(state, today),
            _status(state), f"{len(state.lines):,}", f"{sum(line.ordered for line in state.lines):,}",
            f"{sum(line.received for line in state.lines):,}", f"{sum(line.open for line in state.lines):,}",
        )  # fmt: skip
    out().print(table)


def print_order(state: OrderState, today: date) -> None:
    """One order, line by line."""
    out().print(
        f"[bold]{escape(state.code)}[/]  {escape(state.supplier)} to {escape(state.location)}, "
        f"due {_due(state, today)}: {_status(state)}"
    )
    numbers = ("ordered", "received", "to come")
    table = grid("sku", *numbers, "", right=numbers)
    for line in state.lines:
        units = (f"{number:,}" for number in (line.ordered, line.received, line.open))
        table.add_row(escape(line.sku), *units, explained(line))
    out().print(table)


def print_events(events: Sequence[OrderEvent]) -> None:
    """What was stated of an order, oldest first."""
    table = grid("event", "when", "by", "what", "reason")
    for event in events:
        table.add_row(
            str(event.event_id), moment(event.occurred_at), escape(event.source),
            escape(_stated(event)), escape(event.reason),
        )  # fmt: skip
    out().print()
    out().print(table)


def too_late(row: PreOrderRow) -> str:
    """That more of a SKU is promised before it arrives than comes in by the promised day, in one line of markup."""
    return (
        f"[yellow]{escape(row.sku)}: {count(row.short, 'unit')} {'is' if row.short == 1 else 'are'} promised for "
        f"{row.promised_for}, and {row.due:,} {'comes' if row.due == 1 else 'come'} in by then[/]; "
        f"who waits: onhand preorders show {escape(row.sku)}"
    )


def _stated(event: OrderEvent) -> str:
    if event.due_on is None:
        return _changed(event.changes)
    return f"due on {event.due_on}, says {event.stated_by}"


def _changed(changes: Sequence[LineChange], shown_max: int = 5) -> str:
    parts = []
    for change in changes[:shown_max]:
        for word, units in (
            ("ordered", change.ordered),
            ("received", change.received),
            ("closed", change.closed),
        ):
            if units:
                parts.append(f"{word} {signed(units)} of {change.sku}")
    more = len(changes) - shown_max
    return ", ".join(parts) + (f" and {count(more, 'SKU')} more" if more > 0 else "")


def _due(state: OrderState, today: date) -> str:
    late = state.late_days(today)
    return f"[bold red]{state.due_on}, {count(late, 'day')} late[/]" if late else str(state.due_on)


def _status(state: OrderState) -> str:
    return f"[{_STYLES[state.status]}]{state.status}[/]"
