"""Pacing by a bucket of points that the channel itself reports: never more than it has, never slower than it lets."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from onhand.channels.base import Meter

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

HEADROOM_POINTS = 1.0
"""Kept back from every belief: the channel reports whole points, and its clock is not ours."""

TOLERANCE_POINTS = 0.01
"""Short by less than this is not short: a clock cannot show that little time."""


@dataclass(frozen=True, slots=True)
class BucketState:
    """The channel's own account of its bucket in one answer: points, and points restored per second."""

    maximum: float
    available: float
    per_second: float


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody in line; `turn` is set when nobody is before them any more."""

    turn: asyncio.Event = field(default_factory=asyncio.Event)


class CostBucket:
    """What we believe a channel's bucket holds, requests in flight already taken off.

    A request reserves its cost before it is sent, waiting in line exactly as long as the bucket needs, and
    settles with the answer. Urgent requests (sales) have a line of their own that goes first; within each line it
    is first come, first served. Between answers the belief grows by the restore rate; each answer corrects it:
    the channel cannot have less than it reported minus what is still in flight, and another app's calls show as
    less than we believed.

    `clock` is monotonic seconds. The time spent waiting is counted in `meter.waited_seconds`.
    """

    def __init__(
        self,
        meter: Meter,
        start: BucketState,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._sleep = sleep
        self._state = start
        self._believed = start.available
        self._at = clock()
        self._in_flight = 0.0
        self._urgent: deque[_Waiting] = deque()
        self._calm: deque[_Waiting] = deque()

    def believed(self) -> float:
        """The points we believe are there now."""
        now = self._clock()
        grown = self._believed + (now - self._at) * self._state.per_second
        self._believed, self._at = min(self._state.maximum, grown), now
        return self._believed

    async def reserve(self, points: float, *, urgent: bool = False) -> None:
        """Take the points, waiting in line until they are there; more than it ever holds waits for a full bucket."""
        me, line = _Waiting(), self._urgent if urgent else self._calm
        line.append(me)
        try:
            await self._first_with(me, points)
            self._believed -= points
            self._in_flight += points
        finally:
            line.remove(me)
            if (first := self._first()) is not None:
                first.turn.set()

    async def _first_with(self, me: _Waiting, points: float) -> None:
        """Wait until nobody goes before and the points are there. Who is overtaken in sleep waits for a new turn."""
        while True:
            if self._first() is not me:
                me.turn.clear()
                await me.turn.wait()
            elif (short := self._needed(points) - self.believed()) > TOLERANCE_POINTS:
                seconds = short / self._state.per_second
                self._meter.waited_seconds += seconds
                await self._sleep(seconds)
            else:
                return

    def _first(self) -> _Waiting | None:
        """Who goes next: an urgent one, if there is any."""
        line = self._urgent or self._calm
        return line[0] if line else None

    def settle(self, reserved: float, spent: float | None, state: BucketState | None) -> None:
        """Correct the belief by an answer; `spent` is what it really cost, `state` None when it did not say."""
        self._in_flight -= reserved
        if spent is not None:
            self._believed += reserved - spent
        if state is None:
            return
        believed = self.believed()
        self._state = state
        self._believed = min(max(believed, state.available - self._in_flight), state.available, state.maximum)

    def refused(self, reserved: float, state: BucketState | None) -> None:
        """The channel did not run the request for want of points: nothing was spent, and it has what it says."""
        self._in_flight -= reserved
        self.believed()
        if state is None:
            self._believed = 0.0
        else:
            self._state = state
            self._believed = max(0.0, state.available - self._in_flight)

    def _needed(self, points: float) -> float:
        return min(points + HEADROOM_POINTS, self._state.maximum)
