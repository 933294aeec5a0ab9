"""Programmes on a real ledger: begun, drawn on, stocked and ended, each unit once, whatever runs beside it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.programmes import Beyond, Line, ProgrammeRefusedError, Terms
from onhand.ledger import programmes
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders, post_orders_on
from onhand.ledger.posting import post_events
from onhand.ledger.programmes import Kept
from tests.fix_ledger import sql

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = Terms("spring", "acme", NOON, NOON + 10 * DAY)
SELLERS = ("web",)


async def receive(pool: Pool, units: int, number: str = "r1", sku: str = "A") -> None:
    await post_events(pool, [event_of(Movement("t", number, EventKind.RECEIPT, sku, "leeds", units, NOON))])


def order(
    number: str,
    units: int,
    version: int = 1,
    *,
    at: datetime = NOON + DAY,
    partner: str = "acme",
    channel: str = "web",
) -> OrderSnapshot:
    line = OrderLine("1", "A", "leeds", units, 0)
    changed = at + timedelta(minutes=version)
    return OrderSnapshot(channel, number, version, changed, (line,), at, partner)


async def make(pool: Pool, *lines: Line, terms: Terms = TERMS) -> int:
    await programmes.create(pool, terms, lines or [Line("A", "leeds", 10)], "ann")
    return (await programmes.listed(pool, name=terms.name))[0].number


async def keep(
    pool: Pool,
    number: int,
    after: timedelta,
    channels: Sequence[str] = SELLERS,
    woken: set[str] | None = None,
) -> Kept | None:
    return await programmes.keep(pool, number, NOON + after, channels, set() if woken is None else woken)


async def shelf(pool: Pool) -> tuple[int, int, int]:
    """Units of A in Leeds: available, reserved, committed."""
    rows = await sql(
        pool,
        "SELECT available, reserved, committed FROM balance JOIN sku ON sku.id = sku_id WHERE code = 'A'",
    )
    return rows[0]


async def line(pool: Pool, name: str = "spring") -> Line:
    (found,) = await programmes.listed(pool, name=name, ended=True)
    return found.lines[0]


async def test_it_begins_draws_and_ends(shop: Pool) -> None:
    """Goal: 10 of 25 are reserved; an order of 6 takes of them first; the rest is free again at the end."""
    await receive(shop, 25)
    number = await make(shop)
    assert await programmes.to_keep(shop, NOON - DAY) == []
    assert await programmes.to_keep(shop, NOON) == [(number, "acme")]
    assert await keep(shop, number, timedelta(0)) == Kept("spring", 10, 0, True, False)
    assert await shelf(shop) == (15, 10, 0)
    assert await keep(shop, number, DAY) is None

    await post_orders(shop, [order("1", 6)])
    assert await shelf(shop) == (15, 4, 6)
    await post_orders(shop, [order("1", 6)])
    await post_orders(shop, [order("2", 7)])
    assert await shelf(shop) == (12, 0, 13)
    await post_orders(shop, [order("1", 2, version=2)])
    assert await shelf(shop) == (15, 1, 9)
    assert await line(shop) == Line("A", "leeds", 10, 9, 10)
    assert await programmes.orders_of(shop, number) == [("web", "1"), ("web", "2")]

    assert await keep(shop, number, 10 * DAY) == Kept("spring", 0, 1, False, True)
    assert await shelf(shop) == (16, 0, 9)
    assert await keep(shop, number, 11 * DAY) is None
    await post_orders(shop, [order("2", 0, version=3)])
    assert await shelf(shop) == (23, 0, 2)
    (found,) = await programmes.listed(shop, ended=True)
    assert (found.began_at, found.ended_at, found.ended_by) == (NOON, NOON + 10 * DAY, "its end")


async def test_orders_of_others_draw_nothing(shop: Pool) -> None:
    """Goal: another partner's, nobody's, and orders placed before it began take from what is available."""
    await receive(shop, 25)
    number = await make(shop)
    await post_orders(shop, [order("0", 1, at=NOON - DAY)])
    await keep(shop, number, timedelta(0))
    await post_orders(shop, [order("0", 3, version=2, at=NOON - DAY)])
    await post_orders(shop, [order("1", 2, partner="other"), order("2", 2, partner="")])
    await post_orders(shop, [order("1", 2, channel="store", partner="")])
    assert await shelf(shop) == (6, 10, 9)


async def test_what_is_not_there_is_reserved_when_it_comes(shop: Pool) -> None:
    """Goal: nothing is reserved that others have bought: 4 there, 10 promised; a receipt of 20 fills it first."""
    await receive(shop, 4)
    number = await make(shop)
    assert await keep(shop, number, timedelta(0)) == Kept("spring", 4, 0, True, False)
    await post_orders(shop, [order("1", 5)])
    assert await shelf(shop) == (-1, 0, 5)
    assert await keep(shop, number, DAY) is None
    await receive(shop, 20, "r2")
    woken: set[str] = set()
    assert await keep(shop, number, DAY, woken=woken) == Kept("spring", 5, 0, False, False)
    assert await shelf(shop) == (14, 5, 5)
    assert (await line(shop)).due == 0
    # What the order had taken of what was available comes back as what it was promised.
    await post_orders(shop, [order("1", 0, version=2)])
    assert await shelf(shop) == (14, 10, 0)


async def test_it_begins_late_as_if_it_had_begun_in_time(shop: Pool) -> None:
    """Goal: orders of its period that came before anybody looked draw on it; a cancelled one does not count."""
    await receive(shop, 25)
    number = await make(shop)
    await post_orders(shop, [order("1", 6), order("2", 3), order("0", 2, at=NOON - DAY)])
    await post_orders(shop, [order("2", 1, version=2)])
    assert await shelf(shop) == (16, 0, 9)
    assert await keep(shop, number, 2 * DAY) == Kept("spring", 3, 0, True, False)
    assert await shelf(shop) == (13, 3, 9)
    assert await line(shop) == Line("A", "leeds", 10, 7, 10)
    await post_orders(shop, [order("1", 0, version=2)])
    assert await shelf(shop) == (13, 9, 3)


async def test_a_period_that_nobody_looked_at_leaves_nothing(shop: Pool) -> None:
    """Goal: after a downtime longer than the programme, it is over and nothing was moved."""
    await receive(shop, 25)
    number = await make(shop)
    assert await keep(shop, number, 20 * DAY) == Kept("spring", 0, 0, False, True)
    assert await shelf(shop) == (25, 0, 0)
    assert (await sql(shop, "SELECT count(*) FROM event WHERE kind = 'reservation'")) == [(0,)]


async def test_units_are_given_up_early_or_all_at_once(shop: Pool) -> None:
    """Goal: 3 fewer promised, then nothing more at all: each time they are free at once."""
    await receive(shop, 25)
    number = await make(shop, Line("A", "leeds", 10), Line("B", "leeds", 5))
    await keep(shop, number, timedelta(0))
    await post_orders(shop, [order("1", 4)])
    at = NOON + 2 * DAY
    assert await programmes.release(shop, "spring", "A", 3, at, set()) == Kept("spring", 0, 3)
    assert await shelf(shop) == (18, 3, 4)
    assert await programmes.release(shop, "spring", None, None, at, set()) == Kept("spring", 0, 3)
    assert await shelf(shop) == (21, 0, 4)
    assert await keep(shop, number, 3 * DAY) is None
    assert await programmes.close(shop, "spring", "ann", at, set()) == Kept("spring", 0, 0, False, True)
    with pytest.raises(ProgrammeRefusedError, match="spring is over; nothing is reserved for it any more"):
        await programmes.close(shop, "spring", "ann", at, set())
    with pytest.raises(ProgrammeRefusedError, match="there is no programme autumn; onhand programmes list"):
        await programmes.release(shop, "autumn", None, None, at, set())


async def test_what_cannot_be_promised_is_refused_whole(shop: Pool) -> None:
    """Goal: a name that is taken, a shelf kept already, an unknown SKU: said so, and nothing is written."""
    await make(shop)
    later = Terms("summer", "acme", NOON + 9 * DAY, NOON + 20 * DAY)
    with pytest.raises(
        ProgrammeRefusedError, match="A at leeds is kept for acme by spring in that time already"
    ):
        await programmes.create(shop, later, [Line("A", "leeds", 1)], "ann")
    with pytest.raises(
        ProgrammeRefusedError, match="there is a programme spring already; choose another name"
    ):
        await programmes.create(shop, TERMS, [Line("B", "leeds", 1)], "ann")
    with pytest.raises(
        ProgrammeRefusedError, match="the ledger does not know sku Z; import the catalogue first"
    ):
        await programmes.create(shop, later, [Line("B", "leeds", 1), Line("Z", "leeds", 1)], "ann")
    assert [each.terms.name for each in await programmes.listed(shop, ended=True)] == ["spring"]
    other = Terms("rival", "other", NOON, NOON + DAY, Beyond.ALERT)
    await programmes.create(shop, other, [Line("A", "leeds", 1)], "ann")
    (found,) = await programmes.listed(shop, name="rival")
    assert (found.terms, found.created_by, found.began_at) == (other, "ann", None)


async def test_many_looks_at_once_reserve_once(shop: Pool) -> None:
    """Goal: every channel's sweep looks, all in the same second. Method: eight at once; the entries are counted."""
    await receive(shop, 25)
    number = await make(shop)
    kept = await asyncio.gather(*(keep(shop, number, timedelta(0)) for _ in range(8)))
    assert [each for each in kept if each is not None] == [Kept("spring", 10, 0, True, False)]
    assert await shelf(shop) == (15, 10, 0)


