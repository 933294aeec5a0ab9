"""Intake: takes a channel's inbox into the ledger, woken by signals; one for each channel, for ever."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import Drain, FollowPoison, InboxTurn, IntakeState
    from workflows import policies
    from workflows.failures import reason_of
    from workflows.search import table


@workflow.defn
class Intake:
    """A signal wakes it; the inbox says what there is to do. Whatever it is signalled, nothing is taken twice."""

    @workflow.init
    def __init__(self, state: IntakeState) -> None:
        self._state = state
        self._woken = True  # whoever starts it does so because something waits
        self._trouble = ""

    @workflow.signal
    def wake(self) -> None:
        """Something was put into the inbox."""
        self._woken = True

    @workflow.run
    async def run(self, state: IntakeState) -> None:
        """Take turns until the history is long, then go on as a new run."""
        while not self._history_is_long():
            await workflow.wait_condition(lambda: self._woken)
            self._woken = False
            turn = await self._turn()
            if turn is not None:
                await self._took(turn)
        workflow.continue_as_new(self._state)

    async def _turn(self) -> InboxTurn | None:
        """One turn beside the queue's own steps, as a local activity: nothing is scheduled before it begins."""
        try:
            turn: InboxTurn = await workflow.execute_local_activity(
                "drain_inbox",
                Drain(channel=self._state.channel),
                result_type=InboxTurn,
                start_to_close_timeout=policies.TURN,
                retry_policy=policies.TURN_RETRY,
                summary=f"{self._state.channel}: take the inbox",
            )
            return turn
        except ActivityError as error:
            self._trouble = reason_of(error)
            self._woken = True
            self._show()
            await workflow.sleep(policies.TURN_PAUSE, summary="the ledger does not answer; try again")
            return None

    async def _took(self, turn: InboxTurn) -> None:
        state = self._state
        self._state = state.model_copy(
            update={
                "turns": state.turns + 1,
                "deliveries": state.deliveries + turn.deliveries,
                "poison": state.poison + len(turn.poison),
            }
        )
        if turn.poison:
            await self._follow(turn.poison)
        self._woken = self._woken or not turn.asleep
        if turn.trouble != self._trouble or turn.poison or state.turns % policies.TURNS_SHOWN == 0:
            self._trouble = turn.trouble
            self._show()
        if turn.wait_seconds:
            await self._pause(turn.wait_seconds)

    async def _follow(self, poison: list[int]) -> None:
        await workflow.execute_activity(
            "follow_poison",
            FollowPoison(channel=self._state.channel, inbox_ids=poison),
            start_to_close_timeout=policies.REPORT_STEP,
            retry_policy=policies.REPORT_RETRY,
            summary=f"{len(poison)} deliveries become workflows of their own",
        )

    async def _pause(self, seconds: float) -> None:
        """Orders have to be fetched and the channel does not answer; a signal does not make it answer sooner."""
        await workflow.sleep(seconds, summary="until the channel is asked again")
        self._woken = True

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= self._state.history_events_max
        )

    def _show(self) -> None:
        state = self._state
        lines = [("deliveries taken", state.deliveries), ("poison", state.poison), ("turns", state.turns)]
        details = table((f"{state.channel}: inbox", "since it was started"), lines)
        if self._trouble:
            details += f"\n\n**Waiting:** {self._trouble}"
        workflow.set_current_details(f"{details}\n\nWhat waits and what is poison: `onhand inbox list`")
