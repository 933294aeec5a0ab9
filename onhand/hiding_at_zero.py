"""Listings that show nothing, out of shoppers' sight until there is some again, where the channel can and it is wanted.

Done beside the order sweeps and after read-backs, never on the way of a level: that a shop shows 0 is what keeps it
from selling, and how it looks can wait a minute. It goes by what the ledger says, so a look that was cut short, or that
the channel did not answer, is made good by the next one.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from onhand.channels.base import Channel, ItemRef
from onhand.channels.errors import ChannelError
from onhand.ledger import work, zero_hiding
from onhand.ledger.database import Pool
from onhand.ledger.halts import Unhidden

LISTINGS_AT_ONCE = 100
"""Due listings of one look: hiding takes calls that levels need, too."""
HIDE_AGAIN = timedelta(hours=1)
"""After so long the channel is asked again for what it could not hide: a variation whose siblings sell."""

logger = structlog.get_logger()


async def hide_and_show(pool: Pool, channel: Channel, *, enabled: bool) -> tuple[int, int]:
    """Hide what shows nothing, and show again what we hid and has some; answers how many listings of each.

    Not `enabled`: all that we hid is shown again. Nothing is done while an operator has paused the channel, or its
    breaker is open; that it fails is only told.
    """
    if not channel.capabilities.hides:
        return 0, 0
    hold = (await work.holds(pool, [channel.name])).get(channel.name)
    if hold is not None and hold.holds:
        return 0, 0
    back = await _show(pool, channel, enabled=enabled)
    return (await _hide(pool, channel) if enabled else 0), back


async def _show(pool: Pool, channel: Channel, *, enabled: bool) -> int:
    whole = channel.capabilities.hides_products
    found = await zero_hiding.to_show(
        pool, channel.name, enabled=enabled, whole=whole, limit=LISTINGS_AT_ONCE
    )
    done = await _set(channel, found, hidden=False)
    if done:
        await zero_hiding.note_shown(pool, done)
        logger.info("shown again, as there is some", channel=channel.name, listings=len(done))
    return len(done or ())


async def _hide(pool: Pool, channel: Channel) -> int:
    before = datetime.now(UTC) - HIDE_AGAIN
    found = await zero_hiding.to_hide(pool, channel.name, tried_before=before, limit=LISTINGS_AT_ONCE)
    done = await _set(channel, found, hidden=True)
    if done is None:
        return 0
    await zero_hiding.note_hidden(pool, [each.listing_id for each in found], done)
    if done:
        logger.info("out of sight, as they show nothing", channel=channel.name, listings=len(done))
    return len(done)


async def _set(channel: Channel, found: Sequence[Unhidden], *, hidden: bool) -> set[int] | None:
    """The listings for which the channel did it; None where there is nothing to note, or it failed."""
    if not found:
        return None
    items = [
        ItemRef(each.listing_id, each.sku, each.item_id, each.parent_id, each.tracking) for each in found
    ]
    try:
        return {item.listing_id for item in await channel.set_hidden(items, hidden)}
    except ChannelError as error:
        logger.warning(
            "listings that show nothing could not be hidden or shown again",
            channel=channel.name,
            hidden=hidden,
            listings=len(items),
            problem=str(error),
        )
        return None
