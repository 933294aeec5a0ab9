"""From what channels tell to the ledger: lines resolved, differences posted, every delivery with exactly one outcome.

On `web`, A is listed alone (10) and as a six-pack (11), and B by its item's own number (20); each shows 100.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onhand.channels.errors import ChannelDown, RowRejected
from onhand.domain.events import EventKind
from onhand.domain.listings import ChannelRules
from onhand.domain.movements import Movement, event_of
from onhand.domain.programmes import Line, Terms
from onhand.domain.rules import Rule
from onhand.domain.sales import ChannelOrder, SoldLine, as_json
from onhand.intake import Taken, take
from onhand.intake.turn import take_turn
from onhand.ledger import catalogue, inbox, programmes
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.ledger.posting import post_events
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel, MemoryOrders

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE_PLACE = ChannelRules(Rule(name="web"), {"": ("leeds",)}, listens=True)
TWO_PLACES = ChannelRules(Rule(name="web"), {"L1": ("leeds",), "L2": ("london",)}, listens=True)


@pytest.fixture
async def web(shop: Pool) -> Pool:
    """The listings above, each believed to show 100 at every place."""
    listings = [
        NewListing("A", "10", "1", order_ref="v10"),
        NewListing("A", "11", "2", units=6, order_ref="v11"),
        NewListing("B", "20", "3"),
    ]
    await catalogue.save_listings(shop, "web", listings, ["", "L1", "L2"])
    await sql(shop, "UPDATE level SET book = 100")
    return shop


def line(
    line_id: str, refs: str, open_: int, fulfilled: int = 0, *, sku: str = "", place: str = ""
) -> SoldLine:
    return SoldLine(line_id, tuple(refs.split()), sku, open_, fulfilled, place)


def order(order_id: str, *lines: SoldLine, version: int = 2, deducted: bool = True) -> ChannelOrder:
    at = NOON + timedelta(seconds=version)
    return ChannelOrder(order_id, version * 10, NOON, at, lines, deducted)


async def tell(pool: Pool, *told: ChannelOrder | str) -> list[int]:
    """As the door does: whole orders, or hints at some."""
    deliveries = [
        Received("web", "", hashlib.sha256(f"{n}{each!r}".encode()).digest(), *_content(each))
        for n, each in enumerate(told)
    ]
    accepted = await inbox.accept(pool, deliveries)
    return [each.inbox_id for each in accepted if each.inbox_id is not None]


def _content(told: ChannelOrder | str) -> tuple[str, str, str, Mapping[str, Any]]:
    if isinstance(told, str):
        return "order_hint", "orders", told, {}
    return "order", "orders", told.order_id, as_json(told)


async def taken(pool: Pool, *told: ChannelOrder, rules: ChannelRules = ONE_PLACE) -> Taken:
    """Told and taken."""
    await tell(pool, *told)
    return await take(pool, MemoryChannel("web"), rules)


async def outcomes(pool: Pool) -> list[tuple[str, str]]:
    """Subject and outcome of every delivery, in their order."""
    return await sql(pool, "SELECT subject, coalesce(outcome, 'waits') FROM inbox ORDER BY id")


async def promised(pool: Pool) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Available, committed and gone to customers, by SKU and location."""
    rows = await sql(
        pool,
        """SELECT s.code, l.code, b.available, b.committed, b.customer FROM balance b
             JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id""",
    )
    return {
        (sku, location): (available, committed, customer)
        for sku, location, available, committed, customer in rows
    }


async def books(pool: Pool, place: str = "") -> dict[str, int]:
    """What is believed of each item, where that is not 100 any more."""
    rows = await sql(
        pool,
        f"""SELECT l.item_id, v.book FROM level v JOIN listing l ON l.id = v.listing_id
             WHERE v.place = '{place}' AND v.book <> 100""",
    )
    return dict(rows)


async def test_a_line_is_known_by_its_surest_name(web: Pool) -> None:
    """Goal: the first name that is mapped decides; an item's number is no name where orders name it otherwise."""
    result = await taken(web, order("1", line("a", "v99 v10 20", 1), line("b", "20 v10", 2)))
    assert (result.posted, result.poison, result.woken) == (1, {}, {"web"})
    assert await promised(web) == {("A", "leeds"): (-1, 1, 0), ("B", "leeds"): (-2, 2, 0)}
    assert await books(web) == {"10": 99, "20": 98}

    result = await taken(web, order("2", line("a", "10", 1)))
    assert list(result.poison.values()) == [
        "order 2 of web sells what is mapped to no SKU: line a (SKU '', item 10). "
        "Map it (onhand mapping discover, or onhand import mapping)."
    ]


