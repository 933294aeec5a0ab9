"""SKUs in shares, on a real ledger: the gate at the claim keeps all channels together at what there is.

Method: channels in memory that really sell what they show, so that what is on show and what is left can be compared at
every moment, whatever anybody believes. Every publisher, herald and sweep is a task of its own.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from onhand.channels.base import LevelKey, LevelWrite, ShownLevel, WriteKind, WriteResult
from onhand.channels.errors import ChannelDown, ChannelError, SameKeyRetry
from onhand.domain import gate
from onhand.domain.campaigns import Plan
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.rules import Mode, Rule
from onhand.ledger import campaigns, catalogue, inbox, levels, orders
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool, open_pool
from onhand.ledger.levels import LevelLearnt
from onhand.ledger.orders import drop_disproved
from onhand.ledger.posting import post_events
from onhand.ledger.queries import query
from onhand.publish import Errand, bring_to_targets
from tests.fix_ledger import sql, until_somebody_waits
from tests.memory_channel import MemoryChannel
from tests.publish.shelves import adjust, ids_of, receipt, waiting

SEED = 20_261_127
MOST_IN_SHARES = 7
"""With more it leaves them."""
NAMES = ("web", "store", "shop")
ADAPTIVE = RuleBook(
    {name: ChannelRules(Rule(Mode.ADAPTIVE, name=name), {"": ("leeds",)}, listens=True) for name in NAMES}
)
POOLED = RuleBook({name: ChannelRules(Rule(name=name), {"": ("leeds",)}, listens=True) for name in NAMES})
PARTITIONED = RuleBook(
    {
        name: ChannelRules(
            Rule(Mode.PARTITIONED, share=Decimal(share), name=name), {"": ("leeds",)}, listens=True
        )
        for name, share in zip(NAMES, (50, 30, 20), strict=True)
    }
)


class Till(MemoryChannel):
    """A channel that changes levels exactly once, and sells. `mishaps`: the chance that a call is lost, before it took
    effect or after it, or refused. `looks` is called whenever a level has moved."""

    def __init__(self, name: str, chance: random.Random, mishaps: float = 0.0) -> None:
        super().__init__(name, write_kind=WriteKind.COMPARE_AND_SET, changes=True)
        self.chance, self.mishaps = chance, mishaps
        self.looks: Callable[[], None] = lambda: None
        self.pushes: list[tuple[str, int]] = []

    async def _on_the_way(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, 0.01))

    async def _perhaps_lost(self, what: str) -> None:
        if self.chance.random() < self.mishaps:
            raise self.chance.choice([SameKeyRetry, ChannelDown])(self.name, what, "lost")

    async def change_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = True
    ) -> list[WriteResult]:
        return await self._told(writes, super().change_levels(writes, key))

    async def set_levels(
        self, writes: Sequence[LevelWrite], key: str, *, urgent: bool = False
    ) -> list[WriteResult]:
        return await self._told(writes, super().set_levels(writes, key))

    async def _told(self, writes, telling) -> list[WriteResult]:
        try:
            await self._on_the_way()
            await self._perhaps_lost("changing")
        except ChannelError:
            telling.close()
            raise
        results = await telling
        self.pushes += [(write.key.item.item_id, write.quantity) for write in writes]
        self.looks()
        await self._on_the_way()
        await self._perhaps_lost("answering")
        return results

    async def read_levels(self, keys: Sequence[LevelKey]) -> list[ShownLevel]:
        await self._on_the_way()
        await self._perhaps_lost("reading")
        found = await super().read_levels(keys)
        await self._on_the_way()
        return found


@dataclass
class Rush:
    """Buyers, heralds who bring orders late and shuffled, publishers and sweeps, all at once.

    `worst`: the most units that were on show beyond what was left, at any moment that `watching` was on.
    `sweeps_every`: seconds, after which all that was sold is heard of at the latest.
    """

    pool: Pool
    rules: RuleBook
    chance: random.Random
    tills: dict[str, Till]
    left: int
    listings: dict[str, int] = field(default_factory=dict)
    """By channel, that of A."""
    heard_late: list[tuple[str, OrderSnapshot]] = field(default_factory=list)
    sold: int = 0
    turned_away: int = 0
    over: bool = False
    watching: bool = False
    worst: int = 0
    sweeps_every: float = 0.1
    hearing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def looks(self) -> None:
        on_show = sum(max(0, till.levels.get((f"{name}-A", ""), 0)) for name, till in self.tills.items())
        if self.watching:
            self.worst = max(self.worst, on_show - self.left)

    def buy(self, name: str) -> None:
        """A buyer takes a unit, if the channel shows any."""
        spot = (f"{name}-A", "")
        if self.tills[name].levels.get(spot, 0) <= 0:
            self.turned_away += 1
            return
        self.tills[name].levels[spot] -= 1
        self.left -= 1
        self.sold += 1
        at = datetime.now(UTC)
        line = OrderLine("1", "A", "leeds", 1, 0, self.listings[name])
        self.heard_late.append((name, OrderSnapshot(name, f"{name}{self.sold}", 1, at, (line,), at)))

    async def hear(self, *, everything: bool = False, of: str | None = None) -> None:
        """Some of what was sold is heard of, in any order."""
        async with self.hearing:  # whoever sweeps has heard of all that was placed before
            await self._hear(everything=everything, of=of)

    async def _hear(self, *, everything: bool, of: str | None) -> None:
        self.chance.shuffle(self.heard_late)
        mine = [told for told in self.heard_late if of is None or told[0] == of]
        some = mine if everything else mine[: self.chance.randint(1, 4)]
        self.heard_late = [told for told in self.heard_late if told not in some]
        for channel in NAMES:
            if snapshots := [snapshot for name, snapshot in some if name == channel]:
                await orders.post_orders(self.pool, snapshots, set())

    async def herald(self) -> None:
        while not self.over:
            await asyncio.sleep(self.chance.uniform(0, 0.03))
            await self.hear()

    async def arrive(self, number: str, units: int) -> None:
        """More come in; what is on show is held against them at once, so nobody knows it sooner than the ledger."""
        self.left += units
        await adjust(self.pool, number, "A", units)

    async def deliver(self) -> None:
        """Two more now and then, where the ledger has so few that they stay in shares: pooled ones may be oversold."""
        number = 0
        while not self.over:
            await asyncio.sleep(0.3)
            ((known,),) = await sql(self.pool, "SELECT sum(available) FROM balance")
            if known <= MOST_IN_SHARES - 2:
                number += 1
                await self.arrive(f"delivery {number}", 2)

    async def sell_out(self) -> None:
        """All that happened is heard of, everybody is told, and buyers come, until nothing is left."""
        async with asyncio.timeout(60):
            while self.left:
                moment = datetime.now(UTC)
                await self.hear(everything=True)
                for name in NAMES:
                    await drop_disproved(self.pool, name, moment)
                await self.settle()
                for name in NAMES * 3:
                    self.buy(name)
                    self.looks()
        await self.hear(everything=True)

    async def sweep(self) -> None:
        """Now and then all orders of a channel are asked for; what none came for is given back."""
        while not self.over:
            await asyncio.sleep(self.sweeps_every)
            for name in NAMES:
                moment = datetime.now(UTC)
                await self.hear(everything=True, of=name)
                await drop_disproved(self.pool, name, moment)

    async def publish(self, name: str) -> None:
        while not self.over:
            await self.tell(name)
            await asyncio.sleep(0.002)

    async def tell(self, name: str) -> int:
        found = await levels.pending_live(self.pool, name, 10)
        if found:
            with contextlib.suppress(ChannelError):
                await bring_to_targets(
                    self.pool, self.tills[name], self.rules, found, Errand(live=True), set()
                )
        return len(found)

    async def settle(self) -> None:
        """Until nobody has anything to tell any more."""
        quiet = 0
        async with asyncio.timeout(30):
            while quiet < 2:
                quiet = 0 if sum([await self.tell(name) for name in NAMES]) else quiet + 1

    async def run(self, buyers: int, seconds: float) -> None:
        tasks = [asyncio.create_task(self.publish(name)) for name in NAMES for _ in range(2)]
        tasks += [asyncio.create_task(self.herald()), asyncio.create_task(self.sweep())]
        for _ in range(buyers):
            self.buy(self.chance.choice((*NAMES, NAMES[0])))
            self.looks()
            await asyncio.sleep(seconds / buyers)
        self.over = True
        await asyncio.gather(*tasks)


@pytest.fixture
async def three(shop: Pool, database: str) -> AsyncIterator[Pool]:
    """A is listed on three channels, and there is none of it yet."""
    await catalogue.save_places(shop, {"leeds": "Leeds"}, {"shop": "bigcommerce"})
    for name in NAMES:
        await catalogue.save_listings(shop, name, [NewListing("A", f"{name}-A", "A")], [""])
    async with open_pool(database, size=16, name="rush") as pool:
        yield pool


async def rush(
    pool: Pool, rules: RuleBook, units: int, *, seed: int = SEED, mishaps: float = 0.0, told: bool = True
) -> Rush:
    """So many units came in; `told`: every channel has been told its level already."""
    chance = random.Random(seed)
    tills = {name: Till(name, chance) for name in NAMES}
    found = Rush(pool, rules, chance, tills, units)
    found.listings = {name: (await ids_of(pool, name))[0] for name in NAMES}
    for till in tills.values():
        till.looks = found.looks
    await post_events(pool, [receipt("units", "A", units)], set())
    if told:
        await found.settle()
    for till in tills.values():
        till.mishaps = mishaps
        till.pushes.clear()
    return found


def shown(found: Rush) -> dict[str, int]:
    return {name: till.levels.get((f"{name}-A", ""), 0) for name, till in found.tills.items()}


async def asleep(pool: Pool) -> None:
    """Every publisher sleeps, so that whoever has something for it has to signal it."""
    for name in NAMES:
        assert await inbox.sleep_publish(pool, name)


async def shared(pool: Pool) -> list[str]:
    return [
        code for (code,) in await sql(pool, "SELECT s.code FROM shared_sku h JOIN sku s ON s.id = h.sku_id")
    ]


async def test_a_scarce_sku_comes_into_shares_and_leaves_them_well_above(three: Pool) -> None:
    """Goal: exact values: into shares at 5 units, the least there is; out of them above 7, half again as many."""
    found = await rush(three, ADAPTIVE, 6)
    assert (shown(found), await shared(three)) == (dict.fromkeys(NAMES, 6), [])

    await adjust(three, "1", "A", -1)
    await found.settle()
    assert (sum(shown(found).values()), await shared(three)) == (5, ["A"])
    await adjust(three, "2", "A", 2)
    await found.settle()
    assert (sum(shown(found).values()), await shared(three)) == (7, ["A"])
    await adjust(three, "3", "A", 1)
    await found.settle()
    assert (shown(found), await shared(three)) == (dict.fromkeys(NAMES, 8), [])
    assert await waiting(three) == []


async def scarce(pool: Pool, seed: int) -> Rush:
    """Five of A came in, then two more: it is in shares, and every channel has been told its own."""
    found = await rush(pool, ADAPTIVE, 5, seed=seed)
    await found.arrive("more", 2)
    await found.settle()
    assert await shared(pool) == ["A"]
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mishaps", [0.0, 0.25])
async def test_never_more_is_on_show_than_is_left(three: Pool, mishaps: float, seed: int) -> None:
    """Goal: whatever is sold, heard late, answered or lost, and whatever comes in meanwhile: at every moment all
    channels together show no more than there is; and in the end everything is sold."""
    print(f"seed {seed}")
    found = await scarce(three, seed)
    for till in found.tills.values():
        till.mishaps = mishaps
    found.watching = True

    await asyncio.gather(found.run(40, 1.0), found.deliver())

    for till in found.tills.values():
        till.mishaps = 0.0
    await found.sell_out()
    assert (found.worst, found.left) == (0, 0)


async def test_negative_control_of_the_gate(three: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: raised at once, levels show more than there is while givers' answers are on their way."""
    monkeypatch.setattr(gate, "room_for", lambda target, rules, given=None: 10**6)
    found = await scarce(three, SEED)
    found.watching = True

    await asyncio.gather(found.run(60, 1.5), found.deliver())

    assert found.worst > 0


