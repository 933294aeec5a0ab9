"""A component of which more is promised than there is: its kits are halted with it, and go on when it is over."""

from datetime import UTC, datetime

from onhand.alerts.slack import Slack
from onhand.domain.orders import OrderLine, OrderSnapshot
from onhand.domain.oversell import Unfilled
from onhand.ledger import halts, oversells
from onhand.ledger.database import Pool
from onhand.ledger.orders import post_orders
from onhand.ledger.posting import post_events
from onhand.overselling import look_for_oversells
from onhand.settings import Settings
from tests.fix_kits import RULES, compose, shows
from tests.publish.shelves import receipt

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def settings() -> Settings:
    woo = {"platform": "woocommerce", "base_url": "http://x.test", "key_env": "K", "secret_env": "S"}
    channels = {name: {**woo, "locations": ["leeds", "london"]} for name in RULES.channels}
    return Settings.model_validate({"locations": {"leeds": {}, "london": {}}, "channels": channels})


async def look(pool: Pool) -> set[tuple[str, str]]:
    """Look for oversells; what is halted after it."""
    await look_for_oversells(pool, settings(), Slack(None))
    return {(halt.channel, halt.sku) for halt in await halts.standing(pool)}


async def test_kits_are_halted_with_what_they_are_packed_from(kitted: Pool) -> None:
    """Goal: nine A were there and five K are sold, so one A is short: A and K are halted, and PAIR and B sell on. The
    order of kits is the one that cannot be filled, by its units of A."""
    line = OrderLine("1", "K", "leeds", 5, 0)
    await post_orders(kitted, [OrderSnapshot("web", "7", 1, NOON, (line,), NOON)])

    assert await look(kitted) == {(channel, sku) for channel in ("web", "store") for sku in ("A", "K")}
    (row,) = await oversells.listed(kitted, limit=10)
    assert (row.sku, row.units_short, row.orders) == ("A", 1, (Unfilled("web", "7", 1),))
    (reason,) = {halt.reason for halt in await halts.standing(kitted)}
    assert reason == "A is oversold by 1; lifted when nothing is short any more"
    assert await shows(kitted, "store", "K") == {"L1": 0, "L2": 0}
    assert await look(kitted) == {(channel, sku) for channel in ("web", "store") for sku in ("A", "K")}

    await post_events(kitted, [receipt("more", "A", 3)])
    assert await look(kitted) == set()


async def test_a_kit_that_holds_what_is_short_no_more_goes_on(kitted: Pool) -> None:
    line = OrderLine("1", "A", "leeds", 10, 0)
    await post_orders(kitted, [OrderSnapshot("web", "7", 1, NOON, (line,), NOON)])
    assert ("web", "K") in await look(kitted)
    await compose(kitted, {"K": {"B": 1}})
    assert await look(kitted) == {("web", "A"), ("store", "A")}
