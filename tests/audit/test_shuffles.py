"""The same deliveries in any order, any batches, any number of times, end in the same ledger."""

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from onhand.audit import audit
from onhand.domain.listings import ChannelRules
from onhand.domain.rules import Rule
from onhand.domain.sales import ChannelOrder, SoldLine, as_json
from onhand.intake import take
from onhand.ledger import catalogue, inbox
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import Pool
from onhand.ledger.inbox import Received
from tests.fix_ledger import sql
from tests.memory_channel import MemoryChannel

SEED = 20_261_126
ROUNDS = 12
ORDERS = 8
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = ChannelRules(Rule(name="web"), {"": ("leeds",)}, listens=True)


def histories(chance: random.Random) -> list[list[tuple[int, int]]]:
    """For each order, open and fulfilled pieces of its line, version after version: bought, shipped, cancelled."""
    found = []
    for _ in range(ORDERS):
        open_, fulfilled = chance.randint(1, 9), 0
        states = [(open_, fulfilled)]
        for _ in range(chance.randint(0, 4)):
            moved = chance.randint(0, open_)
            open_, fulfilled = open_ - moved, fulfilled + (moved if chance.random() < 0.6 else 0)
            states.append((open_, fulfilled))
        found.append(states)
    return found


def told(turn: int, number: int, version: int, state: tuple[int, int]) -> ChannelOrder:
    """An order of one turn as it stood then."""
    line = SoldLine("1", (f"item{turn}",), "", *state)
    at = NOON + timedelta(seconds=version)
    return ChannelOrder(f"{turn}-{number}", version, NOON, at, (line,))


async def deliver(pool: Pool, orders: Sequence[ChannelOrder]) -> None:
    """One batch, accepted and taken; what is delivered again is a delivery of its own."""
    rows = [
        Received(
            "web",
            f"{random.random()}",
            hashlib.sha256(repr(order).encode()).digest(),
            "order",
            "orders",
            order.order_id,
            as_json(order),
        )
        for order in orders
    ]
    await inbox.accept(pool, rows)
    await take(pool, MemoryChannel("web"), RULES)


async def test_any_shuffle_ends_in_the_same_ledger(shop: Pool) -> None:
    """Goal: nothing depends on the order of deliveries. Method: twelve turns with the same orders of a SKU each.

    The first turn gets them in order, one by one; the others shuffled, some twice, in batches of any size. A version
    that comes late may be skipped, so events differ; where the stock ends may not.
    """
    chance = random.Random(SEED)
    orders = histories(chance)
    await catalogue.save_skus(shop, [CatalogueSku(f"S{turn}") for turn in range(ROUNDS)])
    listings = [NewListing(f"S{turn}", f"item{turn}", f"{turn:02}") for turn in range(ROUNDS)]
    await catalogue.save_listings(shop, "web", listings, [""])
    for turn in range(ROUNDS):
        deliveries = [
            told(turn, number, version, state)
            for number, states in enumerate(orders)
            for version, state in enumerate(states, 1)
        ]
        if turn:
            deliveries += chance.sample(deliveries, len(deliveries) // 3)
            chance.shuffle(deliveries)
        while deliveries:
            size = chance.randint(1, 6) if turn else 1
            batch, deliveries = deliveries[:size], deliveries[size:]
            await deliver(shop, batch)
    ends = await ended(shop)
    open_ = sum(states[-1][0] for states in orders)
    fulfilled = sum(states[-1][1] for states in orders)
    assert ends == [(-open_ - fulfilled, open_, fulfilled)] * ROUNDS
    assert (await audit(shop)).clean


async def ended(pool: Pool) -> list[tuple[Any, ...]]:
    """Available, committed and sold units of each turn's SKU."""
    return await sql(
        pool,
        "SELECT b.available, b.committed, b.customer FROM balance b JOIN sku s ON s.id = b.sku_id"
        " WHERE s.code LIKE 'S%' ORDER BY b.sku_id",
    )
