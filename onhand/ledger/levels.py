"""Levels: what listings show, what they should show, and the record of telling them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from onhand.domain.gate import Grant
from onhand.domain.kits import packed
from onhand.domain.listings import Component, ListingState, Resting, Sibling
from onhand.domain.preorders import PreOrder
from onhand.domain.rests import Pace
from onhand.domain.sharing import Holder, Shared
from onhand.domain.velocity import WAITS_AT_MOST, Tier, VelocityBuffer
from onhand.ledger.database import Connection, Pool, one_statement, restore
from onhand.ledger.queries import query

Spot = tuple[int, str]
"""A listing and a place: where a level is."""
NO_CLAIM = 0
"""The claim of a level that nobody holds."""
Left = tuple[int, int | None]
"""How a level stands: by whom it is claimed, and what is believed of it (None: nothing)."""


@dataclass(frozen=True, slots=True)
class ListingCursor:
    """Where a walk over a channel's listings stands; the start is before every key."""

    sort_key: str = ""
    listing_id: int = 0


@dataclass(frozen=True, slots=True)
class LevelLearnt:
    """What became known of one claimed level, to be booked.

    `expected` is what it shows if nobody sold there unheard, `seen` what the channel stated (None: nothing).
    `shortfall` are pieces by which its statements fell short of what was expected; None where that cannot be told.
    `surplus` are pieces by which they were above it: put back, and nobody told us yet.
    `looked`: what it showed when it was looked at while nothing was believed of it, None where it was not. `asked`: the
    earliest moment that an order may be told to be of and not be in its last statement, None where it made none.
    `blind`: it was set without looking. `location` is where sales we were not told of are taken off.
    """

    listing_id: int
    place: str
    expected: int | None = None
    seen: int | None = None
    shortfall: int | None = None
    blind: bool = False
    problem: str = ""
    location: str = ""
    surplus: int = 0
    looked: int | None = None
    asked: datetime | None = None


@dataclass(frozen=True, slots=True)
class BasisPart:
    """Of a kit: the units of a component that one takes, and the version of its balance at each location."""

    sku: str
    quantity: int
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a level was decided from, kept with it so that anybody can look it up: the SKU, the units of it one piece
    takes, the version of its balance at each location drawn on (0: it was never there), and units that it may sell
    `beyond` what is available there. A kit has the versions of its components instead."""

    sku: str
    units: int
    versions: Mapping[str, int]
    beyond: int = 0
    components: tuple[BasisPart, ...] = ()

    def as_json(self) -> str:
        """The form in which it is kept."""
        kept: dict[str, object] = {"sku": self.sku, "units": self.units, "versions": self.versions}
        if self.beyond:
            kept["beyond"] = self.beyond
        if self.components:
            kept["components"] = [
                {"sku": part.sku, "quantity": part.quantity, "versions": part.versions}
                for part in self.components
            ]
        return json.dumps(kept)


@dataclass(frozen=True, slots=True)
class Push:
    """One level that was sent, and what came back: "accepted", "stale", "rejected" or "unknown".

    `due_since`: when the oldest change it tells of became durable; None where nothing was pending.
    """

    listing_id: int
    place: str
    generation: int
    quantity: int
    before: int | None
    outcome: str
    echo: int | None = None
    message: str = ""
    due_since: datetime | None = None
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What one errand sent: by which run (None: none), at which attempt, and when it was sent and answered."""

    pushes: Sequence[Push]
    run: str | None
    attempt: int
    sent_at: datetime | None
    answered_at: datetime | None


NOTHING_SENT = Sent((), None, 1, None, None)


@dataclass(frozen=True, slots=True)
class Booked:
    """What booking answers told: how many levels taught of sales nobody told us of (`learnt`), the listings with a
    level to be looked at again (`overtaken`): somebody claimed it since, so nobody knows whose write came last,
    or a sale was heard of that its answer may have or not; and the SKUs of which units came free that other levels were
    promised (`owed`)."""

    learnt: int = 0
    overtaken: tuple[int, ...] = ()
    owed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a level is to be told when it is claimed, None where it is only looked at.

    It is told no more than that. `blind`: without looking, so that what is sold meanwhile is given back. `unshared`: it
    was decided on while its SKU was in no shares, and is not to be raised if it is now.
    """

    quantity: int | None = None
    blind: bool = False
    unshared: bool = False


ONLY_LOOK = Wish()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a level could not be set, in words for an operator."""

    listing_id: int
    place: str
    category: str
    message: str
    advice: str


