"""What the app needs behind it, the ledger and Temporal, and whether they are there.

The app starts without them and says so at /readyz: an app that ends because its database restarts cannot
say anything.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from temporalio.client import Client

from onhand.connect import connect_temporal, database_url, open_ledger
from onhand.ledger import migrations
from onhand.ledger.database import Pool
from onhand.redaction import mask_text
from onhand.settings import Settings

log = structlog.get_logger(__name__)

CHECK_TIMEOUT_SECONDS = 3.0
RETRY_SECONDS = 2.0


class NotReadyError(Exception):
    """Something the app needs is not there; the message says what, and why."""


@dataclass(frozen=True)
class Doors:
    """How the app gets at what it needs."""

    open_ledger: Callable[[], AbstractAsyncContextManager[Pool]]
    missing_migrations: Callable[[], Awaitable[Sequence[str]]]
    connect_temporal: Callable[[], Awaitable[Client]]

    @classmethod
    def from_settings(cls, settings: Settings) -> "Doors":
        """As configured, or as the embedded stack says."""

        async def missing() -> list[str]:
            found = await migrations.pending(database_url(settings))
            return [f"{migration.number:04d}_{migration.name}" for migration in found]

        return cls(lambda: open_ledger(settings), missing, lambda: connect_temporal(settings))


class Backends:
    """The ledger's pool, once there is one, and the questions /readyz asks."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._pool: Pool | None = None
        self._problem = "it is being connected to"
        self._temporal: Client | None = None
        self._connecting = asyncio.Lock()

    @property
    def pool(self) -> Pool:
        """The ledger. Raises NotReadyError."""
        if self._pool is None:
            raise NotReadyError(f"the ledger is not reachable: {self._problem}")
        return self._pool

    async def temporal(self) -> Client:
        """Temporal, connected to when first asked for. Raises what connecting raises; the next call tries again."""
        async with self._connecting:
            if self._temporal is None:
                self._temporal = await self._doors.connect_temporal()
            return self._temporal

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep trying to open the ledger while the body runs, and close it afterwards."""
        first_try = asyncio.Event()
        keeping = asyncio.create_task(self._keep_open(first_try))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(first_try.wait(), CHECK_TIMEOUT_SECONDS)
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _keep_open(self, first_try: asyncio.Event) -> None:
        while True:
            try:
                async with self._doors.open_ledger() as pool:
                    self._pool = pool
                    first_try.set()
                    await asyncio.Event().wait()
            except Exception as error:
                # Whatever it was is told at /readyz, and may be over the next time.
                self._problem = _words(error)
                log.warning("the ledger cannot be opened", problem=self._problem)
            finally:
                self._pool = None
            first_try.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def problems(self) -> dict[str, str]:
        """What is not ready, by name, with the reason; empty when all is well."""
        checks = {
            "ledger": self._check_ledger,
            "migrations": self._check_migrations,
            "temporal": self._check_temporal,
        }
        found = await asyncio.gather(*(_problem_of(check) for check in checks.values()))
        return {name: problem for name, problem in zip(checks, found, strict=True) if problem}

    async def _check_ledger(self) -> str:
        async with self.pool.connection(timeout=CHECK_TIMEOUT_SECONDS):
            return ""

    async def _check_migrations(self) -> str:
        missing = await self._doors.missing_migrations()
        return f"not applied yet: {', '.join(missing)}; run the migrations first" if missing else ""

    async def _check_temporal(self) -> str:
        client = await self.temporal()
        healthy = await client.service_client.check_health()
        return "" if healthy else "the server says that it is not serving"


async def _problem_of(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT_SECONDS:g} s"
    except Exception as error:
        # Any failure of a check is its answer.
        return _words(error)


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return mask_text(text)[:300] or type(error).__name__
