"""InboxPoison: one delivery that could not be taken, as a failed workflow with the reason, for people to find."""

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
        """Always ends Failed, with what is wrong and what to do."""
        workflow.set_current_details(
            f"**{notice.channel}** told of `{notice.topic}` {notice.subject}, and it cannot be taken:\n\n"
            f"{notice.reason}\n\nLook at it: `onhand inbox show {notice.inbox_id}`. When it is mended: "
            f"`onhand inbox replay {notice.inbox_id}`"
        )
        ended("failed", 0)
        raise ApplicationError(
            f"{notice.reason} When it is mended: onhand inbox replay {notice.inbox_id}",
            type="Poison",
            non_retryable=True,
        )
