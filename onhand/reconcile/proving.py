"""Proof of what was answered to drift: it is read again once the publisher has told it, and closed where it shows."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from onhand.domain.targets import Target, all_targets
from onhand.ledger import levels, reconcile, work
from onhand.ledger.levels import Spot
from onhand.publish.work import key_of
from onhand.reconcile.policy import ReadBack
from onhand.reconcile.walking import add_costs

PAUSE_SECONDS = 0.25
PAUSE_SECONDS_MAX = 5.0
SHOWN = "told again, and it shows"


async def prove(back: ReadBack, since: datetime) -> int:
    """Wait a little for the repairs of drifts seen since then; answers how many are still open. Raises ChannelError.

    What does not show in time stays open: the next read-back closes it, or finds it again.
    """
    pause, deadline = PAUSE_SECONDS, time.monotonic() + back.policy.repair_seconds
    while left := await reconcile.to_prove(back.pool, back.name, since):
        repaired = await _shown(back, left)
        if repaired:
            await reconcile.resolve(back.pool, repaired, SHOWN)
        held_up = (await work.holds(back.pool, [back.name]))[back.name].holds
        if len(repaired) == len(left) or held_up or time.monotonic() > deadline:
            break
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
    await add_costs(back)
    return len(await reconcile.to_prove(back.pool, back.name, since))


async def _shown(back: ReadBack, left: Mapping[Spot, int]) -> list[int]:
    """Drifts whose levels have been told what they should show, and show it."""
    listings = list(dict.fromkeys(listing for listing, _ in left))
    states = await levels.listing_states(back.pool, back.name, listings, siblings=back.rules.needs_siblings)
    told = [
        target
        for target in all_targets(states, back.rules)
        if (target.state.listing_id, target.place) in left and not target.differs
    ]
    size = back.channel.capabilities.bulk_size
    parts = [told[at : at + size] for at in range(0, len(told), size)]
    return [left[spot] for part in parts for spot in await _right(back, part)]


async def _right(back: ReadBack, targets: Sequence[Target]) -> list[Spot]:
    shown = await back.channel.read_levels([key_of(target) for target in targets])
    return [
        (target.state.listing_id, target.place)
        for target, level in zip(targets, shown, strict=True)
        if level.quantity == target.quantity
    ]