async def test_orders_and_looks_at_once_lose_nothing(shop: Pool) -> None:
    """Goal: orders that are posted while it begins are drawn once, whichever comes first.

    Method: twelve orders of one unit, in six batches, beside four looks, six times over with new programmes.
    """
    await receive(shop, 1_000)
    for n in range(6):
        before = await shelf(shop)
        terms = Terms(f"p{n}", "acme", NOON, NOON + 10 * DAY)
        number = await make(shop, Line("A", "leeds", 30), terms=terms)
        orders = [order(f"{n}-{k}", 1) for k in range(12)]
        await asyncio.gather(
            *(post_orders(shop, orders[k : k + 2]) for k in range(0, 12, 2)),
            *(keep(shop, number, DAY) for _ in range(4)),
        )
        assert await line(shop, f"p{n}") == Line("A", "leeds", 30, 12, 30)
        available, reserved, committed = await shelf(shop)
        assert (available - before[0], reserved - before[1], committed - before[2]) == (-30, 18, 12)
        await programmes.close(shop, f"p{n}", "ann", NOON + DAY, set())


@pytest.mark.parametrize(("channels", "drawn"), [(SELLERS, 6), ((), 0)])
async def test_a_beginning_waits_for_orders_in_flight(
    shop: Pool, channels: tuple[str, ...], drawn: int
) -> None:
    """Goal: an order that is posted while the programme begins is not lost between the two.

    Method: the order's transaction is held open over the beginning. Negative control: one that waits for no channel of
    the partner does not see the order, and the order did not see it.
    """
    await receive(shop, 25)
    number = await make(shop)
    async with shop.connection() as connection:
        await post_orders_on(connection, [order("1", 6)])
        beginning = asyncio.create_task(keep(shop, number, DAY, channels))
        await asyncio.wait([beginning], timeout=0.5)
    await beginning
    assert (await line(shop)).drawn == drawn
    assert await shelf(shop) == (9 + drawn, 10 - drawn, 6)


async def test_what_is_held_is_what_is_reserved(shop: Pool) -> None:
    """Goal: what programmes say is held is what the balance has reserved. Method: two, of two partners."""
    await receive(shop, 12)
    first = await make(shop)
    second = await make(shop, Line("A", "leeds", 7), terms=Terms("two", "other", NOON, NOON + DAY))
    for number in (first, second):
        await keep(shop, number, timedelta(0))
    await post_orders(shop, [order("1", 4)])
    await post_orders(shop, [order("2", 1, partner="other", at=NOON)])
    held = sum(n.held for p in await programmes.listed(shop) for n in p.lines)
    assert (await shelf(shop))[1] == held == 7
