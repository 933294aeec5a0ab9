"""Group commit: what arrives while one commit is under way shares the next.

Nothing waits for company: when idle, one item goes at once and alone; when busy, everything that came in the
meantime goes together. The cost of an item falls as load rises.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

BATCH_ITEMS_MAX = 500
"""Most items of one commit: it bounds how long the last of them waits for the first."""
WAITING_ITEMS_MAX = 5_000
"""Most items that may wait for a commit; beyond it the sender is told to come again."""
COMMIT_SECONDS_MAX = 2.0
"""Longest wait for one commit; two of them stay below what the least patient platform waits for an answer (5 s)."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class TooBusyError(Exception):
    """More is waiting to be committed than may wait; the sender should come again."""


@dataclass(slots=True)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class GroupCommit(Generic[Item, Answer]):
    """Commits items in groups, one group at a time. For one event loop.

    `commit` makes a whole group durable, or raises and has made nothing of it durable; it answers for each item in
    order. An error of a kind in `isolated` is one item's own fault: then each item of the group is committed by
    itself, so that it harms nobody but its sender. Every other error is the answer to the whole group.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        isolated: tuple[type[Exception], ...] = (),
        batch_max: int = BATCH_ITEMS_MAX,
        waiting_max: int = WAITING_ITEMS_MAX,
        seconds_max: float = COMMIT_SECONDS_MAX,
    ) -> None:
        self._commit = commit
        self._isolated = isolated
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._seconds_max = seconds_max
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Answer:
        """The answer for this item once it is durable.

        Raises TooBusyError, TimeoutError where the commit took too long (it may still have happened), and whatever
        `commit` raised.
        """
        if len(self._waiting) >= self._waiting_max:
            raise TooBusyError(f"{len(self._waiting)} deliveries wait to be written down")
        waiting = _Waiting[Item, Answer](item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await waiting.answer

    async def drained(self) -> None:
        """Return when nothing waits any more: what was taken in is committed before the app ends."""
        while self._working is not None:
            await asyncio.wait([self._working])

    async def _work(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._batch_max)
                await self._settle([self._waiting.popleft() for _ in range(count)])
        finally:
            self._working = None

    async def _settle(self, group: list[_Waiting[Item, Answer]]) -> None:
        try:
            async with asyncio.timeout(self._seconds_max):
                answers = await self._commit([each.item for each in group])
        except self._isolated as error:
            if len(group) == 1:
                _fail(group, error)
                return
            for each in group:
                await self._settle([each])
        except asyncio.CancelledError:
            _fail([*group, *self._waiting], TooBusyError("the app is ending"))
            self._waiting.clear()
            raise
        except Exception as error:
            # Whoever waits has to hear of it, whatever it was: nothing of the group is durable.
            _fail(group, error)
        else:
            for each, answer in zip(group, answers, strict=True):
                if not each.answer.done():  # its sender may have gone
                    each.answer.set_result(answer)


def _fail(group: Sequence[_Waiting[Item, Answer]], error: Exception) -> None:
    for each in group:
        if not each.answer.done():
            each.answer.set_exception(error)
