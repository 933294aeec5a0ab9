"""One channel judged: what keeps levels from it, what of it does not reach us, and what it shows wrongly."""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta

from onhand.domain.health import ChannelFacts, Health, LastLook, Problem, Waiting, counted

INBOX_WAITED_MAX = timedelta(minutes=5)
"""A delivery that waits for longer is not being taken."""
OUTBOX_WAITED_MAX = (timedelta(minutes=5), timedelta(minutes=20), timedelta(minutes=65))
"""The same for a change, by the tier of its SKU: what the tier allows, and five minutes."""
SWEEPS_MISSED_MAX = 3
"""So many intervals without a sweep, and at least `INBOX_WAITED_MAX`, are too many."""
SKU_UPDATES_MAX = 20
"""Single SKUs fail now and then, and are mended or given up by themselves; so many at once have one cause."""


def of_channel(
    channel: ChannelFacts, at: datetime, sync_seconds: float, sweep_seconds: float
) -> Iterator[Problem]:
    """Everything that is not right with it, in no order."""
    yield from _telling(channel, at)
    if channel.listens:
        yield from _hearing(channel, at, sweep_seconds)
    yield from _last_sync(channel, sync_seconds)
    yield from _shown(channel)


def _telling(channel: ChannelFacts, at: datetime) -> Iterator[Problem]:
    """What keeps levels from being told. One reason is enough for what waits."""
    name = channel.name
    resume = f"onhand channels resume {shlex.quote(name)}"
    wait = f"; {counted(channel.to_tell, 'listing')} waiting" if channel.to_tell else ""
    if channel.trouble:
        said = f"nothing is told to it: {channel.trouble}{wait}"
        yield Problem(Health.BROKEN, name, said, channel.trouble_since, resume)
    if channel.paused_at is not None:
        note = f" ({channel.pause_note})" if channel.pause_note else ""
        said = f"telling it changes is paused{note}{wait}"
        yield Problem(Health.ATTENTION, name, said, channel.paused_at, resume)
    if channel.held is not None:
        said = f"the run {channel.held.run} is held: {channel.held.reason}"
        command = f"onhand runs release --channel {shlex.quote(name)}"
        yield Problem(Health.BROKEN, name, said, channel.held.held_at, command)
    late = _late(channel, at)
    if late is not None and not channel.trouble and channel.paused_at is None:
        said = f"{counted(channel.to_tell, 'listing')} waiting to be told, longer than allowed"
        yield Problem(Health.BROKEN, name, said, late, resume)
    if channel.sku_updates is not None and channel.sku_updates >= SKU_UPDATES_MAX:
        said = f"{counted(channel.sku_updates, 'SKU')} refused, and tried again on their own"
        yield Problem(
            Health.ATTENTION, name, said, None, f"onhand channels check --channel {shlex.quote(name)}"
        )


def _late(channel: ChannelFacts, at: datetime) -> datetime | None:
    """Since when the change waits that should have been told the longest ago; None where none is late."""
    late = [
        tier.oldest
        for tier, allowed in zip(channel.outbox, OUTBOX_WAITED_MAX, strict=True)
        if tier.oldest is not None and at - tier.oldest > allowed
    ]
    return min(late, default=None)


def _hearing(channel: ChannelFacts, at: datetime, sweep_seconds: float) -> Iterator[Problem]:
    """What of its orders does not reach the ledger."""
    name, only = channel.name, f"--channel {shlex.quote(channel.name)}"
    allowed = max(timedelta(seconds=SWEEPS_MISSED_MAX * sweep_seconds), INBOX_WAITED_MAX)
    if channel.swept_at is None:
        # Whoever has only just begun has not come to it yet.
        if channel.at_work_since is None or at - channel.at_work_since > allowed:
            said = "its orders were never swept"
            yield Problem(Health.ATTENTION, name, said, None, "onhand schedule apply")
    elif at - channel.swept_at > allowed:
        said = "its orders are not swept, so a lost webhook is not noticed"
        yield Problem(Health.BROKEN, name, said, channel.swept_at, "onhand doctor")
    if channel.inbox.oldest is not None and at - channel.inbox.oldest > INBOX_WAITED_MAX:
        said = f"{counted(channel.inbox.rows, 'delivery', 'deliveries')} waiting to be taken"
        yield Problem(Health.BROKEN, name, said, channel.inbox.oldest, "onhand doctor")
    if channel.poison.rows:
        said = f"{counted(channel.poison.rows, 'delivery', 'deliveries')} could not be taken"
        command = f"onhand inbox list --outcome poison {only}"
        yield Problem(Health.ATTENTION, name, said, channel.poison.oldest, command)
    if channel.hooks_problem:
        said = f"its webhooks do not all reach us: {channel.hooks_problem}"
        yield Problem(Health.ATTENTION, name, said, channel.hooks_seen_at, f"onhand webhooks register {only}")


def _last_sync(channel: ChannelFacts, sync_seconds: float) -> Iterator[Problem]:
    last = channel.synced
    if last is None:
        return
    command = f"onhand runs show {shlex.quote(last.of)}"
    if last.status == "failed":
        said = f"the last sync did not bring it anywhere: {last.message or 'no reason was recorded'}"
        yield Problem(Health.BROKEN, channel.name, said, _ended(last), command)
    elif last.failed:
        said = f"{counted(last.failed, 'level')} could not be set in the last sync"
        yield Problem(Health.ATTENTION, channel.name, said, _ended(last), command)
    if last.waited_seconds > sync_seconds / 2:
        minutes = f"{last.waited_seconds / 60:,.0f} min"
        said = f"the last sync waited {minutes} on its limits, more than half the time between two runs"
        yield Problem(Health.ATTENTION, channel.name, said, _ended(last), command)


def _shown(channel: ChannelFacts) -> Iterator[Problem]:
    """What it shows that it should not, as far as somebody has to act."""
    name, only = channel.name, f"--channel {shlex.quote(channel.name)}"
    back = channel.read_back
    if back is not None and back.status == "failed":
        said = f"it could not be read back: {back.message or 'no reason was recorded'}"
        yield Problem(Health.BROKEN, name, said, _ended(back), f"onhand reconcile {only}")
    if channel.drift.rows:
        said = f"{counted(channel.drift.rows, 'level')} showed something else than expected"
        yield Problem(Health.ATTENTION, name, said, channel.drift.oldest, f"onhand drift list --open {only}")
    if channel.halts.rows:
        said = f"{counted(channel.halts.rows, 'listing')} halted at 0"
        yield _kept(name, said, channel.halts, f"onhand halts list {only}")
    if channel.given_up.rows:
        said = f"{counted(channel.given_up.rows, 'listing')} given up after all tries, {channel.example} among them"
        yield _kept(name, said, channel.given_up, f"onhand explain {shlex.quote(channel.example)} {only}")


def _kept(name: str, said: str, rows: Waiting, command: str) -> Problem:
    return Problem(Health.ATTENTION, name, said, rows.oldest, command)


def _ended(last: LastLook) -> datetime:
    return last.finished_at or last.started_at
