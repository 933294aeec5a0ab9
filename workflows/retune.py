"""QuarterlyRetune: which rules would fit what was sold lately, told to people. It changes none."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from onhand.messages import RetuneRequest, RulesSuggested, SuggestRules
    from workflows import policies


@workflow.defn
class QuarterlyRetune:
    """Started by its schedule on the first day of each quarter."""

    @workflow.run
    async def run(self, request: RetuneRequest) -> RulesSuggested:
        """Look once; the weeks end when it was started, not when a try succeeds."""
        result: RulesSuggested = await workflow.execute_activity(
            "suggest_rules",
            SuggestRules(at=workflow.now().isoformat(), weeks=request.weeks),
            result_type=RulesSuggested,
            start_to_close_timeout=policies.RETUNE_STEP,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.REPORT_RETRY,
            summary=f"rules that fit the last {request.weeks} weeks",
        )
        said = f"{result.suggestions} settings should be others" if result.suggestions else "The rules fit"
        workflow.set_current_details(f"{said}; all of it: `onhand rules suggest --against {request.weeks}w`.")
        return result
