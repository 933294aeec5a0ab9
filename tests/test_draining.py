"""How a drain goes on: it looks again at once only where more is known to wait, listens before it sleeps, and stops."""

import math
from collections.abc import Sequence

import pytest

from onhand.draining import LOOK_SECONDS, Drained, Took, drain

NOTHING, ALL, PART = Took.NOTHING, Took.ALL, Took.PART


class Line:
    """Something to drain, by script: what each step takes. Every step takes 0.1 s, every wait for the bell 1 s."""

    def __init__(self, *takes: Took, sleeps: bool = True) -> None:
        self.now = 100.0
        self.did: list[str] = []
        self._takes = list(takes)
        self._sleeps = sleeps

    async def step(self) -> Took:
        self.now += 0.1
        took = self._takes.pop(0) if self._takes else NOTHING
        self.did.append(took.name)
        return took

    async def sleep(self) -> bool:
        self.did.append("sleep")
        return self._sleeps

    async def bell(self, seconds: float) -> None:
        assert seconds == LOOK_SECONDS
        self.now += 1.0
        self.did.append("bell")

    async def drain(self, *, turn: float = 60.0, linger: float = 2.0, stop_after: int = 99) -> Drained:
        def stopped() -> bool:
            return sum(did in ("ALL", "PART") for did in self.did) >= stop_after

        return await drain(
            self.step,
            self.sleep,
            self.bell,
            turn_seconds=turn,
            linger_seconds=linger,
            stop=stopped,
            clock=lambda: self.now,
        )


@pytest.mark.parametrize(
    ("takes", "linger", "did"),
    [
        ([], 2.0, ["NOTHING", "sleep"]),
        ([ALL], 0.0, ["ALL", "NOTHING", "sleep"]),
        ([ALL], 2.0, ["ALL", "bell", "NOTHING", "bell", "NOTHING", "sleep"]),
        ([PART, PART, ALL], 0.5, ["PART", "PART", "ALL", "bell", "NOTHING", "sleep"]),
        ([ALL, ALL], 1.5, ["ALL", "bell", "ALL", "bell", "NOTHING", "bell", "NOTHING", "sleep"]),
    ],
)
async def test_the_course_of_a_drain(takes: Sequence[Took], linger: float, did: Sequence[str]) -> None:
    """Goal: nothing is asked for twice without a reason, and nothing goes to sleep before it lingered."""
    line = Line(*takes)
    drained = await line.drain(linger=linger)
    assert line.did == did
    assert drained.asleep is True


async def test_a_turn_ends_with_its_time_and_tells_when_it_last_worked() -> None:
    """Goal: the workflow hears of a busy drain every turn."""
    line = Line(*[PART] * 100)
    drained = await line.drain(turn=0.95)
    assert line.did == ["PART"] * 10
    assert drained == Drained(asleep=False, worked_at=pytest.approx(101.0))


async def test_a_turn_that_is_to_stop_does_not_wait_for_the_bell_first() -> None:
    """Goal: trouble is told at once."""
    line = Line(ALL)
    drained = await line.drain(stop_after=1)
    assert line.did == ["ALL"]
    assert drained.asleep is False


async def test_one_that_may_not_sleep_looks_again() -> None:
    """Goal: what was posted in between is taken in the same turn."""
    line = Line(sleeps=False)
    drained = await line.drain(turn=0.15)
    assert line.did == ["NOTHING", "sleep", "NOTHING", "sleep"]
    assert drained == Drained(asleep=False, worked_at=-math.inf)
