"""The ledger's part of a look: each fact exactly as it is, and nothing of what is over."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand.domain.health import (
    ChannelFacts,
    Conflicts,
    HeldRun,
    LastLook,
    LedgerFacts,
    OpenOversell,
    RunFacts,
    Waiting,
)
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.ledger import catalogue, health, work
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from tests.fix_ledger import sql

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    """A moment so many minutes ago."""
    return NOW - timedelta(minutes=minutes)


async def looked(pool: Pool) -> tuple[dict[str, ChannelFacts], LedgerFacts]:
    """One look; web's orders are listened to."""
    channels, ledger = await health.look(pool, ["web", "store", "unheard-of"], ["web"])
    return {channel.name: channel for channel in channels}, ledger


@pytest.fixture
async def listed(shop: Pool) -> Pool:
    """A and B on web (numbers 1 and 2), A on store (3)."""
    await catalogue.save_listings(
        shop, "web", [NewListing("A", "w-A", "A"), NewListing("B", "w-B", "B")], [""]
    )
    await catalogue.save_listings(shop, "store", [NewListing("A", "s-A", "A")], [""])
    return shop


async def test_a_fresh_ledger_has_nothing_to_tell(listed: Pool) -> None:
    """Goal: nothing waits, nothing is wrong, nothing was ever done; a channel nobody made known is missing."""
    channels, ledger = await looked(listed)
    assert channels == {"web": ChannelFacts("web"), "store": ChannelFacts("store", listens=False)}
    assert ledger == LedgerFacts()


async def test_what_holds_a_channel(listed: Pool) -> None:
    """Goal: pause, breaker, sweep, subscriptions and a held run, with their moments; one that was released is over."""
    await work.pause(listed, "web", "theme")
    await work.note_trouble(listed, "web", "HTTP 503", 60)
    await work.note_sweep(listed, "web", ago(1))
    await work.note_hooks(listed, "web", "orders is off")
    for channel, released in (("web", None), ("store", ago(1))):
        await sql(
            listed,
            """INSERT INTO hold
               SELECT (jsonb_populate_record(NULL::hold, jsonb_build_object(
                          'channel_id', id, 'kind', 'sync', 'run_id', 'run-1', 'held_at', %(at)s::timestamptz,
                          'listings', 10, 'changing', 9, 'zeroing', 8, 'units', 70, 'reason', 'too much',
                          'released_at', %(released)s::timestamptz, 'released_by', ''))).*
                 FROM channel WHERE name = %(name)s""",
            name=channel, at=ago(5), released=released,
        )  # fmt: skip
    channels, _ = await looked(listed)
    web = channels["web"]
    assert (web.pause_note, web.trouble, web.hooks_problem) == ("theme", "HTTP 503", "orders is off")
    moments = (web.paused_at, web.trouble_since, web.swept_at, web.hooks_seen_at)
    assert all(at is not None and abs(at - datetime.now(UTC)) < timedelta(minutes=1) for at in moments)
    assert web.retry_at is not None
    assert web.held == HeldRun("run-1", ago(5), "too much")
    assert channels["store"] == ChannelFacts("store", listens=False)
    await work.note_hooks(listed, "web", "")
    assert (await looked(listed))[0]["web"].hooks_problem == ""


