"""The supervisor, with real processes: order, restarts, giving up, signals, and what is left after a kill."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from onhand.embedded.errors import GaveUp, StartFailed
from onhand.embedded.postgres import EmbeddedPostgres
from onhand.embedded.process import stop_leftovers
from onhand.embedded.services import CommandService, answers, exists
from onhand.embedded.stack import Happening, RestartPolicy, Stack, StackEvent
from onhand.embedded.temporal import EmbeddedTemporal

QUICK = RestartPolicy(restarts_per_minute_max=2, delay_seconds=0.01)
SLEEP = "import time; time.sleep(60)"
DEAF = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)]; "


def command(data_dir: Path, name: str, code: str, **options: object) -> CommandService:
    return CommandService(name, [sys.executable, "-S", "-c", code], data_dir=data_dir, **options)


class Heard(list[StackEvent]):
    """A listener that keeps what it hears."""

    def __call__(self, event: StackEvent) -> None:
        self.append(event)

    def of(self, *happenings: Happening) -> list[tuple[str, str]]:
        return [(str(e.happening), e.service) for e in self if not happenings or e.happening in happenings]

    async def until(self, happening: Happening, times: int = 1) -> StackEvent:
        async with asyncio.timeout(20):
            while len(found := [e for e in self if e.happening is happening]) < times:
                await asyncio.sleep(0.02)
        return found[-1]


@pytest.fixture
def heard() -> Heard:
    return Heard()


async def test_services_start_in_order_and_stop_in_reverse(data_dir: Path, heard: Heard) -> None:
    async with Stack(heard) as stack:
        for name in ("first", "second"):
            await stack.add(command(data_dir, name, SLEEP))
        assert list(stack.pids) == ["first", "second"]
        pids = stack.pids.values()
    assert heard.of() == [
        ("starting", "first"), ("ready", "first"), ("starting", "second"), ("ready", "second"),
        ("stopping", "second"), ("stopped", "second"), ("stopping", "first"), ("stopped", "first"),
    ]  # fmt: skip
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert list(data_dir.glob("*.pid")) == []


async def test_a_service_that_dies_is_started_again(data_dir: Path, heard: Heard) -> None:
    async with Stack(heard) as stack:
        service = await stack.add(command(data_dir, "worker", SLEEP), QUICK)
        assert service.pid is not None
        os.kill(service.pid, signal.SIGKILL)
        await heard.until(Happening.RESTARTED)
        assert service.pid is not None
    assert [e.detail for e in heard if e.happening is Happening.DIED] == ["killed by SIGKILL"]


async def test_a_service_that_keeps_dying_ends_the_stack_with_its_name(data_dir: Path, heard: Heard) -> None:
    with pytest.raises(GaveUp, match="worker died 3 times within a minute"):
        async with Stack(heard) as stack:
            await stack.add(command(data_dir, "database", SLEEP))
            await stack.add(command(data_dir, "worker", "raise SystemExit(3)"), QUICK)
            await stack.until_stopped()
    assert [e.detail for e in heard if e.happening is Happening.DIED] == ["exit code 3"] * 3
    assert heard.of(Happening.STOPPED) == [("stopped", "worker"), ("stopped", "database")]


async def test_giving_up_ends_a_body_that_is_busy_elsewhere(data_dir: Path, heard: Heard) -> None:
    with pytest.raises(GaveUp):
        async with Stack(heard) as stack:
            await stack.add(command(data_dir, "worker", "raise SystemExit(3)"), QUICK)
            await asyncio.sleep(20)


async def test_a_failed_start_stops_what_was_started_and_shows_the_log(data_dir: Path, heard: Heard) -> None:
    broken = command(
        data_dir, "web", "import sys; sys.exit('no such table: shop')", ready=exists(data_dir / "x")
    )
    with pytest.raises(StartFailed, match=r"(?s)web ended with 1.*no such table: shop"):
        async with Stack(heard) as stack:
            await stack.add(command(data_dir, "database", SLEEP))
            await stack.add(broken)
    assert heard.of(Happening.READY, Happening.STOPPED) == [
        ("ready", "database"), ("stopped", "web"), ("stopped", "database"),
    ]  # fmt: skip


async def test_a_command_that_does_not_exist_is_named(data_dir: Path) -> None:
    with pytest.raises(StartFailed, match="web cannot be started as /no/such/program"):
        await CommandService("web", ["/no/such/program"], data_dir=data_dir).start()


async def test_a_service_is_ready_when_its_address_answers(data_dir: Path, heard: Heard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    serve = (
        "import time, http.server as h; time.sleep(0.3); "
        f"h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    )
    ready = answers(f"http://127.0.0.1:{port}/")
    assert await ready() is False
    async with Stack(heard) as stack:
        await stack.add(command(data_dir, "web", serve, ready=ready))
        assert await ready() is True
        assert await answers(f"http://127.0.0.1:{port}/missing")() is False
    assert (await heard.until(Happening.READY)).seconds >= 0.3


async def test_a_service_is_not_ready_when_somebody_else_answers_at_its_address(data_dir: Path) -> None:
    """Goal: a web app that found its port taken is not said to be up. Without the port it would be."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        ready = answers(f"http://127.0.0.1:{port}/")
        taken = "import time, sys; time.sleep(0.5); sys.exit('address already in use')"
        service = command(data_dir, "web", taken, ready=ready, port=port)
        with pytest.raises(StartFailed, match=r"(?s)web ended with 1.*address already in use"):
            await service.start()
        believed = command(data_dir, "web", taken, ready=ready)
        await believed.start()
        await believed.stop()


