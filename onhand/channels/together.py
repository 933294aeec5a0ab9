"""Several calls to one shop at once, ended in order: none begins after a failure, and the gravest is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad

Given = TypeVar("Given")
Result = TypeVar("Result")


async def each(
    given: Sequence[Given], call: Callable[[Given], Awaitable[Result]], *, at_once: int
) -> list[Result]:
    """The results in the order given, of `at_once` calls under way at a time.

    What is under way when one fails is waited for, not cut off: the shop goes on with it all the same, and its
    late effect must not overtake what is sent next. Who cancels this cancels the calls.
    """
    assert at_once >= 1, "at least one call is under way at a time"
    results: dict[int, Result] = {}
    failures: list[Exception] = []
    waiting = iter(enumerate(given))

    async def work() -> None:
        for at, one in waiting:
            try:
                results[at] = await call(one)
            except Exception as error:
                failures.append(error)
            if failures:
                return

    await asyncio.gather(*(work() for _ in range(min(at_once, len(given)))))
    if failures:
        raise max(failures, key=_gravity)
    return [results[at] for at in range(len(given))]


def _gravity(failure: Exception) -> int:
    """A failure of ours outranks a bad key, which outranks a shop that is down, which outranks doubt."""
    if not isinstance(failure, ChannelError):
        return 3
    return 2 if isinstance(failure, CredentialsBad) else int(isinstance(failure, ChannelDown))