async def test_a_rush_of_two_hundred_units_on_three_channels_oversells_nothing(three: Pool) -> None:
    """Goal: pooled at first, and noticed while it sells; changes are exact: 260 buyers, 200 units, none too many."""
    found = await rush(three, ADAPTIVE, 200)
    assert (shown(found), await shared(three)) == (dict.fromkeys(NAMES, 200), [])

    await found.run(260, 6.0)
    await found.sell_out()

    assert (found.left, found.sold, await shared(three)) == (0, 200, ["A"])


async def test_two_claims_never_raise_the_same_unit(three: Pool) -> None:
    """Goal: whoever decides second sees what the first was given. Method: one holds the levels, the other one waits."""
    found = await rush(three, PARTITIONED, 10)
    assert shown(found) == {"web": 5, "store": 3, "shop": 2}
    await adjust(three, "more", "A", 10)
    spot = (found.listings["web"], "")
    async with three.connection() as connection:
        await connection.execute(query("lock_shared_levels"), {"listings": [spot[0]]})
        other = asyncio.create_task(found.tell("store"))
        await until_somebody_waits(three)
        # Nine of the ten units that are free go to web, more than its part.
        await connection.execute(
            "UPDATE level SET bound = book, book = NULL, tells = 14, claim = 7, "
            "claimed_until = clock_timestamp() + interval '1 minute' WHERE listing_id = %s",
            (spot[0],),
        )
    await other
    assert shown(found) == {"web": 5, "store": 4, "shop": 2}
    assert await sql(three, "SELECT listing_id FROM level WHERE owed") == [(found.listings["store"],)]

    found.tills["web"].levels["web-A", ""] = 10
    async with three.connection() as connection:
        booked = await levels.book(connection, [LevelLearnt(*spot, 10, 10, 0)], datetime.now(UTC), 7)
    assert booked.owed == ("A",), "four of the nine came free"
    await levels.mark(three, booked.owed)
    await found.settle()
    assert shown(found) == {"web": 10, "store": 6, "shop": 4}
    assert await sql(three, "SELECT listing_id FROM level WHERE owed") == []


