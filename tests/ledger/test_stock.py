"""The read side of the ledger: balances, events with running balances, listings, pushes, channels at a glance.

Each test posts through the ledger's own functions and looks at what an operator would be shown.
"""

import time
from datetime import UTC, datetime, timedelta

from onhand.domain import movements
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.states import State
from onhand.ledger import catalogue, levels, posting, stock
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import Failure, LevelLearnt, Push, Sent

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


async def _move(
    pool: Pool, number: int, kind: EventKind, sku: str, location: str, quantity: int, to: str = ""
) -> None:
    moment = NOON + timedelta(minutes=number)
    movement = Movement("test", str(number), kind, sku, location, quantity, moment, to, "")
    (answer,) = await posting.post_events(pool, [movements.event_of(movement)])
    assert answer.verdict is posting.Verdict.POSTED


async def test_a_sku_is_found_by_its_code_alone(shop: Pool) -> None:
    assert await stock.sku_card(shop, "A") == stock.SkuCard("A", "", "", "active")
    assert await stock.sku_card(shop, "a") is None


async def test_a_mistyped_sku_has_near_matches(shop: Pool) -> None:
    await catalogue.save_skus(
        shop,
        [
            CatalogueSku("85123A", "WHITE HANGING HEART T-LIGHT HOLDER", "5060000000017"),
            CatalogueSku("85123B", "RED HANGING HEART"),
            CatalogueSku("22423", "REGENCY CAKESTAND 3 TIER"),
        ],
    )

    assert await stock.similar_skus(shop, "85123a") == [
        ("85123A", "WHITE HANGING HEART T-LIGHT HOLDER"),
        ("85123B", "RED HANGING HEART"),
    ]
    assert [code for code, _ in await stock.similar_skus(shop, "cakestand")] == ["22423"]
    assert [code for code, _ in await stock.similar_skus(shop, "5060000000017")] == ["85123A"]
    assert await stock.similar_skus(shop, "nothing like it") == []


async def test_balances_are_by_location_and_state(shop: Pool) -> None:
    await _move(shop, 1, EventKind.RECEIPT, "A", "leeds", 10)
    await _move(shop, 2, EventKind.TRANSFER_OUT, "A", "leeds", 3, "london")
    await _move(shop, 3, EventKind.WRITE_OFF, "A", "leeds", 1)

    leeds, london = await stock.sku_balances(shop, "A")

    assert (leeds.location, leeds.on_hand, leeds.units[State.AVAILABLE]) == ("leeds", 6, 6)
    assert (london.location, london.on_hand, london.units[State.IN_TRANSIT]) == ("london", 0, 3)
    assert leeds.units[State.SHRINKAGE] == 1
    assert leeds.units[State.SUPPLIER] == -10


async def test_events_come_newest_first_with_the_balance_after_each(shop: Pool) -> None:
    await _move(shop, 1, EventKind.RECEIPT, "A", "leeds", 10)
    await _move(shop, 2, EventKind.RECEIPT, "B", "leeds", 99)
    await _move(shop, 3, EventKind.TRANSFER_OUT, "A", "leeds", 3, "london")

    events = await stock.sku_events(shop, "A", 10)

    assert [(event.kind, event.external_id) for event in events] == [("transfer_out", "3"), ("receipt", "1")]
    assert [(line.location, line.state, line.quantity, line.balance_after) for line in events[0].lines] == [
        ("leeds", State.AVAILABLE, -3, 7),
        ("london", State.IN_TRANSIT, 3, 3),
    ]


async def test_an_event_cut_off_by_the_limit_is_not_shown_in_part(shop: Pool) -> None:
    for number in range(20):
        await _move(shop, number, EventKind.ADJUSTMENT, "A", "leeds", 1)

    events = await stock.sku_events(shop, "A", 3)

    assert [event.external_id for event in events] == ["19", "18", "17"]
    assert all(len(event.lines) == 2 for event in events)


async def test_a_sku_with_a_long_history_is_read_as_fast_as_any(shop: Pool) -> None:
    """Goal: bounded reads. 20,000 events, and the newest ten come in a small part of a second."""
    for start in range(0, 20_000, 5_000):
        events = [
            movements.event_of(Movement("test", str(n), EventKind.ADJUSTMENT, "A", "leeds", 1, NOON))
            for n in range(start, start + 5_000)
        ]
        await posting.post_events(shop, events)

    started = time.perf_counter()
    events_read = await stock.sku_events(shop, "A", 10)
    seconds = time.perf_counter() - started

    assert [event.lines[1].balance_after for event in events_read] == list(range(20_000, 19_990, -1))
    assert seconds < 0.5, "a SKU's newest events are found by the key, not by a scan"


async def test_a_listing_says_what_is_known_pending_and_given_up(shop: Pool) -> None:
    await catalogue.save_listings(shop, "web", [NewListing("A", "101", "101")], [""])
    await _move(shop, 1, EventKind.RECEIPT, "A", "leeds", 10)
    (listing,) = await stock.sku_listings(shop, "A")
    assert (listing.channel, listing.item_id, listing.levels[0].book) == ("web", "101", None)
    assert listing.pending is not None
    assert listing.parked is None

    await levels.park(
        shop, Failure(listing.listing_id, "", "RowRejected", "gone", "map it"), "sku-update/web/A"
    )
    async with shop.connection() as connection:
        await levels.book(connection, [LevelLearnt(listing.listing_id, "", expected=7, seen=7)], NOON)
        generation = listing.pending.generation
        push = Push(listing.listing_id, "", generation, 7, 5, "accepted", 7)
        await levels.settle(
            connection, [(listing.listing_id, generation)], sent=Sent([push], "run-1", 1, NOON, NOON)
        )

    (listing,) = await stock.sku_listings(shop, "A", "web")
    assert (listing.levels[0].book, listing.levels[0].shown, listing.pending) == (7, 7, None)
    assert listing.parked is not None
    assert (listing.parked.message, listing.parked.advice) == ("gone", "map it")
    (push,) = await stock.last_pushes(shop, [listing.listing_id], 5)
    assert (push.run_id, push.before, push.quantity, push.outcome, push.echo) == (
        "run-1",
        5,
        7,
        "accepted",
        7,
    )
    assert await stock.sku_listings(shop, "A", "store") == []


async def test_pending_listings_are_those_in_the_outbox(shop: Pool) -> None:
    await catalogue.save_listings(
        shop, "web", [NewListing("A", "101", "101"), NewListing("B", "102", "102")], [""]
    )
    await _move(shop, 1, EventKind.RECEIPT, "A", "leeds", 10)

    (pending,) = await stock.pending_listings(shop, "A")

    assert (pending.channel, pending.item_id) == ("web", "101")
    assert await stock.pending_listings(shop, "B") == []


async def test_channels_at_a_glance(shop: Pool) -> None:
    await catalogue.save_listings(
        shop, "web", [NewListing("A", "101", "101"), NewListing("B", "102", "102")], [""]
    )
    await _move(shop, 1, EventKind.RECEIPT, "A", "leeds", 10)

    store, web = await stock.channel_overview(shop, ["web", "store"])

    assert (store.channel, store.listings, store.pending, store.pushed_at) == ("store", 0, 0, None)
    assert (web.listings, web.pending, web.parked, web.run_id) == (2, 1, 0, None)
    assert web.pending_since is not None
