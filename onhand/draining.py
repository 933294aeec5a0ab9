"""How intake and publisher work through what waits: all that is there at once, again and again, until nothing is left.

An idle system handles one event at once; a busy one takes everything pending in a single step. Before it goes to
sleep, a drain that has just worked lingers a little: under load the next event is taken without a signal.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

TURN_SECONDS = 2.0
"""How long one turn goes on taking more; then the workflow records it, and the next begins."""
LINGER_SECONDS = 0.25
"""How long a drain that has worked waits for more before it goes to sleep. No event waits for this."""
LOOK_SECONDS = 0.01
"""Between two looks while it lingers."""

Step = Callable[[], Awaitable[bool]]
"""Take what is there; answers whether there was anything."""


async def drain(
    step: Step,
    sleep: Step,
    *,
    turn_seconds: float = TURN_SECONDS,
    linger_seconds: float = LINGER_SECONDS,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Step until nothing is left and `sleep` agrees, or the turn is over; answers whether it went to sleep.

    `stop` says after a step that the turn is to end early.
    """
    began = clock()
    worked_at = -float("inf")
    while clock() - began < turn_seconds and not stop():
        if await step():
            worked_at = clock()
        elif clock() - worked_at < linger_seconds:
            await asyncio.sleep(LOOK_SECONDS)
        elif await sleep():
            return True
        else:
            await asyncio.sleep(LOOK_SECONDS)  # somebody is committing a row right now, or holds what waits
    return False
