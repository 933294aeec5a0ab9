"""Why each suspect is wrong, by all the evidence there is, and the answer to it: told again, widened, or halted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from onhand import sweeping
from onhand.channels.base import ItemRef, WriteKind
from onhand.channels.errors import ChannelError
from onhand.domain.drift import Action, Cause, Evidence, Judgement, answer, is_lost_write, judged
from onhand.ledger import halts, levels, reconcile
from onhand.ledger.levels import Spot
from onhand.ledger.reconcile import Accused, NewDrift, SweptOrders
from onhand.reconcile.hiding import hide
from onhand.reconcile.policy import ReadBack

JUDGED_AT_ONCE = 500
WEBHOOK_SECONDS = 60.0
"""A webhook that has not come after so long is lost; orders that are only swept are on their way for as long."""
SOLD = "its orders were taken in"
TOLD = "told anew before it was looked at again"

logger = structlog.get_logger()


@dataclass(slots=True)
class Judged:
    """What became of the suspects of one channel: drifts by what was done, and listings halted anew."""

    drifts: int = 0
    pushed: int = 0
    widened: int = 0
    reported: int = 0
    halted: int = 0
    causes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Case:
    """A suspect with what speaks for a cause, and what follows. `over`: why nothing has to be told, if so."""

    accused: Accused
    evidence: Evidence
    judgement: Judgement
    action: Action
    over: str

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return self.accused.spot


async def judge(back: ReadBack, since: datetime, heard: bool) -> Judged:
    """Judge every suspect that was looked at, page by page; `heard`: all that was sold until then is in the ledger.

    Where it is not, a level that fell is left to the next read-back: it may well have been sold.
    """
    orders = await reconcile.swept_orders(back.pool, back.name, since) if back.channel_rules.listens else {}
    hooks = await _hooks_problem(back) if orders else ""
    total = Judged()
    while page := await reconcile.to_judge(back.pool, back.id, back.name, since, JUDGED_AT_ONCE):
        cases = _cases(back, page, orders, hooks, heard)
        await _answer(back, page, cases, total)
    return total


async def _hooks_problem(back: ReadBack) -> str:
    """What keeps webhooks from coming, asked only where orders came without one."""
    if not back.policy.public_url:
        return ""
    url = sweeping.hooks_url(back.policy.public_url, back.name)
    try:
        return sweeping.hook_problems(back.channel, url, await back.channel.hooks.found())
    except ChannelError as error:
        logger.warning("webhook subscriptions could not be looked at", channel=back.name, problem=str(error))
        return ""


# Evidence.


def _cases(
    back: ReadBack, page: Sequence[Accused], orders: Mapping[Spot, SweptOrders], hooks: str, heard: bool
) -> list[_Case]:
    swapped = swaps(page)
    cases = []
    for accused in page:
        swept = orders.get(accused.spot)
        evidence = _sold(back, accused, swept, hooks)
        over = SOLD if evidence is not None else ""
        if evidence is None:
            evidence = _wrong(back, accused, heard, swapped.get(accused.spot, ""))
        if evidence is None and (evidence := _was_lost(back, accused, heard)) and not accused.demand:
            over = TOLD
        if evidence is not None:
            judgement = judged(evidence)
            action = answer(back.policy.response, judgement, evidence, accused.units)
            cases.append(_Case(accused, evidence, judgement, action, over))
    return cases


def _sold(back: ReadBack, accused: Accused, swept: SweptOrders | None, hooks: str) -> Evidence | None:
    """Evidence of orders that nobody told of and that explain what the walk found; None where there are none.

    Orders so new that nobody need have told of them yet are none: what is on its way is no drift.
    """
    if swept is None or accused.book is None or accused.shown is None or accused.shown >= accused.book:
        return None
    if accused.outcome == "differs" and _unexplained(back, accused):
        return None
    placed = swept.placed_at or datetime.now(UTC)
    late = datetime.now(UTC) - placed > timedelta(seconds=WEBHOOK_SECONDS)
    overdue = ""
    if back.policy.public_url and (hooks or late):
        overdue = hooks or f"its webhook should have come since {placed:%H:%M} UTC"
    elif not back.policy.public_url and not late:
        return None
    return Evidence(
        accused.book, accused.shown, orders=swept.orders, sold=swept.pieces, overdue=overdue, tracked=True
    )


def _wrong(back: ReadBack, accused: Accused, heard: bool, swapped: str) -> Evidence | None:
    """Evidence about a level that is wrong still; None where it is right, or explained by now."""
    listens = back.channel_rules.listens
    evidence = Evidence(
        accused.expected,
        accused.seen,
        listens=listens,
        missing=accused.missing and accused.seen is None,
        tracked=accused.condition != "untracked",
        oversells=accused.condition == "overselling" and not back.policy.accept_overselling,
        swapped_with=swapped,
        last_push=accused.last_push,
        changed_at=accused.changed_at,
        problem=accused.problem,
    )
    if accused.outcome == "right":
        return evidence if evidence.oversells else None
    if accused.seen is None or not evidence.delta:
        return evidence
    if listens and not heard:
        return None
    left = _unexplained(back, accused)
    if not left:
        return evidence if evidence.oversells else None
    return replace(evidence, expected=accused.seen + left)


def _was_lost(back: ReadBack, accused: Accused, heard: bool) -> Evidence | None:
    """Evidence of a lost write that a later one has covered before the second look; None where there is none.

    Where that later one was relative, its answer was below what was believed, and the pieces that it fell short by are
    waited for as a sale: there is none.
    """
    listens = back.channel_rules.listens
    covered = accused.outcome == "right" and accused.told and not accused.sold
    lost = is_lost_write(accused.book, accused.shown, accused.last_push)
    if not (covered and lost) or (listens and not heard):
        return None
    return Evidence(
        accused.book,
        accused.shown,
        listens=listens,
        last_push=accused.last_push,
        changed_at=accused.changed_at,
    )


def _unexplained(back: ReadBack, accused: Accused) -> int:
    """Pieces by which it was off when it was looked at again and that no order has explained since; negative: put back.

    What an answer tells is waited for until it is heard. A blind write has taken pieces put back away again, so that
    nothing is waited for any more where the channel is written so.
    """
    if accused.expected is None or accused.seen is None:
        return 0
    off = accused.expected - accused.seen
    if not back.channel_rules.listens:
        return off
    if off > 0:
        return min(off, accused.demand)
    blind = back.channel.capabilities.write_kind is WriteKind.ABSOLUTE
    return off if blind else max(off, -accused.put_back)


def swaps(page: Sequence[Accused]) -> dict[Spot, str]:
    """Levels that show what another variation of their product should, and the other way round: by its SKU."""
    found: dict[Spot, str] = {}
    meant = {
        (each.parent_id, each.place, each.expected, each.seen): each
        for each in page
        if each.parent_id and each.expected != each.seen
    }
    for each in page:
        other = meant.get((each.parent_id, each.place, each.seen, each.expected))
        if other is not None and other.spot != each.spot and each.seen is not None:
            found[each.spot] = other.sku
    return found


# Answers.


async def _answer(back: ReadBack, page: Sequence[Accused], cases: Sequence[_Case], total: Judged) -> None:
    recorded = await reconcile.record(
        back.pool,
        back.id,
        back.name,
        [
            NewDrift(
                *case.spot,
                case.evidence.expected,
                case.evidence.shown,
                case.judgement,
                case.action,
                case.over,
            )
            for case in cases
        ],
        [accused.spot for accused in page],
    )
    woken: set[str] = set()
    try:
        await _halt(back, [case for case in cases if case.action is Action.HALT], recorded, total, woken)
        await _widen(back, [case for case in cases if case.action is Action.WIDEN], woken)
        # Also what is halted already: whoever raised it there is answered as well.
        telling = (Action.PUSH, Action.HALT)
        told = {case.accused.sku for case in cases if case.action in telling and not case.over}
        if told:
            woken |= await levels.mark(back.pool, sorted(told))
    finally:
        if woken:
            await back.wake_publishers(woken)
    _count(cases, total)


async def _halt(
    back: ReadBack,
    cases: Sequence[_Case],
    recorded: Mapping[Spot, int],
    total: Judged,
    woken: set[str],
) -> None:
    if not cases:
        return
    # One place is reason enough for the whole listing.
    worst = {case.spot[0]: case for case in cases}
    lifting = back.policy.response.clean_reads_to_lift
    for listing, case in worst.items():
        placed = await halts.place(
            back.pool,
            [listing],
            by=back.id,
            cause="drift",
            reason=f"it showed {case.evidence.shown} instead of {case.evidence.expected}: {case.judgement.evidence}",
            drift_ids=[recorded[case.spot]],
            clean_reads_needed=lifting or None,
            woken=woken,
        )
        total.halted += len(placed)
    items = {
        listing: ItemRef(
            listing, case.accused.sku, case.accused.item_id, case.accused.parent_id, case.accused.tracking
        )
        for listing, case in worst.items()
    }
    await hide(back.pool, back.channel, items)


async def _widen(back: ReadBack, cases: Sequence[_Case], woken: set[str]) -> None:
    if not cases:
        return
    response = back.policy.response
    await halts.widen(
        back.pool,
        sorted({case.spot[0] for case in cases}),
        units=response.widen_units,
        units_max=response.widen_units_max,
        reason=f"{back.id}: it drifted by more than is tolerated",
        woken=woken,
    )


def _count(cases: Sequence[_Case], total: Judged) -> None:
    actions = [case.action for case in cases]
    total.drifts += len(cases)
    total.pushed += actions.count(Action.PUSH)
    total.widened += actions.count(Action.WIDEN)
    total.reported += actions.count(Action.REPORT)
    for case in cases:
        cause: Cause = case.judgement.cause
        total.causes[cause.value] = total.causes.get(cause.value, 0) + 1
