"""What a stack is made of: anything that starts, ends and can be stopped; and a command as such a thing."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from onhand.embedded.errors import StartFailed
from onhand.embedded.files import make_data_dir
from onhand.embedded.process import POLITE, ChildProcess, Command, StopSignals, stop_orphan

Probe = Callable[[], Awaitable[bool]]
"""Answers whether a service can be used now."""


class Service(Protocol):
    """One server or process of a stack. It can be started again after it ended."""

    @property
    def name(self) -> str:
        """How people know it."""

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""

    async def start(self) -> None:
        """Start it; it can be used afterwards. Raises EmbeddedError, with nothing left running."""

    async def wait(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""

    async def stop(self) -> None:
        """End it, whatever it takes. Does nothing when it is not running."""


class ChildService(ABC):
    """A service that is one child process of ours: how it comes up, is watched and ends, whatever it serves."""

    def __init__(self) -> None:
        self._child: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._child.pid if self._child is not None else None

    @abstractmethod
    async def start(self) -> None:
        """Start it; it can be used afterwards. Raises EmbeddedError, with nothing left running."""

    async def wait(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        if self._child is None:
            raise RuntimeError("wait() before start()")
        return await self._child.wait()

    async def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        if self._child is not None:
            await self._child.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _start_child(self, command: Command, pid_file: Path) -> None:
        self._child = child = ChildProcess(command, pid_file)
        try:
            child.start()
            await self._until_ready(child)
        except BaseException:
            await child.stop()
            raise

    @abstractmethod
    async def _until_ready(self, child: ChildProcess) -> None:
        """Return once it can be used. Raises StartFailed when it ends before, or takes too long."""


class CommandService(ChildService):
    """A command of ours, such as the worker or the web app, that is ready once its probe says so."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        data_dir: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Probe | None = None,
        port: int | None = None,
        ready_seconds_max: float = 60.0,
        stop_signals: StopSignals = POLITE,
        to_terminal: bool = False,
    ) -> None:
        """`env` replaces our environment when given. Output goes to `<data folder>/logs/<name>.log`, or to our own.

        `port`: where it listens once it is ready. Somebody else's server, or what is left of an earlier one, may answer
        there as well.
        """
        super().__init__()
        self.name = name
        self._data_dir = data_dir.absolute()
        self.log_file = None if to_terminal else self._data_dir / "logs" / f"{name}.log"
        self._command = Command(argv, self.log_file, env, cwd, stop_signals=stop_signals)
        self._ready = ready
        self._port = port
        self._ready_seconds_max = ready_seconds_max

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        make_data_dir(self._data_dir)
        pid_file = self._data_dir / f"{self.name}.pid"
        await stop_orphan(pid_file, self._command.stop_signals)
        try:
            await self._start_child(self._command, pid_file)
        except OSError as error:
            raise StartFailed(f"{self.name} cannot be started as {self._command.argv[0]}: {error}") from error

    async def _until_ready(self, child: ChildProcess) -> None:
        deadline = time.monotonic() + self._ready_seconds_max
        while child.running and time.monotonic() < deadline:
            if (self._ready is None or await self._ready()) and self._listens(child):
                return
            await asyncio.sleep(0.05)
        seen = "was not ready in time" if child.running else f"ended with {await child.wait()}"
        raise StartFailed(
            f"{self.name} {seen} ({self._ready_seconds_max:.0f} s are given)."
            f" Its log {self.log_file or ''} ends with:\n{child.log_tail()}"
        )

    def _listens(self, child: ChildProcess) -> bool:
        return self._port is None or child.listens_on(self._port)


def answers(url: str, *, seconds_max: float = 2.0) -> Probe:
    """A probe: GET `url` (plain HTTP) answers with a status below 400."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()

    async def probe() -> bool:
        try:
            async with asyncio.timeout(seconds_max):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
                try:
                    writer.write(request)
                    status = (await reader.readline()).split(b" ")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return len(status) > 1 and status[1].isdigit() and int(status[1]) < 400

    return probe


def exists(path: Path) -> Probe:
    """A probe: the service has written this file. Its old one must be gone before it is started."""

    async def probe() -> bool:
        return path.exists()

    return probe
