"""Live errands: no sale that nobody told us of is given back, whatever the way a level is written."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from onhand.channels.base import Channel, LevelWrite, WriteKind
from onhand.channels.errors import ChannelDown, SameKeyRetry
from onhand.domain.targets import targets_of
from onhand.ledger import levels, work
from onhand.ledger.levels import LevelLearnt
from onhand.publish import Errand, bring_to_targets
from onhand.publish.live import Publisher
from onhand.publish.work import key_of
from tests.fix_ledger import sql
from tests.fix_selling import Selling
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import LIVE, adjust, books, ids_of, order, provisional, waiting

SEED = 20_261_126


async def tell(shops: Selling, channel: MemoryChannel, woken: set[str] | None = None) -> list[str]:
    """One live errand for all that is pending on a channel; the outcomes. `woken`: publishers to be signalled."""
    listings = await levels.pending_live(shops.pool, channel.name, 100)
    signalled = set() if woken is None else woken
    done = await bring_to_targets(shops.pool, channel, LIVE, listings, Errand(live=True), signalled)
    return list(done.values())


async def asleep(shops: Selling) -> None:
    """Both publishers have gone to sleep, with nothing pending."""
    await sql(shops.pool, "UPDATE channel_work SET publish_awake = false")


async def test_an_unheard_sale_is_not_given_back_and_its_order_replaces_it(selling: Selling) -> None:
    """Goal: the whole life of a sale that an answer tells of first, on the channel that sold and on its sibling."""
    pool, store, web = selling.pool, selling.store, selling.web
    store.sold("store-A", 3)
    await adjust(pool, "shelf", "A", -4)
    await asleep(selling)
    woken: set[str] = set()

    assert await tell(selling, store, woken) == ["changed"]
    assert store.calls == [("change", 1)]
    assert store.levels["store-A", ""] == 93
    assert await provisional(pool) == [("store", 3)]
    assert woken == {"store", "web"}
    assert await waiting(pool) == ["store-A", "web-A"], "both are looked at again"

    assert await tell(selling, web) == ["changed"]
    assert web.levels["web-A", ""] == 93
    assert await tell(selling, store) == ["unchanged"]
    assert (await waiting(pool), await books(pool)) == ([], {"store": 93, "web": 93})

    await order(pool, "store", "1001", 3)
    assert await provisional(pool) == []
    assert (await tell(selling, store), await tell(selling, web)) == (["unchanged"], ["unchanged"])
    assert (store.calls, web.calls) == ([("change", 1)], [("set", 1)])
    assert (await waiting(pool), await books(pool)) == ([], {"store": 93, "web": 93})


async def test_a_sale_heard_during_the_call_is_no_news(selling: Selling) -> None:
    """Goal: answer and order tell of one sale, once."""

    class Selling_(MemoryChannel):
        async def change_levels(self, writes, key, *, urgent=True):
            if not self.calls:
                self.sold("store-A", 3)
                await order(selling.pool, "store", "1001", 3)
            return await super().change_levels(writes, key)

    store = Selling_("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True)
    store.levels = selling.store.levels
    await adjust(selling.pool, "shelf", "A", -4)

    await tell(selling, store)
    assert await provisional(selling.pool) == []
    assert await waiting(selling.pool) == ["store-A", "web-A"], "the order came after the generation was read"
    assert await tell(selling, store) == ["unchanged"]
    assert store.levels["store-A", ""] == 93
    assert (await books(selling.pool))["store"] == 93


async def test_a_compare_finds_the_sale_and_writes_less(selling: Selling) -> None:
    """Goal: what was read below the book comes off the target before it is written."""
    store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET)
    store.levels = selling.store.levels
    store.sold("store-A", 3)
    await adjust(selling.pool, "shelf", "A", -4)

    assert await tell(selling, store) == ["changed"]

    assert store.calls == [("set", 1), ("read", 1), ("set", 1)]
    assert store.levels["store-A", ""] == 93
    assert await provisional(selling.pool) == [("store", 3)]
    assert (await books(selling.pool))["store"] == 93
    assert await tell(selling, store) == ["unchanged"]
    assert await tell(selling, selling.web) == ["changed"]
    assert selling.web.levels["web-A", ""] == 93


async def test_a_sale_before_a_first_look_does_not_hide_that_its_level_is_too_high(selling: Selling) -> None:
    """Goal: what a write after a lost answer put on show again is taken down once the order comes.

    Nothing is known of the level, so it is read, with the sale in what it shows, and set to the old target.
    """
    pool, store = selling.pool, selling.store
    placed_at = datetime.now(UTC) - timedelta(minutes=1)
    store.sold("store-A", 3)
    ((listing, _),) = await levels.listings_of_sku(pool, "A", "store")
    await levels.forget_books(pool, [(listing, "")])
    await adjust(pool, "shelf", "A", -4)
    await tell(selling, store)
    assert store.levels["store-A", ""] == 96, "nobody knew of the sale"

    await order(pool, "store", "1001", 3, at=placed_at)
    assert (await books(pool))["store"] == 96

    assert await tell(selling, store) == ["changed"]
    assert store.levels["store-A", ""] == 93
    assert (await provisional(pool), (await books(pool))["store"]) == ([], 93)


async def test_a_blind_set_gives_back_and_is_corrected_when_the_order_comes(selling: Selling) -> None:
    """Goal: where no better write exists, the level is right again as soon as the sale is heard of."""
    pool, web = selling.pool, selling.web
    placed_at = datetime.now(UTC)
    web.sold("web-A", 3)
    await order(pool, "store", "1", 4)

    assert await tell(selling, web) == ["changed"]
    assert web.levels["web-A", ""] == 96, "three sold units are on show again"
    assert await provisional(pool) == []

    await order(pool, "web", "2", 3, at=placed_at)
    assert (await books(pool))["web"] == 96, "the set undid what the sale had done"
    assert await tell(selling, web) == ["changed"]
    assert web.levels["web-A", ""] == 93
    assert await waiting(pool) == ["store-A"]


async def test_a_sale_after_a_blind_set_needs_no_call(selling: Selling) -> None:
    pool, web = selling.pool, selling.web
    await adjust(pool, "shelf", "A", -4)
    await tell(selling, web)
    web.sold("web-A", 3)
    await order(pool, "web", "2", 3, at=datetime.now(UTC) + timedelta(seconds=1))

    assert await tell(selling, web) == ["unchanged"]
    assert (web.calls, web.levels["web-A", ""]) == ([("set", 1)], 93)


async def test_levels_that_fall_go_before_levels_that_rise(selling: Selling) -> None:
    """Goal: a unit too many on show is what oversells, so it goes first."""
    told: list[list[tuple[str, int]]] = []

    class Recording(MemoryChannel):
        async def set_levels(self, writes, key, *, urgent=False):
            assert urgent
            told.append([(write.key.item.item_id, write.quantity) for write in writes])
            return await super().set_levels(writes, key)

    web = Recording("web")
    await adjust(selling.pool, "more", "A", 5)
    await adjust(selling.pool, "less", "B", -5)

    assert await tell(selling, web) == ["changed", "changed"]
    assert told == [[("web-B", 45)], [("web-A", 105)]]


async def test_a_level_that_another_errand_holds_is_told_afterwards(selling: Selling) -> None:
    """Goal: one errand at a time for a level; the other one's neighbours go on, and nothing pending is forgotten."""
    pool, web = selling.pool, selling.web
    (listing,) = await ids_of(pool, "web", ["A"])
    await levels.claim(pool, "web", [(listing, "")], [listing], siblings=False, claim=7, seconds=60)
    await adjust(pool, "less A", "A", -5)
    await adjust(pool, "less B", "B", -5)

    both = await bring_to_targets(pool, web, LIVE, await ids_of(pool, "web"), Errand(live=True))
    assert sorted(both.values()) == ["changed", "unchanged"]
    assert web.levels == {("web-A", ""): 100, ("web-B", ""): 45}
    assert await waiting(pool) == ["store-A", "store-B", "web-A"]
    assert await levels.pending_live(pool, "web", 10) == []

    async with pool.connection() as connection:
        learnt = LevelLearnt(listing, "", expected=100, seen=100, shortfall=0)
        await levels.book(connection, [learnt], datetime.now(UTC), 7)
    assert await tell(selling, web) == ["changed"]
    assert web.levels["web-A", ""] == 95
    assert await waiting(pool) == ["store-A", "store-B"]


