"""A line of callers that go one at a time: urgent ones before all others, otherwise who waits longest goes first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """For one event loop, so no locks. A caller that is cancelled while it waits leaves the line."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @property
    def urgent_waits(self) -> bool:
        """Whether an urgent caller is waiting for its turn."""
        return bool(self._urgent)

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False, first: bool = False) -> AsyncIterator[None]:
        """Wait for the turn and keep it for the block. `first`: before all that wait and are as urgent."""
        await self._take(self._urgent if urgent else self._others, first=first)
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, waiting: deque[asyncio.Future[None]], *, first: bool) -> None:
        if not self._taken:
            self._taken = True
            return
        called = asyncio.get_running_loop().create_future()
        (waiting.appendleft if first else waiting.append)(called)
        try:
            await called
        except asyncio.CancelledError:
            if called in waiting:
                waiting.remove(called)
            else:  # called just before it gave up: the turn was already its own
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Call whoever is next; the turn stays taken meanwhile, so that nobody slips in between."""
        for waiting in (self._urgent, self._others):
            while waiting:
                called = waiting.popleft()
                if not called.done():
                    called.set_result(None)
                    return
        self._taken = False
