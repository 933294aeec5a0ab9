"""Events of every kind at once, kits among them: what a ledger takes in on an ordinary day, for `ledger_post`."""

from datetime import UTC, datetime

import psycopg

from bench.seeding import seed
from bench.shops import LOCATION, SHOPS, sku_code
from onhand.domain.events import Entry, Event, EventKind, fingerprint
from onhand.domain.kits import Composition, composition_of
from onhand.domain.states import State
from onhand.ledger import catalogue, kits
from onhand.ledger.catalogue import CatalogueSku, NewListing
from onhand.ledger.database import open_pool

OTHER_LOCATION = "york"
SKUS_A_KIT = 50
"""One kit for so many SKUs of the catalogue; three of these go into it."""

KIT = "kit"
PATTERN: tuple[EventKind | tuple[EventKind, str], ...] = (
    EventKind.ORDER,
    (EventKind.ORDER, KIT),
    EventKind.RECEIPT,
    EventKind.ORDER,
    EventKind.FULFILMENT,
    EventKind.ADJUSTMENT,
    EventKind.ORDER,
    EventKind.RETURN,
    EventKind.TRANSFER_OUT,
    EventKind.ORDER,
    (EventKind.FULFILMENT, KIT),
    EventKind.COUNT,
    EventKind.ORDER,
    EventKind.CANCELLATION,
    EventKind.TRANSFER_IN,
    (EventKind.ORDER, KIT),
    EventKind.INSPECTION,
    EventKind.WRITE_OFF,
    EventKind.ORDER,
    EventKind.FULFILMENT,
    EventKind.PURCHASE_ORDER,
    EventKind.RESERVATION,
)
"""Every kind of event, orders and shipments most often; two orders and a shipment in 22 are of a kit."""

MOVES = {
    EventKind.ORDER: (State.AVAILABLE, State.COMMITTED),
    EventKind.CANCELLATION: (State.COMMITTED, State.AVAILABLE),
    EventKind.FULFILMENT: (State.COMMITTED, State.CUSTOMER),
    EventKind.RETURN: (State.CUSTOMER, State.QUALITY_CONTROL),
    EventKind.INSPECTION: (State.QUALITY_CONTROL, State.AVAILABLE),
    EventKind.ADJUSTMENT: (State.FOUND, State.AVAILABLE),
    EventKind.TRANSFER_OUT: (State.AVAILABLE, State.IN_TRANSIT),
    EventKind.TRANSFER_IN: (State.IN_TRANSIT, State.AVAILABLE),
    EventKind.WRITE_OFF: (State.AVAILABLE, State.SHRINKAGE),
    EventKind.COUNT: (State.AVAILABLE, State.SHRINKAGE),
    EventKind.RECEIPT: (State.SUPPLIER, State.AVAILABLE),
    EventKind.PURCHASE_ORDER: (State.SUPPLIER, State.INCOMING),
    EventKind.RESERVATION: (State.AVAILABLE, State.RESERVED),
}
"""Where the units of each kind of event come from, and where they go."""


def kit_code(number: int) -> str:
    """The SKU of a kit."""
    return f"KIT-{number + 1:05}"


def composition(number: int, skus: int) -> Composition:
    """What a kit is packed from: two of one SKU of its part of the catalogue, and one each of two others."""
    first = number * SKUS_A_KIT
    return composition_of({sku_code((first + step) % skus): 1 + (step == 0) for step in (0, 17, 31)})


def kits_of(skus: int) -> int:
    """How many kits there are beside so many SKUs."""
    return max(1, skus // SKUS_A_KIT)


async def seed_with_kits(dsn: str, skus: int, level: int) -> None:
    """The catalogue with `level` units of each SKU, two locations, and kits that are listed wherever SKUs are."""
    await seed(dsn, skus, level)
    codes = [kit_code(number) for number in range(kits_of(skus))]
    async with open_pool(dsn, size=2) as pool:
        await catalogue.save_places(
            pool, {LOCATION: "Leeds", OTHER_LOCATION: "York"}, {shop.name: shop.name for shop in SHOPS}
        )
        await catalogue.save_skus(pool, [CatalogueSku(code) for code in codes])
        for shop in SHOPS:
            await catalogue.save_listings(pool, shop.name, [NewListing(c, c, c) for c in codes], [shop.place])
        await kits.set_kits(pool, {code: composition(n, skus) for n, code in enumerate(codes)}, live=False)
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute("TRUNCATE outbox")
        await connection.execute("VACUUM ANALYZE")


def mixed_events(skus: int, count: int, stride: int, name: str) -> list[Event]:
    """So many events after `PATTERN`, of SKUs all over the catalogue; orders are of two SKUs, or of one kit."""
    return [_event(PATTERN[at % len(PATTERN)], at * stride, skus, f"{name}-{at}") for at in range(count)]


def _event(what: EventKind | tuple[EventKind, str], at: int, skus: int, name: str) -> Event:
    if isinstance(what, tuple):
        kind, parts = what[0], composition(at % kits_of(skus), skus)
    else:
        kind = what
        two = kind is EventKind.ORDER and skus > 1
        parts = composition_of({sku_code((at + step) % skus): 1 for step in range(1 + two)})
    origin, target = MOVES[kind]
    there = OTHER_LOCATION if kind is EventKind.TRANSFER_OUT else LOCATION
    entries = tuple(
        entry
        for part in parts
        for entry in (
            Entry(part.sku, LOCATION, origin, -part.quantity),
            Entry(part.sku, there, target, part.quantity),
        )
    )
    return Event("bench", name, kind, datetime.now(UTC), entries, fingerprint(kind, name))
