"""Orders of clients: whole each time, whatever comes twice, late or out of order; and nothing about the buyer."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderSnapshot
from onhand.domain.states import State
from onhand.ledger import catalogue, levels, stock
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_events
from onhand.ledger.stated import post_stated
from onhand.web.stated import EventRefusedError, read_event

CLIENT = "client/pos"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def line(
    name: str, ordered: int, cancelled: int = 0, fulfilled: int = 0, returned: int = 0, **more: object
) -> dict[str, Any]:
    counts = {"ordered": ordered, "cancelled": cancelled, "fulfilled": fulfilled, "returned": returned}
    return {"id": name, "sku": "A", "location": "leeds", **counts, **more}


def order(name: str, *lines: Mapping[str, Any], minutes: float = 0, **more: object) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"kind": "order", "id": name, "changed_at": at, "lines": list(lines), **more}


async def verdicts(pool: Pool, *stated: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is answered to a batch of one client."""
    read = [read_event(json.dumps(each).encode(), CLIENT) for each in stated]
    return [(a.verdict.value, a.message) for a in (await post_stated(pool, read)).answers]


async def promised(pool: Pool, sku: str = "A") -> dict[str, tuple[int, int, int]]:
    """Available, committed and gone to customers, by location."""
    return {
        row.location: (row.units[State.AVAILABLE], row.units[State.COMMITTED], row.units[State.CUSTOMER])
        for row in await stock.sku_balances(pool, sku)
    }


async def test_the_life_of_an_order(shop: Pool) -> None:
    """Goal: ordered, cut down, handed over, brought back: each statement posts the difference, once."""
    states = [
        (line("1", 5), (-5, 5, 0)),
        (line("1", 5, cancelled=2), (-3, 3, 0)),
        (line("1", 5, cancelled=2, fulfilled=3), (-3, 0, 3)),
        (line("1", 5, cancelled=2, fulfilled=3, returned=1), (-2, 0, 2)),
    ]
    for minutes, (told, left) in enumerate(states):
        stated = order("1", told, minutes=minutes)
        assert await verdicts(shop, stated) == [("posted", "")]
        assert await verdicts(shop, stated) == [("unchanged", "")]
        assert await promised(shop) == {"leeds": left}
    old = "a newer version of this order was taken before; nothing was changed"
    assert await verdicts(shop, order("1", line("1", 5), minutes=1)) == [("stale", old)]
    assert await verdicts(shop, order("1", minutes=9)) == [("posted", "")], "its line is named no more"
    assert await promised(shop) == {"leeds": (0, 0, 0)}
    kinds = [(e.kind, e.source, dict(e.detail)) for e in await stock.sku_events(shop, "A", 1)]
    assert kinds == [("return", "channel/client/pos", {"order": "1"})]