async def moved_parts(pool: Pool) -> Rush:
    """Parts of 50, 30 and 20 % of ten units become 20, 30 and 50; the one that grows is told first, as by a run."""
    found = await rush(pool, PARTITIONED, 10)
    found.watching = True
    found.rules = RuleBook(
        {
            name: replace(rules, rule=replace(rules.rule, share=Decimal(share)))
            for (name, rules), share in zip(PARTITIONED.channels.items(), (20, 30, 50), strict=True)
        }
    )
    for name in reversed(NAMES):
        listing = [found.listings[name]]
        await bring_to_targets(pool, found.tills[name], found.rules, listing, Errand(), set())
    return found


async def test_partitioned_parts_do_not_oversell_while_they_move(three: Pool) -> None:
    """Goal: a part that grows waits until the one that shrinks has answered, whoever is told first."""
    found = await moved_parts(three)
    assert shown(found) == {"web": 2, "store": 3, "shop": 2}
    assert await waiting(three) == ["shop-A", "store-A", "web-A"], "who gave marks those who are owed"

    await found.settle()

    assert (shown(found), found.worst) == ({"web": 2, "store": 3, "shop": 5}, 0)


async def test_negative_control_of_moving_parts(three: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goal: without the gate, three units are on show twice until the one that shrinks is told."""
    monkeypatch.setattr(gate, "room_for", lambda target, rules, given=None: 10**6)
    found = await moved_parts(three)
    assert (shown(found), found.worst) == ({"web": 2, "store": 3, "shop": 5}, 3)


async def test_a_channel_that_is_down_keeps_what_it_may_sell(three: Pool) -> None:
    """Goal: nobody is given what a silent channel may still sell, and everybody gets theirs once it has answered."""
    found = await rush(three, PARTITIONED, 10)
    found.tills["web"].raises = [ChannelDown("web", "setting 1 level", "no answer") for _ in range(3)]
    found.watching = True
    await adjust(three, "gone", "A", -4)
    found.left -= 4
    found.worst = 0
    await found.tell("web")
    await found.tell("store")
    await found.tell("shop")
    assert shown(found) == {"web": 5, "store": 2, "shop": 1}
    await adjust(three, "back", "A", 2)
    found.left += 2

    for name in ("store", "shop"):
        await found.tell(name)
    assert shown(found) == {"web": 5, "store": 2, "shop": 1}, "web may sell five, and eight are left"

    found.tills["web"].raises.clear()
    await found.settle()
    assert shown(found) == {"web": 4, "store": 2, "shop": 2}


@pytest.mark.parametrize("heard", ["while it is looked at", "afterwards"])
async def test_a_unit_sold_while_its_level_is_looked_at_is_not_believed_on_show(
    three: Pool, monkeypatch: pytest.MonkeyPatch, heard: str
) -> None:
    """Goal: what is sold after a look was made and before it is written down leaves no level believed too high, which
    nobody would ever raise. Method: a call of web is lost, so it is looked at; then a unit is sold, and one comes in:
    web should show five again, and gets it once a sweep has shown that only the one was sold."""
    found = await rush(three, PARTITIONED, 10)
    found.watching = True
    web = found.tills["web"]
    read = web.read_levels

    async def sold_meanwhile(keys: Sequence[LevelKey]) -> list[ShownLevel]:
        monkeypatch.setattr(web, "read_levels", read)
        shows = await read(keys)
        found.buy("web")
        if heard == "while it is looked at":
            await found.hear(everything=True)
        return shows

    monkeypatch.setattr(web, "read_levels", sold_meanwhile)
    web.raises = [ChannelDown("web", "changing 1 level", "no answer")]
    await found.arrive("more", 2)
    await found.tell("web")
    await adjust(three, "gone", "A", -2)
    found.left -= 2
    await found.tell("web")
    await found.hear(everything=True)
    await found.arrive("one", 1)

    await found.settle()
    assert shown(found) == {"web": 4, "store": 3, "shop": 2}
    await drop_disproved(three, "web", datetime.now(UTC))
    await found.settle()

    assert (shown(found), found.left, found.worst) == ({"web": 5, "store": 3, "shop": 2}, 10, 0)


async def test_shares_that_are_off_by_a_tenth_stay_where_they_are(three: Pool) -> None:
    """Goal: levels do not flap: of 60 units in equal shares, two sales of one channel move nothing, and six move what
    is off by more than a tenth: exact pushes."""
    found = await rush(three, ADAPTIVE, 60)
    await campaigns.start(three, ["A"], Plan(), "ann")
    await found.settle()
    assert shown(found) == dict.fromkeys(NAMES, 20)
    assert {name: till.pushes for name, till in found.tills.items()} == {
        name: [(f"{name}-A", 20)] for name in NAMES
    }
    for till in found.tills.values():
        till.pushes.clear()
    await sql(three, "UPDATE level SET pace = 0")

    for _ in range(2):
        found.buy("web")
        await found.hear(everything=True)
        await sql(three, "UPDATE level SET pace = 0")
        await found.settle()
    assert shown(found) == {"web": 18, "store": 20, "shop": 20}
    assert [till.pushes for till in found.tills.values()] == [[], [], []]

    for _ in range(4):
        found.buy("web")
        await found.hear(everything=True)
        await sql(three, "UPDATE level SET pace = 0")
        await found.settle()
    assert shown(found) == dict.fromkeys(NAMES, 18)
    assert {name: [units for _, units in till.pushes] for name, till in found.tills.items()} == {
        "web": [17, 18],
        "store": [18],
        "shop": [18],
    }


async def test_a_campaign_has_the_weights_that_were_planned_and_ends(three: Pool) -> None:
    """Goal: exact parts at once, whatever there is; then the rules decide again."""
    found = await rush(three, POOLED, 1000)
    assert shown(found) == dict.fromkeys(NAMES, 1000)
    await asleep(three)
    plan = Plan({"web": Decimal(60), "store": Decimal(25)})
    assert await campaigns.start(three, ["A"], plan, "ann") == {"web", "store", "shop"}
    await found.settle()
    assert shown(found) == {"web": 600, "store": 250, "shop": 150}

    await asleep(three)
    assert await campaigns.end(three, ["A"], "bob") == (["A"], {"web", "store", "shop"})
    await found.settle()

    assert (shown(found), await shared(three)) == (dict.fromkeys(NAMES, 1000), [])
    (row,) = await campaigns.listed(three, everything=True)
    assert (row.sku, row.plan.shares, row.started_by, row.ended_by) == ("A", plan.shares, "ann", "bob")
    assert await campaigns.listed(three) == []


async def test_a_campaign_ends_by_itself(three: Pool) -> None:
    """Goal: what is over is ended by the next look, once, and its levels are told."""
    found = await rush(three, ADAPTIVE, 1000)
    ends = datetime.now(UTC) + timedelta(hours=1)
    await campaigns.start(three, ["A"], Plan(until=ends), "ann")
    await found.settle()
    assert sum(shown(found).values()) == 1000
    await asleep(three)
    assert await campaigns.end_due(three, ends - timedelta(seconds=1)) == set()

    assert await campaigns.end_due(three, ends) == {"web", "store", "shop"}
    assert await campaigns.end_due(three, ends) == set()
    await found.settle()

    assert (shown(found), await shared(three)) == (dict.fromkeys(NAMES, 1000), [])
