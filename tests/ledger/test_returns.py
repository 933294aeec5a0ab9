"""Returns in the ledger: parcels and a channel's refunds meet at the order's line, and what waits is listed."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from onhand.audit.report import audit
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.returns import Outcome, ReturnStatement
from onhand.domain.states import State
from onhand.ledger import stock
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders, post_orders_on
from onhand.ledger.posting import Verdict
from onhand.ledger.returns import (
    COUNTED,
    Waiting,
    begin_returns_on,
    post_returns,
    post_returns_on,
    waiting,
)
from tests.fix_ledger import sql, until_somebody_waits

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEEN = (State.AVAILABLE, State.CUSTOMER, State.QUALITY_CONTROL, State.DAMAGED, State.SHRINKAGE)


def order(
    version: int, fulfilled: int, returned: int = 0, *, trusted: bool = True, open_: int = 0
) -> OrderSnapshot:
    """Order 1001 of the web shop: one line of A, sold from Leeds."""
    line = OrderLine("1", "A", "leeds", open_, fulfilled, returned=returned, trusted=trusted)
    return OrderSnapshot("web", "1001", version, NOON + timedelta(minutes=version), (line,))


def parcel(
    name: str,
    quantity: int = 1,
    outcome: Outcome | None = None,
    *,
    location: str = "leeds",
    sku: str = "A",
    of: tuple[str, str, str] = ("web", "1001", "1"),
    minutes: int = 30,
) -> ReturnStatement:
    """What a warehouse says of a parcel; `of` is channel, order and line."""
    at = NOON + timedelta(minutes=minutes)
    return ReturnStatement("client/wms", name, sku, location, quantity, at, outcome, *of)


async def shelves(pool: Pool, sku: str = "A") -> dict[str, tuple[int, ...]]:
    """Units by location: available, with customers, in quality control, damaged, gone."""
    return {
        row.location: tuple(row.units[state] for state in SEEN) for row in await stock.sku_balances(pool, sku)
    }


async def said(pool: Pool, *stated: ReturnStatement) -> list[tuple[Verdict, str]]:
    return [(answer.verdict, answer.message) for answer in await post_returns(pool, stated)]


POSTED, ONCE = (Verdict.POSTED, ""), (Verdict.POSTED, COUNTED)


async def test_a_parcel_and_its_refund_are_one_return(shop: Pool) -> None:
    """Goal: the warehouse first, the channel after it, the warehouse's words again: one unit, where it was last put."""
    await post_orders(shop, [order(1, 2)])
    assert await said(shop, parcel("p1")) == [POSTED]
    assert await shelves(shop) == {"leeds": (-2, 1, 1, 0, 0)}
    await post_orders(shop, [order(2, 1, 1)])
    assert await shelves(shop) == {"leeds": (-1, 1, 0, 0, 0)}, "trusted: it can be sold"
    assert await said(shop, parcel("p1")) == [(Verdict.DUPLICATE, "")]
    assert await said(shop, parcel("p2", outcome=Outcome.DAMAGED)) == [POSTED]
    assert await shelves(shop) == {"leeds": (-2, 1, 0, 1, 0)}, "but it was not whole"
    assert (await audit(shop)).clean


async def test_a_refund_and_its_parcel_are_one_return(shop: Pool) -> None:
    """Goal: told by the channel first, the parcel moves nothing, and says so; only its inspection does."""
    await post_orders(shop, [order(1, 2), order(2, 1, 1, trusted=False)])
    assert await shelves(shop) == {"leeds": (-2, 1, 1, 0, 0)}
    assert await said(shop, parcel("p1")) == [ONCE]
    assert await said(shop, parcel("p2", outcome=Outcome.SELLABLE)) == [POSTED]
    assert await shelves(shop) == {"leeds": (-1, 1, 0, 0, 0)}
    assert await waiting(shop) == []
    assert (await audit(shop)).clean


async def test_what_waits_is_listed_since_it_waits(shop: Pool) -> None:
    """Goal: units of an order by their line, those of no order by their shelf; both gone once they are inspected."""
    await post_orders(shop, [order(1, 3), order(2, 2, 1, trusted=False)])
    nobodys = parcel("n", 2, sku="B", of=("", "", ""), location="london", minutes=5)
    assert await said(shop, nobodys, parcel("p1", 2)) == [POSTED, POSTED]
    listed = await waiting(shop)
    assert listed == [
        Waiting("web", "1001", "1", "A", "leeds", 2, NOON + timedelta(minutes=2)),
        Waiting("", "", "", "B", "london", 2, NOON + timedelta(minutes=5)),
    ]
    assert await waiting(shop, "london") == listed[1:]
    done = (
        parcel("i1", 2, Outcome.LOST),
        parcel("i2", 2, Outcome.SELLABLE, sku="B", location="london", of=("", "", "")),
    )
    assert await said(shop, *done) == [POSTED, POSTED]
    assert await waiting(shop) == []
    assert await shelves(shop) == {"leeds": (-3, 1, 0, 0, 2)}
    assert await shelves(shop, "B") == {"london": (2, -2, 0, 0, 0)}
    await said(shop, parcel("n2", sku="B", of=("", "", ""), location="london", minutes=50))
    assert [each.since for each in await waiting(shop)] == [NOON + timedelta(minutes=50)], (
        "since it waits again"
    )


