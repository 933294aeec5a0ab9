"""A day with a little of everything, and what is just outside of it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from onhand.domain.days import Span, span_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import catalogue
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from tests.fix_ledger import sql

ZONE = ZoneInfo("Europe/Berlin")
DAY: date = datetime.now(ZONE).date() - timedelta(days=2)
"""Events are recorded now, and a report looks at what was recorded since its day began."""
SPAN: Span = span_of(DAY, ZONE)
NOON = SPAN.begins + timedelta(hours=12)
JUST = timedelta(milliseconds=1)
OUTSIDE = (SPAN.begins - JUST, SPAN.ends)


async def listing(pool: Pool, channel: str, item: str) -> int:
    """The number of a listing."""
    ((number,),) = await sql(
        pool,
        "SELECT l.id FROM listing l JOIN channel c ON c.id = l.channel_id WHERE c.name = %s AND l.item_id = %s",
        channel,
        item,
    )
    return int(number)


async def seed(pool: Pool) -> None:
    """All of it, on the ledger of `shop`; every row has a twin outside of the day."""
    await catalogue.save_listings(
        pool, "web", [NewListing("A", "w-A", "A"), NewListing("B", "w-B", "B")], [""]
    )
    await catalogue.save_listings(pool, "store", [NewListing("A", "s-A", "A")], [""])
    web_a, web_b, store_a = [
        await listing(pool, *each) for each in (("web", "w-A"), ("web", "w-B"), ("store", "s-A"))
    ]
    await _pushes(pool, web_a)
    await _drift(pool, web_a, web_b, store_a)
    await _halts(pool, web_a, web_b, store_a)
    await _runs(pool)
    await _orders(pool)
    await _sales(pool, web_b)
    await _oversells(pool)
    await _conflicts(pool)


async def _pushes(pool: Pool, web_a: int) -> None:
    """Live ones that took 1, 2, 3 and 4 seconds, one whose change nobody waited for, one of a run; and failures."""
    sent = [("accepted", None, seconds) for seconds in (1, 2, 3, 4)]
    sent += [("accepted", None, None), ("accepted", "run-1", 500), ("stale", None, 9), ("rejected", None, 9)]
    sent += [("unknown", "run-1", 9)]
    rows = [(NOON, *each) for each in sent]
    rows += [(moment, "accepted", None, 60) for moment in OUTSIDE]
    for at, outcome, run, took in rows:
        await sql(
            pool,
            """INSERT INTO push (listing_id, place, run_id, generation, quantity, outcome, attempt, sent_at,
                                 answered_at, due_since)
               VALUES (%(listing)s, '', %(run)s, 1, 5, %(outcome)s, 1, %(at)s, %(at)s, %(due)s)""",
            listing=web_a, run=run, outcome=outcome, at=at,
            due=None if took is None else at - timedelta(seconds=took),
        )  # fmt: skip


async def _drift(pool: Pool, web_a: int, web_b: int, store_a: int) -> None:
    rows = [
        ("web", web_a, NOON, "lost_write", NOON), ("web", web_b, NOON, "lost_write", None),
        ("web", web_b, NOON, "manual_edit", NOON), ("store", store_a, SPAN.begins, "unknown", None),
        *(("store", store_a, moment, "manual_edit", moment) for moment in OUTSIDE),
    ]  # fmt: skip
    for channel, number, at, cause, resolved_at in rows:
        await sql(
            pool,
            """INSERT INTO drift (reconciliation_id, channel_id, listing_id, place, found_at, expected, shown, cause,
                                  action, resolved_at)
               SELECT 'r', id, %(listing)s, '', %(at)s, 5, 4, %(cause)s, 'push', %(resolved)s
                 FROM channel WHERE name = %(channel)s""",
            channel=channel, listing=number, at=at, cause=cause, resolved=resolved_at,
        )  # fmt: skip


async def _halts(pool: Pool, web_a: int, web_b: int, store_a: int) -> None:
    """One lifted that day, one placed and standing, one lifted when the day was over, one over before it began."""
    before, after = SPAN.begins - timedelta(hours=1), SPAN.ends + timedelta(hours=1)
    for number, placed_at, lifted_at in (
        (web_a, before, NOON),
        (web_b, NOON, None),
        (store_a, NOON, after),
        (store_a, before - timedelta(hours=1), before),
    ):
        await sql(
            pool,
            """INSERT INTO halt (listing_id, placed_by, cause, reason, placed_at, lifted_at)
               VALUES (%(listing)s, 'ann', 'operator', 'x', %(placed)s, %(lifted)s)""",
            listing=number, placed=placed_at, lifted=lifted_at,
        )  # fmt: skip


async def _runs(pool: Pool) -> None:
    """Three runs and two read-backs that day, one of each outside on both sides."""
    runs = [(NOON, "success", 3), (NOON, "success", 0), (SPAN.begins, "partial", 4)]
    runs += [(moment, "failed", 9) for moment in OUTSIDE]
    for n, (at, status, refused) in enumerate(runs):
        await sql(
            pool,
            """INSERT INTO run (id, workflow_id, started_at, status, request, rows_refused)
               VALUES (%(id)s, %(id)s, %(at)s, %(status)s, '{}', %(refused)s)""",
            id=f"run-{n}", at=at, status=status, refused=refused,
        )  # fmt: skip
        for channel, reads, part in (
            ("web", 2, "success"),
            ("store", 10, "held" if status == "partial" else "success"),
        ):
            await sql(
                pool,
                """INSERT INTO run_channel (run_id, channel_id, status, reads, writes, throttled, waited_seconds)
                   SELECT %(id)s, id, %(part)s, %(reads)s, 1, 1, 0.25 FROM channel WHERE name = %(channel)s""",
                id=f"run-{n}", channel=channel, reads=reads, part=part,
            )  # fmt: skip
    for n, (at, status) in enumerate([(NOON, "clean"), (NOON, "drift"), *((m, "failed") for m in OUTSIDE)]):
        await sql(
            pool,
            "INSERT INTO reconciliation (id, workflow_id, started_at, status, request) "
            "VALUES (%(id)s, %(id)s, %(at)s, %(status)s, '{}')",
            id=f"r-{n}", at=at, status=status,
        )  # fmt: skip
        await sql(
            pool,
            """INSERT INTO reconciliation_channel (reconciliation_id, channel_id, status, reads, throttled,
                                                   waited_seconds)
               SELECT %(id)s, id, 'clean', 7, 0, 1.5 FROM channel WHERE name = 'web'""",
            id=f"r-{n}",
        )  # fmt: skip


async def _orders(pool: Pool) -> None:
    """Order 1 by webhook and sweep, 2 by webhook twice, 3 by sweep alone; a level; poison; orders outside."""
    rows = [
        ("1", "d1", "order", "posted", NOON), ("1", "sweep", "order", "unchanged", NOON),
        ("2", "d2", "order_hint", "posted", NOON), ("2", "d3", "order", "posted", NOON),
        ("3", "sweep", "order", "posted", NOON), ("7", "d4", "level", "echo", NOON),
        ("8", "d5", "order", "poison", NOON), ("9", "d6", "other", "poison", NOON),
        *((str(n), f"x{n}", "order", "posted", moment) for n, moment in enumerate(OUTSIDE, 20)),
    ]  # fmt: skip
    for subject, delivery, kind, outcome, at in rows:
        await sql(
            pool,
            """INSERT INTO inbox (channel_id, delivery_id, digest, kind, subject, body, received_at, outcome)
               SELECT id, %(delivery)s, %(digest)s, %(kind)s, %(subject)s, '{}', %(at)s, %(outcome)s
                 FROM channel WHERE name = 'web'""",
            delivery=delivery, digest=f"{subject}/{delivery}".encode(), kind=kind, subject=subject, at=at,
            outcome=outcome,
        )  # fmt: skip


async def _sales(pool: Pool, web_b: int) -> None:
    """Two orders of 2 and 3 on a listing that was halted at noon, one before that, one of another listing."""
    placed = [("70", NOON, 2, web_b), ("71", NOON + timedelta(hours=1), 3, web_b)]
    placed += [("72", NOON - JUST, 4, web_b), ("73", NOON, 5, None)]
    for number, at, units, of in placed:
        line = OrderLine("1", "B", "leeds", units, 0, of)
        await post_orders(pool, [OrderSnapshot("web", number, 1, at, (line,), at)])
    # Another state of an order is the same order.
    again = OrderLine("1", "B", "leeds", 4, 0, web_b)
    later = NOON + timedelta(hours=2)
    await post_orders(pool, [OrderSnapshot("web", "71", 2, later, (again,), NOON + timedelta(hours=1))])


async def _oversells(pool: Pool) -> None:
    rows = [
        ("A", 3, "web", SPAN.begins - timedelta(hours=2), NOON),
        ("B", 9, None, NOON, None),
        ("C", 5, "web", SPAN.begins - timedelta(hours=2), SPAN.begins - JUST),
        ("C", 6, "web", SPAN.ends, None),
    ]
    for sku, short, channel, found_at, resolved_at in rows:
        await sql(
            pool,
            """INSERT INTO oversell (sku_id, found_at, units_short, last_channel_id, resolved_at)
               SELECT s.id, %(found)s, %(short)s, (SELECT id FROM channel WHERE name = %(channel)s), %(resolved)s
                 FROM sku s WHERE s.code = %(sku)s""",
            sku=sku, found=found_at, short=short, channel=channel, resolved=resolved_at,
        )  # fmt: skip


async def _conflicts(pool: Pool) -> None:
    for at in (NOON, *OUTSIDE):
        await sql(
            pool,
            """INSERT INTO authority_conflict (sku_id, location_id, authority, quantity, rival, rival_quantity,
                                               counted, found_at)
               SELECT s.id, l.id, 'web', 1, 'store', 2, true, %(at)s FROM sku s, location l
                WHERE s.code = 'A' AND l.code = 'leeds'""",
            at=at,
        )


MADE_AT = datetime.now(UTC)
