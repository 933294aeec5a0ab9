"""What people are told of stock itself, beside the order sweeps and after read-backs: counts, and what runs out.

A schedule of its own would be one more thing to make, to pause and to watch, for looks that take less than a second.
"""

from datetime import UTC, datetime

from onhand.alerts.slack import Slack
from onhand.counting import tell_escalated, watch_small_differences
from onhand.ledger.database import Pool
from onhand.low_stock import look_for_low_stock
from onhand.settings import Settings


async def watch(pool: Pool, settings: Settings, slack: Slack, *, whole: bool) -> None:
    """Tell people what they do not know of yet.

    Counts that wait are told of at once. What takes a look at all of the stock is done when it is `whole`: when the
    velocities of SKUs were worked out just now, every few minutes, by whichever process did that.
    """
    await tell_escalated(pool, settings, slack)
    if whole:
        now = datetime.now(UTC)
        await watch_small_differences(pool, settings, slack, now)
        await look_for_low_stock(pool, settings, slack, now)
