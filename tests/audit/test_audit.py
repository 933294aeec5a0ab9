"""The audit finds whatever is broken, in SQL and by its fold, and accuses nobody else.

Method: a small record that the program wrote itself is clean; then the owner of the database breaks one thing in it,
which the program's own role could not, and exactly that is told.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onhand.audit import Report, audit
from onhand.audit.invariants import INVARIANTS
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.rules import Rule
from onhand.domain.sales import ChannelOrder, SoldLine, as_json
from onhand.intake import take
from onhand.ledger import catalogue, inbox, levels
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.ledger.levels import ListingCursor
from onhand.ledger.posting import post_counts, post_events
from onhand.publish import Errand, bring_to_targets
from tests.memory_channel import MemoryChannel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACES = {"web": {"": ("leeds", "london")}, "store": {"L1": ("leeds",), "L2": ("london",)}}
RULES = RuleBook({name: ChannelRules(Rule(name=name), PLACES[name], listens=True) for name in PLACES})


def order(order_id: str, version: int, open_: int, fulfilled: int = 0) -> ChannelOrder:
    """An order of A on the web shop."""
    at = NOON + timedelta(seconds=version)
    return ChannelOrder(order_id, version, NOON, at, (SoldLine("1", ("10",), "A", open_, fulfilled),))


async def tell(pool: Pool, shop: MemoryChannel, *told: ChannelOrder | str) -> None:
    """Deliver whole orders, or hints at such as the shop has, and take them."""
    deliveries = []
    for each in told:
        hinted = isinstance(each, str)
        kind, subject = ("order_hint", each) if isinstance(each, str) else ("order", each.order_id)
        body = {} if isinstance(each, str) else as_json(each)
        digest = hashlib.sha256(f"{each!r}{hinted}".encode()).digest()
        deliveries.append(Received("web", "", digest, kind, "orders", subject, body))
    await inbox.accept(pool, deliveries)
    await take(pool, shop, RULES.channels["web"])


async def publish(pool: Pool, shop: MemoryChannel) -> None:
    """Tell the shop what is pending."""
    ids, _ = await levels.listing_page(pool, shop.name, ListingCursor(), 10, None)
    await bring_to_targets(pool, shop, RULES, ids, Errand(live=True), set())


@pytest.fixture
async def record(shop: Pool) -> Pool:
    """A and B in two shops; counts, a receipt, orders told whole and hinted at, shipped, cancelled; levels told.

    On the web shop the item of A takes two units. Order 7 was told twice, and once too late.
    """
    web, store = MemoryChannel("web"), MemoryChannel("store", places=True)
    listed = [NewListing("A", "10", "10", units=2), NewListing("B", "20", "20")]
    await catalogue.save_listings(shop, "web", listed, [""])
    await catalogue.save_listings(
        shop, "store", [NewListing("A", "1", "1"), NewListing("B", "2", "2")], ["L1", "L2"]
    )
    counts = [
        Count("erp", f"{sku}{at}", sku, at, units, CountMeaning.ON_HAND, NOON)
        for sku, at, units in (("A", "leeds", 50), ("A", "london", 20), ("B", "leeds", 9))
    ]
    await post_counts(shop, counts, record_agreement=False, woken=set())
    for name in (web, store):
        await publish(shop, name)
    received = Movement("erp", "r1", EventKind.RECEIPT, "B", "london", 4, NOON)
    await post_events(shop, [event_of(received)], set())
    await tell(shop, web, order("7", 1, 3))
    for name in (web, store):
        await publish(shop, name)
    late = replace(order("7", 1, 3), placed_at=NOON + timedelta(seconds=2))
    await tell(shop, web, order("7", 2, 1, 2), late, order("8", 1, 2))
    web.orders.by_id["9"] = order("9", 5, 1)
    await tell(shop, web, "9")
    await tell(
        shop, web, order("8", 3, 0), replace(order("7", 2, 1, 2), placed_at=NOON + timedelta(seconds=1))
    )
    for name in (web, store):
        await publish(shop, name)
    return shop


def broken(report: Report) -> dict[str, dict[str, int]]:
    """How many rows break each invariant, by who found them."""
    return {
        each.invariant.name: {breach.by: breach.total for breach in each.breaches}
        for each in report.judged
        if not each.holds
    }


async def as_owner(dsn: str, *statements: str) -> None:
    """Break something that the program's role cannot."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            done = await connection.execute(statement)
            assert done.rowcount != 0, f"nothing was broken by: {statement}"


async def test_what_the_program_wrote_is_clean(record: Pool) -> None:
    """Goal: no false accusation. Method: the whole record, whose extent shows that there was something to look at."""
    report = await audit(record)
    assert broken(report) == {}
    assert report.clean
    extent = report.extent
    assert (extent.events, extent.entries, extent.deliveries) == (9, 18, 7)
    assert extent.pushes == extent.based == 12
    assert [each.invariant for each in report.judged] == list(INVARIANTS)


@dataclass(frozen=True)
class Damage:
    """Statements of the owner, and how many rows SQL and fold have to tell of each invariant."""

    name: str
    statements: tuple[str, ...]
    told: dict[str, dict[str, int]]