async def test_a_line_without_a_known_name_is_known_by_its_sku(web: Pool) -> None:
    """Goal: the channel's only listing of it was sold; of several, nobody knows which, and no book moves."""
    await taken(web, order("1", line("a", "", 1, sku="B"), line("b", "v99", 2, sku="A")))
    assert await promised(web) == {("A", "leeds"): (-2, 2, 0), ("B", "leeds"): (-1, 1, 0)}
    assert await books(web) == {"20": 99}


async def test_orders_of_a_partner_draw_on_its_programme(web: Pool) -> None:
    """Goal: a channel that is a partner's takes what is reserved first, in the transaction that posts the order."""
    received = Movement("t", "1", EventKind.RECEIPT, "A", "leeds", 20, NOON)
    await post_events(web, [event_of(received)])
    terms = Terms("spring", "acme", NOON, datetime.now(UTC) + timedelta(days=9))
    await programmes.create(web, terms, [Line("A", "leeds", 8)], "ann")
    ((number, partner),) = await programmes.to_keep(web, NOON)
    await programmes.keep(web, number, NOON, ["web"], set())
    rules = replace(ONE_PLACE, partner=partner)

    await taken(web, order("1", line("a", "v11", 1)), rules=rules)
    await taken(web, order("2", line("a", "v10", 1)), rules=ONE_PLACE)

    assert await promised(web) == {("A", "leeds"): (11, 7, 0)}
    (found,) = await programmes.listed(web)
    assert found.lines == (Line("A", "leeds", 8, 6, 8),)
    assert await books(web) == {"10": 99, "11": 99}


async def test_a_piece_of_a_pack_takes_its_units(web: Pool) -> None:
    await taken(web, order("1", line("a", "v11", 2, 1)))
    assert await promised(web) == {("A", "leeds"): (-18, 12, 6)}
    assert await books(web) == {"11": 97}


async def test_an_unknown_line_waits_and_the_rest_of_its_order_is_posted(web: Pool) -> None:
    """Goal: mended and replayed, what was missing is posted exactly once, and nothing else again."""
    told = order("1", line("a", "v10", 1), line("b", "30", 2, sku="new"))
    result = await taken(web, told)
    assert (result.posted, len(result.poison)) == (1, 1)
    assert await promised(web) == {("A", "leeds"): (-1, 1, 0)}
    (number,) = result.poison

    await catalogue.save_skus(web, [CatalogueSku("D")])
    await catalogue.save_listings(web, "web", [NewListing("D", "30", "4")], [""])
    assert await inbox.replay(web, [number]) == {number: "web"}
    result = await take(web, MemoryChannel("web"), ONE_PLACE)
    assert (result.posted, result.poison) == (1, {})
    assert await promised(web) == {("A", "leeds"): (-1, 1, 0), ("D", "leeds"): (-2, 2, 0)}
    assert await inbox.replay(web, [number]) == {}, "it is poison no more"

    assert (await taken(web, told, told)).posted == 0
    assert await promised(web) == {("A", "leeds"): (-1, 1, 0), ("D", "leeds"): (-2, 2, 0)}
    assert await books(web) == {"10": 99}


async def test_a_line_that_is_known_no_more_keeps_what_was_posted_of_it(web: Pool) -> None:
    """Goal: an order's goods do not come back on the shelf because their mapping was lost."""
    await taken(web, order("1", line("a", "20", 3), line("b", "v10", 1)))
    await sql(web, "UPDATE listing SET item_id = 'gone' WHERE item_id = '20'")

    result = await taken(web, order("1", line("a", "20", 1, 2), line("b", "v10", 2), version=3))

    assert len(result.poison) == 1
    assert await promised(web) == {("A", "leeds"): (-2, 2, 0), ("B", "leeds"): (-3, 1, 2)}


async def test_a_line_whose_product_was_deleted_is_what_it_was(web: Pool) -> None:
    """Goal: a line that names nothing any more is shipped and cancelled as what it was; a tip is no goods."""
    await taken(web, order("1", line("a", "v11", 3), line("tip", "", 1)))
    assert await promised(web) == {("A", "leeds"): (-18, 18, 0)}

    result = await taken(web, order("1", line("a", "", 1, 1), line("tip", "", 1), version=3))

    assert (result.posted, result.poison) == (1, {})
    assert await promised(web) == {("A", "leeds"): (-12, 6, 6)}
    assert await books(web) == {"11": 98}


