"""The steps that tell people of a day, and of a quarter."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from temporalio import activity

from activities.beating import heartbeats
from onhand import retuning
from onhand.alerts.slack import Slack
from onhand.domain.days import day_before
from onhand.ledger.database import Pool
from onhand.messages import MakeReport, ReportMade, RulesSuggested, SuggestRules
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

    @activity.defn
    async def suggest_rules(self, wanted: SuggestRules) -> RulesSuggested:
        """Hold the rules against what was sold, and tell people which would fit; not being heard fails nothing."""
        since = datetime.fromisoformat(wanted.at) - timedelta(weeks=wanted.weeks)
        async with heartbeats():
            found = await retuning.suggest(self.pool, self.settings.rule_book(), since)
        told = await retuning.tell(self.slack, self.settings.slack.channel, found, f"{wanted.weeks}w")
        return RulesSuggested(suggestions=len(found.suggestions), told=told.ok)
