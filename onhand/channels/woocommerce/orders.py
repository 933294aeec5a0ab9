"""A WooCommerce order, as webhooks and reads state it, reduced to what stock needs.

The truth of what an order has taken is the note WooCommerce leaves on each line as it takes stock, the meta
`_reduced_stock`: it goes down as a refund puts pieces back (`_restock_refunded_items` is only a tally of those, already
taken off), and is deleted as the order is cancelled or goes back to pending. So a line counts what its note says,
whatever the status: a failed or refunded order that was not restocked still holds its pieces, as it does in the shop,
and so does one in the trash (WooCommerce gives nothing back there).

A line without a note has taken nothing, with one exception. Where an order that takes stock (TAKING) shows no note on
any line, notes are hidden from our key's user (security plugins strip meta), stock is not managed, or the payload was
built a moment before it was taken. In each of these cases the pieces are sold, and not counting them would sell them
twice; so the lines' quantities count, less what is known to be put back. `refunded` is among these statuses because a
refund alone puts nothing back. The price: an order of nothing but services is counted as well, and it is for the
mapping to say that these are no goods of ours. Custom statuses of plugins are reached by way of a paid one, so there
the note alone decides.

What is put back of an order that was completed counts as returned (`SoldLine.returned`), also where it was put back
before: the shop keeps no record of when. It only matters where returns are to be inspected: then such pieces wait, too.

`placed_at` is when the order was made, not when it was paid and stock was taken. The earlier moment can only make a
blind write seem to have given back a sale that it has not (the level is then written once more), never the reverse.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, NamedTuple

from onhand.channels.woocommerce.order_versions import version
from onhand.channels.woocommerce.rows import Row
from onhand.domain.sales import ChannelOrder, OrderRefusedError, SoldLine

REDUCED = "_reduced_stock"
RESTOCKED = "_restock_refunded_items"

TAKING = frozenset(("processing", "on-hold", "completed", "refunded"))
"""Statuses in which goods are promised or gone, so that missing notes are no proof of nothing taken."""
OVER = frozenset(("refunded", "cancelled", "failed", "trash"))
"""Statuses after the end: what such an order still holds went to the buyer if it was ever completed."""


class _Line(NamedTuple):
    """One line as it is stated. `noted`: pieces taken by the shop's note, None where there is no note."""

    line_id: str
    refs: tuple[str, ...]
    sku: str
    quantity: int
    noted: int | None
    restocked: int


def channel_order(row: Row, *, settled: bool = False) -> ChannelOrder:
    """The order a payload or a row states. `settled`: it was read when the second of its last change was over.

    Lines that hold nothing and never did are left out: to the ledger that is the same, and an item that is not mapped
    then stops nothing. Raises OrderRefusedError where an id, a date or a number makes no sense.
    """
    number = row.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise OrderRefusedError(f"an order has a positive number as its id, {number!r} was given")
    order_id, status = str(number), str(row.get("status") or "")
    stated = [_line(order_id, line) for line in _objects(order_id, "line_items", row.get("line_items"))]
    modified = _moment(order_id, "date_modified_gmt", row)
    taken = list(_taken(status, stated))
    noted = sum(line.noted is not None for line in stated)
    gone = status == "completed" or (status in OVER and bool(row.get("date_completed_gmt")))
    return ChannelOrder(
        order_id=order_id,
        version=version(modified, status, noted, sum(taken), settled=settled),
        placed_at=_moment(order_id, "date_created_gmt", row),
        updated_at=modified,
        lines=tuple(
            SoldLine(
                line.line_id,
                line.refs,
                line.sku,
                0 if gone else pieces,
                pieces if gone else 0,
                returned=_returned(status, line) if gone else 0,
            )
            for line, pieces in zip(stated, taken, strict=True)
            if pieces or (gone and _returned(status, line))
        ),
    )


def modified_at(row: Row) -> datetime:
    """The second of an order's last change, by the shop's clock; raises OrderRefusedError."""
    return _moment(str(row.get("id")), "date_modified_gmt", row)


def moment_of(text: str) -> datetime:
    """A date of the shop in GMT ("2026-11-02T10:00:00", without a zone); raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _taken(status: str, lines: list[_Line]) -> Iterable[int]:
    """Pieces each line has taken now; see the module's docstring."""
    if status in TAKING and all(line.noted is None for line in lines):
        return (max(0, line.quantity - line.restocked) for line in lines)
    return (line.noted or 0 for line in lines)


def _returned(status: str, line: _Line) -> int:
    """Pieces of a completed order that the shop put back: those of its tally; all, where it has given up its note."""
    if status == "cancelled" and line.noted is None:
        return line.quantity
    return min(line.restocked, line.quantity)


def _line(order_id: str, line: Row) -> _Line:
    where = f"order {order_id}, line {line.get('id')}"
    noted, restocked = None, 0
    for meta in _objects(order_id, "meta_data", line.get("meta_data")):
        key = meta.get("key")
        if key == REDUCED:
            noted = _pieces(where, meta.get("value"))
        elif key == RESTOCKED:
            restocked = _pieces(where, meta.get("value"))
    item = line.get("variation_id") or line.get("product_id")
    return _Line(
        str(line.get("id")),
        (str(item),) if item else (),
        str(line.get("sku") or ""),
        _pieces(where, line.get("quantity")),
        noted,
        restocked,
    )


def _pieces(where: str, value: Any) -> int:
    """Whole pieces: a part of one cannot be sold to anybody else, so it is rounded up.

    Never negative: a shop that has put back more than it took (a refund of more than the line) holds nothing.
    """
    if type(value) is int:
        return max(0, value)
    if value is None or value == "":
        return 0
    try:
        return max(0, int(Decimal(str(value)).to_integral_value(ROUND_CEILING)))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise OrderRefusedError(f"{where}: {str(value)[:50]!r} is no number of pieces") from error


def _objects(order_id: str, name: str, given: Any) -> list[Row]:
    """A list of objects, which may be missing."""
    found = [] if given is None else given
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise OrderRefusedError(f"order {order_id}: {name} is no list of objects")
    return found


def _moment(order_id: str, name: str, row: Row) -> datetime:
    try:
        return moment_of(row[name])
    except (KeyError, TypeError, ValueError) as error:
        raise OrderRefusedError(f"order {order_id}: {name} is {row.get(name)!r}, no date") from error
