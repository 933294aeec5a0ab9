"""Purchase orders in the ledger: placed, put off, received in parts, closed; each statement an event, and each once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from onhand.domain import purchase_orders
from onhand.domain.purchase_orders import (
    Closing,
    Delivery,
    DueChange,
    LineChange,
    LineState,
    OrderState,
    PurchaseOrder,
    PurchaseOrderRefusedError,
    Statement,
)
from onhand.ledger import preorders
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.posting import Posted, Verdict, post_events_on
from onhand.ledger.queries import query

PurchaseStatement = PurchaseOrder | Delivery | Closing | DueChange
"""What can be stated of a purchase order."""


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One statement about an order, with what it added to each of its lines.

    `due_on`: the order was put off to that day, `stated_by` whom; None where it was not.
    """

    event_id: int
    kind: str
    source: str
    occurred_at: datetime
    reason: str
    due_on: date | None
    stated_by: str
    changes: tuple[LineChange, ...]


@dataclass(slots=True)
class Stated:
    """What became of a statement about an order, where the order stands after it, and publishers to be signalled.

    `state` None: there is no such order.
    """

    posted: Posted
    state: OrderState | None
    woken: set[str] = field(default_factory=set)


async def place(pool: Pool, orders: Sequence[PurchaseOrder]) -> list[Posted]:
    """Place orders, each once by its code, in one transaction; one verdict for each. The codes are distinct.

    One with an unknown supplier, SKU or location is UNKNOWN, one whose code stands for another order a CONFLICT; the
    others go in. Raises PurchaseOrderRefusedError for an impossible one, and then none is placed.
    """
    async with pool.connection() as connection:
        return await place_on(connection, orders)


async def place_on(connection: Connection, orders: Sequence[PurchaseOrder]) -> list[Posted]:
    """The same inside the caller's transaction."""
    stated = {order.code: purchase_orders.commitment(order) for order in orders}
    assert len(stated) == len(orders), "each code once"
    if not orders:
        return []
    await _lock(connection, stated)
    answers = await _known(connection, stated)
    answers |= await _without_supplier(connection, [o for o in orders if o.code not in answers])
    new = [order for order in orders if order.code not in answers]
    posted = await post_events_on(connection, [stated[order.code].event for order in new]) if new else []
    answers |= {order.code: each for order, each in zip(new, posted, strict=True)}
    placed = [order for order in new if answers[order.code].verdict is Verdict.POSTED]
    await _save(connection, [(order, stated[order.code], answers[order.code]) for order in placed])
    return [answers[order.code] for order in orders]


async def receive(pool: Pool, delivery: Delivery) -> Stated:
    """Take in what came on an order. UNKNOWN without such an order. Raises PurchaseOrderRefusedError."""
    async with pool.connection() as connection:
        return await receive_on(connection, delivery)


async def receive_on(connection: Connection, delivery: Delivery) -> Stated:
    """The same inside the caller's transaction."""
    await _lock(connection, [delivery.code])
    state = await _state(connection, delivery.code)
    if state is None:
        return Stated(_no_order(delivery.code), None)
    if (before := await _stated_before(connection, delivery)) is not None:
        return Stated(before, state)
    return await _post(connection, state, purchase_orders.delivery(delivery, state))


async def receive_rest(pool: Pool, code: str, source: str, external_id: str, received_at: datetime) -> Stated:
    """Take in everything that is still to come on an order. UNCHANGED where nothing is."""
    async with pool.connection() as connection:
        await _lock(connection, [code])
        state = await _state(connection, code)
        if state is None:
            return Stated(_no_order(code), None)
        rest = tuple((line.sku, line.open) for line in state.lines if line.open)
        if not rest:
            return Stated(Posted(Verdict.UNCHANGED), state)
        delivery = Delivery(source, external_id, code, rest, received_at)
        return await _post(connection, state, purchase_orders.delivery(delivery, state))


async def close(pool: Pool, closing: Closing) -> Stated:
    """Expect no more of an order. UNCHANGED where nothing was expected, UNKNOWN without such an order."""
    async with pool.connection() as connection:
        return await close_on(connection, closing)


