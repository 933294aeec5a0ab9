"""The whole record as of one moment, beside traffic: rows that break an invariant, and the raw rows in order."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from psycopg import IsolationLevel
from psycopg.rows import dict_row

from onhand.ledger.database import Connection, Pool
from onhand.ledger.queries import query

ROWS_AT_ONCE = 5_000
"""Of a stream, so that the memory it takes does not depend on how much there is."""

STATEMENTS = {
    "event_sums": "audit_event_sums",
    "orphans": "audit_orphans",
    "versions": "audit_versions",
    "running": "audit_running",
    "balances": "audit_balances",
    "orders": "audit_orders",
    "returns": "audit_returns",
    "outcomes": "audit_outcomes",
    "posted": "audit_posted",
    "covered": "audit_covered",
    "generations": "audit_generations",
    "justified": "audit_justified",
    "kits": "audit_kits",
    "levels": "audit_levels",
    "outbox": "audit_outbox",
    "sleepers": "audit_sleepers",
}
"""The statement that finds what breaks each invariant (`onhand.audit.invariants` says them in words)."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much was looked at. `based`: pushes that keep what they were decided from."""

    events: int
    entries: int
    deliveries: int
    pushes: int
    based: int


@dataclass(frozen=True, slots=True)
class Breaches:
    """Rows that break an invariant: the first ones, by column, and how many there are in all."""

    rows: tuple[dict[str, Any], ...]
    total: int


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One line of the ledger, at its place in the history of its shelf (a SKU at a location)."""

    sku_id: int
    location_id: int
    version: int
    state: str
    quantity: int
    balance_after: int


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of an event; `known` is whether the event itself is there."""

    event_id: int
    sku_id: int
    quantity: int
    known: bool


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """One line of an event of a channel's order."""

    channel: str
    order_id: str
    sku: str
    location: str
    state: str
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderLineRow:
    """What is remembered of one line of an order, in units."""

    channel: str
    order_id: str
    sku: str
    location: str
    open: int
    fulfilled: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery of an order that was taken. `version` None: it only hinted at the order."""

    channel: str
    order_id: str
    delivery: int
    kind: str
    outcome: str
    version: int | None
    received_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """An event of an order by its own name."""

    channel: str
    order_id: str
    external_id: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRow:
    """The newest version of an order that was taken."""

    channel: str
    order_id: str
    version: int


@dataclass(frozen=True, slots=True)
class PushSent:
    """A push in the row of those of its level."""

    listing_id: int
    place: str
    push: int
    generation: int


@dataclass(frozen=True, slots=True)
class BasisRow:
    """One balance that a push was decided from, by its version; `locations` is how many the push drew on.

    `beyond`: units that it was allowed besides what is available at all of them. `components` of a kit were looked at
    there (0: it is none), of this one `per_kit` units go into one.
    """

    sku_id: int
    location_id: int
    version: int
    push: int
    quantity: int
    units: int
    locations: int
    beyond: int
    components: int
    per_kit: int


@dataclass(frozen=True, slots=True)
class AvailableRow:
    """A movement on a shelf of what is `available`, or else of what may be sold beyond it: on its way, or reserved."""

    sku_id: int
    location_id: int
    version: int
    quantity: int
    available: bool


class Snapshot:
    """The record as it was at one moment, whatever is written meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def extent(self) -> Extent:
        """How much there is to look at."""
        row = await (await self._connection.execute(query("audit_extent"))).fetchone()
        assert row is not None
        return Extent(*row)

    async def breaches(self, invariant: str, limit: int) -> Breaches:
        """The rows that break an invariant."""
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            rows = await (await cursor.execute(query(STATEMENTS[invariant]), {"limit": limit})).fetchall()
        total = rows[0]["total"] if rows else 0
        return Breaches(tuple({k: v for k, v in row.items() if k != "total"} for row in rows), total)

    async def names(
        self, skus: Iterable[int], locations: Iterable[int]
    ) -> tuple[dict[int, str], dict[int, str]]:
        """What people call these SKUs and locations."""
        found: list[dict[int, str]] = []
        for name, ids in (("names_of_skus", skus), ("names_of_locations", locations)):
            cursor = await self._connection.execute(query(name), {"ids": sorted(ids)})
            found.append(dict(await cursor.fetchall()))
        return found[0], found[1]

    async def balances(self) -> AsyncIterator[tuple[int, ...]]:
        """SKU, location, version and the units of each state, shelf by shelf."""
        async with self._connection.cursor("raw_balances") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            await cursor.execute(query("raw_balances"))
            async for row in cursor:
                yield row

    def entries(self) -> AsyncIterator[EntryRow]:
        """Every entry, shelf by shelf."""
        return self._stream("raw_entries_by_shelf", EntryRow)

    def event_lines(self) -> AsyncIterator[EventLine]:
        """Every entry, event by event."""
        return self._stream("raw_entries_by_event", EventLine)

    def order_entries(self) -> AsyncIterator[OrderEntry]:
        """Entries of orders' events by channel, order, SKU and location."""
        return self._stream("raw_order_entries", OrderEntry)

    def order_lines(self) -> AsyncIterator[OrderLineRow]:
        """Remembered lines in the same order."""
        return self._stream("raw_order_lines", OrderLineRow)

    def deliveries(self) -> AsyncIterator[DeliveryRow]:
        """Deliveries that were taken, by channel and order."""
        return self._stream("raw_deliveries", DeliveryRow)

    def order_events(self) -> AsyncIterator[OrderEvent]:
        """Events of orders, by channel and order."""
        return self._stream("raw_order_events", OrderEvent)

    def orders(self) -> AsyncIterator[OrderRow]:
        """Orders that were taken, by channel and order."""
        return self._stream("raw_orders", OrderRow)

    def pushes(self) -> AsyncIterator[PushSent]:
        """Every push, level by level, as they were sent."""
        return self._stream("raw_pushes", PushSent)

    def bases(self) -> AsyncIterator[BasisRow]:
        """What pushes were decided from, shelf by shelf."""
        return self._stream("raw_bases", BasisRow)

    def available(self) -> AsyncIterator[AvailableRow]:
        """Every movement of what can be sold, or may be sold beyond that, shelf by shelf."""
        return self._stream("raw_available", AvailableRow)

    async def _stream(self, name: str, kind: Callable[..., Row]) -> AsyncIterator[Row]:
        async with self._connection.cursor(name) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            await cursor.execute(query(name))
            async for row in cursor:
                yield kind(*row)


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Snapshot]:
    """The record as of now while the body runs; it keeps nobody from writing."""
    async with pool.connection() as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        try:
            yield Snapshot(connection)
        finally:
            if not connection.closed:
                await connection.rollback()
                await connection.set_isolation_level(None)
                await connection.set_read_only(None)
