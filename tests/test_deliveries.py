"""However deliveries come, the ledger and its books end the same: shuffled, doubled, late, or lost and swept up.

Method: seeded histories of orders; a random part of them is delivered in random batches, some twice, in a random order;
then the channel is swept, as it is in production. What must come out is folded from the newest snapshots alone.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from onhand import sweeping
from onhand.domain.listings import ChannelRules
from onhand.domain.rules import Rule
from onhand.domain.sales import ChannelOrder, SoldLine, as_json, version_of
from onhand.intake import take
from onhand.ledger import catalogue, inbox
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel

ITEMS = {"10": ("A", 1), "11": ("A", 6), "20": ("B", 1), "30": ("C", 2)}
"""What is listed: item, SKU, units."""
PLACES = {"L1": "leeds", "L2": "london"}
RULES = ChannelRules(
    Rule(name="web"), {place: (location,) for place, location in PLACES.items()}, listens=True
)
INSPECTED = replace(RULES, trusts_returns=False)
ORDERS, VERSIONS_MAX = 12, 5


@pytest.fixture
async def web(shop: Pool) -> Pool:
    """Every item shows 1,000 at both places."""
    listings = [NewListing(sku, item, item, units=units) for item, (sku, units) in ITEMS.items()]
    await catalogue.save_listings(shop, "web", listings, list(PLACES))
    await sql(shop, "UPDATE level SET book = 1000")
    return shop


@dataclass(frozen=True)
class Told:
    """What the ledger should hold: units by SKU, location and state (available, committed, with customers, in quality
    control); books by item and place."""

    units: dict[tuple[str, str], tuple[int, int, int, int]]
    books: dict[tuple[str, str], int]


def came_back(chance: random.Random, place: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Pieces of a line that were put back, and which of them at the other place."""
    back = chance.choice([0, 0, 1, 2])
    away = chance.randint(0, back)
    other = next(each for each in PLACES if each != place)
    return back, ((other, away),) if away else ()


def history(chance: random.Random, number: int, began: datetime) -> list[ChannelOrder]:
    """Every version of one order, as it changes: lines come, go, grow, are shipped, come back, and move."""
    placed_at = began + timedelta(seconds=chance.randrange(60))
    versions = []
    for version in range(chance.randint(1, VERSIONS_MAX)):
        at = placed_at + timedelta(seconds=version, microseconds=number)
        lines = [
            SoldLine(
                str(n),
                (chance.choice(list(ITEMS)),),
                "",
                chance.randrange(4),
                chance.randrange(3),
                place,
                *came_back(chance, place),
            )
            for n, place in enumerate(chance.choices(list(PLACES), k=chance.randrange(4)))
        ]
        versions.append(ChannelOrder(str(number), version_of(at), placed_at, at, tuple(lines)))
    return versions


def folded(newest: Sequence[ChannelOrder], rules: ChannelRules = RULES) -> Told:
    """What the newest snapshots say, and nothing else."""
    units: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    sold: Counter[tuple[str, str]] = Counter()
    state = "available" if rules.trusts_returns else "quality_control"
    for line in (line for order in newest for line in order.lines):
        (item,), away = line.refs, dict(line.elsewhere)
        sku, each = ITEMS[item]
        taken = line.open + line.fulfilled + line.returned
        here = units[sku, PLACES[line.place]]
        here.update(
            {"available": -taken * each, "committed": line.open * each, "customer": line.fulfilled * each}
        )
        sold[item, line.place] += taken
        back = {line.place: line.returned - sum(away.values()), **away}
        for place, pieces in back.items():
            units[sku, PLACES[place]][state] += pieces * each
            sold[item, place] -= pieces
    books = {(item, place): 1000 - sold[item, place] for item in ITEMS for place in PLACES}
    states = ("available", "committed", "customer", "quality_control")
    ends = {shelf: tuple(moved[each] for each in states) for shelf, moved in units.items()}
    return Told({shelf: moved for shelf, moved in ends.items() if any(moved)}, books)


async def told_by(pool: Pool) -> Told:
    """What the ledger holds; balances are also the fold of their entries."""
    balances = await sql(
        pool,
        """SELECT s.code, l.code, b.available, b.committed, b.customer, b.quality_control FROM balance b
             JOIN sku s ON s.id = b.sku_id JOIN location l ON l.id = b.location_id
            WHERE (b.available, b.committed, b.customer, b.quality_control) <> (0, 0, 0, 0)""",
    )
    off = await sql(
        pool,
        """SELECT b.sku_id FROM balance b
            WHERE (b.available, b.committed, b.customer, b.quality_control) <> (
                SELECT coalesce(sum(quantity) FILTER (WHERE state = 'available'), 0),
                       coalesce(sum(quantity) FILTER (WHERE state = 'committed'), 0),
                       coalesce(sum(quantity) FILTER (WHERE state = 'customer'), 0),
                       coalesce(sum(quantity) FILTER (WHERE state = 'quality_control'), 0)
                  FROM entry e WHERE e.sku_id = b.sku_id AND e.location_id = b.location_id)""",
    )
    assert off == [], "a balance is not the fold of its entries"
    books = await sql(
        pool, "SELECT l.item_id, v.place, v.book FROM level v JOIN listing l ON l.id = v.listing_id"
    )
    return Told(
        {(sku, location): tuple(moved) for sku, location, *moved in balances},
        {(item, place): book for item, place, book in books},
    )


