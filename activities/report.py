"""The step of the daily report."""

from dataclasses import dataclass
from datetime import date, datetime

from temporalio import activity

from onhand.alerts.slack import Slack
from onhand.domain.days import day_before
from onhand.ledger.database import Pool
from onhand.messages import MakeReport, ReportMade
from onhand.reports.making import keep_and_tell
from onhand.settings import Settings


@dataclass(frozen=True)
class ReportSteps:
    """What needs the ledger, the data folder and people."""

    pool: Pool
    settings: Settings
    slack: Slack

    @activity.defn
    async def make_report(self, wanted: MakeReport) -> ReportMade:
        """Make, keep and tell the report of a day. A repeated try replaces the page, and may tell people twice."""
        at = datetime.fromisoformat(wanted.at)
        day = date.fromisoformat(wanted.day) if wanted.day else day_before(at, self.settings.report.zone())
        kept = await keep_and_tell(self.pool, self.settings, self.slack, day, at)
        return ReportMade(day=day.isoformat(), file=str(kept.file), told=kept.told)
