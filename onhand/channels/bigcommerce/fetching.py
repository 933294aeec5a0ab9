"""Orders of one store, fetched in as few calls as there can be: 150 calls in 30 seconds are all there are.

A call brings up to 250 orders, with their lines, by a range of ids. What webhooks tell of under load are mostly
neighbours: 250 of them are one call. Orders within a range that were not asked for are dropped.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from onhand.channels.bigcommerce.entries import is_number
from onhand.channels.bigcommerce.orders import LATE, StockSettings, lines_in, order_of, places_in
from onhand.channels.bigcommerce.sorting import REPORT, another_shape
from onhand.channels.bigcommerce.store import Store
from onhand.channels.errors import ChannelDown, RowRejected
from onhand.channels.together import each
from onhand.domain.sales import ChannelOrder, OrderRefusedError

ORDERS = "/v2/orders"
SCOPE = "store_v2_orders_read_only"
SETTINGS = "/v3/settings/inventory"
SETTINGS_SCOPE = "store_v2_information_read_only"

PAGE_MAX = 250
"""Orders of one call, and lines of one call (documentation: limit of v2)."""

PAGE_MIN = 50
"""A page with fewer is the last: no store gives fewer than the documented default where there are more."""

WITH_LINES = f"limit={PAGE_MAX}&include=consignments.line_items&consignment_structure=object"

AT_ONCE = 2
"""Calls under way at a time, so that a writer and a reader of levels still find a connection."""

SETTINGS_SECONDS = 600.0
"""For so long the store's stock settings are believed."""

Row = dict[str, Any]


