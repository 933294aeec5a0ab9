"""What one shop bears: calls in flight and rows in a call, learned from its answers. All times are fake."""

import asyncio

import pytest

from onhand.channels.base import Meter
from onhand.channels.concurrency import BatchSize, Gate
from tests.fix_channels import FakeClock


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def gate(clock: FakeClock, meter: Meter) -> Gate:
    return Gate(4, meter, clock.now, clock.sleep)


def grow(gate: Gate, answers: int, seconds: float = 1.0) -> list[int]:
    """The limit after each good answer."""
    limits = []
    for _ in range(answers):
        gate.answered(seconds)
        limits.append(gate.limit)
    return limits


def test_grows_by_one_after_as_many_good_answers_as_it_lets_in(gate: Gate) -> None:
    assert gate.limit == 1
    assert grow(gate, 8) == [2, 2, 3, 3, 3, 4, 4, 4]


def test_a_struggling_shop_gets_half(gate: Gate, clock: FakeClock) -> None:
    grow(gate, 6)
    gate.struggled(clock.now())
    assert gate.limit == 2
    clock.advance(1)
    gate.struggled(clock.now())
    assert gate.limit == 1
    clock.advance(1)
    gate.struggled(clock.now())
    assert gate.limit == 1


def test_calls_under_way_together_tell_of_one_trouble(gate: Gate, clock: FakeClock) -> None:
    grow(gate, 6)
    started = clock.now()
    clock.advance(3)
    gate.struggled(started)
    gate.struggled(started)
    gate.struggled(started)
    assert gate.limit == 2


def test_slow_answers_hold_the_limit_and_a_slow_95th_percentile_halves_it(gate: Gate) -> None:
    grow(gate, 6)
    assert grow(gate, 14) == [4] * 14
    gate.answered(10.5)
    assert gate.limit == 4
    gate.answered(10.5)
    assert gate.limit == 2


def test_answers_slower_than_ten_seconds_do_not_count_as_good(gate: Gate) -> None:
    assert grow(gate, 3, seconds=10.5) == [1, 1, 1]


async def test_a_silence_is_waited_for_and_counted_once(gate: Gate, clock: FakeClock, meter: Meter) -> None:
    start = clock.now()
    gate.silence(5)
    gate.silence(3)
    gate.silence(7)
    async with gate.place():
        assert clock.now() - start == 7
    assert meter.waited_seconds == 7
    assert clock.slept == [7]


async def test_lets_in_as_many_as_the_limit_in_the_order_they_came(gate: Gate) -> None:
    grow(gate, 1)
    entered: list[int] = []
    leave = asyncio.Event()

    async def visit(number: int) -> None:
        async with gate.place():
            entered.append(number)
            await leave.wait()

    visits = [asyncio.create_task(visit(number)) for number in range(5)]
    await asyncio.sleep(0.01)
    assert entered == [0, 1]
    leave.set()
    await asyncio.gather(*visits)
    assert entered == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("called_first", [False, True], ids=["still waiting", "just called"])
async def test_whoever_gives_up_leaves_no_place_taken(gate: Gate, called_first: bool) -> None:
    entered: list[str] = []

    async def visit(name: str, inside: asyncio.Event) -> None:
        async with gate.place():
            entered.append(name)
            await inside.wait()

    first, others = asyncio.Event(), asyncio.Event()
    others.set()
    holder = asyncio.create_task(visit("holder", first))
    await asyncio.sleep(0)
    quitter, next_one = (asyncio.create_task(visit(name, others)) for name in ("quitter", "next"))
    await asyncio.sleep(0)
    if called_first:
        first.set()
        await asyncio.sleep(0)
    quitter.cancel()
    first.set()
    await asyncio.gather(holder, next_one, quitter, return_exceptions=True)
    assert entered == ["holder", "next"]
    async with asyncio.timeout(1), gate.place():
        pass


def sizes(size: BatchSize, *answers: tuple[int, float]) -> list[int]:
    """The size after each answer of so many rows in so many seconds."""
    after = []
    for rows, seconds in answers:
        size.answered(rows, seconds)
        after.append(size.rows)
    return after


def test_doubles_while_full_calls_are_quick() -> None:
    assert sizes(BatchSize(25, 100), (25, 0.5), (50, 0.9), (100, 1.6)) == [50, 100, 100]


def test_a_call_that_was_not_full_proves_nothing() -> None:
    assert sizes(BatchSize(25, 100), (24, 0.1), (3, 0.1)) == [25, 25]


def test_holds_where_doubling_would_be_too_slow_and_halves_what_is() -> None:
    assert sizes(BatchSize(40, 100), (40, 5.1), (40, 10.1), (20, 5.0)) == [40, 20, 40]


def test_what_was_refused_as_too_large_is_never_sent_again() -> None:
    size = BatchSize(25, 100)
    sizes(size, (25, 0.1))
    size.refuse(50)
    assert sizes(size, (25, 0.1), (25, 0.1)) == [25, 25]


def test_never_below_one_row() -> None:
    size = BatchSize(2, 100)
    size.halve(2)
    size.halve(1)
    assert size.rows == 1
    size.refuse(1)
    assert (size.rows, size.rows_max) == (1, 1)


async def test_the_urgent_are_let_in_before_those_who_wait_longer(gate: Gate) -> None:
    """Goal: each free place goes to the urgent, in their order, and to others only when no urgent one waits."""
    entered: list[str] = []

    async def visit(name: str, *, urgent: bool) -> None:
        async with gate.place(urgent=urgent):
            entered.append(name)
            await asyncio.sleep(0)

    named = [("first", False), ("sync", False), ("sale", True), ("sync 2", False), ("sale 2", True)]
    visits = [asyncio.create_task(visit(name, urgent=urgent)) for name, urgent in named]
    await asyncio.sleep(0)
    assert entered == ["first"]
    await asyncio.gather(*visits)
    assert entered == ["first", "sale", "sale 2", "sync", "sync 2"]


async def test_an_urgent_one_that_gives_up_leaves_no_place_taken(gate: Gate) -> None:
    """Goal: a cancelled urgent call is forgotten, and the next in line goes on."""
    inside, entered = asyncio.Event(), []

    async def visit(name: str, *, urgent: bool) -> None:
        async with gate.place(urgent=urgent):
            entered.append(name)
            await inside.wait()

    holder = asyncio.create_task(visit("holder", urgent=False))
    await asyncio.sleep(0)
    quitter = asyncio.create_task(visit("quitter", urgent=True))
    waiting = asyncio.create_task(visit("waiting", urgent=False))
    await asyncio.sleep(0)
    quitter.cancel()
    inside.set()
    await asyncio.gather(holder, waiting, quitter, return_exceptions=True)
    assert entered == ["holder", "waiting"]
