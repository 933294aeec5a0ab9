"""The part of a shop's page that shows its last orders, and how its webhooks fare."""

from html import escape

from onhand.sandbox.orders import Line, Order, OrderBook
from onhand.sandbox.page_words import ago
from onhand.sandbox.selling import newest
from onhand.sandbox.sending import Sender

ORDERS_SHOWN = 15


def order_table(name: str, book: OrderBook) -> str:
    """The newest orders of the shop `name`, with buttons for what can be done to them."""
    rows = "".join(_row(name, book, order) for order in newest(book, ORDERS_SHOWN))
    return f"<table><tbody>{rows}</tbody></table>" if rows else "<p>None yet.</p>"


def sent_line(sender: Sender) -> str:
    """Who listens, and what became of the deliveries so far."""
    stats = sender.stats()
    counts = ", ".join(
        f"{stats[count]:,} {count.replace('_', ' ')}"
        for count in ("delivered", "failed", "retried", "given_up", "lost", "waiting")
    )
    listening = len(sender.subscriptions.wanting())
    p50, p99 = stats["answer_ms"]["p50"], stats["answer_ms"]["p99"]
    return f"<p>{listening:,} subscription(s); {counts}; answers took {p50:g} ms (p50), {p99:g} ms (p99)</p>"


def _row(name: str, book: OrderBook, order: Order) -> str:
    lines = "<br>".join(_line(book, line) for line in order.lines)
    buttons = "".join(_button(name, order, what) for what in ("ship", "cancel")) if _is_open(order) else ""
    return (
        f"<tr><td>{escape(order.order_id)}</td><td>{ago(order.created_at)}</td><td>{lines}</td>"
        f'<td>{_state(order)}</td><td class="number">{buttons}</td></tr>'
    )


def _line(book: OrderBook, line: Line) -> str:
    place = book.shop.places.get(line.place, line.place)
    less = f", {line.cancelled:,} cancelled" if line.cancelled else ""
    back = f", {line.refunded:,} refunded" if line.refunded else ""
    return (
        f'{line.quantity:,} × {escape(line.sku)} <span class="soft">from {escape(place)}{less}{back}</span>'
    )


def _is_open(order: Order) -> bool:
    return any(line.open for line in order.lines)


def _state(order: Order) -> str:
    if order.cancelled:
        return "cancelled"
    return "open" if _is_open(order) else "shipped" if order.shipped else "closed"


def _button(name: str, order: Order, what: str) -> str:
    return (
        f'<form class="act" method="post" action="/shops/{name}/{what}"><input type="hidden" name="order" '
        f'value="{escape(order.order_id)}"><button>{what.capitalize()}</button></form> '
    )
