"""Hear of every sale before anybody is accused: sweep the channel's orders, and wait until they are in the ledger."""

import asyncio
import time
from datetime import UTC, datetime

from onhand import sweeping
from onhand.ledger import reconcile
from onhand.reconcile.policy import ReadBack

LOOK_SECONDS = 0.05


async def hear(back: ReadBack) -> bool:
    """Take in what no webhook told of; False where not all that is known was posted in time. Raises ChannelError.

    A channel that is not listened to has nothing to tell.
    """
    if not back.channel_rules.listens:
        return True
    swept = await sweeping.sweep(back.pool, back.channel, datetime.now(UTC))
    last = await reconcile.newest_delivery(back.pool)
    # Whoever sleeps though something waits was not signalled; one signal too many does no harm.
    if swept.woken or await reconcile.unheard_until(back.pool, back.name, last):
        await back.wake_intakes({back.name})
    if swept.disproved_woken:
        await back.wake_publishers(swept.disproved_woken)
    deadline = time.monotonic() + back.policy.intake_seconds
    while await reconcile.unheard_until(back.pool, back.name, last):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
