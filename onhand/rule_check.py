"""Rules tried before they are saved: on the demand of past days, and on what every level would show now.

Nothing is written, and no channel is asked.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime

from onhand.domain.listings import RuleBook
from onhand.domain.past_demand import PastDemand
from onhand.domain.targets import Target, all_targets
from onhand.ledger import levels, past_demand
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.simulation.replaying import ChannelTally, Tallies, replay_sku

PAGE_LISTINGS = 1_000
DELAY_SECONDS = 1.0
"""Until a change is shown, on a channel of which nothing was measured."""


@dataclass(slots=True)
class Replayed:
    """The same past days under the rules that are, and under those that may be; `skus` were sold in them."""

    present: Tallies
    proposed: Tallies
    delays: dict[str, float]
    skus: int = 0


@dataclass(frozen=True, slots=True)
class LevelPreview:
    """A level that would be another one: what the rules make of it now, and what they would (None: not shown there)."""

    channel: str
    sku: str
    item_id: str
    place: str
    before: int | None
    after: int | None


async def replay(
    pool: Pool, present: RuleBook, proposed: RuleBook, since: datetime, delay: float | None = None
) -> Replayed:
    """Go through the days since then under both; `delay` in seconds for every channel, None: as it was measured."""
    channels = dict.fromkeys([*present.channels, *proposed.channels])
    measured = await past_demand.delays(pool, since) if delay is None else {}
    delays = {name: measured.get(name, DELAY_SECONDS if delay is None else delay) for name in channels}
    first = _empty(present)
    found = Replayed(first, first if proposed is present else _empty(proposed), delays)

    def go_through(sku: PastDemand) -> None:
        replay_sku(sku, present, delays, found.present)
        if proposed is not present:
            replay_sku(sku, proposed, delays, found.proposed)

    async for sku in past_demand.since(pool, since):
        # A bestseller's quarter takes seconds, and a worker has orders to take meanwhile.
        await asyncio.to_thread(go_through, sku)
        found.skus += 1
    return found


def _empty(rules: RuleBook) -> Tallies:
    return {channel: ChannelTally() for channel in rules.channels}


def warnings_of(found: Replayed) -> list[str]:
    """What speaks against the proposed rules: channels that starve, or oversell, more than they do now."""
    said = []
    nothing = ChannelTally()
    for channel, tally in found.proposed.items():
        before = found.present.get(channel, nothing)
        if tally.starved > before.starved:
            skus = ", ".join(f"{sku} ({units:,})" for sku, units in tally.worst_starved())
            said.append(
                f"{channel} starves: {tally.starved:,} units were asked for while it showed 0 and there was stock "
                f"({before.starved:,} under the present rules), most of them of {skus}"
            )
        if tally.oversold > before.oversold:
            said.append(
                f"{channel} oversells {tally.oversold:,} units ({before.oversold:,} under the present rules)"
            )
    return said


async def changed_levels(
    pool: Pool, present: RuleBook, proposed: RuleBook
) -> AsyncGenerator[LevelPreview, None]:
    """Every level that would show something else now, channel by channel, in the channel's order."""
    siblings = present.needs_siblings or proposed.needs_siblings
    for channel in dict.fromkeys([*proposed.channels, *present.channels]):
        cursor: ListingCursor | None = ListingCursor()
        while cursor is not None:
            page, cursor = await levels.listing_page(pool, channel, cursor, PAGE_LISTINGS, None)
            states = await levels.listing_states(pool, channel, page, siblings=siblings)
            before = _by_spot(all_targets(states, present) if channel in present.channels else [])
            after = _by_spot(all_targets(states, proposed) if channel in proposed.channels else [])
            for spot in dict.fromkeys([*after, *before]):
                old, new = before.get(spot), after.get(spot)
                if old is None or new is None or old.quantity != new.quantity:
                    yield _preview(channel, spot[1], old, new)


def _by_spot(targets: list[Target]) -> Mapping[tuple[int, str], Target]:
    return {(target.state.listing_id, target.place): target for target in targets}


def _preview(channel: str, place: str, old: Target | None, new: Target | None) -> LevelPreview:
    known = new or old
    assert known is not None, "a level is one of the rules before, or of those after"
    return LevelPreview(
        channel,
        known.state.sku,
        known.state.item_id,
        place,
        None if old is None else old.quantity,
        None if new is None else new.quantity,
    )
