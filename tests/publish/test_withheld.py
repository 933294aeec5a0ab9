"""What a source said and no run was let through with: until then nobody else tells a channel of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.listings import RuleBook
from onhand.ledger import holds, levels
from onhand.ledger.database import Pool
from onhand.ledger.posting import post_counts
from onhand.publish import Errand, bring_sku_to_target, bring_to_targets
from tests.fix_ledger import sql
from tests.fix_selling import Selling
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE, adjust, books, ids_of, order, waiting

GUARDED = replace(LIVE, guarded=True)


async def says(
    pool: Pool, quantities: dict[str, int], source: str = "source/csv", woken: set[str] | None = None
) -> None:
    """A source, a file or (with `woken`) a person counts."""
    now = datetime.now(UTC)
    counted = [
        Count(source, f"{sku}@{now.isoformat()}", sku, "leeds", quantity, CountMeaning.AVAILABLE, now)
        for sku, quantity in quantities.items()
    ]
    await post_counts(pool, counted, record_agreement=woken is not None, woken=woken)


async def tell(shops: Selling, channel: MemoryChannel, rules: RuleBook = GUARDED) -> list[str]:
    """One live errand for all that the channel's publisher has to look at; the outcomes."""
    listings = await levels.pending_live(shops.pool, channel.name, 100)
    return list(
        (await bring_to_targets(shops.pool, channel, rules, listings, Errand(live=True), set())).values()
    )


async def pending(pool: Pool) -> list[str]:
    """Item ids of every listing in the outbox, for whomever."""
    rows = await sql(pool, "SELECT l.item_id FROM outbox o JOIN listing l ON l.id = o.listing_id ORDER BY 1")
    return [item for (item,) in rows]


@pytest.mark.parametrize(("source", "said"), [("source/csv", 0), ("import/1f", 0), ("source/csv", 5_000)])
async def test_a_sale_is_told_as_one_fewer_whatever_the_source_said(
    selling: Selling, source: str, said: int
) -> None:
    """Goal: while nobody has judged it, a source neither empties nor fills what sells; the others fall by the sale."""
    pool, store, web = selling.pool, selling.store, selling.web
    await says(pool, {"A": said, "B": said}, source)
    await order(pool, "web", "1001", 2)

    assert (await tell(selling, store), await tell(selling, web)) == (["changed"], ["unchanged"])

    assert (store.levels["store-A", ""], web.levels["web-A", ""]) == (98, 100)
    assert (store.levels["store-B", ""], web.levels["web-B", ""]) == (50, 50)
    assert (await books(pool), await waiting(pool)) == ({"store": 98, "web": 98}, [])
    assert await pending(pool) == ["store-B", "web-B"], "what did not sell still waits for a run"


async def test_without_the_guard_a_sale_carries_what_the_source_said(selling: Selling) -> None:
    """Goal: the negative control of the test above."""
    await says(selling.pool, {"A": 0, "B": 0})
    await order(selling.pool, "web", "1001", 2)
    await tell(selling, selling.store, LIVE)
    assert selling.store.levels["store-A", ""] == 0


async def test_several_sales_each_take_their_own(selling: Selling) -> None:
    """Goal: book by book: what was sold on one channel is taken from the other, what came back is put back."""
    pool, store, web = selling.pool, selling.store, selling.web
    await says(pool, {"A": 0})
    for number, channel, pieces in (("1", web, 3), ("2", store, 4), ("3", web, 1)):
        channel.sold(f"{channel.name}-A", pieces)
        await order(pool, channel.name, number, pieces)
        for each in (store, web):
            await tell(selling, each)
    assert await books(pool) == {"store": 92, "web": 92}
    assert (store.levels["store-A", ""], web.levels["web-A", ""]) == (92, 92)
    await adjust(pool, "found", "A", 6)
    assert (await tell(selling, store), await tell(selling, web)) == (["changed"], ["changed"])
    assert await books(pool) == {"store": 98, "web": 98}
    await adjust(pool, "broken", "A", -10)
    assert (await tell(selling, store), await tell(selling, web)) == (["changed"], ["changed"])
    assert await books(pool) == {"store": 88, "web": 88}


