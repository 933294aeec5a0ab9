"""Kits in the ledger: refused where they cannot be, never stocked, sold by their components, told wherever they are."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import Event, EventKind
from onhand.domain.kits import Part, composition_of
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import kits, levels, oversells, stock
from onhand.ledger.database import Pool
from onhand.ledger.kits import Kit
from onhand.ledger.orders import PostedSnapshot, post_orders
from onhand.ledger.posting import Posted, Verdict, post_counts, post_events
from onhand.ledger.queries import query
from tests.fix_kits import RULES, compose, marked, shows
from tests.fix_kits import stock as stock_now
from tests.fix_ledger import sql
from tests.publish.shelves import receipt

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
EVERYWHERE = [f"{channel}-{sku}" for channel in ("store", "web") for sku in ("A", "B", "K", "PAIR")]
NO_STOCK = "and a kit has no stock of its own: state that of its components (onhand kits show)"


def adjustment(sku: str, quantity: int, external_id: str = "x") -> Event:
    return event_of(Movement("test", external_id, EventKind.ADJUSTMENT, sku, "leeds", quantity, NOON))


async def order(
    pool: Pool, *lines: OrderLine, version: int = 1, number: str = "7", channel: str = "web"
) -> PostedSnapshot:
    at = NOON + timedelta(seconds=version)
    (answer,) = await post_orders(pool, [OrderSnapshot(channel, number, version, at, lines, at)], set())
    return answer


async def test_a_kit_is_set_changed_and_listed(kitted: Pool) -> None:
    assert await kits.listed(kitted, limit=10) == [
        Kit("K", "", (Part("A", 2), Part("B", 1))),
        Kit("PAIR", "", (Part("B", 2),)),
    ]
    assert [kit.sku for kit in await kits.listed(kitted, component="A", limit=10)] == ["K"]
    done = await kits.set_kits(
        kitted, {"K": composition_of({"A": 3, "C": 1}), "PAIR": composition_of({"B": 2})}
    )
    assert (done.changed, done.unchanged, done.refused) == (["K"], ["PAIR"], {})
    assert [kit.composition for kit in await kits.listed(kitted, component="C", limit=10)] == [
        (Part("A", 3), Part("C", 1))
    ]


async def test_a_changed_kit_is_looked_at_wherever_it_and_its_components_are_listed(kitted: Pool) -> None:
    """Goal: what it is packed from no more is looked at, too: demand nobody told us of is off it no more."""
    woken = await compose(kitted, {"K": {"C": 1}})
    assert woken == {"web", "store"}
    assert await marked(kitted) == {*EVERYWHERE, "store-C", "web-C"}


async def test_kits_of_a_file_are_left_to_the_next_run(kitted: Pool) -> None:
    done = await kits.set_kits(kitted, {"K": composition_of({"A": 1})}, live=False)
    assert done.woken == set()
    assert await sql(kitted, "SELECT DISTINCT live FROM outbox") == [(False,)]


async def test_a_removed_kit_is_a_sku_like_any_other_and_shows_nothing(kitted: Pool) -> None:
    done = await kits.remove_kits(kitted, ["K", "A", "NOPE"])
    assert (done.changed, done.refused) == (["K"], {"A": "A is not a kit", "NOPE": "NOPE is not a kit"})
    assert done.woken == {"web", "store"}
    assert await shows(kitted, "web", "K") == {"": 0}
    (posted,) = await post_events(kitted, [receipt("k", "K", 4)])
    assert posted.verdict is Verdict.POSTED
    assert await shows(kitted, "web", "K") == {"": 4}


async def test_a_sku_with_stock_of_its_own_is_no_kit_and_kits_are_not_nested(kitted: Pool) -> None:
    """Goal: what is refused changes nothing, and harms no other kit that is set with it."""
    wanted = {"A": {"C": 1}, "C": {"K": 1}, "PAIR": {"B": 3}}
    done = await kits.set_kits(kitted, {kit: composition_of(parts) for kit, parts in wanted.items()})
    assert done.changed == ["PAIR"]
    assert done.unchanged == []
    assert done.refused.keys() == {"A", "C"}
    assert done.refused["A"].startswith("kit A: it is a component of K, and kits are not nested")
    assert done.refused["C"].startswith("kit C: K is a kit itself, and kits are not nested")
    await post_events(kitted, [receipt("c1", "C", 1), adjustment("C", -1, "c2")])
    await kits.remove_kits(kitted, ["PAIR"])
    done = await kits.set_kits(kitted, {"C": composition_of({"A": 1})})
    assert done.refused["C"].startswith("kit C: the ledger has stock movements of it")
    assert [kit.sku for kit in await kits.listed(kitted, limit=10)] == ["K"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO kit_line (kit_id, component_id, quantity) SELECT k.id, c.id, 1 FROM sku k, sku c "
        "WHERE k.code = 'K' AND c.code = 'PAIR'",
        "INSERT INTO kit_line (kit_id, component_id, quantity) SELECT k.id, c.id, 1 FROM sku k, sku c "
        "WHERE k.code = 'C' AND c.code = 'A'",
        "UPDATE sku SET kit = true WHERE code = 'A'",
        "UPDATE sku SET kit = false WHERE code = 'K'",
    ],
)
async def test_the_database_itself_lets_no_kit_be_a_component(kitted: Pool, statement: str) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await sql(kitted, statement)


async def test_no_stock_of_a_kit_is_posted(kitted: Pool) -> None:
    """Goal: the event of a kit is refused by itself, whatever else is in the batch."""
    before = await stock_now(kitted)
    answers = await post_events(
        kitted,
        [receipt("k", "K", 4), receipt("c", "C", 3), receipt("z", "ZZ", 1), adjustment("PAIR", 1, "p")],
    )
    assert [answer.verdict for answer in answers] == [
        Verdict.KIT, Verdict.POSTED, Verdict.UNKNOWN, Verdict.KIT,
    ]  # fmt: skip
    assert answers[0].message == f"K is a kit, {NO_STOCK}"
    assert await stock_now(kitted) == before | {("C", "leeds"): (3, 0, 0)}


async def test_a_source_may_count_no_kits_and_nothing_else_of_them(kitted: Pool) -> None:
    def count(sku: str, quantity: int) -> Count:
        return Count(
            "erp", f"{sku}={quantity}", sku, "leeds", quantity, CountMeaning.AVAILABLE, datetime.now(UTC)
        )

    stated = [count("K", 0), count("K", 5), count("A", 9), count("ZZ", 1)]
    answers = await post_counts(kitted, stated, record_agreement=True)
    assert answers[:2] == [Posted(Verdict.UNCHANGED), Posted(Verdict.KIT, None, f"K is a kit, {NO_STOCK}")]
    assert [answer.verdict for answer in answers[2:]] == [Verdict.POSTED, Verdict.UNKNOWN]
    assert await sql(kitted, "SELECT 1 FROM balance b JOIN sku s ON s.id = b.sku_id WHERE s.kit") == []


async def test_a_channel_shows_what_can_be_packed_at_each_of_its_locations(kitted: Pool) -> None:
    """Goal: nothing is packed from two locations, though both together have 9 A and 9 B: that would be 4 and one A."""
    assert await shows(kitted, "store", "K") == {"L1": 3, "L2": 1}
    assert await shows(kitted, "web", "K") == {"": 4}
    assert await shows(kitted, "store", "PAIR") == {"L1": 2, "L2": 2}


async def test_a_component_that_is_short_somewhere_counts_as_it_is(kitted: Pool) -> None:
    await post_events(kitted, [adjustment("B", -7)])
    assert await shows(kitted, "store", "K") == {"L1": 0, "L2": 1}
    assert await shows(kitted, "web", "K") == {"": 0}


async def test_an_order_takes_the_components_and_is_told_everywhere(kitted: Pool) -> None:
    """Goal: one order of two kits that share B, and of B alone. The channel's own book falls by pieces."""
    await sql(kitted, "UPDATE level SET book = 10")
    ((kit_listing, _),) = await levels.listings_of_sku(kitted, "K", "web")
    lines = (
        OrderLine("1", "K", "leeds", 1, 0, kit_listing),
        OrderLine("2", "PAIR", "leeds", 1, 0),
        OrderLine("3", "B", "leeds", 1, 0),
    )
    answer = await order(kitted, *lines)
    assert [posted.verdict for posted in answer.posted] == [Verdict.POSTED]
    assert await stock_now(kitted) == {
        ("A", "leeds"): (5, 2, 0), ("B", "leeds"): (1, 4, 0), ("A", "london"): (2, 0, 0), ("B", "london"): (4, 0, 0),
    }  # fmt: skip
    assert await marked(kitted) == set(EVERYWHERE)
    assert await shows(kitted, "store", "K") == {"L1": 1, "L2": 1}
    books = await sql(
        kitted,
        "SELECT DISTINCT v.book FROM level v JOIN listing l ON l.id = v.listing_id WHERE l.item_id = 'web-K'",
    )
    assert books == [(9,)]


