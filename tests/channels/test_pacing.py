"""The cost bucket: never sends what the channel would refuse, never waits longer than the channel's limit makes it."""

import asyncio

import pytest

from onhand.channels.base import Meter
from onhand.channels.pacing import BucketState, CostBucket
from onhand.sandbox.limits import PointBucket
from tests.fix_channels import FakeClock

FULL = BucketState(maximum=2_000, available=2_000, per_second=100)


def bucket_of(clock: FakeClock, start: BucketState = FULL) -> CostBucket:
    return CostBucket(Meter(), start, clock=clock.now, sleep=clock.sleep)


async def test_room_is_used_without_waiting(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    for _ in range(19):
        await bucket.reserve(100)
    assert clock.slept == []
    assert bucket.believed() == 100


async def test_waits_exactly_as_long_as_the_points_need(clock: FakeClock) -> None:
    meter = Meter()
    start = BucketState(2_000, 11, 100)
    bucket = CostBucket(meter, start, clock=clock.now, sleep=clock.sleep)
    await bucket.reserve(30)
    assert clock.slept == pytest.approx([0.20])
    assert meter.waited_seconds == pytest.approx(0.20)


async def test_first_come_first_served(clock: FakeClock) -> None:
    bucket = bucket_of(clock, BucketState(2_000, 0, 100))
    served: list[str] = []

    async def want(name: str, points: float) -> None:
        await bucket.reserve(points)
        served.append(name)

    await asyncio.gather(want("large", 500), want("small", 1), want("last", 1))
    assert served == ["large", "small", "last"]


async def test_another_app_using_the_bucket_is_noticed(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(12)
    bucket.settle(12, 12, BucketState(2_000, 40, 100))
    assert bucket.believed() == 40


async def test_a_cheaper_answer_gives_back(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(36)
    bucket.settle(36, 10, BucketState(2_000, 1_990, 100))
    assert bucket.believed() == 1_990


async def test_what_is_in_flight_counts_as_spent(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(12)
    await bucket.reserve(12)
    bucket.settle(12, 12, BucketState(2_000, 2_000, 100))
    assert bucket.believed() == 1_988


async def test_a_larger_plan_is_learned(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(12)
    bucket.settle(12, 12, BucketState(20_000, 19_988, 1_000))
    await bucket.reserve(19_000)
    assert clock.slept == []
    assert bucket.believed() == 988


async def test_a_lost_answer_keeps_its_points_spent(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(12)
    bucket.settle(12, None, None)
    assert bucket.believed() == 1_988


async def test_a_refusal_spent_nothing_and_tells_what_there_is(clock: FakeClock) -> None:
    bucket = bucket_of(clock)
    await bucket.reserve(12)
    bucket.refused(12, BucketState(2_000, 5, 100))
    assert bucket.believed() == 5
    await bucket.reserve(12)
    bucket.refused(12, None)
    assert bucket.believed() == 0


async def test_more_than_the_bucket_holds_waits_for_a_full_one(clock: FakeClock) -> None:
    bucket = bucket_of(clock, BucketState(100, 0, 50))
    await bucket.reserve(500)
    assert clock.slept == pytest.approx([2.0])


async def test_a_full_sync_takes_the_least_time_the_limit_allows(clock: FakeClock) -> None:
    """200 pages read and 200 bulk writes against a real bucket: at most 1 % over the least, and never refused."""
    ours, theirs = bucket_of(clock), PointBucket(2_000, 100, clock.now)
    began = clock.now()
    for points in [36] * 200 + [12] * 200:
        await ours.reserve(points)
        assert theirs.take(points)
        ours.settle(points, points, BucketState(2_000, int(theirs.available()), 100))
    least = (200 * 36 + 200 * 12 - 2_000) / 100
    assert least <= clock.now() - began <= least * 1.01


async def test_an_urgent_request_goes_before_those_that_wait(clock: FakeClock) -> None:
    """Goal: a sale never waits behind a full sync's line; within each line it is first come, first served."""
    bucket = bucket_of(clock, BucketState(2_000, 0, 100))
    served: list[str] = []

    async def want(name: str, points: float, *, urgent: bool = False) -> None:
        await bucket.reserve(points, urgent=urgent)
        served.append(name)

    await asyncio.gather(
        want("sync 1", 1_000),
        want("sync 2", 1),
        want("sale 1", 10, urgent=True),
        want("sale 2", 1, urgent=True),
    )
    assert served == ["sale 1", "sale 2", "sync 1", "sync 2"]
    assert bucket.believed() == pytest.approx(1, abs=0.02)


async def test_a_sale_overtakes_a_sync_that_already_sleeps() -> None:
    """Goal: an urgent request waits for its own points only, not for those of whoever was first.

    Method: a sleep that ends when the test says so, and a clock the test moves.
    """
    now, sleeps = [0.0], dict[float, asyncio.Event]()

    async def sleep(seconds: float) -> None:
        await sleeps.setdefault(round(seconds, 2), asyncio.Event()).wait()

    bucket = CostBucket(Meter(), BucketState(2_000, 0, 100), clock=lambda: now[0], sleep=sleep)
    sync = asyncio.create_task(bucket.reserve(999))
    await asyncio.sleep(0)
    sale = asyncio.create_task(bucket.reserve(9, urgent=True))
    await asyncio.sleep(0)
    assert sorted(sleeps) == [0.1, 10.0]
    now[0] = 0.1
    sleeps[0.1].set()
    await asyncio.sleep(0)
    assert (sale.done(), sync.done()) == (True, False)
    now[0] = 10.0
    sleeps[10.0].set()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not sync.done(), "nine points were taken meanwhile, so it is short of nine"
    sync.cancel()


async def test_who_gives_up_waiting_holds_up_nobody(clock: FakeClock) -> None:
    """Goal: a cancelled request leaves the line, wherever it stood in it."""
    bucket = bucket_of(clock, BucketState(2_000, 0, 100))
    tasks = [asyncio.create_task(bucket.reserve(points)) for points in (50, 60, 70)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.wait_for(tasks[2], timeout=1)
    assert bucket.believed() == pytest.approx(1, abs=0.02)
