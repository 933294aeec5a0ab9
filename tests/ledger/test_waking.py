"""The wake handshake of inbox and outbox: nothing is ever pending while its taker sleeps and nobody signals it.

Method: posters keep their transaction open for a moment, as real ones do, while a sleeper goes to sleep whenever it
may. Each test that must lose nothing stands beside its negative control: the same with a sleeper in the wrong.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from psycopg.types.json import Jsonb

from onhand.domain.events import EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import catalogue, inbox
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Connection, Pool
from onhand.ledger.posting import post_events_on
from onhand.ledger.queries import query

ROUNDS = 60
POSTERS = 3
SEED = 20_261_126


async def post_event(connection: Connection, name: str) -> bool:
    """One movement of A; whether the publisher of `web` is to be signalled after the commit."""
    woken: set[str] = set()
    movement = Movement("test", name, EventKind.RECEIPT, "A", "leeds", 1, datetime.now(UTC))
    await post_events_on(connection, [event_of(movement)], woken)
    return "web" in woken


async def deliver(connection: Connection, name: str) -> bool:
    """One delivery of `web`; whether its intake is to be signalled after the commit."""
    named = {
        "channels": ["web"],
        "delivery_ids": [name],
        "digests": [name.encode()],
        "kinds": ["order_hint"],
        "topics": ["orders"],
        "subjects": [name],
        "bodies": [Jsonb({})],
        "outcomes": [None],
        "reasons": [""],
    }
    ((_, inbox_id, woken),) = await (await connection.execute(query("accept_deliveries"), named)).fetchall()
    assert inbox_id is not None
    return bool(woken)


@dataclass(frozen=True)
class Line:
    """One of the two handshakes: how something is put in, taken out and counted, and how its taker goes to sleep.

    `unlocked` and `same_statement` are the two mistakes: to look without the lock of the posters, and to take the lock
    in the statement that looks, whose snapshot is older than the lock.
    """

    post: Callable[[Connection, str], Awaitable[bool]]
    sleep: Callable[[Pool, str], Awaitable[bool]]
    take: str
    count: str
    unlocked: str
    same_statement: str


def _line(
    post: Callable[[Connection, str], Awaitable[bool]],
    sleep: Callable[[Pool, str], Awaitable[bool]],
    take: str,
    pending: str,
    flag: str,
    lock: int,
) -> Line:
    look = f"UPDATE channel_work w SET {flag} = false FROM channel c"
    where = f"WHERE c.id = w.channel_id AND c.name = 'web' AND NOT EXISTS ({pending})"
    return Line(
        post,
        sleep,
        take,
        f"SELECT count(*) FROM ({pending}) p",
        f"{look} {where}",
        f"WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock({lock}, id) FROM channel WHERE name = 'web') "
        f"{look}, alone {where}",
    )


LINES = {
    "outbox": _line(
        post_event,
        inbox.sleep_publish,
        "DELETE FROM outbox WHERE listing_id IN (SELECT listing_id FROM outbox ORDER BY listing_id FOR UPDATE)",
        "SELECT FROM outbox WHERE live AND NOT isolated",
        "publish_awake",
        71002,
    ),
    "inbox": _line(
        deliver,
        inbox.sleep_intake,
        "UPDATE inbox SET outcome = 'noted' WHERE outcome IS NULL",
        "SELECT FROM inbox WHERE outcome IS NULL",
        "intake_awake",
        71001,
    ),
}


@pytest.fixture
async def selling(shop: Pool) -> Pool:
    """A is listed on `web`."""
    await catalogue.save_listings(shop, "web", [NewListing("A", "web-A", "A")], [""])
    return shop


@pytest.fixture(params=sorted(LINES))
def line(request: pytest.FixtureRequest) -> Line:
    """Each of the two handshakes."""
    return LINES[request.param]


async def run(pool: Pool, statement: str) -> int:
    """A statement by itself; the rows it touched, or the number it answers."""
    async with pool.connection() as connection:
        cursor = await connection.execute(statement)
        if cursor.description is None:
            return int(cursor.rowcount)
        ((number,),) = await cursor.fetchall()
        return int(number)


Sleep = Callable[[], Awaitable[bool]]


def by_statement(pool: Pool, statement: str) -> Sleep:
    """Going to sleep by one raw statement."""

    async def sleep() -> bool:
        return await run(pool, statement) > 0

    return sleep


async def overtaken(pool: Pool, line: Line, sleep: Sleep) -> tuple[bool, int, bool]:
    """Somebody has posted and not committed while the taker, awake and with nothing to do, tries to sleep.

    Answers whether it fell asleep, how much is pending after the commit, and whether the poster was told to signal.
    """
    async with pool.connection() as connection:
        await line.post(connection, "first")
    await run(pool, line.take)
    async with pool.connection() as connection:
        signalled = await line.post(connection, "second")
        trying = asyncio.create_task(sleep())
        while not trying.done() and not await run(pool, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.005)
    return await trying, await run(pool, line.count), signalled


async def test_a_taker_does_not_fall_asleep_beside_an_open_post(selling: Pool, line: Line) -> None:
    """Goal: the trap of the design. Method: the one interleaving that loses a wake-up, step by step."""
    assert await overtaken(selling, line, lambda: line.sleep(selling, "web")) == (False, 1, False)


@pytest.mark.parametrize("mistake", ["unlocked", "same_statement"])
async def test_negative_control_of_the_open_post(selling: Pool, line: Line, mistake: str) -> None:
    """Goal: the test above fails for a taker that makes the mistake: asleep, one pending, nobody signals."""
    careless = by_statement(selling, getattr(line, mistake))
    assert await overtaken(selling, line, careless) == (True, 1, False)


async def test_the_first_post_after_sleep_signals_and_the_next_does_not(selling: Pool, line: Line) -> None:
    assert await line.sleep(selling, "web")
    signalled = []
    for name in ("first", "second"):
        async with selling.connection() as connection:
            signalled.append(await line.post(connection, name))
    assert signalled == [True, False]
    assert not await line.sleep(selling, "web"), "two are pending"
    await run(selling, line.take)
    assert await line.sleep(selling, "web")


async def test_a_post_that_is_rolled_back_leaves_the_signal_to_the_next(selling: Pool, line: Line) -> None:
    """Goal: a poster that dies before its commit takes no wake-up with it."""

    class Died(Exception):
        pass

    with pytest.raises(Died):
        async with selling.connection() as connection:
            assert await line.post(connection, "first")
            raise Died
    async with selling.connection() as connection:
        assert await line.post(connection, "first")


async def race(pool: Pool, line: Line, sleep: Sleep, rounds: int) -> int:
    """Rounds in which something was pending at the end, with the taker asleep and no signal on its way to it."""
    chance = random.Random(SEED)
    signal = asyncio.Event()
    asleep = asyncio.Event()
    asleep.set()

    async def taker() -> None:
        while True:
            await signal.wait()
            signal.clear()
            asleep.clear()
            await run(pool, line.take)
            while not await sleep():
                await run(pool, line.take)
            asleep.set()

    async def poster(name: str, before: float, after: float) -> None:
        await asyncio.sleep(before)
        async with pool.connection() as connection:
            signalled = await line.post(connection, name)
            await asyncio.sleep(after)
        if signalled:
            signal.set()

    lost = 0
    task = asyncio.create_task(taker())
    for number in range(rounds):
        names = [f"{number}-{n}" for n in range(POSTERS)]
        await asyncio.gather(
            *(poster(name, chance.uniform(0, 0.008), chance.uniform(0.001, 0.004)) for name in names)
        )
        while signal.is_set() or not asleep.is_set():
            await asyncio.sleep(0.0005)
        lost += await run(pool, line.count) > 0
        await run(pool, line.take)
    task.cancel()
    await asyncio.wait([task])
    return lost


async def test_no_wake_up_is_lost_in_a_race(selling: Pool, line: Line) -> None:
    """Goal: whatever the interleaving, what is pending has a taker awake or signalled."""
    print(f"seed {SEED}")
    assert await race(selling, line, lambda: line.sleep(selling, "web"), ROUNDS) == 0


@pytest.mark.parametrize("mistake", ["unlocked", "same_statement"])
async def test_negative_control_of_the_race(selling: Pool, line: Line, mistake: str) -> None:
    """Goal: as many rounds are enough to lose wake-ups, each of the two ways."""
    print(f"seed {SEED}")
    assert await race(selling, line, by_statement(selling, getattr(line, mistake)), ROUNDS) >= 2


async def test_posts_on_several_channels_wake_each_of_them_once(selling: Pool) -> None:
    """Goal: many posters that touch the same channels at once wake each channel exactly once, and never deadlock."""
    await catalogue.save_listings(selling, "store", [NewListing("A", "store-A", "A")], [""])
    told: list[set[str]] = []

    async def post(n: int) -> None:
        woken: set[str] = set()
        movement = Movement("test", str(n), EventKind.RECEIPT, "A", "leeds", 1, datetime.now(UTC))
        async with selling.connection() as connection:
            await post_events_on(connection, [event_of(movement)], woken)
        told.append(woken)

    await asyncio.gather(*(post(n) for n in range(20)))

    assert sorted(name for woken in told for name in woken) == ["store", "web"]