class Orders:
    """The orders of one store; see `base.Orders`. `clock` is seconds that only grow, `now` seconds since 1970."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._clock = clock
        self._now = now
        self._last_fetch_ms = 0
        self._settings: StockSettings | None = None
        self._settings_until = 0.0
        self._reading_settings = asyncio.Lock()

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        """These orders as they now stand, by id. Sales wait for them, so the calls are urgent."""
        wanted = sorted({int(number) for number in order_ids if is_number(number)})
        if not wanted:
            return []
        settings = await self._stock_settings()
        found = await each(list(_ranges(wanted)), lambda part: self._range(part, settings), at_once=AT_ONCE)
        return [order for orders in found for order in orders]

    async def changed(self, since: datetime) -> AsyncIterator[list[ChannelOrder]]:
        """Every order changed in the second of `since` or later, page by page, oldest change first.

        Goes on from the second of the last order seen, not by page number: an order that is changed meanwhile moves
        to the end, and would shift another past us. Only within one second pages are counted.
        """
        second, page = since.astimezone(UTC).replace(microsecond=0), 1
        given: set[tuple[int, str]] = set()
        while True:
            action = f"list orders changed since {second.isoformat()}, page {page}"
            fetched_ms, settings = self._moment(), await self._stock_settings()
            rows = await self._store.rows(_changed_path(second, page), action, SCOPE)
            new = [row for row in rows if self._key(row, action) not in given]
            if new:
                yield [await self._order(row, settings, fetched_ms, urgent=False) for row in new]
            if len(rows) < PAGE_MIN:
                return
            newest, stated = self._second(rows[-1], action), rows[-1]["date_modified"]
            seen = given | {self._key(row, action) for row in new}
            given = {key for key in seen if key[1] == stated}
            second, page = (newest, 1) if newest > second else (second, page + 1)

    async def _range(self, wanted: Sequence[int], settings: StockSettings) -> list[ChannelOrder]:
        """Those of the range that exist. Asks again from where an answer ended early, should a store give fewer."""
        found: dict[int, ChannelOrder] = {}
        first, last = wanted[0], wanted[-1]
        while first <= last:
            action = f"read orders {first} to {last}" if first < last else f"read order {first}"
            fetched_ms = self._moment()
            path = f"{ORDERS}?min_id={first}&max_id={last}&sort=id:asc&page=1&{WITH_LINES}"
            rows = await self._store.rows(path, action, SCOPE, urgent=True)
            if not rows:
                break
            numbers = {self._key(row, action)[0]: row for row in rows}
            for number in numbers.keys() & set(wanted):
                found[number] = await self._order(numbers[number], settings, fetched_ms, urgent=True)
            if max(numbers) < first:
                raise ChannelDown(
                    self._store.channel, action, "other orders came than asked for", advice=REPORT
                )
            first = max(numbers) + 1
        return [found[number] for number in sorted(found)]

    async def _order(
        self, row: Row, settings: StockSettings, fetched_ms: int, *, urgent: bool
    ) -> ChannelOrder:
        action = f"read order {row.get('id')}"
        try:
            lines = lines_in(row)
            if lines is None:
                places = places_in(row)
                products = await self._products(int(row["id"]), urgent=urgent)
                lines = [(places.get(line["id"], ""), line) for line in products]
            return order_of(row, lines, settings, fetched_ms)
        except OrderRefusedError as error:
            raise RowRejected(
                self._store.channel, action, str(error), advice="Look at it in the store."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise self._another_shape(action, error) from error

    async def _products(self, number: int, *, urgent: bool) -> list[Row]:
        lines: list[Row] = []
        for page in itertools.count(1):
            path = f"{ORDERS}/{number}/products?limit={PAGE_MAX}&page={page}"
            action = f"read the lines of order {number}, page {page}"
            rows = await self._store.rows(path, action, SCOPE, urgent=urgent)
            lines += rows
            if len(rows) < PAGE_MIN:
                break
        return lines

    async def _stock_settings(self) -> StockSettings:
        async with self._reading_settings:
            if self._settings is None or self._clock() >= self._settings_until:
                self._settings = await self._read_settings()
                self._settings_until = self._clock() + SETTINGS_SECONDS
            return self._settings

    async def _read_settings(self) -> StockSettings:
        action = "read inventory settings"
        body = await self._store.get(SETTINGS, action, SETTINGS_SCOPE)
        try:
            told = body["data"]
            return StockSettings(
                late=told["update_stock_behavior"] == LATE,
                restocks=bool(told["refund_order_stock_adjustment"]),
            )
        except (KeyError, TypeError) as error:
            raise self._another_shape(action, error) from error

    def _moment(self) -> int:
        """Now in milliseconds, never the same twice nor earlier than before, whatever is done to the clock."""
        self._last_fetch_ms = max(int(self._now() * 1_000), self._last_fetch_ms + 1)
        return self._last_fetch_ms

    def _key(self, row: Row, action: str) -> tuple[int, str]:
        try:
            return int(row["id"]), str(row["date_modified"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._another_shape(action, error) from error

    def _second(self, row: Row, action: str) -> datetime:
        try:
            return parsedate_to_datetime(row["date_modified"]).astimezone(UTC)
        except (TypeError, ValueError) as error:
            raise self._another_shape(action, error) from error

    def _another_shape(self, action: str, error: Exception) -> ChannelDown:
        """Says of what kind the trouble is, and nothing of what the order holds."""
        what = repr(error) if isinstance(error, KeyError) else type(error).__name__
        return another_shape(self._store.channel, action, what)


def _ranges(numbers: Sequence[int]) -> Iterator[list[int]]:
    """The numbers, sorted, in the fewest parts that span no more than a page."""
    part: list[int] = []
    for number in numbers:
        if part and number - part[0] >= PAGE_MAX:
            yield part
            part = []
        part.append(number)
    if part:
        yield part


def _changed_path(second: datetime, page: int) -> str:
    moment = second.strftime("%Y-%m-%dT%H:%M:%S%%2B00:00")
    return f"{ORDERS}?min_date_modified={moment}&sort=date_modified:asc&page={page}&{WITH_LINES}"