async def listing_page(
    pool: Pool, channel: str, after: ListingCursor, limit: int, skus: Sequence[str] | None
) -> tuple[list[int], ListingCursor | None]:
    """The next listing ids of a channel and where to go on; None when that was the end."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("listing_page"),
            {
                "channel": channel,
                "after_key": after.sort_key,
                "after_id": after.listing_id,
                "skus": None if skus is None else list(skus),
                "limit": limit,
            },
        )
        rows = await cursor.fetchall()
    ids = [row[0] for row in rows]
    return ids, ListingCursor(rows[-1][1], rows[-1][0]) if len(rows) == limit else None


async def listing_states(
    pool: Pool,
    channel: str,
    listings: Sequence[int],
    *,
    siblings: bool,
    withheld: bool = False,
    deciding: bool = False,
) -> list[ListingState]:
    """What decides the levels of these listings of one channel, in the order given, from one snapshot.

    `withheld`: for somebody who may not tell the channel what the source said before a run was let through with it.
    `deciding`: for somebody who decides whether SKUs are in shares, and how far levels with parts may be raised.
    """
    named = _named(listings, siblings=siblings, withheld=withheld, deciding=deciding)
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("listing_states"), named, binary=True)
        return [_state(channel, row) async for row in cursor]


def _named(
    listings: Sequence[int], *, siblings: bool, withheld: bool, deciding: bool = False
) -> dict[str, object]:
    return {"listings": list(listings), "siblings": siblings, "withheld": withheld, "deciding": deciding}


def _state(channel: str, row: tuple[Any, ...]) -> ListingState:
    listing, sku, item, parent, tracking, units, generation, due_since, *found = row
    places, books, paces, locations, available, halted, widened, withheld, *others = found
    resting, siblings, others = others[:5], others[5:8], others[8:]
    versions, tags, spiking, paced, preorder, reserved, parts, shared, planned, *sharing = others
    holders, (sellers, weights, rates, slowest) = sharing[:10], sharing[10:]
    components = components_of(parts)
    return ListingState(
        channel,
        listing,
        sku,
        item,
        parent,
        tracking,
        units,
        generation,
        packed([(part.quantity, part.available) for part in components])
        if components
        else dict(zip(locations or (), available or (), strict=True)),
        dict(zip(places or (), books or (), strict=True)),
        tuple(map(Sibling, *siblings)) if siblings[0] else (),
        due_since,
        dict(zip(places or (), paces or (), strict=True)),
        _resting_of(components) if components else tuple(map(Resting, *resting)) if resting[0] else (),
        halted,
        widened,
        withheld or {},
        dict(zip(locations or (), versions or (), strict=True)),
        tuple(tags),
        spiking,
        {place: VelocityBuffer(*held) for place, held in paced.items()} if paced else {},
        None if preorder is None else _preorder(preorder),
        reserved or {},
        components,
        _shared(planned) if shared else None,
        _holders(holders),
        dict(zip(sellers or (), weights or (), strict=True)),
        dict(zip(sellers or (), rates or (), strict=True)),
        slowest,
    )


def _holders(columns: Sequence[Sequence[Any]]) -> tuple[Holder, ...]:
    """Its count begins with a level's first sale."""
    if not columns[0]:
        return ()
    *told, counted_for, quiet_for, known_for, seconds = columns
    return tuple(map(Holder, *told, [since or 0.0 for since in counted_for], quiet_for, known_for, seconds))


def _shared(planned: Mapping[str, str] | None) -> Shared:
    if planned is None:
        return Shared()
    return Shared(planned=True, shares={name: Decimal(percent) for name, percent in planned.items()})


