"""The walk over everything a channel shows, page by page in constant memory: what differs is suspect, nothing more."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onhand.channels.base import Channel, Condition, FoundLevel, LevelKey
from onhand.domain.listings import RuleBook
from onhand.domain.targets import all_targets
from onhand.ledger import levels, reconcile
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.reconcile import Found
from onhand.publish.work import key_of
from onhand.reconcile.policy import ReadBack

PAGE_LISTINGS = 500


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk came by: levels of ours, and how many of them are to be looked at again; and when it began."""

    began: datetime
    levels: int
    suspects: int


async def walk(back: ReadBack, skus: Sequence[str] | None) -> Walked:
    """Hold what the channel shows against what is believed; only these SKUs are read where some are given.

    A walk that is begun again forgets what the first one suspected. Raises ChannelError.
    """
    await reconcile.begin_channel(back.pool, back.id, back.name)
    places = list(back.channel_rules.places)
    await levels.ensure_levels(back.pool, back.name, places)
    began = asked_at = datetime.now(UTC)
    seen = suspects = 0
    pages = (
        back.channel.walk_levels(places)
        if skus is None
        else pages_of(back.pool, back.channel, back.rules, skus)
    )
    async for page in pages:
        found = [found_of(level) for level in page]
        ours, accused = await reconcile.merge(
            back.pool,
            back.id,
            back.name,
            found,
            asked_at,
            accept_overselling=back.policy.accept_overselling,
        )
        seen, suspects = seen + ours, suspects + accused
        await reconcile.progress(back.pool, back.id, back.name, seen, suspects)
        asked_at = datetime.now(UTC)
    if skus is None:
        suspects += await reconcile.accuse_missing(back.pool, back.id, back.name, places, began)
        await reconcile.progress(back.pool, back.id, back.name, seen, suspects)
    await add_costs(back)
    return Walked(began, seen, suspects)


async def pages_of(
    pool: Pool, channel: Channel, rules: RuleBook, skus: Sequence[str]
) -> AsyncIterator[list[FoundLevel]]:
    """The levels of some SKUs, read as a walk would find them, as far as reading tells."""
    size = channel.capabilities.bulk_size
    onward: ListingCursor | None = ListingCursor()
    while onward is not None:
        listings, onward = await levels.listing_page(pool, channel.name, onward, PAGE_LISTINGS, skus)
        states = await levels.listing_states(pool, channel.name, listings, siblings=False)
        keys = [key_of(target) for target in all_targets(states, rules)]
        for start in range(0, len(keys), size):
            yield await _read(channel, keys[start : start + size])


async def _read(channel: Channel, keys: Sequence[LevelKey]) -> list[FoundLevel]:
    return [
        FoundLevel(
            item_id=level.key.item.item_id,
            place=level.key.place,
            quantity=level.quantity,
            condition=Condition.UNTRACKED if level.quantity is None else Condition.SELLING,
            problem=level.problem,
            tracking=level.key.item.tracking,
        )
        for level in await channel.read_levels(keys)
    ]


def found_of(level: FoundLevel) -> Found:
    """A level as the ledger takes it."""
    return Found(
        level.item_id, level.tracking, level.place, level.quantity, level.condition.value, level.changed_at
    )


async def add_costs(back: ReadBack) -> None:
    """What the channel's calls have cost since they were last written down."""
    spent = back.channel.meter.take()
    await reconcile.add_costs(
        back.pool,
        back.id,
        back.name,
        reads=spent.reads,
        writes=spent.writes,
        throttled=spent.throttled,
        waited=spent.waited_seconds,
    )
