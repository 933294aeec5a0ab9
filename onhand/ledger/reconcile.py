"""Read-backs in the ledger: pages of a walk merged with what is believed, suspects, drifts and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from onhand.domain.drift import Action, Judgement, LastPush
from onhand.domain.guard import Tally
from onhand.ledger.database import Connection, Pool, execute, fetched
from onhand.ledger.levels import Spot
from onhand.ledger.queries import query

DRIFTS_LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """A level as a walk found it. `condition` is the channel's word for what the level means to shoppers."""

    item_id: str
    tracking: str
    place: str
    quantity: int | None
    condition: str
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A level to be looked at again: what was believed (`book`) and what the walk found (`shown`)."""

    listing_id: int
    place: str
    book: int | None
    shown: int | None
    condition: str
    missing: bool
    changed_at: datetime | None
    item_id: str
    last_push: LastPush | None

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return self.listing_id, self.place


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a suspect: "right", "differs" or "in_flight", with what was `expected` and `seen` then."""

    listing_id: int
    place: str
    outcome: str
    expected: int | None = None
    seen: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Accused:
    """A suspect that was looked at again, with all evidence.

    `book` and `shown` are of the walk, `expected` and `seen` of the second look. `demand` and `put_back` are pieces
    that answers told of and that no order or cancellation has explained so far. `last_push`: before the second look,
    or, where that found it right, before the walk. Since that began: `sold`, an order of it was heard of; `told`, it
    was written again.
    """

    listing_id: int
    place: str
    sku: str
    item_id: str
    parent_id: str
    tracking: str
    units: int
    book: int | None
    shown: int | None
    condition: str
    missing: bool
    changed_at: datetime | None
    expected: int | None
    seen: int | None
    problem: str
    outcome: str
    last_push: LastPush | None
    demand: int
    put_back: int
    sold: bool = False
    told: bool = False

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return self.listing_id, self.place


@dataclass(frozen=True, slots=True)
class SweptOrders:
    """Orders that only a sweep has told of: their pieces of one level, their ids, and when the oldest was placed."""

    pieces: int
    orders: tuple[str, ...]
    placed_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDrift:
    """What is to be recorded of one level; `resolution` says why it is over already, empty while it is not."""

    listing_id: int
    place: str
    expected: int | None
    shown: int | None
    judgement: Judgement
    action: Action
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class DriftRow:
    """A recorded drift. `happened_at`: when what it is blamed on happened, where that is known."""

    drift_id: int
    reconciliation_id: str
    channel: str
    sku: str
    listing_id: int
    item_id: str
    place: str
    found_at: datetime
    seen_at: datetime
    expected: int | None
    shown: int | None
    cause: str
    evidence: str
    happened_at: datetime | None
    action: str
    resolved_at: datetime | None
    resolution: str
    units: int


@dataclass(frozen=True, slots=True)
class CauseCount:
    """Drifts of one channel with one cause in one hour; `open` of them are still so."""

    channel: str
    cause: str
    hour: datetime
    drifts: int
    open: int


@dataclass(frozen=True, slots=True)
class ReconciliationRow:
    """One read-back as recorded. `run_id`: the sync run that started it, None where nobody's did."""

    id: str
    run_id: str | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    request: Mapping[str, Any]
    summary: str


@dataclass(frozen=True, slots=True)
class ReconciledChannel:
    """What a read-back found on one channel; `open` drifts of it are not over yet."""

    channel: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    levels: int
    suspects: int
    drifts: int
    halted: int
    reads: int
    writes: int
    throttled: int
    waited_seconds: float
    message: str
    open: int


# The record of a read-back.


async def begin(pool: Pool, reconciliation: str, run: str | None, request: Mapping[str, Any]) -> None:
    """Record that a read-back began."""
    named = {"id": reconciliation, "run": run, "request": Jsonb(dict(request))}
    await execute(pool, "begin_reconciliation", **named)