async def test_what_waits_by_tier(listed: Pool) -> None:
    """Goal: what is left alone, isolated or for a run is not waiting."""
    rows = [
        (1, 0, 1, True, False, None), (2, 0, 9, True, False, ago(1)), (3, 1, 30, True, False, None),
        (4, 2, 70, True, False, None), (5, 2, 80, True, True, None), (6, 2, 90, False, False, None),
        (7, 2, 95, True, False, NOW + timedelta(hours=1)),
    ]  # fmt: skip
    for listing, tier, minutes, live, isolated, resting in rows:
        await sql(
            listed,
            """INSERT INTO outbox (listing_id, channel_id, generation, marked_at, live, tier, isolated, resting_until)
               SELECT %(listing)s, id, 1, %(at)s, %(live)s, %(tier)s, %(isolated)s, %(resting)s
                 FROM channel WHERE name = 'web'""",
            listing=listing, at=ago(minutes), live=live, tier=tier, isolated=isolated, resting=resting,
        )  # fmt: skip
    for subject, outcome, minutes in (
        ("1", None, 3),
        ("2", None, 8),
        ("3", "posted", 20),
        ("4", "poison", 60),
    ):
        await sql(
            listed,
            """INSERT INTO inbox (channel_id, delivery_id, digest, kind, body, received_at, outcome)
               SELECT id, %(subject)s, '', 'order', '{}', %(at)s, %(outcome)s FROM channel WHERE name = 'web'""",
            subject=subject, at=ago(minutes), outcome=outcome,
        )  # fmt: skip
    channels, _ = await looked(listed)
    web = channels["web"]
    assert web.outbox == (Waiting(2, ago(9)), Waiting(1, ago(30)), Waiting(1, ago(70)))
    assert web.to_tell == 4
    assert web.inbox == Waiting(2, ago(8))
    assert web.poison == Waiting(1, ago(60))
    assert channels["store"] == ChannelFacts("store", listens=False)


async def test_what_it_shows_wrongly(listed: Pool) -> None:
    """Goal: open drift, standing halts and dead letters of the channel; not what is over, nor another channel's."""
    for minutes, resolved in ((7, None), (9, ago(1))):
        await sql(
            listed,
            """INSERT INTO drift (reconciliation_id, channel_id, listing_id, place, found_at, cause, action,
                                  resolved_at)
               SELECT 'r', l.channel_id, l.id, '', %(at)s, 'unknown', 'push', %(resolved)s
                 FROM listing l WHERE l.item_id = 'w-A'""",
            at=ago(minutes), resolved=resolved,
        )  # fmt: skip
    for item, minutes, lifted in (
        ("w-A", 50, None),
        ("w-B", 40, None),
        ("w-B", 90, ago(80)),
        ("s-A", 5, None),
    ):
        await sql(
            listed,
            """INSERT INTO halt (listing_id, placed_by, cause, reason, placed_at, lifted_at)
               SELECT id, 'ann', %(cause)s, 'x', %(at)s, %(lifted)s FROM listing WHERE item_id = %(item)s""",
            item=item, at=ago(minutes), lifted=lifted, cause="operator" if item.startswith("w") else "oversell",
        )  # fmt: skip
    for item, minutes in (("w-A", 3), ("w-B", 5)):
        await sql(
            listed,
            """INSERT INTO parked_level (listing_id, parked_at, workflow_id, category, message)
               SELECT id, %(at)s, 'w', 'row is bad', 'gone' FROM listing WHERE item_id = %(item)s""",
            item=item, at=ago(minutes),
        )  # fmt: skip
    channels, _ = await looked(listed)
    web = channels["web"]
    assert (web.drift, web.halts) == (Waiting(1, ago(7)), Waiting(2, ago(50)))
    assert (web.given_up, web.example) == (Waiting(2, ago(5)), "B")
    assert channels["store"] == ChannelFacts("store", listens=False)