def _preorder(kept: Mapping[str, Any]) -> PreOrder:
    return PreOrder(
        kept["cap"],
        date.fromisoformat(kept["for"]),
        frozenset(kept["channels"]),
        kept["incoming"] or {},
    )


def components_of(kept: Sequence[Mapping[str, Any]] | None) -> tuple[Component, ...]:
    """What a kit is packed from, as the ledger tells it; nothing where it is no kit."""
    return tuple(
        Component(
            part["sku"],
            part["quantity"],
            part["available"] or {},
            part["versions"] or {},
            tuple(Resting(*level) for level in part["resting"] or ()),
            part["withheld"] or {},
        )
        for part in kept or ()
    )


def _resting_of(components: Sequence[Component]) -> tuple[Resting, ...]:
    """Every level that rests on any component, once."""
    levels = {(level.listing_id, level.place): level for part in components for level in part.resting}
    return tuple(levels.values())


async def listings_of_sku(pool: Pool, sku: str, channel: str | None) -> list[tuple[int, str]]:
    """(listing id, channel) of every active listing of a SKU, or of those on one channel."""
    async with pool.connection() as connection:
        cursor = await connection.execute(query("listings_of_sku"), {"sku": sku, "channel": channel})
        return [(listing, name) async for listing, name in cursor]


async def ensure_levels(pool: Pool, channel: str, places: Sequence[str]) -> None:
    """Make sure each listing of the channel has a level row at each configured place."""
    async with one_statement(pool) as connection:
        await connection.execute(query("ensure_levels"), {"channel": channel, "places": list(places)})


async def make_levels(pool: Pool, spots: Sequence[Spot]) -> None:
    """Make the rows of these levels, where a place is configured that nobody knew of when the worker started."""
    async with one_statement(pool) as connection:
        await connection.execute(
            query("make_levels"),
            {"listings": [listing for listing, _ in spots], "places": [place for _, place in spots]},
        )


async def claim(
    pool: Pool,
    channel: str,
    spots: Sequence[Spot],
    listings: Sequence[int],
    *,
    siblings: bool,
    withheld: bool = False,
    claim: int,
    seconds: float,
    wishes: Mapping[Spot, Wish] | None = None,
) -> tuple[dict[Spot, int | None], list[ListingState]]:
    """Take levels for one errand: what was believed of each that could be had, and the listings' states after that.

    `wishes`: what they are to be told, for those that are not only looked at.

    `claim` is a number of the errand's own, by which its renewals and its booking are known.

    From now on nobody believes anything of a claimed level, until its answer is booked: a process that dies, or a call
    that is lost, leaves levels that the next errand reads or writes again whatever the target is by then. A sale that
    is posted after the claim is in the states that are read after it.
    """
    wanted = {**_wanted(spots, wishes or {}), "claim": claim, "seconds": seconds}
    named = _named(listings, siblings=siblings, withheld=withheld)
    async with pool.connection() as connection:
        await connection.set_autocommit(True)
        try:
            async with connection.pipeline():
                claimed = await connection.execute(query("claim_levels"), wanted)
                found = await connection.execute(query("listing_states"), named, binary=True)
                books = {(listing, place): book for listing, place, book in await claimed.fetchall()}
                return books, [_state(channel, row) for row in await found.fetchall()]
        finally:
            await restore(connection)


def _wanted(spots: Sequence[Spot], wishes: Mapping[Spot, Wish]) -> dict[str, object]:
    found = [wishes.get(spot, ONLY_LOOK) for spot in spots]
    return {
        "listings": [listing for listing, _ in spots],
        "places": [place for _, place in spots],
        "wanted": [wish.quantity for wish in found],
        "blind": [wish.blind for wish in found],
        "unshared": [wish.unshared for wish in found],
    }


