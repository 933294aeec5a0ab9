"""How fast each channel sells from each location, how long changes take, and what is held back for both."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from onhand import tiers
from onhand.domain.listings import ChannelRules, RuleBook
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.rules import Buffer, Rule
from onhand.domain.targets import targets_of
from onhand.domain.velocity import TierRules, VelocityBuffer
from onhand.ledger import catalogue, levels, stock, velocity
from onhand.ledger.catalogue import NewListing
from onhand.ledger.database import Pool
from onhand.ledger.levels import Push, Sent
from onhand.ledger.orders import post_orders
from onhand.ledger.velocity import ChannelVelocity
from tests.fix_ledger import sql

NOW = datetime.now(UTC)
PACED = Rule(buffer=Buffer(velocity=True))
BOTH = ("leeds", "london")
RULES = RuleBook(
    {
        "web": ChannelRules(PACED, {"": BOTH}),
        "store": ChannelRules(PACED, {"1": ("leeds",), "2": ("london",)}),
    }
)


async def sold(pool: Pool, channel: str, location: str, units: Sequence[int], version: int = 1) -> None:
    """Orders of A within the last day, one for each number of units."""
    at = NOW - timedelta(minutes=5)
    await post_orders(
        pool,
        [
            OrderSnapshot(
                channel, f"{location}{n}", version, at, (OrderLine("1", "A", location, each, 0),), at
            )
            for n, each in enumerate(units)
        ],
    )


async def refresh(pool: Pool) -> set[str]:
    """Work out velocities and what follows, though it was done lately."""
    await sql(pool, "UPDATE velocity_refresh SET computed_at = '-infinity'")
    assert await tiers.refresh_if_due(pool, TierRules(), datetime.now(UTC)) is not None
    return await tiers.refresh_buffers(pool, RULES)


async def told(pool: Pool, channel: str, seconds: Sequence[float]) -> None:
    """Changes that took so long to be shown on a channel."""
    (listing,) = await stock.sku_listings(pool, "A", channel)
    async with pool.connection() as connection:
        for each in seconds:
            push = Push(
                listing.listing_id, "", 1, 5, None, "accepted", due_since=NOW - timedelta(seconds=each)
            )
            await levels.settle(connection, [], sent=Sent([push], None, 1, NOW, NOW))


async def list_a(pool: Pool) -> None:
    """A is listed on both channels."""
    await catalogue.save_listings(pool, "web", [NewListing("A", "101", "101")], [""])
    await catalogue.save_listings(pool, "store", [NewListing("A", "7", "7")], ["1", "2"])


async def test_velocity_is_known_by_channel_and_location(shop: Pool) -> None:
    """Goal: sums made by hand; one bulk order counts as the largest besides it; what is cancelled does not count."""
    await sold(shop, "web", "leeds", [1] * 6)
    await sold(shop, "web", "london", [2, 3])
    await sold(shop, "store", "leeds", [1, 1, 500])
    await refresh(shop)
    assert await velocity.by_channel(shop, "A") == [
        ChannelVelocity("web", "leeds", 6.0),
        ChannelVelocity("web", "london", 4.0),
        ChannelVelocity("store", "leeds", 3.0),
    ]

    await sold(shop, "web", "london", [0, 0], version=2)
    await refresh(shop)
    assert [(each.channel, each.location) for each in await velocity.by_channel(shop, "A")] == [
        ("web", "leeds"),
        ("store", "leeds"),
    ]


async def test_how_long_changes_take_is_measured_by_what_went_out_by_itself(shop: Pool) -> None:
    await list_a(shop)
    await told(shop, "web", [1.0] * 99 + [11.0])
    await refresh(shop)
    (found,) = await velocity.propagations(shop)
    assert (found.channel, found.changes) == ("web", 100)
    assert round(found.seconds, 3) == 1.1


async def test_a_level_holds_back_what_others_sell_until_its_channel_shows_a_change(shop: Pool) -> None:
    """Goal: the units of the formula, place by place, told at once when they change, and gone with their cause."""
    await list_a(shop)
    await sold(shop, "web", "leeds", [1] * 30)
    await sold(shop, "store", "london", [1] * 12)
    await told(shop, "web", [3_600.0])
    await told(shop, "store", [7_200.0])
    await sql(shop, "DELETE FROM outbox")

    assert await refresh(shop) == {"store", "web"}

    assert await sql(shop, "SELECT count(*) FROM outbox WHERE live") == [(2,)]
    assert await paced(shop, "web") == {"": VelocityBuffer(1, 12.0, 3_600.0)}
    assert await paced(shop, "store") == {"1": VelocityBuffer(3, 30.0, 7_200.0)}
    assert await refresh(shop) == set()

    await told(shop, "store", [1.0] * 200)
    await sql(shop, "DELETE FROM outbox")
    await refresh(shop)
    assert await sql(shop, "SELECT count(*) FROM outbox WHERE live") == [(2,)]
    assert (await paced(shop, "store"))["1"].units == 1
    plain = replace(RULES, channels={name: ChannelRules(Rule(), {"": BOTH}) for name in ("web", "store")})
    assert await tiers.refresh_buffers(shop, plain) == set()
    assert await sql(shop, "SELECT count(*) FROM velocity_buffer") == [(0,)]


async def paced(pool: Pool, channel: str) -> dict[str, VelocityBuffer]:
    """What is kept of A's levels there."""
    (listing,) = await stock.sku_listings(pool, "A", channel)
    (state,) = await levels.listing_states(pool, channel, [listing.listing_id], siblings=False)
    return dict(state.paced)


async def test_only_a_rule_that_asks_for_it_holds_it_back(shop: Pool) -> None:
    await list_a(shop)
    (listing,) = await stock.sku_listings(shop, "A", "web")
    (state,) = await levels.listing_states(shop, "web", [listing.listing_id], siblings=False)
    state = replace(state, available={"leeds": 10}, paced={"": VelocityBuffer(3, 1.0, 1.0)})
    plain = RuleBook({"web": ChannelRules(Rule(), {"": BOTH})})
    assert [target.quantity for target in targets_of(state, RULES)] == [7]
    assert [target.quantity for target in targets_of(state, plain)] == [10]