async def test_the_last_looks_of_a_channel(listed: Pool) -> None:
    """Goal: the last whole run and read-back; a run of a few SKUs says nothing of the channel."""
    runs = [("run-1", 40, {}), ("run-2", 20, {"channels": ["web"]}), ("run-3", 5, {"skus": ["A"]})]
    for run, minutes, request in runs:
        await sql(
            listed,
            """INSERT INTO run (id, workflow_id, started_at, finished_at, status, request, summary, rows_refused)
               VALUES (%(id)s, %(id)s, %(at)s, %(at)s, 'partial', %(request)s::text::jsonb, 'so so', 2)""",
            id=run, at=ago(minutes), request=str(request).replace("'", '"'),
        )  # fmt: skip
        await sql(
            listed,
            """INSERT INTO run_channel (run_id, channel_id, status, started_at, finished_at, failed, reads, writes,
                                        throttled, waited_seconds, message)
               SELECT %(id)s, id, 'partial', %(at)s, %(end)s, 1, 2, 3, 4, 0.5, 'one is bad'
                 FROM channel WHERE name = 'web'""",
            id=run, at=ago(minutes), end=ago(minutes - 1),
        )  # fmt: skip
    for reading, minutes, status in (("r-1", 30, "failed"), ("r-2", 10, "drift")):
        await sql(
            listed,
            """INSERT INTO reconciliation (id, workflow_id, started_at, status, request)
               VALUES (%(id)s, %(id)s, %(at)s, %(status)s, '{}')""",
            id=reading, at=ago(minutes), status=status,
        )  # fmt: skip
        await sql(
            listed,
            """INSERT INTO reconciliation_channel (reconciliation_id, channel_id, status, started_at, reads, writes)
               SELECT %(id)s, id, %(status)s, %(at)s, 5, 1 FROM channel WHERE name = 'web'""",
            id=reading, at=ago(minutes), status=status,
        )  # fmt: skip
    channels, ledger = await looked(listed)
    assert channels["web"].at_work_since == ago(40)
    assert channels["web"].synced == LastLook(
        "run-2", "partial", ago(20), ago(19), 1, 5, 4, 0.5, "one is bad"
    )
    assert channels["web"].read_back == LastLook("r-2", "drift", ago(10), None, 0, 6)
    assert (channels["store"].synced, channels["store"].read_back) == (None, None)
    assert ledger.run == RunFacts("run-1", "partial", ago(40), ago(40), "so so", 2, mended=False)
    await sql(listed, "UPDATE run_channel SET status = 'success' WHERE run_id = 'run-3'")
    assert await was_mended(listed) is False, "a few SKUs are not the channel"
    await sql(listed, "UPDATE run_channel SET status = 'success' WHERE run_id = 'run-2'")
    assert await was_mended(listed) is True
    await sql(listed, "UPDATE run_channel SET status = 'success' WHERE run_id = 'run-1'")
    assert await was_mended(listed) is None, "no channel was the reason"


async def was_mended(pool: Pool) -> bool | None:
    run = (await looked(pool))[1].run
    assert run is not None
    return run.mended


async def test_oversells_and_contradictions(listed: Pool) -> None:
    """Goal: by how much it is short now, and only while it is; contradictions of the last day only."""
    order = OrderSnapshot("web", "1", 1, NOW, (OrderLine("1", "A", "leeds", 3, 0),), NOW)
    await post_orders(listed, [order])
    for sku, minutes, resolved in (("A", 30, None), ("B", 20, None), ("C", 10, ago(1))):
        await sql(
            listed,
            """INSERT INTO oversell (sku_id, found_at, units_short, resolved_at)
               SELECT id, %(at)s, 7, %(resolved)s FROM sku WHERE code = %(sku)s""",
            sku=sku, at=ago(minutes), resolved=resolved,
        )  # fmt: skip
    for sku, minutes in (("A", 50), ("B", 40), ("A", 30), ("C", 60 * 25)):
        await sql(
            listed,
            """INSERT INTO authority_conflict (sku_id, location_id, authority, quantity, rival, rival_quantity,
                                               counted, found_at)
               SELECT s.id, l.id, 'web', 1, 'store', 2, true, %(at)s FROM sku s, location l
                WHERE s.code = %(sku)s AND l.code = 'leeds'""",
            sku=sku, at=ago(minutes),
        )  # fmt: skip
    _, ledger = await looked(listed)
    assert ledger.oversells == (OpenOversell("A", 3, ago(30)),)
    assert ledger.conflicts == Conflicts(3, 2, "A", ago(30))
