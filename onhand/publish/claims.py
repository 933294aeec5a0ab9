"""Claims: one level is read or written at its channel by one errand at a time, across all processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg

from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import Spot

CLAIM_SECONDS = 5.0
"""How long a claim holds by itself: what a killed process held is taken up by others after that."""
RENEW_SECONDS = 1.5
"""Between two renewals; several fit into a claim, so that one slow turn of the loop loses none."""


def new_claim() -> int:
    """A number that no other errand has: never 0, and below 2^62."""
    return secrets.randbelow(2**62 - 1) + 1


@asynccontextmanager
async def held(pool: Pool, spots: Sequence[Spot], claim: int) -> AsyncIterator[None]:
    """Keep claims alive while the body runs, however long the channel makes it wait. Booking lets them go."""
    over = asyncio.Event()

    async def renew() -> None:
        # asyncio.wait_for, within the driver, may lose a cancellation that comes with its result.
        while not over.is_set():
            await asyncio.sleep(RENEW_SECONDS)
            with suppress(psycopg.Error):  # the next renewal, or the booking, says what is wrong
                await levels.renew_claims(pool, spots, claim, CLAIM_SECONDS)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        over.set()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