@pytest.mark.parametrize(
    ("stated", "verdict", "words"),
    [
        (
            parcel("x", of=("web", "1002", "")),
            Verdict.UNKNOWN,
            "the ledger has no order 1002 of web. State it again once it has, or without an order.",
        ),
        (
            parcel("x", of=("web", "1001", "9")),
            Verdict.UNKNOWN,
            "order 1001 of web has no line 9 of A. Lines of it: 1. State it again once it has, or without an order.",
        ),
        (
            parcel("x", sku="B", of=("web", "1001", "")),
            Verdict.UNKNOWN,
            "order 1001 of web has no line of B. State it again once it has, or without an order.",
        ),
        (
            parcel("x", sku="Z", of=("", "", "")),
            Verdict.UNKNOWN,
            "the ledger does not know sku Z. Import the catalogue first.",
        ),
        (
            parcel("x", 3),
            Verdict.CONFLICT,
            "line 1 of order 1001 of web sold 2 of A, and with this 3 would have come back. See what was stated of it: "
            "onhand explain A",
        ),
    ],
)
async def test_what_cannot_be_is_refused(
    shop: Pool, stated: ReturnStatement, verdict: Verdict, words: str
) -> None:
    """Goal: it changes nothing, and what is stated beside it is posted; later, under the same id, it may be taken."""
    await post_orders(shop, [order(1, 2)])
    assert await said(shop, stated, parcel("good")) == [(verdict, words), POSTED]
    assert await shelves(shop) == {"leeds": (-2, 1, 1, 0, 0)}


async def test_the_only_line_of_a_sku_need_not_be_named(shop: Pool) -> None:
    two = [OrderLine(name, sku, "leeds", 0, 2) for name, sku in (("1", "A"), ("2", "B"), ("3", "B"))]
    await post_orders(shop, [OrderSnapshot("web", "1001", 1, NOON, tuple(two))])
    several = "order 1001 of web has several lines of B; name one of: 2, 3"
    answers = await said(
        shop, parcel("p", of=("web", "1001", "")), parcel("q", sku="B", of=("web", "1001", ""))
    )
    assert answers == [POSTED, (Verdict.UNKNOWN, several)]
    assert await said(shop, parcel("p", of=("web", "1001", ""))) == [(Verdict.DUPLICATE, "")]
    assert (await said(shop, parcel("p")))[0][0] is Verdict.CONFLICT, "the same id with other words"
    (event, *_) = await stock.sku_events(shop, "A", 1)
    assert event.detail == {"channel": "web", "order": "1001", "line": "1"}


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_however_both_sides_tell(shop: Pool, seed: int, trusted: bool) -> None:
    """Goal: refunds and parcels in any order, said twice, in batches or one by one, end the same; the audit agrees.

    Method: all orders of telling are compared with one; what is told is the same each time.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    snapshots = [
        order(2, 4, 0, trusted=trusted),
        order(3, 3, 1, trusted=trusted),
        order(4, 2, 2, trusted=trusted),
    ]
    parcels = [
        parcel("a"),
        parcel("b", location="london"),
        parcel("c", outcome=Outcome.DAMAGED),
        parcel("d", outcome=Outcome.SELLABLE, location="london"),
        parcel("e"),
    ]
    await post_orders(shop, [order(1, 0, open_=4)])
    told = [*snapshots, *parcels, *chance.choices(snapshots, k=2), *chance.choices(parcels, k=3)]
    chance.shuffle(told)
    for each in told:
        if isinstance(each, OrderSnapshot):
            await post_orders(shop, [each])
        else:
            await post_returns(shop, [each])
    # Three parcels are here; the channel told of two. One was damaged, one found whole; for the third nobody vouches.
    assert await shelves(shop) == {"leeds": (-4, 1, 1, 1, 0), "london": (1, 0, 0, 0, 0)}
    assert [each.units for each in await waiting(shop)] == [1]
    assert (await audit(shop)).clean
    assert await sql(shop, "SELECT count(*) FROM event WHERE source = 'client/wms'") == [(5,)]


@pytest.mark.parametrize(("locked", "expected"), [(True, (-1, 1, 0, 0, 0)), (False, (-1, 0, 1, 0, 0))])
async def test_a_parcel_and_its_refund_at_the_same_time(
    shop: Pool, locked: bool, expected: tuple[int, ...]
) -> None:
    """Goal: one unit, also where both sides tell of it at once.

    Method: the parcel is stated before the refund is committed. Negative control: without the channel's lock it does
    not know of the refund, and the unit is counted twice.
    """
    await post_orders(shop, [order(1, 2)])

    async def state() -> None:
        async with shop.connection() as connection:
            if locked:
                await begin_returns_on(connection, [parcel("p")])
            await post_returns_on(connection, [parcel("p")])

    async with shop.connection() as connection:
        await post_orders_on(connection, [order(2, 1, 1)])
        waits = asyncio.create_task(state())
        await until_somebody_waits(shop)
    await waits
    assert await shelves(shop) == {"leeds": expected}
    assert (await audit(shop)).clean is locked
