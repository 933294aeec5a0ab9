"""A world of its own for a benchmark: Postgres, Temporal, the sandbox and a worker, in a folder that goes away.

Everything listens on loopback, on ports far from those of an `onhand up` on the same machine, and ends with the
`async with`, also when it is interrupted.
"""

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.figures import BenchFailed
from bench.shops import BIGCOMMERCE, LOCATION, SHOPIFY, SHOPS
from onhand.channels.registry import make_channels
from onhand.embedded.place import FALLBACK_ROOT
from onhand.embedded.ports import LOOPBACK, free_port
from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.services import CommandService, answers
from onhand.embedded.temporal import EmbeddedTemporal
from onhand.ledger.migrations import migrate
from onhand.messages import SYNC_TASK_QUEUE, SweepRequest, sweep_id
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.settings import load_settings

ROOT = Path(__file__).parent.parent
PORTS = 8
FIRST_PORT = 10_000 + PORTS * (os.getpid() % 1_000)
"""Of this process's servers; below those that the system gives to connections, and apart from other processes'."""
FILL_SECONDS_MAX = 600.0

_numbers = itertools.count(1)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder on disk (not in memory: a commit has to cost what it costs) that root's database may enter."""
    folder = Path(tempfile.mkdtemp(prefix="onhand-bench-", dir=FALLBACK_ROOT))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A database server as `onhand up` runs it."""
    with own_folder() as folder:
        async with EmbeddedPostgres(folder / "data", port=FIRST_PORT) as postgres:
            yield postgres


async def new_database(postgres: EmbeddedPostgres) -> str:
    """An empty ledger beside the others of this server; its DSN. The one before is dropped."""
    number = next(_numbers)
    name = f"bench_{number}"
    async with await psycopg.AsyncConnection.connect(postgres.dsn, autocommit=True) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS bench_{number - 1} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}")
    dsn = urlunsplit(urlsplit(postgres.dsn)._replace(path=f"/{name}"))
    await migrate(dsn)
    return dsn


@dataclass
class World:
    """What a sync needs besides its database and its worker."""

    folder: Path
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    client: Client
    sandbox: str
    environment: dict[str, str] = field(default_factory=dict)
    more_config: str = ""

    def config(self) -> Path:
        """The configuration file of this world's programs."""
        config = self.folder / "onhand.toml"
        config.write_text(_config(self.folder / "data", self.sandbox) + self.more_config, encoding="utf-8")
        return config

    @asynccontextmanager
    async def worker(self, dsn: str) -> AsyncIterator[CommandService]:
        """A worker of all queues in a process of its own, on this database; it must live until the body ends."""
        argv = [sys.executable, str(ROOT / "worker.py"), "--config", str(self.config())]
        async with self._program("worker", argv, dsn) as service:
            yield service

    @asynccontextmanager
    async def web(self, dsn: str) -> AsyncIterator[str]:
        """The web app in a process of its own, on this database; its address."""
        port = free_port(FIRST_PORT + 5)
        url = f"http://{LOOPBACK}:{port}"
        argv = [sys.executable, "-m", "onhand.web", "--config", str(self.config()), "--port", str(port)]
        async with self._program("web", argv, dsn, ready=answers(f"{url}/readyz")):
            yield url

    @asynccontextmanager
    async def _program(
        self,
        name: str,
        argv: list[str],
        dsn: str,
        ready: Callable[[], Awaitable[bool]] | None = None,
    ) -> AsyncIterator[CommandService]:
        env = self.environment | {"DATABASE_URL": dsn, "TEMPORAL_ADDRESS": self.temporal.address}
        service = CommandService(name, argv, data_dir=self.folder / "data", env=env, cwd=ROOT, ready=ready)
        await service.start()
        try:
            yield service
        finally:
            await service.stop()

    async def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask the sandbox's control API. Raises BenchFailed with its words where it refuses."""
        async with httpx.AsyncClient(timeout=FILL_SECONDS_MAX, trust_env=False) as http:
            answer = await http.request(method, f"{self.sandbox}/_sandbox/{path}", json=body)
        if answer.is_error:
            raise BenchFailed(f"the sandbox refused {path}: {answer.text[:500]}")
        return answer.json()

    async def subscribe(self, web: str) -> None:
        """Have each shop tell the web app of its orders, as `onhand webhooks register` does."""
        os.environ.update(self.environment)
        settings = load_settings(self.config())
        for name, channel in make_channels(settings).items():
            await channel.hooks.ensure(f"{web}/webhooks/{name}")
            await channel.aclose()

    async def sweep(self) -> None:
        """Sweep every shop's orders once, as the schedule does every minute."""
        for shop in SHOPS:
            await self.client.execute_workflow(
                "OrderSweep",
                SweepRequest(channel=shop.name),
                id=f"{sweep_id(shop.name)}-{uuid4()}",
                task_queue=SYNC_TASK_QUEUE,
            )

    async def fill(self, skus: int, level: int = 0) -> None:
        """Put so many simple products into every shop, in place of what they hold."""
        body = {"generate": skus, "variations": False, "level": level}
        async with httpx.AsyncClient(timeout=FILL_SECONDS_MAX, trust_env=False) as http:
            await http.post(f"{self.sandbox}/_sandbox/reset", json={})
            (await http.post(f"{self.sandbox}/_sandbox/catalogue", json=body)).raise_for_status()

    async def fill_codes(self, codes: Sequence[str], level: int) -> None:
        """Put these simple products, in this order, into every shop, in place of what they hold."""
        await self.control("POST", "reset", {})
        await self.control("POST", "catalogue", [{"sku": code, "level": level} for code in codes])

    async def calls(self) -> dict[str, dict[str, int]]:
        """The calls each shop has counted so far, by operation."""
        async with httpx.AsyncClient(timeout=FILL_SECONDS_MAX, trust_env=False) as http:
            stats = (await http.get(f"{self.sandbox}/_sandbox/stats")).raise_for_status().json()
        return {name: dict(each["calls"]) for name, each in stats.items()}

    async def shown(self, platform: str, place: str) -> dict[str, int]:
        """Every level of a shop at one of its places, by SKU."""
        async with httpx.AsyncClient(timeout=FILL_SECONDS_MAX, trust_env=False) as http:
            answer = await http.get(f"{self.sandbox}/_sandbox/levels", params={"platform": platform})
            rows = answer.raise_for_status().json()
        return {row["sku"]: row["level"] for row in rows if row["place"] == place}


