"""The publisher's turns: whatever changed is on the channel at once, in bulk when much has, paced by the channel."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from onhand.background import Background, Wake
from onhand.channels.base import Channel
from onhand.channels.errors import ChannelError
from onhand.domain.listings import RuleBook
from onhand.draining import Bell, Took, drain
from onhand.ledger import inbox, levels, work
from onhand.ledger.database import Pool
from onhand.publish.breaker import Breaker
from onhand.publish.bring import bring
from onhand.publish.work import Errand, Work

FAILED_SKUS_MAX = 500
"""Of one turn; a turn ends when so many failed, so that its result stays small."""


@dataclass(slots=True)
class Told:
    """What one turn did. `failed_skus`: why each was refused."""

    asleep: bool = False
    changed: int = 0
    unchanged: int = 0
    failed_skus: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    paused: bool = False
    note: str = ""


class Publisher:
    """Tells one channel what has changed. One instance for each channel and process, for its breaker's sake."""

    def __init__(
        self, pool: Pool, channel: Channel, rules: RuleBook, wake: Wake, bell: Bell, linger_seconds: float
    ) -> None:
        self._wake = wake
        self._bell = bell
        self._linger_seconds = linger_seconds
        self._worked_at = -math.inf
        self._pool = pool
        self._channel = channel
        self._rules = rules
        self.breaker = Breaker()

    async def turn(self) -> Told:
        """Tell what is pending, for a little while; nothing left: go to sleep. Never raises for the channel's sake."""
        told = Told()
        if await self._held_up(told):
            return told
        async with Background() as background:
            drained = await drain(
                lambda: self._step(told, background),
                lambda: inbox.sleep_publish(self._pool, self._channel.name),
                self._bell,
                worked_at=self._worked_at,
                linger_seconds=self._linger_seconds,
                stop=lambda: bool(told.wait_seconds) or len(told.failed_skus) >= FAILED_SKUS_MAX,
            )
        told.asleep, self._worked_at = drained.asleep, drained.worked_at
        return told

    async def _held_up(self, told: Told) -> bool:
        """Whether an operator paused it, or the breaker is open and no probe is due."""
        state = (await work.holds(self._pool, [self._channel.name]))[self._channel.name]
        if state.paused_at is not None:
            told.paused, told.note = True, state.pause_note
        elif state.trouble and self.breaker.is_open and state.retry_at is not None:
            told.wait_seconds = max(0.0, (state.retry_at - datetime.now(UTC)).total_seconds())
        elif state.trouble:
            self.breaker.take_over(state.trouble)
        return told.paused or told.wait_seconds > 0

    async def _step(self, told: Told, background: Background) -> Took:
        """Everything that is pending, at most as much as the channel takes in calls at once; a probe is one call."""
        can = self._channel.capabilities
        calls = 1 if self.breaker.failures else can.concurrency
        limit = can.bulk_size * calls
        listings = await levels.pending_live(self._pool, self._channel.name, limit)
        if not listings:
            return Took.NOTHING
        parts = [listings[start : start + can.bulk_size] for start in range(0, len(listings), can.bulk_size)]
        answers = await asyncio.gather(
            *(self._part(part, told, background) for part in parts), return_exceptions=True
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, ChannelError):
                raise failure
        if failures:
            await self._trouble(failures[0], told)
        elif self.breaker.succeeded():
            await work.clear_trouble(self._pool, self._channel.name)
        return Took.PART if len(listings) == limit else Took.ALL

    async def _part(self, listings: Sequence[int], told: Told, background: Background) -> None:
        """One errand; a SKU that fails alone leaves the chunk."""
        woken: set[str] = set()
        try:
            done = await bring(self._pool, self._channel, self._rules, listings, Errand(live=True), woken)
        finally:  # a channel that failed halfway may have told of sales before
            if woken:
                background.start(self._wake(woken))
        outcomes = list(done.outcomes.values())
        told.changed += outcomes.count("changed")
        told.unchanged += outcomes.count("unchanged")
        await self._leave_out(done, told)

    async def _leave_out(self, done: Work, told: Told) -> None:
        if not done.failures:
            return
        await levels.isolate(self._pool, sorted({listing for listing, _ in done.failures}))
        for spot, failure in done.failures.items():
            told.failed_skus[done.targets[spot].state.sku] = failure.message

    async def _trouble(self, error: BaseException, told: Told) -> None:
        assert isinstance(error, ChannelError), "only the channel's own failures are its trouble"
        told.wait_seconds = self.breaker.failed(error)
        if self.breaker.is_open:
            await work.note_trouble(self._pool, self._channel.name, self.breaker.trouble, told.wait_seconds)