async def test_a_person_who_counts_is_believed(selling: Selling) -> None:
    """Goal: an absolute word about one SKU, after the source's, goes out as it is; the other SKU waits on."""
    await says(selling.pool, {"A": 0, "B": 0})
    await says(selling.pool, {"A": 7}, "operator", woken=set())
    assert (await tell(selling, selling.store), await tell(selling, selling.web)) == (
        ["changed"],
        ["changed"],
    )
    assert await books(selling.pool) == {"store": 7, "web": 7}
    await order(selling.pool, "web", "1001", 1, sku="B")
    await tell(selling, selling.store)
    assert await books(selling.pool, "B") == {"store": 49, "web": 49}


async def test_a_source_that_is_mended_withholds_nothing(selling: Selling) -> None:
    """Goal: said 0 and then 100 again: the two take each other away, and sales and receipts go out as ever."""
    await says(selling.pool, {"A": 0})
    await says(selling.pool, {"A": 100})
    await adjust(selling.pool, "came in", "A", 5)
    await tell(selling, selling.store)
    assert selling.store.levels["store-A", ""] == 105


async def test_a_sku_that_is_tried_again_waits_for_the_run_as_well(selling: Selling) -> None:
    """Goal: its own update, which reads the level first, sends what was there before the source broke."""
    pool, store = selling.pool, selling.store
    await says(pool, {"A": 0})
    store.levels["store-A", ""] = 103
    listings = await ids_of(pool, "store", ["A"])

    assert await bring_sku_to_target(pool, store, GUARDED, listings, Errand(distrust=True)) == []

    assert store.levels["store-A", ""] == 100


async def test_a_run_that_was_let_through_sends_all_of_it_and_then_everybody_may(selling: Selling) -> None:
    """Goal: the run's errand has the source's word; on the channel it was let through to, live errands have it, too."""
    pool, store, web = selling.pool, selling.store, selling.web
    await says(pool, {"A": 3, "B": 4})
    await holds.let_through(pool, "store", "rules")
    await bring_to_targets(pool, store, GUARDED, await ids_of(pool, "store"), Errand(let_through=True))
    assert store.levels == {("store-A", ""): 3, ("store-B", ""): 4}

    await order(pool, "web", "1001", 1)
    assert (await tell(selling, store), await tell(selling, web)) == (["changed"], ["unchanged"])
    assert store.levels == {("store-A", ""): 2, ("store-B", ""): 4}
    assert await books(pool) == {"store": 2, "web": 99}


async def test_a_sku_that_a_person_named_is_told_as_it_is_from_then_on(selling: Selling) -> None:
    """Goal: while the channel is held, one SKU is brought to what the ledger says; its sales are taken from that."""
    pool, store, web = selling.pool, selling.store, selling.web
    await says(pool, {"A": 3, "B": 4})
    named = await ids_of(pool, "store", ["A"])
    await holds.let_named_through(pool, named)
    await bring_to_targets(pool, store, GUARDED, named, Errand(let_through=True))
    for sku in "AB":
        await order(pool, "web", f"1001-{sku}", 1, sku=sku)
    await tell(selling, store)
    assert store.levels == {("store-A", ""): 2, ("store-B", ""): 49}

    await says(pool, {"A": 0})
    await order(pool, "web", "1002", 1)
    await tell(selling, store)
    assert store.levels["store-A", ""] == 1, "what is said after it waits for a run again"
    await tell(selling, web)
    assert await books(pool) == {"store": 1, "web": 98}


async def test_what_was_named_is_an_exception_until_all_is_let_through(selling: Selling) -> None:
    """Goal: no exception outlives what it was made for; where nothing is unjudged none is made."""
    pool = selling.pool
    everything = await ids_of(pool, "store")
    await holds.let_named_through(pool, everything)
    assert await sql(pool, "SELECT FROM named_listing") == []
    await says(pool, {"A": 3})
    await holds.let_named_through(pool, [*everything, *await ids_of(pool, "web")])
    await holds.let_through(pool, "store", "rules")
    assert [listing for (listing,) in await sql(pool, "SELECT listing_id FROM named_listing")] == (
        await ids_of(pool, "web")
    )