async def claim_in_shares(
    pool: Pool,
    channel: str,
    spots: Sequence[Spot],
    listings: Sequence[int],
    grants: Callable[[Mapping[Spot, int | None], list[ListingState]], Mapping[Spot, Grant]],
    *,
    siblings: bool,
    withheld: bool,
    claim: int,
    seconds: float,
) -> None:
    """As `claim`, for levels that may be raised only as far as all others of their SKUs allow.

    `grants` decides that, from what was believed of those that could be had and the listings' states: all levels of
    the SKUs are locked meanwhile, so that what they may still sell is the same until what is granted is written down.
    """
    wanted = {**_wanted(spots, {}), "claim": claim, "seconds": seconds}
    named = _named(listings, siblings=siblings, withheld=withheld, deciding=True)
    async with pool.connection() as connection:
        async with connection.pipeline():
            await connection.execute(query("lock_shared_levels"), {"listings": list(listings)})
            claimed = await connection.execute(query("claim_levels"), wanted)
            found = await connection.execute(query("listing_states"), named, binary=True)
            books = {(listing, place): book for listing, place, book in await claimed.fetchall()}
            states = [_state(channel, row) for row in await found.fetchall()]
        granted = grants(books, states)
        await connection.execute(
            query("announce_levels"),
            {
                "listings": [listing for listing, _ in granted],
                "places": [place for _, place in granted],
                "most": [grant.most for grant in granted.values()],
                "blind": [grant.blind for grant in granted.values()],
                "undoes": [grant.undoes if grant.blind else 0 for grant in granted.values()],
                "owed": [grant.owed for grant in granted.values()],
                "claim": claim,
            },
        )


async def claim_believed(
    pool: Pool,
    believed: Mapping[Spot, int],
    *,
    claim: int,
    seconds: float,
    wishes: Mapping[Spot, Wish] | None = None,
) -> dict[Spot, int | None]:
    """Take levels of which is still believed what is given, as it was read with their targets.

    A sale there that was posted since has lowered what is believed, so no target from before it is sent: such a level
    is left out, and stays pending. What was sold elsewhere since makes the target late, not wrong: the listing is
    pending under a newer generation. Otherwise as `claim`, for one look fewer.
    """
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("claim_believed"),
            {
                **_wanted(list(believed), wishes or {}),
                "books": list(believed.values()),
                "claim": claim,
                "seconds": seconds,
            },
        )
        return {(listing, place): believed[listing, place] for listing, place in await cursor.fetchall()}


async def believed(
    pool: Pool, channel: str, spots: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], set[int]]:
    """What we believe these (item id, place) of a channel show, or have told them within the last minutes.

    Items that are mapped to nothing are missing.
    """
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("believed_levels"),
            {
                "channel": channel,
                "items": [item for item, _ in spots],
                "places": [place for _, place in spots],
            },
        )
        return {
            (item, place): {quantity for quantity in quantities if quantity is not None}
            for item, place, quantities in await cursor.fetchall()
        }


async def renew_claims(pool: Pool, spots: Sequence[Spot], claim: int, seconds: float) -> None:
    """Hold claimed levels for so long from now, those that are still held by this claim."""
    async with one_statement(pool) as connection:
        await connection.execute(
            query("renew_claims"),
            {
                "listings": [listing for listing, _ in spots],
                "places": [place for _, place in spots],
                "claim": claim,
                "seconds": seconds,
            },
        )


