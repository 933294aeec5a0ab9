"""One look at everything: ledger, Temporal and web app are asked at the same time, and none is waited for long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
from temporalio.client import Client

from onhand.connect import NotRunningError
from onhand.domain.health import ChannelFacts, Facts, LedgerFacts, Service, Verdict
from onhand.domain.problems import judge
from onhand.embedded.errors import EmbeddedError
from onhand.ledger import health
from onhand.ledger.database import Pool
from onhand.redaction import mask_text
from onhand.settings import Settings
from onhand.status.temporal import TemporalLook, look_at_temporal

REACH_SECONDS = 3.0
"""Whoever does not answer within it cannot be used. All modules are loaded before: what they take is not held against
those who are asked."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Doors:
    """How to get at what is looked at. `web` answers why the web app cannot be used, "" where it can."""

    ledger: Callable[[], AbstractAsyncContextManager[Pool]]
    temporal: Callable[[], Awaitable[Client]]
    web: Callable[[], Awaitable[str]]


async def look(settings: Settings, doors: Doors) -> Verdict:
    """How everything is, and what of it is not right. Never raises for what does not answer: that is a problem."""
    (ledger, stand), (temporal, seen), (web, _) = await asyncio.gather(
        _asked("postgres", lambda: _ledger(settings, doors)),
        _asked("temporal", lambda: _temporal(settings, doors)),
        _asked("web", lambda: _web(doors)),
    )
    channels, facts = stand if stand is not None else (None, None)
    if channels is not None and seen is not None:
        channels = seen.with_sku_updates(channels)
    return judge(
        Facts(
            at=datetime.now(UTC),
            sync_every_seconds=60.0 * settings.schedule.every_minutes,
            sweep_every_seconds=float(settings.schedule.sweep_seconds),
            services=(ledger, temporal, web, *(() if seen is None else seen.workers)),
            schedules=None if seen is None else seen.schedules,
            channels=channels,
            ledger=facts,
        )
    )


async def _asked(name: str, ask: Callable[[], Awaitable[Answer]]) -> tuple[Service, Answer | None]:
    """Whether a server answers, and what."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            return Service(name), await ask()
    except TimeoutError:
        return Service(name, f"no answer within {REACH_SECONDS:g} s", "onhand doctor"), None
    except Exception as error:
        # Whatever it is, it is why the server cannot be used.
        return _unusable(name, error), None


def _unusable(name: str, error: Exception) -> Service:
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return Service(name, "its migrations are not all applied", "onhand migrate")
    said = mask_text(" ".join(str(error).split()))[:300] or type(error).__name__
    nothing_runs = isinstance(error, NotRunningError | EmbeddedError)
    return Service(name, said, "onhand up" if nothing_runs else "onhand doctor")


async def _ledger(settings: Settings, doors: Doors) -> tuple[tuple[ChannelFacts, ...], LedgerFacts]:
    async with doors.ledger() as pool:
        return await health.look(pool, settings.enabled_channels(), settings.listening_channels())


async def _temporal(settings: Settings, doors: Doors) -> TemporalLook:
    return await look_at_temporal(await doors.temporal(), settings)


async def _web(doors: Doors) -> None:
    said = await doors.web()
    if said:
        raise NotRunningError(said)
