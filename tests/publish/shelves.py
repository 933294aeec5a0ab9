"""What the tests of publishing share: rules, facts to post, and looks into the tables."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from onhand.domain.events import Event, EventKind
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.movements import Movement, event_of
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.rules import Rule
from onhand.ledger import levels
from onhand.ledger.database import Pool
from onhand.ledger.levels import ListingCursor
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from tests.fix_ledger import sql

RULES = RuleBook(
    {
        "web": ChannelRules(Rule(name="web"), {"": ("leeds", "london")}),
        "store": ChannelRules(Rule(name="store"), {"L1": ("leeds",), "L2": ("london",)}),
    }
)
"""Sales come from the source; `store` keeps levels by place."""

LIVE = RuleBook(
    {name: ChannelRules(Rule(name=name), {"": ("leeds",)}, listens=True) for name in ("web", "store")}
)
"""Both channels tell of their orders."""


def receipt(external_id: str, sku: str, quantity: int, location: str = "leeds") -> Event:
    """Units that came in a minute ago."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    return event_of(Movement("test", external_id, EventKind.RECEIPT, sku, location, quantity, at))


async def adjust(pool: Pool, external_id: str, sku: str, quantity: int) -> set[str]:
    """An operator's word, for the publishers at once; who is to be signalled."""
    woken: set[str] = set()
    movement = Movement("test", external_id, EventKind.ADJUSTMENT, sku, "leeds", quantity, datetime.now(UTC))
    await post_events(pool, [event_of(movement)], woken)
    return woken


async def order(
    pool: Pool, channel: str, order_id: str, pieces: int, *, sku: str = "A", at: datetime | None = None
) -> None:
    """An order of a channel reaches the ledger; it was placed `at` (now, where that is not said)."""
    ((listing, _),) = await levels.listings_of_sku(pool, sku, channel)
    moment = at or datetime.now(UTC)
    line = OrderLine("1", sku, "leeds", pieces, 0, listing)
    await post_orders(pool, [OrderSnapshot(channel, order_id, 1, moment, (line,), moment)], set())


async def ids_of(pool: Pool, channel: str, skus: Sequence[str] | None = None) -> list[int]:
    """The listings of a channel."""
    ids, _ = await levels.listing_page(pool, channel, ListingCursor(), 100, skus)
    return ids


async def books(pool: Pool, sku: str = "A") -> dict[str, int | None]:
    """What each channel is believed to show of a SKU."""
    rows = await sql(
        pool,
        f"""SELECT c.name, v.book FROM level v JOIN listing l ON l.id = v.listing_id
             JOIN channel c ON c.id = l.channel_id JOIN sku s ON s.id = l.sku_id WHERE s.code = '{sku}'""",
    )
    return dict(rows)


async def provisional(pool: Pool) -> list[tuple[str, int]]:
    """Channel and pieces of each provisional demand."""
    return await sql(
        pool,
        """SELECT c.name, d.pieces FROM provisional_demand d JOIN listing l ON l.id = d.listing_id
             JOIN channel c ON c.id = l.channel_id ORDER BY 1""",
    )


async def waiting(pool: Pool) -> list[str]:
    """Item ids of the listings that the publishers have to look at."""
    rows = await sql(
        pool, "SELECT l.item_id FROM outbox o JOIN listing l ON l.id = o.listing_id WHERE o.live ORDER BY 1"
    )
    return [item for (item,) in rows]
