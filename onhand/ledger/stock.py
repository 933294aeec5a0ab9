"""What people look at: a SKU's balances, the events behind them, and what its listings were told.

Every read here is bounded, so that it is as fast for a SKU with a million events as for a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from itertools import groupby
from typing import Any

from onhand.domain.counts import Count, CountMeaning, Shelf
from onhand.domain.states import ON_HAND, State
from onhand.domain.velocity import Tier
from onhand.ledger.database import Pool
from onhand.ledger.queries import query

LINES_PER_EVENT = 4
"""Ledger lines of a SKU that an event usually has at most; decides how many are fetched for so many events."""
RECENT_PUSHES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class SkuCard:
    """A SKU by its names, with units sold a day and how soon its changes are published when a budget is short."""

    code: str
    name: str
    barcode: str
    status: str
    tier: Tier = Tier.HOURLY
    per_day: float = 0.0


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Units of a SKU at one location, by state; `version` is how many ledger lines made them."""

    location: str
    version: int
    moved_at: datetime
    units: Mapping[State, int]

    @property
    def on_hand(self) -> int:
        """What one would count on the shelf."""
        return sum(self.units[state] for state in ON_HAND)


@dataclass(frozen=True, slots=True)
class Line:
    """One ledger line: units that entered or left a state at a location, and what was there after."""

    location: str
    version: int
    state: State
    quantity: int
    balance_after: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event with its lines of the SKU, as the ledger has it."""

    event_id: int
    kind: str
    source: str
    external_id: str
    occurred_at: datetime
    recorded_at: datetime
    detail: Mapping[str, str]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """What is known of one listing at one place of its channel.

    Until `claimed_until` somebody is reading or writing it there, and nobody knows what it shows. `given_back`: pieces
    sold there that a blind write had put on show again. `owed`: it is told more when others have answered that they
    show fewer. `blind`: it was set without looking before, and so gives back what is sold meanwhile.
    """

    place: str
    book: int | None
    booked_at: datetime | None
    shown: int | None
    shown_at: datetime | None
    problem: str
    claimed_until: datetime | None = None
    given_back: int = 0
    owed: bool = False
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Provisional:
    """Pieces of a listing that an answer of its channel showed to be sold, before the order came.

    They are off the pool at `location`, `units` of the SKU for each piece.
    """

    channel: str
    item_id: str
    place: str
    location: str
    pieces: int
    units: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A change the channel has not been told yet, and since when."""

    generation: int
    since: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A listing whose own update gave up."""

    parked_at: datetime
    category: str
    message: str
    advice: str
    workflow_id: str


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """A listing of a SKU with all that is known of it."""

    listing_id: int
    channel: str
    platform: str
    item_id: str
    units: int
    pinned: bool
    seen_at: datetime
    pending: Pending | None
    parked: DeadLetter | None
    levels: tuple[LevelFacts, ...]


@dataclass(frozen=True, slots=True)
class PushRow:
    """A level that was sent to a channel, and what came back."""

    listing_id: int
    place: str
    run_id: str | None
    generation: int
    before: int | None
    quantity: int
    outcome: str
    echo: int | None
    message: str | None
    attempt: int
    sent_at: datetime
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class PendingListing:
    """A listing that still has to be told something."""

    channel: str
    item_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """How a channel stands."""

    channel: str
    platform: str
    mapped_at: datetime | None
    listings: int
    pending: int
    pending_since: datetime | None
    parked: int
    pushed_at: datetime | None
    push_outcome: str | None
    run_id: str | None
    run_started_at: datetime | None
    run_status: str | None


async def sku_card(pool: Pool, sku: str) -> SkuCard | None:
    """The SKU of that code, None where there is none."""
    rows = await _fetch(pool, "sku_card", sku=sku)
    if not rows:
        return None
    code, name, barcode, status, tier, per_day = rows[0]
    return SkuCard(code, name, barcode, status, Tier(tier), per_day)


async def similar_skus(pool: Pool, text: str, limit: int = 3) -> list[tuple[str, str]]:
    """(code, name) of SKUs that may have been meant by `text`, the likeliest first."""
    names: dict[str, str] = {}
    found: dict[str, list[str]] = {"same": [], "near": [], "named": []}
    for code, name, how in await _fetch(pool, "similar_skus", text=text):
        names[code] = name
        found[how].append(code)
    folded = {code.lower(): code for code in found["near"]}
    close = [folded[code] for code in get_close_matches(text.lower(), folded, limit, cutoff=0.7)]
    likely = dict.fromkeys([*found["same"], *close, *found["named"]])
    return [(code, names[code]) for code in likely][:limit]


async def sku_balances(pool: Pool, sku: str) -> list[BalanceRow]:
    """Units of a SKU at every location it was ever at."""
    rows = await _fetch(pool, "sku_balances", sku=sku)
    return [
        BalanceRow(location, version, moved_at, dict(zip(State, units, strict=True)))
        for location, version, moved_at, *units in rows
    ]


async def sku_events(pool: Pool, sku: str, limit: int) -> list[EventRow]:
    """The newest events of a SKU, newest first, each with all its lines of the SKU."""
    fetched = max(1, limit) * LINES_PER_EVENT
    rows = await _fetch(pool, "sku_lines", sku=sku, lines=fetched)
    events = [_event(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]
    # Where a location had more lines than were fetched, its oldest event here may lack some of its own.
    cut_at = max(
        (_oldest_when_cut(rows, location, fetched) for location in {row[7] for row in rows}), default=0
    )
    return [event for event in events if event.event_id > cut_at][:limit]


def _oldest_when_cut(rows: Sequence[tuple[Any, ...]], location: str, fetched: int) -> int:
    ids = [row[0] for row in rows if row[7] == location]
    return min(ids) if len(ids) == fetched else 0


def _event(rows: Sequence[tuple[Any, ...]]) -> EventRow:
    event_id, kind, source, external_id, occurred_at, recorded_at, detail = rows[0][:7]
    lines = tuple(
        Line(location, version, State(state), quantity, after)
        for *_, location, version, state, quantity, after in rows
    )
    return EventRow(event_id, kind, source, external_id, occurred_at, recorded_at, detail or {}, lines)


async def event_lines(pool: Pool, event_id: int, sku: str) -> list[Line]:
    """What an event changed of a SKU."""
    rows = await _fetch(pool, "event_lines", event=event_id, sku=sku)
    return [Line(place, version, State(state), units, after) for place, version, state, units, after in rows]


async def sku_listings(pool: Pool, sku: str, channel: str | None = None) -> list[ListingFacts]:
    """The active listings of a SKU, or those on one channel."""
    rows = await _fetch(pool, "sku_listings", sku=sku, channel=channel)
    levels = await _fetch(pool, "level_facts", listings=[row[0] for row in rows])
    return [
        _listing(row, tuple(LevelFacts(*facts) for listing, *facts in levels if listing == row[0]))
        for row in rows
    ]


def _listing(row: tuple[Any, ...], levels: tuple[LevelFacts, ...]) -> ListingFacts:
    listing, channel, platform, item, units, pinned, seen_at, generation, marked_at, parked_at, *why = row
    pending = None if generation is None else Pending(generation, marked_at)
    parked = None if parked_at is None else DeadLetter(parked_at, *why)
    return ListingFacts(listing, channel, platform, item, units, pinned, seen_at, pending, parked, levels)


async def provisional(pool: Pool, sku: str) -> list[Provisional]:
    """Sales of a SKU that channels' answers told of and no order yet, the oldest first."""
    return [Provisional(*row) for row in await _fetch(pool, "provisional_of_sku", sku=sku)]


