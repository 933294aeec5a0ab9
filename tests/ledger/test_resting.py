"""Rule 6 on a real ledger: a hot listing of an absolute channel gets its share, rests, and comes back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from onhand.channels.base import WriteKind
from onhand.channels.errors import ChannelDown
from onhand.domain.events import EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.rules import Rule
from onhand.explain.explanation import explain_sku
from onhand.ledger import catalogue, inbox, levels, work
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.publish import Errand, bring_to_targets
from tests.memory_channel import MemoryChannel

RULES = RuleBook({name: ChannelRules(Rule(), {"": ("leeds",)}, listens=True) for name in ("web", "store")})
LIVE = Errand(live=True)


class Shops:
    """SKU A, 200 units, on `web` (absolute) and `store` (relative)."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.web = MemoryChannel("web")
        self.store = MemoryChannel("store", write_kind=WriteKind.COMPARE_AND_SET, changes=True)
        self.listings: dict[str, list[int]] = {}
        self.orders = 0

    async def bring(self, channel: MemoryChannel, errand: Errand = LIVE, rules: RuleBook = RULES) -> set[str]:
        """What a publisher's turn does; answers who is to be signalled."""
        woken: set[str] = set()
        await bring_to_targets(self.pool, channel, rules, self.listings[channel.name], errand, woken)
        return woken

    async def sell(self, channel: MemoryChannel, pieces: int) -> None:
        """So many buyers of one piece each, heard at once."""
        channel.sold("A", pieces)
        now, found = datetime.now(UTC), []
        for _ in range(pieces):
            self.orders += 1
            line = OrderLine("1", "A", "leeds", 1, 0, self.listings[channel.name][0])
            found.append(OrderSnapshot(channel.name, str(self.orders), 1, now, (line,), now))
        await post_orders(self.pool, found, set())

    def shown(self) -> tuple[int, int]:
        return self.web.levels["A", ""], self.store.levels["A", ""]

    async def later(self, seconds: float) -> None:
        """As if nothing had been heard for so long."""
        async with self.pool.connection() as connection:
            ago = timedelta(seconds=seconds)
            await connection.execute("UPDATE level SET paced_at = paced_at - %s", (ago,))
            await connection.execute("UPDATE outbox SET resting_until = resting_until - %s", (ago,))

    async def looks_at(self) -> bool:
        """Whether web's publisher has anything to look at."""
        return await levels.pending_live(self.pool, "web", 10) == self.listings["web"]


@pytest.fixture
async def shops(shop: Pool) -> Shops:
    shops = Shops(shop)
    received = Movement("test", "r", EventKind.RECEIPT, "A", "leeds", 200, datetime.now(UTC))
    await post_events(shop, [event_of(received)], set())
    for channel in (shops.web, shops.store):
        await catalogue.save_listings(shop, channel.name, [NewListing("A", "A", "A")], [""])
        shops.listings[channel.name], _ = await levels.listing_page(
            shop, channel.name, ListingCursor(), 10, None
        )
        await shops.bring(channel)
        channel.calls.clear()
    shops.web.meter.call_seconds = 0.5
    return shops


async def rush(shops: Shops) -> None:
    """40 pieces are sold on web within a moment, 20 on store: web is hot (1.4 pieces in a call are 2.8 a second)."""
    await shops.sell(shops.web, 40)
    await shops.sell(shops.store, 20)


async def test_a_hot_listing_is_told_its_share_and_what_it_shows_is_kept_from_the_others(
    shops: Shops,
) -> None:
    """Goal: 140 are left; by pace 2 of 3 parts are web's, and together they show what is left, before and after."""
    await rush(shops)
    assert await shops.bring(shops.web) == set()
    assert shops.shown() == (93, 180)
    await shops.bring(shops.store)
    assert shops.shown() == (93, 47)
    assert (shops.web.calls, shops.store.calls) == ([("set", 1)], [("change", 1)])


async def test_a_resting_listing_is_left_alone_and_keeps_nobody_awake(shops: Shops) -> None:
    """Goal: what it sells itself changes nothing elsewhere, and what the others sell changes nothing there."""
    await rush(shops)
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    await shops.sell(shops.web, 30)
    await shops.sell(shops.store, 7)
    for channel in (shops.web, shops.store):
        channel.calls.clear()
        await shops.bring(channel)
        await shops.bring(channel, Errand())
    assert shops.shown() == (63, 40)
    assert shops.web.calls == shops.store.calls == []

    assert not await shops.looks_at()
    assert await inbox.sleep_publish(shops.pool, "web")
    assert (await work.pending(shops.pool, ["web"]))["web"].outbox is False
    await shops.later(60)
    assert (await work.pending(shops.pool, ["web"]))["web"].outbox is True


