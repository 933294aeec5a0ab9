"""However orders of kits come, the ledger and its books end the same, and whatever becomes of the kits meanwhile, every
order gives back what it took.

Method: as in tests/test_deliveries.py, with kits that share a component, sold beside it, one of them two a piece.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand import sweeping
from onhand.audit import audit
from onhand.domain.kits import composition_of
from onhand.domain.sales import ChannelOrder, SoldLine, as_json, version_of
from onhand.intake import take
from onhand.ledger import inbox, kits
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from tests.fix_kits import RULES, stock
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel

TAKES = {"A": {"A": 1}, "B": {"B": 1}, "K": {"A": 4, "B": 2}, "PAIR": {"B": 2}}
"""Units that one piece of each listing takes: a piece of K is two kits."""
PLACES = {"L1": "leeds", "L2": "london"}
ORDERS, VERSIONS_MAX = 10, 4


@pytest.fixture
async def selling(kitted: Pool) -> Pool:
    """The store's listings all show 1,000 at both places; a piece of K there is two kits."""
    await sql(kitted, "UPDATE listing SET units = 2 WHERE item_id = 'store-K'")
    await sql(
        kitted,
        "UPDATE level v SET book = 1000 FROM listing l WHERE l.id = v.listing_id AND l.item_id LIKE 'store-%%'",
    )
    return kitted


def history(chance: random.Random, number: int, began: datetime) -> list[ChannelOrder]:
    """Every version of one order, as it changes: lines come, go, grow, are shipped, change what they sell, and move."""
    placed_at = began + timedelta(seconds=chance.randrange(60))
    versions = []
    for version in range(chance.randint(1, VERSIONS_MAX)):
        at = placed_at + timedelta(seconds=version, microseconds=number)
        lines = [
            SoldLine(
                str(n),
                (f"store-{chance.choice(list(TAKES))}",),
                "",
                chance.randrange(4),
                chance.randrange(3),
                place,
            )
            for n, place in enumerate(chance.choices(list(PLACES), k=chance.randrange(4)))
        ]
        versions.append(ChannelOrder(str(number), version_of(at), placed_at, at, tuple(lines)))
    return versions


def folded(
    before: dict[tuple[str, str], tuple[int, int, int]], newest: Sequence[ChannelOrder]
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """What the newest snapshots take from the stock there was."""
    units = dict(before)
    for line in (line for order in newest for line in order.lines):
        for sku, each in TAKES[line.refs[0].removeprefix("store-")].items():
            shelf = (sku, PLACES[line.place])
            available, committed, customer = units.get(shelf, (0, 0, 0))
            gone = (line.open + line.fulfilled) * each
            units[shelf] = (available - gone, committed + line.open * each, customer + line.fulfilled * each)
    return {shelf: moved for shelf, moved in units.items() if any(moved)}


def books_of(newest: Sequence[ChannelOrder]) -> dict[tuple[str, str], int]:
    """What the store is believed to show: a thousand less the pieces sold, of kits as of anything."""
    sold: Counter[tuple[str, str]] = Counter()
    for line in (line for order in newest for line in order.lines):
        sold[line.refs[0], line.place] += line.open + line.fulfilled
    return {
        (f"store-{sku}", place): 1000 - sold[f"store-{sku}", place]
        for sku in [*TAKES, "C"]
        for place in PLACES
    }


async def books(pool: Pool) -> dict[tuple[str, str], int]:
    rows = await sql(
        pool,
        "SELECT l.item_id, v.place, v.book FROM level v JOIN listing l ON l.id = v.listing_id WHERE v.book IS NOT NULL",
    )
    return {(item, place): book for item, place, book in rows}


def received(order: ChannelOrder, delivery_id: str) -> Received:
    digest = hashlib.sha256(repr(order).encode()).digest()
    return Received("store", delivery_id, digest, "order", "orders", order.order_id, as_json(order))


async def take_all(pool: Pool, channel: MemoryChannel, chance: random.Random) -> None:
    while (await take(pool, channel, RULES.channels["store"], chance.choice([1, 3, 500]))).deliveries:
        pass


def shuffled(
    chance: random.Random, histories: Sequence[Sequence[ChannelOrder]]
) -> list[tuple[str, ChannelOrder]]:
    """Most deliveries, half of them twice, a few under another id, in any order."""
    everything = enumerate(each for versions in histories for each in versions)
    arrived = [(f"d{n}", order) for n, order in everything if chance.random() < 0.7]
    arrived += chance.choices(arrived, k=len(arrived) // 2)
    arrived += [(f"{name}-again", order) for name, order in chance.choices(arrived, k=5)]
    chance.shuffle(arrived)
    return arrived


@pytest.mark.parametrize("seed", [1, 2, 20_261_126])
async def test_delivery_decides_nothing(selling: Pool, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    before = await stock(selling)
    histories = [history(chance, n, datetime.now(UTC) - timedelta(minutes=10)) for n in range(ORDERS)]
    channel = MemoryChannel("store", places=True)
    channel.orders.by_id = {versions[-1].order_id: versions[-1] for versions in histories}
    for name, order in shuffled(chance, histories):
        await inbox.accept(selling, [received(order, name)])
        if chance.random() < 0.3:
            await take_all(selling, channel, chance)
    await take_all(selling, channel, chance)
    await sweeping.sweep(selling, channel, datetime.now(UTC))
    await take_all(selling, channel, chance)

    newest = [versions[-1] for versions in histories]
    assert await stock(selling) == folded(before, newest)
    assert await books(selling) == books_of(newest)
    assert (await audit(selling)).clean


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_becomes_of_kits_an_order_gives_back_what_it_took(selling: Pool, seed: int) -> None:
    """Goal: kits are composed anew between deliveries; the record stays sound, and once every order is cancelled the
    stock is what it was before."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    before = await stock(selling)
    histories = [history(chance, n, datetime.now(UTC) - timedelta(minutes=10)) for n in range(ORDERS)]
    channel = MemoryChannel("store", places=True)
    for name, order in shuffled(chance, histories):
        await inbox.accept(selling, [received(order, name)])
        await take_all(selling, channel, chance)
        if chance.random() < 0.3:
            kit, parts = chance.choice(["K", "PAIR"]), chance.sample(["A", "B", "C"], k=2)
            await kits.set_kits(selling, {kit: composition_of({sku: chance.randint(1, 3) for sku in parts})})
    assert (await audit(selling)).clean
    assert await stock(selling) != before

    for versions in histories:
        last = versions[-1]
        at = last.updated_at + timedelta(hours=1)
        cancelled = replace(last, version=version_of(at), updated_at=at, lines=())
        await inbox.accept(selling, [received(cancelled, f"end-{last.order_id}")])
    await take_all(selling, channel, chance)
    assert await stock(selling) == before
    assert (await audit(selling)).clean