async def test_what_is_taken_from_a_place_that_is_none_of_ours_is_ignored(web: Pool) -> None:
    told = order("1", line("a", "v10", 1, place="L2"), line("b", "v10", 5, place="elsewhere"))
    result = await taken(web, told, rules=TWO_PLACES)
    assert (result.posted, result.poison) == (1, {})
    assert await promised(web) == {("A", "london"): (-1, 1, 0)}
    assert (await books(web, "L1"), await books(web, "L2")) == ({}, {"10": 99})


async def test_a_place_that_was_guessed_stays_and_one_that_is_told_moves(web: Pool) -> None:
    """Goal: an order that says where it is taken from only once it is shipped moves from the guess to the truth."""
    await taken(web, order("1", line("a", "v10", 2)), rules=TWO_PLACES)
    assert (await books(web, "L1"), await books(web, "L2")) == ({"10": 98}, {})
    await taken(web, order("1", line("a", "v10", 0, 2, place="L2"), version=3), rules=TWO_PLACES)
    assert (await books(web, "L1"), await books(web, "L2")) == ({}, {"10": 98})
    await taken(web, order("1", line("a", "v10", 0, 1), version=4), rules=TWO_PLACES)
    assert (await books(web, "L1"), await books(web, "L2")) == ({}, {"10": 99})
    assert await promised(web) == {("A", "leeds"): (0, 0, 0), ("A", "london"): (-1, 0, 1)}


async def test_pieces_that_the_channel_has_not_taken_off_yet_lower_no_book(web: Pool) -> None:
    """Goal: they are demand at once; the level falls when the channel takes them off."""
    await taken(web, order("1", line("a", "v10", 2), deducted=False))
    assert (await promised(web), await books(web)) == ({("A", "leeds"): (-2, 2, 0)}, {})
    await taken(web, order("1", line("a", "v10", 0, 2), version=3))
    assert (await promised(web), await books(web)) == ({("A", "leeds"): (-2, 0, 2)}, {"10": 98})


async def test_old_and_doubled_snapshots_post_nothing(web: Pool) -> None:
    """Goal: only an older version is stale; a version that was taken already has nothing new to say."""
    newer, older = order("1", line("a", "v10", 1), version=3), order("1", line("a", "v10", 5), version=2)
    same = order("1", line("a", "v10", 1), version=4)
    await taken(web, newer)
    await taken(web, older)
    await taken(web, same, newer)
    await taken(web, older, same)
    assert await outcomes(web) == [
        ("1", "posted"),
        ("1", "stale"),
        ("1", "unchanged"),
        ("1", "unchanged"),
        ("1", "unchanged"),
    ]
    assert (await promised(web), await books(web)) == ({("A", "leeds"): (-1, 1, 0)}, {"10": 99})


async def test_hints_are_fetched_in_one_call(web: Pool) -> None:
    """Goal: many hints of few orders ask for each order once; one that is gone is noted."""
    channel = MemoryChannel("web")
    channel.orders.by_id = {n: order(n, line("a", "v10", 1)) for n in ("1", "2")}
    await tell(web, "1", "2", "1", "3")

    result = await take(web, channel, ONE_PLACE)

    assert channel.orders.fetched == [["1", "2", "3"]]
    assert (result.deliveries, result.posted, result.poison) == (4, 2, {})
    assert await promised(web) == {("A", "leeds"): (-2, 2, 0)}
    rows = await sql(web, "SELECT subject, outcome, reason FROM inbox ORDER BY id")
    assert rows == [
        ("1", "posted", ""),
        ("2", "posted", ""),
        ("1", "unchanged", ""),
        ("3", "noted", "web has no order 3 (any more)"),
    ]


