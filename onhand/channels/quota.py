"""Pacing within a quota that an account shares with other apps, from what each answer says of it.

The platform grants so many requests per window to all apps of a store together. Onhand leaves a share
of them (`reserved_share`) to the others: it goes at full speed while more than that and a margin is
left, then spreads what it may still use over the rest of the window, and at the reserve waits for the
next window. An account that tells no quota is not slowed down.

Urgent calls (sales) are not spread: they go at once while anything may be used, and otherwise before all
that wait.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from onhand.channels.line import Line

SLOW_MARGIN = 0.05
"""How far above the reserve (as a share of the quota) the slowing down begins."""


class SharedQuota:
    """One store's window. `clock` is seconds that only grow; `sleep` waits that many. For one event loop."""

    def __init__(
        self,
        *,
        reserved_share: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        assert 0 <= reserved_share < 1, reserved_share
        self.reserved_share = reserved_share
        self._clock = clock
        self._sleep = sleep
        self._line = Line()
        self._turn_came = False
        self._quota = 0
        self._left = 0
        self._under_way = 0
        self._resets_at = clock()
        self._next_at = self._resets_at
        self._blocked_until = self._resets_at

    async def enter(self, *, urgent: bool = False) -> float:
        """Wait for the turn of one call, which is under way until `leave`; answers the seconds waited."""
        began = self._clock()
        if urgent and self._blocked_until <= began and self._gap(urgent=True) <= 0:
            self._under_way += 1
            return 0.0
        waited_before = False
        while True:
            async with self._line.turn(urgent=urgent, first=waited_before):
                await self._wait(urgent=urgent)
                if urgent or not self._line.urgent_waits:
                    self._under_way += 1
                    return self._clock() - began
                self._turn_came = waited_before = True  # it is left to the urgent call that came meanwhile

    def leave(self) -> None:
        """The call is over, however it ended."""
        self._under_way -= 1

    def learn(self, quota: int, left: int, reset_seconds: float) -> None:
        """What an answer says: `left` of `quota` requests, for the next `reset_seconds`."""
        now = self._clock()
        self._quota = quota
        self._left = max(0, left)
        self._resets_at = now + max(0.0, reset_seconds)
        self._next_at = max(self._next_at, now)

    def block(self, seconds: float) -> None:
        """No call of this store before so many seconds have passed (it was told to stay away)."""
        self._blocked_until = max(self._blocked_until, self._clock() + seconds)

    async def _wait(self, *, urgent: bool) -> None:
        while (blocked := self._blocked_until - self._clock()) > 0:
            await self._sleep(blocked)
        if self._turn_came:
            self._turn_came = False
        elif (gap := self._gap(urgent=urgent)) > 0:
            await self._sleep(gap)

    def _gap(self, *, urgent: bool) -> float:
        now = self._clock()
        # Answers of calls under way will lower what is left: they are counted as gone already.
        left = self._left - self._under_way
        if now >= self._resets_at or left >= (self.reserved_share + SLOW_MARGIN) * self._quota:
            return 0.0
        usable = left - self.reserved_share * self._quota
        if urgent and usable >= 1:
            return 0.0
        rest = self._resets_at - now
        spread = rest / (usable + 1) if usable >= 1 else rest
        # Each turn comes after the one before, none later than the next window.
        self._next_at = min(max(self._next_at, now) + spread, self._resets_at)
        return self._next_at - now