async def test_each_order_has_a_verdict_of_its_own(shop: Pool) -> None:
    """Goal: what is unknown, contradicts itself or an earlier word changes nothing, and its neighbours go in."""
    assert await verdicts(
        shop,
        order("1", line("1", 2), version=3),
        order("2", line("1", 1, sku="Z")),
        order("1", line("1", 4), version=3),
        order("3", line("1", 1), line("2", 1, sku="B", location="london")),
        order("1", line("1", 9), version=2),
    ) == [
        ("posted", ""),
        ("unknown", "the ledger does not know one of: Z at leeds. Import the catalogue first."),
        (
            "conflict",
            "order 1 was stated before in this version with other content; nothing was changed. A change needs a "
            "higher version, or a later changed_at.",
        ),
        ("posted", ""),
        ("posted", ""),
    ]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (
            order("1", line("1", 2, cancelled=1, fulfilled=2)),
            "order 1, line 1: 1 cancelled and 2 fulfilled are more than 2 ordered",
        ),
        (
            order("1", line("1", 2, fulfilled=1, returned=2)),
            "order 1, line 1: 2 returned are more than the 1 fulfilled",
        ),
        (
            order("1", line("1", 1), line("1", 2)),
            "order 1 of client/pos, line 1: the line comes twice; each needs an id of its own",
        ),
        (order("1", line("1", 0)), "lines.0.ordered: accepted: greater than or equal to 1"),
        (order("1", line("1", 1) | {"name": "Ada Lovelace"}), "lines.0.name: there is no such field"),
        (order("1", line("1", 1), email="ada@example.com"), "email: there is no such field"),
        (order("1", line("1", 1), reason="call Ada"), "reason: there is no such field"),
        (order("1", line("1", 1), version="3"), "version: accepted: a valid integer"),
        (
            order("1") | {"changed_at": "2026-11-26"},
            "changed_at: accepted: a moment with its time zone, for example 2026-11-26T09:30:00Z",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(stated: dict[str, Any], said: str) -> None:
    """Goal: field and reason; what was given is not repeated, and a field for a person does not exist."""
    with pytest.raises(EventRefusedError) as refused:
        read_event(json.dumps(stated).encode(), CLIENT)
    assert str(refused.value) == said


@given(
    ordered=st.integers(1, 50),
    cancelled=st.integers(0, 50),
    fulfilled=st.integers(0, 50),
    returned=st.integers(0, 50),
)
def test_every_unit_of_a_line_is_in_one_place(
    ordered: int, cancelled: int, fulfilled: int, returned: int
) -> None:
    """Goal: open, gone and free again add up to what was ordered, or the line is refused."""
    stated = json.dumps(order("1", line("1", ordered, cancelled, fulfilled, returned))).encode()
    if cancelled + fulfilled > ordered or returned > fulfilled:
        with pytest.raises(EventRefusedError):
            read_event(stated, CLIENT)
        return
    snapshot = read_event(stated, CLIENT)
    assert isinstance(snapshot, OrderSnapshot)
    (told,) = snapshot.lines
    assert told.open + told.fulfilled + cancelled + returned == ordered
    assert told.open >= 0
    assert told.fulfilled >= 0


def history(chance: random.Random, number: int) -> list[dict[str, Any]]:
    """An order from its first statement to its last: lines are cut, shipped, brought back, added and dropped."""
    lines = [_random_line(chance, str(n)) for n in range(chance.randint(1, 3))]
    versions = [order(str(number), *lines, minutes=number)]
    for step in range(1, chance.randint(2, 6)):
        kept = [_changed(chance, each) for each in lines if chance.random() < 0.9]
        lines = [*kept, *([_random_line(chance, f"new{step}")] if chance.random() < 0.2 else [])]
        versions.append(order(str(number), *lines, minutes=number + step))
    return versions


def _random_line(chance: random.Random, name: str) -> dict[str, Any]:
    return line(
        name, chance.randint(1, 5), sku=chance.choice("AB"), location=chance.choice(["leeds", "london"])
    )


def _changed(chance: random.Random, told: Mapping[str, Any]) -> dict[str, Any]:
    cancelled = chance.randint(0, told["ordered"])
    fulfilled = chance.randint(0, told["ordered"] - cancelled)
    counts = {"cancelled": cancelled, "fulfilled": fulfilled, "returned": chance.randint(0, fulfilled)}
    return {**told, **counts}


def folded(newest: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """What the ledger must have, worked out from the last statement of each order alone."""
    waiting, gone = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for stated in newest:
        for told in stated["lines"]:
            shelf = (told["sku"], told["location"])
            waiting[shelf] += told["ordered"] - told["cancelled"] - told["fulfilled"]
            gone[shelf] += told["fulfilled"] - told["returned"]
    shelves = waiting.keys() | gone.keys()
    return {s: (-waiting[s] - gone[s], waiting[s], gone[s]) for s in shelves if waiting[s] or gone[s]}


@pytest.mark.parametrize("seed", [1, 2, 3, 20_261_126])
async def test_shuffled_and_doubled_statements_end_in_the_same_ledger(shop: Pool, seed: int) -> None:
    """Goal: only the newest statement of each order that came decides, however often and in which order they come.

    Method: lives of 25 orders, a part of it lost but for the last word, some sent again, shuffled, in batches.
    """
    print(f"seed {seed}")
    chance = random.Random(seed)
    histories = [history(chance, number) for number in range(25)]
    sent = [each for versions in histories for each in versions[:-1] if chance.random() < 0.7]
    sent += [versions[-1] for versions in histories]
    sent += chance.choices(sent, k=len(sent) // 2)
    chance.shuffle(sent)
    while sent:
        batch = [sent.pop() for _ in range(min(len(sent), chance.choice([1, 2, 9])))]
        found = {verdict for verdict, _ in await verdicts(shop, *batch)}
        assert found <= {"posted", "unchanged", "stale"}

    left = {
        (sku, location): moved
        for sku in "AB"
        for location, moved in (await promised(shop, sku)).items()
        if moved != (0, 0, 0)
    }
    assert left == folded([versions[-1] for versions in histories])
    again = [versions[-1] for versions in histories]
    assert {verdict for verdict, _ in await verdicts(shop, *again)} == {"unchanged"}


async def test_what_a_till_sells_goes_out_to_the_channels(shop: Pool) -> None:
    """Goal: its orders move the pool, mark listings and wake publishers; no channel's book moves for them."""
    await catalogue.save_listings(shop, "web", [NewListing("A", "10", "1")], [""])
    at = NOON - timedelta(hours=1)
    await post_events(shop, [event_of(Movement("test", "r", EventKind.RECEIPT, "A", "leeds", 9, at))])
    ((listing, _),) = await levels.listings_of_sku(shop, "A", "web")
    async with shop.connection() as connection:
        learnt = levels.LevelLearnt(listing, "", expected=9, seen=9, shortfall=0)
        await levels.book(connection, [learnt], NOON)

    stated = read_event(json.dumps(order("1", line("1", 2, fulfilled=2))).encode(), CLIENT)
    posted = await post_stated(shop, [stated])

    assert posted.woken == {"web"}
    (state,) = await levels.listing_states(shop, "web", [listing], siblings=False)
    assert (state.available, state.books) == ({"leeds": 7}, {"": 9})
    assert await levels.pending_live(shop, "web", 10) == [listing]


async def test_two_clients_know_nothing_of_each_others_orders(shop: Pool) -> None:
    told = json.dumps(order("1", line("1", 2))).encode()
    for client in ("client/pos", "client/erp"):
        (answer,) = (await post_stated(shop, [read_event(told, client)])).answers
        assert answer.verdict.value == "posted"
    assert await promised(shop) == {"leeds": (-4, 4, 0)}


async def test_an_order_that_contradicts_the_ledger_stands_alone(shop: Pool) -> None:
    """Goal: 1 of 3 is answered with the contradiction, and the others are posted. Method: its event is there already,
    and the record of the order is not."""
    await verdicts(shop, order("2", line("1", 1)))
    async with shop.connection() as connection:
        await connection.execute("DELETE FROM order_line")
        await connection.execute("DELETE FROM channel_order")

    found = await verdicts(shop, *(order(name, line("1", 1)) for name in "123"))

    assert [verdict for verdict, _ in found] == ["posted", "conflict", "posted"]
    assert found[1][1].startswith("channel/client/pos, event 2@")
    assert await promised(shop) == {"leeds": (-3, 3, 0)}


async def test_orders_come_over_http(web: httpx.AsyncClient, stocked: Pool) -> None:
    """Goal: the whole way, beside other kinds; the verdict names the order."""
    batch = [
        order("pos-1", line("1", 2, fulfilled=2)),
        order("pos-1", line("1", 2, fulfilled=2)),
        {"kind": "order"},
    ]
    answer = await web.post("/events", json={"events": batch})
    found = answer.json()["verdicts"]
    assert [(v["id"], v["verdict"]) for v in found] == [
        ("pos-1", "posted"), ("pos-1", "unchanged"), (None, "refused"),
    ]  # fmt: skip
    assert isinstance(found[0]["event_id"], int)
    assert found[2]["message"] == "id: is missing; changed_at: is missing; lines: is missing"
    assert (await promised(stocked))["leeds"] == (5, 0, 2)
