"""Counts by authorities: judged beside what others stated, then posted or outvoted, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from onhand.domain.authority import Ruling, Statement, ruling
from onhand.domain.counts import Count, CountConflictError, CountMeaning, Shelf, correction
from onhand.ledger.database import Connection
from onhand.ledger.posting import Posted, Verdict, locked_shelves, post_counts_on
from onhand.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one count; `rival` is the statement of another authority that it contradicts, if any."""

    posted: Posted
    rival: Statement | None = None


@dataclass(frozen=True, slots=True)
class _Stated:
    """A count as its authority's word about what is available, and what became of it."""

    statement: Statement
    ruling: Ruling


_Known = Mapping[tuple[str, str], tuple[int, list[Statement]]]
"""What is available of each shelf now, and what was stated of it, by SKU and location."""


async def post_judged_on(
    connection: Connection, stated: Sequence[Count], window: timedelta, woken: set[str] | None = None
) -> list[Judged]:
    """Post the counts of one authority, each of a shelf of its own; one that is outvoted changes nothing.

    Within `window` two authorities contradict each other. What each says is remembered, and so is every conflict. In
    the caller's transaction; `woken` as in `post_events`.
    """
    assert len({(count.sku, count.location) for count in stated}) == len(stated), "a shelf comes once"
    # Before the shelves, as whoever posts counts does.
    await connection.execute(query("serialise_source"), {"source": stated[0].source})
    shelves = await locked_shelves(connection, stated)
    known = await _known(connection, stated)
    weighed = [_weighed(count, shelf, known, window) for count, shelf in zip(stated, shelves, strict=True)]
    admitted = [n for n, each in enumerate(weighed) if each is None or each.ruling.counts]
    answers = dict.fromkeys(range(len(stated)), Posted(Verdict.OUTVOTED))
    if admitted:
        counts = [stated[n] for n in admitted]
        posted = await post_counts_on(connection, counts, record_agreement=False, woken=woken)
        answers.update(zip(admitted, posted, strict=True))
    said = {
        n: each
        for n, each in enumerate(weighed)
        if each is not None and answers[n].verdict in (Verdict.POSTED, Verdict.UNCHANGED, Verdict.OUTVOTED)
    }
    if said:
        await _keep(connection, [(stated[n], each) for n, each in said.items()])
    return [_judged(answers[n], weighed[n], window) for n in range(len(stated))]


def _weighed(count: Count, shelf: Shelf | None, known: _Known, window: timedelta) -> _Stated | None:
    """None where there is nothing to judge: posting says why it cannot be taken."""
    if shelf is None:
        return None
    try:
        # A count older than the shelf's latest is judged all the same; admitted, it is stale.
        change = correction(count, replace(shelf, counted_as_of=None))
    except CountConflictError:
        return None
    available, before = known[count.sku, count.location]
    held = shelf.current - available if count.meaning is CountMeaning.ON_HAND else 0
    statement = Statement(count.source, count.quantity - held, count.as_of)
    return _Stated(statement, ruling(statement, statement.quantity - change, before, window))


def _judged(posted: Posted, weighed: _Stated | None, window: timedelta) -> Judged:
    rival = None if weighed is None else weighed.ruling.rival
    if posted.verdict is not Verdict.OUTVOTED or rival is None:
        return Judged(posted, rival)
    message = (
        f"{rival.authority} stated {rival.quantity} at {rival.at.isoformat()}, which stands; nothing was changed. "
        f"To confirm your number, count again and state it within {window.total_seconds():g} s, under an id of its own"
    )
    return Judged(Posted(posted.verdict, None, message), rival)


async def _known(connection: Connection, stated: Sequence[Count]) -> _Known:
    cursor = await connection.execute(
        query("statements_about"),
        {"skus": [count.sku for count in stated], "locations": [count.location for count in stated]},
    )
    known: dict[tuple[str, str], tuple[int, list[Statement]]] = {}
    async for sku, location, available, *statement in cursor:
        _, before = known.setdefault((sku, location), (available, []))
        if statement[0] is not None:
            before.append(Statement(*statement))
    return known


async def _keep(connection: Connection, said: Sequence[tuple[Count, _Stated]]) -> None:
    await connection.execute(query("keep_statements"), _named(said))
    against = [(count, each, rival) for count, each in said if (rival := each.ruling.rival) is not None]
    if not against:
        return
    rivals = {
        "rivals": [rival.authority for _, _, rival in against],
        "rival_quantities": [rival.quantity for _, _, rival in against],
        "counted": [each.ruling.counts for _, each, _ in against],
    }
    named = _named([(count, each) for count, each, _ in against])
    await connection.execute(query("keep_conflicts"), named | rivals)


def _named(said: Sequence[tuple[Count, _Stated]]) -> dict[str, object]:
    return {
        "authority": said[0][0].source,
        "skus": [count.sku for count, _ in said],
        "locations": [count.location for count, _ in said],
        "quantities": [each.statement.quantity for _, each in said],
        "moments": [each.statement.at for _, each in said],
    }
