"""Walks over a whole account: pages fetched ahead but given in order, and tried again where one did not arrive."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from itertools import islice
from typing import TypeVar

from onhand.channels.errors import SameKeyRetry

PAUSES_SECONDS = (1.0, 5.0)
"""Before a page is asked for again; a walk of thousands of pages need not begin anew because one got lost."""

Given = TypeVar("Given")
Result = TypeVar("Result")


async def ahead(
    given: Iterable[Given], call: Callable[[Given], Awaitable[Result]], *, at_once: int
) -> AsyncGenerator[Result, None]:
    """The results in the order given, at most `at_once` of them under way or waiting to be taken.

    The calls go on while whoever takes the results works on one. What is under way is cancelled when one fails, or
    when nobody takes any more: for reads only.
    """
    assert at_once >= 1, "at least one call is under way at a time"
    waiting = iter(given)
    tasks: deque[asyncio.Task[Result]] = deque()

    async def run(one: Given) -> Result:
        return await call(one)

    def begin() -> None:
        tasks.extend(asyncio.create_task(run(one)) for one in islice(waiting, 1))

    try:
        for _ in range(at_once):
            begin()
        while tasks:
            result = await tasks[0]
            tasks.popleft()
            begin()
            yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def numbered(
    fetch: Callable[[int], Awaitable[tuple[list[Given], int]]], *, at_once: int, pages_max: int
) -> AsyncGenerator[list[Given], None]:
    """The rows of each numbered page that has any, in order, from 1 to the last there is: no further than `pages_max`.

    `fetch` answers a page's rows, and the last page by what its answer says, which may grow as the walk goes on.
    """
    first = last = 1
    while first <= last:
        async with aclosing(ahead(range(first, last + 1), fetch, at_once=at_once)) as found:
            async for rows, more in found:
                first, last = first + 1, min(max(last, more), pages_max)
                if rows:
                    yield rows


async def patiently(
    call: Callable[[], Awaitable[Result]], sleep: Callable[[float], Awaitable[None]]
) -> Result:
    """The result of a read that is tried again where nobody knows what became of it; the last failure is raised."""
    for pause in PAUSES_SECONDS:
        try:
            return await call()
        except SameKeyRetry as error:
            await sleep(max(pause, error.retry_after_seconds or 0.0))
    return await call()
