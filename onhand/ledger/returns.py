"""Returns that people and warehouses state: received and inspected, met with what the channel says of the line."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain import returns
from onhand.domain.events import Event
from onhand.domain.orders import PostedOrder
from onhand.domain.returns import NOT_HANDLED, ReturnStatement
from onhand.ledger.database import Connection, Pool, one_statement
from onhand.ledger.order_returns import ReturnedRow, remember_returns, returned_rows
from onhand.ledger.orders import posted_orders
from onhand.ledger.posting import Posted, Verdict, kits_among, of_kit, post_events_on
from onhand.ledger.queries import query
from onhand.ledger.said import Said, not_known, unknown_names

COUNTED = "its channel has told of these units before: they are counted already, and nothing moved"
"""What is answered for a unit that both sides told of."""

Orders = dict[tuple[str, str], PostedOrder]
"""What is posted, by channel and order."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Units in quality control: of an order's line, or (channel empty) of no order that is known.

    Units of no order are negative where more were inspected than ever came in.
    """

    channel: str
    order_id: str
    line_id: str
    sku: str
    location: str
    units: int
    since: datetime | None


async def waiting(pool: Pool, location: str | None = None, limit: int = 1_000) -> list[Waiting]:
    """What waits to be inspected, the oldest first, at most `limit` lines."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("waiting_returns"), {"location": location, "limit": limit})
        return [Waiting(*row) for row in await cursor.fetchall()]


async def post_returns(
    pool: Pool, stated: Sequence[ReturnStatement], woken: set[str] | None = None
) -> list[Posted]:
    """Post what one source states of returned units, in one transaction; one verdict for each, in order.

    A unit that the channel has told of before moves only as far as this says something new of it. A line that is not
    known is UNKNOWN; more than was sold on it is a CONFLICT; a kit is KIT: its components come back. `woken` as in
    `posting.post_events`.
    """
    if not stated:
        return []
    async with pool.connection() as connection:
        await begin_returns_on(connection, stated)
        return await post_returns_on(connection, stated, woken)


async def begin_returns_on(connection: Connection, stated: Sequence[ReturnStatement]) -> None:
    """Have other statements of this source, and orders of the channels named, wait; before anything else is locked."""
    await connection.execute(query("serialise_source"), {"source": stated[0].source})
    for channel in sorted({each.channel for each in stated if each.channel}):
        await connection.execute(query("serialise_orders"), {"channel": channel})


async def post_returns_on(
    connection: Connection, stated: Sequence[ReturnStatement], woken: set[str] | None = None
) -> list[Posted]:
    """The same inside the caller's transaction, which began with `begin_returns_on`."""
    unknown = await unknown_names(
        connection, (each.sku for each in stated), (each.location for each in stated)
    )
    kits = await kits_among(connection, {each.sku for each in stated})
    batch = _Batch(await _orders_of(connection, stated), unknown, kits)
    said = await Said.of(connection, stated)
    for n, each in enumerate(stated):
        if again := said.again(each):
            batch.answers[n] = again
        elif batch.take(n, each):
            said.note(each)
    await batch.write(connection, woken)
    return [batch.answers[n] for n in range(len(stated))]


class _Refused(Exception):
    """A statement that cannot be posted, with its verdict and why."""

    def __init__(self, posted: Posted) -> None:
        self.posted = posted
        super().__init__(posted.message)


