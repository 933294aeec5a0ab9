"""Taking events back: the opposite is posted once, whoever asks how often; what follows an order stays."""

import asyncio
from datetime import UTC, datetime, timedelta

from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.states import State
from onhand.ledger import history, orders, posting, reversal, stock
from onhand.ledger.database import Pool
from onhand.ledger.reversal import Reversed
from tests.fix_ledger import sql

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


async def _move(
    pool: Pool, name: str, kind: EventKind, quantity: int, *, source: str = "test", at: datetime = NOON
) -> int:
    movement = Movement(source, name, kind, "A", "leeds", quantity, at)
    (answer,) = await posting.post_events(pool, [movements.event_of(movement)])
    assert answer.event_id is not None
    return answer.event_id


async def _available(pool: Pool, sku: str = "A") -> int:
    return sum(row.units[State.AVAILABLE] for row in await stock.sku_balances(pool, sku))


async def _reverse(pool: Pool, *ids: int, write: bool = True) -> list[Reversed]:
    return await reversal.reverse(pool, ids, "a mistake", woken=None, write=write)


async def test_an_event_is_taken_back_by_its_opposite_and_both_stay(shop: Pool) -> None:
    event = await _move(shop, "1", EventKind.RECEIPT, 10)

    (answer,) = await _reverse(shop, event)

    assert (answer.outcome, await _available(shop)) == ("reversed", 0)
    taken_back, first = await history.newest_events(shop, 10)
    assert (first.event_id, first.reversed_by) == (event, taken_back.event_id)
    assert (taken_back.kind, taken_back.reverses, taken_back.occurred_at) == ("receipt", event, NOON)
    assert taken_back.detail == {"reverses": str(event), "first_source": "test", "reason": "a mistake"}
    assert [(line.state, line.quantity) for line in taken_back.lines] == [
        (State.SUPPLIER, 10),
        (State.AVAILABLE, -10),
    ]


async def test_taking_back_twice_changes_nothing_and_once_more_goes_by_the_last_word(shop: Pool) -> None:
    """Goal: a reversal, the same again, its own reversal, and the first once more, which names what to do instead."""
    event = await _move(shop, "1", EventKind.RECEIPT, 10)
    (first,) = await _reverse(shop, event)
    assert first.by is not None
    (again,) = await _reverse(shop, event)
    assert (again.outcome, again.by, again.undone_by, await _available(shop)) == (
        "reversed before",
        first.by,
        None,
        0,
    )

    (undone,) = await _reverse(shop, first.by)
    assert (undone.outcome, await _available(shop)) == ("reversed", 10)
    (third,) = await _reverse(shop, event)
    assert (third.outcome, third.by, third.undone_by) == ("reversed before", first.by, undone.by)

    assert undone.by is not None
    await _reverse(shop, undone.by)
    assert await _available(shop) == 0


async def test_two_who_take_the_same_back_at_once_take_it_back_once(shop: Pool) -> None:
    event = await _move(shop, "1", EventKind.RECEIPT, 10)

    answers = await asyncio.gather(*(_reverse(shop, event) for _ in range(6)))

    assert sorted(answer.outcome for (answer,) in answers) == ["reversed", *["reversed before"] * 5]
    assert len({answer.by for (answer,) in answers}) == 1
    assert await _available(shop) == 0


async def test_a_look_ahead_posts_nothing(shop: Pool) -> None:
    event = await _move(shop, "1", EventKind.RECEIPT, 10)

    (answer,) = await _reverse(shop, event, write=False)

    assert (answer.outcome, answer.by, await _available(shop)) == ("would be reversed", None, 10)
    assert await sql(shop, "SELECT count(*) FROM event") == [(1,)]


async def test_an_orders_event_is_refused_and_others_are_taken_back_all_the_same(shop: Pool) -> None:
    receipt = await _move(shop, "1", EventKind.RECEIPT, 10)
    order = OrderSnapshot("store", "1001", 1, NOON, (OrderLine("1", "A", "leeds", 2, 0),))
    (posted,) = await orders.post_orders(shop, [order])
    (event,) = (each.event_id for each in posted.posted)
    assert event is not None

    answers = await _reverse(shop, event, receipt, 999)

    assert [answer.outcome for answer in answers] == ["refused", "reversed", "unknown"]
    assert "is of order 1001" in answers[0].message
    assert answers[0].advice.startswith("Change or cancel the order on store")
    assert await _available(shop) == -2


