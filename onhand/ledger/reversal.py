"""Taking events back: the opposite of each is posted, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from onhand.domain.events import Entry, Event, EventKind
from onhand.domain.reversal import Recorded, ReversalRefusedError, reversal_of
from onhand.ledger import history, holds
from onhand.ledger.database import Pool
from onhand.ledger.history import RecordedEvent
from onhand.ledger.posting import Verdict, post_events_on

EVENTS_AT_ONCE = 2_000
"""Events that one transaction takes back."""

Outcome = Literal["reversed", "would be reversed", "reversed before", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Reversed:
    """What became of the wish to take an event back.

    `by` is the event that takes it back; `undone_by` the one that took that back in turn, where one did. `event` is the
    event itself, None where there is none of that number. `message` and `advice` say why it was refused.
    """

    event_id: int
    outcome: Outcome
    event: RecordedEvent | None = None
    by: int | None = None
    undone_by: int | None = None
    message: str = ""
    advice: str = ""


async def reverse(
    pool: Pool, ids: Sequence[int], reason: str, *, woken: set[str] | None, write: bool
) -> list[Reversed]:
    """Take these events back; an answer for each, in order. Without `write` it is only said what would become of them.

    `woken` as in `onhand.ledger.posting.post_events`: None leaves it to the next sync run to tell the channels, once
    the guard has let it through. So many at once are one transaction; what was taken back before is left as it is.
    """
    answers: list[Reversed] = []
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
    if opposite and write:
        answers |= await _post(pool, opposite, events, woken)
    elif opposite:
        answers |= {n: Reversed(n, "would be reversed", events[n]) for n in opposite}
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


async def _post(
    pool: Pool, opposite: dict[int, Event], events: dict[int, RecordedEvent], woken: set[str] | None
) -> dict[int, Reversed]:
    async with pool.connection() as connection:
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
        )
        for event_id, answer in zip(opposite, posted, strict=True)
    }


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
            answers[event_id] = Reversed(
                event_id, answer.outcome, answer.event, answer.by, undone_by=undone[answer.by]
            )