async def close_on(connection: Connection, closing: Closing) -> Stated:
    """The same inside the caller's transaction."""
    await _lock(connection, [closing.code])
    state = await _state(connection, closing.code)
    if state is None:
        return Stated(_no_order(closing.code), None)
    if (before := await _stated_before(connection, closing)) is not None:
        return Stated(before, state)
    statement = purchase_orders.closing(closing, state)
    if statement is None:
        return Stated(Posted(Verdict.UNCHANGED), state)
    return await _post(connection, state, statement)


async def put_off(pool: Pool, stated: DueChange) -> Stated:
    """Have what is still to come of an order be due on another day. UNCHANGED where it is due then already.

    UNKNOWN without such an order. Raises PurchaseOrderRefusedError.
    """
    async with pool.connection() as connection:
        return await put_off_on(connection, stated)


async def put_off_on(connection: Connection, stated: DueChange) -> Stated:
    """The same inside the caller's transaction. Listings that show what may be sold before it arrives are looked at."""
    await _lock(connection, [stated.code])
    state = await _state(connection, stated.code)
    if state is None:
        return Stated(_no_order(stated.code), None)
    if (before := await _stated_before(connection, stated)) is not None:
        return Stated(before, state)
    event = purchase_orders.put_off(stated, state)
    if event is None:
        return Stated(Posted(Verdict.UNCHANGED), state)
    (posted,) = await post_events_on(connection, [event])
    assert posted.verdict is Verdict.POSTED, "its id is new, and it moves nothing"
    named = {"code": stated.code, "event": posted.event_id, "due_on": stated.due_on, "by": stated.by}
    await connection.execute(query("save_purchase_order_due"), named)
    woken = await preorders.mark_news_on(connection)
    return Stated(posted, await _state(connection, stated.code), woken)


async def post_stated_on(
    connection: Connection, stated: Sequence[PurchaseStatement], woken: set[str]
) -> list[Posted]:
    """What a client states of purchase orders, in that order; a verdict for each. What is impossible is a CONFLICT."""
    answers = []
    for each in stated:
        try:
            answers.append(await _state_on(connection, each, woken))
        except PurchaseOrderRefusedError as error:
            answers.append(Posted(Verdict.CONFLICT, None, str(error)))
    return answers


async def _state_on(connection: Connection, stated: PurchaseStatement, woken: set[str]) -> Posted:
    if isinstance(stated, PurchaseOrder):
        (posted,) = await place_on(connection, [stated])
        return posted
    if isinstance(stated, Delivery):
        done = await receive_on(connection, stated)
    elif isinstance(stated, DueChange):
        done = await put_off_on(connection, stated)
    else:
        done = await close_on(connection, stated)
    woken |= done.woken
    return done.posted


async def begin_on(connection: Connection, stated: Sequence[PurchaseStatement]) -> None:
    """Have whoever else states something of these orders wait, before any balance is locked."""
    await _lock(connection, {each.code for each in stated})


async def orders(
    pool: Pool,
    *,
    codes: Sequence[str] | None = None,
    supplier: str | None = None,
    sku: str | None = None,
    only_open: bool = False,
) -> list[OrderState]:
    """Orders as they stand, the soonest due first; all of them where nothing is asked for."""
    named = {
        "codes": None if codes is None else list(codes),
        "supplier": supplier,
        "sku": sku,
        "only_open": only_open,
    }
    return _states(await fetched(pool, "purchase_orders", **named))


async def order_events(pool: Pool, code: str) -> list[OrderEvent]:
    """What was stated of an order, oldest first."""
    rows = await fetched(pool, "purchase_order_events", code=code)
    return [
        OrderEvent(event_id, kind, source, occurred_at, reason, due_on, by, tuple(map(LineChange, *changes)))
        for event_id, kind, source, occurred_at, reason, due_on, by, *changes in rows
    ]


async def _lock(connection: Connection, codes: Iterable[str]) -> None:
    await connection.execute(query("lock_purchase_orders"), {"codes": list(codes)})


async def _state(connection: Connection, code: str) -> OrderState | None:
    named = {"codes": [code], "supplier": None, "sku": None, "only_open": False}
    rows = await (await connection.execute(query("purchase_orders"), named)).fetchall()
    return next(iter(_states(rows)), None)