async def written_lately(pool: Pool, spots: Sequence[Spot], seconds: float) -> set[Spot]:
    """Those of the levels that a blind write was answered for within so many seconds: it may not show yet."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("written_lately"),
            {
                "listings": [listing for listing, _ in spots],
                "places": [place for _, place in spots],
                "seconds": seconds,
            },
        )
        return {(listing, place) for listing, place in await cursor.fetchall()}


async def forget_books(pool: Pool, spots: Sequence[Spot]) -> None:
    """What these levels show is not known after all: the next errand reads or writes them again."""
    async with one_statement(pool) as connection:
        await connection.execute(
            query("forget_books"),
            {"listings": [listing for listing, _ in spots], "places": [place for _, place in spots]},
        )


async def note_shown(connection: Connection, shown: Sequence[tuple[Spot, int, int | None]]) -> None:
    """What levels were seen to show some time after they were told, as (level, told, shown).

    What we believe follows where nothing has become of the level since it was told.
    """
    await connection.execute(
        query("note_shown"),
        {
            "listings": [spot[0] for spot, _, _ in shown],
            "places": [spot[1] for spot, _, _ in shown],
            "told": [told for _, told, _ in shown],
            "shown": [quantity for _, _, quantity in shown],
        },
    )


async def book(
    connection: Connection, learnt: Sequence[LevelLearnt], answered_at: datetime, claim: int = NO_CLAIM
) -> Booked:
    """Book what a channel answered and let the levels go, in the caller's transaction.

    `claim` is the number they were claimed by. A level that somebody else has claimed since is believed by nobody.
    """
    return await booked(await ask_to_book(connection, learnt, answered_at, claim))


async def ask_to_book(
    connection: Connection, learnt: Sequence[LevelLearnt], answered_at: datetime, claim: int
) -> AsyncCursor[TupleRow] | None:
    """The same, where what it tells is read later (`booked`); None where there is nothing to book."""
    if not learnt:
        return None
    return await connection.execute(
        query("book_levels"),
        {
            "listings": [each.listing_id for each in learnt],
            "places": [each.place for each in learnt],
            "expected": [each.expected for each in learnt],
            "seen": [each.seen for each in learnt],
            "shortfalls": [each.shortfall for each in learnt],
            "surpluses": [each.surplus for each in learnt],
            "blind": [each.blind for each in learnt],
            "problems": [each.problem for each in learnt],
            "locations": [each.location for each in learnt],
            "looked": [each.looked for each in learnt],
            "asked": [each.asked for each in learnt],
            "claim": claim,
            "answered_at": answered_at,
        },
    )


async def booked(asked: AsyncCursor[TupleRow] | None) -> Booked:
    """What booking answers told."""
    if asked is None:
        return Booked()
    row = await asked.fetchone()
    assert row is not None
    return Booked(row[0], tuple(row[1]), tuple(row[2]))


async def pending_live(pool: Pool, channel: str, limit: int) -> list[int]:
    """Listings that the publisher of a channel has to look at now: real-time SKUs first, then whoever waits longest.

    One that has waited longer than its tier allows goes first; such are at most half of them. A listing that somebody
    else is telling something in this moment is left out.
    """
    async with one_statement(pool) as connection:
        cursor = await connection.execute(
            query("pending_live"),
            {
                "channel": channel,
                "limit": limit,
                "quarter_hour": WAITS_AT_MOST[Tier.QUARTER_HOUR],
                "hourly": WAITS_AT_MOST[Tier.HOURLY],
            },
            binary=True,
        )
        return [listing for (listing,) in await cursor.fetchall()]


async def paces_of_skus(pool: Pool, listings: Sequence[int]) -> dict[int, list[Pace]]:
    """How fast every level of these listings' SKUs sells, by listing asked for; other levels that rest are left out."""
    found: dict[int, list[Pace]] = {}
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("paces_of_skus"), {"listings": list(listings)})
        async for asked, *pace in cursor:
            found.setdefault(asked, []).append(Pace(*pace))
    return found


async def change_rests(pool: Pool, begun: Mapping[Spot, int], ended: Sequence[Spot]) -> None:
    """Levels that are told their share (pieces) and then left alone, and such as have calmed."""
    async with pool.connection() as connection, connection.pipeline():
        await connection.execute(
            query("begin_rest"),
            {
                "listings": [listing for listing, _ in begun],
                "places": [place for _, place in begun],
                "shares": list(begun.values()),
            },
        )
        await connection.execute(
            query("end_rest"),
            {"listings": [listing for listing, _ in ended], "places": [place for _, place in ended]},
        )


async def leave_alone(pool: Pool, rests: Sequence[tuple[int, int, float]]) -> None:
    """Do not look at listings (listing, generation, seconds) for a while, unless they were marked since."""
    async with one_statement(pool) as connection:
        await connection.execute(
            query("leave_alone"),
            {
                "listings": [listing for listing, _, _ in rests],
                "generations": [generation for _, generation, _ in rests],
                "seconds": [seconds for _, _, seconds in rests],
            },
        )


