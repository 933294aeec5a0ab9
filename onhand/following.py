"""Following what was started by hand to its end, through a restart of Temporal."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

LOOK_SECONDS = 0.25
AWAY_SECONDS_MAX = 60.0
"""How long a Temporal that does not answer is waited for; what was started goes on in any case."""

Result = TypeVar("Result")
Seen = TypeVar("Seen")


def by_hand_id(schedule: str) -> str:
    """The id of what is started by hand beside a schedule: it tells so, and when."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{schedule}-by-hand-{moment}Z"


async def end_of(handle: WorkflowHandle[object, Result]) -> Result:
    """The result, however long that takes; a Temporal that is being restarted is waited for.

    Raises WorkflowFailureError where it failed, RPCError where Temporal stays away or knows nothing of it.
    """
    away_since: float | None = None
    while True:
        try:
            return await handle.result()
        except RPCError as error:
            away_since = away_since or time.monotonic()
            if (
                error.status is not RPCStatusCode.UNAVAILABLE
                or time.monotonic() - away_since > AWAY_SECONDS_MAX
            ):
                raise
            await asyncio.sleep(1)


async def follow(
    handle: WorkflowHandle[object, Result], look: Callable[[], Awaitable[Seen]]
) -> AsyncIterator[Seen]:
    """How it stands, again and again, until it has ended; the last one is the final record."""
    end = asyncio.create_task(end_of(handle))
    try:
        while not end.done():
            yield await look()
            await asyncio.wait([end], timeout=LOOK_SECONDS)
        yield await look()
    finally:
        end.cancel()
        await asyncio.gather(end, return_exceptions=True)
