"""How intake and publisher work through what waits: all that is there at once, again and again, until nothing is left.

An idle system handles one event at once; a busy one takes everything pending in a single step. Before it goes to
sleep, a drain that has worked lingers and listens: while orders come in every few seconds the next is taken without a
signal, which costs Temporal a workflow task and us some milliseconds.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

TURN_SECONDS = 2.0
"""How long one turn goes on taking more; then the workflow records it, and the next begins."""
LINGER_SECONDS = 5.0
"""How long a drain listens for more after its last work before it goes to sleep. No event waits for this."""
LOOK_SECONDS = 0.25
"""It looks so often by itself, for rings that were not heard."""
BUSY_SECONDS = 0.01
"""Before it looks again where somebody is committing a row right now, or holds what waits."""


class Took(Enum):
    """What a step found."""

    NOTHING = "nothing"
    ALL = "all there was"
    PART = "as much as one step takes"


Step = Callable[[], Awaitable[Took]]
"""Take what is there."""
Sleep = Callable[[], Awaitable[bool]]
"""Go to sleep; False where there is work after all."""
Bell = Callable[[float], Awaitable[None]]
"""Wait until something comes in, at most so many seconds."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a turn ended: whether it went to sleep, and when it last found something."""

    asleep: bool
    worked_at: float


async def drain(
    step: Step,
    sleep: Sleep,
    bell: Bell,
    *,
    worked_at: float = -math.inf,
    turn_seconds: float = TURN_SECONDS,
    linger_seconds: float = LINGER_SECONDS,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Drained:
    """Step until nothing is left and `sleep` agrees, or the turn is over.

    `worked_at` is when the turn before this one last found something, by the same clock. `stop` says after a step that
    the turn is to end early.
    """
    began = clock()
    while clock() - began < turn_seconds and not stop():
        took = await step()
        if took is not Took.NOTHING:
            worked_at = clock()
        if took is Took.PART or stop():
            continue
        if clock() - worked_at < linger_seconds:
            await bell(LOOK_SECONDS)  # which has rung already where something came in meanwhile
        elif took is Took.ALL:
            continue
        elif await sleep():
            return Drained(asleep=True, worked_at=worked_at)
        else:
            await asyncio.sleep(BUSY_SECONDS)
    return Drained(asleep=False, worked_at=worked_at)
