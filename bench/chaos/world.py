"""The whole of Onhand as processes, kept up as `onhand up` does, with a proxy before each server and shops beside."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psutil
import psycopg
from temporalio.client import Client, ScheduleHandle, ScheduleOverlapPolicy
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.chaos.armed import KILL_FILE
from bench.chaos.expected import PLATFORMS
from bench.chaos.proxy import Proxy
from bench.figures import BenchFailed
from onhand import schedules
from onhand.channels.registry import make_channels
from onhand.demo import SECRETS
from onhand.embedded.place import FALLBACK_ROOT
from onhand.embedded.ports import LOOPBACK, free_port
from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.process import stop_process
from onhand.embedded.services import CommandService, answers
from onhand.embedded.stack import Happening, RestartPolicy, Stack, StackEvent
from onhand.embedded.temporal import EmbeddedTemporal
from onhand.ledger.migrations import migrate
from onhand.messages import sweep_id
from onhand.settings import load_settings

ROOT = Path(__file__).parents[2]
FIRST_PORT = 21_000
"""Below those that the system gives to connections: while a program is dead, nobody may take its port."""
PORTS = 8
"""Of one world; worlds of several processes at a time keep out of each other's way by theirs."""
RESTARTS = RestartPolicy(restarts_per_minute_max=30, delay_seconds_max=2.0)
"""As `onhand up`, but for a day on which more is killed than it would put up with."""
POINT_SECONDS_MAX = 8.0
"""How long a named point may take to be reached; a process that does not pass it then dies where it is."""
COMMAND_SECONDS_MAX = 300.0
UP_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Sweeps:
    """How often shops are asked for orders that nobody told of, and when it is believed that there is none."""

    seconds: int = 10
    disprove_after_seconds: int = 120


SWEEPS = Sweeps()

CONFIG = """
data_dir = "data"
log_format = "json"
log_level = "info"

[locations.leeds]
[locations.london]

[source]
kind = "csv"
path = "stock"
settle_seconds = 0

[channels.shopify]
platform = "shopify"
base_url = "{sandbox}/shopify"
token_env = "ONHAND_SHOPIFY_TOKEN"
webhook_secret_envs = ["ONHAND_SHOPIFY_SECRET"]

[channels.shopify.places]
"gid://shopify/Location/1001" = ["leeds"]
"gid://shopify/Location/1002" = ["london"]

[channels.woocommerce]
platform = "woocommerce"
base_url = "{sandbox}/woocommerce"
key_env = "ONHAND_WOO_KEY"
secret_env = "ONHAND_WOO_SECRET"
webhook_secret_envs = ["ONHAND_WOO_WEBHOOK"]
locations = ["leeds", "london"]

[channels.bigcommerce]
platform = "bigcommerce"
base_url = "{sandbox}/bigcommerce/stores/sandbox"
token_env = "ONHAND_BIGCOMMERCE_TOKEN"
webhook_secret_envs = ["ONHAND_BIGCOMMERCE_WEBHOOK"]
places = {{ 1 = ["leeds"], 2 = ["london"] }}

[schedule]
every_minutes = 1440
sweep_seconds = {sweeps.seconds}
disprove_after_seconds = {sweeps.disprove_after_seconds}

# Levels are to be what was sold leaves, so nothing that drifted is held back.
[spikes]
enabled = false  # what is shown is held against what is left

[reconcile]
every_minutes = 0
tolerance_percent = 100
halt_percent = 100
halts = false

[web]
port = {web}
public_url = "http://127.0.0.1:{web}"
"""


