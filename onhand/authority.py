"""Levels that a person changed on a channel that is the authority for a location: settle, read, sweep, then count.

What is read is only believed where the orders swept after it explain nothing of it: a sale we had not heard of would
otherwise be taken twice, once as a count and once as its order.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from onhand.channels.base import Channel, ItemRef, LevelKey
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.listings import ChannelRules
from onhand.ledger import authority, levels, work
from onhand.ledger.authority import Believed, Noted
from onhand.ledger.database import Pool
from onhand.ledger.judging import post_judged_on
from onhand.ledger.posting import Verdict

NOTED_AT_ONCE = 500
INTAKE_SECONDS = 5.0
"""How long we wait for the orders a sweep found to be posted; later ones are waited for by the next sweep."""
LOOK_SECONDS = 0.05

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Authority:
    """How long a level lies still before it is read, and within which time two authorities contradict each other."""

    settle: timedelta = timedelta(seconds=10)
    window: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Read:
    """Levels that were changed by somebody, and what the channel showed of each at that moment."""

    at: datetime
    shown: tuple[tuple[Noted, int], ...] = ()


async def read_noted(pool: Pool, channel: Channel, now: datetime, settings: Authority) -> Read:
    """Look at the levels that were put aside and have settled. Raises ChannelError."""
    noted = await authority.due(pool, channel.name, now - settings.settle, NOTED_AT_ONCE)
    if not noted:
        return Read(now)
    keys = [
        LevelKey(ItemRef(n.listing_id, n.sku, n.item_id, n.parent_id, n.tracking), n.place) for n in noted
    ]
    pairs = zip(noted, await channel.read_levels(keys), strict=True)
    return Read(now, tuple((each, level.quantity) for each, level in pairs if level.quantity is not None))


async def count_noted(
    pool: Pool, channel: str, rules: ChannelRules, read: Read, settings: Authority
) -> set[str]:
    """Post a count for each level that still differs from what we believe; answers whose publisher is to be signalled.

    To be called after the orders were swept, which was after the reading. What cannot be judged now stays for the next
    sweep.
    """
    woken: set[str] = set()
    if not read.shown or not await _orders_are_posted(pool, channel):
        return woken
    spots = [(noted.listing_id, noted.place) for noted, _ in read.shown]
    believed = await authority.believed(pool, spots, read.at)
    judged: list[Noted] = []
    for noted, shown in read.shown:
        level = believed.get((noted.listing_id, noted.place))
        location = rules.authority.get(noted.place)
        if location is not None and level is not None:
            if not level.still:
                continue
            if level.book != shown:
                await _count(pool, channel, location, noted, level, shown, read.at, settings, woken)
        judged.append(noted)
    await authority.forget(pool, judged)
    return woken


async def _count(
    pool: Pool,
    channel: str,
    location: str,
    noted: Noted,
    level: Believed,
    shown: int,
    at: datetime,
    settings: Authority,
    woken: set[str],
) -> None:
    """One statement: counted, or outvoted by a lower one; kept in either case."""
    source = f"channel/{channel}/authority"
    name = f"{noted.item_id}@{noted.place}/{at.isoformat()}"
    count = Count(source, name, noted.sku, location, shown * level.units, CountMeaning.AVAILABLE, at)
    async with pool.connection() as connection:
        (judged,) = await post_judged_on(connection, [count], settings.window, woken)
    verdict = judged.posted.verdict
    taken = (Verdict.POSTED, Verdict.UNCHANGED, Verdict.DUPLICATE, Verdict.OUTVOTED, Verdict.KIT)
    assert verdict in taken, judged.posted.message
    # Last, so that a crash before it leaves a level that is told the ledger's number, and no edit that is forgotten.
    await authority.book_as_read(pool, (noted.listing_id, noted.place), level.book, shown, at)
    if verdict is not Verdict.POSTED:
        woken |= await levels.mark(pool, [noted.sku])
    logger.info(
        "a level was changed by its authority",
        channel=channel,
        sku=noted.sku,
        location=location,
        quantity=count.quantity,
        counted=verdict not in (Verdict.OUTVOTED, Verdict.KIT),
        rival="" if judged.rival is None else judged.rival.authority,
    )


async def _orders_are_posted(pool: Pool, channel: str) -> bool:
    """Whether nothing of the channel waits in the inbox; intake is given a moment."""
    for _ in range(round(INTAKE_SECONDS / LOOK_SECONDS)):
        if not (await work.pending(pool, [channel]))[channel].inbox:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False