async def test_it_comes_back_when_it_has_calmed(shops: Shops) -> None:
    await rush(shops)
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    await shops.later(60)
    assert await shops.looks_at()
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    assert shops.shown() == (140, 140)
    assert not await shops.looks_at()
    async with shops.pool.connection() as connection:
        assert await (await connection.execute("SELECT FROM resting_level")).fetchone() is None


async def test_a_change_that_takes_its_share_away_is_told_at_once(shops: Shops) -> None:
    """Goal: 100 of 140 are lost; web shows 93 and must not, hot or not."""
    await rush(shops)
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    lost = Movement("test", "l", EventKind.ADJUSTMENT, "A", "leeds", -100, datetime.now(UTC))
    await post_events(shops.pool, [event_of(lost)], set())
    assert await shops.looks_at()
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    assert shops.shown() == (27, 13)


async def test_a_share_that_was_lost_on_its_way_is_told_again(shops: Shops) -> None:
    """Goal: nobody knows what web shows, so its share stays kept, and it is not left alone before it has it."""
    await rush(shops)
    shops.web.raises = [ChannelDown("web", "setting 1 level", "maintenance")]
    with pytest.raises(ChannelDown):
        await shops.bring(shops.web)
    await shops.bring(shops.store)
    assert shops.shown() == (160, 47)
    assert await shops.looks_at()
    await shops.bring(shops.web)
    assert shops.shown() == (93, 47)
    assert not await shops.looks_at()


async def test_only_channels_that_hear_of_their_sales_and_can_do_no_better_rest(shops: Shops) -> None:
    """Goal: the negative controls: relative changes, and a channel whose orders are not taken in."""
    await rush(shops)
    shops.store.meter.call_seconds = 2.0
    deaf = RuleBook({name: ChannelRules(Rule(), {"": ("leeds",)}) for name in ("web", "store")})
    await shops.bring(shops.store, rules=deaf)
    await shops.bring(shops.web, rules=deaf)
    assert shops.shown() == (140, 140)


async def test_two_hot_channels_never_show_more_than_is_left(shops: Shops) -> None:
    """Goal: both absolute, both told at the same time, again and again while they sell."""
    shops.store.capabilities = shops.web.capabilities
    left = 200
    for round_ in range(6):
        for channel, pieces in ((shops.web, 12), (shops.store, 8)):
            channel.meter.call_seconds = 0.5
            await shops.sell(channel, pieces)
            left -= pieces
        await asyncio.gather(shops.bring(shops.web), shops.bring(shops.store))
        await asyncio.gather(shops.bring(shops.store), shops.bring(shops.web))
        if round_ >= 2:
            assert sum(shops.shown()) <= left
    assert sum(shops.shown()) == left == 80


async def test_explain_says_what_rests(shops: Shops) -> None:
    await rush(shops)
    await shops.bring(shops.web)
    await shops.bring(shops.store)
    told = await explain_sku(shops.pool, RULES, ["web", "store"], "A", events=1, pushes=1)
    assert {level.channel: level.sentence for level in told.levels} == {
        "web": "web still shows 93; it is to show 140 (since just now) because 140 are available at leeds. It sells "
        "faster than it can be told: it was given its share and is left alone until it calms.",
        "store": "store shows 47 because 47 are available at leeds. Not counted are 93 for web, which sell faster "
        "than they can be told.",
    }


async def test_a_plentiful_sku_does_not_rest_however_hot(shops: Shops) -> None:
    """Goal: by the measure of shares, whatever the mode: 60 sold lately are 4.2 a second, and 200 units enough of them.

    With a thousand more in stock every sale is told at once, as of any SKU.
    """
    more = Movement("test", "more", EventKind.RECEIPT, "A", "leeds", 1000, datetime.now(UTC))
    await post_events(shops.pool, [event_of(more)], set())
    await rush(shops)

    await shops.bring(shops.web)
    await shops.bring(shops.store)

    assert shops.shown() == (1140, 1140)
    assert not await shops.looks_at()
    async with shops.pool.connection() as connection:
        assert await (await connection.execute("SELECT FROM resting_level")).fetchone() is None
