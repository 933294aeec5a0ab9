"""Order snapshots in the ledger: the difference to what was posted before, for many orders at once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from onhand.domain import orders
from onhand.domain.events import Event
from onhand.domain.kits import Composition, composition_of, quantities_of
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, PostedOrder, Sale
from onhand.domain.programmes import PartnerOrder
from onhand.domain.returns import Handled
from onhand.ledger.database import Connection, Pool, one_round_trip, one_statement
from onhand.ledger.drawing import draws_of
from onhand.ledger.levels import mark
from onhand.ledger.order_returns import remember_returns, returned_rows
from onhand.ledger.posting import Posted, Verdict, post_events_on
from onhand.ledger.queries import query
from onhand.ledger.sharing import forget_unheard

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PostedSnapshot:
    """What an order snapshot led to: the verdicts of its events, none when it was old or changed nothing.

    `old`: a newer snapshot of the order was taken before. `contradicts`: the same version of it was taken before, and
    said something else. `untold`: SKUs of which the channel moved a level by itself and nothing else tells it so; the
    caller marks them once this is committed (`levels.mark`): a second round of outbox rows in this transaction would
    lock them out of order.
    """

    order_id: str
    posted: tuple[Posted, ...] = ()
    old: bool = False
    contradicts: bool = False
    untold: frozenset[str] = frozenset()

    @property
    def refused(self) -> Posted | None:
        """The first event that was refused, if any; then nothing of the snapshot was posted."""
        return next((p for p in self.posted if p.verdict.refused), None)


class OrderConflictError(Exception):
    """The ledger holds events of an order that contradict its own record of it; nothing of the batch was posted."""


async def post_orders(
    pool: Pool, snapshots: Sequence[OrderSnapshot], woken: set[str] | None = None
) -> list[PostedSnapshot]:
    """Post the difference between each order as it stands and what the ledger has of it, in one transaction.

    The snapshots are of one channel. A batch may hold several of one order: they are taken in the order of their
    versions. One that names an unknown SKU or location posts nothing and is reported; the others go in. `woken` as in
    `post_events`. Raises OrderConflictError.
    """
    if not snapshots:
        return []
    async with pool.connection() as connection:
        return await post_orders_on(connection, snapshots, woken)


async def post_orders_on(
    connection: Connection, snapshots: Sequence[OrderSnapshot], woken: set[str] | None = None
) -> list[PostedSnapshot]:
    """The same inside the caller's transaction."""
    channel = snapshots[0].channel
    assert all(snapshot.channel == channel for snapshot in snapshots), "orders are posted channel by channel"
    unknown, posted, kits = await _before(connection, channel, snapshots)
    answers: dict[int, PostedSnapshot] = {}
    batch = _Batch(channel)
    for n in sorted(range(len(snapshots)), key=lambda n: (snapshots[n].order_id, snapshots[n].version)):
        snapshot = snapshots[n]
        known = posted.get(snapshot.order_id, NOTHING_POSTED)
        if refusal := _refusal(snapshot, unknown):
            answers[n] = PostedSnapshot(snapshot.order_id, (refusal,))
        elif snapshot.version <= known.version:
            composed = orders.composed(snapshot, known, kits)
            old, differs = snapshot.version < known.version, orders.contradicts(composed, known)
            answers[n] = PostedSnapshot(snapshot.order_id, old=old, contradicts=differs)
        else:
            snapshot = orders.composed(orders.placed(snapshot, known), known, kits)
            batch.take(n, snapshot, known)
            posted[snapshot.order_id] = orders.taken_by(snapshot, known)
    await batch.write(connection, posted, answers, woken)
    return [answers[n] for n in range(len(snapshots))]


async def begin_orders_on(connection: Connection, channel: str) -> None:
    """Make sure that orders of a client can be kept under its name, and have other batches of it wait for this one."""
    await connection.execute(query("make_order_book"), {"channel": channel})
    await connection.execute(query("serialise_orders"), {"channel": channel})


