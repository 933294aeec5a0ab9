"""An embedded PostgreSQL 18: on loopback only, with its data in the data folder."""

import asyncio
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg
import structlog

from onhand.embedded.cluster import DATABASE, ROLE, ensure_cluster, server_environment
from onhand.embedded.errors import StartFailed
from onhand.embedded.files import make_data_dir, write_whole
from onhand.embedded.place import Place, find_place
from onhand.embedded.ports import LOOPBACK, PortBook
from onhand.embedded.process import ChildProcess, Command, stop_process
from onhand.embedded.services import ChildService
from onhand.redaction import register_secret

PORT = 55_432
# After a crash the server replays its log first; 1 GB of it (max_wal_size) takes well under this.
START_SECONDS_MAX = 120.0
# Fast shutdown: what runs is rolled back, everything committed is on disk. Then immediate shutdown: recovery at the
# next start.
STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

# For a small machine shared with Temporal, the worker and the web app.
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "max_connections": "100",
    "synchronous_commit": "on",  # an event is acknowledged only once it is durable
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "pglz",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves on statements of a few milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_connections": "",
    "log_min_messages": "warning",
}
# For tests: nothing here has to outlive the machine, but all of it a kill -9 of the server.
FORGETFUL: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}

log = structlog.get_logger(__name__)


class EmbeddedPostgres(ChildService):
    """One database server of one data folder. Start and stop it as often as wanted; it keeps its port."""

    name = "postgres"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = PORT,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` go on top of SETTINGS; with `durable=False` a crash of the machine may lose everything."""
        super().__init__()
        self._data_dir = data_dir.absolute()
        self._preferred_port = port
        self._durable = durable
        self._settings = {**SETTINGS, **({} if durable else FORGETFUL), **(settings or {})}
        self._port: int | None = None
        self._password = ""
        self._place: Place | None = None

    @property
    def port(self) -> int:
        """The port it listens on, from the first start on."""
        if self._port is None:
            raise RuntimeError("the port of a server is known once it was started")
        return self._port

    @property
    def dsn(self) -> str:
        """How to connect to the database `onhand`; it holds the password."""
        return f"postgresql://{ROLE}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def dsn_file(self) -> Path:
        """A file with the DSN that only its owner can read, for other processes of the same user."""
        return self._data_dir / "postgres.dsn"

    @property
    def place(self) -> Place:
        """Where its files are and whom it runs as, from the first start on."""
        if self._place is None:
            raise RuntimeError("the place of a server is known once it was started")
        return self._place

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self._data_dir / "logs" / "postgres.log"

    async def start(self) -> None:
        """Start the server, making its database first where there is none; it takes connections afterwards."""
        make_data_dir(self._data_dir)
        self._place = place = await asyncio.to_thread(find_place, self._data_dir)
        await _end_leftovers(place.cluster)
        self._password = await asyncio.to_thread(
            ensure_cluster, place, self._data_dir / "postgres.password", durable=self._durable
        )
        register_secret(self._password)
        # A restart must not move: the other processes already hold the DSN.
        self._port = self._port or PortBook(self._data_dir).choose(self.name, self._preferred_port)
        write_whole(self.dsn_file, self.dsn)
        await self._start_child(self._command(place), self._data_dir / "postgres.pid")

    def _command(self, place: Place) -> Command:
        settings = {
            **self._settings,
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        return Command(
            argv=[
                str(place.programs / "postgres"),
                *("-D", str(place.cluster)),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            log=self.log_file,
            env=server_environment(),
            cwd=Path("/"),
            user=place.user,
            group=place.group,
            stop_signals=STOP_SIGNALS,
            private=True,
        )

    async def _until_ready(self, child: ChildProcess) -> None:
        deadline, seen = time.monotonic() + START_SECONDS_MAX, "no answer"
        while child.running and time.monotonic() < deadline:
            try:
                connection = await psycopg.AsyncConnection.connect(self.dsn, connect_timeout=5)
            except psycopg.OperationalError as error:
                seen = str(error).strip()
                await asyncio.sleep(0.03)
            else:
                await connection.close()
                return
        raise StartFailed(
            f"PostgreSQL in {self._data_dir} did not come up on {LOOPBACK}:{self.port} (last answer: {seen})."
            f" Its log {self.log_file} ends with:\n{child.log_tail()}"
        )


async def _end_leftovers(cluster: Path) -> None:
    """Leave no process of an earlier server at work on the cluster, and no file that only claims there is one.

    An orphaned server is stopped rather than adopted: as our child it can be watched and started again. After a
    kill -9 of the server its sessions may live on for a moment; PostgreSQL must not start before they are gone.
    """
    orphans = _processes_in(cluster)
    masters = [process for process in orphans if process.pid == _claimed_pid(cluster)]
    for process in masters or orphans:
        log.info("stopping a database server that an earlier run left behind", pid=process.pid)
        await stop_process(process, STOP_SIGNALS if masters else ((signal.SIGQUIT, 5.0),))
    for process in _processes_in(cluster):
        await stop_process(process, ((signal.SIGQUIT, 5.0),))
    claimed = _claimed_pid(cluster)
    if claimed is not None and psutil.pid_exists(claimed):
        # The pid now belongs to someone else, but PostgreSQL would take it for a running server and give up.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        log.info("removed the pid file of a database server that is gone", pid=claimed)


def _claimed_pid(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _processes_in(cluster: Path) -> list[psutil.Process]:
    """Server processes at work in this cluster: PostgreSQL makes it the working folder of all of them."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.name().startswith("postgres") and process.cwd() == str(cluster):
                found.append(process)
        except psutil.Error:
            continue
    return found
