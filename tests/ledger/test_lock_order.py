"""Everyone locks rows in one order: whoever writes stock, takes orders, claims, records or sweeps, nobody deadlocks.

Method: all of them at once, for a bounded time, on the same few SKUs, each batch in a random order of its own.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from onhand.domain.campaigns import CampaignRefusedError, Plan
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import Event, EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.rules import Mode, Rule
from onhand.domain.scarcity import Crossing
from onhand.ledger import campaigns, catalogue, inbox, levels, orders, sharing, work
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool, one_statement, open_pool
from onhand.ledger.inbox import InboxOutcome, Received, Settled
from onhand.ledger.levels import LevelLearnt, ListingCursor
from onhand.ledger.posting import post_counts, post_events, post_events_on
from onhand.ledger.queries import query
from onhand.publish import Errand, bring_to_targets
from tests.memory_channel import MemoryChannel

SEED = 20_261_126
SECONDS = 3.0
SKUS = [f"S{n}" for n in range(6)]
CHANNELS = ["store", "web"]
RULES = RuleBook({name: ChannelRules(Rule(name=name), {"": ("leeds",)}, listens=True) for name in CHANNELS})
SHARED = RuleBook(
    {
        name: ChannelRules(Rule(mode, share=Decimal(50), name=name), {"": ("leeds",)}, listens=True)
        for name, mode in zip(CHANNELS, (Mode.ADAPTIVE, Mode.PARTITIONED), strict=True)
    }
)
"""SKUs come into shares and leave them, and half of all claims go through the gate whatever they are in."""


@pytest.fixture
async def crowded(shop: Pool, database: str) -> AsyncIterator[Pool]:
    """Six SKUs on both channels, and room for as many connections as there are workers."""
    await catalogue.save_skus(shop, [CatalogueSku(sku) for sku in SKUS])
    for channel in CHANNELS:
        await catalogue.save_listings(shop, channel, [NewListing(sku, sku, sku) for sku in SKUS], [""])
    async with open_pool(database, size=28, name="crowd") as pool:
        yield pool


async def listings_of(pool: Pool, channel: str) -> dict[str, int]:
    ids, _ = await levels.listing_page(pool, channel, ListingCursor(), 100, None)
    states = await levels.listing_states(pool, channel, ids, siblings=False)
    return {state.sku: state.listing_id for state in states}


class Crowd:
    """One method for each who writes; `done` counts what each has done."""

    def __init__(self, pool: Pool, listings: dict[str, dict[str, int]]) -> None:
        self.pool = pool
        self.listings = listings
        self.chance = random.Random(SEED)
        self.done: Counter[str] = Counter()
        self.number = 0
        self.channels = {name: MemoryChannel(name, changes=name == "store") for name in CHANNELS}

    def some(self) -> list[str]:
        return self.chance.sample(SKUS, self.chance.randint(2, len(SKUS)))

    def next(self) -> str:
        self.number += 1
        return str(self.number)

    async def post(self) -> None:
        moves = [
            Movement("test", self.next(), EventKind.RECEIPT, sku, "leeds", 1, datetime.now(UTC))
            for sku in self.some()
        ]
        await post_events(self.pool, [event_of(move) for move in moves], set())

    async def count(self) -> None:
        at = datetime.now(UTC)
        counts = [
            Count("counts", self.next(), sku, "leeds", self.chance.randint(1, 99), CountMeaning.ON_HAND, at)
            for sku in self.some()
        ]
        await post_counts(self.pool, counts, record_agreement=False, woken=set())

    async def order(self) -> None:
        channel = self.chance.choice(CHANNELS)
        at = datetime.now(UTC)
        snapshots = [
            OrderSnapshot(
                channel,
                self.next(),
                1,
                at,
                tuple(
                    OrderLine(str(n), sku, "leeds", 1, 0, self.listings[channel][sku])
                    for n, sku in enumerate(self.some())
                ),
                at,
            )
            for _ in range(3)
        ]
        await orders.post_orders(self.pool, snapshots, set())

    async def bring(self) -> None:
        channel = self.chance.choice(CHANNELS)
        listings = [self.listings[channel][sku] for sku in self.some()]
        live = Errand(live=True, distrust=self.chance.random() < 0.3)
        shop = self.channels[channel]
        shop.sold(self.chance.choice(SKUS), 1)
        rules = self.chance.choice([RULES, SHARED])
        await bring_to_targets(self.pool, shop, rules, listings, live, set())

    async def share(self) -> None:
        """SKUs come into shares and leave them, and what may have been sold unheard is known."""
        crossings = {
            sku: Crossing(into, self.chance.choice([0 if into else None, 10**6]), ("leeds",))
            for sku in self.some()
            for into in [self.chance.random() < 0.5]
        }
        await sharing.change(self.pool, crossings, live=True)
        await sharing.forget_unheard(self.pool, self.chance.choice(CHANNELS), datetime.now(UTC))

    async def campaign(self) -> None:
        skus = self.some()
        with contextlib.suppress(CampaignRefusedError):
            await campaigns.start(self.pool, skus, Plan(), "ann")
        await campaigns.end(self.pool, skus, "bob")

    async def teach(self) -> None:
        """What `record` does, with levels in any order."""
        spots = [(self.listings[self.chance.choice(CHANNELS)][sku], "") for sku in self.some()]
        async with self.pool.connection() as connection:
            await levels.settle(connection, [(listing, 0) for listing, _ in spots])
            learnt = [LevelLearnt(*spot, 9, 8, 1, location="leeds") for spot in spots]
            await levels.book(connection, learnt, datetime.now(UTC))

    async def drop(self) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=1)
        await orders.drop_disproved(self.pool, self.chance.choice(CHANNELS), moment)

    async def isolate(self) -> None:
        channel = self.chance.choice(CHANNELS)
        listings = [self.listings[channel][sku] for sku in self.some()]
        await levels.isolate(self.pool, listings)
        await levels.rejoin(self.pool, channel, listings, live=True)

    async def sleep(self) -> None:
        channel = self.chance.choice(CHANNELS)
        await inbox.sleep_publish(self.pool, channel)
        await inbox.sleep_intake(self.pool, channel)
        await work.note_trouble(self.pool, channel, "down", 1)
        await work.clear_trouble(self.pool, channel)

    async def hear(self) -> None:
        names = self.chance.sample(CHANNELS, 2)
        told = [Received(name, self.next(), b"", "order_hint", "", "1", {}) for name in names]
        accepted = await inbox.accept(self.pool, told)
        ids = [each.inbox_id for each in accepted if each.inbox_id is not None]
        self.chance.shuffle(ids)
        async with self.pool.connection() as connection:
            poison = [Settled(number, InboxOutcome.POISON) for number in ids]
            await inbox.settle(connection, poison)
        await inbox.replay(self.pool, ids, everything=True)


async def worker(crowd: Crowd, name: str, until: float) -> None:
    loop = asyncio.get_running_loop()
    step: Callable[[], Awaitable[None]] = getattr(crowd, name)
    while loop.time() < until:
        await step()
        crowd.done[name] += 1


WORKERS = [
    "post",
    "count",
    "order",
    "bring",
    "share",
    "campaign",
    "teach",
    "drop",
    "isolate",
    "sleep",
    "hear",
]


async def test_nobody_waits_in_a_circle(crowded: Pool) -> None:
    """Goal: two of each writer at once, and no deadlock: each has worked, and the balances are what the entries say."""
    print(f"seed {SEED}")
    crowd = Crowd(crowded, {channel: await listings_of(crowded, channel) for channel in CHANNELS})
    until = asyncio.get_running_loop().time() + SECONDS

    await asyncio.gather(*(worker(crowd, name, until) for name in WORKERS * 2))

    print(dict(crowd.done))
    assert sorted(crowd.done) == sorted(WORKERS)
    async with crowded.connection() as connection:
        cursor = await connection.execute(
            """SELECT b.sku_id FROM balance b WHERE b.available <> (SELECT sum(quantity) FROM entry e
                WHERE e.sku_id = b.sku_id AND e.location_id = b.location_id AND e.state = 'available')"""
        )
        assert await cursor.fetchall() == []


async def counted_beside(pool: Pool, make_shelves: str) -> int:
    """Deadlocks between a count of S0, which has a shelf, and S5, which has none, and a poster of both.

    The poster comes when the count has made its shelves and not yet locked them.
    """

    def one(number: str, sku: str) -> Event:
        return event_of(Movement("test", number, EventKind.RECEIPT, sku, "leeds", 1, datetime.now(UTC)))

    async def poster() -> None:
        async with pool.connection() as connection:
            await post_events_on(connection, [one("1", "S0")])
            holds_old.set()
            await post_events_on(connection, [one("2", "S5")])

    async def counter() -> None:
        named = {"skus": ["S0", "S5"], "locations": ["leeds", "leeds"]}
        async with pool.connection() as connection:
            await connection.execute(make_shelves, named)
            posting.append(asyncio.create_task(poster()))
            await either(pool, holds_old)
            await connection.execute(query("lock_shelves"), named)

    holds_old = asyncio.Event()
    posting: list[asyncio.Task[None]] = []
    await post_events(pool, [one("0", "S0")])
    answers = await asyncio.gather(counter(), return_exceptions=True)
    answers += await asyncio.gather(*posting, return_exceptions=True)
    return sum(isinstance(answer, psycopg.errors.DeadlockDetected) for answer in answers)


async def either(pool: Pool, event: asyncio.Event) -> None:
    """Until the event has happened, or somebody waits for a lock."""
    async with asyncio.timeout(10), one_statement(pool) as connection:
        while not event.is_set():
            if await (await connection.execute("SELECT FROM pg_locks WHERE NOT granted")).fetchall():
                return
            await asyncio.sleep(0.01)


async def test_a_count_that_makes_shelves_locks_them_in_order(crowded: Pool) -> None:
    """Goal: a count of an old and a new shelf never holds the new one while it waits for the old one."""
    assert await counted_beside(crowded, query("make_shelves")) == 0


async def test_negative_control_of_making_shelves(crowded: Pool) -> None:
    """Goal: made without locking those that are there, the two wait for each other."""
    careless = query("make_shelves").replace("DO UPDATE SET version = b.version WHERE false", "DO NOTHING")
    assert await counted_beside(crowded, careless) == 1


async def test_negative_control_of_the_circle(crowded: Pool) -> None:
    """Goal: two that lock two levels in opposite orders are found out, so the test above would be too."""
    listings = sorted((await listings_of(crowded, "web")).values())[:2]
    both_hold_one = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with crowded.connection() as connection:
            statement = "SELECT FROM level WHERE listing_id = %s FOR UPDATE"
            await connection.execute(statement, (first,))
            await both_hold_one.wait()
            await connection.execute(statement, (second,))

    answers = await asyncio.gather(lock(*listings), lock(*reversed(listings)), return_exceptions=True)

    assert sorted(type(answer) for answer in answers if answer is not None) == [
        psycopg.errors.DeadlockDetected
    ]
