"""How much one shop bears at once, learned from its answers: calls in flight, and rows in one call.

For platforms that state no limits because every shop is somebody's own server (WooCommerce). Additive
increase, multiplicative decrease: a shop that answers well gets a little more, one that struggles gets half.
Single event loop, so no locks.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from onhand.channels.base import Meter

SLOW_SECONDS = 10.0
"""An answer that takes longer than this is too slow: hosts cut PHP off at 30 to 60 seconds."""
SAMPLES = 20
"""Answers the 95th percentile of the latency is taken over: it is then the second slowest."""


class Gate:
    """Lets at most `limit` calls in at once, and nobody while the shop asked for silence.

    `limit` starts at 1, grows by one after as many good answers as it lets in, up to `limit_max`, and is
    halved by `struggled` or by a 95th percentile of the latency above SLOW_SECONDS. A free place goes to whoever is
    urgent (sales) before all others, however long these wait. `clock` is any seconds that only grow.
    `meter.waited_seconds` counts the silences; where they overlap, once.
    """

    def __init__(
        self,
        limit_max: int,
        meter: Meter,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        assert limit_max >= 1, "a gate lets at least one call in"
        self.limit = 1
        self.limit_max = limit_max
        self._meter = meter
        self._clock = clock
        self._sleep = sleep
        self._in_flight = 0
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._silent_until = clock()
        self._lowered_at = self._silent_until - 1.0
        self._good = 0
        self._latencies: deque[float] = deque(maxlen=SAMPLES)

    @asynccontextmanager
    async def place(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a place, the urgent first and else in the order they came, then for the end of a silence."""
        await self._take_place(self._urgent if urgent else self._waiting)
        try:
            while (left := self._silent_until - self._clock()) > 0:
                await self._sleep(left)
            yield
        finally:
            self._leave()

    def answered(self, seconds: float) -> None:
        """A good answer came after so many seconds."""
        self._latencies.append(seconds)
        if len(self._latencies) == SAMPLES and sorted(self._latencies)[-2] > SLOW_SECONDS:
            self._lower()
            return
        if seconds > SLOW_SECONDS:
            self._good = 0
            return
        self._good += 1
        if self._good >= self.limit and self.limit < self.limit_max:
            self.limit += 1
            self._good = 0
            self._wake()

    def struggled(self, started_at: float) -> None:
        """A call sent at `started_at` met a struggling shop (429, 5xx, time-out).

        Calls that were under way together tell of one and the same trouble: the limit is halved once for them.
        """
        if started_at > self._lowered_at:
            self._lower()

    def silence(self, seconds: float) -> None:
        """Let nobody in for so long."""
        now = self._clock()
        until = max(self._silent_until, now + seconds)
        self._meter.waited_seconds += until - max(self._silent_until, now)
        self._silent_until = until

    def _lower(self) -> None:
        self.limit = max(1, self.limit // 2)
        self._good = 0
        self._latencies.clear()
        self._lowered_at = self._clock()

    async def _take_place(self, line: deque[asyncio.Future[None]]) -> None:
        if self._in_flight < self.limit and not self._urgent and not self._waiting:
            self._in_flight += 1
            return
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in line:
                line.remove(turn)
            else:  # called just before it gave up: the place was already counted
                self._leave()
            raise

    def _leave(self) -> None:
        self._in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        """Hand free places to those who wait; a place is counted when it is handed out, so nobody slips in between."""
        while (line := self._urgent or self._waiting) and self._in_flight < self.limit:
            turn = line.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)


class BatchSize:
    """Rows one call may carry: doubled while a full call is quick, halved when it is slow, refused or lost.

    Starts small (a batch runs row by row within one PHP request, and a host that cuts it off leaves a
    prefix applied) and never passes `rows_max` or what the shop once refused as too large.
    """

    def __init__(self, start: int, rows_max: int) -> None:
        assert 1 <= start <= rows_max, "a batch holds from one row to the platform's maximum"
        self.rows = start
        self.rows_max = rows_max

    def answered(self, rows: int, seconds: float) -> None:
        """A call with so many rows was answered well after so many seconds."""
        if seconds > SLOW_SECONDS:
            self.halve(rows)
        elif rows >= self.rows and 2 * seconds <= SLOW_SECONDS:
            self.rows = min(2 * self.rows, self.rows_max)

    def halve(self, rows: int) -> None:
        """A call with so many rows was too much; the next may try again to grow."""
        self.rows = max(1, min(self.rows, rows // 2))

    def refuse(self, rows: int) -> None:
        """The shop does not take so many rows in one call: never send as many again."""
        self.rows_max = max(1, min(self.rows_max, rows // 2))
        self.rows = min(self.rows, self.rows_max)
