"""Taking events back: the opposite of each is posted, once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.recounts import COMPENSATING, RECOUNT_SOURCE, recounts_of, shelves_of
from onhand.domain.reversal import Recorded, ReversalRefusedError, reversal_of
from onhand.ledger import history, holds, recounting
from onhand.ledger.database import Connection, Pool, fetched
from onhand.ledger.history import RecordedEvent
from onhand.ledger.posting import Verdict, post_events_on
from onhand.ledger.queries import query

EVENTS_AT_ONCE = 2_000
"""Events that one transaction takes back."""

Outcome = Literal["reversed", "would be reversed", "reversed before", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Reversed:
    """What became of the wish to take an event back.

    `by` is the event that takes it back; `undone_by` the one that took that back in turn, where one did. `event` is the
    event itself, None where there is none of that number. `counted_since`: a count of a later moment knew of it and
    stands, so that on its shelf nothing changes. `message` and `advice` say why it was refused.
    """

    event_id: int
    outcome: Outcome
    event: RecordedEvent | None = None
    by: int | None = None
    undone_by: int | None = None
    message: str = ""
    advice: str = ""
    counted_since: bool = False


async def reverse(
    pool: Pool, ids: Sequence[int], reason: str, *, woken: set[str] | None, write: bool
) -> list[Reversed]:
    """Take these events back; an answer for each, in order. Without `write` it is only said what would become of them.

    With a count goes what kept it true (`onhand.domain.recounts`); these events are answered for, too.
    `woken` as in `onhand.ledger.posting.post_events`: None leaves it to the next sync run to tell the channels, once
    the guard has let it through. So many at once are one transaction; what was taken back before is left as it is.
    """
    answers: list[Reversed] = []
    ids = await _with_recounts(pool, ids)
    for start in range(0, len(ids), EVENTS_AT_ONCE):
        answers += await _reverse(pool, ids[start : start + EVENTS_AT_ONCE], reason, woken, write=write)
    return answers


async def _reverse(
    pool: Pool, ids: Sequence[int], reason: str, woken: set[str] | None, *, write: bool
) -> list[Reversed]:
    events = {event.event_id: event for event in await history.events_by_id(pool, ids)}
    answers: dict[int, Reversed] = {}
    opposite: dict[int, Event] = {}
    for event_id in ids:
        judged = _judged(event_id, events.get(event_id), reason)
        if isinstance(judged, Event):
            opposite[event_id] = judged
        else:
            answers[event_id] = judged
    if opposite:
        answers |= await (
            _post(pool, opposite, events, woken) if write else _look_ahead(pool, opposite, events)
        )
    await _name_undone(pool, answers)
    return [answers[event_id] for event_id in ids]


def _judged(event_id: int, event: RecordedEvent | None, reason: str) -> Event | Reversed:
    if event is None:
        return Reversed(event_id, "unknown", message=f"there is no event {event_id}")
    if event.reversed_by is not None:
        return Reversed(event_id, "reversed before", event, by=event.reversed_by)
    try:
        return reversal_of(_recorded(event), reason)
    except ReversalRefusedError as error:
        return Reversed(event_id, "refused", event, message=error.message, advice=error.advice)


def _recorded(event: RecordedEvent) -> Recorded:
    return Recorded(
        event.event_id,
        event.source,
        event.external_id,
        EventKind(event.kind),
        event.occurred_at,
        event.detail,
        tuple(Entry(line.sku, line.location, line.state, line.quantity) for line in event.lines),
    )


async def _with_recounts(pool: Pool, ids: Sequence[int]) -> list[int]:
    """The events, and the recounts that were made for the counts among them."""
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(ids), EVENTS_AT_ONCE):
        events = await history.events_by_id(pool, ids[start : start + EVENTS_AT_ONCE])
        names = [f"{source}/{external_id}/" for source, external_id in _counts(events)]
        rows = await fetched(pool, "recounts_of", names=names, source=RECOUNT_SOURCE) if names else []
        wanted += [event_id for (event_id,) in rows]
    return list(dict.fromkeys(wanted))


def _counts(events: Iterable[RecordedEvent]) -> list[tuple[str, str]]:
    """Source and id of what somebody counted."""
    return [
        (e.source, e.external_id)
        for e in events
        if e.kind == EventKind.COUNT and e.source not in COMPENSATING
    ]


async def _look_ahead(
    pool: Pool, opposite: dict[int, Event], events: dict[int, RecordedEvent]
) -> dict[int, Reversed]:
    async with pool.connection() as connection:
        stand = await _counted_since(connection, opposite, _counts(events[n] for n in opposite))
    return {n: Reversed(n, "would be reversed", events[n], counted_since=n in stand) for n in opposite}


async def _post(
    pool: Pool, opposite: dict[int, Event], events: dict[int, RecordedEvent], woken: set[str] | None
) -> dict[int, Reversed]:
    counts = _counts(events[n] for n in opposite)
    async with pool.connection() as connection:
        if counts:
            # In the order in which whoever counts locks them: balances before what was counted.
            lines = [line for n in opposite for line in events[n].lines]
            shelves = {"skus": [line.sku for line in lines], "locations": [line.location for line in lines]}
            await connection.execute(query("lock_shelves"), shelves)
            await recounting.forget(connection, counts)
        stand = await _counted_since(connection, opposite, counts)
        posted = await post_events_on(connection, list(opposite.values()), woken)
        new = [p.event_id for p in posted if p.verdict is Verdict.POSTED and p.event_id is not None]
        if woken is None and new:
            await holds.note_unjudged(connection, min(new))
    # One that somebody else took back meanwhile is a duplicate.
    return {
        event_id: Reversed(
            event_id,
            "reversed" if answer.verdict is Verdict.POSTED else "reversed before",
            events[event_id],
            by=answer.event_id,
            counted_since=event_id in stand,
        )
        for event_id, answer in zip(opposite, posted, strict=True)
    }


async def _counted_since(
    connection: Connection, opposite: dict[int, Event], taken_back: Sequence[tuple[str, str]]
) -> set[int]:
    """Which of these are undone again by a count that knew of what they take back, and is not taken back itself."""
    found = await recounting.read(await recounting.ask(connection, shelves_of(opposite.values())))
    standing = {
        shelf: count for shelf, count in found.items() if (count.source, count.external_id) not in taken_back
    }
    return {event_id for event_id, event in opposite.items() if recounts_of(event, standing)}


async def _name_undone(pool: Pool, answers: dict[int, Reversed]) -> None:
    """Of what was taken back before: whether that was taken back, too."""
    by = [
        answer.by
        for answer in answers.values()
        if answer.outcome == "reversed before" and answer.by is not None
    ]
    undone = (
        {event.event_id: event.reversed_by for event in await history.events_by_id(pool, by)} if by else {}
    )
    for event_id, answer in answers.items():
        if answer.by in undone and undone[answer.by] is not None:
            answers[event_id] = replace(answer, undone_by=undone[answer.by])