@asynccontextmanager
async def open_world(
    *, limits: bool, shops: str = "onhand.sandbox", more_config: str = ""
) -> AsyncIterator[World]:
    """Servers and sandbox, started in order and stopped in reverse; no worker yet.

    `shops`: the module that serves them; one of a benchmark's own knows no limits. `more_config`: of every program.
    """
    with own_folder() as folder:
        data = folder / "data"
        async with (
            EmbeddedPostgres(data, port=FIRST_PORT) as postgres,
            EmbeddedTemporal(
                data, port=FIRST_PORT + 1, ui_port=FIRST_PORT + 2, metrics_port=FIRST_PORT + 3
            ) as temporal,
            _sandbox(data, shops, limits=limits) as url,
        ):
            client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
            yield World(folder, postgres, temporal, client, url, _environment(), more_config)


@asynccontextmanager
async def _sandbox(data: Path, shops: str, *, limits: bool) -> AsyncIterator[str]:
    port = free_port(FIRST_PORT + 4)
    url = f"http://{LOOPBACK}:{port}"
    service = CommandService(
        "sandbox",
        [
            sys.executable,
            *("-m", shops, "--port", str(port)),
            *(["--limits" if limits else "--no-limits"] if shops == "onhand.sandbox" else []),
        ],
        data_dir=data,
        env=_environment(),
        cwd=ROOT,
        ready=answers(f"{url}/_sandbox/stats"),
    )
    await service.start()
    try:
        yield url
    finally:
        await service.stop()


def _environment() -> dict[str, str]:
    """What child processes get: nothing of an operator's own settings, and the sandbox's well-known credentials."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",
        "BENCH_SHOPIFY_TOKEN": ShopifyOptions().access_token,
        "BENCH_SHOPIFY_SECRET": ShopifyOptions().client_secret,
        "BENCH_WOO_WEBHOOK": "benchwoo",
        "BENCH_BIGCOMMERCE_WEBHOOK": "bench-bigcommerce",
        "BENCH_WOO_KEY": WooOptions().consumer_key,
        "BENCH_WOO_SECRET": WooOptions().consumer_secret,
        "BENCH_BIGCOMMERCE_TOKEN": BigCommerceOptions().access_token,
    }


def _config(data_dir: Path, sandbox: str) -> str:
    """The configuration. Without the guard: benchmarks change every level at once, which it would hold."""
    return f"""
data_dir = "{data_dir}"
log_format = "json"
log_level = "warning"

[locations.{LOCATION}]

[spikes]
enabled = false  # what is shown is held against what is left

[reconcile]
after_sync = false

[channels.shopify]
platform = "shopify"
base_url = "{sandbox}/shopify"
token_env = "BENCH_SHOPIFY_TOKEN"
webhook_secret_envs = ["BENCH_SHOPIFY_SECRET"]
places = {{ "{SHOPIFY.place}" = ["{LOCATION}"] }}

[channels.woocommerce]
platform = "woocommerce"
base_url = "{sandbox}/woocommerce"
key_env = "BENCH_WOO_KEY"
secret_env = "BENCH_WOO_SECRET"
webhook_secret_envs = ["BENCH_WOO_WEBHOOK"]
locations = ["{LOCATION}"]

[channels.bigcommerce]
platform = "bigcommerce"
base_url = "{sandbox}/bigcommerce/stores/{BigCommerceOptions().store_hash}"
token_env = "BENCH_BIGCOMMERCE_TOKEN"
webhook_secret_envs = ["BENCH_BIGCOMMERCE_WEBHOOK"]
places = {{ "{BIGCOMMERCE.place}" = ["{LOCATION}"] }}

[guard]
enabled = false
"""
