"""Fixtures: a whole Onhand of its own for a module of tests, as real processes on its own folder and free ports.

Nothing is patched and nothing is shared: `onhand up` with an embedded PostgreSQL and Temporal, and a sandbox beside it
that outlives every crash of Onhand, as the real platforms do.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.chaos.expected import PLATFORMS, Levels, Stock
from onhand.demo import SECRETS
from onhand.embedded.ports import free_port
from tests.fix_embedded import open_folder

READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 45.0
COMMAND_SECONDS_MAX = 90.0
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SANDBOX_PORT = 18_700 + 100 * WORKER
"""Of each process that tests: two that looked for a free port in the same moment would share their shops."""
SERVER_PORTS = {"postgres": 55_432, "temporal": 7_233, "temporal_ui": 8_233, "temporal_metrics": 9_233}
"""Those that servers want; of each process that tests others, or one took the port of one that was just killed."""

CONFIG = """
data_dir = "data"
log_format = "json"

[locations.leeds]
[locations.london]

[source]
kind = "csv"
path = "stock"
settle_seconds = 0

[channels.shopify]
platform = "shopify"
orders = "ignore"
base_url = "{sandbox}/shopify"
token_env = "ONHAND_SHOPIFY_TOKEN"

[channels.shopify.places]
"gid://shopify/Location/1001" = ["leeds"]
"gid://shopify/Location/1002" = ["london"]

[channels.shopify.rule]
mode = "pooled"

[channels.woocommerce]
platform = "woocommerce"
orders = "ignore"
base_url = "{sandbox}/woocommerce"
key_env = "ONHAND_WOO_KEY"
secret_env = "ONHAND_WOO_SECRET"
locations = ["leeds", "london"]

[channels.woocommerce.rule]
mode = "pooled"

[channels.bigcommerce]
platform = "bigcommerce"
orders = "ignore"
base_url = "{sandbox}/bigcommerce/stores/sandbox"
token_env = "ONHAND_BIGCOMMERCE_TOKEN"
places = {{ 1 = ["leeds"], 2 = ["london"] }}

[channels.bigcommerce.rule]
mode = "pooled"

[schedule]
every_minutes = 1440

[spikes]
enabled = false  # what is shown is held against what is left

[reconcile]
every_minutes = 0
after_sync = false
settle_seconds = 1

[sync]
failure_alert_share = 0.005

[slack]
token_env = "ONHAND_SLACK_TOKEN"
channel = "#stock"
alert_channel = "#stock-alerts"
base_url = "{sandbox}/slack/api/"

