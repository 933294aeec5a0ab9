"""The supervisor: starts services in order, starts again what dies, and stops all of them in reverse order.

    async with Stack() as stack:
        postgres = await stack.add(EmbeddedPostgres(data_dir))
        temporal = await stack.add(EmbeddedTemporal(data_dir))
        await stack.add(CommandService("worker", [...], data_dir=data_dir, env={..., "DATABASE_URL": postgres.dsn}))
        await stack.until_stopped()

The body ends on SIGINT, SIGTERM or SIGHUP wherever it is, even in the middle of a start; a second signal kills at once.
"""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import psutil

from onhand.embedded.errors import EmbeddedError, GaveUp
from onhand.embedded.events import Happening, RestartPolicy, StackEvent, log_event
from onhand.embedded.services import Service

__all__ = ["Happening", "RestartPolicy", "Stack", "StackEvent", "log_event"]

STOP_SECONDS_MAX = 45.0

AnyService = TypeVar("AnyService", bound=Service)


class Stack:
    """The services that run together, watched."""

    def __init__(
        self,
        on_event: Callable[[StackEvent], None] = log_event,
        *,
        stop_seconds_max: float = STOP_SECONDS_MAX,
        handle_signals: bool = True,
    ) -> None:
        self._on_event = on_event
        self._stop_seconds_max = stop_seconds_max
        # The terminal being closed ends the stack too, unless nohup wants otherwise.
        hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        self._signals = (signal.SIGINT, signal.SIGTERM, *hang_up) if handle_signals else ()
        self._services: list[Service] = []
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()
        self._failure: EmbeddedError | None = None
        self._owner: asyncio.Task[object] | None = None
        self._waiting = False
        self._cancelled_owner = False

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by the name of their service."""
        return {service.name: service.pid for service in self._services if service.pid is not None}

    async def add(
        self,
        service: AnyService,
        restart: RestartPolicy | None = None,
        *,
        ready_detail: Callable[[], str] = str,
    ) -> AnyService:
        """Start a service, wait until it is ready, and keep it up from then on. Several may be added at once."""
        began = time.monotonic()
        self._say(StackEvent(Happening.STARTING, service.name))
        self._services.append(service)
        await service.start()
        self._say(StackEvent(Happening.READY, service.name, seconds=time.monotonic() - began))
        self._watchers[service.name] = asyncio.create_task(self._watch(service, restart or RestartPolicy()))
        return service

    async def until_stopped(self) -> None:
        """Wait for a signal or `stop()`. Raises GaveUp when a service can no longer be kept up."""
        self._waiting = True
        try:
            await self._ended.wait()
        finally:
            self._waiting = False
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the body of the `async with`, as a signal does; services are stopped as it ends."""
        if self._ended.is_set():
            return
        self._ended.set()
        if not self._waiting and self._owner is not None:
            self._cancelled_owner = True
            self._owner.cancel()

    async def __aenter__(self) -> Self:
        self._owner = asyncio.current_task()
        for number in self._signals:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        ours = self._cancelled_owner and self._owner is not None and self._owner.uncancel() == 0
        self._ended.set()
        try:
            await self._stop_all()
        finally:
            for number in self._signals:
                asyncio.get_running_loop().remove_signal_handler(number)
        if not (ours and kind is asyncio.CancelledError):
            return False
        if self._failure is not None:
            raise self._failure
        # A signal during a start ends the body by cancellation: that is a wanted end, not an error.
        return True

    def _say(self, event: StackEvent) -> None:
        # A listener that fails (a terminal or pipe that is gone) must not keep a service from being kept up or stopped.
        with contextlib.suppress(Exception):
            self._on_event(event)

    def _on_signal(self) -> None:
        if self._ended.is_set():
            self._kill_all()
        self.stop()

    async def _watch(self, service: Service, policy: RestartPolicy) -> None:
        restarts: deque[float] = deque()
        while not self._ended.is_set():
            code = await service.wait()
            if self._ended.is_set():
                return
            self._say(StackEvent(Happening.DIED, service.name, _explain(code)))
            if not await self._start_again(service, policy, restarts):
                self._give_up(service, policy)
                return

    async def _start_again(self, service: Service, policy: RestartPolicy, restarts: deque[float]) -> bool:
        """Try until it is up; False once a minute has seen as many tries as the policy allows."""
        died = time.monotonic()
        while True:
            while restarts and restarts[0] < time.monotonic() - 60:
                restarts.popleft()
            if len(restarts) >= policy.restarts_per_minute_max:
                return False
            await asyncio.sleep(policy.delay(len(restarts)))
            restarts.append(time.monotonic())
            try:
                await service.start()
            except Exception as error:  # whatever it was, the policy counts it
                self._say(StackEvent(Happening.RESTART_FAILED, service.name, str(error)))
            else:
                self._say(StackEvent(Happening.RESTARTED, service.name, seconds=time.monotonic() - died))
                return True

    def _give_up(self, service: Service, policy: RestartPolicy) -> None:
        times = policy.restarts_per_minute_max
        self._say(StackEvent(Happening.GAVE_UP, service.name, f"started again {times} times within a minute"))
        self._failure = GaveUp(
            f"{service.name} died {times + 1} times within a minute and is not started again; see its log"
        )
        self.stop()

    async def _stop_all(self) -> None:
        watchers = list(self._watchers.values())
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        try:
            async with asyncio.timeout(self._stop_seconds_max):
                for service in reversed(self._services):
                    await self._stop_one(service)
        except TimeoutError:
            self._kill_all()
            for service in reversed(self._services):
                await service.stop()

    async def _stop_one(self, service: Service) -> None:
        began = time.monotonic()
        self._say(StackEvent(Happening.STOPPING, service.name))
        try:
            await service.stop()
        except Exception as error:  # the others are to be stopped all the same
            self._say(StackEvent(Happening.STOP_FAILED, service.name, str(error)))
        else:
            self._say(StackEvent(Happening.STOPPED, service.name, seconds=time.monotonic() - began))

    def _kill_all(self) -> None:
        for pid in self.pids.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()


def _explain(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