async def begin_channel(pool: Pool, reconciliation: str, channel: str) -> None:
    """A channel is taken up, maybe again. What an earlier try suspected is forgotten."""
    named = {"id": reconciliation, "channel": channel}
    async with pool.connection() as connection:
        await connection.execute(query("forget_suspects"), named)
        await connection.execute(query("begin_reconciliation_channel"), named)


async def progress(pool: Pool, reconciliation: str, channel: str, levels: int, suspects: int) -> None:
    """How far a walk has come."""
    named = {"id": reconciliation, "channel": channel, "levels": levels, "suspects": suspects}
    await execute(pool, "reconciliation_progress", **named)


async def add_costs(
    pool: Pool, reconciliation: str, channel: str, *, reads: int, writes: int, throttled: int, waited: float
) -> None:
    """What a step cost the channel's budget."""
    spent = {"reads": reads, "writes": writes, "throttled": throttled, "waited": waited}
    await execute(pool, "add_reconciliation_costs", id=reconciliation, channel=channel, **spent)


async def finish_channel(
    pool: Pool, reconciliation: str, channel: str, status: str | None, message: str
) -> ReconciledChannel:
    """Close a channel's part; `status` None: what was found decides. Answers it as recorded."""
    named = {"id": reconciliation, "channel": channel, "status": status, "message": message}
    async with pool.connection() as connection:
        await connection.execute(query("finish_reconciliation_channel"), named)
        await connection.execute(query("forget_suspects"), named)
    return next(row for row in await channels_of(pool, reconciliation) if row.channel == channel)


async def finish(pool: Pool, reconciliation: str, status: str, summary: str) -> None:
    """Close a read-back, and whatever it has left open."""
    named = {"id": reconciliation, "status": status, "summary": summary}
    async with pool.connection() as connection:
        await connection.execute(query("close_reconciliation_channels"), named)
        await connection.execute(query("finish_reconciliation"), named)


async def get(pool: Pool, reconciliation: str) -> ReconciliationRow | None:
    """One read-back; None where it was not recorded."""
    rows = await fetched(pool, "get_reconciliation", id=reconciliation)
    return ReconciliationRow(*rows[0]) if rows else None


async def recent(pool: Pool, limit: int) -> list[ReconciliationRow]:
    """The newest read-backs."""
    rows = await fetched(pool, "recent_reconciliations", limit=limit)
    return [ReconciliationRow(*row) for row in rows]


async def channels_of(pool: Pool, reconciliation: str) -> list[ReconciledChannel]:
    """What a read-back found, channel by channel."""
    rows = await fetched(pool, "reconciliation_channels", id=reconciliation)
    return [ReconciledChannel(*row) for row in rows]


async def forget_old(pool: Pool, days: int) -> None:
    """Let go of records past their retention."""
    await execute(pool, "forget_reconciliations", days=days)


# The walk.


async def merge(
    pool: Pool,
    reconciliation: str,
    channel: str,
    page: Sequence[Found],
    asked_at: datetime,
    *,
    accept_overselling: bool,
) -> tuple[int, int]:
    """Note what a page that was asked for at that moment shows; answers (levels of ours on it, suspects among them)."""
    asked = {"asked_at": asked_at, "accept_overselling": accept_overselling}
    named = {"id": reconciliation, **_page(channel, page), **asked}
    ((levels, suspects),) = await fetched(pool, "merge_found", **named)
    return levels, suspects


async def compare(
    pool: Pool, channel: str, page: Sequence[Found], asked_at: datetime, *, accept_overselling: bool
) -> list[Accused]:
    """The suspects of a page, for somebody who only looks: nothing is noted. They were not looked at again."""
    asked = {"asked_at": asked_at, "accept_overselling": accept_overselling}
    rows = await fetched(pool, "compare_found", **_page(channel, page), **asked)
    return [_compared(row) for row in rows]


