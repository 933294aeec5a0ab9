"""Writing stock: events, counts and order snapshots, in batches, each fact once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from psycopg.types.json import Jsonb

from onhand.domain import counts, orders
from onhand.domain.counts import Count, CountConflictError, CountMeaning, Shelf
from onhand.domain.events import Event
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, PostedOrder
from onhand.ledger.database import Connection, Pool
from onhand.ledger.queries import query

BATCH_EVENTS_MAX = 5_000
"""Most events one transaction takes; callers with more come again."""


class Verdict(StrEnum):
    """What became of one stated fact."""

    POSTED = "posted"
    DUPLICATE = "duplicate"
    """The same fact was posted before; nothing was changed."""
    CONFLICT = "conflict"
    """The same id was posted before with other content, or a count cannot be re-based; nothing was changed."""
    UNKNOWN = "unknown"
    """It names a SKU or location the ledger does not have; nothing was changed."""
    UNCHANGED = "unchanged"
    """A count that agrees with the ledger; nothing needed to be written."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The verdict on one fact, with the event's number where there is one and words where it was refused."""

    verdict: Verdict
    event_id: int | None = None
    message: str = ""


async def post_events(pool: Pool, events: Sequence[Event]) -> list[Posted]:
    """Post events in one transaction; one verdict for each, in order. Refused events leave no trace."""
    if not events:
        return []
    async with pool.connection() as connection:
        return await post_events_on(connection, events)


async def post_events_on(connection: Connection, events: Sequence[Event]) -> list[Posted]:
    """The same inside the caller's transaction."""
    assert len(events) <= BATCH_EVENTS_MAX, f"{len(events)} events are too many for one batch"
    lines = [(n, entry) for n, event in enumerate(events, 1) for entry in event.entries]
    cursor = await connection.execute(
        query("post_events"),
        {
            "sources": [event.source for event in events],
            "external_ids": [event.external_id for event in events],
            "kinds": [event.kind.value for event in events],
            "occurred": [event.occurred_at for event in events],
            "fingerprints": [event.fingerprint for event in events],
            "details": [Jsonb(dict(event.detail)) if event.detail else None for event in events],
            "entry_events": [n for n, _ in lines],
            "entry_skus": [entry.sku for _, entry in lines],
            "entry_locations": [entry.location for _, entry in lines],
            "entry_states": [entry.state.value for _, entry in lines],
            "entry_quantities": [entry.quantity for _, entry in lines],
        },
        binary=True,
    )
    rows = await cursor.fetchall()
    assert len(rows) == len(events), "the ledger answers for every event"
    return [_judged(Verdict(outcome), event_id, events[n - 1]) for n, outcome, event_id in rows]


def _judged(verdict: Verdict, event_id: int | None, event: Event) -> Posted:
    if verdict is Verdict.CONFLICT:
        return Posted(
            verdict,
            event_id,
            f"{event.source} already stated {event.external_id!r} with other content (event {event_id}); "
            "nothing was changed. A correction needs an id of its own.",
        )
    if verdict is Verdict.UNKNOWN:
        named = ", ".join(sorted({f"{entry.sku} at {entry.location}" for entry in event.entries}))
        return Posted(verdict, None, f"the ledger does not know one of: {named}. Import the catalogue first.")
    return Posted(verdict, event_id)


async def post_counts(pool: Pool, stated: Sequence[Count], *, record_agreement: bool) -> list[Posted]:
    """Post counts of one source, each re-based on what moved since it was taken; one verdict for each.

    A count that agrees with the ledger is UNCHANGED and leaves no event, unless `record_agreement`
    (an operator's count is worth a record even when it agrees; a source's snapshot is not).
    """
    if not stated:
        return []
    assert len({count.source for count in stated}) == 1, "counts are posted source by source"
    async with pool.connection() as connection:
        await connection.execute(query("serialise_source"), {"source": stated[0].source})
        shelves = await _shelves(connection, stated)
        verdicts: list[Posted | None] = [None] * len(stated)
        events: list[tuple[int, Event]] = []
        for n, (count, shelf) in enumerate(zip(stated, shelves, strict=True)):
            judged = _weigh(count, shelf, record_agreement)
            if isinstance(judged, Event):
                events.append((n, judged))
            else:
                verdicts[n] = judged
        answers = await post_events_on(connection, [event for _, event in events]) if events else []
        for (n, _), answer in zip(events, answers, strict=True):
            verdicts[n] = answer
    return [verdict for verdict in verdicts if verdict is not None]


def _weigh(count: Count, shelf: Shelf | None, record_agreement: bool) -> Event | Posted:
    if shelf is None:
        return Posted(
            Verdict.UNKNOWN,
            None,
            f"the ledger does not know {count.sku} at {count.location}. Import the catalogue first.",
        )
    try:
        change = counts.correction(count, shelf)
    except CountConflictError as error:
        return Posted(Verdict.CONFLICT, None, str(error))
    if change == 0 and not record_agreement:
        return Posted(Verdict.UNCHANGED)
    return counts.event_of(count, change)


