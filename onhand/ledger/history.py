"""The ledger's past: what it held at a moment, single events, and what a source has stated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from onhand.domain.events import EventKind
from onhand.domain.reversal import REVERSAL_SOURCE
from onhand.domain.states import State
from onhand.ledger.database import Pool, fetched
from onhand.ledger.stock import BalanceRow

LINES_PER_EVENT_MAX = 8
"""Ledger lines of a SKU at a location that an event has at most, as far as lists go: it decides how far one looks."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of an event: units that entered or left a state, and what was there after."""

    sku: str
    location: str
    version: int
    state: State
    quantity: int
    balance_after: int


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with all its lines; `reversed_by` is the event that took it back, None where none did."""

    event_id: int
    kind: str
    source: str
    external_id: str
    occurred_at: datetime
    recorded_at: datetime
    detail: dict[str, str]
    lines: tuple[EventLine, ...] = ()
    reversed_by: int | None = None

    @property
    def reverses(self) -> int | None:
        """The event that this one takes back."""
        return int(self.external_id) if self.source == REVERSAL_SOURCE else None


@dataclass(frozen=True, slots=True)
class RunTimes:
    """When a sync run began and ended (None: it still runs), and how many others ran meanwhile."""

    started_at: datetime
    finished_at: datetime | None
    others: int


async def balances_at(pool: Pool, sku: str, at: datetime) -> list[BalanceRow]:
    """Units of a SKU as the ledger had them at a moment, by when it recorded what happened, not by when that was.

    Locations it had not been at by then are left out. `version` and `moved_at` are those of that time.
    """
    return [
        BalanceRow(location, version, moved_at, dict(zip(State, units, strict=True)))
        for location, version, moved_at, *units in await fetched(pool, "balances_at", sku=sku, at=at)
    ]


async def newest_events(
    pool: Pool,
    limit: int,
    *,
    sku: str | None = None,
    kind: EventKind | None = None,
    source: str | None = None,
    since: datetime | None = None,
) -> list[RecordedEvent]:
    """The newest events, newest first; of one SKU, kind or source, or recorded since a moment, where that is asked."""
    asked = {"kind": kind, "source": source, "since": since, "limit": limit}
    if sku is None:
        rows = await fetched(pool, "newest_events", **asked)
    else:
        lines = limit * LINES_PER_EVENT_MAX
        rows = await fetched(pool, "newest_events_of_sku", sku=sku, lines=lines, **asked)
    return await _with_lines(pool, rows)


async def events_by_id(pool: Pool, ids: Sequence[int]) -> list[RecordedEvent]:
    """These events, the newest first; those that do not exist are missing."""
    return await _with_lines(pool, await fetched(pool, "events_by_id", ids=list(ids)))


async def ids_of_source(
    pool: Pool, source: str, begins: datetime | None = None, ends: datetime | None = None
) -> list[int]:
    """Every event a source has stated, or those recorded in a stretch of time, in order."""
    rows = await fetched(pool, "ids_of_source", source=source, begins=begins, ends=ends)
    return [event_id for (event_id,) in rows]


async def times_of_run(pool: Pool, run: str) -> RunTimes | None:
    """When a sync run was; None where there is none of that name."""
    rows = await fetched(pool, "times_of_run", run=run)
    return RunTimes(*rows[0]) if rows else None


async def _with_lines(pool: Pool, rows: Sequence[tuple[Any, ...]]) -> list[RecordedEvent]:
    ids = [row[0] for row in rows]
    if not ids:
        return []
    lines: dict[int, list[EventLine]] = {}
    for event_id, sku, location, version, state, *units in await fetched(pool, "lines_of_events", ids=ids):
        lines.setdefault(event_id, []).append(EventLine(sku, location, version, State(state), *units))
    reversed_by = dict(await fetched(pool, "reversals_of", ids=ids, source=REVERSAL_SOURCE))
    return [
        RecordedEvent(
            event_id=event_id,
            kind=kind,
            source=source,
            external_id=external_id,
            occurred_at=occurred_at,
            recorded_at=recorded_at,
            detail=detail or {},
            lines=tuple(lines.get(event_id, ())),
            reversed_by=reversed_by.get(event_id),
        )
        for event_id, kind, source, external_id, occurred_at, recorded_at, detail in rows
    ]
