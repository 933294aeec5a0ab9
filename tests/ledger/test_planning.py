"""Planning on a real Postgres: demand as the ledger has it, reorder points in rounds, proposals that become orders."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from onhand import planning
from onhand.domain.demand_history import OrderedDay
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.purchase_orders import Closing, Delivery, DueChange
from onhand.domain.reorder import Policy
from onhand.ledger import catalogue, purchase_orders, suppliers
from onhand.ledger import planning as ledger
from onhand.ledger.catalogue import CatalogueSku
from onhand.ledger.database import Connection, Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.ledger.suppliers import SuppliedSku, Supplier
from onhand.planning import NotProposedError
from tests.fix_ledger import sql

NOW = datetime.now(UTC)
POLICY = Policy()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def order(number: str, sku: str, units: int, days_ago: float, version: int = 1) -> OrderSnapshot:
    """An order of one line, as it stands at that version."""
    line = OrderLine("1", sku, "leeds", units, 0)
    return OrderSnapshot("web", number, version, ago(days_ago), (line,), ago(days_ago))


async def moved(pool: Pool, number: str, kind: EventKind, sku: str, units: int, days_ago: float) -> None:
    movement = Movement("test", number, kind, sku, "leeds", units, ago(days_ago))
    await post_events(pool, [event_of(movement)])


async def sold_weekly(pool: Pool, sku: str, weeks: int, *, units: int = 7) -> None:
    """Plenty of stock at first, and an order of so many units in each of the last weeks."""
    await moved(pool, f"open-{sku}", EventKind.RECEIPT, sku, 10_000, weeks * 7 + 0.5)
    await post_orders(pool, [order(f"{sku}{n}", sku, units, n * 7 + 3) for n in range(weeks)])


async def points(pool: Pool) -> dict[str, tuple[int, int, float, str, int]]:
    rows = await sql(
        pool,
        "SELECT code, units, target, per_day, method, weeks FROM reorder_point JOIN sku ON sku.id = sku_id"
        " ORDER BY code",
    )
    return {
        code: (units, target, round(per_day, 6), method, weeks)
        for code, units, target, per_day, method, weeks in rows
    }


async def test_demand_is_what_was_ordered_and_not_cancelled(shop: Pool) -> None:
    """Goal: the statement alone, against sums made by hand; no other movement is demand."""
    await moved(shop, "r", EventKind.RECEIPT, "A", 100, 30)
    for snapshot in (
        order("5", "A", 3, 25),
        order("3", "A", 9, 9.5),
        order("4", "A", 50, 9.4),
        order("4", "A", 0, 9.2, version=2),
        order("3", "A", 6, 2.5, version=2),
        order("6", "B", 2, 1.5),
    ):
        await post_orders(shop, [snapshot])
    await moved(shop, "w", EventKind.WRITE_OFF, "A", 90, 1.5)
    await post_orders(shop, [order("1", "A", 4, 0.6), order("2", "A", 1, 0.5)])
    async with shop.connection() as connection:
        skus = await ledger.plannable(connection, 0, 10)
        a, b = await ledger.histories(connection, skus, 21, NOW)
    assert set(a.history.ordered) == {OrderedDay(0, 5, 4, 1), OrderedDay(9, 6, 6, 0)}
    assert (a.history.known_days, a.lead, a.unit_cost) == (31, None, None)
    shelf = {day.age: (day.closing, day.highest) for day in a.history.shelf}
    assert shelf == {0: (-4, -3), 1: (1, 1), 2: (91, 91), 9: (88, 88), 21: (97, 100)}
    assert b.history.ordered == (OrderedDay(1, 2, 2, 0),)


async def test_a_reorder_point_follows_from_demand_and_lead_time(shop: Pool) -> None:
    """Goal: seven a week, always, is one a day: 15 days of it until an order is here, and 14 more that it lasts."""
    await sold_weekly(shop, "A", 10)
    await planning.refresh(shop, POLICY, NOW)
    assert await points(shop) == {"A": (15, 29, 1.0, "moving_average", 10)}

    await suppliers.save_suppliers(shop, [Supplier("Acme", 9.0, 3.0)])
    await suppliers.save_supplied_skus(shop, [SuppliedSku("A", "Acme", unit_cost=Decimal("7.30"))])
    await planning.refresh(shop, Policy(order_cost=4, holding_share=0.25), NOW)
    assert await points(shop) == {"A": (15, 55, 1.0, "moving_average", 10)}


async def test_what_is_no_more_sold_or_too_new_has_no_reorder_point(shop: Pool) -> None:
    await sold_weekly(shop, "A", 5)
    await moved(shop, "new", EventKind.RECEIPT, "B", 5, 3)
    await planning.refresh(shop, POLICY, NOW)
    assert list(await points(shop)) == ["A"]
    await catalogue.save_skus(shop, [CatalogueSku("A", status="discontinued")])
    await planning.refresh(shop, POLICY, NOW + timedelta(seconds=1))
    assert await points(shop) == {}


async def test_a_round_goes_part_by_part_and_is_due_once_a_day(
    shop: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a part for each look, by one process; the next round begins when it is due."""
    monkeypatch.setattr(planning, "SKUS_AT_ONCE", 2)
    for sku in ("A", "B", "C"):
        await sold_weekly(shop, sku, 3)
    at_once = await asyncio.gather(*(planning.refresh_if_due(shop, POLICY, NOW) for _ in range(3)))
    assert sorted(at_once, key=str)[:2] in ([1, 2], [2, None]), at_once
    while await planning.refresh_if_due(shop, POLICY, NOW) is not None:
        pass
    assert list(await points(shop)) == ["A", "B", "C"]
    assert await ledger.computed_at(shop) == NOW
    assert await planning.refresh_if_due(shop, POLICY, NOW + timedelta(hours=23)) is None
    assert await planning.refresh_if_due(shop, POLICY, NOW + timedelta(hours=24)) == 2


