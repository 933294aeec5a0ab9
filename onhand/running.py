"""The whole stack of one configuration: what is embedded and what is configured, started in order and kept up."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from onhand import connect, schedules
from onhand.embedded.lock import FolderLock
from onhand.embedded.ports import PortBook
from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.process import stop_leftovers
from onhand.embedded.services import CommandService, answers
from onhand.embedded.stack import Happening, Stack, StackEvent, log_event
from onhand.embedded.state import StackState, clear_state, write_state
from onhand.embedded.temporal import EmbeddedTemporal
from onhand.ledger import migrations
from onhand.settings import Settings


@dataclass
class Running:
    """What runs for a configuration, and where people open it: `urls` by name (web, docs, temporal_ui, ...)."""

    settings: Settings
    config: Path
    stack: Stack
    urls: dict[str, str] = field(default_factory=dict)
    postgres: EmbeddedPostgres | None = None
    temporal: EmbeddedTemporal | None = None

    def tell_others(self) -> None:
        """Let other commands of this user find what runs so far."""
        state = StackState(
            dsn_file=None if self.postgres is None else str(self.postgres.dsn_file),
            temporal_address=None if self.temporal is None else self.temporal.address,
            urls=self.urls,
            pids=self.stack.pids,
        )
        write_state(self.settings.data_dir, state)

    async def start_servers(self) -> None:
        """Postgres with its schema, and Temporal; both at once, as neither needs the other."""
        data_dir = self.settings.data_dir
        self.postgres = None if connect.database_is_configured() else EmbeddedPostgres(data_dir)
        self.temporal = None if connect.temporal_is_configured() else EmbeddedTemporal(data_dir)
        ours = [service for service in (self.postgres, self.temporal) if service is not None]
        await asyncio.gather(*(self.stack.add(service) for service in ours))
        if self.temporal is not None:
            self.urls["temporal_ui"] = self.temporal.ui_url
        self.tell_others()
        await migrations.migrate(connect.database_url(self.settings))

    async def start_programs(self) -> None:
        """The worker and the web app, and the schedule that sets them to work."""
        web = self.settings.web
        port = PortBook(self.settings.data_dir).choose("web", web.port)
        self.urls["web"] = f"http://{web.host}:{port}/"
        self.urls["docs"] = f"http://{web.host}:{port}/docs"
        self.tell_others()
        ready = answers(f"http://{web.host}:{port}/healthz")
        await asyncio.gather(
            self.stack.add(self.program("worker", "worker")),
            self.stack.add(self.program("web", "onhand.web", "--port", str(port), ready=ready, port=port)),
            self._apply_schedule(),
        )
        self.tell_others()

    def program(
        self,
        name: str,
        module: str,
        *more: str,
        ready: Callable[[], Awaitable[bool]] | None = None,
        port: int | None = None,
    ) -> CommandService:
        """One of our own programs, on this configuration; `port`: where it listens."""
        argv = [sys.executable, "-m", module, "--config", str(self.config.absolute()), *more]
        return CommandService(name, argv, data_dir=self.settings.data_dir, ready=ready, port=port)

    async def _apply_schedule(self) -> None:
        client = await connect.connect_temporal(self.settings)
        await schedules.apply(client, self.settings.schedule)
        await schedules.apply_sweeps(client, self.settings.schedule, self.settings.listening_channels())
        await schedules.apply_reconciliation(client, self.settings.reconcile)
        await schedules.apply_report(client, self.settings.report)
        await schedules.apply_retune(client, self.settings.report)


@asynccontextmanager
async def running(
    settings: Settings, config: Path, on_event: Callable[[StackEvent], None] = log_event
) -> AsyncIterator[Running]:
    """Database and Temporal while the body runs, configured servers instead of ours where given.

    The body starts the rest; what it started is stopped with the servers. Raises EmbeddedError, MigrationError.
    """
    lock = FolderLock(settings.data_dir)
    lock.acquire()
    try:
        await stop_leftovers(settings.data_dir)
        found: Running | None = None

        def tell(event: StackEvent) -> None:
            on_event(event)
            if event.happening is Happening.RESTARTED and found is not None:
                found.tell_others()  # its process has another number now

        async with Stack(tell) as stack:
            found = Running(settings, config, stack)
            await found.start_servers()
            yield found
    finally:
        clear_state(settings.data_dir)
        lock.release()
