"""What was counted, taken into the ledger: posted at once, or left to a second count or a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.cycle_counts import CONFIRMABLE, CountRules, Doubt, Finding, Grade, reason_of
from onhand.ledger.count_comparing import (
    Compared,
    Entered,
    Line,
    compare,
    keep,
    last_count,
    lines_of,
    look_of,
    next_count,
    source_of,
    superseded,
)
from onhand.ledger.count_sheets import CountRefusedError, UnknownSheetError
from onhand.ledger.database import Connection, Pool
from onhand.ledger.posting import Posted, Verdict, locked_shelves, post_counts_on
from onhand.ledger.queries import query

BESIDE = 1
"""The turn of a count that is on no sheet."""


class Outcome(StrEnum):
    """What became of one line that was entered."""

    POSTED = "posted"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    """It was entered before, with the same number."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it, with what the ledger expected and how far off it was, in units; None where nobody compared."""

    sku: str
    outcome: Outcome
    quantity: int
    expected: int | None = None
    difference: int | None = None
    grade: Grade | None = None
    message: str = ""
    event_id: int | None = None


async def enter(
    pool: Pool,
    sheet_id: int,
    given: Sequence[Entered],
    rules: CountRules,
    *,
    by: str,
    woken: set[str] | None = None,
) -> list[Answer]:
    """Take in what was counted on a sheet, each SKU once, in one transaction; one answer for each, in order.

    `woken` as in `post_events`. Raises CountRefusedError for a sheet that is not there or closed.
    """
    assert len({each.sku for each in given}) == len(given), "a SKU is entered once"
    async with pool.connection() as connection:
        location = await _locked(connection, sheet_id)
        lines = await lines_of(connection, sheet_id, [each.sku for each in given])
        answers = {
            each.sku: said for each in given if (said := _not_taken(sheet_id, each, lines.get(each.sku)))
        }
        counts = [
            next_count(sheet_id, location, each, lines[each.sku]) for each in given if each.sku not in answers
        ]
        if counts:
            compared = await compare(connection, counts, lines, rules)
            answers |= await _settle(connection, sheet_id, compared, by, woken)
    return [answers[each.sku] for each in given]


async def approve(
    pool: Pool,
    sheet_id: int,
    skus: Sequence[str],
    *,
    by: str,
    reason: str = "",
    woken: set[str] | None = None,
) -> list[Answer]:
    """Post the last count of these lines, however far it is off: a person's word.

    Raises CountRefusedError where one waits for nothing, or where another count was posted since.
    """
    async with pool.connection() as connection:
        location = await _locked(connection, sheet_id)
        lines = await lines_of(connection, sheet_id, skus)
        for sku in skus:
            if sku not in lines or lines[sku].state != "escalated":
                raise CountRefusedError(f"{sku} on count sheet {sheet_id} waits for no approval")
        counts = [last_count(sheet_id, location, sku, lines[sku], reason) for sku in skus]
        outdated = {counts[n].sku for n in await superseded(connection, counts, lines)}
        outdated |= {sku for sku in skus if lines[sku].history[-1].doubt is Doubt.SUPERSEDED}
        if outdated:
            named = ", ".join(sorted(outdated))
            raise CountRefusedError(f"another count of {named} at {location} was posted since; count again")
        events = await _post(connection, counts, woken)
        turns = [lines[sku].history[-1].turn for sku in skus]
        named_lines = {"sheet": sheet_id, "skus": list(skus)}
        await connection.execute(
            query("approve_counts"), named_lines | {"turns": turns, "events": events, "by": by}
        )
        await _stand(connection, sheet_id, dict.fromkeys(skus, ("posted", "", False)))
    return [
        Answer(sku, Outcome.POSTED, last.quantity, last.expected, last.difference, event_id=event)
        for sku, event in zip(skus, events, strict=True)
        for last in lines[sku].history[-1:]
    ]


async def post_beside(
    pool: Pool, count: Count, rules: CountRules, *, by: str, woken: set[str] | None = None
) -> Posted:
    """Post one count that is on no sheet, by a person's word, and remember how far it was off."""
    async with pool.connection() as connection:
        await connection.execute(query("serialise_source"), {"source": count.source})
        (shelf,) = await locked_shelves(connection, [count])
        (posted,) = await post_counts_on(connection, [count], record_agreement=True, woken=woken)
        of_a_shelf = count.meaning is CountMeaning.ON_HAND and shelf is not None
        if of_a_shelf and shelf is not None and posted.verdict is Verdict.POSTED:
            look = look_of(count, shelf)
            finding = Finding(rules.grade(look.expected, look.difference))
            await keep(connection, None, [Compared(count, BESIDE, look, finding)], [posted.event_id], by)
    return posted