async def test_a_components_change_is_told_by_every_kit_that_holds_it_and_by_no_other(kitted: Pool) -> None:
    await post_events(kitted, [adjustment("A", 1)])
    assert await marked(kitted) == {"store-A", "web-A", "store-K", "web-K"}
    await post_events(kitted, [adjustment("C", 1, "y")])
    assert await marked(kitted) == {"store-C", "web-C"}


async def test_an_open_order_keeps_to_what_its_kit_was_packed_from(kitted: Pool) -> None:
    """Goal: K is composed anew between an order and its shipping, and again is no kit before it is cancelled in part.
    Its own listing is looked at each time, as its channel's level moved."""
    await order(kitted, OrderLine("1", "K", "leeds", 2, 0))
    await compose(kitted, {"K": {"C": 1}})
    await marked(kitted)
    await order(kitted, OrderLine("1", "K", "leeds", 1, 1), version=2)
    assert await marked(kitted) == set()
    await order(kitted, OrderLine("1", "K", "leeds", 0, 1), version=3)
    assert {"store-K", "web-K", "store-A", "web-A"} <= await marked(kitted)
    await kits.remove_kits(kitted, ["K"])
    await order(kitted, version=4)
    assert await stock_now(kitted) == {
        ("A", "leeds"): (7, 0, 0), ("B", "leeds"): (5, 0, 0), ("A", "london"): (2, 0, 0), ("B", "london"): (4, 0, 0),
    }  # fmt: skip


