"""The doorbell: whoever is awake hears of a committed row within a millisecond, without asking again and again.

Accepting a delivery and marking a listing notify the database's listeners at their commit. A ring is a hint like a
signal, and nothing depends on it: who hears none looks again after a while (a connection that broke, a pooler between
us and Postgres that does not pass notifications on).
"""

import asyncio
from collections import defaultdict
from contextlib import suppress

import psycopg
import structlog

from onhand.ledger.database import Pool
from onhand.ledger.queries import query

RECONNECT_SECONDS = 1.0
INBOX = "inbox"
OUTBOX = "outbox"

logger = structlog.get_logger()


class Doorbell:
    """Listens on a connection of its own, for every channel of this process. One waiter for each of a channel's two."""

    def __init__(self, pool: Pool) -> None:
        assert isinstance(pool.conninfo, str), "our pools are opened on an address"
        self._conninfo = pool.conninfo
        self._rung: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def wait(self, what: str, channel: str, seconds: float) -> None:
        """Until something was put into the channel's inbox or outbox since the last wait, at most so many seconds."""
        rung = self._rung[f"{what} {channel}"]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await rung.wait()
        rung.clear()

    async def listen(self) -> None:
        """Hear rings until cancelled; a connection that breaks is made again."""
        while True:
            try:
                await self._hear()
            except psycopg.Error as error:
                logger.info("the doorbell's connection broke; it is made again", error=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, application_name="onhand doorbell"
        ) as connection:
            await connection.execute(query("listen"))
            for rung in self._rung.values():
                rung.set()  # what was committed while nobody listened
            async for ring in connection.notifies():
                self._rung[ring.payload].set()