async def _locked(connection: Connection, sheet_id: int) -> str:
    """The location of a sheet that is being counted; the sheet is held until the end of the transaction."""
    row = await (await connection.execute(query("lock_count_sheet"), {"sheet": sheet_id})).fetchone()
    if row is None:
        raise UnknownSheetError(sheet_id)
    location, closed_at = row
    if closed_at is not None:
        raise CountRefusedError(f"count sheet {sheet_id} is closed; start another one")
    # Before the shelves, as whoever posts counts does.
    await connection.execute(query("serialise_source"), {"source": source_of(sheet_id)})
    return str(location)


def _not_taken(sheet_id: int, given: Entered, line: Line | None) -> Answer | None:
    """Why something that was entered is not taken; None where it is."""
    if line is None:
        return _refused(given, f"{given.sku} is not on count sheet {sheet_id}")
    before = {each.turn: each.quantity for each in line.history}.get(given.turn or 0)
    if before == given.quantity:
        return Answer(given.sku, Outcome.REPEATED, given.quantity)
    if line.state in ("posted", "dropped"):
        return _refused(given, f"{given.sku} on count sheet {sheet_id} is {line.state}; start another sheet")
    if before is not None:
        return _refused(
            given, f"{given.sku} was counted before, as {before:,}; enter a second count with --again"
        )
    if given.turn is not None and given.turn != line.next_turn:
        return _refused(
            given, f"{given.sku} was counted {len(line.history)} times, so this is no count {given.turn}"
        )
    if given.counted_at is not None and not line.printed_at <= given.counted_at <= datetime.now(UTC):
        printed = line.printed_at.astimezone().isoformat(" ", "seconds")
        return _refused(
            given, f"{given.sku} was printed at {printed}; it is counted after that, and before now"
        )
    return None


def _refused(given: Entered, message: str) -> Answer:
    return Answer(given.sku, Outcome.REFUSED, given.quantity, message=message)


async def _settle(
    connection: Connection, sheet_id: int, compared: Sequence[Compared], by: str, woken: set[str] | None
) -> dict[str, Answer]:
    """Post what is not in doubt, remember every count, and say how each line stands."""
    sure = [each.count for each in compared if each.finding.doubt is None]
    posted = await _post(connection, sure, woken) if sure else []
    events = dict(zip([count.sku for count in sure], posted, strict=True))
    await keep(connection, sheet_id, compared, [events.get(each.count.sku) for each in compared], by)
    answers = {each.count.sku: _answer(each, events.get(each.count.sku)) for each in compared}
    stands = {
        each.count.sku: (
            answers[each.count.sku].outcome.value,
            answers[each.count.sku].message,
            each.finding.doubt in CONFIRMABLE,
        )
        for each in compared
    }
    await _stand(connection, sheet_id, stands)
    return answers


def _answer(compared: Compared, event_id: int | None) -> Answer:
    look, finding = compared.look, compared.finding
    return Answer(
        compared.count.sku,
        Outcome.ESCALATED if finding.doubt else Outcome.POSTED,
        look.quantity,
        look.expected,
        look.difference,
        finding.grade,
        reason_of(look, finding),
        event_id,
    )


async def _post(connection: Connection, counts: Sequence[Count], woken: set[str] | None) -> list[int | None]:
    """The events of counts that were looked at before: nothing but posting can come of them."""
    posted = await post_counts_on(connection, counts, record_agreement=True, woken=woken)
    for each in posted:
        if each.verdict is not Verdict.POSTED:
            raise CountRefusedError(each.message or f"the ledger answered: {each.verdict.value}")
    return [each.event_id for each in posted]


async def _stand(connection: Connection, sheet_id: int, stands: Mapping[str, tuple[str, str, bool]]) -> None:
    """How each line stands from here on: its state, why, and whether people are to be told."""
    await connection.execute(
        query("settle_count_lines"),
        {
            "sheet": sheet_id,
            "skus": list(stands),
            "states": [state for state, _, _ in stands.values()],
            "reasons": [reason for _, reason, _ in stands.values()],
            "flagged": [flagged for _, _, flagged in stands.values()],
        },
    )
