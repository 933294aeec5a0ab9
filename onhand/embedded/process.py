"""Child processes: a log, a pid file that no recycled pid can fool, and a stop that always ends.

Children get a session of their own, so that Ctrl-C reaches only us and we can stop them in order. They are not bound
to our death by PR_SET_PDEATHSIG: the kernel forgets that wish when a process changes its user (as root's Postgres
does), it fires when the *thread* that started the child ends, and a database must not be ended by the same kill -9
that ended us while it could still finish cleanly. Whoever starts next finds an orphan by its pid file and stops it.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from onhand.embedded.files import log_tail, open_log, read_text, write_whole

# How far two readings of one process's start may lie apart when the machine's clock was set in between.
SAME_START_SECONDS = 2.0
LOOK_SECONDS = 0.05

StopSignals = tuple[tuple[signal.Signals, float], ...]  # each signal with the seconds it is given
POLITE: StopSignals = ((signal.SIGTERM, 10.0),)


@dataclass(frozen=True)
class Command:
    """What to run. `user` and `group` are for root only; `env` replaces our environment when given.

    `private` keeps the files it makes from other users.
    """

    argv: Sequence[str]
    log: Path | None = None
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: int | None = None
    group: int | None = None
    stop_signals: StopSignals = POLITE
    private: bool = False


class PidFile:
    """Which process was started, by pid and time of birth: a pid alone may by now be somebody else's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pid: int) -> None:
        """Remember a process that runs now."""
        write_whole(self._path, json.dumps(birth_of(pid)))

    def living(self) -> psutil.Process | None:
        """The remembered process, if it is still the same one."""
        try:
            return same_process(json.loads(read_text(self._path) or "{}"))
        except json.JSONDecodeError:
            return None

    def remove(self) -> None:
        """Forget it."""
        self._path.unlink(missing_ok=True)


def birth_of(pid: int) -> dict[str, float]:
    """What identifies a running process; a process that is already gone is remembered as never born."""
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "started": 0.0}


def same_process(birth: Mapping[str, float]) -> psutil.Process | None:
    """The process that `birth_of` described, if it still runs."""
    try:
        process = psutil.Process(int(birth["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process if abs(process.create_time() - birth["started"]) < SAME_START_SECONDS else None
    except (psutil.Error, KeyError, ValueError, TypeError):
        return None


class ChildProcess:
    """One process that we started."""

    def __init__(self, command: Command, pid_file: Path) -> None:
        self._command = command
        self._pid_file = PidFile(pid_file)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """Its pid, while it runs."""
        process = self._process
        return process.pid if process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what it prints goes to its log, or to our own terminal where it has none."""
        command, log = self._command, None
        if command.log is not None:
            log = open_log(command.log)
            self._log_start = os.fstat(log).st_size
        try:
            self._process = subprocess.Popen(
                list(command.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=None if command.env is None else dict(command.env),
                cwd=command.cwd,
                user=command.user,
                group=command.group,
                extra_groups=None if command.user is None else [],
                umask=0o077 if command.private else -1,
                start_new_session=True,
            )
        finally:
            if log is not None:
                os.close(log)
        self._pid_file.write(self._process.pid)

    async def wait(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""
        process = self._process
        if process is None:
            raise RuntimeError("wait() before start()")
        while (code := process.poll()) is None:  # noqa: ASYNC110 - poll is how a child's end is seen
            await asyncio.sleep(LOOK_SECONDS)
        return code

    def listens_on(self, port: int) -> bool:
        """Whether it, or a process that it started, listens on that TCP port; True where that cannot be seen."""
        if self._process is None:
            return False
        try:
            process = psutil.Process(self._process.pid)
            family = [process, *process.children(recursive=True)]
            found = [each for member in family for each in member.net_connections("tcp")]
        except psutil.AccessDenied:
            return True
        except psutil.NoSuchProcess:
            return False
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)

    async def stop(self) -> None:
        """Ask it to end, ask more firmly, and at last kill it with all it started; then forget it."""
        if self._process is not None:
            if self.running:
                await stop_process(psutil.Process(self._process.pid), self._command.stop_signals)
            self._process.wait()
        self._pid_file.remove()

    def log_tail(self) -> str:
        """The last lines it logged since it was started."""
        return log_tail(self._command.log, since=self._log_start) if self._command.log else "(see above)"


async def stop_orphan(pid_file: Path, signals: StopSignals) -> bool:
    """Stop what an earlier run of ours left behind; whether there was anything."""
    remembered = PidFile(pid_file)
    orphan = remembered.living()
    if orphan is not None:
        await stop_process(orphan, signals)
    remembered.remove()
    return orphan is not None


async def stop_leftovers(data_dir: Path, *, besides: Collection[str] = ("postgres",)) -> list[str]:
    """Stop every process that an earlier run in this data folder left behind; their names.

    Not the database server, which takes SIGTERM for a wish to wait until all have left: its own start deals with it.
    """
    names = sorted(path.stem for path in data_dir.glob("*.pid") if path.stem not in besides)
    stopped = await asyncio.gather(*(stop_orphan(data_dir / f"{name}.pid", POLITE) for name in names))
    return [name for name, was_there in zip(names, stopped, strict=True) if was_there]


async def stop_process(process: psutil.Process, signals: StopSignals) -> None:
    """Send each signal and give it its seconds; then SIGKILL to the process and its group."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for number, seconds in signals:
            process.send_signal(number)
            if await _gone(process, seconds):
                return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        await _gone(process, 10.0)


async def _gone(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        await asyncio.sleep(0.02)
    return False
