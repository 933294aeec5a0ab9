"""Facts judged: what is not right with servers, schedules, runs and the ledger, and the one command that helps."""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta

from onhand.domain.channel_problems import of_channel
from onhand.domain.count_problems import of_counts
from onhand.domain.health import (
    Facts,
    Health,
    LedgerFacts,
    Problem,
    RunFacts,
    ScheduleFacts,
    Verdict,
    counted,
)
from onhand.domain.promise_problems import of_promises

LATE_BY = timedelta(minutes=2)
"""A schedule that has started nothing for two of its intervals and this is late."""
RUN_LONGEST_MIN = timedelta(hours=1)
"""A run under way for longer, and for more than two intervals, does not come to its end by itself."""
OVERSELLS_TOLD_MAX = 3
"""More are told in one line."""
SYNC_SCHEDULE = "sync-run"
BAD_ENDS = {"failed": "failed", "timed_out": "run out of time", "terminated": "been terminated"}
"""Ends of a workflow that somebody has to know of."""

_WORST = (Health.BROKEN, Health.ATTENTION)


def judge(facts: Facts) -> Verdict:
    """What is not right, the worst first, servers before what they carry, and within that the oldest first."""
    oldest_first = sorted(_of_the_rest(facts), key=lambda problem: problem.since or facts.at)
    found = sorted([*_of_services(facts), *oldest_first], key=lambda problem: _WORST.index(problem.severity))
    return Verdict(found[0].severity if found else Health.OK, tuple(found), facts)


def _of_the_rest(facts: Facts) -> Iterator[Problem]:
    run = None if facts.ledger is None else facts.ledger.run
    for schedule in facts.schedules or ():
        yield from _of_schedule(schedule, facts.at, run)
        yield from _of_its_last_run(schedule, facts)
    for channel in facts.channels or ():
        yield from of_channel(channel, facts.at, facts.sync_every_seconds, facts.sweep_every_seconds)
    if facts.ledger is not None:
        yield from _of_run(facts, run)
        yield from _of_oversells(facts.ledger)
        yield from _of_conflicts(facts.ledger)
        yield from _of_spikes(facts.ledger)
        yield from of_counts(facts.ledger)
        yield from of_promises(facts.ledger.promised)


def _of_services(facts: Facts) -> list[Problem]:
    return [
        Problem(Health.BROKEN, service.name, service.said, None, service.command)
        for service in facts.services
        if not service.answers
    ]


def _of_schedule(found: ScheduleFacts, at: datetime, run: RunFacts | None) -> Iterator[Problem]:
    """At most one: what is not there cannot be late, nor is what waits for its last run to end."""
    name, id_ = f"schedule {found.schedule_id}", shlex.quote(found.schedule_id)
    severity = Health.BROKEN if found.vital else Health.ATTENTION
    if not found.exists:
        yield Problem(severity, name, "there is none, so it starts nothing", None, "onhand schedule apply")
    elif found.paused:
        said = f"paused: {found.note}" if found.note else "paused"
        yield Problem(Health.ATTENTION, name, said, None, f"onhand schedule resume --schedule {id_}")
    elif found.every_seconds != found.wanted_seconds:
        now, wanted = _span(found.every_seconds), _span(found.wanted_seconds)
        said = f"it starts every {now}, the configuration says every {wanted}"
        yield Problem(Health.ATTENTION, name, said, None, "onhand schedule apply")
    elif _is_late(found, at) and not (found.schedule_id == SYNC_SCHEDULE and _runs(run)):
        yield Problem(severity, name, "it has started nothing since", found.started_at, "onhand doctor")


def _of_its_last_run(found: ScheduleFacts, facts: Facts) -> Iterator[Problem]:
    """How it ended, unless the ledger has it and says more."""
    if found.last_status in BAD_ENDS and found.last_run not in _recorded(facts):
        said = f"what it started last has {BAD_ENDS[found.last_status]}"
        severity = Health.BROKEN if found.vital else Health.ATTENTION
        yield Problem(severity, f"schedule {found.schedule_id}", said, found.started_at, found.by_hand)


