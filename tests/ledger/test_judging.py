"""Counts of clients that are authorities: of two words the lower stands until one is confirmed, in one transaction.

`wms` and `pos` both count leeds; A has 20 there.
"""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.states import State
from onhand.ledger import authority, stock
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.ledger.stated import Judging, post_stated

NOW = datetime.now(UTC) - timedelta(minutes=10)
LEEDS = Judging(frozenset({"leeds"}), timedelta(minutes=5))


@pytest.fixture
async def shelf(shop: Pool) -> Pool:
    """The ledger with 20 of A at leeds, received an hour ago."""
    at = NOW - timedelta(hours=1)
    await post_events(shop, [event_of(Movement("test", "r", EventKind.RECEIPT, "A", "leeds", 20, at))])
    return shop


async def states(
    pool: Pool,
    client: str,
    name: str,
    quantity: int,
    seconds: float,
    *,
    meaning: CountMeaning = CountMeaning.AVAILABLE,
    location: str = "leeds",
    judging: Judging = LEEDS,
) -> tuple[str, str]:
    """A client states a count as of so many seconds after NOW; the verdict and its words."""
    at = NOW + timedelta(seconds=seconds)
    count = Count(f"client/{client}", name, "A", location, quantity, meaning, at)
    ((answer),) = (await post_stated(pool, [count], judging)).answers
    return answer.verdict.value, answer.message


async def available(pool: Pool) -> int:
    (row,) = (row for row in await stock.sku_balances(pool, "A") if row.location == "leeds")
    return row.units[State.AVAILABLE]


async def conflicts(pool: Pool) -> list[tuple[str, int, str, int, bool]]:
    """Every conflict, the newest first."""
    return [
        (c.authority, c.quantity, c.rival, c.rival_quantity, c.counted)
        for c in await authority.recent_conflicts(pool, 10)
    ]


async def test_of_two_clients_the_lower_stands_until_one_is_confirmed(shelf: Pool) -> None:
    """Goal: the whole life of a conflict; what is sent once more after a lost answer confirms nothing."""
    assert await states(shelf, "wms", "1", 8, 0) == ("posted", "")
    said = (
        "outvoted",
        f"client/wms stated 8 at {NOW.isoformat()}, which stands; nothing was changed. To confirm your number, count "
        "again and state it within 300 s, under an id of its own",
    )
    assert await states(shelf, "pos", "1", 15, 10) == said
    assert await states(shelf, "pos", "1", 15, 10) == said
    assert await available(shelf) == 8
    assert await conflicts(shelf) == [("client/pos", 15, "client/wms", 8, False)]

    assert await states(shelf, "pos", "2", 15, 60) == ("posted", "")
    assert await available(shelf) == 15
    assert await conflicts(shelf) == [
        ("client/pos", 15, "client/wms", 8, True),
        ("client/pos", 15, "client/wms", 8, False),
    ]
    assert (await states(shelf, "pos", "2", 15, 60))[0] == "duplicate"


async def test_the_lower_of_two_wins_at_once(shelf: Pool) -> None:
    await states(shelf, "wms", "1", 8, 0)
    assert await states(shelf, "pos", "1", 5, 10) == ("posted", "")
    assert await available(shelf) == 5
    assert await conflicts(shelf) == [("client/pos", 5, "client/wms", 8, True)]


async def test_the_negative_control_a_client_without_authority_is_believed_as_ever(shelf: Pool) -> None:
    """Goal: without the setting, and at other locations, each count stands, and nobody remembers what was said."""
    nobody = Judging(frozenset(), timedelta(minutes=5))
    await states(shelf, "wms", "1", 8, 0, judging=nobody)
    assert await states(shelf, "pos", "1", 15, 10, judging=nobody) == ("posted", "")
    assert await available(shelf) == 15
    await states(shelf, "wms", "2", 3, 0, location="london")
    assert await states(shelf, "pos", "2", 4, 10, location="london") == ("posted", "")
    assert await conflicts(shelf) == []


async def test_who_says_what_the_ledger_has_contradicts_nobody(shelf: Pool) -> None:
    """Goal: after two were sold, 6 is the same word as 8 before; an on-hand count means what is available of it."""
    await states(shelf, "wms", "1", 8, 0)
    at = NOW + timedelta(seconds=5)
    sold = OrderSnapshot("web", "1001", 1, at, (OrderLine("1", "A", "leeds", 2, 0),), at)
    await post_orders(shelf, [sold])
    assert await states(shelf, "pos", "1", 6, 10) == ("unchanged", "")
    assert await states(shelf, "pos", "2", 8, 20, meaning=CountMeaning.ON_HAND) == ("unchanged", "")
    assert (await available(shelf), await conflicts(shelf)) == (6, [])
    assert (await states(shelf, "wms", "2", 9, 30, meaning=CountMeaning.ON_HAND))[0] == "outvoted"
    assert await conflicts(shelf) == [("client/wms", 7, "client/pos", 6, False)]


async def test_a_count_older_than_its_rivals_word_does_not_count(shelf: Pool) -> None:
    """Goal: it came late; taken, it would have been taken off beside the newer one."""
    await states(shelf, "wms", "1", 8, 60)
    assert (await states(shelf, "pos", "1", 5, 0))[0] == "outvoted"
    assert await available(shelf) == 8
    assert (await states(shelf, "pos", "2", 8, 90)) == ("unchanged", "")


async def test_what_cannot_be_taken_is_judged_by_nobody(shelf: Pool) -> None:
    """Goal: an unknown SKU and a version never reached are told as without authorities, and not remembered."""
    at = NOW
    wrong = [
        Count("client/pos", "1", "Z", "leeds", 5, CountMeaning.AVAILABLE, at),
        Count("client/pos", "2", "A", "leeds", 5, CountMeaning.AVAILABLE, at, base_version=99),
    ]
    found = await post_stated(shelf, wrong, LEEDS)
    assert [answer.verdict.value for answer in found.answers] == ["unknown", "conflict"]
    assert await states(shelf, "wms", "1", 25, 10) == ("posted", "")
    assert await conflicts(shelf) == []
