"""Transfers in the ledger: parts, shortage and surplus, each step once, and steps at the same time."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.states import State
from onhand.domain.transfers import Progress, Step, TransferLine, TransferStatement
from onhand.ledger import stock
from onhand.ledger.database import Connection, Pool
from onhand.ledger.posting import Verdict, post_events
from onhand.ledger.transfers import (
    begin_transfers_on,
    known,
    listed,
    post_transfers,
    post_transfers_on,
)
from tests.fix_ledger import sql, until_somebody_waits

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSTED = (Verdict.POSTED, "")


def step(
    name: str, which: Step, units: Mapping[str, int] | None = None, *, transfer: str = "T-1", **more: str
) -> TransferStatement:
    given = {"origin": "leeds", "destination": "london"} if which is Step.SEND else {}
    return TransferStatement("wms", name, transfer, which, units or {}, NOON, **{**given, **more})


async def said(pool: Pool, *stated: TransferStatement) -> list[tuple[Verdict, str]]:
    return [(answer.verdict, answer.message) for answer in await post_transfers(pool, stated)]


async def shelves(pool: Pool, sku: str = "A") -> dict[str, dict[str, int]]:
    """Units other than none, by location and state."""
    return {
        row.location: {state.value: units for state, units in row.units.items() if units}
        for row in await stock.sku_balances(pool, sku)
    }


@pytest.fixture
async def stocked(shop: Pool) -> Pool:
    """Ten of A and of B in Leeds."""
    received = [Movement("test", sku, EventKind.RECEIPT, sku, "leeds", 10, NOON) for sku in ("A", "B")]
    await post_events(shop, [event_of(each) for each in received])
    return shop


async def test_parts_a_shortage_and_a_surplus(stocked: Pool) -> None:
    """Goal: 6 of A are sent; 2 arrive, then 1; the rest is lost; and of B one more arrives than was sent."""
    steps = [
        step("s", Step.SEND, {"A": 6, "B": 1}),
        step("r1", Step.RECEIVE, {"A": 2}),
        step("r2", Step.RECEIVE, {"A": 1, "B": 2}),
        step("c", Step.CLOSE, reason="lost"),
    ]
    assert await said(stocked, steps[0]) == [POSTED]
    assert await shelves(stocked) == {
        "leeds": {"available": 4, "supplier": -10},
        "london": {"in_transit": 6},
    }
    assert await said(stocked, steps[1]) == [POSTED]
    (row,) = await listed(stocked)
    assert (row.transfer.progress, row.began_at) == (Progress.PARTLY_RECEIVED, NOON)
    assert await said(stocked, *steps) == [(Verdict.DUPLICATE, ""), (Verdict.DUPLICATE, ""), POSTED, POSTED]
    assert await shelves(stocked) == {
        "leeds": {"available": 4, "supplier": -10},
        "london": {"available": 3, "shrinkage": 3},
    }
    assert await shelves(stocked, "B") == {
        "leeds": {"available": 9, "supplier": -10},
        "london": {"available": 2, "found": -1},
    }
    assert await listed(stocked) == []
    (row,) = await listed(stocked, all_=True)
    assert row.transfer.progress is Progress.CLOSED_SHORT
    assert row.transfer.lines == {"A": TransferLine(6, 3, 3), "B": TransferLine(1, 1, 0, 1)}
    (closed, _) = await stock.sku_events(stocked, "A", 2)
    assert (closed.kind, closed.detail) == ("write_off", {"transfer": "T-1", "reason": "lost"})


@pytest.mark.parametrize(
    ("stated", "verdict", "words"),
    [
        (
            step("x", Step.RECEIVE, transfer="T-9"),
            Verdict.UNKNOWN,
            "there is no transfer T-9; it begins when goods are sent by it",
        ),
        (
            step("x", Step.SEND, {"Z": 1}),
            Verdict.UNKNOWN,
            "the ledger does not know sku Z. Import the catalogue first.",
        ),
        (
            step("x", Step.CLOSE, {"A": 7}),
            Verdict.CONFLICT,
            "transfer T-1: 6 of A are on their way, 7 cannot be written off",
        ),
        (
            step("s", Step.SEND, {"A": 5}),
            Verdict.CONFLICT,
            "wms already stated 's' with other content (event 3); nothing was changed. A correction needs an id of its "
            "own.",
        ),
    ],
)
async def test_what_cannot_be_is_refused(
    stocked: Pool, stated: TransferStatement, verdict: Verdict, words: str
) -> None:
    """Goal: it changes nothing, and what is stated beside it is posted."""
    await said(stocked, step("s", Step.SEND, {"A": 6}))
    assert await said(stocked, stated, step("r", Step.RECEIVE, {"A": 6})) == [(verdict, words), POSTED]
    assert await shelves(stocked) == {
        "leeds": {"available": 4, "supplier": -10},
        "london": {"available": 6},
    }


@pytest.mark.parametrize(
    ("locked", "expected"), [(True, TransferLine(6, 6, 0, 2)), (False, TransferLine(6, 8))]
)
async def test_receipts_at_the_same_time_are_compared_one_after_the_other(
    stocked: Pool, locked: bool, expected: TransferLine
) -> None:
    """Goal: of two receipts of 4 of the 6 units the second finds 2 on their way, and 2 beyond them.

    Method: the second begins before the first is committed. Negative control: without the lock it finds all 6.
    """
    await said(stocked, step("s", Step.SEND, {"A": 6}))
    scans = [
        TransferStatement(f"scanner{n}", "1", "T-1", Step.RECEIVE, {"A": 4}, NOON + timedelta(minutes=n))
        for n in range(2)
    ]

    async def receive(connection: Connection, scan: TransferStatement) -> None:
        if locked:
            await begin_transfers_on(connection, [scan])
        await post_transfers_on(connection, [scan])

    async def second() -> None:
        async with stocked.connection() as connection:
            await receive(connection, scans[1])

    async with stocked.connection() as connection:
        await receive(connection, scans[0])
        waiting = asyncio.create_task(second())
        await until_somebody_waits(stocked)
    await waiting
    row = await known(stocked, "T-1")
    assert row is not None
    assert row.transfer.lines == {"A": expected}


async def test_a_transfer_is_history(stocked: Pool) -> None:
    """Goal: the program cannot rewrite what was sent and what arrived."""
    await said(stocked, step("s", Step.SEND, {"A": 6}))
    for statement in (
        "UPDATE transfer_step SET arrived = 6",
        "DELETE FROM transfer_step",
        "DELETE FROM transfer",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await sql(stocked, statement)


async def test_in_transit_is_for_sale_nowhere(stocked: Pool) -> None:
    """Goal: between the two locations the business owns as much, and less of it can be sold."""
    await said(stocked, step("s", Step.SEND, {"A": 6}))
    rows = await stock.sku_balances(stocked, "A")
    assert sum(row.units[State.AVAILABLE] for row in rows) == 4
    assert sum(row.units[State.AVAILABLE] + row.units[State.IN_TRANSIT] for row in rows) == 10
