"""Feeding: many statements at once end where one after the other would."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from onhand.domain import movements
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.embedded.postgres import EmbeddedPostgres
from onhand.ledger import scratch
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.ledger.stated import Stated, post_stated
from onhand.validation.feeding import feed, rounds, shelves_of
from onhand.validation.files import Read

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _moved(number: int, sku: str, quantity: int, minutes: int) -> Stated:
    moment = NOON + timedelta(minutes=minutes)
    return movements.event_of(
        Movement("wms", f"m{number}", EventKind.ADJUSTMENT, sku, "leeds", quantity, moment)
    )


def _counted(number: int, sku: str, quantity: int, minutes: int, source: str = "wms") -> Stated:
    moment = NOON + timedelta(minutes=minutes)
    return Count(source, f"c{number}", sku, "leeds", quantity, CountMeaning.AVAILABLE, moment)


def _ordered(number: int, sku: str, quantity: int, minutes: int) -> Stated:
    lines = (OrderLine("1", sku, "leeds", quantity, 0), OrderLine("2", "A", "leeds", 1, 0))
    return OrderSnapshot("shop", str(number), 1, NOON + timedelta(minutes=minutes), lines)


@st.composite
def histories(draw: st.DrawFn) -> list[Stated]:
    """Statements about three SKUs in an order that need not be that of their moments."""
    made: list[Stated] = []
    for number in range(draw(st.integers(0, 12))):
        sku, minutes = draw(st.sampled_from("ABC")), draw(st.integers(0, 9))
        kind = draw(st.sampled_from([_moved, _counted, _ordered]))
        made.append(kind(number, sku, draw(st.integers(1, 9)), minutes))
    return made


@settings(deadline=None)
@given(histories())
def test_rounds_keep_the_order_of_counts_and_of_what_is_beside_them(history: list[Stated]) -> None:
    """Goal: every statement comes once; on a shelf nothing passes a count, in neither direction."""
    posted = [row for together in rounds(list(enumerate(history))) for row, _ in together]

    assert sorted(posted) == list(range(len(history)))
    turn = {row: at for at, row in enumerate(posted)}
    for later, stated in enumerate(history):
        for earlier in range(later):
            a_count = isinstance(stated, Count) or isinstance(history[earlier], Count)
            if a_count and shelves_of(stated) & shelves_of(history[earlier]):
                assert turn[earlier] < turn[later]


def _history() -> Iterator[Stated]:
    """Two counts of a shelf with losses before, between and after, one of which is told late."""
    yield _moved(1, "A", 10, 0)
    yield _counted(2, "A", 8, 10)
    yield _moved(3, "A", -1, 20)
    yield _ordered(4, "B", 2, 25)
    yield _counted(5, "A", 5, 30, source="erp")
    yield _moved(6, "A", -2, 40)
    yield _moved(7, "A", -1, 5)
    yield _counted(8, "B", 9, 50)
    yield _moved(9, "B", 4, 60)


async def test_all_at_once_ends_where_one_by_one_does(
    ledger: Pool, postgres_server: EmbeddedPostgres
) -> None:
    """Goal: what is put together in one step changes nothing of the outcome; names are made as they come."""
    fed = await feed(ledger, [Read(row, stated) for row, stated in enumerate(_history(), 1)])
    at_once = await scratch.balances(ledger)

    assert (fed.statements, fed.refusals) == (9, [])
    assert fed.verdicts == {Verdict.POSTED: 9}
    async with scratch.scratch_ledger(postgres_server.dsn) as alone:
        for row, stated in enumerate(_history(), 1):
            await feed(alone, [Read(row, stated)])
        assert await scratch.balances(alone) == at_once


async def test_what_is_refused_is_told_by_row_and_what_is_said_twice_is_counted(ledger: Pool) -> None:
    first, changed = _moved(1, "A", 10, 0), _moved(1, "A", 9, 0)

    fed = await feed(ledger, [Read(1, first), Read(2, first), Read(3, changed), Read(4, refused="it is odd")])

    assert fed.verdicts == {Verdict.POSTED: 1, Verdict.DUPLICATE: 1, Verdict.CONFLICT: 1}
    assert [refusal.row for refusal in fed.refusals] == [4, 3]
    assert (await post_stated(ledger, [first])).answers[0].verdict is Verdict.DUPLICATE
