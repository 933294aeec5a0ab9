"""replay_orders: the order stream of a real merchant, a year of it, as fast as it goes, over three channels.

Every invoice of the file becomes an order in one of three shops, which tell of it by webhook as their platforms do;
one in two is shipped; cancellations are edits and refunds of earlier orders. What no shop could have sold (write-offs,
cancellations of nothing) is refused by the reader; what the ledger has no SKU for (fees, discounts) is refused by
Onhand, line by line. In the end the balances have to be what a fold of the file, written apart, comes to; every shop
has to show them; every line has to be there once. A mismatch is a SKU, a level, a line or a refusal that is not as it
should be.

Then once more with a supply side, generated (retail_supply.py): purchase orders that come in parts, short or with more
than ordered, transfers to a second location, returns and what becomes of them, in between the orders and at the same
time. Again every state has to be what an independent fold comes to (`mismatches_with_supply`).

Lines a second are counted from the first order to the last delivery settled in the ledger. Web app, worker, Temporal,
Postgres and the shops run together on this machine.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, medians, tell
from bench.replay_supply import SupplySide, supply_mismatches
from bench.retail import PATH, Invoices, read_invoices
from bench.retail_fold import Balance, fold
from bench.retail_plan import NO_GOODS, NOT_BOUGHT, NOT_SOLD, SHIP_AFTER, Act, Plan
from bench.retail_supply import Act as SupplyAct
from bench.retail_supply import Stock, fold_supply, supply
from bench.seeding import seed_codes, seed_shown
from bench.shops import LOCATION, SHOPS
from bench.world import World, new_database, open_world
from onhand.ledger.database import open_pool

OPENING = 1_000_000
RUNS = 3
ACTS = 1_000
"""Acts of one bulk request."""
SWEEP_SECONDS = 5.0
"""Once everything that was told is posted, orders are swept as often: what webhooks could not tell is found (two
changes within a second), and hot listings that were left alone are looked at again."""
STUCK_SECONDS = 90.0
"""What waits and has not moved for so long will not move any more."""

GOALS = (
    Goal("lines_per_s", "Lines of orders posted a second"),
    Goal("mismatches", "SKUs, levels, lines and refusals that are not as the file says", at_most=0),
    Goal("mismatches_with_supply", "The same with receipts, transfers and returns in between", at_most=0),
)

BALANCES = """
SELECT sku.code, available, committed, customer FROM balance JOIN sku ON sku.id = sku_id
  JOIN location ON location.id = location_id WHERE location.code = %s
"""
LINES = """
SELECT channel.name, count(*) FROM order_line JOIN channel ON channel.id = channel_id
 WHERE open + fulfilled > 0 GROUP BY channel.name
"""
REFUSED = """
SELECT DISTINCT channel.name, subject FROM inbox JOIN channel ON channel.id = channel_id WHERE outcome = 'poison'
"""
WAITING = """
SELECT (SELECT count(*) FROM inbox WHERE outcome IS NULL),
       (SELECT count(*) FROM outbox) + (SELECT count(*) FROM provisional_demand)
"""
EVENTS = "SELECT count(*) FROM event WHERE source NOT LIKE 'bench%'"


@dataclass(frozen=True, slots=True)
class _Replayed:
    """The platforms' ids of the orders by shop and invoice; seconds until all was in the ledger, and on the shops."""

    orders: Mapping[tuple[str, str], str]
    posted_seconds: float
    shown_seconds: float


async def measure(options: Options) -> Figures:
    """The median of some rounds, each in a world of its own."""
    invoices = read_invoices(min(1.0, options.scale))
    expected = fold(PATH, len(invoices), OPENING, SHIP_AFTER)
    rounds = []
    for number in range(options.runs or RUNS):
        tell(f"replay_orders: run {number + 1}, {len(invoices):,} invoices")
        async with open_world(limits=False) as world:
            rounds.append(await _round(world, invoices, expected))
    tell("replay_orders: once more, with a supply side")
    async with open_world(limits=False) as world:
        supplied = await _round(world, invoices, expected, supply_of(expected))
    return {
        **medians(rounds),
        "mismatches_with_supply": supplied["mismatches"],
        "lines_per_s_with_supply": supplied["lines_per_s"],
        "supply_acts": supplied["supply_acts"],
        "invoices": len(invoices),
        "skus": len(expected),
        "runs": len(rounds),
    }


