"""A day in numbers, read from the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onhand.domain.days import ChannelDay, DayReport, OversellOfDay, Span, SyncTimes
from onhand.ledger.database import Connection, Pool
from onhand.ledger.queries import query


async def of_day(pool: Pool, span: Span, channels: Sequence[str], made_at: datetime) -> DayReport:
    """The numbers of that day on these channels, in this order, from one snapshot."""
    days = {name: ChannelDay(name) for name in channels}
    async with pool.connection() as connection:
        await connection.execute(query("as_of_one_moment"))
        for name, fill in _PARTS.items():
            for channel, *numbers in await _rows(connection, name, span):
                if channel in days:
                    fill(days[channel], numbers)
        ((runs, read_backs, refused, conflicts),) = await _rows(connection, "day_of_runs", span)
        oversells = await _rows(connection, "day_of_oversells", span)
    return DayReport(
        span=span,
        made_at=made_at,
        channels=tuple(days.values()),
        oversells=tuple(OversellOfDay(*row) for row in oversells),
        runs={status: int(number) for status, number in runs},
        read_backs={status: int(number) for status, number in read_backs},
        refused_rows=int(refused),
        conflicts=conflicts,
    )


async def _rows(connection: Connection, name: str, span: Span) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query(name), {"begins": span.begins, "ends": span.ends})
    return await cursor.fetchall()


def _drift(day: ChannelDay, row: list[Any]) -> None:
    cause, number, resolved = row
    day.drift[cause] = number
    day.drift_resolved += resolved


def _pushes(day: ChannelDay, row: list[Any]) -> None:
    day.sent, day.accepted, day.stale, day.failed, day.accepted_live, measured, times = row
    day.sync = SyncTimes(measured, *(times or (None, None, None)))


def _halts(day: ChannelDay, row: list[Any]) -> None:
    day.halts_placed, day.halts_lifted, day.halts_standing = row


def _halted_sales(day: ChannelDay, row: list[Any]) -> None:
    day.halted_orders, day.halted_units = row[0], int(row[1])


def _calls(day: ChannelDay, row: list[Any]) -> None:
    day.calls_sync, day.calls_read_back, day.throttled = (int(number or 0) for number in row[:3])
    day.waited_seconds = float(row[3])


def _orders(day: ChannelDay, row: list[Any]) -> None:
    day.orders_by_webhook, day.orders_by_sweep, day.poison = row[0], row[1], int(row[2])


def _held(day: ChannelDay, row: list[Any]) -> None:
    (day.held_runs,) = row


_PARTS = {
    "day_of_drift": _drift,
    "day_of_pushes": _pushes,
    "day_of_halts": _halts,
    "day_of_halted_sales": _halted_sales,
    "day_of_calls": _calls,
    "day_of_orders": _orders,
    "day_of_held": _held,
}
"""Each statement answers one row a channel, or one a channel and cause; whatever is not answered stays 0."""