async def test_a_channel_that_does_not_answer_leaves_hints_waiting_and_the_rest_is_settled(web: Pool) -> None:
    """Goal: the publishers that the rest woke are still signalled, and the turn says how long to wait."""
    channel = MemoryChannel("web")
    channel.orders.by_id = {"2": order("2", line("a", "v10", 1))}
    channel.orders.raises = [ChannelDown("web", "reading 1 order", "maintenance")]
    await tell(web, order("1", line("a", "20", 1)), "2")
    woken: list[str] = []

    async def wake(channels: set[str]) -> None:
        woken.extend(sorted(channels))

    turn = await take_turn(web, channel, ONE_PLACE, wake, asyncio.sleep, worked_at=0.0, linger_seconds=0.0)

    assert (turn.asleep, turn.deliveries, turn.posted, turn.wait_seconds) == (False, 1, 1, 2.0)
    assert turn.trouble == "web: reading 1 order failed: maintenance."
    assert woken == ["web"]
    assert await outcomes(web) == [("1", "posted"), ("2", "waits")]

    turn = await take_turn(web, channel, ONE_PLACE, wake, asyncio.sleep, worked_at=0.0, linger_seconds=0.0)
    assert (turn.asleep, turn.deliveries, turn.posted, turn.wait_seconds, turn.trouble) == (
        True,
        1,
        1,
        0.0,
        "",
    )
    assert await outcomes(web) == [("1", "posted"), ("2", "posted")]


class Refusing(MemoryOrders):
    """Cannot make sense of order 2."""

    async def read(self, order_ids: Sequence[str]) -> list[ChannelOrder]:
        found = await super().read(order_ids)
        if "2" in order_ids:
            raise RowRejected("web", "reading order 2", "a line without a quantity")
        return found


async def test_one_order_that_makes_no_sense_is_found_alone(web: Pool) -> None:
    channel = MemoryChannel("web")
    channel.orders = Refusing()
    channel.orders.by_id = {n: order(n, line("a", "v10", 1)) for n in ("1", "2", "3")}
    numbers = await tell(web, "1", "2", "3")

    result = await take(web, channel, ONE_PLACE)

    assert channel.orders.fetched == [["1", "2", "3"], ["1"], ["2"], ["3"]]
    assert result.poison == {numbers[1]: "web: reading order 2 failed: a line without a quantity."}
    assert await outcomes(web) == [("1", "posted"), ("2", "poison"), ("3", "posted")]


async def test_a_batch_that_is_refused_as_a_whole_is_posted_one_by_one(web: Pool) -> None:
    """Goal: an impossible quantity is poison alone; its 2 neighbours, and what was settled with them, go in."""
    numbers = await tell(
        web,
        order("1", line("a", "v10", 1)),
        order("2", line("a", "v10", 3_000_000_000)),
        order("3", line("a", "v10", 1), line("a", "20", 1)),
        order("4", line("a", "20", 1)),
    )

    result = await take(web, MemoryChannel("web"), ONE_PLACE)

    assert (result.deliveries, result.posted) == (4, 2)
    assert result.poison == {
        numbers[
            1
        ]: 'order 2 of web: the ledger refuses it: value "-3000000000" is out of range for type integer',
        numbers[2]: "order 3 of web, line a: the line comes twice; each needs an id of its own",
    }
    assert await outcomes(web) == [("1", "posted"), ("2", "poison"), ("3", "poison"), ("4", "posted")]
    assert await promised(web) == {("A", "leeds"): (-1, 1, 0), ("B", "leeds"): (-1, 1, 0)}


async def test_what_cannot_be_read_is_poison_with_its_reason(web: Pool) -> None:
    await inbox.accept(web, [Received("web", "1", b"1", "order", "orders", "1", {"order": "1"})])
    result = await take(web, MemoryChannel("web"), ONE_PLACE)
    assert list(result.poison.values()) == ["order 1: 'version' is missing"]


async def test_what_the_door_could_not_read_is_poison_with_the_reason_of_the_door(web: Pool) -> None:
    """Goal: it is reported like all poison, nothing is fetched for it, and a replay does fetch it."""
    senseless = [
        Received("web", "1", b"1", "other", "orders", "", {}, reason="the body is no JSON"),
        Received("web", "2", b"2", "order_hint", "orders", "7", {}, reason="order 7: lines is no list"),
    ]
    numbers = [each.inbox_id for each in await inbox.accept(web, senseless)]
    await tell(web, order("8", line("a", "v10", 1)))
    channel = MemoryChannel("web")
    result = await take(web, channel, ONE_PLACE)
    assert (result.deliveries, result.posted) == (3, 1)
    assert result.poison == {numbers[0]: "the body is no JSON", numbers[1]: "order 7: lines is no list"}
    assert await outcomes(web) == [("", "poison"), ("7", "poison"), ("8", "posted")]

    channel.orders.by_id["7"] = order("7", line("a", "v11", 1))
    assert await inbox.replay(web, [number for number in numbers if number]) == {numbers[1]: "web"}
    result = await take(web, channel, ONE_PLACE)
    assert (result.posted, result.poison) == (1, {})
    assert await outcomes(web) == [("", "poison"), ("7", "posted"), ("8", "posted")]