def supply_of(expected: Mapping[str, Balance]) -> list[tuple[float, SupplyAct]]:
    """A supply side that fits what is sold and shipped of each SKU in the end."""
    goods = {code: balance for code, balance in expected.items() if code not in NO_GOODS}
    sold = {code: balance.committed + balance.customer for code, balance in goods.items()}
    return supply(
        {code: units for code, units in sold.items() if units},
        {code: balance.customer for code, balance in goods.items()},
    )


async def _round(
    world: World,
    invoices: Invoices,
    expected: Mapping[str, Balance],
    supplied: Sequence[tuple[float, SupplyAct]] = (),
) -> Figures:
    goods = [code for code in expected if code not in NO_GOODS]
    await world.fill_codes([*goods, *sorted(NO_GOODS)], OPENING)
    dsn = await new_database(world.postgres)
    await seed_codes(dsn, goods, OPENING)
    await seed_shown(dsn, OPENING)
    plan = Plan({shop.name: shop.place for shop in SHOPS})
    acts = list(plan.acts(invoices))
    async with world.worker(dsn), world.web(dsn) as web:
        await world.subscribe(web)
        replayed = await _replay(world, dsn, acts, SupplySide(supplied))
        stock = fold_supply(act for _, act in supplied)
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            balances = {code: _with_supply(expected[code], stock.get(code)) for code in goods}
            wrong = await _mismatches(world, connection, plan, replayed, balances)
            wrong["states of the supply side"] = await supply_mismatches(connection, stock)
            ((events,),) = await _rows(connection, EVENTS)
    lines = sum(plan.placed.values()) + plan.cancelled
    if lines + plan.no_goods + plan.refused.total() != sum(map(len, invoices.values())):
        raise BenchFailed("the plan has lost a line of the file")
    tell(f"  {lines:,} lines in {replayed.posted_seconds:.1f} s")
    for what, cases in wrong.items():
        if cases:
            tell(f"  amiss: {len(cases)} {what}, {'; '.join(cases[:3])} among them")
    return {
        "lines_per_s": lines / replayed.posted_seconds,
        "mismatches": sum(map(len, wrong.values())),
        "events_per_s": events / replayed.posted_seconds,
        "acts_per_s": len(acts) / replayed.posted_seconds,
        "posted_seconds": replayed.posted_seconds,
        "shown_seconds": replayed.shown_seconds,
        "events": events,
        "supply_acts": len(supplied),
        "lines_posted": lines,
        "lines_refused_not_sold": plan.refused[NOT_SOLD],
        "lines_refused_not_bought": plan.refused[NOT_BOUGHT],
        "lines_refused_by_onhand": plan.no_goods,
    }


def _with_supply(balance: Balance, stock: Stock | None) -> Balance:
    if stock is None:
        return balance
    return Balance(balance.available + stock.available, balance.committed, balance.customer + stock.customer)


async def _replay(world: World, dsn: str, acts: Sequence[Act], supplied: SupplySide) -> _Replayed:
    """Do everything in the shops, and wait until the ledger has it, and until the shops show it."""
    began = time.perf_counter()
    orders = await _act(world, dsn, acts, supplied)
    tell(f"  {len(acts):,} acts in the shops in {time.perf_counter() - began:.1f} s")
    posted = swept = None
    moved, before = time.perf_counter(), (0, 0, 0)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while time.perf_counter() - moved < STUCK_SECONDS:
            left = await _waiting(world, connection)
            now = time.perf_counter()
            if left != before:
                moved, before = now, left
            if posted is None and not any(left[:2]):
                posted = now - began
            if posted is not None and (swept is None or now - swept > SWEEP_SECONDS):
                await world.sweep()
                moved = swept = time.perf_counter()  # however long it took to read all of a year's orders
                continue
            if swept is not None and not any(left):
                return _Replayed(orders, posted or 0.0, now - began)
            await asyncio.sleep(0.1)
    raise BenchFailed(f"still waiting, and not moving: {before} deliveries, in the inbox, in the outbox")


