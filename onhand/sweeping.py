"""Sweeps: poll what webhooks may have failed to tell, prove provisional demand right or wrong, mend subscriptions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from onhand.channels.base import Channel, Subscription
from onhand.domain.sales import ChannelOrder, as_json
from onhand.ledger import inbox, orders, work
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.ledger.work import Pending

OVERLAP = timedelta(minutes=5)
"""Sweeps overlap by so much: the channel's clock is not ours, and its search index may lag."""
FIRST_LOOK = timedelta(hours=1)
"""How far the first sweep of a channel looks back; what was sold before is in the stock that was counted."""
PATIENCE = timedelta(minutes=2)
"""Provisional demand older than this that a sweep does not confirm is no sale: somebody lowered the level by hand.

The setting `disprove_after_seconds` says how long in an installation."""

logger = structlog.get_logger()


@dataclass(slots=True)
class Swept:
    """What one sweep found: orders read, those the ledger knew nothing of, and who is to be signalled."""

    orders: int = 0
    missed: int = 0
    dropped: int = 0
    woken: set[str] = field(default_factory=set)
    disproved_woken: set[str] = field(default_factory=set)


async def pending(pool: Pool, channel: str) -> Pending:
    """Whether something waits for this channel's intake or publisher."""
    return (await work.pending(pool, [channel]))[channel]


async def sweep(pool: Pool, channel: Channel, now: datetime, patience: timedelta = PATIENCE) -> Swept:
    """Read every order changed since the last sweep; what the ledger does not have goes through the inbox.

    `patience`: how old provisional demand has to be before the last sweep's silence disproves it. Raises
    ChannelError; the next sweep then reads from where this one began.
    """
    (state,) = await work.of_channels(pool, [channel.name])
    since = now - FIRST_LOOK if state.swept_to is None else state.swept_to - OVERLAP
    swept = Swept()
    if state.swept_at is not None and not state.inbox:
        await _drop_disproved(pool, channel.name, state.swept_at - patience, swept)
    newest = since
    async for page in channel.orders.changed(since):
        swept.orders += len(page)
        await _keep_missed(pool, channel.name, page, swept)
        newest = max([newest, *(order.updated_at for order in page)])
    # By the channel's own clock where it said anything; a quiet channel moves on with ours, less the overlap.
    await work.note_sweep(pool, channel.name, max(newest, now - OVERLAP))
    return swept


async def _keep_missed(pool: Pool, channel: str, page: Sequence[ChannelOrder], swept: Swept) -> None:
    known = await orders.versions(pool, channel, [order.order_id for order in page])
    newer = [order for order in page if known.get(order.order_id, -1) < order.version]
    if not newer:
        return
    accepted = await inbox.accept(
        pool,
        [
            Received(
                channel=channel,
                delivery_id="sweep",
                digest=digest_of(order),
                kind="order",
                topic="sweep",
                subject=order.order_id,
                body=as_json(order),
            )
            for order in newer
        ],
    )
    swept.missed += sum(1 for order in newer if order.order_id not in known)
    if any(answer.woken for answer in accepted):
        swept.woken.add(channel)


def digest_of(order: ChannelOrder) -> bytes:
    """What tells one state of an order from another; its version does not.

    BigCommerce's grows with every fetch for some minutes after a change (`version_at`), and each sweep of those minutes
    would keep the same state again.
    """
    return hashlib.blake2b(repr(replace(order, version=0)).encode(), digest_size=16).digest()


async def _drop_disproved(pool: Pool, channel: str, before: datetime, swept: Swept) -> None:
    """Demand that an answer told of, and that the sweep before this one found no order for.

    Called with nothing in the inbox: whatever that sweep found was posted, and took the place of what was told.
    """
    dropped, woken = await orders.drop_disproved(pool, channel, before)
    swept.dropped = len(dropped)
    swept.disproved_woken = woken
    for sku, place, pieces in dropped:
        logger.info(
            "a level fell without a sale; it is told again",
            channel=channel,
            sku=sku,
            place=place,
            pieces=pieces,
        )


async def mend_hooks(pool: Pool, channel: Channel, public_url: str) -> str:
    """Make the channel's webhooks deliver to us again where they do not; answers what was wrong, in words.

    What was found is noted before it is mended: what cannot be mended stays noted.
    """
    url = hooks_url(public_url, channel.name)
    wrong = hook_problems(channel, url, await channel.hooks.found())
    await work.note_hooks(pool, channel.name, wrong)
    if wrong:
        await channel.hooks.ensure(url)
        await work.note_hooks(pool, channel.name, "")
        logger.warning("webhook subscriptions were mended", channel=channel.name, problem=wrong)
    return wrong


def hooks_url(base: str, channel: str) -> str:
    """Where a channel's webhooks go, under the address at which it reaches us."""
    return f"{base}/webhooks/{channel}"


def hook_problems(channel: Channel, url: str, found: Sequence[Subscription]) -> str:
    """What keeps webhooks from reaching us; empty when nothing does."""
    ours = {each.topic: each for each in found if each.url == url}
    missing = [topic for topic in channel.hooks.topics if topic not in ours]
    off = [
        f"{each.topic} is switched off ({each.problem or 'no reason given'})"
        for each in ours.values()
        if not each.active
    ]
    return "; ".join([*([f"no subscription to {', '.join(missing)}"] if missing else []), *off])
