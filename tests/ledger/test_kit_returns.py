"""What comes back of a kit are its components, as the line took them, and once, whoever tells of them."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.audit.report import audit
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.returns import Outcome, ReturnStatement
from onhand.domain.states import State
from onhand.domain.transfers import Step, TransferStatement
from onhand.ledger import levels, stock
from onhand.ledger.database import Pool
from onhand.ledger.orders import PostedSnapshot, post_orders
from onhand.ledger.posting import Posted, Verdict
from onhand.ledger.returns import COUNTED, post_returns, waiting
from onhand.ledger.transfers import post_transfers
from tests.fix_kits import compose

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SEEN = (State.AVAILABLE, State.COMMITTED, State.CUSTOMER, State.QUALITY_CONTROL, State.DAMAGED)


async def order(
    pool: Pool, version: int, open_: int, fulfilled: int, returned: int = 0, *, trusted: bool = True
) -> PostedSnapshot:
    """Order 7 of the web shop: one line of K, sold from Leeds on the web's listing of it."""
    ((listing, _),) = await levels.listings_of_sku(pool, "K", "web")
    line = OrderLine("1", "K", "leeds", open_, fulfilled, listing, returned=returned, trusted=trusted)
    at = NOON + timedelta(minutes=version)
    (answer,) = await post_orders(pool, [OrderSnapshot("web", "7", version, at, (line,), NOON)], set())
    return answer


async def leeds(pool: Pool) -> dict[str, tuple[int, ...]]:
    """Units there of each SKU: available, committed, with customers, in quality control, damaged."""
    return {
        sku: tuple(row.units[state] for state in SEEN)
        for sku in ("A", "B", "C", "K")
        for row in await stock.sku_balances(pool, sku)
        if row.location == "leeds"
    }


def parcel(name: str, sku: str, quantity: int, outcome: Outcome | None = None) -> ReturnStatement:
    """What a warehouse says of a parcel that it knows the order of."""
    at = NOON + timedelta(hours=1)
    return ReturnStatement("client/wms", name, sku, "leeds", quantity, at, outcome, "web", "7", "1")


@pytest.mark.parametrize(
    ("trusted", "after"),
    [
        (True, {"A": (5, 0, 2, 0, 0), "B": (4, 0, 1, 0, 0)}),
        (False, {"A": (3, 0, 2, 2, 0), "B": (3, 0, 1, 1, 0)}),
    ],
)
async def test_a_refunded_kit_brings_its_components_back_once(
    kitted: Pool, trusted: bool, after: dict[str, tuple[int, ...]]
) -> None:
    """Goal: two K are sold and shipped, K is composed anew, one is refunded and restocked: two A and one B are back,
    sellable at once or to be inspected, and told again nothing moves."""
    await order(kitted, 1, 2, 0)
    await order(kitted, 2, 0, 2)
    assert await leeds(kitted) == {"A": (3, 0, 4, 0, 0), "B": (3, 0, 2, 0, 0)}
    await compose(kitted, {"K": {"C": 1}})
    answer = await order(kitted, 3, 0, 1, 1, trusted=trusted)
    assert [posted.verdict for posted in answer.posted] == [Verdict.POSTED]
    assert answer.untold == (frozenset() if trusted else {"K"})
    assert await leeds(kitted) == after
    for version in (3, 2, 4):
        again = await order(kitted, version, 0, 1, 1, trusted=trusted)
        assert again.posted == ()
    assert await leeds(kitted) == after
    waits = [(each.sku, each.units) for each in await waiting(kitted)]
    assert sorted(waits) == ([] if trusted else [("A", 2), ("B", 1)])
    assert (await audit(kitted)).clean


async def test_a_parcel_of_components_and_its_refund_are_one_return(kitted: Pool) -> None:
    """Goal: a warehouse unpacks one K: its A are damaged, its B is whole. Its refund adds nothing to that."""
    await order(kitted, 1, 0, 2)
    stated = [parcel("p1", "A", 2, Outcome.DAMAGED), parcel("p2", "B", 1, Outcome.SELLABLE)]
    assert [each.verdict for each in await post_returns(kitted, stated)] == [Verdict.POSTED] * 2
    unpacked = {"A": (3, 0, 2, 0, 2), "B": (4, 0, 1, 0, 0)}
    assert await leeds(kitted) == unpacked
    await order(kitted, 2, 0, 1, 1)
    assert await leeds(kitted) == unpacked
    assert (await audit(kitted)).clean


async def test_what_was_refunded_is_counted_when_its_parcel_comes(kitted: Pool) -> None:
    """Goal: the other way round; and of a component no more comes back than the line's kits took."""
    await order(kitted, 1, 0, 2)
    await order(kitted, 2, 0, 0, 2, trusted=False)
    answers = await post_returns(kitted, [parcel("p1", "A", 4), parcel("p2", "B", 3)])
    assert answers[0].message == COUNTED
    assert answers[1].verdict is Verdict.CONFLICT
    assert await leeds(kitted) == {"A": (3, 0, 0, 4, 0), "B": (3, 0, 0, 2, 0)}
    assert (await audit(kitted)).clean


async def test_kits_themselves_neither_come_back_nor_travel(kitted: Pool) -> None:
    """Goal: refused as stock of a kit is, with or without an order, beside what is taken."""
    await order(kitted, 1, 0, 2)
    refused = Posted(
        Verdict.KIT,
        None,
        "K is a kit, and a kit has no stock of its own: state that of its components (onhand kits show)",
    )
    unordered = ReturnStatement("client/wms", "p3", "K", "leeds", 1, NOON)
    answers = await post_returns(kitted, [parcel("p1", "K", 1), parcel("p2", "A", 1), unordered])
    assert [answers[0], answers[2]] == [refused, refused]
    assert answers[1].verdict is Verdict.POSTED
    sent = TransferStatement(
        "client/wms", "t1", "T1", Step.SEND, {"K": 1}, NOON, origin="leeds", destination="london"
    )
    assert await post_transfers(kitted, [sent]) == [refused]
