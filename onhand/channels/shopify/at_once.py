"""Calls that can be cut off without harm, several at once: the first failure ends the others."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def all_of(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in the order given; raises the first failure, when every other call has ended."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
