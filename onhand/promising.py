"""What is promised ahead, kept every minute: wholesale programmes begin, are stocked and end; pre-orders are queued;
campaigns end.

Each step goes by what the ledger says, so a look that was cut short, or a day without any, is made good by the next.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from onhand.alerts import promise_report
from onhand.alerts.promise_report import LineTold
from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.domain.programmes import Beyond, Shelf, Terms, short_by
from onhand.ledger import campaigns, preorders, programmes
from onhand.ledger.database import Pool
from onhand.ledger.programmes import Prospect
from onhand.settings import Settings

logger = structlog.get_logger()


@dataclass(slots=True)
class Kept:
    """What one look did: programmes that changed, order lines that wait for what is to come, people's new warnings.

    The publishers of `woken` are to be signalled.
    """

    programmes: int = 0
    waiting: int = 0
    warned: int = 0
    late: int = 0
    woken: set[str] = field(default_factory=set)


async def keep(pool: Pool, settings: Settings, slack: Slack, now: datetime) -> Kept:
    """Do whatever is due of programmes, pre-orders and campaigns, and tell people what they should know in time."""
    kept = Kept()
    sellers = settings.sellers()
    for number, partner in await programmes.to_keep(pool, now):
        done = await programmes.keep(pool, number, now, sellers.get(partner, ()), kept.woken)
        if done is not None:
            kept.programmes += 1
            logger.info(
                "wholesale programme",
                programme=done.name,
                reserved=done.reserved,
                released=done.released,
                began=done.began,
                ended=done.ended,
            )
    kept.woken |= await preorders.mark_news(pool)
    kept.woken |= await campaigns.end_due(pool, now)
    kept.waiting = await preorders.keep_promises(pool)
    kept.warned = await _warn(pool, settings, slack)
    kept.late = await _tell_late(pool, settings, slack, now)
    return kept


@dataclass(frozen=True, slots=True)
class Outlook:
    """A line of a programme, and units that may be missing of it by its end."""

    prospect: Prospect
    short: int


async def outlook(pool: Pool, settings: Settings) -> list[Outlook]:
    """Every line of programmes that are not over, with what may be missing of it."""
    found = await programmes.prospects(pool, settings.report.timezone)
    numbered = dict(enumerate(found))
    available: dict[Shelf, int] = {each.line.shelf: each.available for each in found}
    short = short_by(
        [(n, each.line, each.terms.ends_at) for n, each in numbered.items()],
        available,
        {n: each.incoming for n, each in numbered.items()},
    )
    return [Outlook(each, short.get(n, 0)) for n, each in numbered.items()]


async def _warn(pool: Pool, settings: Settings, slack: Slack) -> int:
    """Tell people of lines that may go without, and of orders beyond them where that is to be told.

    Once, and again when it grows.
    """
    lines = {
        (each.prospect.terms.name, each.prospect.line.shelf): each for each in await outlook(pool, settings)
    }
    if not lines:
        return 0
    warned = await programmes.claim_warnings(
        pool, {key: (each.short, _beyond(each.prospect)) for key, each in lines.items()}
    )
    if not warned:
        return 0
    told = [_told(lines[each.programme, each.shelf], settings) for each in warned]
    delivered = await promise_report.tell_programmes(slack, _where(settings), told)
    if not delivered.ok and delivered is not NOT_CONFIGURED:
        await programmes.unclaim_warnings(pool, warned)
        return 0
    return len(warned)


def _beyond(prospect: Prospect) -> int:
    return prospect.line.beyond if prospect.terms.beyond is Beyond.ALERT else 0


def last_day(terms: Terms, settings: Settings) -> date:
    """The last day of a programme, where days begin: its end is the beginning of the day after."""
    return (terms.ends_at - timedelta(seconds=1)).astimezone(settings.report.zone()).date()


def _told(found: Outlook, settings: Settings) -> LineTold:
    prospect = found.prospect
    return LineTold(
        prospect.terms.name,
        prospect.terms.partner,
        prospect.line.sku,
        prospect.line.location,
        found.short,
        _beyond(prospect),
        last_day(prospect.terms, settings),
    )


async def _tell_late(pool: Pool, settings: Settings, slack: Slack, now: datetime) -> int:
    """Tell people of promises whose day is past; where they cannot be reached, the next look tries again."""
    late = await preorders.claim_late(pool, now.astimezone(settings.report.zone()).date())
    if not late:
        return 0
    delivered = await promise_report.tell_late(slack, _where(settings), late)
    if not delivered.ok and delivered is not NOT_CONFIGURED:
        await preorders.unclaim_late(pool, late)
        return 0
    return len(late)


def _where(settings: Settings) -> str:
    return settings.slack.alert_channel or settings.slack.channel
