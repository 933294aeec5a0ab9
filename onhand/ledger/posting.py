"""Writing stock: events and counts, in batches, each fact once."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from onhand.domain import counts
from onhand.domain.counts import Count, CountConflictError, CountMeaning, Shelf, StaleCountError
from onhand.domain.events import Event
from onhand.domain.recounts import LastCount, Spot, recounts_of
from onhand.ledger import counters, holds, recounting
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
    """The same id was posted before with other content, a count cannot be re-based, or only another party may count
    there; nothing was changed."""
    UNKNOWN = "unknown"
    """It names a SKU or location the ledger does not have; nothing was changed."""
    KIT = "kit"
    """It moves stock of a kit, which has none of its own; nothing was changed."""
    UNCHANGED = "unchanged"
    """A count that agrees with the ledger; nothing needed to be written."""
    STALE = "stale"
    """A snapshot of an order, or a count, of which a newer one was taken before; nothing was changed."""
    OUTVOTED = "outvoted"
    """A count that another authority contradicts with a lower or a newer number; nothing was changed."""

    @property
    def refused(self) -> bool:
        """Whether it cannot be taken as it was stated, ever."""
        return self in (Verdict.CONFLICT, Verdict.UNKNOWN, Verdict.KIT, Verdict.STALE)


class _Stated(Protocol):
    """Whatever a source states under an id of its own."""

    @property
    def source(self) -> str: ...

    @property
    def external_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """The verdict on one fact, with the event's number where there is one and words where it was refused."""

    verdict: Verdict
    event_id: int | None = None
    message: str = ""


async def post_events(pool: Pool, events: Sequence[Event], woken: set[str] | None = None) -> list[Posted]:
    """Post events in one transaction; one verdict for each, in order. Refused events leave no trace.

    With `woken` their listings are for the publishers, at once: the channels whose publisher sleeps are added to it,
    and the caller signals them (`onhand.waking`). Without it the next sync run takes them.
    """
    if not events:
        return []
    async with pool.connection() as connection:
        return await post_events_on(connection, events, woken)


async def post_events_on(
    connection: Connection,
    events: Sequence[Event],
    woken: set[str] | None = None,
    *,
    seller: str | None = None,
    also: Sequence[str] = (),
) -> list[Posted]:
    """The same inside the caller's transaction; `woken` are to be signalled once it is committed.

    `seller`: the channel these events are the orders of. It took them off its own levels already, so that its publisher
    is not called to hurry. `also`: SKUs whose listings are to be looked at again, beside those that are moved. Where a
    count knew of what is heard only now, it is made true again beside it.
    """
    assert len(events) <= BATCH_EVENTS_MAX, f"{len(events)} events are too many for one batch"
    asked = await _ask_to_post(connection, events, live=woken is not None, seller=seller, also=also)
    answers, counted = await _answers(asked, events, woken)
    posted = [e for e, answer in zip(events, answers, strict=True) if answer.verdict is Verdict.POSTED]
    await _recount(connection, posted, counted, woken)
    return answers


async def _recount(
    connection: Connection, posted: Sequence[Event], counted: Mapping[Spot, LastCount], woken: set[str] | None
) -> None:
    """Make the counts true again that knew of what was posted."""
    recounts = [recount for event in posted for recount in recounts_of(event, counted)] if counted else []
    for start in range(0, len(recounts), BATCH_EVENTS_MAX):
        part = recounts[start : start + BATCH_EVENTS_MAX]
        await _answers(await _ask_to_post(connection, part, live=woken is not None, seller=None), part, woken)


async def _ask_to_post(
    connection: Connection,
    events: Sequence[Event],
    *,
    live: bool,
    seller: str | None,
    also: Sequence[str] = (),
) -> AsyncCursor[TupleRow]:
    lines = [(n, entry) for n, event in enumerate(events, 1) for entry in event.entries]
    return await connection.execute(
        query("post_events"),
        {
            "sources": [event.source for event in events],
            "external_ids": [event.external_id for event in events],
            "kinds": [event.kind.value for event in events],
            "occurred": [event.occurred_at for event in events],
            "fingerprints": [event.fingerprint for event in events],
            "details": [json.dumps(dict(event.detail)) if event.detail else None for event in events],
            "entry_events": [n for n, _ in lines],
            "entry_skus": [entry.sku for _, entry in lines],
            "entry_locations": [entry.location for _, entry in lines],
            "entry_states": [entry.state.value for _, entry in lines],
            "entry_quantities": [entry.quantity for _, entry in lines],
            "live": live,
            "seller": seller,
            "also": list(also),
        },
        binary=True,
    )


async def _answers(
    cursor: AsyncCursor[TupleRow], events: Sequence[Event], woken: set[str] | None
) -> tuple[list[Posted], dict[Spot, LastCount]]:
    """The verdicts, and the latest counts of the shelves that the events name."""
    rows = await cursor.fetchall()
    assert len(rows) == len(events), "the ledger answers for every event"
    if woken is not None:
        woken.update(rows[0][3] or ())
    answers = [_judged(Verdict(outcome), event_id, events[n - 1]) for n, outcome, event_id, *_ in rows]
    return answers, recounting.told(rows[0][4])


def _judged(verdict: Verdict, event_id: int | None, event: Event) -> Posted:
    if verdict is Verdict.CONFLICT:
        return conflict(event_id, event)
    if verdict is Verdict.UNKNOWN:
        named = ", ".join(sorted({f"{entry.sku} at {entry.location}" for entry in event.entries}))
        return Posted(verdict, None, f"the ledger does not know one of: {named}. Import the catalogue first.")
    if verdict is Verdict.KIT:
        return of_kit(*sorted({entry.sku for entry in event.entries}))
    return Posted(verdict, event_id)


