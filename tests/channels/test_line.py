"""Who goes first: the line of callers, the shared quota's line, and the one writer of a BigCommerce store."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import orjson
import pytest

from onhand.channels.base import LevelKey, LevelWrite
from onhand.channels.line import Line
from onhand.channels.quota import SharedQuota
from tests.channels.case_bigcommerce import MAIN, case
from tests.fix_channels import BASE_URL, FakeClock, Wire


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Callers:
    """Tasks that take a turn each and note that they did; a turn lasts until it is ended."""

    def __init__(self) -> None:
        self.line = Line()
        self.went: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def call(self, name: str, **how: bool) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._turn(name, how))
        await settled()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settled()

    async def _turn(self, name: str, how: dict[str, bool]) -> None:
        async with self.line.turn(**how):
            self.went.append(name)
            await self._ends[name].wait()


async def test_urgent_callers_go_before_all_others_and_otherwise_who_waits_longest() -> None:
    """Goal: the order of the line, one at a time, and that the line is free again at its end."""
    callers = Callers()
    for name, how in (
        ("a", {}),
        ("b", {}),
        ("c", {"first": True}),
        ("u", {"urgent": True}),
        ("v", {"urgent": True}),
    ):
        await callers.call(name, **how)
    assert callers.went == ["a"]
    assert callers.line.urgent_waits
    for name in "auvcb":
        assert callers.went[-1] == name
        await callers.end(name)
    assert callers.went == ["a", "u", "v", "c", "b"]
    assert not callers.line.urgent_waits
    await callers.call("d")
    assert callers.went[-1] == "d"
    await callers.end("d")


async def test_who_gives_up_leaves_the_line() -> None:
    """Goal: a cancelled caller holds nobody up, whether it waits, has just been called, or has its turn."""
    callers = Callers()
    for name in "abcde":
        await callers.call(name)
    callers.tasks["b"].cancel()
    await settled()
    callers.tasks["a"].cancel()
    await settled()
    assert callers.went == ["a", "c"]
    callers._ends["c"].set()
    await asyncio.sleep(0)  # c ends and calls d, which has not begun
    callers.tasks["d"].cancel()
    await settled()
    assert callers.went[-1] == "e"
    await callers.end("e")
    assert [task.cancelled() for task in callers.tasks.values()] == [True, True, False, True, False]


class Stand:
    """A quota on a clock that only moves when it is told, and the names of who entered."""

    def __init__(self) -> None:
        self.now = 100.0
        self.entered: list[str] = []
        self.quota = SharedQuota(reserved_share=0.25, clock=lambda: self.now, sleep=self._sleep)
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[float]] = []

    async def call(self, name: str, *, urgent: bool = False) -> None:
        async def enter() -> float:
            waited = await self.quota.enter(urgent=urgent)
            self.entered.append(name)
            return waited

        self.tasks.append(asyncio.create_task(enter()))
        await settled()

    async def until(self, now: float) -> None:
        """Time passes; whoever slept until then wakes in the order of the moments."""
        self.now = now
        for at, sleeper in sorted(self._sleepers, key=lambda pair: pair[0]):
            if at <= now + 1e-9:
                sleeper.set()
        await settled()

    async def _sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.now + seconds, woken))
        await woken.wait()


async def test_an_urgent_call_is_not_spread_over_the_window() -> None:
    """Goal: while anything may be used, a sale goes at once past those that are slowed down, and is counted."""
    stand = Stand()
    stand.quota.learn(100, 28, 8.0)  # 25 are reserved: three may be used, one every two seconds
    await stand.call("a")
    await stand.call("sale", urgent=True)
    assert stand.entered == ["sale"]
    await stand.until(102.0)
    assert stand.entered == ["sale", "a"]
    await stand.call("sale 2", urgent=True)
    assert stand.entered == ["sale", "a", "sale 2"]
    await stand.call("sale 3", urgent=True)  # nothing is left but the reserve
    assert stand.entered == ["sale", "a", "sale 2"]
    await stand.until(108.0)
    assert stand.entered[-1] == "sale 3"
    assert [await task for task in stand.tasks] == [2.0, 0.0, 0.0, 6.0]


@pytest.mark.parametrize("blocked", [False, True])
async def test_urgent_calls_go_before_those_that_wait(blocked: bool) -> None:
    """Goal: at the reserve, and where the store sent us away, the turn that comes is a sale's, whoever came first."""
    stand = Stand()
    if blocked:
        stand.quota.block(10.0)
    else:
        stand.quota.learn(100, 25, 10.0)
    for name in ("a", "b"):
        await stand.call(name)
    for name in ("sale", "sale 2"):
        await stand.call(name, urgent=True)
    await stand.call("c")
    assert stand.entered == []
    await stand.until(110.0)
    assert stand.entered == ["sale", "sale 2", "a", "b", "c"]
    assert {await task for task in stand.tasks} == {10.0}


Doing = Coroutine[Any, Any, Any]


async def test_urgent_levels_go_before_those_that_wait_to_be_written(clock: FakeClock) -> None:
    """Goal: one writer a store stays, and a sale's levels are the next it writes."""
    store = case(clock, limits=True, quota=150)
    wire = Wire(store.app)
    channel = store.make_adapter(base_url=BASE_URL, transport=wire)
    (ref,) = store.fill(1)

    def write(name: str, *, urgent: bool = False) -> Doing:
        return channel.set_levels([LevelWrite(LevelKey(ref, MAIN), 1, None)], name, urgent=urgent)

    await asyncio.gather(write("a"), write("b"), write("c"), write("sale", urgent=True), write("d"))
    reasons = [orjson.loads(exchange.request.content)["reason"] for exchange in wire.exchanges]
    assert reasons == [f"Onhand {name}" for name in ("a", "sale", "b", "c", "d")]
    assert store.traffic.calls["concurrent_writes"] == 0


async def test_levels_are_not_changed_by_a_difference_here(clock: FakeClock) -> None:
    """Goal: what the platform cannot do exactly once is declared and cannot be asked for by mistake."""
    store = case(clock)
    channel = store.make_adapter(base_url=BASE_URL, transport=Wire(store.app))
    assert not channel.capabilities.changes
    with pytest.raises(AssertionError, match="levels are not changed here"):
        await channel.change_levels([], "k")
