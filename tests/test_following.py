"""Following what was started by hand: a Temporal that is being restarted is waited for, any other answer is told."""

from collections.abc import Callable
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from onhand import reconciliations, runs
from onhand.messages import ReadBackResult, ReconcileResult, SyncResult

AWAY = RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")
UNKNOWN = RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
RUN = SyncResult(run_id="r", status="success", summary="web all well.", channels=[])
READ_BACK = ReconcileResult(
    reconciliation_id="r",
    status="drift",
    summary="web 1 drifted.",
    channels=[ReadBackResult(channel="web", status="drift", drifts=2, open=1)],
)


class Handle:
    """Answers one after the other; an error among them is raised."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    async def result(self) -> object:
        """The next answer."""
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


OUTCOMES = pytest.mark.parametrize(
    ("outcome", "result", "told"),
    [
        (runs.outcome, RUN, ("success", "web all well.")),
        (reconciliations.outcome, READ_BACK, ("drift", "web 1 drifted.", 1)),
    ],
    ids=["sync", "read-back"],
)


@OUTCOMES
async def test_a_temporal_that_is_restarted_is_waited_for(
    outcome: Callable[[Any], Any], result: object, told: tuple[object, ...]
) -> None:
    """Goal: who watches a sync or a read-back is told how it ended, through a restart of Temporal."""
    assert await outcome(Handle(AWAY, result)) == told


@OUTCOMES
async def test_what_temporal_does_not_know_is_told_at_once(
    outcome: Callable[[Any], Any], result: object, told: tuple[object, ...]
) -> None:
    """Goal: only being away is waited for."""
    with pytest.raises(RPCError, match="workflow not found"):
        await outcome(Handle(UNKNOWN, result))
