"""What a worker's log lines carry inside an activity: workflow, activity, attempt, and what it works on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import temporalio.activity
import temporalio.workflow
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from onhand.log import bound


class LogContext(Interceptor):
    """Give it to a worker's `interceptors`; each line logged in an activity then says where it belongs."""

    def __init__(self) -> None:
        # The SDK repeats its context as text at the end of each message; ours is in fields.
        temporalio.activity.logger.activity_info_on_message = False
        temporalio.workflow.logger.workflow_info_on_message = False

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Called by the SDK once for each worker."""
        return _ActivityContext(next)


class _ActivityContext(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with activity_bound(*input.args):
            return await super().execute_activity(input)


@contextmanager
def activity_bound(*args: object) -> Iterator[None]:
    """Bind the current activity, and the run, channel and SKU that its message names."""
    info = temporalio.activity.info()
    with bound(
        run=_named(args, "run_id"),
        channel=_named(args, "channel"),
        sku=_named(args, "sku"),
        workflow_id=info.workflow_id,
        activity_type=info.activity_type,
        attempt=info.attempt,
    ):
        yield


def _named(args: tuple[object, ...], field: str) -> str | None:
    found = (getattr(arg, field, None) for arg in args)
    return next((value for value in found if isinstance(value, str) and value), None)