@dataclass
class World:
    """What runs, and the ways to hurt it and to look at it. `deaths` counts kills that took effect, by process."""

    folder: Path
    stack: Stack
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    proxies: Mapping[str, Proxy]
    sandbox: str
    web: str
    deaths: Counter[str] = field(default_factory=Counter)
    restarted: dict[str, datetime] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """The database itself, past its proxy."""
        return self.postgres.dsn

    @property
    def kill_file(self) -> Path:
        """Where the point is named at which a program is to die."""
        return self.folder / "kill"

    @property
    def config(self) -> Path:
        """The configuration of every program."""
        return self.folder / "onhand.toml"

    # To hurt.

    async def kill(self, process: str, point: str = "") -> None:
        """kill -9 of a process, at a named point if it passes there soon; it is started again by the supervisor."""
        pid = await self._pid(process)
        if point:
            self.kill_file.write_text(point)
            reached = await _seen(lambda: not self.kill_file.exists(), POINT_SECONDS_MAX)
            self.kill_file.unlink(missing_ok=True)
            self.deaths[f"{process} {point}" if reached else process] += 1
            if reached:
                return
        else:
            self.deaths[process] += 1
        with suppress(ProcessLookupError):
            os.kill(pid, 9)

    async def _pid(self, process: str) -> int:
        """The process as it runs now, or once it runs again."""
        if not await _seen(lambda: process in self.stack.pids, UP_SECONDS_MAX):
            raise BenchFailed(f"{process} was not started again within {UP_SECONDS_MAX:.0f} s")
        return self.stack.pids[process]

    def note(self, event: StackEvent) -> None:
        """What the supervisor tells."""
        now = datetime.now(UTC)
        self.happened.append(f"{now:%H:%M:%S.%f} {event.service} {event.happening} {event.detail}".strip())
        if event.happening is Happening.RESTARTED:
            self.restarted[event.service] = now

    # To do.

    async def control(self, method: str, path: str, body: object = None, **params: Any) -> Any:
        """Ask the sandbox's control API. Raises BenchFailed with its words where it refuses."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
            answer = await http.request(method, f"{self.sandbox}/_sandbox/{path}", json=body, params=params)
        if answer.is_error:
            raise BenchFailed(f"the sandbox refused {path}: {answer.text[:500]}")
        return answer.json()

    async def onhand(self, *arguments: str) -> tuple[int, Any]:
        """A command of the operator's, past the proxies, with its exit code and its JSON answer."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(ROOT / "starter.py"), "--config", str(self.config), *arguments, "--json"),
            cwd=self.folder,
            env=environment() | {"DATABASE_URL": self.dsn, "TEMPORAL_ADDRESS": self.temporal.address},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_SECONDS_MAX):
            out, said = await process.communicate()
        if not out:
            raise BenchFailed(f"onhand {' '.join(arguments)} said: {said.decode()[-1_000:]}")
        return process.returncode or 0, json.loads(out)

    async def client(self) -> Client:
        """A client of Temporal, past its proxy."""
        return await Client.connect(self.temporal.address, data_converter=pydantic_data_converter)

    async def subscribe(self) -> None:
        """Have each shop tell the web app of its orders."""
        os.environ.update(SECRETS)
        for name, channel in make_channels(load_settings(self.config)).items():
            await channel.hooks.ensure(f"{self.web}/webhooks/{name}")
            await channel.aclose()

    async def sweep(self) -> None:
        """Ask every shop now for orders that nobody told of, but those that are being asked."""
        for handle in await self._sweeps():
            await handle.trigger(overlap=ScheduleOverlapPolicy.SKIP)

    # To see.

    async def sweeps(self) -> bool:
        """Whether a shop is being asked."""
        described = [await handle.describe() for handle in await self._sweeps()]
        return any(each.info.running_actions for each in described)

    async def _sweeps(self) -> list[ScheduleHandle]:
        client = await self.client()
        return [client.get_schedule_handle(sweep_id(name)) for name in PLATFORMS]

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, or change it as its owner."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def levels(self, platform: str) -> dict[tuple[str, str], int]:
        """Every level that a shop shows."""
        rows = await self.control("GET", "levels", platform=platform)
        return {(row["sku"], row["place"]): row["level"] for row in rows}

    async def orders(self, platform: str) -> list[dict[str, Any]]:
        """Every order of a shop, as the shop has it."""
        answer = await self.control("GET", "orders", platform=platform, limit=1_000_000)
        found: list[dict[str, Any]] = answer["orders"]
        return found