async def versions(pool: Pool, channel: str, order_ids: Sequence[str]) -> dict[str, int]:
    """The version of each of these orders that the ledger has taken; unknown ones are missing."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("order_versions"), {"channel": channel, "orders": list(order_ids)}
        )
        return dict(await cursor.fetchall())


async def drop_disproved(
    pool: Pool, channel: str, before: datetime
) -> tuple[list[tuple[str, str, int]], set[str]]:
    """Forget provisional demand on a channel's levels since before that moment: no order came for it.

    Answers (SKU, place, pieces) of each, and the channels whose publisher is to be signalled.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(query("drop_disproved"), {"channel": channel, "before": before})
        dropped = [(sku, place, pieces) for sku, place, pieces in await cursor.fetchall()]
    changed = {sku for sku, _, _ in dropped} | set(await forget_unheard(pool, channel, before))
    return dropped, await mark(pool, sorted(changed)) if changed else set()


class _Batch:
    """What a batch of snapshots adds to the ledger."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._events: list[tuple[int, Event]] = []
        self._sales: list[Sale] = []
        self._taken: dict[int, str] = {}
        self._untold: dict[int, frozenset[str]] = {}
        self._moments: dict[str, datetime] = {}
        self._partner = ""
        self._of_partner: list[PartnerOrder] = []
        self._kits: set[str] = set()

    def take(self, n: int, snapshot: OrderSnapshot, known: PostedOrder) -> None:
        """The n-th snapshot, where `known` is what is posted of its order."""
        events = orders.events_of(snapshot, known)
        self._events += [(n, event) for event in events]
        if snapshot.partner:
            self._partner, moment = snapshot.partner, orders.moment_of(snapshot, known)
            self._of_partner.append(
                PartnerOrder(self._channel, snapshot.order_id, known.version < 0, moment, events)
            )
        self._sales += orders.sales_of(snapshot, known)
        self._taken[n] = snapshot.order_id
        self._untold[n] = frozenset(orders.untold(snapshot, known, events))
        self._moments[snapshot.order_id] = snapshot.occurred_at
        # A kit that was composed otherwise since moves other components than its listings show.
        self._kits |= {line.sku for line in (*snapshot.lines, *known.lines.values()) if line.composition}

    async def write(
        self,
        connection: Connection,
        posted: Mapping[str, PostedOrder],
        answers: dict[int, PostedSnapshot],
        woken: set[str] | None,
    ) -> None:
        """Post, remember, lower the books; the answer of each snapshot that was taken is added."""
        if not self._taken:
            return
        verdicts: dict[int, list[Posted]] = {n: [] for n in self._taken}
        events = [event for _, event in self._events]
        if self._of_partner:
            events += await draws_of(connection, self._partner, self._of_partner)
        answered = (
            await post_events_on(connection, events, woken, seller=self._channel, also=sorted(self._kits))
            if events
            else []
        )
        for event, verdict in zip(events, answered, strict=True):
            if verdict.verdict is not Verdict.POSTED:
                raise OrderConflictError(
                    f"{event.source}, event {event.external_id} was answered {verdict.verdict}: {verdict.message}"
                )
        for (n, _), verdict in zip(self._events, answered, strict=False):
            verdicts[n].append(verdict)
        # Also when nothing had to be posted: a late older snapshot must not undo what this one says.
        rows = [
            row
            for order_id, moment in self._moments.items()
            for row in returned_rows(order_id, posted[order_id], moment)
        ]
        async with one_round_trip(connection):
            await _remember(connection, self._channel, {o: posted[o] for o in self._taken.values()})
            await remember_returns(connection, self._channel, rows)
            lowered = await _lower_books(connection, self._sales)
        if lowered is not None:
            await _tell_given_back(self._channel, lowered)
        for n, order_id in self._taken.items():
            answers[n] = PostedSnapshot(order_id, tuple(verdicts[n]), untold=self._untold[n])


async def _before(
    connection: Connection, channel: str, snapshots: Sequence[OrderSnapshot]
) -> tuple[set[str], dict[str, PostedOrder], dict[str, Composition]]:
    """Names the ledger does not know, what is posted of each order, which nobody else changes until the commit, and
    how the kits that are named are composed."""
    named = {
        "channel": channel,
        "skus": list({line.sku for s in snapshots for line in s.lines if line.sku}),
        "locations": list({line.location for s in snapshots for line in s.lines if line.sku}),
        "orders": list({snapshot.order_id for snapshot in snapshots}),
    }
    async with one_round_trip(connection):
        cursor = await connection.execute(query("begin_orders"), named)
    row = await cursor.fetchone()
    assert row is not None, "the ledger answers for every batch"
    unknown, composed, posted, handled = row
    kits = {kit: composition_of(quantities) for kit, quantities in (composed or {}).items()}
    return set(unknown), _posted(posted or (), handled or ()), kits


async def posted_orders(
    connection: Connection, channel: str, order_ids: Iterable[str]
) -> dict[str, PostedOrder]:
    """What is posted of each of these orders, and stated of their returns; unknown ones are missing."""
    wanted = {"channel": channel, "orders": list(order_ids)}
    found = await connection.execute(query("posted_orders"), wanted)
    stated = await connection.execute(query("handled_returns"), wanted)
    return _posted(await found.fetchall(), await stated.fetchall())


def _posted(found: Iterable[Sequence[Any]], stated: Iterable[Sequence[Any]]) -> dict[str, PostedOrder]:
    """Orders from what is kept of each line, and of the returns of each line, SKU and location."""
    versions: dict[str, int] = {}
    lines: dict[str, dict[str, OrderLine]] = {}
    handled: dict[str, dict[str, dict[tuple[str, str], Handled]]] = {}
    for order_id, version, *line, returned, elsewhere, trusted, composition in found:
        versions[order_id] = version
        of_order = lines.setdefault(order_id, {})
        if line[0] is not None:
            back = tuple((place, location, units) for place, location, units in elsewhere)
            of_order[line[0]] = replace(
                OrderLine(*line),
                returned=returned,
                elsewhere=back,
                trusted=trusted,
                composition=composition_of(composition or {}),
            )
    for order_id, line_id, sku, location, *units in stated:
        handled.setdefault(order_id, {}).setdefault(line_id, {})[sku, location] = Handled(*units)
    return {
        order: PostedOrder(version, lines[order], handled.get(order, {}))
        for order, version in versions.items()
    }


def _refusal(snapshot: OrderSnapshot, unknown: set[str]) -> Posted | None:
    if not unknown:
        return None
    named = sorted(
        f"{line.sku} at {line.location}"
        for line in snapshot.lines
        if f"sku {line.sku}" in unknown or f"location {line.location}" in unknown
    )
    if not named:
        return None
    return Posted(
        Verdict.UNKNOWN,
        None,
        f"the ledger does not know one of: {', '.join(named)}. Import the catalogue first.",
    )


async def _remember(connection: Connection, channel: str, posted: Mapping[str, PostedOrder]) -> None:
    names = sorted(posted)
    lines = [(name, line) for name in names for line in posted[name].lines.values()]
    await connection.execute(
        query("remember_orders"),
        {
            "channel": channel,
            "taken": names,
            "versions": [posted[name].version for name in names],
            "orders": [name for name, _ in lines],
            "lines": [line.line_id for _, line in lines],
            "skus": [line.sku for _, line in lines],
            "locations": [line.location for _, line in lines],
            "open": [line.open for _, line in lines],
            "fulfilled": [line.fulfilled for _, line in lines],
            "listings": [line.listing_id for _, line in lines],
            "places": [line.place for _, line in lines],
            "units": [line.units for _, line in lines],
            "returned": [line.returned for _, line in lines],
            "elsewhere": [json.dumps(line.elsewhere) for _, line in lines],
            "trusted": [line.trusted for _, line in lines],
            "compositions": [_as_json(line.composition) for _, line in lines],
        },
    )


def _as_json(composition: Composition) -> str | None:
    return json.dumps(quantities_of(composition)) if composition else None


async def _lower_books(connection: Connection, sold: Sequence[Sale]) -> AsyncCursor[TupleRow] | None:
    if not sold:
        return None
    return await connection.execute(
        query("take_sales"),
        {
            "listings": [sale.listing_id for sale in sold],
            "places": [sale.place for sale in sold],
            "pieces": [sale.pieces for sale in sold],
            "moments": [sale.moment for sale in sold],
            "sinces": [sale.since for sale in sold],
        },
    )


async def _tell_given_back(channel: str, lowered: AsyncCursor[TupleRow]) -> None:
    row = await lowered.fetchone()
    if row is not None and row[0]:
        # Each is counted at its level, too (`onhand explain`), which the publisher corrects.
        logger.warning("a blind write had put sold pieces on show again", channel=channel, pieces=row[0])