async def test_an_import_is_taken_back_whole_in_several_transactions(shop: Pool) -> None:
    """Goal: more events than one transaction takes, of which one was taken back before; others' events stay."""
    many = reversal.EVENTS_AT_ONCE + 10
    events = [
        movements.event_of(Movement("import/x", str(n), EventKind.RECEIPT, "A", "leeds", 1, NOON))
        for n in range(many)
    ]
    await posting.post_events(shop, events)
    await _move(shop, "other", EventKind.RECEIPT, 5)
    ids = await history.ids_of_source(shop, "import/x")
    await _reverse(shop, ids[3])

    answers = await _reverse(shop, *ids)

    assert len(ids) == many
    assert sum(answer.outcome == "reversed" for answer in answers) == many - 1
    assert await _available(shop) == 5
    assert await sql(shop, "SELECT count(*) FROM event WHERE source = 'reversal'") == [(many,)]


async def test_what_a_source_stated_in_a_run_is_found_by_its_times(shop: Pool) -> None:
    await sql(shop, "INSERT INTO run (id, workflow_id, request) VALUES ('run-1', 'w', '{}')")
    counts = [Count("source/csv", "a", "A", "leeds", 7, CountMeaning.AVAILABLE, NOON)]
    await posting.post_counts(shop, counts, record_agreement=False)
    await sql(shop, "UPDATE run SET finished_at = clock_timestamp() WHERE id = 'run-1'")
    later = [Count("source/csv", "b", "B", "leeds", 7, CountMeaning.AVAILABLE, NOON)]
    await posting.post_counts(shop, later, record_agreement=False)

    times = await history.times_of_run(shop, "run-1")
    assert times is not None
    assert times.others == 0
    (event,) = await history.ids_of_source(shop, "source/csv", times.started_at, times.finished_at)
    assert [line.sku for found in await history.events_by_id(shop, [event]) for line in found.lines] == [
        "A",
        "A",
    ]
    assert await history.times_of_run(shop, "run-2") is None


async def test_a_reversal_is_on_the_same_side_of_a_count_as_what_it_takes_back(shop: Pool) -> None:
    """Goal: a count of a moment between the event and its reversal knows of neither, or of both.

    Ten found at 10:00 by mistake; taken back at noon; a count as of 11:00 that says 3 comes after that: 3 it is.
    """
    hour = timedelta(hours=1)
    await _move(shop, "1", EventKind.RECEIPT, 3, at=NOON - 3 * hour)
    event = await _move(shop, "2", EventKind.ADJUSTMENT, 10, at=NOON - 2 * hour)
    await _reverse(shop, event)

    counted = Count("erp", "c", "A", "leeds", 3, CountMeaning.AVAILABLE, NOON - hour)
    await posting.post_counts(shop, [counted], record_agreement=False)

    assert await _available(shop) == 3


async def test_events_are_listed_by_sku_kind_source_and_time(shop: Pool) -> None:
    first = await _move(shop, "1", EventKind.RECEIPT, 10)
    second = await _move(shop, "2", EventKind.WRITE_OFF, 1)
    third = await _move(shop, "3", EventKind.RECEIPT, 10, source="other")
    await posting.post_events(
        shop, [movements.event_of(Movement("test", "4", EventKind.RECEIPT, "B", "leeds", 1, NOON))]
    )
    recorded = {event.event_id: event.recorded_at for event in await history.newest_events(shop, 10)}

    async def found(**asked: object) -> list[int]:
        return [event.event_id for event in await history.newest_events(shop, 10, **asked)]

    assert await found(sku="A") == [third, second, first]
    assert await found(sku="A", kind=EventKind.RECEIPT) == [third, first]
    assert await found(sku="A", source="test") == [second, first]
    assert await found(kind=EventKind.RECEIPT, since=recorded[third]) == [4, third]
    assert await found(sku="A", since=recorded[third]) == [third]
    assert [event.event_id for event in await history.newest_events(shop, 1, sku="A")] == [third]