async def test_the_same_snapshot_again_changes_nothing_and_contradicts_nothing(kitted: Pool) -> None:
    await order(kitted, OrderLine("1", "K", "leeds", 2, 0))
    before = await stock_now(kitted)
    await compose(kitted, {"K": {"C": 1}})
    again = await order(kitted, OrderLine("1", "K", "leeds", 2, 0))
    other = await order(kitted, OrderLine("1", "K", "leeds", 3, 0))
    assert (again.posted, again.old, again.contradicts, other.contradicts) == ((), False, False, True)
    assert await stock_now(kitted) == before


async def test_a_kit_that_an_answer_told_of_takes_components_off_the_pools(kitted: Pool) -> None:
    """Goal: unheard sales of one K in Leeds: two A and one B fewer for everybody, until the order replaces them."""
    ((listing, _),) = await levels.listings_of_sku(kitted, "K", "store")
    await sql(
        kitted,
        "INSERT INTO provisional_demand (listing_id, place, sku_id, location_id, pieces, units) "
        "SELECT l.id, 'L1', l.sku_id, o.id, 1, 1 FROM listing l, location o WHERE l.id = %s AND o.code = 'leeds'",
        listing,
    )
    await sql(kitted, "UPDATE level SET book = 3 WHERE listing_id = %s", listing)
    assert await shows(kitted, "store", "A") == {"L1": 5, "L2": 2}
    assert await shows(kitted, "store", "B") == {"L1": 4, "L2": 4}
    assert await shows(kitted, "store", "K") == {"L1": 2, "L2": 1}
    (told,) = await stock.provisional(kitted, "A")
    assert (told.channel, told.pieces, told.units) == ("store", 1, 2)
    await order(kitted, OrderLine("1", "K", "leeds", 1, 0, listing, "L1"), channel="store")
    assert await stock.provisional(kitted, "A") == []
    assert await shows(kitted, "store", "K") == {"L1": 2, "L2": 1}


async def test_what_rests_is_kept_from_kits_and_components_alike(kitted: Pool) -> None:
    """Goal: the web's K rests with 2 to sell: four A and two B are kept from all others, and not from itself."""
    ((listing, _),) = await levels.listings_of_sku(kitted, "K", "web")
    await levels.change_rests(kitted, {(listing, ""): 2}, [])
    assert await shows(kitted, "web", "K") == {"": 4}
    assert await shows(kitted, "store", "A") == {"L1": 3, "L2": 2}
    assert await shows(kitted, "store", "B") == {"L1": 3, "L2": 4}
    assert await shows(kitted, "store", "K") == {"L1": 1, "L2": 1}
    assert await shows(kitted, "store", "PAIR") == {"L1": 1, "L2": 2}