@pytest.fixture
async def low(shop: Pool) -> Pool:
    """A and B at their reorder points, supplied by Acme in packs of 6 and 10; C as low, and nobody's."""
    await suppliers.save_suppliers(shop, [Supplier("Acme", 14.0)])
    await suppliers.save_supplied_skus(
        shop, [SuppliedSku("A", "Acme", pack_units=6), SuppliedSku("B", "Acme", pack_units=10)]
    )
    for sku in ("A", "B", "C"):
        await sold_weekly(shop, sku, 10)
        await moved(shop, f"loss-{sku}", EventKind.WRITE_OFF, sku, 10_000 - 70 - 12, 0)
    await planning.refresh(shop, POLICY, NOW)
    return shop


async def test_what_is_low_is_proposed_and_what_is_on_its_way_is_not(low: Pool) -> None:
    """Goal: 12 are there, 29 are wanted: 17 in packs of 6 are 18, of 10 are 20; and none is ordered twice."""
    proposed = await planning.propose(low, NOW)
    assert [(p.sku, p.units, p.available, p.point, p.target) for p in proposed.proposals] == [
        ("A", 18, 12, 15, 29),
        ("B", 20, 12, 15, 29),
    ]
    assert proposed.orphans == 1
    orders = await planning.approve(low, "operator", "ann", NOW, ids=None, supplier="Acme")
    assert [(order.supplier, order.location, order.lines) for order in orders] == [
        ("Acme", "leeds", (("A", 18), ("B", 20)))
    ]
    assert orders[0].due_on == (NOW + timedelta(days=14)).date()
    assert (await planning.propose(low, NOW)).proposals == ()
    assert await sql(low, "SELECT sum(incoming)::int FROM balance") == [(38,)]
    rows = await sql(
        low,
        "SELECT approved_by, code FROM reorder_proposal JOIN purchase_order o ON o.id = purchase_order_id",
    )
    assert rows == [("ann", orders[0].code)] * 2


async def test_what_is_put_off_beyond_an_order_of_today_is_waited_for_no_more(low: Pool) -> None:
    """Goal: 14 days of lead time: what comes in 14 days still counts, in 15 it does not, and brought back it does."""
    await planning.propose(low, NOW)
    (order,) = await planning.approve(low, "operator", "ann", NOW, ids=None, supplier=None)
    proposed = []
    for number, days in enumerate((13, 14, 15, 14)):
        day = NOW.date() + timedelta(days=days)
        await purchase_orders.put_off(low, DueChange("operator", f"{number}", order.code, day, NOW, "ann"))
        found = (await planning.propose(low, NOW)).proposals
        proposed.append([(p.sku, p.units, p.incoming) for p in found])
    assert proposed == [[], [], [("A", 18, 0), ("B", 20, 0)], []]


async def test_only_what_is_proposed_can_be_approved(low: Pool) -> None:
    first, second = (await planning.propose(low, NOW)).proposals
    with pytest.raises(NotProposedError, match="nothing is proposed from Nobody"):
        await planning.approve(low, "operator", "ann", NOW, ids=None, supplier="Nobody")
    (order,) = await planning.approve(low, "operator", "ann", NOW, ids=[first.id], supplier=None)
    assert order.lines == (("A", 18),)
    with pytest.raises(NotProposedError, match=f"{first.id}: not proposed, or proposed anew since"):
        await planning.approve(low, "operator", "ann", NOW, ids=[first.id, second.id], supplier=None)
    assert [p.sku for p in (await planning.propose(low, NOW)).proposals] == ["B"]


async def two_approvals(pool: Pool) -> tuple[list[str], int]:
    """One approves both proposals, another the second at the same moment: how that ends, and what is incoming."""
    first, second = (each.id for each in (await planning.propose(pool, NOW)).proposals)
    done = await asyncio.gather(
        *(
            planning.approve(pool, "operator", "ann", NOW, ids=ids, supplier=None)
            for ids in ([first, second], [second])
        ),
        return_exceptions=True,
    )
    ((incoming,),) = await sql(pool, "SELECT sum(incoming)::int FROM balance")
    return sorted(type(each).__name__ for each in done), incoming


async def test_two_who_approve_at_once_order_once(low: Pool) -> None:
    """Goal: one places the order, 38 units of both or 20 of the second, and the other is told."""
    ended, incoming = await two_approvals(low)
    assert ended == ["NotProposedError", "list"]
    assert incoming in (38, 20)


async def test_without_the_lock_both_would_order(low: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the negative control of the race above: both have read what is proposed before either has ordered it."""
    both = asyncio.Barrier(2)
    read = ledger.proposals

    async def no_lock(_: object) -> None:
        """As if nobody waited."""

    async def met(connection: Connection, **chosen: Any) -> list[ledger.Proposal]:
        found = await read(connection, **chosen)
        if chosen:
            await both.wait()
        return found

    monkeypatch.setattr(ledger, "serialise_proposals", no_lock)
    monkeypatch.setattr(ledger, "proposals", met)
    assert await two_approvals(low) == (["list", "list"], 58)


async def test_a_delivery_that_came_short_is_ordered_again(low: Pool) -> None:
    await planning.propose(low, NOW)
    (order,) = await planning.approve(low, "operator", "ann", NOW, ids=None, supplier=None)
    await purchase_orders.receive(low, Delivery("operator", "d", order.code, (("A", 2), ("B", 20)), NOW))
    await purchase_orders.close(low, Closing("operator", "end", order.code, NOW, "short"))
    assert [(p.sku, p.units, p.available) for p in (await planning.propose(low, NOW)).proposals] == [
        ("A", 18, 14)
    ]
