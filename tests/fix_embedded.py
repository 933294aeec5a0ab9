"""Fixtures: one real PostgreSQL and one real Temporal for the whole run, a database of its own for each test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.temporal import DYNAMIC_CONFIG, SEARCH_ATTRIBUTES, temporal_binary

TEMPLATE = "onhand_template"
_numbers = itertools.count(1)


def dsn_of(server: EmbeddedPostgres, database: str) -> str:
    """How to connect to a database of the tests' server."""
    return urlunsplit(urlsplit(server.dsn)._replace(path=f"/{database}"))


def _quick_root() -> str:
    """Memory where there is enough of it: copying a database takes 10 ms there, and 250 ms on a disk."""
    memory = "/dev/shm"
    with suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30:
            return memory
    return "/var/tmp"


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder of its own that root's server, which runs as nobody, can get through to (pytest's are closed)."""
    with tempfile.TemporaryDirectory(prefix="onhand-tests-", dir=_quick_root()) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder / "data"


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL that forgets: no fsync, because nothing here has to outlive the machine."""
    with open_folder() as folder:
        # A port far from the one that an `onhand up` on the same machine takes.
        settings = {"max_connections": "200", "max_wal_size": "256MB"}
        server = EmbeddedPostgres(folder, port=56_432, durable=False, settings=settings)
        async with server:
            yield server


@pytest.fixture(scope="session")
async def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The DSN of the database that each test's is a copy of. The ledger's fixtures put the schema into it."""
    async with await psycopg.AsyncConnection.connect(postgres_server.dsn, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    return dsn_of(postgres_server, TEMPLATE)


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """The DSN of a fresh copy of the template."""
    async with _database(postgres_server, TEMPLATE) as dsn:
        yield dsn


@pytest.fixture
async def empty_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The DSN of a fresh database with nothing in it."""
    async with _database(postgres_server, "template1") as dsn:
        yield dsn


@asynccontextmanager
async def _database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """A copy of a database, dropped at the end with whoever is still connected."""
    name = f"test_{next(_numbers)}"
    async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield dsn_of(server, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def temporal_env() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal in memory, with our search attributes and the data converter that all our clients use."""
    keys: dict[str, Callable[[str], SearchAttributeKey[Any]]] = {
        "Keyword": SearchAttributeKey.for_keyword,
        "Int": SearchAttributeKey.for_int,
    }
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal_binary()),
        data_converter=pydantic_data_converter,
        search_attributes=[keys[kind](name) for name, kind in SEARCH_ATTRIBUTES.items()],
        dev_server_extra_args=[
            part for pair in DYNAMIC_CONFIG.items() for part in ("--dynamic-config-value", "=".join(pair))
        ],
    )
    async with environment:
        yield environment