async def last_pushes(pool: Pool, listings: Sequence[int], limit: int) -> list[PushRow]:
    """The latest pushes of each of these listings, all together newest first."""
    return [PushRow(*row) for row in await _fetch(pool, "last_pushes", listings=list(listings), limit=limit)]


async def pending_listings(pool: Pool, sku: str) -> list[PendingListing]:
    """Listings of a SKU that still have to be told something."""
    return [PendingListing(*row) for row in await _fetch(pool, "pending_listings", sku=sku)]


async def channel_overview(pool: Pool, channels: Sequence[str]) -> list[ChannelRow]:
    """How each of these channels stands."""
    rows = await _fetch(pool, "channel_overview", channels=list(channels), pushes=RECENT_PUSHES_MAX)
    return [ChannelRow(*row) for row in rows]


async def shelves_now(pool: Pool, stated: Sequence[Count]) -> list[Shelf | None]:
    """What posting these counts would be based on at this moment; None where the ledger knows no such shelf."""
    names = {"skus": [count.sku for count in stated], "locations": [count.location for count in stated]}
    moments = {
        "as_of": [c.as_of for c in stated],
        "sure_of": [c.sure_of for c in stated],
        "versions": [c.base_version for c in stated],
    }
    now = {n - 1: units for n, *units in await _fetch(pool, "shelves_now", **names)}
    moved = {n - 1: units for n, *units in await _fetch(pool, "moved_since_counts", **names, **moments)}
    return [
        _shelf(count, now[n], moved.get(n, (0, 0))) if n in now else None for n, count in enumerate(stated)
    ]


def _shelf(count: Count, now: Sequence[Any], moved: Sequence[int]) -> Shelf:
    version, counted_as_of, *units = now
    which = 0 if count.meaning is CountMeaning.AVAILABLE else 1
    return Shelf(version, int(units[which]), int(moved[which]), counted_as_of)


async def _fetch(pool: Pool, name: str, **named: object) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query(name), named)).fetchall()
