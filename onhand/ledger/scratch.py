"""A ledger for once, in a database of its own beside the live one: made, filled, looked at, dropped."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from onhand.domain.states import State
from onhand.ledger.database import Pool, fetched, open_pool
from onhand.ledger.migrations import migrate
from onhand.ledger.queries import query

PREFIX = "onhand_scratch_"
"""How these databases are called: one that a killed process left behind is known by it."""


@dataclass(frozen=True, slots=True)
class LineBehind:
    """One ledger line behind a total, with its event."""

    event_id: int
    kind: str
    source: str
    external_id: str
    occurred_at: datetime
    location: str
    state: State
    quantity: int
    balance_after: int


@asynccontextmanager
async def scratch_ledger(dsn: str) -> AsyncIterator[Pool]:
    """An empty ledger on the server of `dsn` while the body runs; dropped at its end, whatever happened.

    Nothing of it outlives the server, so it does not wait for the disk. Raises psycopg.errors.InsufficientPrivilege
    where the user of `dsn` may not make databases.
    """
    name = f"{PREFIX}{uuid4().hex[:12]}"
    await _on_server(dsn, "make_scratch", name)
    try:
        own = _beside(dsn, name)
        await migrate(own)
        async with open_pool(own, size=2, name=name) as pool:
            yield pool
    finally:
        await _on_server(dsn, "drop_scratch", name)


async def balances(pool: Pool) -> dict[tuple[str, str], dict[State, int]]:
    """Every balance of a ledger, state by state, by SKU and location."""
    return {
        (sku, location): dict(zip(State, units, strict=True))
        for sku, location, *units in await fetched(pool, "all_balances")
    }


async def lines_behind(
    pool: Pool, sku: str, location: str, states: Sequence[State], limit: int
) -> tuple[list[LineBehind], int]:
    """The last lines that made a total, by when they happened, newest first; and how many there are.

    `location` empty: at all locations.
    """
    rows = await fetched(
        pool,
        "lines_behind",
        sku=sku,
        location=location,
        states=[state.value for state in states],
        limit=limit,
    )
    lines = [
        LineBehind(event_id, kind, source, external_id, occurred_at, at, State(state), quantity, after)
        for event_id, kind, source, external_id, occurred_at, at, state, quantity, after, _ in rows
    ]
    return lines, rows[0][9] if rows else 0


async def _on_server(dsn: str, statement: str, name: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(SQL(query(statement)).format(database=Identifier(name)))


def _beside(dsn: str, name: str) -> str:
    options = f"{conninfo_to_dict(dsn).get('options', '')} -c synchronous_commit=off".strip()
    return make_conninfo(dsn, dbname=name, options=options)