def received(order: ChannelOrder, delivery_id: str) -> Received:
    digest = hashlib.sha256(repr(order).encode()).digest()
    return Received("web", delivery_id, digest, "order", "orders", order.order_id, as_json(order))


async def take_all(
    pool: Pool, channel: MemoryChannel, chance: random.Random, rules: ChannelRules = RULES
) -> None:
    while (await take(pool, channel, rules, chance.choice([1, 3, 500]))).deliveries:
        pass


@pytest.mark.parametrize("rules", [RULES, INSPECTED], ids=["trusted", "inspected"])
@pytest.mark.parametrize("seed", [1, 2, 3, 20_261_126])
async def test_delivery_decides_nothing(web: Pool, seed: int, rules: ChannelRules) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    histories = [history(chance, n, datetime.now(UTC) - timedelta(minutes=10)) for n in range(ORDERS)]
    everything = [
        (f"d{n}", order) for n, order in enumerate(each for versions in histories for each in versions)
    ]
    arrived = [pair for pair in everything if chance.random() < 0.7]
    arrived += chance.choices(arrived, k=len(arrived) // 2)  # the same delivery again
    arrived += [(f"{name}-again", order) for name, order in chance.choices(arrived, k=5)]  # under another id
    chance.shuffle(arrived)
    channel = MemoryChannel("web")
    channel.orders.by_id = {versions[-1].order_id: versions[-1] for versions in histories}

    accepted = 0
    while arrived:
        batch = [arrived.pop() for _ in range(min(len(arrived), chance.choice([1, 2, 7])))]
        answers = await inbox.accept(web, [received(order, name) for name, order in batch])
        accepted += sum(answer.inbox_id is not None for answer in answers)
        if chance.random() < 0.4:
            await take_all(web, channel, chance, rules)
    await take_all(web, channel, chance, rules)
    swept = await sweeping.sweep(web, channel, datetime.now(UTC))
    await take_all(web, channel, chance, rules)
    rows = await sql(web, "SELECT delivery_id = 'sweep', outcome FROM inbox")
    await sweeping.sweep(web, channel, datetime.now(UTC))

    assert await told_by(web) == folded([versions[-1] for versions in histories], rules)
    assert swept.orders == ORDERS
    assert await sql(web, "SELECT delivery_id = 'sweep', outcome FROM inbox") == rows, (
        "nothing was left to sweep"
    )
    assert sum(not by_sweep for by_sweep, _ in rows) == accepted
    assert {outcome for by_sweep, outcome in rows if by_sweep} <= {"posted", "unchanged"}
    assert {outcome for _, outcome in rows} <= {"posted", "unchanged", "stale"}


@pytest.mark.parametrize("seed", [1, 2])
async def test_without_a_sweep_the_newest_that_arrived_decides(web: Pool, seed: int) -> None:
    """Goal: books and balances are those of the newest snapshot that came of each order, whatever came before it."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    histories = [history(chance, n, datetime.now(UTC)) for n in range(ORDERS)]
    arrived = [
        each for versions in histories for each in chance.sample(versions, chance.randint(1, len(versions)))
    ]
    newest: dict[str, ChannelOrder] = {}
    for order in sorted(arrived, key=lambda each: each.version):
        newest[order.order_id] = order
    chance.shuffle(arrived)

    for n, order in enumerate(arrived):
        await inbox.accept(web, [received(order, str(n))])
        if chance.random() < 0.5:
            await take(web, MemoryChannel("web"), RULES)
    await take_all(web, MemoryChannel("web"), chance)

    assert await told_by(web) == folded(list(newest.values()))


async def test_a_sweep_keeps_a_state_of_an_order_once_whatever_version_it_comes_under(web: Pool) -> None:
    """Goal: an order whose version is of when it was fetched does not fill the inbox; another state in the same second
    is taken, also one that was lost after the first was swept."""
    channel, chance = MemoryChannel("web"), random.Random(1)
    at = datetime.now(UTC)
    lines = (SoldLine("1", ("10",), "", 2, 0, "L1"),)

    async def swept_with(lines: tuple[SoldLine, ...], fetched: int) -> None:
        channel.orders.by_id["1"] = ChannelOrder("1", version_of(at) + fetched, at, at, lines)
        await sweeping.sweep(web, channel, at)
        await take_all(web, channel, chance)

    for minute in range(3):
        await swept_with(lines, minute)
    assert await sql(web, "SELECT outcome FROM inbox ORDER BY id") == [("posted",)]

    await swept_with((SoldLine("1", ("10",), "", 5, 0, "L1"),), 3)
    await swept_with((SoldLine("1", ("10",), "", 5, 0, "L1"),), 4)
    assert await sql(web, "SELECT outcome FROM inbox ORDER BY id") == [("posted",), ("posted",)]
    assert (await told_by(web)).units == {("A", "leeds"): (-5, 5, 0, 0)}
