"""Fixtures: the app, served over real HTTP on loopback, on a ledger with a little of everything."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import catalogue, levels, migrations, runs
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool, open_pool
from onhand.ledger.levels import Failure, ListingCursor
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from onhand.settings import Settings
from onhand.web.app import create_app
from onhand.web.backends import Doors
from tests.memory_channel import MemoryChannel

HOSTILE = "<script>alert('x')</script>"
"""A name as no shop should have it."""


@pytest.fixture
def settings() -> Settings:
    """Two channels: one that keeps a number, one that knows places; a third is off."""
    woo = {"platform": "woocommerce", "base_url": "http://127.0.0.1:1", "key_env": "K", "secret_env": "S"}
    places = {"L1": ["leeds"], "L2": ["london"]}
    store = {"platform": "shopify", "base_url": "http://127.0.0.1:1", "token_env": "T", "places": places}
    return Settings.model_validate(
        {
            "locations": {"leeds": {"name": "Leeds"}, "london": {}},
            "channels": {
                "web": {**woo, "locations": ["leeds", "london"], "rule": {"buffer": {"units": 2}}},
                "store": store,
                "old": {**woo, "locations": ["leeds"], "enabled": False},
            },
        }
    )


@pytest.fixture
async def stocked(ledger: Pool, settings: Settings) -> Pool:
    """A: 7 in Leeds and 2 in London; pushed to web, pending on store. B/1: nothing, refused by web."""
    await catalogue.save_places(
        ledger,
        {"leeds": "Leeds", "london": "London"},
        {name: section.platform for name, section in settings.channels.items()},
    )
    await catalogue.save_skus(
        ledger, [CatalogueSku("A", HOSTILE, barcode="501"), CatalogueSku("B/1", "Bowl")]
    )
    await catalogue.save_listings(ledger, "web", [NewListing(s, f"web-{s}", s) for s in ("A", "B/1")], [""])
    await catalogue.save_listings(ledger, "store", [NewListing("A", "store-A", "A")], ["L1", "L2"])
    at = datetime.now(UTC) - timedelta(minutes=5)
    receipts = [("leeds", 7), ("london", 2)]
    await post_events(
        ledger,
        [
            event_of(Movement("test", f"r-{place}", EventKind.RECEIPT, "A", place, units, at))
            for place, units in receipts
        ],
    )
    await _run_on_web(ledger, settings)
    return ledger


async def _run_on_web(pool: Pool, settings: Settings) -> None:
    ids, _ = await levels.listing_page(pool, "web", ListingCursor(), 10, None)
    await runs.begin_run(pool, "run-1", "run-1", {"trigger": "operator"})
    await runs.begin_channel(pool, "run-1", "web")
    await runs.start_channel(pool, "run-1", "web", None)
    await runs.record_rows(pool, "run-1", read=3, posted=2, unchanged=0, refused=1)
    await runs.save_plan_page(pool, "run-1", "web", 0, 2, [(listing, "") for listing in ids])
    await bring_to_targets(pool, MemoryChannel("web"), settings.rule_book(), ids, Errand())
    async with pool.connection() as connection:
        await runs.settle_plan(connection, "run-1", "web", {0: "changed", 1: "failed"})
        reason = Failure(ids[1], "", "row is bad", "the product <17> is gone", "discover the mapping again")
        await runs.save_failures(connection, "run-1", "web", [reason])
        await runs.add_costs(connection, "run-1", "web", reads=1, writes=2, throttled=0, waited=0.5)
    await runs.finish_channel(pool, "run-1", "web", None, "")
    await runs.finish_run(pool, "run-1", "partial", "1 changed, 1 failed of 2 levels")


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The app behind a real server, and a client of it."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        listener.close()


def doors_to(dsn: str, client: Client) -> Doors:
    """The doors of an app with this database and this Temporal."""

    async def missing() -> list[str]:
        return [f"{migration.number:04d}_{migration.name}" for migration in await migrations.pending(dsn)]

    async def connect() -> Client:
        return client

    return Doors(lambda: open_pool(dsn, size=4, name="web"), missing, connect)


@pytest.fixture
async def web(
    stocked: Pool, database: str, settings: Settings, temporal_env: WorkflowEnvironment
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app on the stocked ledger."""
    app = create_app(
        settings, doors=doors_to(database, temporal_env.client), temporal_ui="http://127.0.0.1:8233"
    )
    async with served(app) as client:
        yield client
