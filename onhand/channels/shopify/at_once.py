"""Calls that can be cut off without harm, several at once: the first failure ends the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")

AT_ONCE_MAX = 4
"""Calls of one kind under way at the same time; the shop's budget usually allows fewer."""


async def each(given: Sequence[Given], call: Callable[[Given], Awaitable[Result]]) -> list[Result]:
    """The results in the order given; raises the first failure, after which no further call begins."""
    results: dict[int, Result] = {}
    left = iter(enumerate(given))

    async def work() -> None:
        for at, one in left:
            results[at] = await call(one)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE_MAX, len(given))):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [results[at] for at in range(len(given))]
