"""Low stock: looked for whenever velocities are worked out, and told to people once for each crossing.

Not with every event: a bestseller crosses its threshold with one of hundreds of orders, and a look every few minutes
sees all that crossed theirs, fastest first, in one message.
"""

from datetime import datetime

import structlog

from onhand.alerts import low_stock_report
from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.domain.low_stock import Low, low_among
from onhand.ledger import low_stock
from onhand.ledger.database import Pool
from onhand.settings import Settings

logger = structlog.get_logger()

NOTHING = -1
"""As the highest threshold: no SKU is that low, and those known as low are looked at all the same."""


async def low_now(pool: Pool, settings: Settings) -> list[Low]:
    """The SKUs that are low at this moment, bestsellers first."""
    rules = settings.low_stock.thresholds()
    highest = NOTHING if rules.highest is None else rules.highest
    found = await low_stock.stocked(
        pool, highest, list(settings.locations), reorder_points=rules.reorder_points
    )
    return low_among(found, rules)


async def look_for_low_stock(pool: Pool, settings: Settings, slack: Slack, now: datetime) -> int:
    """Keep what is low, and tell people what is new; answers how many SKUs they were told of."""
    low = await low_now(pool, settings)
    resolved = await low_stock.keep(pool, low, now)
    told = await _tell(pool, settings, slack, low)
    if told or resolved:
        logger.info("low stock", low=len(low), told=told, resolved=resolved)
    return told


async def _tell(pool: Pool, settings: Settings, slack: Slack, low: list[Low]) -> int:
    claimed = await low_stock.claim(pool)
    news = [each for each in low if each.sku in claimed]
    if not news:
        return 0
    where = settings.slack.alert_channel or settings.slack.channel
    delivered = await slack.post(low_stock_report.message(where, news))
    if not delivered.ok and delivered is not NOT_CONFIGURED:
        await low_stock.unclaim(pool, claimed)
        return 0
    return len(news)
