"""Group commit: who shares a commit with whom, counted exactly, and what becomes of each when one fails."""

import asyncio
from collections.abc import Sequence

import pytest

from onhand.web.batching import GroupCommit, TooBusyError


class Disk:
    """A commit that a test lets through when it wants, and that remembers who came together."""

    def __init__(self, *, open_: bool = False) -> None:
        self.commits: list[list[int]] = []
        self.refusing: dict[int, Exception] = {}
        self._gate = asyncio.Semaphore(1_000 if open_ else 0)

    def let_through(self, commits: int = 1) -> None:
        for _ in range(commits):
            self._gate.release()

    async def commit(self, items: Sequence[int]) -> list[str]:
        self.commits.append(list(items))
        await self._gate.acquire()
        for item in items:
            if item in self.refusing:
                raise self.refusing[item]
        return [f"kept {item}" for item in items]


async def turns(count: int = 5) -> None:
    """Let everything that can run, run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_requests_during_a_commit_share_the_next() -> None:
    """Goal: one alone goes at once; seven that come meanwhile make one more commit, not seven."""
    disk = Disk()
    group = GroupCommit(disk.commit)
    first = asyncio.create_task(group.submit(0))
    await turns()
    assert disk.commits == [[0]], "nobody was waited for"
    later = [asyncio.create_task(group.submit(n)) for n in range(1, 8)]
    await turns()
    assert disk.commits == [[0]]

    disk.let_through(2)
    answers = await asyncio.gather(first, *later)

    assert disk.commits == [[0], [1, 2, 3, 4, 5, 6, 7]]
    assert answers == [f"kept {n}" for n in range(8)]


async def test_the_same_requests_one_after_another_share_nothing() -> None:
    """Goal: the negative control of the test above: without overlap each has a commit of its own."""
    disk = Disk(open_=True)
    group = GroupCommit(disk.commit)
    for n in range(8):
        await group.submit(n)
    assert disk.commits == [[n] for n in range(8)]


async def test_nobody_is_answered_before_the_commit() -> None:
    """Goal: an answer means durable."""
    disk = Disk()
    group = GroupCommit(disk.commit)
    waiting = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0.05)
    assert disk.commits == [[1]]
    assert not waiting.done()
    disk.let_through()
    assert await waiting == "kept 1"


async def test_a_group_has_a_largest_size() -> None:
    """Goal: the last of many does not wait for all before it to be written in one piece."""
    disk = Disk()
    group = GroupCommit(disk.commit, batch_max=3)
    tasks = [asyncio.create_task(group.submit(n)) for n in range(7)]
    disk.let_through(3)
    await asyncio.gather(*tasks)
    assert disk.commits == [[0, 1, 2], [3, 4, 5], [6]]


async def test_beyond_the_queue_senders_are_told_to_come_again() -> None:
    """Goal: memory is bounded; who was taken in is still answered."""
    disk = Disk()
    group = GroupCommit(disk.commit, waiting_max=2)
    first = asyncio.create_task(group.submit(0))
    await turns()
    taken = [asyncio.create_task(group.submit(n)) for n in (1, 2)]
    await turns()
    with pytest.raises(TooBusyError):
        await group.submit(3)
    disk.let_through(2)
    assert await asyncio.gather(first, *taken) == ["kept 0", "kept 1", "kept 2"]
    assert disk.commits == [[0], [1, 2]]


async def test_a_failed_commit_is_told_to_its_whole_group_and_to_nobody_else() -> None:
    """Goal: nothing is acknowledged that is not durable, and the next group is tried as if nothing had been."""
    disk = Disk()
    group = GroupCommit(disk.commit)
    disk.refusing[1] = OSError("the disk is gone")
    tasks = [asyncio.create_task(group.submit(n)) for n in (0, 1, 2)]
    disk.let_through(2)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [OSError] * 3
    assert await group.submit(3) == "kept 3"


async def test_what_is_one_items_own_fault_harms_only_that_item() -> None:
    """Goal: bulk first, then one by one: a row no database takes does not take its neighbours down."""
    disk = Disk(open_=True)
    group = GroupCommit(disk.commit, isolated=(ValueError,))
    disk.refusing[1] = ValueError("no text")
    answers = await asyncio.gather(*(group.submit(n) for n in range(3)), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["kept 0", "no text", "kept 2"]
    assert disk.commits == [[0, 1, 2], [0], [1], [2]]


async def test_a_commit_that_takes_too_long_is_given_up() -> None:
    """Goal: a sender hears of trouble before its own patience ends."""
    disk = Disk()
    group = GroupCommit(disk.commit, seconds_max=0.05)
    with pytest.raises(TimeoutError):
        await group.submit(1)


async def test_a_sender_that_went_away_holds_nobody_up() -> None:
    """Goal: a cancelled request is committed with its group, and the others hear of theirs."""
    disk = Disk()
    group = GroupCommit(disk.commit)
    gone, stays = (asyncio.create_task(group.submit(n)) for n in (0, 1))
    await turns()
    gone.cancel()
    disk.let_through()
    assert await stays == "kept 1"
    assert disk.commits == [[0, 1]]


async def test_drained_waits_for_what_was_taken_in() -> None:
    """Goal: an app that ends has first committed what it took."""
    disk = Disk()
    group = GroupCommit(disk.commit)
    task = asyncio.create_task(group.submit(1))
    await turns()
    draining = asyncio.create_task(group.drained())
    await turns()
    assert not draining.done()
    disk.let_through()
    await draining
    assert await task == "kept 1"