[web]
port = 0
"""


def wait_until(seen: Callable[[], bool], what: str, seconds_max: float = 30.0) -> None:
    """Look again and again until it is so; fails with what was waited for."""
    deadline = time.monotonic() + seconds_max
    while not seen():
        assert time.monotonic() < deadline, f"not within {seconds_max:.0f} s: {what}"
        time.sleep(0.05)


@dataclass
class Installation:
    """One Onhand in a folder of its own, and the shops it speaks to."""

    home: Path
    sandbox_command: Sequence[str]
    more_config: str = ""
    sandbox_port: int = field(default_factory=lambda: free_port(SANDBOX_PORT))
    _sandbox: subprocess.Popen[bytes] | None = None
    _up: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        (self.home / "stock").mkdir()
        self.data_dir.mkdir()
        ports = {
            name: {"preferred": wanted, "port": SANDBOX_PORT + 50 + n}
            for n, (name, wanted) in enumerate(SERVER_PORTS.items())
        }
        (self.data_dir / "ports.json").write_text(json.dumps(ports))
        self.config.write_text(CONFIG.format(sandbox=self.sandbox_url) + self.more_config)

    @property
    def config(self) -> Path:
        """The one configuration file."""
        return self.home / "onhand.toml"

    @property
    def data_dir(self) -> Path:
        """Where the stack keeps everything."""
        return self.home / "data"

    @property
    def sandbox_url(self) -> str:
        """The shops, their control API, and Slack."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def dsn(self) -> str:
        """The embedded database, as its owner."""
        return (self.data_dir / "postgres.dsn").read_text()

    @property
    def state(self) -> dict[str, Any]:
        """What the stack tells other commands of itself."""
        found: dict[str, Any] = json.loads((self.data_dir / "state.json").read_text())
        return found

    # Start, stop, kill.

    def environment(self) -> dict[str, str]:
        """A terminal of a user who has set the secrets, and nothing else that concerns us."""
        ours = ("ONHAND_", "DATABASE_URL", "TEMPORAL_")
        return {k: v for k, v in os.environ.items() if not k.startswith(ours)} | SECRETS

    def start_sandbox(self) -> None:
        """Start the shops, and wait until they answer."""
        self._sandbox = process = self._start(
            self.sandbox_command, "--port", str(self.sandbox_port), log="sandbox.log"
        )
        wait_until(
            lambda: process.poll() is not None or self._answers(self.sandbox_url), "the sandbox answers"
        )
        assert process.poll() is None, (self.home / "sandbox.log").read_text()

    def start_up(self) -> None:
        """`onhand up`, until it prints its addresses."""
        self._up = process = self._start(["starter"], "--config", str(self.config), "up", log="up.log")
        wait_until(
            lambda: process.poll() is not None or "API docs" in self.up_says(),
            "onhand up is ready",
            READY_SECONDS_MAX,
        )
        assert process.poll() is None, f"onhand up ended with {process.poll()} and said:\n{self.up_says()}"

    def up_says(self) -> str:
        """What the running `onhand up` has printed."""
        return (self.home / "up.log").read_text()

    def interrupt_up(self) -> int:
        """Ctrl-C; the exit code of `onhand up`."""
        assert self._up is not None
        self._up.send_signal(signal.SIGINT)
        return self._up.wait(STOP_SECONDS_MAX)

    def kill(self, name: str) -> None:
        """kill -9 of one process of the stack, or of `onhand up` itself (`supervisor`)."""
        if name == "supervisor":
            assert self._up is not None
            self._up.kill()
            self._up.wait()
        else:
            os.kill(self.state["pids"][name], signal.SIGKILL)

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this folder, whoever started it; not the sandbox."""
        return [p for p in psutil.process_iter() if self._is_ours(p)]

    def stop_all(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self._up is not None and self._up.poll() is None:
            self._up.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._up.wait(STOP_SECONDS_MAX)
        left = self.processes()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=10)
        for child in (self._up, self._sandbox):
            if child is not None:
                child.kill()
                child.wait()

    def _start(self, module: Sequence[str], *more: str, log: str) -> subprocess.Popen[bytes]:
        with (self.home / log).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *module, *more],
                cwd=self.home,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _is_ours(self, process: psutil.Process) -> bool:
        if self._sandbox is not None and process.pid == self._sandbox.pid:
            return False
        try:
            words = [process.cwd(), *process.cmdline()]
            return process.status() != psutil.STATUS_ZOMBIE and any(str(self.home) in word for word in words)
        except psutil.Error:
            return False

    @staticmethod
    def _answers(url: str) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(url).status_code == 200
        return False

    # What a user does.

    def onhand(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, run to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS_MAX,
        )

    def command(self, *arguments: str) -> list[str]:
        """How a command is called."""
        return [sys.executable, "-m", "starter", "--config", str(self.config), *arguments]

    def answer(self, *arguments: str, code: int = 0) -> Any:
        """The JSON answer of a command that ends with this exit code."""
        done = self.onhand(*arguments, "--json")
        assert done.returncode == code, (
            f"{arguments} ended with {done.returncode}: {done.stderr}\n{done.stdout}"
        )
        return json.loads(done.stdout)

    def write_stock(self, stock: Stock) -> None:
        """The source as a warehouse would export it: a file for each location, written whole and renamed."""
        for at, location in enumerate(("leeds", "london")):
            lines = [f"{sku},{location},{units[at]}\n" for sku, units in stock.items()]
            half = self.home / f"{location}.half"
            half.write_text("sku,location,quantity\n" + "".join(lines))
            half.replace(self.home / "stock" / f"{location}.csv")

    def fill(self, skus: Sequence[str]) -> None:
        """The same catalogue in all shops, all levels 0, and in the ledger."""
        self.control("catalogue", [{"sku": sku, "title": f"Thing {sku}"} for sku in skus])
        catalogue = self.home / "catalogue.csv"
        catalogue.write_text("sku,name\n" + "".join(f"{sku},Thing {sku}\n" for sku in skus))
        done = self.onhand("import", "catalogue", str(catalogue))
        assert done.returncode == 0, done.stderr

    # What there is to see.

    def control(self, action: str, body: Any) -> Any:
        """Do something in the shops, as their owner or a buyer would."""
        answer = httpx.post(f"{self.sandbox_url}/_sandbox/{action}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def calls(self) -> dict[str, dict[str, int]]:
        """How often each shop was asked for what."""
        stats = httpx.get(f"{self.sandbox_url}/_sandbox/stats").json()
        return {platform: stats[platform]["calls"] for platform in PLATFORMS}

    def shop_levels(self, platform: str) -> Levels:
        """Every level that a shop shows."""
        url = f"{self.sandbox_url}/_sandbox/levels"
        rows = httpx.get(url, params={"platform": platform}, timeout=30).json()
        return {(row["sku"], row["place"]): row["level"] for row in rows}

    def slack_page(self) -> str:
        """What Slack shows, newest first."""
        return httpx.get(f"{self.sandbox_url}/slack/part").text

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the ledger's database directly."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement, values).fetchall()

    def table_texts(self) -> dict[str, str]:
        """Everything that every table of the ledger holds, as text in a fixed order."""
        tables = self.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        select = "SELECT coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '') FROM {} t"
        return {name: str(self.rows(select.format(name))[0][0]) for (name,) in tables}

    async def everything_written(self) -> dict[str, str]:
        """All that Onhand has left somewhere, by where: logs, state, tables, Temporal's histories and its file."""
        written = {path.name: path.read_text() for path in (self.data_dir / "logs").iterdir()}
        written |= {
            name: (self.home / name).read_text() for name in ("up.log", "sandbox.log", "data/state.json")
        }
        written |= {f"table {name}": text for name, text in self.table_texts().items()}
        for path in self.data_dir.glob("temporal.db*"):
            written[path.name] = path.read_bytes().decode("latin-1")
        client, events = await self.temporal(), []
        async for found in client.list_workflows():
            handle = client.get_workflow_handle(found.id, run_id=found.run_id)
            events += [f"{found.id} {event}" async for event in handle.fetch_history_events()]
        return {**written, "histories": "\n".join(events)}

    def secrets_in(self, written: Mapping[str, str]) -> set[tuple[str, str]]:
        """Each of the shops' secrets and the database's password, where it was found."""
        secrets = {*SECRETS.values(), (self.data_dir / "postgres.password").read_text()}
        assert len(secrets) == len(SECRETS) + 1
        return {(place, secret) for place, text in written.items() for secret in secrets if secret in text}

    async def temporal(self) -> Client:
        """A client of the embedded Temporal."""
        return await Client.connect(self.state["temporal_address"], data_converter=pydantic_data_converter)


@contextmanager
def installed(sandbox_command: Sequence[str], more_config: str = "") -> Iterator[Installation]:
    """An Onhand whose shops run while the body does; whatever runs at the end is stopped."""
    with open_folder() as data:
        found = Installation(data.parent, sandbox_command, more_config)
        try:
            found.start_sandbox()
            yield found
        finally:
            found.stop_all()


@pytest.fixture(scope="module")
def stack() -> Iterator[Installation]:
    """An Onhand that is up, beside shops without limits."""
    with installed(["onhand.sandbox", "--no-limits"]) as found:
        found.start_up()
        yield found


@pytest.fixture(scope="module")
def slow_stack() -> Iterator[Installation]:
    """The same, beside shops that take their time over each write. Without the guard: every level changes at once."""
    with installed(["tests.acceptance.slow_sandbox"], "\n[guard]\nenabled = false\n") as found:
        found.start_up()
        yield found
