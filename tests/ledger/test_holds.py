"""Holds in the ledger: one for each channel and kind, as long as it stands; and since when nothing was judged."""

from datetime import UTC, datetime
from typing import Any

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.guard import Tally
from onhand.ledger import catalogue, holds, levels
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.holds import Glance
from onhand.ledger.levels import LevelLearnt
from onhand.ledger.posting import post_counts, post_events
from tests.fix_ledger import sql
from tests.publish.shelves import receipt

MUCH, MORE = Tally(300, 240, 200, 4_000), Tally(300, 290, 280, 9_000)


async def test_a_hold_that_stands_is_brought_up_to_date_and_told_once(shop: Pool) -> None:
    """Goal: since when, and that people know, outlive the runs it holds back; the numbers are the newest."""
    await holds.save(shop, "web", "sync", "run-1", MUCH, "too much")
    first = await holds.of_channel(shop, "web", "sync")
    assert first is not None
    assert (first.tally, first.reason, first.told_at, first.stands) == (MUCH, "too much", None, True)
    await holds.note_told(shop, first)

    await holds.save(shop, "web", "sync", "run-2", MORE, "more")

    now = await holds.of_channel(shop, "web", "sync")
    assert now is not None
    assert (now.run_id, now.tally, now.reason) == ("run-2", MORE, "more")
    assert now.held_at == first.held_at
    assert now.told_at is not None
    assert await holds.of_channel(shop, "web", "reconciliation") is None
    assert await holds.of_channels(shop, ["store"]) == []
    assert [hold.channel for hold in await holds.of_channels(shop)] == ["web"]


async def test_a_released_hold_is_used_and_goes_with_the_run_that_used_it(shop: Pool) -> None:
    """Goal: what was shown is what is allowed; only the run that sent it ends it, and nobody releases it twice."""
    await holds.save(shop, "web", "sync", "run-1", MUCH, "too much")
    assert await holds.release(shop, "web", "sync", "jo", MORE)
    assert not await holds.release(shop, "web", "sync", "kim", MUCH)
    released = await holds.of_channel(shop, "web", "sync")
    assert released is not None
    assert (released.stands, released.released_by, released.tally) == (False, "jo", MORE)

    await holds.use(shop, "web", "sync", "run-2")
    assert not await holds.drop(shop, "web", "sync", sent_by="run-1")
    assert await holds.drop(shop, "web", "sync", sent_by="run-2")
    assert await holds.of_channels(shop) == []


async def test_a_hold_that_stands_is_ended_by_no_run(shop: Pool) -> None:
    """Goal: a run that ends without having been released takes nothing away; it is over only when somebody says so."""
    await holds.save(shop, "web", "sync", "run-1", MUCH, "too much")
    await holds.use(shop, "web", "sync", "run-2")
    assert not await holds.drop(shop, "web", "sync", sent_by="run-1")
    assert not await holds.drop(shop, "web", "sync", sent_by="run-2")
    assert await holds.drop(shop, "web", "sync")
    assert not await holds.drop(shop, "web", "sync")


async def test_what_is_held_anew_after_a_release_is_told_anew(shop: Pool) -> None:
    """Goal: it is another hold, of which nobody has heard; an alert of the old one does not count for it."""
    await holds.save(shop, "web", "sync", "run-1", MUCH, "too much")
    first = await holds.of_channel(shop, "web", "sync")
    assert first is not None
    await holds.note_told(shop, first)
    await holds.release(shop, "web", "sync", "jo", MUCH)

    await holds.save(shop, "web", "sync", "run-2", MORE, "more")

    anew = await holds.of_channel(shop, "web", "sync")
    assert anew is not None
    assert (anew.stands, anew.told_at, anew.released_by, anew.released_at) == (True, None, "", None)
    assert anew.held_at > first.held_at
    await holds.note_told(shop, first)
    assert await holds.of_channel(shop, "web", "sync") == anew


async def unjudged(pool: Pool) -> dict[str, Any]:
    """The first event of a source that no run was let through with, by channel."""
    rows = await sql(
        pool,
        "SELECT c.name, e.external_id FROM judgement j JOIN channel c ON c.id = j.channel_id"
        " LEFT JOIN event e ON e.id = j.unjudged_from",
    )
    return dict(rows)


async def says(
    pool: Pool, key: str, quantity: int, source: str = "source/csv", woken: set[str] | None = None
) -> None:
    count = Count(source, key, "A", "leeds", quantity, CountMeaning.AVAILABLE, datetime.now(UTC))
    await post_counts(pool, [count], record_agreement=False, woken=woken)


async def test_the_first_word_of_a_source_since_a_run_was_let_through_is_kept(shop: Pool) -> None:
    """Goal: by channel, as a run judges for its channel alone; what agrees, and what a person says, is no news."""
    await says(shop, "first", 5)
    await says(shop, "second", 6)
    assert await unjudged(shop) == {"web": "first", "store": "first"}

    await holds.let_through(shop, "web", "rules")
    assert await unjudged(shop) == {"web": None, "store": "first"}
    await says(shop, "same", 6)
    await says(shop, "by hand", 9, "operator", woken=set())
    assert await unjudged(shop) == {"web": None, "store": "first"}
    await says(shop, "third", 4)
    assert await unjudged(shop) == {"web": "third", "store": "first"}


async def test_a_glance_counts_what_is_pending_and_known_and_listings_only_where_that_is_much(
    shop: Pool,
) -> None:
    """Goal: new listings and calm channels cost nothing; what may have to change is seen before it is worked out."""
    await catalogue.save_listings(shop, "web", [NewListing(sku, sku, sku) for sku in "ABC"], [""])
    await post_events(shop, [receipt(sku, sku, 5) for sku in "ABC"])
    assert await holds.glance(shop, "web", 1) == Glance(0, 0, "", False)

    ids, _ = await levels.listing_page(shop, "web", levels.ListingCursor(), 10, None)
    async with shop.connection() as connection:
        learnt = [LevelLearnt(listing, "", expected=3) for listing in ids[:2]]
        await levels.book(connection, learnt, datetime.now(UTC))
    await holds.let_through(shop, "web", "rules")
    assert await holds.glance(shop, "web", 3) == Glance(2, 0, "rules", False)
    assert await holds.glance(shop, "web", 2) == Glance(2, 3, "rules", False)
    await holds.save(shop, "web", "sync", "run-1", MUCH, "too much")
    assert await holds.glance(shop, "web", 3) == Glance(2, 0, "rules", True)
