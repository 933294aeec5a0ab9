"""Orders of a partner draw on its programmes, in the transaction that posts them."""

from collections.abc import Sequence

from onhand.domain.events import Event
from onhand.domain.programmes import Line, PartnerOrder, Running, drawn_by
from onhand.ledger.database import Connection
from onhand.ledger.queries import query


async def draws_of(connection: Connection, partner: str, orders: Sequence[PartnerOrder]) -> list[Event]:
    """The events by which these orders of one channel draw on the partner's running programmes; to be posted with them.

    What the programmes keep is brought up to date here, and nobody else changes it until the commit. An order draws on
    the programmes that ran when it was placed, and on no other, however it changes later.
    """
    cursor = await connection.execute(query("lock_programmes_of_partner"), {"partner": partner})
    rows = await cursor.fetchall()
    if not rows:
        return []
    lines = await lines_of(connection, [row[0] for row in rows])
    running = {
        number: Running(
            number, name, starts_at, ends_at, step, {line.shelf: line for line in lines.get(number, ())}
        )
        for number, name, starts_at, ends_at, step in rows
    }
    before = {number: dict(programme.lines) for number, programme in running.items()}
    steps = {number: programme.step for number, programme in running.items()}
    drawing = await _drawing(connection, orders, running)
    events = [
        event
        for order in orders
        for event in drawn_by(order, [running[n] for n in sorted(drawing.get(order.order_id, ()))])
    ]
    for number, programme in running.items():
        changed = [line for shelf, line in programme.lines.items() if line != before[number][shelf]]
        await keep_lines(connection, number, changed)
    stepped = {number: p.step for number, p in running.items() if p.step != steps[number]}
    if stepped:
        await connection.execute(
            query("count_programme_steps"),
            {"programmes": list(stepped), "steps": list(stepped.values())},
        )
    return events


async def _drawing(
    connection: Connection, orders: Sequence[PartnerOrder], running: dict[int, Running]
) -> dict[str, set[int]]:
    """On which programmes each order draws; new ones are written down."""
    channel = orders[0].channel
    known: dict[str, set[int]] = {}
    cursor = await connection.execute(
        query("drawing_orders"),
        {
            "channel": channel,
            "orders": sorted({order.order_id for order in orders}),
            "programmes": list(running),
        },
    )
    for order_id, number in await cursor.fetchall():
        known.setdefault(order_id, set()).add(number)
    new = [
        (order.order_id, number)
        for order in orders
        if order.new
        for number, programme in running.items()
        if programme.runs_at(order.moment)
    ]
    await note_drawing(connection, channel, new)
    for order_id, number in new:
        known.setdefault(order_id, set()).add(number)
    return known


async def note_drawing(connection: Connection, channel: str, drawing: Sequence[tuple[str, int]]) -> None:
    """These orders of a channel draw on these programmes (by number) from now on."""
    if drawing:
        await connection.execute(
            query("note_drawing_orders"),
            {
                "channel": channel,
                "orders": [order for order, _ in drawing],
                "programmes": [number for _, number in drawing],
            },
        )


async def lines_of(connection: Connection, programmes: Sequence[int]) -> dict[int, list[Line]]:
    """What these programmes keep, by their numbers."""
    cursor = await connection.execute(query("programme_lines"), {"programmes": list(programmes)})
    lines: dict[int, list[Line]] = {}
    for number, *line in await cursor.fetchall():
        lines.setdefault(number, []).append(Line(*line))
    return lines


async def keep_lines(connection: Connection, programme: int, lines: Sequence[Line]) -> None:
    """Write down what a programme keeps of these shelves."""
    if lines:
        await connection.execute(
            query("keep_programme_lines"),
            {
                "programme": programme,
                "skus": [line.sku for line in lines],
                "locations": [line.location for line in lines],
                "units": [line.units for line in lines],
                "taken": [line.taken for line in lines],
                "secured": [line.secured for line in lines],
            },
        )