async def _seen(so: Callable[[], bool], seconds_max: float) -> bool:
    """Look until it is so; False where it is not within so many seconds."""
    for _ in range(round(seconds_max / LOOK_SECONDS)):
        if so():
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return so()


def environment() -> dict[str, str]:
    """What child processes get: nothing of an operator's own settings, and the sandbox's well-known credentials."""
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1", **SECRETS}


@asynccontextmanager
async def open_world(*, durable: bool = True, sweeps: Sweeps = SWEEPS) -> AsyncIterator[World]:
    """Everything, up and empty. Its folder stays when the body raises, and is named; otherwise it goes."""
    folder = Path(tempfile.mkdtemp(prefix="onhand-chaos-", dir=FALLBACK_ROOT))
    folder.chmod(0o711)
    (folder / "stock").mkdir()
    found: list[World] = []

    def note(event: StackEvent) -> None:
        for world in found:
            world.note(event)

    async with Proxy(0) as to_postgres, Proxy(0) as to_temporal:
        proxies = {"postgres": to_postgres, "temporal": to_temporal}
        async with Stack(note, handle_signals=False) as stack:
            try:
                world = await _started(folder, stack, proxies, durable=durable, sweeps=sweeps)
                found.append(world)
                yield world
            finally:
                for name in ("worker", "web"):  # nothing is served any more, so nothing has to end gently
                    if name in stack.pids:
                        await stop_process(psutil.Process(stack.pids[name]), ())
    shutil.rmtree(folder, ignore_errors=True)


async def _started(
    folder: Path, stack: Stack, proxies: Mapping[str, Proxy], *, durable: bool, sweeps: Sweeps
) -> World:
    data = folder / "data"
    first = FIRST_PORT + PORTS * (os.getpid() % 1_000)
    postgres = EmbeddedPostgres(data, port=first, durable=durable)
    temporal = EmbeddedTemporal(data, port=first + 1, ui_port=first + 2, metrics_port=first + 3)
    shops, web = free_port(first + 4), free_port(first + 5)
    sandbox = f"http://{LOOPBACK}:{shops}"
    (folder / "onhand.toml").write_text(CONFIG.format(sandbox=sandbox, web=web, sweeps=sweeps))
    await asyncio.gather(
        stack.add(postgres, RESTARTS),
        stack.add(temporal, RESTARTS),
        stack.add(_sandbox(data, shops, sandbox)),
    )
    proxies["postgres"].target = postgres.port
    proxies["temporal"].target = int(temporal.address.rsplit(":", 1)[1])
    await migrate(postgres.dsn)
    world = World(folder, stack, postgres, temporal, proxies, sandbox, f"http://{LOOPBACK}:{web}")
    settings = load_settings(world.config)
    await schedules.apply_sweeps(await world.client(), settings.schedule, settings.listening_channels())
    await asyncio.gather(
        stack.add(_program(world, "worker"), RESTARTS),
        stack.add(_program(world, "web"), RESTARTS),
    )
    return world


def _sandbox(data: Path, port: int, url: str) -> CommandService:
    argv = [sys.executable, "-m", "onhand.sandbox", "--port", str(port), "--no-limits"]
    ready = answers(f"{url}/_sandbox/stats")
    return CommandService("sandbox", argv, data_dir=data, env=environment(), cwd=ROOT, ready=ready)


def _program(world: World, name: str) -> CommandService:
    """The worker or the web app, armed, speaking through the proxies."""
    parts = urlsplit(world.dsn)
    through = f"{parts.username}:{parts.password}@{LOOPBACK}:{world.proxies['postgres'].port}"
    env = environment() | {
        "DATABASE_URL": urlunsplit(parts._replace(netloc=through)),
        "TEMPORAL_ADDRESS": f"{LOOPBACK}:{world.proxies['temporal'].port}",
        KILL_FILE: str(world.kill_file),
    }
    argv: Sequence[str] = [sys.executable, "-m", "bench.chaos.armed", name, "--config", str(world.config)]
    ready = answers(f"{world.web}/healthz") if name == "web" else None
    return CommandService(name, argv, data_dir=world.folder / "data", env=env, cwd=ROOT, ready=ready)