async def believed_before(
    pool: Pool, channel: str, places: Sequence[str], since: datetime, after: Spot, limit: int
) -> list[Accused]:
    """The next levels, after that one, that a whole walk which began `since` should have come by; nothing is noted.

    They are in the order of their spots.
    """
    named = {"channel": channel, "places": list(places), "since": since}
    rows = await fetched(pool, "believed_before", **named, listing=after[0], place=after[1], limit=limit)
    return [_compared(row, missing=True) for row in rows]


def _compared(row: tuple[Any, ...], *, missing: bool = False) -> Accused:
    listing, place, sku, item, parent, tracking, units, book, quantity, condition, changed_at, *push = row
    return Accused(
        listing,
        place,
        sku,
        item,
        parent,
        tracking,
        units,
        book=book,
        shown=quantity,
        condition=condition,
        missing=missing,
        changed_at=changed_at,
        expected=book,
        seen=quantity,
        problem="",
        outcome="differs",
        last_push=_last_push(push),
        demand=0,
        put_back=0,
    )


def _page(channel: str, page: Sequence[Found]) -> dict[str, Any]:
    return {
        "channel": channel,
        "items": [found.item_id for found in page],
        "trackings": [found.tracking for found in page],
        "places": [found.place for found in page],
        "quantities": [found.quantity for found in page],
        "conditions": [found.condition for found in page],
        "changed": [found.changed_at for found in page],
    }


async def accuse_missing(
    pool: Pool, reconciliation: str, channel: str, places: Sequence[str], since: datetime
) -> int:
    """Suspect what a whole walk that began then did not come by; answers how many levels those are."""
    named = {"id": reconciliation, "channel": channel, "places": list(places), "since": since}
    return await execute(pool, "accuse_missing", **named)


async def to_look_at(pool: Pool, reconciliation: str, channel: str, limit: int) -> list[Suspect]:
    """The next suspects that were not looked at again."""
    named = {"id": reconciliation, "channel": channel, "limit": limit}
    rows = await fetched(pool, "suspects_to_look_at", **named)
    return [Suspect(*(*row[:8], _last_push(row[8:]))) for row in rows]


async def save_looks(
    pool: Pool, reconciliation: str, channel: str, looks: Sequence[Look], looked_at: datetime
) -> None:
    """What was seen of suspects."""
    named = {
        "id": reconciliation,
        "channel": channel,
        "listings": [look.listing_id for look in looks],
        "places": [look.place for look in looks],
        "expected": [look.expected for look in looks],
        "seen": [look.seen for look in looks],
        "problems": [look.problem for look in looks],
        "outcomes": [look.outcome for look in looks],
        "looked_at": looked_at,
    }
    await execute(pool, "save_looks", **named)


async def suspects(pool: Pool, reconciliation: str, channel: str) -> tuple[int, int]:
    """How many levels are suspects, and how many of them were not right when they were looked at again."""
    ((all_, wrong),) = await fetched(pool, "suspect_counts", id=reconciliation, channel=channel)
    return all_, wrong


async def in_numbers(pool: Pool, reconciliation: str, channel: str) -> Tally:
    """What repairing the suspects would do to the channel, as far as it is not explained by sales heard of since."""
    rows = await fetched(pool, "suspects_in_numbers", id=reconciliation, channel=channel)
    return Tally(*rows[0]) if rows else Tally()


async def to_judge(
    pool: Pool, reconciliation: str, channel: str, began: datetime, limit: int
) -> list[Accused]:
    """The next suspects that were looked at and not judged; `began`: when the walk that found them did."""
    named = {"id": reconciliation, "channel": channel, "began": began, "limit": limit}
    rows = await fetched(pool, "suspects_to_judge", **named)
    return [Accused(*(*row[:16], _last_push(row[16:19]), *row[19:])) for row in rows]


async def newest_delivery(pool: Pool) -> int:
    """The number of the last delivery that is durable."""
    ((number,),) = await fetched(pool, "newest_delivery")
    return int(number)


