"""Several calls to one shop at once, ended in order: all of them finish, and the gravest failure is told."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad

Result = TypeVar("Result")


async def together(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in the order given; none is cut off half way, because a shop would go on with it all the same."""
    coroutines = list(calls)
    if len(coroutines) == 1:
        return [await coroutines[0]]
    done = await asyncio.gather(*coroutines, return_exceptions=True)
    failures = [one for one in done if isinstance(one, BaseException)]
    if failures:
        raise max(failures, key=_gravity)
    return [one for one in done if not isinstance(one, BaseException)]


def _gravity(failure: BaseException) -> int:
    """A failure of ours outranks a bad key, which outranks a shop that is down, which outranks doubt."""
    if not isinstance(failure, ChannelError):
        return 3
    return 2 if isinstance(failure, CredentialsBad) else int(isinstance(failure, ChannelDown))
