"""Publish: tells a channel its levels as they change, woken by signals; one for each channel, for ever."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from onhand.messages import Drain, OutboxTurn, PublishState, StartSkuUpdates
    from workflows import policies
    from workflows.failures import reason_of
    from workflows.search import table


@workflow.defn
class Publish:
    """A signal wakes it; the outbox says what there is to do. It decides nothing about levels."""

    @workflow.init
    def __init__(self, state: PublishState) -> None:
        self._state = state
        self._woken = True
        self._turn = OutboxTurn(asleep=False)
        self._probe_asked = False

    @workflow.signal
    def wake(self) -> None:
        """Something was put into the outbox, or publishing was resumed."""
        self._woken = True

    @workflow.signal
    def probe(self) -> None:
        """An operator wants the channel to be tried now, whatever its breaker says."""
        self._probe_asked = True
        self._woken = True

    @workflow.run
    async def run(self, state: PublishState) -> None:
        """Take turns until the history is long, then go on as a new run."""
        while not self._history_is_long():
            await workflow.wait_condition(lambda: self._woken)
            self._woken = False
            turn = await self._next_turn()
            if turn is not None:
                await self._took(turn)
        workflow.continue_as_new(self._state)

    async def _next_turn(self) -> OutboxTurn | None:
        """One turn, as a local activity: nothing is scheduled before it begins."""
        try:
            turn: OutboxTurn = await workflow.execute_local_activity(
                "drain_outbox",
                Drain(channel=self._state.channel),
                result_type=OutboxTurn,
                start_to_close_timeout=policies.TURN,
                retry_policy=policies.TURN_RETRY,
                summary=f"{self._state.channel}: tell what has changed",
            )
            return turn
        except ActivityError as error:
            self._turn = OutboxTurn(asleep=False, trouble=reason_of(error))
            self._woken = True
            self._show()
            await workflow.sleep(policies.TURN_PAUSE, summary="the ledger does not answer; try again")
            return None

    async def _took(self, turn: OutboxTurn) -> None:
        before, state = self._turn, self._state
        self._turn = turn
        self._state = state.model_copy(
            update={
                "turns": state.turns + 1,
                "changed": state.changed + turn.changed,
                "unchanged": state.unchanged + turn.unchanged,
                "failed": state.failed + turn.failed,
            }
        )
        if turn.failed_skus:
            await self._isolate(turn)
        self._woken = self._woken or not (turn.asleep or turn.paused)
        news = (turn.trouble, turn.paused) != (before.trouble, before.paused) or turn.failed
        if news or state.turns % policies.TURNS_SHOWN == 0:
            self._show()
        if turn.wait_seconds:
            await self._until_probe(turn.wait_seconds)

    async def _isolate(self, turn: OutboxTurn) -> None:
        await workflow.execute_activity(
            "start_live_updates",
            StartSkuUpdates(
                run_id="", channel=self._state.channel, attempts=turn.attempts, skus=turn.failed_skus
            ),
            start_to_close_timeout=policies.LEDGER_STEP,
            retry_policy=policies.LEDGER_RETRY,
            summary=f"{len(turn.failed_skus)} SKUs get updates of their own",
        )

    async def _until_probe(self, seconds: float) -> None:
        """The breaker is open: what is pending waits. An operator who signals has it probed at once."""
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(
                lambda: self._probe_asked,
                timeout=timedelta(seconds=seconds),
                timeout_summary="until the channel is probed",
            )
        self._probe_asked = False
        self._woken = True

    def _history_is_long(self) -> bool:
        info = workflow.info()
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= self._state.history_events_max
        )

    def _show(self) -> None:
        state, turn = self._state, self._turn
        lines = [
            ("levels told", state.changed),
            ("already right", state.unchanged),
            ("refused", state.failed),
            ("turns", state.turns),
        ]
        details = table((f"{state.channel}: levels", "since it was started"), lines)
        if turn.paused:
            details += f"\n\n**Paused** by an operator: {turn.note or 'no reason given'}. "
            details += f"Go on with: `onhand channels resume {state.channel}`"
        if turn.trouble:
            details += f"\n\n**Nothing is sent** (breaker open): {turn.trouble}"
        workflow.set_current_details(f"{details}\n\nWhat is pending: `onhand channels list`")