async def _shelves(connection: Connection, stated: Sequence[Count]) -> list[Shelf | None]:
    names = {
        "skus": [count.sku for count in stated],
        "locations": [count.location for count in stated],
    }
    await connection.execute(query("make_shelves"), names)
    locked = {
        (sku, location): (version, available, on_hand)
        async for sku, location, version, available, on_hand in await connection.execute(
            query("lock_shelves"), names
        )
    }
    cursor = await connection.execute(
        query("moved_since_counts"),
        names
        | {
            "as_of": [count.as_of for count in stated],
            "versions": [count.base_version for count in stated],
        },
    )
    moved = {n - 1: (int(available), int(on_hand)) async for n, available, on_hand in cursor}
    return [
        _shelf(count, locked.get((count.sku, count.location)), moved.get(n, (0, 0)))
        for n, count in enumerate(stated)
    ]


def _shelf(count: Count, locked: tuple[int, int, int] | None, moved: tuple[int, int]) -> Shelf | None:
    if locked is None:
        return None
    version, available, on_hand = locked
    if count.meaning is CountMeaning.AVAILABLE:
        return Shelf(version, available, moved[0])
    return Shelf(version, on_hand, moved[1])


@dataclass(frozen=True, slots=True)
class PostedSnapshot:
    """What an order snapshot led to: the verdicts of its events, none when it was old or changed nothing."""

    order_id: str
    posted: tuple[Posted, ...]

    @property
    def refused(self) -> Posted | None:
        """The first event that was refused, if any; then nothing of the snapshot was posted."""
        return next((p for p in self.posted if p.verdict in (Verdict.UNKNOWN, Verdict.CONFLICT)), None)


class _Refused(Exception):
    """Rolls one snapshot back; its neighbours stay."""

    def __init__(self, answers: tuple[Posted, ...]) -> None:
        self.answers = answers


async def post_orders(pool: Pool, snapshots: Sequence[OrderSnapshot]) -> list[PostedSnapshot]:
    """Post the difference between each order as it stands and what the ledger has of it.

    Snapshots are taken in the order of their versions, so a batch may hold several of one order. One
    that names an unknown SKU posts nothing and is reported; the others go in.
    """
    answers: dict[int, PostedSnapshot] = {}
    in_order = sorted(range(len(snapshots)), key=lambda n: (snapshots[n].order_id, snapshots[n].version))
    async with pool.connection() as connection:
        for n in in_order:
            answers[n] = await _post_order(connection, snapshots[n])
    return [answers[n] for n in range(len(snapshots))]


async def _post_order(connection: Connection, snapshot: OrderSnapshot) -> PostedSnapshot:
    try:
        async with connection.transaction():
            # An order seen for the first time has no row to lock yet.
            await connection.execute(
                query("serialise_source"), {"source": f"order/{snapshot.channel}/{snapshot.order_id}"}
            )
            posted = await _posted_order(connection, snapshot)
            if snapshot.version <= posted.version:
                return PostedSnapshot(snapshot.order_id, ())
            events = orders.events_of(snapshot, posted)
            verdicts = tuple(await post_events_on(connection, events)) if events else ()
            if any(v.verdict in (Verdict.UNKNOWN, Verdict.CONFLICT) for v in verdicts):
                raise _Refused(verdicts)
            # Also when nothing had to be posted: a late older snapshot must not undo what this one says.
            await _remember(connection, snapshot, posted)
            return PostedSnapshot(snapshot.order_id, verdicts)
    except _Refused as refused:
        return PostedSnapshot(snapshot.order_id, refused.answers)


async def _posted_order(connection: Connection, snapshot: OrderSnapshot) -> PostedOrder:
    cursor = await connection.execute(
        query("posted_order"), {"channel": snapshot.channel, "order": snapshot.order_id}
    )
    rows = await cursor.fetchall()
    if not rows:
        return NOTHING_POSTED
    return PostedOrder(
        version=rows[0][0], lines={row[1]: OrderLine(*row[1:]) for row in rows if row[1] is not None}
    )


async def _remember(connection: Connection, snapshot: OrderSnapshot, posted: PostedOrder) -> None:
    named = {line.line_id for line in snapshot.lines}
    gone = [replace(line, open=0, fulfilled=0) for line in posted.lines.values() if line.line_id not in named]
    lines = [*snapshot.lines, *gone]
    order = {"channel": snapshot.channel, "order": snapshot.order_id}
    await connection.execute(query("remember_order"), order | {"version": snapshot.version})
    await connection.execute(
        query("remember_lines"),
        order
        | {
            "lines": [line.line_id for line in lines],
            "skus": [line.sku for line in lines],
            "locations": [line.location for line in lines],
            "open": [line.open for line in lines],
            "fulfilled": [line.fulfilled for line in lines],
        },
    )
