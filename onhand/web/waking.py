"""Waking: after a commit, the workflows of the channels it found asleep are signalled, in the background.

A signal is a wake-up, never the record: one that Temporal did not take is counted (/healthz, /api/webhooks), the first
of several in a row is logged, and a periodic sweep wakes the channel later. So no answer of the app waits for Temporal.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

import structlog
from temporalio.client import Client

log = structlog.get_logger(__name__)

SIGNAL_SECONDS_MAX = 10.0
"""With connecting to Temporal, where that was not done before."""

Signal = Callable[[Client, Iterable[str]], Awaitable[bool]]
"""Signals the workflow of each channel, starting it where it does not run; False where one did not take it."""


class Waker:
    """Wakes one kind of workflow, one signal at a time for each channel."""

    def __init__(self, what: str, client: Callable[[], Awaitable[Client]], signal: Signal) -> None:
        self._what = what
        self._client = client
        self._signal = signal
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self.lost: Counter[str] = Counter()
        """Wake-ups by channel that did not reach Temporal since the app started."""
        self._unheard = 0

    def wake(self, channels: Iterable[str]) -> None:
        """Signal these channels soon; returns at once. One asked for while its signal goes out gets one more."""
        for channel in channels:
            if channel in self._tasks:
                self._again.add(channel)
            else:
                self._tasks[channel] = asyncio.create_task(self._wake(channel))

    async def settled(self) -> None:
        """Return when no signal is on its way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _wake(self, channel: str) -> None:
        try:
            await self._send(channel)
            while channel in self._again:
                self._again.discard(channel)
                await self._send(channel)
        finally:
            del self._tasks[channel]

    async def _send(self, channel: str) -> None:
        try:
            async with asyncio.timeout(SIGNAL_SECONDS_MAX):
                taken = await self._signal(await self._client(), [channel])
            problem = "it was not taken"
        except Exception as error:
            # Whatever it was: what is to be done is written down, and the sweep wakes the channel.
            taken, problem = False, type(error).__name__
        if not taken:
            self._lose(channel, problem)
        elif self._unheard:
            log.info("wake-ups reach Temporal again", workflow=self._what, lost=self._unheard)
            self._unheard = 0

    def _lose(self, channel: str, problem: str) -> None:
        self.lost[channel] += 1
        self._unheard += 1
        if self._unheard == 1:  # the first says it all until one is taken again
            log.warning(
                "wake-ups do not reach Temporal; the periodic sweep makes up for them",
                channel=channel,
                workflow=self._what,
                problem=problem,
            )
