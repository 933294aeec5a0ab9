"""explain: why a channel shows what it shows, asked of a SKU with 100,000 events, and its stock as of a past moment.

The SKU's events (receipts, adjustments, orders) were posted among as many of a thousand other SKUs, so that its ledger
lines lie apart, as they do in a ledger that grew. Its listings on three channels were told 100,000 levels. Timed is all
that `onhand explain` does once it has started: ask the ledger over an open connection, decide, and put it into words.
What Python takes to start is left out. The other way: the same of a SKU with a hundred events, in the same ledger.
"""

import contextlib
import io
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg

from bench.figures import BenchFailed, Benchmark, Figures, Goal, Options, tell
from bench.seeding import receipt, seed, seed_shown
from bench.shops import LOCATION, SHOPS, sku_code
from bench.world import new_database, open_postgres
from onhand.cli.explain_view import print_explanation
from onhand.domain.events import Event, EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import NOTHING_POSTED, OrderLine, OrderSnapshot, events_of
from onhand.domain.rules import Rule
from onhand.explain.explanation import explain_sku
from onhand.ledger.database import Pool, open_pool
from onhand.ledger.history import balances_at
from onhand.ledger.posting import Verdict, post_events

SKUS = 1_000
EVENTS = 100_000
FEW = 100
"""Events of the SKU it is compared with."""
PUSHES = 100_000
BATCH = 2_000
RUNS = 21
EVENTS_SHOWN = 10
PUSHES_SHOWN = 5

GOALS = (
    Goal(
        "ms_at_100k_events",
        "Milliseconds to explain a SKU with 100,000 events, process start excluded",
        at_most=200,
    ),
)

PUSHED = """
INSERT INTO push (listing_id, place, generation, quantity, before, outcome, attempt, sent_at, answered_at)
SELECT l.id, v.place, n, 5, 6, 'accepted', 1, now() - make_interval(secs => n), now() - make_interval(secs => n)
  FROM generate_series(1, %(pushes)s) AS n
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS position FROM listing WHERE sku_id = 1) l
    ON l.position = 1 + n %% %(shops)s
  JOIN level v ON v.listing_id = l.id
"""


async def measure(options: Options) -> Figures:
    """The median of many questions, each of them whole."""
    skus, events, runs = options.sized(SKUS), options.sized(EVENTS), options.runs or RUNS
    few = max(1, min(FEW, events))
    tell(f"explain: {events:,} events of one SKU among {skus:,}, {runs} runs")
    async with open_postgres() as postgres:
        dsn = await new_database(postgres)
        await seed(dsn, skus + 2, 1_000)
        began = datetime.now(UTC)
        await _fill(dsn, skus, events, few)
        ended = datetime.now(UTC)
        await _settle(dsn, options.sized(PUSHES))
        async with open_pool(dsn, size=1) as pool:
            rules = _rules()
            first = await _explained(pool, rules, sku_code(0))
            many, lone = [], []
            for _ in range(runs):  # in turn, so that whatever else the machine does meets both
                many.append(await _explained(pool, rules, sku_code(0)))
                lone.append(await _explained(pool, rules, sku_code(1)))
            halfway = began + (ended - began) / 2
            past = [await _timed(lambda: balances_at(pool, sku_code(0), halfway)) for _ in range(runs)]
            recent = [
                await _timed(lambda: balances_at(pool, sku_code(0), ended - timedelta(milliseconds=50)))
                for _ in range(runs)
            ]
    return {
        "ms_at_100k_events": statistics.median(many),
        "ms_at_100_events": statistics.median(lone),
        "ms_first": first,
        "ms_slowest": max(many),
        "ms_stock_halfway": statistics.median(past),
        "ms_stock_just_before": statistics.median(recent),
        "events": events,
        "pushes": options.sized(PUSHES),
        "runs": runs,
    }


def _rules() -> RuleBook:
    return RuleBook(
        {
            shop.name: ChannelRules(Rule(name=f"channels.{shop.name}.rule"), {shop.place: (LOCATION,)})
            for shop in SHOPS
        },
        {},
    )


async def _fill(dsn: str, skus: int, events: int, few: int) -> None:
    """The SKU's events, each followed by one of another SKU."""
    async with open_pool(dsn, size=1) as pool:
        for start in range(0, events, BATCH // 2):
            batch: list[Event] = []
            for at in range(start, min(start + BATCH // 2, events)):
                batch += [_event(0, at), receipt(2 + at % skus, 1, f"other-{at}")]
                if at < few:
                    batch.append(_event(1, at))
            for posted in await post_events(pool, batch):
                if posted.verdict is not Verdict.POSTED:
                    raise BenchFailed(f"an event was answered {posted.verdict}: {posted.message}")


def _event(sku: int, at: int) -> Event:
    """Of ten: one receipt, one loss, eight orders."""
    code, name, now = sku_code(sku), f"sku{sku}-{at}", datetime.now(UTC)
    if at % 10 == 0:
        return receipt(sku, 20, name)
    if at % 10 == 1:
        return event_of(Movement("bench", name, EventKind.ADJUSTMENT, code, LOCATION, -1, now))
    order = OrderSnapshot(SHOPS[at % len(SHOPS)].name, name, 1, now, (OrderLine("1", code, LOCATION, 1, 0),))
    (event,) = events_of(order, NOTHING_POSTED)
    return event


async def _settle(dsn: str, pushes: int) -> None:
    """As a database that has run for a while: the SKU's listings were told many levels, and statistics are kept."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(PUSHED, {"pushes": pushes, "shops": len(SHOPS)})
    await seed_shown(dsn, 5)


async def _explained(pool: Pool, rules: RuleBook, sku: str) -> float:
    async def explain() -> None:
        found = await explain_sku(
            pool, rules, [shop.name for shop in SHOPS], sku, events=EVENTS_SHOWN, pushes=PUSHES_SHOWN
        )
        if not found.events or len(found.levels) != len(SHOPS):
            raise BenchFailed(f"{sku} was not explained")
        with contextlib.redirect_stdout(io.StringIO()):
            print_explanation(found)

    return await _timed(explain)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    """How many milliseconds it takes."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1_000


EXPLAIN = Benchmark("explain", __doc__ or "", GOALS, measure)
