"""Pages fetched ahead: their order, their number, how they end; and pages that are asked for again."""

import asyncio
from contextlib import aclosing

import pytest

from onhand.channels.errors import ChannelDown, SameKeyRetry
from onhand.channels.walking import PAUSES_SECONDS, ahead, numbered, patiently
from tests.fix_channels import FakeClock


class Calls:
    """Calls that take as many turns of the loop as they are given; `cut` are those that were cancelled."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.under_way = self.most = 0
        self.cut: list[int] = []

    async def __call__(self, turns: int) -> int:
        self.begun.append(turns)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cut.append(turns)
            raise
        finally:
            self.under_way -= 1
        if turns == 13:
            raise ChannelDown("shop", "read", "no")
        return turns * 10


async def test_results_come_in_the_order_given_of_so_many_at_once() -> None:
    """Goal: a slow page does not let a quick one pass, and no more are under way than were allowed."""
    calls = Calls()
    assert [each async for each in ahead([5, 1, 3, 2, 4], calls, at_once=2)] == [50, 10, 30, 20, 40]
    assert calls.most == 2


async def test_pages_are_fetched_while_one_is_worked_through() -> None:
    """Goal: what comes next is there when it is asked for, and nothing further has begun."""
    calls = Calls()
    async with aclosing(ahead(range(1, 100), calls, at_once=3)) as pages:
        assert await anext(pages) == 10
        for _ in range(10):
            await asyncio.sleep(0)
        assert calls.begun == [1, 2, 3, 4]
        assert calls.under_way == 0


async def test_who_takes_no_more_ends_what_is_under_way() -> None:
    """Goal: no call of a walk that was given up goes on behind its back."""
    calls = Calls()
    async with aclosing(ahead([1, 50, 60], calls, at_once=3)) as pages:
        assert await anext(pages) == 10
    assert sorted(calls.cut) == [50, 60]
    assert calls.under_way == 0


async def test_a_failure_ends_the_others_and_is_told() -> None:
    """Goal: the failure itself is raised, after the results before it."""
    calls = Calls()
    found = []
    with pytest.raises(ChannelDown):
        async for each in ahead([1, 13, 60], calls, at_once=3):
            found.append(each)
    assert (found, calls.cut) == ([10], [60])


@pytest.mark.parametrize(("last_pages", "fetched"), [([1], 1), ([3], 3), ([2, 3, 5], 5), ([1_000_000], 7)])
async def test_numbered_pages_end_where_the_shop_says_so_and_never_later_than_allowed(
    last_pages: list[int], fetched: int
) -> None:
    """Goal: pages that are added meanwhile are walked, an empty one is passed over, and one that tells of a million
    does not keep us for ever."""

    async def fetch(page: int) -> tuple[list[int], int]:
        asked.append(page)
        return [] if page == 3 else [page], last_pages[min(page, len(last_pages)) - 1]

    asked: list[int] = []
    found = [rows async for rows in numbered(fetch, at_once=2, pages_max=7)]
    assert asked == list(range(1, fetched + 1))
    assert found == [[page] for page in asked if page != 3]


async def test_what_got_lost_is_asked_for_again_after_a_pause(clock: FakeClock) -> None:
    """Goal: two losses are borne, each with its pause or the longer one the shop asked for."""
    failures = [
        SameKeyRetry("shop", "read", "lost"),
        SameKeyRetry("shop", "read", "lost", retry_after_seconds=60.0),
    ]

    async def call() -> str:
        if failures:
            raise failures.pop(0)
        return "page"

    assert await patiently(call, clock.sleep) == "page"
    assert clock.slept == [PAUSES_SECONDS[0], 60.0]


@pytest.mark.parametrize(("error", "times"), [(SameKeyRetry, len(PAUSES_SECONDS) + 1), (ChannelDown, 1)])
async def test_what_is_lost_for_good_is_given_up(
    clock: FakeClock, error: type[SameKeyRetry | ChannelDown], times: int
) -> None:
    """Goal: a shop that is down is not asked again and again, and doubt is not borne for ever."""
    asked = []

    async def call() -> str:
        asked.append(1)
        raise error("shop", "read", "no")

    with pytest.raises(error):
        await patiently(call, clock.sleep)
    assert len(asked) == times
