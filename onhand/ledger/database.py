"""Connections to the ledger: one pool a process, working as the role that cannot rewrite history."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

APP_ROLE = "onhand_app"
POOL_SIZE_MAX = 12
CHECKOUT_TIMEOUT_SECONDS = 20.0

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]


async def _work_as_app(connection: Connection) -> None:
    await connection.execute(f"SET ROLE {APP_ROLE}")
    await connection.execute("SET lock_timeout = '10s'")
    await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    await connection.commit()


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = POOL_SIZE_MAX, name: str = "onhand") -> AsyncIterator[Pool]:
    """A pool on `dsn`, checked at hand-out so that a restarted Postgres is noticed here and not in a query.

    Raises psycopg_pool.PoolTimeout when the database cannot be reached in time.
    """
    options: dict[str, Any] = {"application_name": name, "prepare_threshold": 3}
    pool: Pool = AsyncConnectionPool(
        dsn,
        min_size=1,
        max_size=size,
        kwargs=options,
        configure=_work_as_app,
        check=AsyncConnectionPool.check_connection,
        timeout=CHECKOUT_TIMEOUT_SECONDS,
        open=False,
        name=name,
    )
    try:
        await pool.open(wait=True, timeout=CHECKOUT_TIMEOUT_SECONDS)
        yield pool
    finally:
        await pool.close()