def of_kit(*skus: str) -> Posted:
    """The verdict on stock of a kit; several SKUs: one of them is a kit."""
    which = f"{skus[0]} is a kit" if len(skus) == 1 else f"one of {', '.join(skus)} is a kit"
    return Posted(
        Verdict.KIT,
        None,
        f"{which}, and a kit has no stock of its own: state that of its components (onhand kits show)",
    )


def conflict(event_id: int | None, stated: _Stated) -> Posted:
    """The verdict on an id that stands for something else already."""
    return Posted(
        Verdict.CONFLICT,
        event_id,
        f"{stated.source} already stated {stated.external_id!r} with other content (event {event_id}); "
        "nothing was changed. A correction needs an id of its own.",
    )


async def post_counts(
    pool: Pool, stated: Sequence[Count], *, record_agreement: bool, woken: set[str] | None = None
) -> list[Posted]:
    """Post counts of one source, each re-based on what moved since it was taken; one verdict for each.

    A count that agrees with the ledger is UNCHANGED and leaves no event, unless `record_agreement`
    (an operator's count is worth a record even when it agrees; a source's snapshot is not). `woken` as in
    `post_events`.
    """
    if not stated:
        return []
    async with pool.connection() as connection:
        return await post_counts_on(connection, stated, record_agreement=record_agreement, woken=woken)


async def post_counts_on(
    connection: Connection, stated: Sequence[Count], *, record_agreement: bool, woken: set[str] | None = None
) -> list[Posted]:
    """The same inside the caller's transaction; `woken` are to be signalled once it is committed."""
    assert len({count.source for count in stated}) == 1, "counts are posted source by source"
    await connection.execute(query("serialise_source"), {"source": stated[0].source})
    known = await counters.of_locations(connection, stated)
    stated = [counters.lagging(count, known) for count in stated]
    shelves = await locked_shelves(connection, stated)
    missing = {count.sku for count, shelf in zip(stated, shelves, strict=True) if shelf is None}
    kits = await kits_among(connection, missing)
    verdicts: list[Posted | None] = [None] * len(stated)
    events: list[tuple[int, Event]] = []
    for n, (count, shelf) in enumerate(zip(stated, shelves, strict=True)):
        if refusal := counters.refusal(count, known):
            verdicts[n] = Posted(Verdict.CONFLICT, None, refusal)
            continue
        judged = count_of_kit(count) if count.sku in kits else _weigh(count, shelf, record_agreement)
        if isinstance(judged, Event):
            events.append((n, judged))
        else:
            verdicts[n] = judged
    answers = await post_events_on(connection, [event for _, event in events], woken) if events else []
    if woken is None:
        await _leave_to_runs(connection, answers)
    for (n, _), answer in zip(events, answers, strict=True):
        verdicts[n] = answer
    taken = (Verdict.POSTED, Verdict.UNCHANGED)
    await recounting.keep(
        connection, [c for c, v in zip(stated, verdicts, strict=True) if v is not None and v.verdict in taken]
    )
    return [verdict for verdict in verdicts if verdict is not None]


async def _leave_to_runs(connection: Connection, answers: Sequence[Posted]) -> None:
    """What nobody is signalled of is for the next run to tell, once the guard has let it through."""
    posted = [
        answer.event_id
        for answer in answers
        if answer.verdict is Verdict.POSTED and answer.event_id is not None
    ]
    if posted:
        await holds.note_unjudged(connection, min(posted))


def count_of_kit(count: Count) -> Posted:
    """The verdict on a count of a kit. Sources that list all SKUs count kits, too: none is what there is of one."""
    return Posted(Verdict.UNCHANGED) if count.quantity == 0 else of_kit(count.sku)


async def kits_among(connection: Connection, skus: Collection[str]) -> set[str]:
    """Those of these SKUs that are kits."""
    if not skus:
        return set()
    cursor = await connection.execute(query("kits_among"), {"skus": list(skus)})
    return {sku for (sku,) in await cursor.fetchall()}


def _weigh(count: Count, shelf: Shelf | None, record_agreement: bool) -> Event | Posted:
    if shelf is None:
        return Posted(
            Verdict.UNKNOWN,
            None,
            f"the ledger does not know {count.sku} at {count.location}. Import the catalogue first.",
        )
    try:
        change = counts.correction(count, shelf)
    except StaleCountError as error:
        return Posted(Verdict.STALE, None, str(error))
    except CountConflictError as error:
        return Posted(Verdict.CONFLICT, None, str(error))
    if change == 0 and not record_agreement:
        return Posted(Verdict.UNCHANGED)
    return counts.event_of(count, change)


async def locked_shelves(connection: Connection, stated: Sequence[Count]) -> list[Shelf | None]:
    """What the ledger has of each counted shelf, made where it is missing and locked until the transaction ends."""
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
            "sure_of": [count.sure_of for count in stated],
            "versions": [count.base_version for count in stated],
        },
    )
    moved = {n - 1: (int(available), int(on_hand)) async for n, available, on_hand in cursor}
    # Once they are locked, in a statement of its own: what was counted before is then to be seen.
    last = await recounting.read(await recounting.ask(connection, locked))
    return [
        _shelf(
            count,
            locked.get((count.sku, count.location)),
            moved.get(n, (0, 0)),
            last.get((count.sku, count.location)),
        )
        for n, count in enumerate(stated)
    ]


def _shelf(
    count: Count,
    locked: tuple[int, int, int] | None,
    moved: tuple[int, int],
    last: LastCount | None,
) -> Shelf | None:
    if locked is None:
        return None
    version, available, on_hand = locked
    before = None if last is None else last.as_of
    if count.meaning is CountMeaning.AVAILABLE:
        return Shelf(version, available, moved[0], before)
    return Shelf(version, on_hand, moved[1], before)