async def test_a_service_is_ready_when_it_answers_itself(data_dir: Path) -> None:
    """Goal: also where a process that it started is the one that listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serve = f"import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {serve!r}])"
    for code in (serve, starts):
        service = command(data_dir, "web", code, ready=answers(f"http://127.0.0.1:{port}/"), port=port)
        async with service:
            assert service.pid is not None


@pytest.fixture
def hangups_matter() -> Iterator[None]:
    """SIGHUP as a terminal has it; under nohup it is ignored, which a stack respects."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_stack(
    data_dir: Path, heard: Heard, number: signal.Signals, hangups_matter: None
) -> None:
    async with Stack(heard) as stack:
        await stack.add(command(data_dir, "worker", SLEEP))
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)
        await stack.until_stopped()
    assert heard.of(Happening.STOPPED) == [("stopped", "worker")]


async def test_a_signal_ends_a_start_that_takes_long(data_dir: Path, heard: Heard) -> None:
    began = time.monotonic()
    async with Stack(heard) as stack:
        asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
        await stack.add(command(data_dir, "worker", SLEEP, ready=exists(data_dir / "never")))
        pytest.fail("the body goes on after a signal")
    assert time.monotonic() - began < 10
    assert heard.of(Happening.READY) == []


async def test_a_deaf_service_is_killed_when_its_time_is_up(data_dir: Path, heard: Heard) -> None:
    deaf = command(
        data_dir, "deaf", DEAF + f"open({str(data_dir / 'up')!r}, 'w'); " + SLEEP, ready=exists(data_dir / "up"),
        stop_signals=((signal.SIGTERM, 0.3),),
    )  # fmt: skip
    async with Stack(heard) as stack:
        await stack.add(deaf)
    assert 0.3 <= (await heard.until(Happening.STOPPED)).seconds < 5


async def test_a_listener_that_fails_leaves_nothing_running(data_dir: Path) -> None:
    def broken(event: StackEvent) -> None:
        raise BrokenPipeError(event)

    async with Stack(broken) as stack:
        pids = [(await stack.add(command(data_dir, name, SLEEP))).pid for name in ("one", "two")]
    assert not any(pid is None or psutil.pid_exists(pid) for pid in pids)


async def test_a_service_that_cannot_be_stopped_does_not_keep_the_others(
    data_dir: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise PermissionError("not yours")

    async with Stack(heard) as stack:
        await stack.add(command(data_dir, "one", SLEEP))
        two = await stack.add(command(data_dir, "two", SLEEP))
        stop = two.stop
        monkeypatch.setattr(two, "stop", refuse)
    assert heard.of(Happening.STOPPED, Happening.STOP_FAILED) == [("stop failed", "two"), ("stopped", "one")]
    await stop()


async def test_the_whole_stop_has_a_deadline(data_dir: Path, heard: Heard) -> None:
    began = time.monotonic()
    async with Stack(heard, stop_seconds_max=0.3) as stack:
        for name in ("one", "two"):
            code = DEAF + f"open({str(data_dir / name)!r}, 'w'); " + SLEEP
            await stack.add(command(data_dir, name, code, ready=exists(data_dir / name)))
    assert time.monotonic() - began < 8
    assert stack.pids == {}


async def test_killed_servers_come_back_on_their_ports(data_dir: Path, heard: Heard) -> None:
    postgres = EmbeddedPostgres(data_dir, port=57_432, durable=False)
    temporal = EmbeddedTemporal(data_dir, port=57_233, ui_port=58_233, metrics_port=59_233)
    async with Stack(heard) as stack:
        await asyncio.gather(stack.add(postgres), stack.add(temporal))
        before = (postgres.dsn, temporal.address)
        for pid in stack.pids.values():
            os.kill(pid, signal.SIGKILL)
        await heard.until(Happening.RESTARTED, times=2)
        assert (postgres.dsn, temporal.address) == before
    assert heard.of(Happening.RESTART_FAILED, Happening.GAVE_UP) == []


async def test_what_a_killed_supervisor_left_is_stopped_by_the_next(data_dir: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from onhand.embedded.services import CommandService
        from onhand.embedded.stack import Stack
        async def main():
            async with Stack() as stack:
                argv = [sys.executable, "-c", {SLEEP!r}]
                await stack.add(CommandService("worker", argv, data_dir=Path({str(data_dir)!r})))
                print(stack.pids["worker"], flush=True)
                await stack.until_stopped()
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        while not (line := supervisor.stdout.readline().strip()).isdigit():
            assert supervisor.poll() is None, line
        supervisor.kill()
    worker = psutil.Process(int(line))
    assert worker.is_running()
    assert await stop_leftovers(data_dir) == ["worker"]
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert await stop_leftovers(data_dir) == []
