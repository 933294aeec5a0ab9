"""`onhand returns` and `onhand stock return`: units come back, wait, and are inspected; of an order each once."""

from datetime import UTC, datetime

from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from tests.cli.conftest import Onhand

PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def sold(pool: Pool, order_id: str = "1001", *, version: int = 1, returned: int = 0) -> None:
    """Two of A, shipped from Leeds to a buyer on woo; some were put back there and are to be inspected."""
    line = OrderLine("1", "A", "leeds", 0, 2 - returned, returned=returned, trusted=False)
    await post_orders(pool, [OrderSnapshot("woo", order_id, version, PLACED, (line,))])


async def test_units_come_back_wait_and_are_inspected(store: Pool, onhand: Onhand) -> None:
    """Goal: of the order's two units one is received and found whole, and the list shows what waits until then."""
    await sold(store)
    back = await onhand(
        "stock", "return", "A", 1, "-l", "leeds", "--channel", "woo", "--order", "1001", "--id", "p1"
    )
    assert back.code == 0
    assert back.lines[:4] == [
        "took back 1 of A at leeds  event 3, id p1",
        "location  state            before  after",
        "────────────────────────────────────────",
        "leeds     quality control       0      1",
    ]
    listed = await onhand("returns", "list", "--json")
    assert [{**each, "since": ""} for each in listed.json] == [
        {
            "channel": "woo",
            "order_id": "1001",
            "line_id": "1",
            "sku": "A",
            "location": "leeds",
            "units": 1,
            "since": "",
        }
    ]
    assert (await onhand("returns", "list")).lines[2].split()[:3] == ["A", "leeds", "1"]
    assert (await onhand("returns", "list", "-l", "london")).lines == ["nothing waits to be inspected"]

    done = await onhand("returns", "inspect", "A", 1, "--as", "sellable", "-l", "leeds", "--json")
    assert done.json["changes"] == [
        {"location": "leeds", "state": "available", "before": -2, "after": -1},
        {"location": "leeds", "state": "quality_control", "before": 1, "after": 0},
    ]
    assert (await onhand("returns", "list")).lines == ["nothing waits to be inspected"]


async def test_a_unit_its_channel_has_told_of_is_not_counted_again(store: Pool, onhand: Onhand) -> None:
    await sold(store, returned=1)
    answer = await onhand("stock", "return", "A", 1, "-l", "leeds", "--channel", "woo", "--order", "1001")
    assert answer.code == 0
    assert (
        answer.lines[1]
        == "its channel has told of these units before: they are counted already, and nothing moved"
    )


async def test_an_inspection_needs_to_know_what_it_is_of(store: Pool, onhand: Onhand) -> None:
    """Goal: nothing waits, or several orders' units do: nothing is guessed, and what waits is told."""
    nothing = await onhand("returns", "inspect", "A", 1, "--as", "lost", "-l", "leeds")
    assert nothing.code == 2
    assert "1 of A cannot be inspected at leeds: what waits there is nothing" in " ".join(
        nothing.stderr.split()
    )

    await sold(store, "1001", returned=1)
    await sold(store, "1002", returned=1)
    several = await onhand("returns", "inspect", "A", 1, "--as", "lost", "-l", "leeds")
    assert several.code == 2
    said = "what waits there is 1 of order 1001 on woo, 1 of order 1002 on woo what to do: Name the order"
    assert said in " ".join(several.stderr.split())

    one = ("returns", "inspect", "A", 1, "--as", "lost", "-l", "leeds", "--channel", "woo", "--order", "1002")
    assert (await onhand(*one)).code == 0
    assert [each["order_id"] for each in (await onhand("returns", "list", "--json")).json] == ["1001"]


async def test_an_order_is_of_a_channel(store: Pool, onhand: Onhand) -> None:
    known = "known are woo, bigc"
    for more, said in (
        (("--order", "1"), f"--channel is needed; {known}"),
        (("--order", "1", "--channel", "ebay"), f"there is no channel 'ebay'; {known}"),
        (("--channel", "woo"), "--channel is given without --order"),
    ):
        answer = await onhand("stock", "return", "A", 1, "-l", "leeds", *more)
        assert answer.code == 2
        assert said in " ".join(answer.stderr.split())
    unheard = await onhand("stock", "return", "A", 1, "-l", "leeds", "--channel", "woo", "--order", "7")
    assert unheard.code == 1
    assert "the ledger has no order 7 of woo" in unheard.stderr