async def unheard_until(pool: Pool, channel: str, last: int) -> bool:
    """Whether one of the channel's deliveries up to that number is not taken yet."""
    ((waits,),) = await fetched(pool, "waits_until", channel=channel, last=last)
    return bool(waits)


async def swept_orders(pool: Pool, channel: str, since: datetime) -> dict[Spot, SweptOrders]:
    """Orders that sweeps have told of since that moment, and no webhook."""
    rows = await fetched(pool, "orders_only_swept", channel=channel, since=since)
    return {
        (listing, place): SweptOrders(int(pieces), tuple(sorted(orders)), placed_at)
        for listing, place, pieces, orders, placed_at in rows
    }


def _last_push(row: Sequence[Any]) -> LastPush | None:
    quantity, before, answered_at = row
    return None if quantity is None else LastPush(quantity, before, answered_at)


# What was found.


async def record(
    pool: Pool, reconciliation: str, channel: str, drifts: Sequence[NewDrift], judged: Sequence[Spot]
) -> dict[Spot, int]:
    """Record drifts, and that these suspects were judged, in one transaction; what is not explained is not waited for.

    Answers the number of each drift.
    """
    waited_for = [(drift.listing_id, drift.place) for drift in drifts if not drift.resolution]
    async with pool.connection() as connection:
        # Levels before drifts, as a page that is merged locks them.
        await connection.execute(query("disprove_levels"), _spots(waited_for))
        recorded = await _record(connection, reconciliation, channel, drifts)
        await connection.execute(
            query("suspects_judged"), {"id": reconciliation, "channel": channel, **_spots(judged)}
        )
    return recorded


async def _record(
    connection: Connection, reconciliation: str, channel: str, drifts: Sequence[NewDrift]
) -> dict[Spot, int]:
    cursor = await connection.execute(
        query("record_drift"),
        {
            "id": reconciliation,
            "channel": channel,
            **_spots([(drift.listing_id, drift.place) for drift in drifts]),
            "expected": [drift.expected for drift in drifts],
            "shown": [drift.shown for drift in drifts],
            "causes": [drift.judgement.cause.value for drift in drifts],
            "evidence": [drift.judgement.evidence for drift in drifts],
            "happened": [drift.judgement.happened_at for drift in drifts],
            "actions": [drift.action.value for drift in drifts],
            "resolutions": [drift.resolution for drift in drifts],
        },
    )
    return {(listing, place): number for number, listing, place in await cursor.fetchall()}


async def to_prove(pool: Pool, channel: str, since: datetime) -> dict[Spot, int]:
    """Open drifts that were seen since then and that something was sent for, by number."""
    rows = await fetched(pool, "drifts_to_prove", channel=channel, since=since)
    return {(listing, place): number for number, listing, place in rows}


async def resolve(pool: Pool, drift_ids: Sequence[int], resolution: str) -> None:
    """These are over, and why."""
    await execute(pool, "resolve_drifts", ids=list(drift_ids), resolution=resolution)


async def drifts(
    pool: Pool,
    *,
    channel: str | None = None,
    sku: str | None = None,
    open_only: bool = False,
    since: datetime | None = None,
    limit: int = DRIFTS_LISTED_MAX,
) -> list[DriftRow]:
    """Recorded drifts, the newest first; `since`: seen at or after that moment."""
    named = {"channel": channel, "sku": sku, "open": open_only, "since": since, "limit": limit}
    return [DriftRow(*row) for row in await fetched(pool, "list_drifts", **named)]


async def causes(
    pool: Pool, since: datetime, until: datetime | None = None, channel: str | None = None
) -> list[CauseCount]:
    """What went wrong between these moments, by channel, cause and hour."""
    named = {"since": since, "until": until, "channel": channel}
    return [CauseCount(*row) for row in await fetched(pool, "drift_causes", **named)]


def _spots(spots: Sequence[Spot]) -> dict[str, list[Any]]:
    return {"listings": [listing for listing, _ in spots], "places": [place for _, place in spots]}