class _Batch:
    """What a batch of statements adds to the ledger; each is taken by what is known after those before it."""

    def __init__(self, orders: Orders, unknown: set[str], kits: set[str]) -> None:
        self.answers: dict[int, Posted] = {}
        self._orders = orders
        self._unknown = unknown
        self._kits = kits
        self._events: list[tuple[int, Event]] = []
        self._touched: dict[tuple[str, str], datetime] = {}

    def take(self, n: int, stated: ReturnStatement) -> bool:
        """The n-th statement; False where it is refused."""
        try:
            if unknown := {f"sku {stated.sku}", f"location {stated.location}"} & self._unknown:
                raise _Refused(not_known(unknown))
            if stated.sku in self._kits:
                raise _Refused(of_kit(stated.sku))
            event = self._of_line(stated) if stated.channel else _of_none(stated)
        except _Refused as refusal:
            self.answers[n] = refusal.posted
            return False
        self._events.append((n, event))
        return True

    def _of_line(self, stated: ReturnStatement) -> Event:
        """The event of a unit whose line is known: what moves is what the statement says anew."""
        key = (stated.channel, stated.order_id)
        if key not in self._orders:
            raise _Refused(_no_line(f"the ledger has no order {stated.order_id} of {stated.channel}"))
        before = self._orders[key]
        line_id = _line_of(stated, before)
        after = _with(before, line_id, stated)
        _require_sold(stated, line_id, after)
        self._orders[key] = after
        self._touched[key] = stated.occurred_at
        positions = (order.returns_of(line_id, stated.sku) for order in (before, after))
        event = returns.event_of(replace(stated, line_id=line_id), returns.moves(stated.sku, *positions))
        # Of what was said, which may have named no line.
        return replace(event, fingerprint=stated.fingerprint)

    async def write(self, connection: Connection, woken: set[str] | None) -> None:
        """Post the events, and remember what was stated."""
        if not self._events:
            return
        posted = await post_events_on(connection, [event for _, event in self._events], woken)
        for (n, event), answer in zip(self._events, posted, strict=True):
            assert answer.verdict is Verdict.POSTED, f"{event.external_id}: {answer}"
            self.answers[n] = answer if event.entries else replace(answer, message=COUNTED)
        rows: dict[str, list[ReturnedRow]] = defaultdict(list)
        for (channel, order_id), moment in sorted(self._touched.items()):
            rows[channel] += returned_rows(order_id, self._orders[channel, order_id], moment)
        for channel, of_channel in rows.items():
            await remember_returns(connection, channel, of_channel)


def _of_none(stated: ReturnStatement) -> Event:
    return returns.event_of(stated, returns.unordered(stated))


def _line_of(stated: ReturnStatement, order: PostedOrder) -> str:
    """The line that is named, or the only one of the SKU."""
    lines = [line_id for line_id, line in sorted(order.lines.items()) if line.takes(stated.sku)]
    if stated.line_id in lines:
        return stated.line_id
    if not stated.line_id and len(lines) == 1:
        return lines[0]
    of_order = f"order {stated.order_id} of {stated.channel}"
    if stated.line_id or not lines:
        named = f"line {stated.line_id}" if stated.line_id else "line"
        others = f" Lines of it: {', '.join(lines)}." if lines else ""
        raise _Refused(_no_line(f"{of_order} has no {named} of {stated.sku}.{others}"))
    several = f"{of_order} has several lines of {stated.sku}; name one of: {', '.join(lines)}"
    raise _Refused(Posted(Verdict.UNKNOWN, None, several))


def _no_line(what: str) -> Posted:
    advice = "State it again once it has, or without an order."
    return Posted(Verdict.UNKNOWN, None, f"{what.rstrip('.')}. {advice}")


def _with(order: PostedOrder, line_id: str, stated: ReturnStatement) -> PostedOrder:
    """What is known of the order once the statement is."""
    of_line = dict(order.handled.get(line_id, {}))
    shelf = (stated.sku, stated.location)
    of_line[shelf] = of_line.get(shelf, NOT_HANDLED).plus(stated.quantity, stated.outcome)
    return replace(order, handled={**order.handled, line_id: of_line})


def _require_sold(stated: ReturnStatement, line_id: str, after: PostedOrder) -> None:
    """No more comes back of a line, and no more of it is inspected, than was sold on it."""
    line = after.lines[line_id]
    sold = (line.open + line.left) * line.takes(stated.sku)
    of_sku = [each for (sku, _), each in after.handled[line_id].items() if sku == stated.sku]
    seen = sum(each.seen for each in of_sku)
    if seen > sold:
        raise _Refused(
            Posted(
                Verdict.CONFLICT,
                None,
                f"line {line_id} of order {stated.order_id} of {stated.channel} sold {sold} of {stated.sku}, and with "
                f"this {seen} would have come back. See what was stated of it: onhand explain {stated.sku}",
            )
        )


async def _orders_of(connection: Connection, stated: Iterable[ReturnStatement]) -> Orders:
    wanted: dict[str, set[str]] = defaultdict(set)
    for each in stated:
        if each.channel:
            wanted[each.channel].add(each.order_id)
    found: Orders = {}
    for channel, order_ids in wanted.items():
        posted = await posted_orders(connection, channel, order_ids)
        found |= {(channel, order_id): order for order_id, order in posted.items()}
    return found