async def test_a_notice_is_an_echo_or_is_noted(web: Pool) -> None:
    def notice(number: int, item: str, quantity: int | None) -> Received:
        body = {"place": "", "quantity": quantity}
        return Received("web", str(number), b"", "level", "levels", item, body)

    await inbox.accept(
        web, [notice(1, "10", 100), notice(2, "10", 97), notice(3, "99", 5), notice(4, "20", None)]
    )
    await take(web, MemoryChannel("web"), ONE_PLACE)
    assert await sql(web, "SELECT outcome, reason FROM inbox ORDER BY id") == [
        ("echo", ""),
        ("noted", "it shows 97"),
        ("noted", "it is mapped to no SKU"),
        ("noted", "a level has changed, and it was not told to what"),
    ]


async def test_nothing_is_settled_twice(web: Pool) -> None:
    (number,) = await tell(web, order("1", line("a", "v10", 1)))
    await take(web, MemoryChannel("web"), ONE_PLACE)
    async with web.connection() as connection:
        again = [inbox.Settled(number, inbox.InboxOutcome.NOTED)]
        await inbox.settle(connection, again)
    assert await outcomes(web) == [("1", "posted")]
    assert (await take(web, MemoryChannel("web"), ONE_PLACE)).deliveries == 0


async def marked(pool: Pool) -> dict[str, bool]:
    """Items of the web shop that its publisher has to look at, and whether at once."""
    rows = await sql(
        pool,
        "SELECT l.item_id, o.live FROM outbox o JOIN listing l ON l.id = o.listing_id ORDER BY l.item_id",
    )
    return dict(rows)


@pytest.mark.parametrize(
    ("trusted", "stock", "looked_at"),
    [(True, (-1, 0, 1), {"10": True, "11": True}), (False, (-2, 0, 1), {"10": True, "11": True})],
)
async def test_pieces_a_shop_has_put_back_by_itself(
    web: Pool, trusted: bool, stock: tuple[int, int, int], looked_at: dict[str, bool]
) -> None:
    """Goal: the shop shows one more by itself. Trusted, that is right; to be inspected, somebody has to tell it, though
    nothing became sellable that would say so."""
    rules = replace(ONE_PLACE, trusts_returns=trusted)
    await taken(web, order("1", line("a", "v10", 0, 2)), rules=rules)
    await sql(web, "DELETE FROM outbox")
    await sql(web, "UPDATE channel_work SET publish_awake = false")
    back = replace(line("a", "v10", 0, 1), returned=1)
    result = await taken(web, order("1", back, version=3), rules=rules)
    assert (result.posted, result.woken) == (1, {"web"})
    assert await promised(web) == {("A", "leeds"): stock}
    assert await books(web) == {"10": 99}
    assert await marked(web) == looked_at


async def test_what_came_back_of_nothing_we_know_is_no_poison(web: Pool) -> None:
    """Goal: a line of which nothing is out any more stops nothing, mapped or not."""
    back = replace(line("a", "v99", 0, 0), returned=1)
    result = await taken(web, order("1", back, line("b", "v10", 1)))
    assert (result.poison, await promised(web)) == ({}, {("A", "leeds"): (-1, 1, 0)})


async def test_what_came_back_elsewhere(web: Pool) -> None:
    """Goal: it is at that place's location, and raises that place's level; at a place of none of ours it stays gone."""
    await taken(web, order("1", line("a", "v10", 0, 4, place="L1")), rules=TWO_PLACES)
    back = replace(line("a", "v10", 0, 1, place="L1"), returned=3, elsewhere=(("L2", 1), ("far", 1)))
    await taken(web, order("1", back, version=3), rules=TWO_PLACES)
    assert await promised(web) == {("A", "leeds"): (-3, 0, 2), ("A", "london"): (1, 0, 0)}
    assert (await books(web, "L1"), await books(web, "L2")) == ({"10": 97}, {"10": 101})
