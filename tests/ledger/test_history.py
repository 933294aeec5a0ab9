"""The ledger's past: what it held at any moment is what a fold of its entries up to then comes to."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.states import State
from onhand.ledger import history, posting, stock
from onhand.ledger.database import Pool
from tests.fix_ledger import sql

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
FOLD = """
SELECT l.code, e.state, sum(e.quantity)::bigint, max(e.version)
  FROM entry e
  JOIN event v ON v.id = e.event_id
  JOIN sku s ON s.id = e.sku_id
  JOIN location l ON l.id = e.location_id
 WHERE s.code = 'A' AND v.recorded_at <= %s
 GROUP BY l.code, e.state
"""


async def _move(pool: Pool, name: str, kind: EventKind, location: str, quantity: int, to: str = "") -> None:
    movement = Movement("test", name, kind, "A", location, quantity, NOON, to)
    (answer,) = await posting.post_events(pool, [movements.event_of(movement)])
    assert answer.verdict is posting.Verdict.POSTED


async def _recorded(pool: Pool) -> list[datetime]:
    return [at for (at,) in await sql(pool, "SELECT recorded_at FROM event ORDER BY id")]


async def test_the_past_is_what_was_recorded_by_then(shop: Pool) -> None:
    """Goal: the moment an event was written down decides, inclusive; when it happened does not."""
    await _move(shop, "1", EventKind.RECEIPT, "leeds", 10)
    await _move(shop, "2", EventKind.TRANSFER_OUT, "leeds", 3, "london")
    await _move(shop, "3", EventKind.WRITE_OFF, "leeds", 1)
    first, second, third = await _recorded(shop)
    tick = timedelta(microseconds=1)

    assert await history.balances_at(shop, "A", NOON) == []
    assert await history.balances_at(shop, "A", first - tick) == []
    (leeds,) = await history.balances_at(shop, "A", first)
    assert (leeds.location, leeds.version, leeds.moved_at) == ("leeds", 2, first)
    assert leeds.units == dict.fromkeys(State, 0) | {State.SUPPLIER: -10, State.AVAILABLE: 10}
    leeds, london = await history.balances_at(shop, "A", third - tick)
    assert (leeds.version, leeds.units[State.AVAILABLE], leeds.units[State.SHRINKAGE]) == (3, 7, 0)
    assert (london.location, london.version, london.moved_at) == ("london", 1, second)
    assert london.units[State.IN_TRANSIT] == 3
    at_last = await history.balances_at(shop, "A", datetime.now(UTC))
    assert [(row.location, row.version, row.units) for row in at_last] == [
        (row.location, row.version, row.units) for row in await stock.sku_balances(shop, "A")
    ]
    assert await history.balances_at(shop, "B", datetime.now(UTC)) == []


async def test_any_moment_of_a_long_history_is_the_fold_of_what_came_before(shop: Pool) -> None:
    """Goal: halving finds the right line whichever side is shorter, in every state. Method: a hundred random events,
    asked at each of their moments and between them, against a plain sum over everything."""
    chance = random.Random(7)
    kinds = [EventKind.RECEIPT, EventKind.WRITE_OFF, EventKind.TRANSFER_OUT, EventKind.TRANSFER_IN]
    for number in range(100):
        kind = chance.choice(kinds)
        here, there = chance.sample(["leeds", "london"], 2)
        to = there if kind is EventKind.TRANSFER_OUT else ""
        await _move(shop, str(number), kind, here, chance.randint(1, 9), to)
    for at in await _recorded(shop):
        folded: dict[tuple[str, str], int] = {}
        versions: dict[str, int] = {}
        for code, state, units, version in await sql(shop, FOLD, at):
            folded[code, state] = units
            versions[code] = max(versions.get(code, 0), version)
        found = await history.balances_at(shop, "A", at)
        assert {row.location: row.version for row in found} == versions
        for row in found:
            assert row.units == {state: folded.get((row.location, state), 0) for state in State}


async def test_while_others_post_the_past_is_a_moment_the_ledger_really_had(shop: Pool) -> None:
    """Goal: postings at the same time may cross by milliseconds; the answer is a beginning of the history all the same.

    Method: eight post at once; at each moment the units answered are those after the line of the version answered.
    """

    async def post(worker: int) -> None:
        for number in range(10):
            await _move(shop, f"{worker}-{number}", EventKind.RECEIPT, "leeds", 1 + worker)

    await asyncio.gather(*(post(worker) for worker in range(8)))
    after = dict(
        await sql(shop, "SELECT version, balance_after FROM entry WHERE state = 'available' ORDER BY version")
    )
    for at in await _recorded(shop):
        for row in await history.balances_at(shop, "A", at):
            last = max(version for version in after if version <= row.version)
            assert row.units[State.AVAILABLE] == after[last]
