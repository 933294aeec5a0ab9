"""A day's report, from the ledger to people."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from onhand.alerts.slack import Slack
from onhand.domain.days import DayReport, span_of
from onhand.ledger import reports
from onhand.ledger.database import Pool
from onhand.reports import files, message
from onhand.reports.page import page
from onhand.settings import Settings


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that was made: where its page is, and whether Slack was told."""

    report: DayReport
    file: Path
    told: bool


async def report_of(pool: Pool, settings: Settings, day: date, made_at: datetime) -> DayReport:
    """The numbers of a day, in the configured time zone."""
    span = span_of(day, settings.report.zone())
    return await reports.of_day(pool, span, settings.enabled_channels(), made_at)


async def keep_and_tell(pool: Pool, settings: Settings, slack: Slack, day: date, made_at: datetime) -> Kept:
    """Make the report, keep its page, and tell people; not being heard fails nothing."""
    report = await report_of(pool, settings, day, made_at)
    file = files.write(settings.data_dir, day, page(report))
    told = await message.tell(slack, settings.slack.channel, report)
    return Kept(report, file, told.ok)
