"""The other side of a Postgres source: somebody else's database with a table of stock."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

Connection = psycopg.AsyncConnection[Any]

TABLE = """
CREATE SCHEMA erp;
CREATE TABLE erp.stock_levels (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    location text NOT NULL DEFAULT 'leeds',
    quantity numeric,
    updated_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
"""


@pytest.fixture
async def erp(database: str) -> AsyncIterator[Connection]:
    """The other side: a connection that commits each statement, in a database with one table of stock."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(TABLE)
        yield connection
