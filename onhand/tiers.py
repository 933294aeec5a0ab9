"""Velocities, tiers and the buffers that follow, worked out anew every few minutes from what the ledger knows was sold.

Run beside the order sweeps, which every installation that hears of orders has: a schedule of its own would be one more
thing to make, to pause and to watch, for a step that takes a second and whose delay harms nobody.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from onhand.domain.listings import RuleBook
from onhand.domain.velocity import TierRules, per_day
from onhand.ledger import velocity
from onhand.ledger.database import Connection, Pool
from onhand.ledger.velocity import ChannelSpeed, Velocity

SKUS_AT_ONCE = 200
"""Then whatever else this process does gets its turn: publishers live here, too."""

logger = structlog.get_logger()


async def refresh_if_due(pool: Pool, rules: TierRules, now: datetime) -> int | None:
    """Work out every SKU's tier where that was not done lately; answers how many changed, None where it was not due.

    One process does it: the others find it being done, and go on.
    """
    async with pool.connection() as connection:
        if not await velocity.lock_when_due(connection, now - rules.refresh):
            return None
        began_at = await velocity.ledger_began_at(connection)
        observed = min(rules.window_days, (now - began_at) // timedelta(days=1) + 1)
        found: list[Velocity] = []
        async for sales in velocity.sales(connection, now, rules.window_days):
            speed = per_day(sales.days, half_life_days=rules.half_life_days, observed_days=observed)
            found.append(Velocity(sales.sku_id, speed, rules.tier(speed, sales.tier)))
            if len(found) % SKUS_AT_ONCE == 0:
                await asyncio.sleep(0)
        changed = await velocity.save(connection, found, now)
        await _by_channel(connection, rules, now, observed)
    logger.info("tiers of SKUs worked out", skus=len(found), changed=changed)
    return changed


async def _by_channel(connection: Connection, rules: TierRules, now: datetime, observed: int) -> None:
    found: list[ChannelSpeed] = []
    async for sales in velocity.sales_by_channel(connection, now, rules.window_days):
        speed = per_day(sales.days, half_life_days=rules.half_life_days, observed_days=observed)
        # Of many SKUs only the speeds are kept, and not the days they were found from.
        found.append((sales.sku_id, sales.channel_id, sales.location_id, speed))
        if len(found) % SKUS_AT_ONCE == 0:
            await asyncio.sleep(0)
    await velocity.save_by_channel(connection, found)


async def refresh_buffers(pool: Pool, rules: RuleBook) -> set[str]:
    """Work out what levels hold back for what others sell until a change is shown, where any rule asks for it.

    Answers the channels whose publisher is to be signalled.
    """
    drawn = [
        (channel, place, location)
        for channel, section in rules.channels.items()
        for place, locations in section.places.items()
        for location in locations
    ]
    return await velocity.refresh_buffers(pool, drawn if rules.needs_velocity else [])
