"""What a client states over HTTP: movements, transfers, orders, returns and counts, posted in one transaction with a
verdict for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from psycopg.errors import DeadlockDetected

from onhand.domain.counts import Count, statement_of
from onhand.domain.events import Event
from onhand.domain.orders import OrderSnapshot
from onhand.domain.returns import ReturnStatement
from onhand.domain.transfers import TransferStatement
from onhand.ledger import purchase_orders
from onhand.ledger.database import Connection, Pool
from onhand.ledger.judging import post_judged_on
from onhand.ledger.orders import OrderConflictError, PostedSnapshot, begin_orders_on, post_orders_on
from onhand.ledger.posting import Posted, Verdict, conflict, post_counts_on, post_events_on
from onhand.ledger.purchase_orders import PurchaseStatement
from onhand.ledger.queries import query
from onhand.ledger.returns import begin_returns_on, post_returns_on
from onhand.ledger.transfers import begin_transfers_on, post_transfers_on

TRIES = 5
"""What is stated is posted by several statements, so two such batches can meet in a deadlock; one begins again."""

Stated = Event | TransferStatement | PurchaseStatement | OrderSnapshot | ReturnStatement | Count


@dataclass(slots=True)
class PostedBatch:
    """One answer for each thing stated, in order, and the channels whose publisher has to be signalled."""

    answers: list[Posted]
    woken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Judging:
    """For which locations a source is an authority, and within which time two authorities contradict each other."""

    locations: frozenset[str]
    window: timedelta


NO_AUTHORITY = Judging(frozenset(), timedelta(0))


async def post_stated(pool: Pool, stated: Sequence[Stated], judging: Judging = NO_AUTHORITY) -> PostedBatch:
    """Post what one source states: movements, transfers, purchase orders, orders, returns, then counts, each in
    the order given. All is committed, or none.

    Of an order the difference to what is posted of it is posted, as where a channel tells of one. A count of a location
    that the source is an authority for is judged beside what other authorities say of it. What cannot be posted is
    answered so and harms nothing else. Raises psycopg's errors, and then nothing was posted.
    """
    if not stated:
        return PostedBatch([])
    assert len({_source_of(each) for each in stated}) == 1, "a batch is of one source"
    for _ in range(TRIES - 1):
        try:
            return await _post(pool, stated, judging)
        except DeadlockDetected:
            continue
    return await _post(pool, stated, judging)


def _source_of(stated: Stated) -> str:
    return stated.channel if isinstance(stated, OrderSnapshot) else stated.source


async def _post(pool: Pool, stated: Sequence[Stated], judging: Judging) -> PostedBatch:
    answers: dict[int, Posted] = {}
    woken: set[str] = set()
    moved = [(n, each) for n, each in enumerate(stated) if isinstance(each, Event)]
    ordered = [(n, each) for n, each in enumerate(stated) if isinstance(each, OrderSnapshot)]
    counted = [(n, each) for n, each in enumerate(stated) if isinstance(each, Count)]
    purchased = [(n, each) for n, each in enumerate(stated) if isinstance(each, PurchaseStatement)]
    sent = [(n, each) for n, each in enumerate(stated) if isinstance(each, TransferStatement)]
    back = [(n, each) for n, each in enumerate(stated) if isinstance(each, ReturnStatement)]
    async with pool.connection() as connection:
        # Whatever a part of it has to wait for is waited for before any of it locks a balance.
        if counted:
            await connection.execute(query("serialise_source"), {"source": _source_of(stated[0])})
        if purchased:
            await purchase_orders.begin_on(connection, [each for _, each in purchased])
        if sent:
            await begin_transfers_on(connection, [each for _, each in sent])
        if ordered:
            await begin_orders_on(connection, _source_of(stated[0]))
        if back:
            await begin_returns_on(connection, [each for _, each in back])
        if moved:
            posted = await post_events_on(connection, [event for _, event in moved], woken)
            answers.update(zip((n for n, _ in moved), posted, strict=True))
        if purchased:
            bought = await purchase_orders.post_stated_on(connection, [each for _, each in purchased], woken)
            answers.update(zip((n for n, _ in purchased), bought, strict=True))
        if sent:
            steps = await post_transfers_on(connection, [each for _, each in sent], woken)
            answers.update(zip((n for n, _ in sent), steps, strict=True))
        if ordered:
            answers.update(await _post_orders(connection, ordered, woken))
        if back:
            returned = await post_returns_on(connection, [each for _, each in back], woken)
            answers.update(zip((n for n, _ in back), returned, strict=True))
        for together in _rounds(counted):
            answers.update(await _post_counts(connection, together, judging, woken))
    return PostedBatch([answers[n] for n in range(len(stated))], woken)


async def _post_orders(
    connection: Connection, ordered: Sequence[tuple[int, OrderSnapshot]], woken: set[str]
) -> dict[int, Posted]:
    """All of them at once; where that is refused, one by one, so that what contradicts the ledger stands alone."""
    try:
        async with connection.transaction():
            found = await post_orders_on(connection, [snapshot for _, snapshot in ordered], woken)
    except OrderConflictError as error:
        if len(ordered) == 1:
            return {ordered[0][0]: Posted(Verdict.CONFLICT, None, str(error))}
        answers: dict[int, Posted] = {}
        for one in ordered:
            answers |= await _post_orders(connection, [one], woken)
        return answers
    return {n: _verdict(snapshot, each) for (n, snapshot), each in zip(ordered, found, strict=True)}


def _verdict(snapshot: OrderSnapshot, answer: PostedSnapshot) -> Posted:
    if answer.refused is not None:
        return answer.refused
    if answer.old:
        return Posted(
            Verdict.STALE, None, "a newer version of this order was taken before; nothing was changed"
        )
    if answer.contradicts:
        return Posted(
            Verdict.CONFLICT,
            None,
            f"order {snapshot.order_id} was stated before in this version with other content; nothing was changed. "
            "A change needs a higher version, or a later changed_at.",
        )
    return Posted(Verdict.POSTED, answer.posted[0].event_id) if answer.posted else Posted(Verdict.UNCHANGED)


def _rounds(counted: Sequence[tuple[int, Count]]) -> Iterator[list[tuple[int, Count]]]:
    """The counts in groups in which no shelf comes twice: a second count is compared with what the first one left."""
    rounds: list[list[tuple[int, Count]]] = []
    times: dict[tuple[str, str], int] = {}
    for n, count in counted:
        shelf = (count.sku, count.location)
        at = times.get(shelf, 0)
        times[shelf] = at + 1
        if at == len(rounds):
            rounds.append([])
        rounds[at].append((n, count))
    yield from rounds


async def _post_counts(
    connection: Connection, counted: Sequence[tuple[int, Count]], judging: Judging, woken: set[str]
) -> dict[int, Posted]:
    """Counts that were posted before are known by their ids: re-based once more, they would only look unchanged."""
    cursor = await connection.execute(
        query("known_events"),
        {"source": counted[0][1].source, "ids": [count.external_id for _, count in counted]},
    )
    known = {external_id: (event_id, fingerprint) async for external_id, event_id, fingerprint in cursor}
    answers: dict[int, Posted] = {}
    new: list[tuple[int, Count]] = []
    for n, count in counted:
        if count.external_id not in known:
            new.append((n, count))
            continue
        event_id, fingerprint = known[count.external_id]
        same = fingerprint == statement_of(count)
        answers[n] = Posted(Verdict.DUPLICATE, event_id) if same else conflict(event_id, count)
    plain = [(n, count) for n, count in new if count.location not in judging.locations]
    if plain:
        posted = await post_counts_on(
            connection, [count for _, count in plain], record_agreement=False, woken=woken
        )
        answers.update(zip((n for n, _ in plain), posted, strict=True))
    weighty = [(n, count) for n, count in new if count.location in judging.locations]
    if weighty:
        judged = await post_judged_on(connection, [count for _, count in weighty], judging.window, woken)
        answers.update(zip((n for n, _ in weighty), (each.posted for each in judged), strict=True))
    return answers
