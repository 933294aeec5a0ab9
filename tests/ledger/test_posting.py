"""Posting: each fact once, balances equal to the fold of the entries, whatever runs at the same time."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import Event, EventKind
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import catalogue
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import (
    Posted,
    Verdict,
    post_counts,
    post_events,
    post_events_on,
)
from tests.fix_ledger import sql

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def movement(external_id: str, kind: EventKind, sku: str, quantity: int, location: str = "leeds") -> Event:
    return event_of(Movement("test", external_id, kind, sku, location, quantity, NOON))


def receipt(external_id: str, sku: str, quantity: int, location: str = "leeds") -> Event:
    return movement(external_id, EventKind.RECEIPT, sku, quantity, location)


async def balances(pool: Pool, column: str = "available") -> dict[tuple[str, str], int]:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT s.code, l.code, to_jsonb(b) ->> %s FROM balance b "
            "JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id",
            (column,),
        )
        return {(sku, location): int(units) async for sku, location, units in cursor}


async def require_sound(pool: Pool) -> None:
    """Entries of an event sum to zero, versions have no gap, balances and balance_after equal the fold."""
    assert (
        await sql(pool, "SELECT event_id FROM entry GROUP BY event_id, sku_id HAVING sum(quantity) <> 0")
        == []
    )
    assert (
        await sql(
            pool,
            "SELECT sku_id, location_id FROM entry GROUP BY sku_id, location_id "
            "HAVING min(version) <> 1 OR max(version) <> count(*)",
        )
        == []
    )
    assert (
        await sql(
            pool,
            "SELECT * FROM (SELECT balance_after, sum(quantity) OVER "
            "(PARTITION BY sku_id, location_id, state ORDER BY version) AS fold FROM entry) e "
            "WHERE balance_after <> fold",
        )
        == []
    )
    assert (
        await sql(
            pool,
            "SELECT b.sku_id FROM balance b, LATERAL (SELECT key AS state, value::bigint AS units "
            "FROM jsonb_each_text(to_jsonb(b)) WHERE key NOT IN "
            "('sku_id', 'location_id', 'version', 'moved_at')) v "
            "WHERE v.units <> (SELECT coalesce(sum(quantity), 0) FROM entry e WHERE e.sku_id = b.sku_id "
            "AND e.location_id = b.location_id AND e.state = v.state)",
        )
        == []
    )


async def test_a_batch_is_posted_in_order_with_running_balances(shop: Pool) -> None:
    answers = await post_events(
        shop,
        [
            receipt("r1", "A", 10),
            movement("a1", EventKind.ADJUSTMENT, "A", -3),
            receipt("r2", "B", 4, "london"),
            movement("w1", EventKind.WRITE_OFF, "A", 2),
        ],
    )

    assert [answer.verdict for answer in answers] == [Verdict.POSTED] * 4
    assert await balances(shop) == {("A", "leeds"): 5, ("B", "london"): 4}
    assert await balances(shop, "shrinkage") == {("A", "leeds"): 5, ("B", "london"): 0}
    assert await sql(
        shop,
        "SELECT e.version, e.state, e.quantity, e.balance_after FROM entry e JOIN sku s ON s.id = e.sku_id "
        "WHERE s.code = 'A' ORDER BY e.version",
    ) == [
        (1, "supplier", -10, -10),
        (2, "available", 10, 10),
        (3, "available", -3, 7),
        (4, "shrinkage", 3, 3),
        (5, "available", -2, 5),
        (6, "shrinkage", 2, 5),
    ]
    await require_sound(shop)


async def test_the_same_fact_again_changes_nothing_and_names_its_event(shop: Pool) -> None:
    (first,) = await post_events(shop, [receipt("r1", "A", 10)])

    again = await post_events(shop, [receipt("r1", "A", 10), receipt("r1", "A", 10)])

    assert again == [Posted(Verdict.DUPLICATE, first.event_id)] * 2
    assert await balances(shop) == {("A", "leeds"): 10}


async def test_the_same_id_with_other_content_is_refused_with_both_named(shop: Pool) -> None:
    (first,) = await post_events(shop, [receipt("r1", "A", 10)])

    (other,) = await post_events(shop, [receipt("r1", "A", 11)])

    assert other == Posted(
        Verdict.CONFLICT,
        first.event_id,
        f"test already stated 'r1' with other content (event {first.event_id}); nothing was changed. "
        "A correction needs an id of its own.",
    )
    assert await balances(shop) == {("A", "leeds"): 10}


async def test_a_twin_inside_one_batch_is_posted_once(shop: Pool) -> None:
    answers = await post_events(shop, [receipt("r1", "A", 10), receipt("r1", "A", 10), receipt("r1", "A", 9)])

    assert [answer.verdict for answer in answers] == [Verdict.POSTED, Verdict.DUPLICATE, Verdict.CONFLICT]
    assert await balances(shop) == {("A", "leeds"): 10}
    await require_sound(shop)


async def test_an_unknown_sku_or_location_refuses_its_event_alone(shop: Pool) -> None:
    answers = await post_events(
        shop,
        [
            receipt("r1", "A", 1),
            receipt("r2", "nobody", 1),
            receipt("r3", "B", 1, "mars"),
            receipt("r4", "B", 2),
        ],
    )

    assert [answer.verdict for answer in answers] == [
        Verdict.POSTED,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
        Verdict.POSTED,
    ]
    assert (
        answers[1].message == "the ledger does not know one of: nobody at leeds. Import the catalogue first."
    )
    assert await balances(shop) == {("A", "leeds"): 1, ("B", "leeds"): 2}
    assert await sql(shop, "SELECT external_id FROM event ORDER BY 1") == [("r1",), ("r4",)]


async def test_every_listing_of_a_moved_sku_is_marked_once_with_a_growing_generation(shop: Pool) -> None:
    for channel in ("web", "store"):
        await catalogue.save_listings(
            shop, channel, [NewListing("A", "1", "1"), NewListing("B", "2", "2")], [""]
        )
    await post_events(shop, [receipt("r1", "A", 1), receipt("r2", "A", 1)])
    first = await sql(shop, "SELECT listing_id, generation, marked_at FROM outbox ORDER BY 1")

    await post_events(shop, [receipt("r3", "A", 1)])
    second = await sql(shop, "SELECT listing_id, generation, marked_at FROM outbox ORDER BY 1")

    assert [row[0] for row in first] == [row[0] for row in second]
    assert len(first) == 2, "one row for each listing of A, none for B"
    assert all(new[1] > old[1] for old, new in zip(first, second, strict=True))
    assert [row[2] for row in first] == [row[2] for row in second], (
        "time-to-sync counts from the oldest change"
    )


async def test_movements_that_leave_available_alone_mark_nothing(shop: Pool) -> None:
    await catalogue.save_listings(shop, "web", [NewListing("A", "1", "1")], [""])
    line = OrderLine("1", "A", "leeds", open=2, fulfilled=0)
    await post_orders(shop, [OrderSnapshot("web", "o1", 1, NOON, (line,))])
    async with shop.connection() as connection:
        await connection.execute("DELETE FROM outbox")

    shipped = OrderLine("1", "A", "leeds", open=0, fulfilled=2)
    await post_orders(shop, [OrderSnapshot("web", "o1", 2, NOON, (shipped,))])

    assert await sql(shop, "SELECT count(*) FROM outbox") == [(0,)]
    assert await balances(shop, "customer") == {("A", "leeds"): 2}


# Counts.


def count(external_id: str, quantity: int, as_of: datetime, **more: object) -> Count:
    stated: dict[str, object] = {"meaning": CountMeaning.AVAILABLE} | more
    return Count("source/erp", external_id, "A", "leeds", quantity, as_of=as_of, **stated)


async def test_a_count_corrects_to_what_was_counted(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])

    answers = await post_counts(
        shop, [count("c1", 7, datetime.now(UTC) + timedelta(minutes=1))], record_agreement=False
    )

    assert answers[0].verdict is Verdict.POSTED
    assert await balances(shop) == {("A", "leeds"): 7}
    assert await balances(shop, "shrinkage") == {("A", "leeds"): 3}
    await require_sound(shop)


async def test_what_moved_after_the_count_stays_moved(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])
    line = OrderLine("1", "A", "leeds", open=4, fulfilled=0)
    await post_orders(shop, [OrderSnapshot("web", "o1", 1, NOON + timedelta(minutes=5), (line,))])

    # Counted 9 at noon; four were sold five minutes later.
    await post_counts(shop, [count("c1", 9, NOON + timedelta(minutes=1))], record_agreement=False)

    assert await balances(shop) == {("A", "leeds"): 5}
    assert await balances(shop, "committed") == {("A", "leeds"): 4}


async def test_an_on_hand_count_includes_what_is_promised(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])
    line = OrderLine("1", "A", "leeds", open=4, fulfilled=0)
    await post_orders(shop, [OrderSnapshot("web", "o1", 1, NOON, (line,))])

    later = datetime.now(UTC) + timedelta(minutes=1)
    await post_counts(shop, [count("c1", 9, later, meaning=CountMeaning.ON_HAND)], record_agreement=False)

    assert await balances(shop) == {("A", "leeds"): 5}


async def test_a_count_against_a_version_is_rebased_on_what_came_after_it(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])  # versions 1 and 2
    await post_events(shop, [receipt("r2", "A", 5)])

    await post_counts(shop, [count("c1", 8, NOON, base_version=2)], record_agreement=True)

    assert await balances(shop) == {("A", "leeds"): 13}


async def test_a_count_against_a_version_not_reached_is_a_conflict(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])

    (answer,) = await post_counts(shop, [count("c1", 8, NOON, base_version=7)], record_agreement=True)

    assert answer.verdict is Verdict.CONFLICT
    assert answer.message == (
        "the count of A at leeds was made against balance version 7, but the ledger is at 2; "
        "look at the stock and count again"
    )
    assert await balances(shop) == {("A", "leeds"): 10}


async def test_agreement_is_recorded_only_where_asked(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 10)])

    (snapshot,) = await post_counts(shop, [count("c1", 10, NOON)], record_agreement=False)
    (counted,) = await post_counts(shop, [count("c2", 10, NOON)], record_agreement=True)

    assert (snapshot.verdict, counted.verdict) == (Verdict.UNCHANGED, Verdict.POSTED)
    assert await sql(shop, "SELECT external_id FROM event WHERE kind = 'count'") == [("c2",)]


async def test_a_negative_count_is_kept_as_the_truth(shop: Pool) -> None:
    await post_counts(shop, [count("c1", -3, NOON)], record_agreement=False)

    assert await balances(shop) == {("A", "leeds"): -3}
    await require_sound(shop)


# Orders.


async def test_a_snapshot_that_names_an_unknown_sku_posts_nothing_and_its_neighbour_goes_in(
    shop: Pool,
) -> None:
    bad = OrderSnapshot(
        "web",
        "o1",
        1,
        NOON,
        (OrderLine("1", "A", "leeds", 1, 0), OrderLine("2", "nobody", "leeds", 1, 0)),
    )
    good = OrderSnapshot("web", "o2", 1, NOON, (OrderLine("1", "B", "leeds", 2, 0),))

    answers = await post_orders(shop, [bad, good])

    assert answers[0].refused is not None
    assert answers[1].refused is None
    assert await balances(shop) == {("B", "leeds"): -2}
    assert await sql(shop, "SELECT order_id FROM order_line") == [("o2",)]


async def test_an_order_heard_of_only_when_cancelled_is_not_revived_by_its_late_first_snapshot(
    shop: Pool,
) -> None:
    cancelled = OrderSnapshot("web", "o1", 2, NOON, (OrderLine("1", "A", "leeds", 0, 0),))
    emptied = OrderSnapshot("web", "o2", 2, NOON, ())
    late = [OrderSnapshot("web", f"o{n}", 1, NOON, (OrderLine("1", "A", "leeds", 3, 0),)) for n in (1, 2)]

    await post_orders(shop, [cancelled, emptied])
    answers = await post_orders(shop, late)

    assert [answer.posted for answer in answers] == [(), ()]
    assert await balances(shop) == {}


@pytest.mark.parametrize("seed", range(5))
async def test_shuffled_doubled_and_lost_snapshots_end_in_the_same_ledger(shop: Pool, seed: int) -> None:
    """Goal: nothing depends on delivery. Method: deliver random subsets in random order, ending with the newest."""
    rnd = random.Random(seed)
    snapshots = [
        OrderSnapshot(
            "web",
            f"o{order}",
            version,
            NOON,
            tuple(
                OrderLine(
                    str(line),
                    rnd.choice("ABC"),
                    rnd.choice(("leeds", "london")),
                    rnd.randrange(4),
                    rnd.randrange(3),
                )
                for line in range(rnd.randrange(1, 4))
            ),
        )
        for order in range(4)
        for version in range(1, 5)
    ]
    newest = [s for s in snapshots if s.version == 4]
    deliveries = [s for s in snapshots for _ in range(rnd.randrange(3))] + newest
    rnd.shuffle(deliveries)

    for start in range(0, len(deliveries), 5):
        await post_orders(shop, deliveries[start : start + 5])

    expected: Counter[tuple[str, str]] = Counter()
    for snapshot in newest:
        for line in snapshot.lines:
            expected[line.sku, line.location] -= line.open + line.fulfilled
    found = {key: units for key, units in (await balances(shop)).items() if units}
    assert found == {key: units for key, units in expected.items() if units}
    await require_sound(shop)


# Concurrency.


async def _naive_sale(pool: Pool, barrier: asyncio.Barrier) -> None:
    """Read, subtract, write: what the posting function must not do."""
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT available FROM balance")).fetchone()
        assert row is not None
        await barrier.wait()
        await connection.execute("UPDATE balance SET available = %s", (row[0] - 1,))


async def test_concurrent_posts_lose_nothing(shop: Pool) -> None:
    await post_events(shop, [receipt("r1", "A", 100)])

    # The negative control: the naive way loses one of two sales, so the test below can fail.
    barrier = asyncio.Barrier(2)
    await asyncio.gather(_naive_sale(shop, barrier), _naive_sale(shop, barrier))
    assert await balances(shop) == {("A", "leeds"): 99}
    async with shop.connection() as connection:
        await connection.execute("UPDATE balance SET available = 100")

    await asyncio.gather(
        *(post_events(shop, [movement(f"s{n}", EventKind.ADJUSTMENT, "A", -1)]) for n in range(40))
    )

    assert await balances(shop) == {("A", "leeds"): 60}
    await require_sound(shop)


async def test_concurrent_batches_that_touch_the_same_shelves_in_other_orders_do_not_deadlock(
    shop: Pool,
) -> None:
    for channel in ("web", "store"):
        await catalogue.save_listings(shop, channel, [NewListing(sku, sku, sku) for sku in "ABC"], [""])
    rnd = random.Random(7)

    async def batch(n: int) -> None:
        events = [
            receipt(f"{n}/{k}", rnd.choice("ABC"), 1, rnd.choice(("leeds", "london"))) for k in range(20)
        ]
        await post_events(shop, events)

    await asyncio.gather(*(batch(n) for n in range(30)))

    assert sum((await balances(shop)).values()) == 600
    await require_sound(shop)


async def test_the_same_fact_posted_by_two_at_once_is_posted_once(shop: Pool) -> None:
    answers = await asyncio.gather(*(post_events(shop, [receipt("r1", "A", 5)]) for _ in range(8)))

    verdicts = Counter(answer.verdict for (answer,) in answers)
    assert verdicts == {Verdict.POSTED: 1, Verdict.DUPLICATE: 7}
    assert await balances(shop) == {("A", "leeds"): 5}


async def test_a_batch_is_all_or_nothing_when_the_connection_dies(shop: Pool) -> None:
    async with shop.connection() as connection:
        with pytest.raises(psycopg.Error):
            async with connection.transaction():
                await post_events_on(connection, [receipt("r1", "A", 5)])
                await connection.execute("SELECT 1 / 0")

    assert await balances(shop) == {}
    assert await sql(shop, "SELECT count(*) FROM event") == [(0,)]
