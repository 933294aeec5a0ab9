"""The judgement: every fact that is not right is told once, with since when and a command; what is right is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.health import (
    ChannelFacts,
    Conflicts,
    Facts,
    Health,
    HeldRun,
    LastLook,
    LedgerFacts,
    OpenOversell,
    Problem,
    RunFacts,
    ScheduleFacts,
    Service,
    Waiting,
    counted,
)
from onhand.domain.problems import judge

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
QUARTER, MINUTE, DAY = 900.0, 60.0, 86_400.0
RUN = "sync-run-2026-11-27T01:45:00Z"


def before(**span: float) -> datetime:
    """A moment so long ago."""
    return NOW - timedelta(**span)


def rows(number: int, **span: float) -> Waiting:
    """So many rows, the oldest so old."""
    return Waiting(number, before(**span))


SYNCED = LastLook(RUN, "success", before(minutes=15), before(minutes=14), calls=12)
WELL_CHANNEL = ChannelFacts(
    "shop",
    swept_at=before(seconds=40),
    synced=SYNCED,
    read_back=LastLook("reconciliation-1", "clean", before(minutes=10), before(minutes=9)),
    sku_updates=0,
)
WELL = Facts(
    at=NOW,
    sync_every_seconds=QUARTER,
    sweep_every_seconds=MINUTE,
    services=(Service("postgres"), Service("temporal"), Service("web"), Service("worker onhand")),
    schedules=(
        ScheduleFacts("sync-run", QUARTER, every_seconds=QUARTER, started_at=before(minutes=15)),
        ScheduleFacts("sweep/shop", MINUTE, every_seconds=MINUTE, started_at=before(seconds=40)),
        ScheduleFacts("daily-report", DAY, vital=False, every_seconds=DAY, started_at=before(hours=19)),
    ),
    channels=(WELL_CHANNEL,),
    ledger=LedgerFacts(RunFacts(RUN, "success", before(minutes=15), before(minutes=14), "0 changed")),
)


def channel(**other: Any) -> Facts:
    """All is well but for this of the channel."""
    return replace(WELL, channels=(replace(WELL_CHANNEL, **other),))


def ledger(**other: Any) -> Facts:
    """All is well but for this of the ledger."""
    assert WELL.ledger is not None
    return replace(WELL, ledger=replace(WELL.ledger, **other))


def schedule(number: int, **other: Any) -> Facts:
    """All is well but for this of one schedule."""
    assert WELL.schedules is not None
    changed = list(WELL.schedules)
    changed[number] = replace(changed[number], **other)
    return replace(WELL, schedules=tuple(changed))


def run(status: str, **other: Any) -> RunFacts:
    """The last run, begun a quarter of an hour ago."""
    return replace(RunFacts(RUN, status, before(minutes=15), before(minutes=14)), **other)


def broken(*told: Any) -> Problem:
    """A problem of that severity."""
    return Problem(Health.BROKEN, *told)


def attention(*told: Any) -> Problem:
    """A problem of the other."""
    return Problem(Health.ATTENTION, *told)


CASES: dict[str, tuple[Facts, Problem]] = {
    "a server does not answer": (
        replace(WELL, services=(Service("postgres", "connection refused", "onhand doctor"),)),
        broken("postgres", "connection refused", None, "onhand doctor"),
    ),
    "nobody polls a queue": (
        replace(WELL, services=(Service("worker onhand", "nobody polls it"),)),
        broken("worker onhand", "nobody polls it", None, "onhand up"),
    ),
    "no schedule": (
        schedule(0, exists=False),
        broken("schedule sync-run", "there is none, so it starts nothing", None, "onhand schedule apply"),
    ),
    "no report": (
        schedule(2, exists=False),
        attention(
            "schedule daily-report", "there is none, so it starts nothing", None, "onhand schedule apply"
        ),
    ),
    "a paused schedule": (
        schedule(1, paused=True, note="stocktaking", started_at=before(days=3)),
        attention(
            "schedule sweep/shop", "paused: stocktaking", None, "onhand schedule resume --schedule sweep/shop"
        ),
    ),
    "a pause without a note": (
        schedule(0, paused=True),
        attention("schedule sync-run", "paused", None, "onhand schedule resume --schedule sync-run"),
    ),
    "another interval": (
        schedule(1, every_seconds=90.0),
        attention(
            "schedule sweep/shop",
            "it starts every 90 s, the configuration says every 1 min",
            None,
            "onhand schedule apply",
        ),
    ),
    "a schedule that is late": (
        schedule(0, started_at=before(minutes=33)),
        broken("schedule sync-run", "it has started nothing since", before(minutes=33), "onhand doctor"),
    ),
    "a report that is late": (
        schedule(2, started_at=before(days=3)),
        attention("schedule daily-report", "it has started nothing since", before(days=3), "onhand doctor"),
    ),
    "a report that failed": (
        schedule(2, last_run="daily-report-1", last_status="failed", by_hand="onhand report --send"),
        attention(
            "schedule daily-report",
            "what it started last has failed",
            before(hours=19),
            "onhand report --send",
        ),
    ),
    "a run that was ended before it was recorded": (
        schedule(0, last_run="sync-run-2", last_status="timed_out", by_hand="onhand sync"),
        broken(
            "schedule sync-run", "what it started last has run out of time", before(minutes=15), "onhand sync"
        ),
    ),
    "an open breaker": (
        channel(
            trouble="HTTP 503", trouble_since=before(minutes=7), outbox=(rows(3, minutes=7), *[Waiting()] * 2)
        ),
        broken(
            "shop",
            "nothing is told to it: HTTP 503; 3 listings waiting",
            before(minutes=7),
            "onhand channels resume shop",
        ),
    ),
    "a paused channel": (
        channel(
            paused_at=before(hours=2),
            pause_note="theme update",
            outbox=(rows(1, hours=2), Waiting(), Waiting()),
        ),
        attention(
            "shop",
            "telling it changes is paused (theme update); 1 listing waiting",
            before(hours=2),
            "onhand channels resume shop",
        ),
    ),
    "a held run": (
        channel(held=HeldRun(RUN, before(hours=1), "it would empty 40 of 100 listings")),
        broken(
            "shop",
            f"the run {RUN} is held: it would empty 40 of 100 listings",
            before(hours=1),
            "onhand runs release --channel shop",
        ),
    ),
    "changes that are late": (
        channel(outbox=(rows(1, minutes=2), rows(2, minutes=19), rows(4, minutes=66))),
        broken(
            "shop",
            "7 listings waiting to be told, longer than allowed",
            before(minutes=66),
            "onhand channels resume shop",
        ),
    ),
    "many SKUs on their own": (
        channel(sku_updates=20),
        attention(
            "shop",
            "20 SKUs refused, and tried again on their own",
            None,
            "onhand channels check --channel shop",
        ),
    ),
    "never swept": (
        channel(swept_at=None, at_work_since=before(minutes=6)),
        attention("shop", "its orders were never swept", None, "onhand schedule apply"),
    ),
    "never swept, whenever it began": (
        channel(swept_at=None),
        attention("shop", "its orders were never swept", None, "onhand schedule apply"),
    ),
    "not swept": (
        channel(swept_at=before(minutes=6)),
        broken(
            "shop",
            "its orders are not swept, so a lost webhook is not noticed",
            before(minutes=6),
            "onhand doctor",
        ),
    ),
    "deliveries that wait": (
        channel(inbox=rows(2, minutes=6)),
        broken("shop", "2 deliveries waiting to be taken", before(minutes=6), "onhand doctor"),
    ),
    "poison": (
        channel(poison=rows(1, days=2)),
        attention(
            "shop",
            "1 delivery could not be taken",
            before(days=2),
            "onhand inbox list --outcome poison --channel shop",
        ),
    ),
    "webhooks": (
        channel(hooks_problem="no subscription to orders", hooks_seen_at=before(minutes=3)),
        attention(
            "shop",
            "its webhooks do not all reach us: no subscription to orders",
            before(minutes=3),
            "onhand webhooks register --channel shop",
        ),
    ),
    "a sync that failed": (
        channel(synced=replace(SYNCED, status="failed", message="HTTP 401")),
        broken(
            "shop",
            "the last sync did not bring it anywhere: HTTP 401",
            before(minutes=14),
            f"onhand runs show {RUN}",
        ),
    ),
    "levels that failed": (
        channel(synced=replace(SYNCED, status="partial", failed=1_200)),
        attention(
            "shop",
            "1,200 levels could not be set in the last sync",
            before(minutes=14),
            f"onhand runs show {RUN}",
        ),
    ),
    "a budget that is used up": (
        channel(synced=replace(SYNCED, waited_seconds=451.0)),
        attention(
            "shop",
            "the last sync waited 8 min on its limits, more than half the time between two runs",
            before(minutes=14),
            f"onhand runs show {RUN}",
        ),
    ),
    "a read-back that failed": (
        channel(read_back=LastLook("r", "failed", before(minutes=10), None)),
        broken(
            "shop",
            "it could not be read back: no reason was recorded",
            before(minutes=10),
            "onhand reconcile --channel shop",
        ),
    ),
    "drift": (
        channel(drift=rows(2, minutes=10)),
        attention(
            "shop",
            "2 levels showed something else than expected",
            before(minutes=10),
            "onhand drift list --open --channel shop",
        ),
    ),
    "halts": (
        channel(halts=rows(1, hours=5)),
        attention("shop", "1 listing halted at 0", before(hours=5), "onhand halts list --channel shop"),
    ),
    "dead letters": (
        channel(given_up=rows(2, hours=3), example="A 1"),
        attention(
            "shop",
            "2 listings given up after all tries, A 1 among them",
            before(hours=3),
            "onhand explain 'A 1' --channel shop",
        ),
    ),
    "no run": (
        ledger(run=None),
        attention("sync", "there has been no run yet", None, "onhand sync"),
    ),
    "a run that hangs": (
        ledger(run=run("running", started_at=before(minutes=61), finished_at=None)),
        broken(
            "sync", f"the run {RUN} has not come to its end", before(minutes=61), f"onhand runs show {RUN}"
        ),
    ),
    "a run that failed by itself": (
        ledger(run=run("failed", summary="the source is away")),
        broken(
            "sync",
            "the last run was failed: the source is away",
            before(minutes=14),
            f"onhand runs show {RUN}",
        ),
    ),
    "a run that was partial by itself": (
        ledger(run=run("partial", summary="one file is bad", mended=None)),
        attention(
            "sync", "the last run was partial: one file is bad", before(minutes=14), f"onhand runs show {RUN}"
        ),
    ),
    "refused rows": (
        ledger(run=run("success", refused_rows=12)),
        attention(
            "source",
            "12 rows of the source refused by the last run",
            before(minutes=14),
            f"onhand runs show {RUN}",
        ),
    ),
    "an oversell": (
        ledger(oversells=(OpenOversell("A 1", 1, before(hours=1)),)),
        broken("oversells", "A 1 is oversold: 1 unit short", before(hours=1), "onhand oversells show 'A 1'"),
    ),
    "many oversells": (
        ledger(oversells=tuple(OpenOversell(f"S{n}", n, before(hours=n)) for n in (1, 2, 3, 4))),
        broken(
            "oversells",
            "4 SKUs are oversold, 10 units short in all",
            before(hours=4),
            "onhand oversells list",
        ),
    ),
    "a contradiction": (
        ledger(conflicts=Conflicts(1, 1, "A", before(hours=2))),
        attention(
            "authorities",
            "authorities contradicted each other 1 time within a day, about A",
            before(hours=2),
            "onhand explain A",
        ),
    ),
    "contradictions": (
        ledger(conflicts=Conflicts(5, 3, "A", before(hours=2))),
        attention(
            "authorities",
            "authorities contradicted each other 5 times within a day, about A and 2 more SKUs",
            before(hours=2),
            "onhand explain A",
        ),
    ),
}


@pytest.mark.parametrize(("facts", "problem"), CASES.values(), ids=CASES)
def test_each_problem_is_told_alone_with_its_command(facts: Facts, problem: Problem) -> None:
    """Goal: one thing is wrong, and exactly that is said. Method: all is well but for one fact."""
    verdict = judge(facts)
    assert verdict.problems == (problem,)
    assert verdict.health is problem.severity


FINE: dict[str, Facts] = {
    "everything": WELL,
    "nothing could be asked": Facts(NOW, QUARTER, MINUTE),
    "a run that failed as the ledger says": replace(
        schedule(0, last_run=RUN, last_status="failed", by_hand="onhand sync"), channels=(WELL_CHANNEL,)
    ),
    "a run that is under way": schedule(0, last_run="x", last_status="running", by_hand="onhand sync"),
    "just not late": schedule(0, started_at=before(minutes=32)),
    "a schedule whose run still runs": replace(
        schedule(0, started_at=before(minutes=50)),
        ledger=LedgerFacts(run("running", started_at=before(minutes=50), finished_at=None)),
    ),
    "changes within their tier": channel(
        outbox=(rows(9, minutes=5), rows(9, minutes=20), rows(9, minutes=65))
    ),
    "deliveries on their way": channel(inbox=rows(50, minutes=5)),
    "a sweep that is a little late": channel(swept_at=before(minutes=5)),
    "no sweep yet of who has just begun": channel(swept_at=None, at_work_since=before(minutes=5)),
    "orders that are not listened to": channel(listens=False, swept_at=None),
    "a few SKUs on their own": channel(sku_updates=19),
    "nobody counted them": channel(sku_updates=None),
    "half of the time": channel(synced=replace(SYNCED, waited_seconds=450.0)),
    "a read-back under way": channel(read_back=LastLook("r", "running", before(minutes=2), None)),
    "drift that is right again": channel(
        read_back=LastLook("r", "drift", before(minutes=2), before(minutes=1))
    ),
    "never synced nor read back": channel(synced=None, read_back=None),
    "a run that was held and released": ledger(run=run("partial", summary="shop held", mended=True)),
    "a run under way": ledger(run=run("running", finished_at=None)),
}


@pytest.mark.parametrize("facts", FINE.values(), ids=FINE)
def test_what_is_right_is_not_told(facts: Facts) -> None:
    """Goal: nobody is woken for nothing."""
    verdict = judge(facts)
    assert (verdict.health, verdict.problems) == (Health.OK, ())


def test_a_run_is_not_told_again_where_a_channel_says_why() -> None:
    """Goal: one cause, one line."""
    facts = replace(
        channel(synced=replace(SYNCED, status="failed", message="HTTP 401")),
        ledger=LedgerFacts(run("failed", summary="shop: HTTP 401")),
    )
    assert [problem.subject for problem in judge(facts).problems] == ["shop"]


def test_the_worst_comes_first_servers_before_what_they_carry_then_the_oldest() -> None:
    """Goal: the first line is where to begin."""
    facts = replace(
        channel(halts=rows(1, days=9), swept_at=before(hours=2), inbox=rows(1, hours=3)),
        services=(Service("temporal", "no answer"),),
        ledger=LedgerFacts(run("success", refused_rows=1)),
    )
    verdict = judge(facts)
    assert verdict.health is Health.BROKEN
    assert [(problem.severity.value, problem.subject, problem.since) for problem in verdict.problems] == [
        ("broken", "temporal", None),
        ("broken", "shop", before(hours=3)),
        ("broken", "shop", before(hours=2)),
        ("attention", "shop", before(days=9)),
        ("attention", "source", before(minutes=14)),
    ]


@given(st.lists(st.sampled_from(sorted(CASES)), unique=True, max_size=6))
def test_health_is_the_worst_of_the_problems_and_each_says_all_of_it(names: list[str]) -> None:
    """Goal: what a monitor reads and what a person reads agree, whatever comes together."""
    facts = WELL
    for name in names:
        case = CASES[name][0]
        changed = {
            field: getattr(case, field)
            for field in ("services", "schedules", "channels", "ledger")
            if getattr(case, field) != getattr(WELL, field)
        }
        facts = replace(facts, **changed)
    verdict = judge(facts)
    worst = [p.severity for p in verdict.problems]
    assert verdict.health is (worst[0] if worst else Health.OK)
    assert worst == sorted(worst, key=[Health.BROKEN, Health.ATTENTION].index)
    for problem in verdict.problems:
        assert problem.sentence
        assert problem.command.startswith("onhand ")
        assert problem.since is None or problem.since <= facts.at
    assert bool(names) is bool(verdict.problems)


def test_numbers_have_their_nouns() -> None:
    """Goal: one is not many."""
    assert counted(1, "row") == "1 row"
    assert counted(1_200, "delivery", "deliveries") == "1,200 deliveries"
    assert counted(0, "SKU") == "0 SKUs"