async def isolate(pool: Pool, listings: Sequence[int]) -> None:
    """Leave these listings to the updates of their own SKUs; the publisher goes on without them."""
    async with one_statement(pool) as connection:
        await connection.execute(query("isolate_listings"), {"listings": list(listings)})


async def isolated_skus(pool: Pool, channel: str, limit: int) -> list[str]:
    """SKUs of which a listing of the channel is left to its own update, whether that runs or not."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("isolated_skus"), {"channel": channel, "limit": limit})
        return [sku for (sku,) in await cursor.fetchall()]


async def rejoin(pool: Pool, channel: str, listings: Sequence[int], *, live: bool) -> bool:
    """Give listings that were isolated back to the publisher, or (not `live`) to the next sync run.

    Answers whether the channel's publisher has to be signalled.
    """
    async with pool.connection() as connection:
        row = await (
            await connection.execute(
                query("rejoin_listings"), {"listings": list(listings), "channel": channel, "live": live}
            )
        ).fetchone()
        return row is not None and live and bool(row[0])


async def mark(pool: Pool, skus: Sequence[str], *, live: bool = True) -> set[str]:
    """Every listing of these SKUs is looked at again; answers the channels whose publisher is to be signalled.

    Not `live`: by the next sync run, and nobody is to be signalled.
    """
    named = {"skus": list(skus), "live": live}
    async with one_statement(pool) as connection:
        row = await (await connection.execute(query("mark_skus"), named)).fetchone()
        assert row is not None
        return set(row[0] or ())


async def settle(
    connection: Connection,
    settled: Sequence[tuple[int, int]],
    left: Mapping[Spot, Left] | None = None,
    *,
    sent: Sent | None = None,
    accepted: Sequence[int] = (),
) -> AsyncCursor[TupleRow]:
    """Drop outbox rows (listing, generation) that nothing has touched since they were read; answers which, as rows.

    `left`: how their levels stand if nobody else has had them meanwhile. A listing of which one is otherwise stays
    pending. In the same statement the record of what was `sent` is kept, and listings whose levels were `accepted` are
    no dead letters any more.
    """
    stand = left or {}
    return await connection.execute(
        query("settle_listings"),
        {
            "settled": [listing for listing, _ in settled],
            "settled_generations": [generation for _, generation in settled],
            "left_listings": [listing for listing, _ in stand],
            "left_places": [place for _, place in stand],
            "left_claims": [claim for claim, _ in stand.values()],
            "left_books": [book for _, book in stand.values()],
            "unparked": list(accepted),
            **_kept(sent or NOTHING_SENT),
        },
    )


def _kept(sent: Sent) -> dict[str, object]:
    return {
        "run": sent.run,
        "attempt": sent.attempt,
        "sent_at": sent.sent_at,
        "answered_at": sent.answered_at,
        "listings": [push.listing_id for push in sent.pushes],
        "places": [push.place for push in sent.pushes],
        "generations": [push.generation for push in sent.pushes],
        "quantities": [push.quantity for push in sent.pushes],
        "befores": [push.before for push in sent.pushes],
        "outcomes": [push.outcome for push in sent.pushes],
        "echoes": [push.echo for push in sent.pushes],
        "messages": [push.message or None for push in sent.pushes],
        "dues": [push.due_since for push in sent.pushes],
        "bases": [push.basis and push.basis.as_json() for push in sent.pushes],
    }


async def settled_by_others(pool: Pool, listings: Sequence[int]) -> list[str]:
    """The SKUs of those of these listings that are not pending any more."""
    async with one_statement(pool) as connection:
        cursor = await connection.execute(query("settled_by_others"), {"listings": list(listings)})
        return [sku for (sku,) in await cursor.fetchall()]


async def park(pool: Pool, failure: Failure, workflow_id: str) -> None:
    """Keep a listing as a dead letter."""
    async with pool.connection() as connection:
        await connection.execute(
            query("park_level"),
            {
                "listing": failure.listing_id,
                "workflow": workflow_id,
                "category": failure.category,
                "message": failure.message,
                "advice": failure.advice,
            },
        )