def both(rows: int) -> dict[str, int]:
    """Found by SQL and by the fold alike."""
    return {"sql": rows, "fold": rows}


A_IN_LONDON = (
    "sku_id = (SELECT id FROM sku WHERE code = 'A')"
    " AND location_id = (SELECT id FROM location WHERE code = 'london')"
)
HINTED = "subject = '9'"
LATE = "outcome = 'unchanged' AND body->>'version' = '1'"
WHOLE = "kind = 'order' AND outcome = 'posted' AND subject = '8' AND body->>'version' = '1'"
WEB_A = (
    "listing_id = (SELECT l.id FROM listing l JOIN channel c ON c.id = l.channel_id"
    " WHERE c.name = 'web' AND item_id = '10')"
)
CLAIM = "UPDATE level SET claim = 5, claimed_until = clock_timestamp()"

DAMAGES = (
    Damage("a kit with stock", ("UPDATE sku SET kit = true WHERE code = 'B'",), {"kits": {"sql": 2}}),
    Damage(
        "one unit more in the last entry of a shelf",
        (
            f"UPDATE entry SET quantity = quantity + 1, balance_after = balance_after + 1 WHERE {A_IN_LONDON}"
            " AND state = 'available'",
        ),
        {"event_sums": both(1), "balances": both(1)},
    ),
    Damage(
        "an event that is gone, its entries left",
        ("DELETE FROM event WHERE source = 'erp' AND external_id = 'r1'",),
        {"orphans": {"sql": 2, "fold": 1}},
    ),
    Damage(
        "an event that is gone with its entries",
        (
            f"DELETE FROM entry WHERE {A_IN_LONDON}",
            "DELETE FROM event WHERE source = 'erp' AND external_id = 'Alondon'",
        ),
        # The version, what was found and what is available there; and pushes drew on units that never were.
        {"balances": both(3), "justified": both(4)},
    ),
    Damage(
        "a gap in the numbers",
        (
            f"UPDATE entry SET version = version + 1 WHERE {A_IN_LONDON} AND version = 2",
            f"UPDATE balance SET version = 3 WHERE {A_IN_LONDON}",
        ),
        # Pushes were decided from version 2, which is not there.
        {"versions": both(1), "balances": both(1), "justified": both(4)},
    ),
    Damage(
        "a wrong running number",
        (f"UPDATE entry SET balance_after = 0 WHERE {A_IN_LONDON} AND state = 'found'",),
        {"running": both(1)},
    ),
    Damage(
        "a balance that was edited",
        (f"UPDATE balance SET reserved = 3, damaged = -1 WHERE {A_IN_LONDON}",),
        {"balances": both(2)},
    ),
    Damage("a balance that is gone", (f"DELETE FROM balance WHERE {A_IN_LONDON}",), {"balances": both(3)}),
    Damage(
        "a line that says more is open",
        ("UPDATE order_line SET open = open + 1 WHERE order_id = '7'",),
        {"orders": both(1)},
    ),
    Damage("a line that is gone", ("DELETE FROM order_line WHERE order_id = '9'",), {"orders": both(1)}),
    Damage(
        "an order that was never posted",
        (
            "INSERT INTO channel_order SELECT id, 'x', 1 FROM channel WHERE name = 'web'",
            "INSERT INTO order_line SELECT id, 'x', '1', 'A', 'leeds', 1, 0 FROM channel WHERE name = 'web'",
        ),
        {"orders": both(1)},
    ),
    Damage(
        "a line of which more is said to be back",
        ("UPDATE order_line SET fulfilled = fulfilled - 1, returned = 1 WHERE order_id = '7'",),
        {"returns": {"sql": 1}},
    ),
    Damage(
        "an outcome without its moment",
        (f"UPDATE inbox SET settled_at = NULL WHERE {LATE}",),
        {"outcomes": {"sql": 1}},
    ),
    Damage(
        "a moment without its outcome",
        (f"UPDATE inbox SET outcome = NULL WHERE {LATE}",),
        {"outcomes": {"sql": 1}},
    ),
    Damage(
        "a delivery that is there twice",
        (
            "ALTER TABLE inbox DROP CONSTRAINT inbox_channel_id_delivery_id_digest_key",
            "INSERT INTO inbox (channel_id, delivery_id, digest, kind, body, outcome, settled_at)"
            " SELECT channel_id, delivery_id, digest, kind, body, outcome, settled_at FROM inbox"
            f" WHERE {LATE}",
        ),
        {"outcomes": {"sql": 2}},
    ),
    Damage(
        "a delivery told as posted whose order was told in another version",
        (f"UPDATE inbox SET body = jsonb_set(body, '{{version}}', '2') WHERE {WHOLE}",),
        {"posted": both(1)},
    ),
    Damage(
        "a hint told as posted long after its event",
        (
            "UPDATE inbox SET received_at = received_at + interval '1 hour',"
            f" settled_at = settled_at + interval '1 hour' WHERE {HINTED}",
        ),
        {"posted": both(1)},
    ),
    Damage(
        "a delivery that was taken, and its order is older",
        ("UPDATE channel_order SET version = 1 WHERE order_id = '7'",),
        {"covered": both(2)},
    ),
    Damage(
        "a push under an older generation",
        (
            f"UPDATE push SET generation = 1 WHERE id = (SELECT max(id) FROM push WHERE {WEB_A} AND generation > 1)",
        ),
        {"generations": both(1)},
    ),
    Damage(
        "a push of one piece too many",
        (f"UPDATE push SET quantity = 36 WHERE id = (SELECT min(id) FROM push WHERE {WEB_A})",),
        {"justified": both(1)},
    ),
    Damage(
        "a book of a level that is claimed",
        (f"{CLAIM} + interval '1 second', book = 1 WHERE {WEB_A}",),
        {"levels": {"sql": 1}},
    ),
    Damage("a claim without an end", (f"UPDATE level SET claim = 5 WHERE {WEB_A}",), {"levels": {"sql": 1}}),
    Damage(
        "a claim for ever",
        (f"{CLAIM} + interval '1 hour', book = NULL WHERE {WEB_A}",),
        {"levels": {"sql": 1}},
    ),
    Damage(
        "a claim that nobody takes up",
        (f"{CLAIM} - interval '1 hour', book = NULL WHERE {WEB_A}",),
        {"levels": {"sql": 1}},
    ),
    Damage(
        "a level of no listing",
        (
            "ALTER TABLE level DROP CONSTRAINT level_listing_id_fkey",
            "INSERT INTO level (listing_id, place) VALUES (4711, '')",
        ),
        {"levels": {"sql": 1}},
    ),
    Damage(
        "pending for no listing",
        (
            "INSERT INTO outbox (listing_id, channel_id, generation)"
            " SELECT 4711, id, 1 FROM channel WHERE name = 'web'",
        ),
        {"outbox": {"sql": 1}},
    ),
    Damage(
        "pending under a generation to come",
        (
            "INSERT INTO outbox (listing_id, channel_id, generation)"
            " SELECT id, channel_id, 999999 FROM listing LIMIT 1",
        ),
        {"outbox": {"sql": 1}},
    ),
    Damage(
        "pending while everybody sleeps",
        (
            "UPDATE channel_work SET publish_awake = false",
            "INSERT INTO outbox (listing_id, channel_id, generation, live, marked_at)"
            " SELECT id, channel_id, 1, true, clock_timestamp() - interval '1 hour' FROM listing LIMIT 1",
        ),
        {"sleepers": {"sql": 1}},
    ),
    Damage(
        "delivered while everybody sleeps",
        (
            "UPDATE channel_work SET intake_awake = false",
            "UPDATE inbox SET outcome = NULL, settled_at = NULL, received_at = clock_timestamp() - interval '1 hour'"
            f" WHERE {LATE}",
        ),
        {"sleepers": {"sql": 1}},
    ),
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
async def test_what_is_broken_is_told(record: Pool, database: str, damage: Damage) -> None:
    """Goal: each invariant can fail, and only what is broken is told. Method: the owner breaks one thing."""
    await as_owner(database, *damage.statements)
    report = await audit(record)
    assert broken(report) == damage.told
    assert all(breach.rows for each in report.judged for breach in each.breaches)


def test_every_invariant_is_broken_by_some_test() -> None:
    """Goal: no rule that never fails. The fold stands beside SQL wherever an invariant says so."""
    told = {name for damage in DAMAGES for name in damage.told}
    assert told == {each.name for each in INVARIANTS}
    folded = {name for damage in DAMAGES for name, by in damage.told.items() if "fold" in by}
    assert folded == {each.name for each in INVARIANTS if each.folded}


async def test_rows_are_told_in_words_and_counted_beyond_them(record: Pool, database: str) -> None:
    """Goal: an operator sees what is wrong, however much is. Method: every balance is off, one row is asked for."""
    await as_owner(database, "UPDATE balance SET found = 7")
    (judged,) = (each for each in (await audit(record, 1)).judged if not each.holds)
    row = {"sku": "A", "location": "leeds", "part": "found", "balance": 7, "entries": -50}
    assert [(breach.total, breach.rows) for breach in judged.breaches] == [(4, (row,)), (4, (row,))]


async def test_it_sees_one_moment_and_stops_nobody(record: Pool) -> None:
    """Goal: an audit beside traffic is right and in nobody's way. Method: stock is posted the whole time."""
    over = asyncio.Event()

    async def post() -> int:
        number = 0
        while not over.is_set():
            number += 1
            moves = [
                event_of(Movement("test", f"{number}{sku}", EventKind.RECEIPT, sku, "leeds", 1, NOON))
                for sku in ("A", "B")
            ]
            await post_events(record, moves, set())
        return number

    posting = asyncio.create_task(post())
    try:
        reports = [await audit(record) for _ in range(5)]
    finally:
        over.set()
    assert await posting > 5
    assert [broken(report) for report in reports] == [{}] * 5
    assert reports[0].extent.events < reports[-1].extent.events
