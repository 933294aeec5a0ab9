"""Counts looked after: people are told of escalated lines once, and of small differences once they have added up.

Each step goes by what the ledger says, so a look that was cut short, or that Slack did not hear, is made good by the
next one.
"""

from datetime import datetime, timedelta

import structlog

from onhand.alerts import count_report
from onhand.alerts.slack import NOT_CONFIGURED, Message, Slack
from onhand.domain.count_watch import above, heaps_of
from onhand.ledger import count_watch
from onhand.ledger.database import Pool
from onhand.settings import Settings

logger = structlog.get_logger()


async def tell_escalated(pool: Pool, settings: Settings, slack: Slack) -> int:
    """Tell people of counts that are far from the ledger and wait; answers how many they were told of."""
    lines = await count_watch.claim_escalated(pool)
    if not lines:
        return 0
    if not await _told(slack, count_report.escalated_message(_where(settings), lines)):
        await count_watch.unclaim_escalated(pool, lines)
        return 0
    logger.info("counts are escalated", lines=len(lines))
    return len(lines)


async def watch_small_differences(pool: Pool, settings: Settings, slack: Slack, now: datetime) -> int:
    """Add up small differences, and tell people of sums they do not know of; answers how many they were told of."""
    rules = settings.counts.watch_rules()
    heaps = heaps_of(await count_watch.small_differences(pool, now - timedelta(days=rules.days)))
    before = [(each.heap.scope, each.heap.subject) for each in await count_watch.watched(pool)]
    found = above(heaps, before, rules)
    if not found and not before:
        return 0
    claimed = await count_watch.keep_and_claim(pool, found, rules)
    news = [heap for heap in found if (heap.scope, heap.subject) in claimed]
    if not news:
        return 0
    if not await _told(slack, count_report.sums_message(_where(settings), news, rules.days)):
        await count_watch.unclaim_sums(pool, claimed)
        return 0
    logger.info("small count differences add up", sums=len(news))
    return len(news)


def _where(settings: Settings) -> str:
    return settings.slack.alert_channel or settings.slack.channel


async def _told(slack: Slack, message: Message) -> bool:
    """Where no Slack is configured, there is nobody to be told."""
    delivered = await slack.post(message)
    return delivered.ok or delivered is NOT_CONFIGURED
