"""Holds over real HTTP: listed, released by name, and a run started for what was released."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.domain.guard import Tally
from onhand.ledger import holds
from onhand.ledger.database import Pool
from onhand.messages import SyncRequest
from onhand.settings import Settings
from onhand.web import releasing
from onhand.web.app import create_app
from tests.web.conftest import doors_to, served

MUCH = Tally(300, 240, 200, 4_000)


@pytest.fixture
def started() -> list[SyncRequest]:
    """The runs that were asked for."""
    return []


@pytest.fixture
async def app(
    stocked: Pool,
    database: str,
    settings: Settings,
    temporal_env: WorkflowEnvironment,
    started: list[SyncRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app."""

    async def start(client: Client, request: SyncRequest) -> Any:
        if request.channels == ["store"]:
            raise ConnectionError("Temporal is away")
        started.append(request)
        return SimpleNamespace(id="run-9")

    monkeypatch.setattr(releasing, "start", start)
    async with served(create_app(settings, doors=doors_to(database, temporal_env.client))) as client:
        yield client


async def test_what_is_held_is_released_and_sent(
    app: httpx.AsyncClient, stocked: Pool, started: list[SyncRequest]
) -> None:
    """Goal: the reason and the numbers are shown; a release allows what is wanted now, and starts the run, once."""
    assert (await app.get("/api/holds")).json() == {"holds": []}
    await holds.save(stocked, "web", "sync", "run-2", MUCH, "it would empty too much")
    (held,) = (await app.get("/api/holds")).json()["holds"]
    assert {key: held[key] for key in held if key != "held_at"} == {
        "channel": "web", "kind": "sync", "run": "run-2", "reason": "it would empty too much",
        "listings": 300, "changing": 240, "zeroing": 200, "units": 4_000, "released_at": None, "released_by": "",
    }  # fmt: skip

    answer = await app.post("/api/channels/web/release")

    assert (answer.status_code, answer.json()) == (200, {"channel": "web", "run": "run-9"})
    assert started == [SyncRequest(channels=["web"], trigger="operator")]
    (released,) = (await app.get("/api/holds")).json()["holds"]
    assert (released["released_by"], released["changing"], released["listings"]) == ("local (web)", 0, 2)
    again = await app.post("/api/channels/web/release")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_held")
    assert len(started) == 1


async def test_a_release_stands_where_temporal_is_away_and_a_read_back_is_no_run(
    app: httpx.AsyncClient, stocked: Pool, started: list[SyncRequest]
) -> None:
    """Goal: what a person decided is kept; the next scheduled run, or the next read-back, does it."""
    await holds.save(stocked, "store", "sync", "run-2", MUCH, "too much")
    await holds.save(stocked, "web", "reconciliation", "reconcile-1", MUCH, "too much")
    assert (await app.post("/api/channels/store/release")).json() == {"channel": "store", "run": None}
    assert (await app.post("/api/channels/web/release")).json() == {"channel": "web", "run": None}
    assert started == []
    kept = {hold.channel: hold for hold in await holds.of_channels(stocked)}
    assert (kept["store"].stands, kept["web"].stands, kept["web"].tally) == (False, False, MUCH)


@pytest.mark.parametrize("name", ["etsy", "old"])
async def test_a_channel_that_is_not_there_or_off_is_refused(app: httpx.AsyncClient, name: str) -> None:
    """Goal: as everywhere."""
    answer = await app.post(f"/api/channels/{name}/release")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_channel")
