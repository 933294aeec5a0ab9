"""Heartbeats beside a step that waits on others, so that a dead worker is noticed within seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio import activity

BEAT_SECONDS = 2.0
"""Several beats fit into workflows.policies.HEARTBEAT, so that one slow turn of the loop is no death."""


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Beat while the body runs. The beat stops with the event loop, so a stuck worker is found out."""

    async def beat() -> None:
        while True:
            # Most steps are over before the first beat, which would be one more call for each of them.
            await asyncio.sleep(BEAT_SECONDS)
            activity.heartbeat()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
