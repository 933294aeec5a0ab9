"""Connections to the ledger: one pool a process, working as the role that cannot rewrite history."""

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from onhand.ledger.arrays import PlainListDumper
from onhand.ledger.queries import query

APP_ROLE = "onhand_app"
"""May read, and write what is being worked on; of events and entries it may only add."""
POOL_SIZE_MAX = 12
CHECKOUT_TIMEOUT_SECONDS = 20.0
"""Longer than a restart of Postgres takes."""

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]


async def _work_as_app(connection: Connection) -> None:
    connection.adapters.register_dumper(list, PlainListDumper)
    await connection.execute(f"SET ROLE {APP_ROLE}")
    await connection.execute("SET lock_timeout = '10s'")
    # Ours are many small statements whose arrays differ in length, for which Postgres would plan each anew: nearly half
    # of what a lone order cost it.
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
    await connection.commit()


async def _check(connection: Connection) -> None:
    """Ask only a connection on which the server has said something unasked, as it does when it goes away.

    A round trip at every hand-out was a tenth of what a sync asked of Postgres.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        await AsyncConnectionPool.check_connection(connection)


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
        check=_check,
        timeout=CHECKOUT_TIMEOUT_SECONDS,
        open=False,
        name=name,
    )
    try:
        await pool.open(wait=True, timeout=CHECKOUT_TIMEOUT_SECONDS)
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def one_round_trip(connection: Connection, *, commits: bool = False) -> AsyncIterator[None]:
    """Statements that go to Postgres together, and the transaction's beginning with the first or its end with the last.

    What they answer is to be read afterwards: to read in between is to wait in between. The first that fails is raised,
    and then nothing after it was done, nor is anything committed.
    """
    async with connection.pipeline():
        yield
        if commits:
            await connection.execute("COMMIT", prepare=False)


@asynccontextmanager
async def one_statement(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for a single statement, which is a transaction by itself: one round trip instead of three."""
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            yield connection
        finally:
            await restore(connection)


async def execute(pool: Pool, name: str, /, **named: Any) -> int:
    """One named statement, as a transaction by itself; answers how many rows it touched."""
    async with one_statement(pool) as connection:
        return (await connection.execute(query(name), named)).rowcount


async def fetched(pool: Pool, name: str, /, **named: Any) -> list[tuple[Any, ...]]:
    """The same for one that answers rows."""
    async with one_statement(pool) as connection:
        return await (await connection.execute(query(name), named)).fetchall()


async def restore(connection: Connection) -> None:
    """Give a connection that worked statement by statement back as the pool gave it."""
    if connection.info.transaction_status is TransactionStatus.IDLE:
        await connection.set_autocommit(False)
    else:  # interrupted: the pool replaces it
        await connection.close()