async def _act(
    world: World, dsn: str, acts: Sequence[Act], supplied: SupplySide
) -> dict[tuple[str, str], str]:
    """Everything in the shops, and what is supplied in between; the platforms' ids of the orders."""
    orders: dict[tuple[str, str], str] = {}
    async with open_pool(dsn, size=2) as pool:
        await supplied.begin(pool)
        for start in range(0, len(acts), ACTS):
            part = acts[start : start + ACTS]
            answer = await world.control("POST", "orders/bulk", {"orders": part})
            if answer["refused"]:
                raise BenchFailed(f"a shop refused {len(answer['refused'])} acts: {answer['refused'][0]}")
            numbered = zip(part, answer["orders"], strict=True)
            orders |= {(act["platform"], act["key"]): number for act, number in numbered}
            await supplied.until((start + len(part)) / len(acts), pool, world.client)
    return orders


async def _waiting(world: World, connection: psycopg.AsyncConnection[Any]) -> tuple[int, int, int]:
    """Deliveries on their way, then those in the inbox, then listings to be published.

    With these the levels of which an answer told that a piece is missing that no order accounts for: bought and taken
    back before anybody heard of it. It is kept from being sold until a sweep proves that there is no such order.
    """
    stats = await world.control("GET", "stats")
    sent = {shop.name: stats[shop.name]["deliveries"] for shop in SHOPS}
    lost = {name: counts["given_up"] + counts["overflowed"] for name, counts in sent.items()}
    if any(lost.values()):
        raise BenchFailed(f"deliveries were given up: {lost}")
    ((inbox, outbox),) = await _rows(connection, WAITING)
    return sum(counts["waiting"] for counts in sent.values()), inbox, outbox


async def _mismatches(
    world: World,
    connection: psycopg.AsyncConnection[Any],
    plan: Plan,
    replayed: _Replayed,
    expected: Mapping[str, Balance],
) -> dict[str, list[str]]:
    """What is not as it should be, in words, by what it is; a missing line counts one."""
    found: dict[str, list[str]] = {}
    balances = {code: Balance(*states) for code, *states in await _rows(connection, BALANCES, LOCATION)}
    found["balances"] = _differing(balances, expected)
    available = {code: balance.available for code, balance in expected.items()}
    for shop in SHOPS:
        shown = await world.shown(shop.name, shop.place)
        found[f"levels of {shop.name}"] = _differing({code: shown.get(code) for code in expected}, available)
    lines = dict(await _rows(connection, LINES))
    for name, count in plan.standing().items():
        found[f"lines of {name}"] = [f"{lines.get(name, 0)}, not {count}"] * abs(lines.get(name, 0) - count)
    refused = {(channel, subject) for channel, subject in await _rows(connection, REFUSED)}
    odd = {(shop, replayed.orders[shop, invoice]) for shop, invoice in plan.odd_orders}
    found["refusals"] = [f"order {order} of {channel}" for channel, order in sorted(refused - odd)]
    never = {(shop, replayed.orders[shop, invoice]) for shop, invoice in plan.odd_standing()} - refused
    found["refusals that never came"] = [f"order {order} of {channel}" for channel, order in sorted(never)]
    return found


def _differing(found: Mapping[str, object], expected: Mapping[str, object]) -> list[str]:
    return [
        f"{code}: {found.get(code)}, not {expected.get(code)}"
        for code in sorted(found.keys() | expected.keys())
        if found.get(code) != expected.get(code)
    ]


async def _rows(
    connection: psycopg.AsyncConnection[Any], statement: str, *values: object
) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, values or None)).fetchall()


REPLAY_ORDERS = Benchmark("replay_orders", __doc__ or "", GOALS, measure)
