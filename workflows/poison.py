"""InboxPoison: one delivery that could not be taken, as a failed workflow with the reason, for people to find.

When somebody dismisses it, the workflow runs once more under the same id and completes, saying who did and why: what
the Web UI shows of that id first is then how it ended.
"""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import PoisonNotice
    from workflows.search import ended


@workflow.defn
class InboxPoison:
    """It does nothing but say so: the delivery waits in the inbox until it is replayed."""

    @workflow.run
    async def run(self, notice: PoisonNotice) -> None:
        """Ends Failed, with what is wrong and what to do; Completed only once it was dismissed."""
        if notice.dismissed_by:
            self._dismissed(notice)
            return
        number = notice.inbox_id
        mended = f"When it is mended: `onhand inbox replay {number}`. " if notice.replayable else ""
        closed = f"If nothing has to be done: `onhand inbox dismiss {number} --note WHY`"
        workflow.set_current_details(
            f"**{notice.channel}** told of `{notice.topic}` {notice.subject}, and it cannot be taken:\n\n"
            f"{notice.reason}\n\nLook at it: `onhand inbox show {number}`. {mended}{closed}"
        )
        ended("failed", 0)
        advice = (mended or closed).replace("`", "").strip()
        raise ApplicationError(f"{notice.reason} {advice}", type="Poison", non_retryable=True)

    def _dismissed(self, notice: PoisonNotice) -> None:
        workflow.set_current_details(
            f"**{notice.channel}** told of `{notice.topic}` {notice.subject}, and it could not be taken:\n\n"
            f"{notice.reason}\n\n**Dismissed** by {notice.dismissed_by}: {notice.note}"
        )
        ended("success", 0)
