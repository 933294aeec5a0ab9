"""DailyReport: the day before in numbers, as a page and to people."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from onhand.messages import DailyReportRequest, MakeReport, ReportMade
    from workflows import policies


@workflow.defn
class DailyReport:
    """Started every morning by its schedule."""

    @workflow.run
    async def run(self, request: DailyReportRequest) -> ReportMade:
        """Make it once; which day it is of depends on when it was started, not on when a try succeeds."""
        result: ReportMade = await workflow.execute_activity(
            "make_report",
            MakeReport(at=workflow.now().isoformat(), day=request.day),
            result_type=ReportMade,
            start_to_close_timeout=policies.DAY_REPORT_STEP,
            retry_policy=policies.LEDGER_RETRY,
            summary=f"the report of {request.day or 'the day before'}",
        )
        workflow.set_current_details(f"The report of {result.day} is in `{result.file}`.")
        return result
