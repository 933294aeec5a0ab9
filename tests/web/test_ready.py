"""Readiness: 503 with the reason for each thing that is not there; and the app comes to itself afterwards."""

import asyncio
import socket

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.connect import NotRunningError
from onhand.ledger import migrations
from onhand.ledger.database import Pool, open_pool
from onhand.settings import Settings
from onhand.web import backends
from onhand.web.app import create_app
from onhand.web.backends import Doors
from tests.web.conftest import doors_to, served


async def readiness(web: httpx.AsyncClient) -> tuple[int, dict[str, str]]:
    response = await web.get("/readyz")
    assert response.json()["ready"] is (response.status_code == 200)
    assert (response.headers.get("retry-after") == "5") is (response.status_code == 503)
    return response.status_code, response.json()["problems"]


async def no_temporal() -> Client:
    raise NotRunningError("no stack of ours runs here: start it with `onhand up`")


async def test_a_ledger_that_is_not_there_is_told_and_the_process_stays_up(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    dsn = f"postgresql://onhand:planted-pw@127.0.0.1:{port}/onhand"

    async def missing() -> list[str]:
        return [m.name for m in await migrations.pending(dsn)]

    async with served(create_app(settings, doors=Doors(lambda: open_pool(dsn), missing, no_temporal))) as web:
        status, problems = await readiness(web)
        assert status == 503
        assert set(problems) == {"ledger", "migrations", "temporal"}
        assert problems["ledger"].startswith("the ledger is not reachable: ")
        assert "Connection refused" in problems["migrations"]
        assert problems["temporal"] == "no stack of ours runs here: start it with `onhand up`"
        assert "planted-pw" not in str(problems)
        assert (await web.get("/healthz")).json() == {"status": "ok", "wakeups_lost": 0}

        answer = await web.get("/api/runs")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["error"]["code"] == "not_ready"
        page = await web.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "<h1>the ledger is not reachable: " in page.text


async def test_a_migration_that_is_missing_is_named(
    ledger: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    doors = doors_to(database, temporal_env.client)

    async def one_missing() -> list[str]:
        return [*await doors.missing_migrations(), "0099_more"]

    behind = Doors(doors.open_ledger, one_missing, doors.connect_temporal)
    async with served(create_app(settings, doors=behind)) as web:
        assert await readiness(web) == (
            503,
            {"migrations": "not applied yet: 0099_more; run the migrations first"},
        )


async def test_a_temporal_that_does_not_answer_in_time_is_told(
    ledger: Pool, database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "CHECK_TIMEOUT_SECONDS", 0.3)

    async def silence() -> Client:
        await asyncio.sleep(60)
        raise AssertionError("it is not waited for so long")

    doors = doors_to(database, None)
    doors = Doors(doors.open_ledger, doors.missing_migrations, silence)
    async with served(create_app(settings, doors=doors)) as web:
        assert await readiness(web) == (503, {"temporal": "no answer within 0.3 s"})


async def test_a_ledger_that_comes_later_is_found(
    ledger: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backends, "RETRY_SECONDS", 0.01)
    doors = doors_to(database, temporal_env.client)
    tries = iter(range(3))

    def third_time_lucky() -> object:
        if next(tries, 3) < 2:
            raise NotRunningError("not yet")
        return doors.open_ledger()

    later = Doors(third_time_lucky, doors.missing_migrations, doors.connect_temporal)
    async with served(create_app(settings, doors=later)) as web:
        async with asyncio.timeout(10):
            while (await readiness(web))[0] == 503:
                pass
        assert (await web.get("/api/runs")).json() == {"runs": []}


async def test_a_connection_that_died_is_replaced(
    ledger: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> None:
    async with served(create_app(settings, doors=doors_to(database, temporal_env.client))) as web:
        assert (await web.get("/api/runs")).status_code == 200
        async with ledger.connection() as connection:
            await connection.execute("RESET ROLE")
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'web'"
            )
        assert (await web.get("/api/runs")).status_code == 200
