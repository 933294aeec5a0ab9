"""A ledger with so many SKUs, each listed on every channel, and stock that moves through the front door."""

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from bench.figures import BenchFailed
from bench.shops import LOCATION, SHOPS, sku_code
from onhand.domain.events import Event, EventKind
from onhand.domain.movements import Movement, event_of
from onhand.ledger import catalogue
from onhand.ledger.database import Pool, open_pool
from onhand.ledger.posting import Verdict, post_events

POST_EVENTS = 2_000
"""Events of one transaction while seeding; nothing of this is measured."""


async def seed(dsn: str, skus: int, level: int) -> None:
    """The SKUs of a generated catalogue, as `seed_codes` puts them in."""
    await seed_codes(dsn, [sku_code(at) for at in range(skus)], level)


async def seed_codes(dsn: str, codes: Sequence[str], level: int) -> None:
    """SKUs in the order of the shops' catalogue, their listings, and `level` units of each at the one location.

    Mappings count as just discovered.
    """
    async with open_pool(dsn, size=2) as pool:
        await catalogue.save_places(pool, {LOCATION: "Leeds"}, {shop.name: shop.name for shop in SHOPS})
        await _copy_catalogue(dsn, codes)
        for shop in SHOPS:
            await catalogue.finish_mapping(pool, shop.name, None)
    await _receive(dsn, codes, level, "opening")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("VACUUM ANALYZE")  # as a database that has run for a while is


async def seed_shown(dsn: str, level: int) -> None:
    """As after a full sync: every listing shows `level`, which we believe, and nothing is pending."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("UPDATE level SET book = %s, booked_at = now(), shown = %s", (level, level))
        await connection.execute("TRUNCATE outbox")
        await connection.execute("VACUUM ANALYZE")


async def age_writes(dsn: str, seconds: float) -> None:
    """As so many seconds later: every blind write was answered by that much earlier."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "UPDATE level SET blind_at = blind_at - make_interval(secs => %s) WHERE blind_at IS NOT NULL",
            (seconds,),
        )
        await connection.execute("VACUUM ANALYZE level")


async def move(dsn: str, skus: int, quantity: int, name: str) -> None:
    """`quantity` more units of every SKU, as events; their listings are then pending, as after any other event."""
    await _receive(dsn, [sku_code(at) for at in range(skus)], quantity, name)


def receipt(at: int, quantity: int, name: str) -> Event:
    """So many units of one SKU of a generated catalogue came in."""
    return _receipt(sku_code(at), quantity, f"{name}-{at}")


def _receipt(code: str, quantity: int, external_id: str) -> Event:
    return event_of(
        Movement("bench", external_id, EventKind.RECEIPT, code, LOCATION, quantity, datetime.now(UTC))
    )


async def _receive(dsn: str, codes: Sequence[str], quantity: int, name: str) -> None:
    async with open_pool(dsn, size=2) as pool:
        for start in range(0, len(codes), POST_EVENTS):
            part = enumerate(codes[start : start + POST_EVENTS], start)
            await _post(pool, [_receipt(code, quantity, f"{name}-{at}") for at, code in part])


async def _post(pool: Pool, events: Sequence[Event]) -> None:
    for posted in await post_events(pool, events):
        if posted.verdict is not Verdict.POSTED:
            raise BenchFailed(f"seeding: an event was answered {posted.verdict}: {posted.message}")


async def _copy_catalogue(dsn: str, codes: Sequence[str]) -> None:
    """By COPY, as the owner: how a catalogue comes in is not measured here."""
    async with await psycopg.AsyncConnection.connect(dsn) as connection, connection.cursor() as cursor:
        async with cursor.copy("COPY sku (code) FROM STDIN") as copy:
            for code in codes:
                await copy.write_row((code,))
        await cursor.execute("SELECT name, id FROM channel")
        channels: dict[str, int] = dict(await cursor.fetchall())
        columns = "channel_id, sku_id, item_id, sort_key, tracking, order_ref"
        async with cursor.copy(f"COPY listing ({columns}) FROM STDIN") as copy:
            for shop in SHOPS:
                for at in range(len(codes)):  # a new database numbers its SKUs from 1 on
                    item = (shop.item_id(at), shop.sort_key(at), shop.tracking, shop.order_ref(at))
                    await copy.write_row((channels[shop.name], at + 1, *item))
        for shop in SHOPS:
            await cursor.execute(
                "INSERT INTO level (listing_id, place) SELECT id, %s FROM listing WHERE channel_id = %s ORDER BY id",
                (shop.place, channels[shop.name]),
            )