def _recorded(facts: Facts) -> set[str]:
    looks = [look for c in facts.channels or () for look in (c.synced, c.read_back) if look is not None]
    run = None if facts.ledger is None else facts.ledger.run
    return {look.of for look in looks} | ({run.run} if run is not None else set())


def _runs(run: RunFacts | None) -> bool:
    return run is not None and run.status == "running"


def _is_late(found: ScheduleFacts, at: datetime) -> bool:
    allowed = timedelta(seconds=2 * found.every_seconds) + LATE_BY
    return found.started_at is not None and at - found.started_at > allowed


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds % 60 == 0 else f"{seconds:.0f} s"


def _of_run(facts: Facts, run: RunFacts | None) -> Iterator[Problem]:
    if run is None:
        yield Problem(Health.ATTENTION, "sync", "there has been no run yet", None, "onhand sync")
        return
    command = f"onhand runs show {shlex.quote(run.run)}"
    if run.status == "running" and facts.at - run.started_at > _longest(facts):
        said = f"the run {run.run} has not come to its end"
        yield Problem(Health.BROKEN, "sync", said, run.started_at, command)
    if run.status in ("partial", "failed") and not run.mended and not _told_by_a_channel(facts, run):
        severity = Health.BROKEN if run.status == "failed" else Health.ATTENTION
        said = f"the last run was {run.status}: {run.summary or 'no reason was recorded'}"
        yield Problem(severity, "sync", said, run.finished_at, command)
    if run.refused_rows:
        said = f"{counted(run.refused_rows, 'row')} of the source refused by the last run"
        yield Problem(Health.ATTENTION, "source", said, run.finished_at or run.started_at, command)


def _longest(facts: Facts) -> timedelta:
    return max(timedelta(seconds=2 * facts.sync_every_seconds), RUN_LONGEST_MIN)


def _told_by_a_channel(facts: Facts, run: RunFacts) -> bool:
    """Whether a channel's own line says why the run was not all well."""
    parts = [channel.synced for channel in facts.channels or () if channel.synced is not None]
    return any(part.of == run.run and part.status != "success" for part in parts)


def _of_oversells(ledger: LedgerFacts) -> Iterator[Problem]:
    found = sorted(ledger.oversells, key=lambda oversell: oversell.found_at)
    if len(found) > OVERSELLS_TOLD_MAX:
        short = sum(oversell.units_short for oversell in found)
        said = f"{len(found):,} SKUs are oversold, {short:,} units short in all"
        yield Problem(Health.BROKEN, "oversells", said, found[0].found_at, "onhand oversells list")
        return
    for oversell in found:
        said = f"{oversell.sku} is oversold: {counted(oversell.units_short, 'unit')} short"
        command = f"onhand oversells show {shlex.quote(oversell.sku)}"
        yield Problem(Health.BROKEN, "oversells", said, oversell.found_at, command)


def _of_conflicts(ledger: LedgerFacts) -> Iterator[Problem]:
    found = ledger.conflicts
    if not found.number:
        return
    of = (
        found.newest_sku
        if found.skus == 1
        else f"{found.newest_sku} and {counted(found.skus - 1, 'more SKU')}"
    )
    times = counted(found.number, "time")
    said = f"authorities contradicted each other {times} within a day, about {of}"
    command = f"onhand explain {shlex.quote(found.newest_sku)}"
    yield Problem(Health.ATTENTION, "authorities", said, found.newest_at, command)


def _of_spikes(ledger: LedgerFacts) -> Iterator[Problem]:
    """Nothing is wrong, but whoever sells it should know: it may soon be sold out."""
    found = ledger.spikes
    if found.number:
        others = f" and {counted(found.number - 1, 'more SKU')}" if found.number > 1 else ""
        said = f"much more than usual is sold of {found.oldest_sku}{others}"
        yield Problem(Health.ATTENTION, "spikes", said, found.oldest_at, "onhand spikes list")
