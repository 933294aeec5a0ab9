"""What runs and read-backs do alike: steps of the ledger, telling people, and a table of how each part stands."""

from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows import policies
    from workflows.failures import reason_of
    from workflows.search import table

T = TypeVar("T")


async def ledger_step(name: str, argument: object, result_type: type[T] | None) -> T:
    """One step that talks to Postgres only. Raises ActivityError where it is away for too long."""
    found: T = await workflow.execute_activity(
        name,
        argument,
        result_type=result_type,
        start_to_close_timeout=policies.LEDGER_STEP,
        retry_policy=policies.LEDGER_RETRY,
    )
    return found


async def report_step(name: str, argument: object, of: str, summary: str) -> None:
    """Tell people. That nobody could be told is in the history, and is no reason to fail."""
    try:
        await workflow.execute_activity(
            name,
            argument,
            start_to_close_timeout=policies.REPORT_STEP,
            retry_policy=policies.REPORT_RETRY,
            summary=summary,
        )
    except ActivityError as error:
        workflow.logger.warning("the report of %s was not delivered: %s", of, reason_of(error))


class Standing:
    """How each part of a run stands, in the details the Web UI shows; the one told of last is at the end."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str]] = []

    def tell(self, who: str, what: str) -> None:
        """Say how one part stands now, in place of what was said of it before."""
        self._lines = [line for line in self._lines if line[0] != who] + [(who, what)]
        workflow.set_current_details(table(("", "how it stands"), self._lines))
