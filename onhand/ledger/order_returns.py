"""What is remembered of the returned units of orders' lines: what was stated of them, and how many wait where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.orders import PostedOrder
from onhand.domain.returns import NOT_HANDLED, Handled, waiting_at
from onhand.ledger.database import Connection
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class ReturnedRow:
    """What is remembered of a line's returns at one location: what was stated of them, and units that wait there."""

    order_id: str
    line_id: str
    sku: str
    location: str
    handled: Handled
    waiting: int
    moment: datetime


def returned_rows(order_id: str, posted: PostedOrder, moment: datetime) -> Iterator[ReturnedRow]:
    """What is to be remembered of an order's returns, by line, SKU and location."""
    for line_id, line in posted.lines.items():
        handled = posted.handled.get(line_id, {})
        if not line.returned and not handled:
            continue
        for sku in sorted({*(part.sku for part in line.stocked), *(sku for sku, _ in handled)}):
            waiting = waiting_at(posted.returns_of(line_id, sku))
            known = {location for of_sku, location in handled if of_sku == sku}
            for location in sorted(known | waiting.keys()):
                stated = handled.get((sku, location), NOT_HANDLED)
                yield ReturnedRow(order_id, line_id, sku, location, stated, waiting.get(location, 0), moment)


async def remember_returns(connection: Connection, channel: str, rows: Sequence[ReturnedRow]) -> None:
    """Write them down; since when units wait stays as long as any do."""
    if not rows:
        return
    await connection.execute(
        query("remember_returns"),
        {
            "channel": channel,
            "orders": [row.order_id for row in rows],
            "lines": [row.line_id for row in rows],
            "skus": [row.sku for row in rows],
            "locations": [row.location for row in rows],
            "received": [row.handled.received for row in rows],
            "sellable": [row.handled.sellable for row in rows],
            "damaged": [row.handled.damaged for row in rows],
            "lost": [row.handled.lost for row in rows],
            "waiting": [row.waiting for row in rows],
            "moments": [row.moment for row in rows],
        },
    )
