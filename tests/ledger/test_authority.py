"""A channel that is the authority for a location: what a person changes there is a count, and reaches all others."""

from datetime import UTC, datetime, timedelta

import pytest

from onhand import sweeping
from onhand.authority import Authority, count_noted, read_noted
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.rules import Rule
from onhand.domain.sales import ChannelOrder, SoldLine
from onhand.explain.explanation import explain_sku
from onhand.intake.take import take
from onhand.ledger import authority, catalogue, inbox, levels, stock
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from onhand.ledger.levels import ListingCursor
from onhand.ledger.posting import post_events
from onhand.ledger.stated import Judging, post_stated
from onhand.publish import Errand, bring_to_targets
from tests.memory_channel import MemoryChannel

AT_ONCE = Authority(settle=timedelta(0))
RULES = RuleBook(
    {
        "web": ChannelRules(Rule(), {"": ("leeds",)}, listens=True, authority={"": "leeds"}),
        "store": ChannelRules(Rule(), {"": ("leeds",)}, listens=True, authority={"": "leeds"}),
    }
)


class Shops:
    """SKU A, 20 units at leeds, on two channels that are both authorities for it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.channels = {name: MemoryChannel(name) for name in ("web", "store")}
        self.deliveries = 0

    async def bring(self) -> None:
        for channel in self.channels.values():
            ids, _ = await levels.listing_page(self.pool, channel.name, ListingCursor(), 10, None)
            await bring_to_targets(self.pool, channel, RULES, ids, Errand(live=True))

    async def edited(self, name: str, quantity: int) -> None:
        """A person sets the level by hand, and the channel tells of it."""
        self.channels[name].levels["A", ""] = quantity
        self.deliveries += 1
        body = {"place": "", "quantity": quantity}
        told = Received(name, f"d{self.deliveries}", b"x", "level", "levels/update", "A", body)
        await inbox.accept(self.pool, [told])
        await take(self.pool, self.channels[name], RULES.channels[name])

    async def swept(self, name: str, settings: Authority = AT_ONCE) -> set[str]:
        """What a sweep does: read what was noted, sweep the orders and take them, judge."""
        channel, rules = self.channels[name], RULES.channels[name]
        read = await read_noted(self.pool, channel, datetime.now(UTC), settings)
        await sweeping.sweep(self.pool, channel, datetime.now(UTC))
        await take(self.pool, channel, rules)
        return await count_noted(self.pool, name, rules, read, settings)

    def shown(self) -> tuple[int, int]:
        return self.channels["web"].levels["A", ""], self.channels["store"].levels["A", ""]

    async def available(self) -> int:
        (row,) = await stock.sku_balances(self.pool, "A")
        return next(units for state, units in row.units.items() if state == "available")

    async def events(self) -> list[tuple[str, str]]:
        return [(e.kind, e.source) for e in await stock.sku_events(self.pool, "A", 10)]


@pytest.fixture
async def shops(shop: Pool) -> Shops:
    shops = Shops(shop)
    at = datetime.now(UTC) - timedelta(hours=1)
    await post_events(shop, [event_of(Movement("test", "r", EventKind.RECEIPT, "A", "leeds", 20, at))])
    for name in shops.channels:
        await catalogue.save_listings(shop, name, [NewListing("A", "A", "A")], [""])
    await shops.bring()
    assert shops.shown() == (20, 20)
    return shops


async def test_what_a_person_sets_is_a_count_and_goes_out_to_the_others(shops: Shops) -> None:
    await shops.edited("web", 12)
    assert await shops.swept("web") == {"web", "store"}
    assert await shops.available() == 12
    assert await shops.events() == [("count", "channel/web/authority"), ("receipt", "test")]
    await shops.bring()
    assert shops.shown() == (12, 12)
    assert shops.channels["web"].calls[-1] == ("read", 1), "it shows what it should, and is not told"
    assert await shops.swept("web") == set()


async def test_the_level_is_read_when_it_has_settled_and_not_before(shops: Shops) -> None:
    await shops.edited("web", 12)
    assert await shops.swept("web", Authority(settle=timedelta(minutes=1))) == set()
    assert await shops.available() == 20
    shops.channels["web"].levels["A", ""] = 13
    await shops.swept("web")
    assert await shops.available() == 13


async def test_a_sale_is_no_count(shops: Shops) -> None:
    """Goal: the level fell by an order nobody told of; the sweep finds it, and it is taken once."""
    web = shops.channels["web"]
    await shops.edited("web", 17)
    now = datetime.now(UTC)
    web.orders.by_id["1"] = ChannelOrder("1", 1, now, now, (SoldLine("1", ("A",), "A", 3, 0),))
    await shops.swept("web")
    await shops.swept("web")
    assert await shops.available() == 17
    assert await shops.events() == [("order", "channel/web"), ("receipt", "test")]


async def test_an_edit_during_sales_is_counted_once_they_are_known(shops: Shops) -> None:
    """Goal: 3 sold and 5 added by hand; what is judged is what the sale does not explain."""
    web = shops.channels["web"]
    await shops.edited("web", 22)
    now = datetime.now(UTC)
    web.orders.by_id["1"] = ChannelOrder("1", 1, now, now, (SoldLine("1", ("A",), "A", 3, 0),))
    await shops.swept("web")
    assert await shops.available() == 17
    await shops.swept("web")
    assert await shops.available() == 22


async def test_our_own_echo_is_nothing(shops: Shops) -> None:
    await shops.edited("web", 20)
    assert await authority.due(shops.pool, "web", datetime.now(UTC), 10) == []


async def test_of_two_authorities_the_lower_wins_until_one_is_confirmed(shops: Shops) -> None:
    """Goal: web says 8, store says 15: 8 stays and store is told so; store says 15 again, and 15 it is."""
    await shops.edited("web", 8)
    await shops.swept("web")
    await shops.edited("store", 15)
    await shops.swept("store")
    assert await shops.available() == 8
    await shops.bring()
    assert shops.shown() == (8, 8)

    told = await explain_sku(shops.pool, RULES, ["web", "store"], "A", events=1, pushes=1)
    (conflict,) = told.conflicts
    assert (conflict.location, conflict.authority, conflict.quantity, conflict.counted) == (
        "leeds", "channel/store/authority", 15, False,
    )  # fmt: skip
    assert (conflict.rival, conflict.rival_quantity) == ("channel/web/authority", 8)

    await shops.edited("store", 15)
    await shops.swept("store")
    await shops.bring()
    assert await shops.available() == 15
    assert shops.shown() == (15, 15)


async def test_a_client_and_a_channel_contradict_each_other_likewise(shops: Shops) -> None:
    """Goal: web says 8; a WMS that counts leeds says 15: 8 stays. It counts 6: that is lower. Web says 8 again: 8."""
    judging = Judging(frozenset({"leeds"}), AT_ONCE.window)

    async def counts(name: str, quantity: int) -> str:
        at = datetime.now(UTC)
        stated = Count("client/wms", name, "A", "leeds", quantity, CountMeaning.AVAILABLE, at)
        (answer,) = (await post_stated(shops.pool, [stated], judging)).answers
        return answer.verdict.value

    await shops.edited("web", 8)
    await shops.swept("web")
    assert (await counts("1", 15), await shops.available()) == ("outvoted", 8)
    assert (await counts("2", 6), await shops.available()) == ("posted", 6)
    await shops.bring()
    assert shops.shown() == (6, 6)
    await shops.edited("web", 8)
    await shops.swept("web")
    assert await shops.available() == 8
    told = [(c.authority, c.quantity, c.counted) for c in await authority.conflicts(shops.pool, "A")]
    assert told == [("channel/web/authority", 8, True), ("client/wms", 6, True), ("client/wms", 15, False)]
