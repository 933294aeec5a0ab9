"""Several calls at once: their order, their number, and how they end when one fails."""

import asyncio

import pytest

from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad, SameKeyRetry
from onhand.channels.together import each


class Calls:
    """Calls that take as many turns of the loop as they are given, and what became of each."""

    def __init__(self, failures: dict[int, Exception] | None = None) -> None:
        self.failures = failures or {}
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.most = 0

    async def __call__(self, turns: int) -> int:
        self.begun.append(turns)
        self.most = max(self.most, len(self.begun) - len(self.ended))
        for _ in range(turns):
            await asyncio.sleep(0)
        self.ended.append(turns)
        if turns in self.failures:
            raise self.failures[turns]
        return turns * 10


def down(error: type[ChannelError] = ChannelDown) -> ChannelError:
    """The shop fails."""
    return error("shop", "read", "no")


async def test_results_come_in_the_order_given_of_so_many_at_once() -> None:
    calls = Calls()
    assert await each([5, 1, 3, 2, 4], calls, at_once=2) == [50, 10, 30, 20, 40]
    assert calls.ended != [5, 1, 3, 2, 4]
    assert calls.most == 2
    assert await each([], calls, at_once=2) == []


async def test_after_a_failure_none_begins_and_none_is_cut_off() -> None:
    """Goal: a level that is under way when its neighbour fails is not overtaken by what is sent next."""
    calls = Calls({1: down()})
    with pytest.raises(ChannelDown):
        await each([9, 1, 2, 3], calls, at_once=2)
    assert calls.begun == [9, 1]
    assert calls.ended == [1, 9]


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([down(SameKeyRetry), down()], ChannelDown),
        ([down(), down(CredentialsBad)], CredentialsBad),
        ([down(CredentialsBad), KeyError("a bug")], KeyError),
        ([down(), down(SameKeyRetry)], ChannelDown),
    ],
)
async def test_the_gravest_failure_is_told(failures: list[Exception], told: type[Exception]) -> None:
    with pytest.raises(told):
        await each([1, 2], Calls(dict(enumerate(failures, start=1))), at_once=2)


async def test_who_cancels_it_cancels_the_calls() -> None:
    calls = Calls()
    task = asyncio.create_task(each([1_000, 1_001], calls, at_once=2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (calls.begun, calls.ended) == ([1_000, 1_001], [])