async def test_a_change_during_a_live_call_stays_pending(selling: Selling) -> None:
    """Goal: the generation that was read is the one that is settled."""

    class Interrupted(MemoryChannel):
        async def change_levels(self, writes, key, *, urgent=True):
            if not self.calls:
                await adjust(selling.pool, "late", "A", -1)
            return await super().change_levels(writes, key)

    store = Interrupted("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True)
    store.levels = selling.store.levels
    await adjust(selling.pool, "early", "A", -1)

    await tell(selling, store)
    assert (store.levels["store-A", ""], await waiting(selling.pool)) == (99, ["store-A", "web-A"])
    await tell(selling, store)
    assert (store.levels["store-A", ""], await waiting(selling.pool)) == (98, ["web-A"])


async def test_a_level_that_changes_while_its_neighbour_is_claimed_stays_pending(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a level that was right at the first look is settled only if it still is. Method: post in between."""
    claim = levels.claim_believed

    async def late(*args, **kwargs):
        await adjust(selling.pool, "late", "B", -1)
        monkeypatch.setattr(levels, "claim_believed", claim)
        return await claim(*args, **kwargs)

    monkeypatch.setattr(levels, "claim_believed", late)
    await adjust(selling.pool, "early", "A", -1)
    listings = await ids_of(selling.pool, "web")

    await bring_to_targets(selling.pool, selling.web, LIVE, listings, Errand(live=True))

    assert selling.web.levels == {("web-A", ""): 99, ("web-B", ""): 50}
    assert await waiting(selling.pool) == ["store-A", "store-B", "web-B"]
    await tell(selling, selling.web)
    assert selling.web.levels["web-B", ""] == 49


async def sell(selling: Selling, order_id: str, pieces: int) -> None:
    """A buyer, and the order that tells of it."""
    selling.store.sold("store-A", pieces)
    await order(selling.pool, "store", order_id, pieces)


async def test_a_sale_between_the_look_and_the_claim_is_not_given_back(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a level is claimed only while what was decided of it holds; otherwise it is decided anew."""
    claim = levels.claim_believed

    async def late(*args, **kwargs):
        await sell(selling, "1", 3)
        monkeypatch.setattr(levels, "claim_believed", claim)
        return await claim(*args, **kwargs)

    monkeypatch.setattr(levels, "claim_believed", late)
    await adjust(selling.pool, "shelf", "A", -10)

    await tell(selling, selling.store)
    assert selling.store.levels["store-A", ""] == 97, "nothing was sent"
    await tell(selling, selling.store)

    assert selling.store.levels["store-A", ""] == 87


async def careless(selling: Selling, channel: Channel, meanwhile: float = 0.0) -> None:
    """The mistake: the target was worked out before the level was claimed."""
    pool = selling.pool
    (listing,) = await ids_of(pool, "store", ["A"])
    (state,) = await levels.listing_states(pool, "store", [listing], siblings=False)
    (target,) = targets_of(state, LIVE)
    await asyncio.sleep(meanwhile)
    if not meanwhile:
        await sell(selling, "1", 3)
    spot = (listing, "")
    claimed, _ = await levels.claim(pool, "store", [spot], [listing], siblings=False, claim=7, seconds=60)
    (result,) = await channel.change_levels(
        [LevelWrite(key_of(target), target.quantity, claimed[spot])], "a key"
    )
    async with pool.connection() as connection:
        seen = result.echo
        learnt = LevelLearnt(*spot, expected=target.quantity, seen=seen, shortfall=0)
        await levels.book(connection, [learnt], datetime.now(UTC), 7)


async def test_negative_control_of_the_late_claim(selling: Selling) -> None:
    """Goal: with the target of before the claim, the three sold units are on show again."""
    await adjust(selling.pool, "shelf", "A", -10)
    await careless(selling, selling.store)
    assert selling.store.levels["store-A", ""] == 90


async def race(selling: Selling, rounds: int, *, mistaken: bool) -> int:
    """Rounds after which more was on show than is left. A sale and an errand start within a few milliseconds."""
    chance = random.Random(SEED)
    shows_too_much, left = 0, 100
    selling.store.seconds_per_call = 0.001
    for n in range(rounds):
        await adjust(selling.pool, f"shelf {n}", "A", -1)
        left -= 1

        async def buyer(n: int = n) -> None:
            await asyncio.sleep(chance.uniform(0, 0.008))
            await sell(selling, str(n), 1)

        errand = careless(selling, selling.store, 0.004) if mistaken else tell(selling, selling.store)
        await asyncio.gather(buyer(), errand)
        if not mistaken:
            await tell(selling, selling.store)  # what changed between the look and the claim was left for now
        left -= 1
        shows_too_much += selling.store.levels["store-A", ""] > left
    return shows_too_much


async def test_no_sale_is_given_back_in_a_race(selling: Selling) -> None:
    print(f"seed {SEED}")
    assert await race(selling, 25, mistaken=False) == 0
    await tell(selling, selling.store)
    assert selling.store.levels["store-A", ""] == 50
    assert (await books(selling.pool))["store"] == 50


async def test_negative_control_of_the_race(selling: Selling) -> None:
    """Goal: as many rounds are enough to give sales back with a target of before the claim."""
    print(f"seed {SEED}")
    assert await race(selling, 25, mistaken=True) >= 3


async def test_a_call_of_unknown_fate_is_told_again_by_the_next_errand(selling: Selling) -> None:
    """Goal: nobody believes a level whose change may or may not have arrived; it is read, and never changed twice."""
    store = selling.store
    await adjust(selling.pool, "shelf", "A", -4)
    store.raises = [SameKeyRetry("store", "changing 1 level", "time-out")]
    with pytest.raises(SameKeyRetry):
        await tell(selling, store)
    assert (await books(selling.pool))["store"] is None
    store.levels["store-A", ""] = 96  # it had arrived

    assert await tell(selling, store) == ["unchanged"]
    assert store.calls == [("change", 1), ("read", 1)]
    assert store.levels["store-A", ""] == 96
    assert await waiting(selling.pool) == ["web-A"]


class HalfDown(MemoryChannel):
    """Its second call fails as a whole."""

    async def change_levels(self, writes, key, *, urgent=True):
        if self.calls:
            raise ChannelDown(self.name, "changing 1 level", "maintenance")
        return await super().change_levels(writes, key)


async def half_down(selling: Selling) -> HalfDown:
    """A falls and tells of an unheard sale, then B should rise and the channel is down; both publishers sleep."""
    store = HalfDown("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True)
    store.levels = selling.store.levels
    store.sold("store-A", 3)
    await adjust(selling.pool, "less", "A", -4)
    await adjust(selling.pool, "more", "B", 4)
    await asleep(selling)
    return store


async def test_what_was_learnt_before_a_channel_failed_wakes_the_others(selling: Selling) -> None:
    """Goal: whoever is marked awake is signalled, also where the errand ends in an error."""
    store = await half_down(selling)
    woken: list[str] = []

    async def wake(channels: set[str]) -> None:
        woken.extend(sorted(channels))

    told = await Publisher(selling.pool, store, LIVE, wake, asyncio.sleep, 0.0).turn()

    assert told.wait_seconds == 0.2
    assert woken == ["store", "web"]
    assert await provisional(selling.pool) == [("store", 3)]
    rows = await work.of_channels(selling.pool, ["store", "web"])
    assert [(row.channel, row.publish_awake) for row in rows] == [("store", True), ("web", True)]


async def test_without_anybody_to_signal_publishers_stay_asleep(selling: Selling) -> None:
    """Goal: a flag that says awake without a signal would make a publisher deaf to every later event."""
    selling.store.sold("store-A", 3)
    await adjust(selling.pool, "less", "A", -4)
    await asleep(selling)
    listings = await ids_of(selling.pool, "store")

    await bring_to_targets(selling.pool, selling.store, LIVE, listings, Errand())

    rows = await work.of_channels(selling.pool, ["store", "web"])
    assert [row.publish_awake for row in rows] == [False, False]
    assert await adjust(selling.pool, "next", "A", -1) == {"store", "web"}


async def test_a_turn_tells_everything_and_goes_to_sleep(selling: Selling) -> None:
    """Goal: the publisher's own turn, with what an answer taught, until nothing is left."""
    selling.store.sold("store-A", 3)
    await adjust(selling.pool, "less", "A", -4)

    async def wake(channels: set[str]) -> None:
        raise AssertionError(f"{channels} are awake already")

    told = await Publisher(selling.pool, selling.store, LIVE, wake, asyncio.sleep, 0.0).turn()

    assert (told.asleep, told.changed, told.unchanged, told.failed_skus) == (True, 1, 1, {})
    assert selling.store.levels["store-A", ""] == 93
    assert await waiting(selling.pool) == ["web-A"]


async def test_a_level_without_a_row_is_told_as_any_other(selling: Selling) -> None:
    """Goal: at a place that was configured meanwhile, the publisher makes the row, and does not look for ever."""
    pool, store = selling.pool, selling.store
    await sql(
        pool,
        """DELETE FROM level v USING listing l WHERE l.id = v.listing_id AND l.item_id = 'store-A'""",
    )
    await adjust(pool, "shelf", "A", -4)

    async def wake(channels: set[str]) -> None:
        raise AssertionError(f"{channels} are awake already")

    told = await Publisher(pool, store, LIVE, wake, asyncio.sleep, 0.0).turn()

    assert (told.asleep, told.changed, told.unchanged) == (True, 1, 0)
    assert store.calls == [("read", 1), ("change", 1)], "nobody knew what it shows"
    assert store.levels["store-A", ""] == 96
    assert (await waiting(pool), (await books(pool))["store"]) == (["web-A"], 96)


async def test_the_trouble_of_a_process_that_died_is_over_once_a_call_goes_well(selling: Selling) -> None:
    """Goal: nobody is told of trouble that is over. Method: one publisher opens its breaker, a new one takes over."""

    async def wake(channels: set[str]) -> None:
        raise AssertionError(f"{channels} are awake already")

    def publisher() -> Publisher:
        return Publisher(selling.pool, selling.web, LIVE, wake, asyncio.sleep, 0.0)

    await adjust(selling.pool, "less", "A", -4)
    selling.web.raises.append(ChannelDown("web", "setting A", "no answer"))
    assert (await publisher().turn()).changed == 0
    (row,) = await work.of_channels(selling.pool, ["web"])
    assert "no answer" in row.trouble

    told = await publisher().turn()

    assert (told.changed, told.wait_seconds) == (1, 0.0)
    (row,) = await work.of_channels(selling.pool, ["web"])
    assert (row.trouble, row.trouble_since, row.retry_at) == ("", None, None)
