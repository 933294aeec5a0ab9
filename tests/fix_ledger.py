"""The ledger on a real Postgres: a migrated database for each test, cut from one template."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from onhand.ledger import catalogue, migrations
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Pool, open_pool


@pytest.fixture(scope="session")
async def migrated_template(template_database: str) -> str:
    """The template every test database is copied from, with the schema applied once."""
    await migrations.migrate(template_database)
    return template_database


@pytest.fixture
async def ledger(migrated_template: str, database: str) -> AsyncIterator[Pool]:
    """A pool, as the application's role, on a fresh migrated database."""
    async with open_pool(database, size=8, name="test") as pool:
        yield pool


@pytest.fixture
async def shop(ledger: Pool) -> Pool:
    """The ledger with two locations, two channels and the SKUs A, B and C."""
    await catalogue.save_places(
        ledger, {"leeds": "Leeds", "london": "London"}, {"web": "woocommerce", "store": "shopify"}
    )
    await catalogue.save_skus(ledger, [CatalogueSku(code) for code in ("A", "B", "C")])
    return ledger


async def sql(pool: Pool, statement: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
    """Ask the ledger directly, or change it: what the statement answers, nothing where it answers nothing."""
    async with pool.connection() as connection:
        cursor = await connection.execute(statement, values or named or None)
        return [] if cursor.rownumber is None else await cursor.fetchall()


async def until_somebody_waits(pool: Pool) -> None:
    """Until a transaction waits for a lock of another one: so far it got, whatever the machine is busy with."""
    async with asyncio.timeout(60):
        while not await sql(
            pool,
            """SELECT FROM pg_locks l LEFT JOIN pg_database d ON d.oid = l.database
                WHERE NOT granted AND coalesce(d.datname, current_database()) = current_database()""",
        ):
            await asyncio.sleep(0.02)
