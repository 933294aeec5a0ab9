"""Halted listings out of shoppers' sight where the channel can, and back once the halt is over."""

from collections.abc import Mapping, Sequence

import structlog

from onhand.channels.base import Channel, ItemRef
from onhand.channels.errors import ChannelError
from onhand.ledger import halts
from onhand.ledger.database import Pool

logger = structlog.get_logger()


async def hide(pool: Pool, channel: Channel, items: Mapping[int, ItemRef]) -> int:
    """Take listings out of sight; answers how many are. That the level is 0 is what holds, so failing is only told."""
    return await _set(pool, channel, list(items.values()), hidden=True)


async def show_again(pool: Pool, channel: Channel) -> int:
    """Put back what was taken out of sight for halts that are over; answers how many are in sight again."""
    if not channel.capabilities.hides:
        return 0
    found = [
        ItemRef(each.listing_id, each.sku, each.item_id, each.parent_id, each.tracking)
        for each in await halts.to_show_again(pool, channel.name)
    ]
    return await _set(pool, channel, found, hidden=False)


async def _set(pool: Pool, channel: Channel, items: Sequence[ItemRef], *, hidden: bool) -> int:
    if not items or not channel.capabilities.hides:
        return 0
    try:
        done = await channel.set_hidden(items, hidden)
    except ChannelError as error:
        logger.warning(
            "listings could not be hidden or shown again",
            channel=channel.name,
            hidden=hidden,
            problem=str(error),
        )
        return 0
    await halts.note_hidden(pool, [item.listing_id for item in done], hidden=hidden)
    return len(done)