async def test_a_kit_is_as_urgent_as_the_most_urgent_of_its_components(kitted: Pool) -> None:
    await sql(kitted, "UPDATE sku SET tier = 0 WHERE code = 'B'")
    await post_events(kitted, [adjustment("A", 1)])
    tiers = await sql(
        kitted, "SELECT l.item_id, o.tier FROM outbox o JOIN listing l ON l.id = o.listing_id ORDER BY 1"
    )
    assert tiers == [("store-A", 2), ("store-K", 0), ("web-A", 2), ("web-K", 0)]


async def test_what_nobody_let_through_is_withheld_from_a_kit(kitted: Pool) -> None:
    """Goal: a source's count of a component reaches the kit's listing by a run that is let through, as any other's."""
    at = datetime.now(UTC)
    await post_counts(
        kitted,
        [Count("source/erp", "1", "A", "leeds", 1, CountMeaning.AVAILABLE, at)],
        record_agreement=False,
    )
    assert await shows(kitted, "store", "K") == {"L1": 0, "L2": 1}
    assert await shows(kitted, "store", "K", replace(RULES, guarded=True)) == {"L1": 3, "L2": 1}


async def test_orders_of_kits_bear_the_shortage_of_a_component(kitted: Pool) -> None:
    await order(kitted, OrderLine("1", "B", "leeds", 1, 0), number="alone")
    await order(
        kitted, OrderLine("1", "K", "leeds", 3, 0), OrderLine("2", "PAIR", "leeds", 4, 0), number="kits"
    )
    short = await oversells.short_skus(kitted)
    ((sku, units),) = short.items()
    promised = (await oversells.promises(kitted, [sku]))[sku]
    assert units == 1 + 3 + 8 - 9
    assert {(promise.order_id, promise.units) for promise in promised} == {("alone", 1), ("kits", 11)}


Post = Callable[[Pool], Awaitable[object]]


async def race(pool: Pool, post: Post) -> None:
    """Somebody has looked at C, which is no kit, and is about to write; C is made a kit; then the writing goes on.

    Whoever posts is held up after its first look by a lock on the shelf that it is to write.
    """
    async with pool.connection() as held:
        await held.execute(
            "SELECT 1 FROM balance b JOIN sku s ON s.id = b.sku_id WHERE s.code = 'C' FOR UPDATE OF b"
        )
        posting = asyncio.create_task(post(pool))
        await _until_it_waits(pool)
        making = asyncio.create_task(kits.set_kits(pool, {"C": composition_of({"A": 1})}))
        await asyncio.sleep(0.2)
    await asyncio.gather(posting, making)


async def _until_it_waits(pool: Pool) -> None:
    for _ in range(200):
        waiting = await sql(pool, "SELECT 1 FROM pg_locks WHERE NOT granted")
        if waiting:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody waits for the shelf")


async def stocked_kits(pool: Pool) -> list[tuple[str]]:
    return await sql(
        pool,
        "SELECT s.code FROM sku s JOIN balance b ON b.sku_id = s.id WHERE s.kit AND b.version > 0",
    )


async def empty_shelf(pool: Pool) -> None:
    await sql(
        pool,
        "INSERT INTO balance (sku_id, location_id) SELECT s.id, l.id FROM sku s, location l "
        "WHERE s.code = 'C' AND l.code = 'leeds'",
    )


async def test_no_sku_becomes_a_kit_while_its_stock_is_posted(kitted: Pool) -> None:
    await empty_shelf(kitted)
    await race(kitted, lambda pool: post_events(pool, [receipt("c", "C", 1)]))
    assert await stocked_kits(kitted) == []
    assert (await stock_now(kitted))["C", "leeds"] == (1, 0, 0)
    assert [kit.sku for kit in await kits.listed(kitted, component="A", limit=10)] == ["K"]


async def test_negative_control_of_the_race(kitted: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: the race is a race: without the lock a kit ends with stock of its own."""
    await empty_shelf(kitted)

    def without_lock(name: str) -> str:
        return "SELECT 1" if name == "lock_kits" else query(name)

    monkeypatch.setattr(kits, "query", without_lock)
    await race(kitted, lambda pool: post_events(pool, [receipt("c", "C", 1)]))
    assert await stocked_kits(kitted) == [("C",)]