def _states(rows: Sequence[tuple[Any, ...]]) -> list[OrderState]:
    found = []
    for (code, supplier, location, ordered_at, due_on, statements), lines in groupby(
        rows, key=lambda row: row[:6]
    ):
        states = tuple(LineState(*line[6:]) for line in lines)
        found.append(OrderState(code, supplier, location, ordered_at, due_on, states, statements))
    return found


async def _known(connection: Connection, stated: dict[str, Statement]) -> dict[str, Posted]:
    """The verdict on each order that was placed before."""
    cursor = await connection.execute(query("known_purchase_orders"), {"codes": list(stated)})
    return {
        code: Posted(Verdict.DUPLICATE, event_id)
        if fingerprint == stated[code].event.fingerprint
        else Posted(
            Verdict.CONFLICT,
            event_id,
            f"purchase order {code} was placed before with other content (event {event_id}); nothing was changed. "
            "What changed is stated by receipts, another due day, closing it, or an order with a code of its own.",
        )
        async for code, event_id, fingerprint in cursor
    }


async def _stated_before(connection: Connection, stated: Delivery | Closing | DueChange) -> Posted | None:
    """The verdict on a statement whose id is known: what it would do today, after others, is not the question."""
    cursor = await connection.execute(
        query("known_events"), {"source": stated.source, "ids": [stated.event_key]}
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    _, event_id, fingerprint = row
    if fingerprint == stated.fingerprint:
        return Posted(Verdict.DUPLICATE, event_id)
    return Posted(
        Verdict.CONFLICT,
        event_id,
        f"{stated.external_id!r} was stated of purchase order {stated.code} before with other content "
        f"(event {event_id}); nothing was changed. Another statement needs an id of its own; a delivery stated too "
        "high is taken back with units below 0.",
    )


async def _without_supplier(connection: Connection, placed: Sequence[PurchaseOrder]) -> dict[str, Posted]:
    names = sorted({order.supplier for order in placed})
    cursor = await connection.execute(query("suppliers"), {"names": names})
    known = {row[0] for row in await cursor.fetchall()}
    return {
        order.code: Posted(
            Verdict.UNKNOWN,
            None,
            f"there is no supplier {order.supplier!r}: purchase order {order.code} was not placed. "
            "Add it first: onhand suppliers set",
        )
        for order in placed
        if order.supplier not in known
    }


async def _save(connection: Connection, placed: Sequence[tuple[PurchaseOrder, Statement, Posted]]) -> None:
    if not placed:
        return
    await connection.execute(
        query("save_purchase_orders"),
        {
            "codes": [order.code for order, _, _ in placed],
            "suppliers": [order.supplier for order, _, _ in placed],
            "locations": [order.location for order, _, _ in placed],
            "ordered": [order.ordered_at for order, _, _ in placed],
            "due": [order.due_on for order, _, _ in placed],
            "events": [posted.event_id for _, _, posted in placed],
        },
    )
    await _save_changes(connection, [(order.code, posted, statement) for order, statement, posted in placed])


async def _save_changes(connection: Connection, stated: Sequence[tuple[str, Posted, Statement]]) -> None:
    lines = [
        (code, posted.event_id, line) for code, posted, statement in stated for line in statement.changes
    ]
    await connection.execute(
        query("save_purchase_order_changes"),
        {
            "codes": [code for code, _, _ in lines],
            "events": [event_id for _, event_id, _ in lines],
            "skus": [line.sku for _, _, line in lines],
            "ordered": [line.ordered for _, _, line in lines],
            "received": [line.received for _, _, line in lines],
            "closed": [line.closed for _, _, line in lines],
        },
    )


async def _post(connection: Connection, state: OrderState, statement: Statement) -> Stated:
    woken: set[str] = set()
    (posted,) = await post_events_on(connection, [statement.event], woken)
    if posted.verdict is Verdict.POSTED:
        await _save_changes(connection, [(state.code, posted, statement)])
    return Stated(posted, await _state(connection, state.code), woken)


def _no_order(code: str) -> Posted:
    return Posted(
        Verdict.UNKNOWN,
        None,
        f"there is no purchase order {code!r}; see onhand purchase-orders list, or place it first",
    )
