"""Drift: why a channel shows another number than it should, decided by evidence, and what to do about it. Pure.

`judged` asks one question after the other and takes the first that has an answer; each answer is a sentence that an
operator reads. `answer` grades what is done by how far the level is off and by what caused it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

CLOCK_SLACK = timedelta(seconds=5)
"""A channel's clock and ours may be apart by so much: a change that is later by less may be our own write."""


class Cause(StrEnum):
    """Why a level is not what it should be."""

    UNHEARD_SALE = "unheard_sale"
    """Orders explain it that a sweep has found; their webhooks had not come yet, or none are expected."""
    LOST_WEBHOOK = "lost_webhook"
    """The same, and their webhooks should have come long ago."""
    LOST_WRITE = "lost_write"
    """It shows what it showed before our last push, which the channel had accepted."""
    MANUAL_EDIT = "manual_edit"
    """A person or another program has changed it there."""
    MAPPING_ERROR = "mapping_error"
    """The listing is not there any more, or it shows another one's level."""
    TRACKING_OFF = "tracking_off"
    """The channel does not track it: it sells without limit."""
    POLICY_CHANGE = "policy_change"
    """It goes on selling at zero: backorders, or a policy to oversell."""
    UNKNOWN = "unknown"
    """No evidence decides it."""


class Action(StrEnum):
    """What is done about it, from the mildest on."""

    REPORT = "report"
    """Told to people; nothing that Onhand can send mends it."""
    PUSH = "push"
    """Told again."""
    WIDEN = "widen"
    """Told again, with more of the SKU kept from this listing for a while."""
    HALT = "halt"
    """Held at zero until a person or clean read-backs lift it."""


@dataclass(frozen=True, slots=True)
class LastPush:
    """The last write that the channel accepted for a level: from what to what, in pieces, and when."""

    quantity: int
    before: int | None
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one level that was looked at twice, with its orders swept.

    `expected` is what we believed it shows, `shown` what it stated (None: nothing, and `problem` says why). `listens`:
    its orders reach us, so sales can be ruled out. `orders` are those that a sweep alone has told of, and whose pieces
    are `sold`; `overdue` says why their webhooks should have come, empty where they may be on their way. `changed_at`
    is the channel's own moment of the last change; `swapped_with` the SKU whose level it shows, which shows its own.
    """

    expected: int | None
    shown: int | None
    listens: bool = True
    missing: bool = False
    tracked: bool = True
    oversells: bool = False
    swapped_with: str = ""
    last_push: LastPush | None = None
    changed_at: datetime | None = None
    orders: tuple[str, ...] = ()
    sold: int = 0
    overdue: str = ""
    problem: str = ""

    @property
    def delta(self) -> int | None:
        """Pieces by which it shows more (or, negative, fewer) than expected; None where one is unknown."""
        return None if self.expected is None or self.shown is None else self.shown - self.expected


@dataclass(frozen=True, slots=True)
class Judgement:
    """The cause of a drift, the evidence for it in a sentence, and when that happened, where that is known."""

    cause: Cause
    evidence: str
    happened_at: datetime | None = None


def judged(evidence: Evidence) -> Judgement:
    """The cause that the evidence speaks for; the surest question is asked first."""
    for cause, question in _QUESTIONS:
        if said := question(evidence):
            return Judgement(cause, said, _moment(cause, evidence))
    return Judgement(Cause.UNKNOWN, _unexplained(evidence))


def is_lost_write(expected: int | None, shown: int | None, push: LastPush | None) -> bool:
    """Whether a level shows what it showed before the last push, as far as sales heard since have moved both."""
    if push is None or push.before is None or expected is None or shown is None:
        return False
    return push.before != push.quantity and shown - push.before == expected - push.quantity


def was_edited(changed_at: datetime | None, push: LastPush | None) -> bool:
    """Whether the channel itself says that the level was changed after our last push."""
    return changed_at is not None and push is not None and changed_at > push.answered_at + CLOCK_SLACK


# One question for each cause; an empty answer is a no.


def _mapping(evidence: Evidence) -> str:
    if evidence.missing:
        return f"the channel does not have it any more{_because(evidence.problem)}"
    if evidence.swapped_with and evidence.delta:
        return (
            f"it shows the level of {evidence.swapped_with} ({evidence.shown}), which shows the one meant for it "
            f"({evidence.expected})"
        )
    return ""


def _tracking(evidence: Evidence) -> str:
    if evidence.tracked and evidence.shown is not None:
        return ""
    return f"the channel does not track it{_because(evidence.problem)}: it sells there without limit"


def _policy(evidence: Evidence) -> str:
    return "the channel goes on selling it at zero" if evidence.oversells and not evidence.delta else ""


def _webhook(evidence: Evidence) -> str:
    return f"{_orders(evidence)}; {evidence.overdue}" if evidence.overdue and _explained(evidence) else ""


def _sale(evidence: Evidence) -> str:
    return f"{_orders(evidence)}, and no webhook had told of it yet" if _explained(evidence) else ""


def _write(evidence: Evidence) -> str:
    push = evidence.last_push
    lost = is_lost_write(evidence.expected, evidence.shown, push)
    if not lost or was_edited(evidence.changed_at, push):
        return ""
    assert push is not None, "what was lost was sent"
    return (
        f"it shows what it showed before {push.quantity} was accepted at {push.answered_at:%H:%M:%S} UTC in place of "
        f"{push.before}"
    )


def _edit(evidence: Evidence) -> str:
    if not evidence.delta:
        return ""
    if was_edited(evidence.changed_at, evidence.last_push) and evidence.listens:
        return f"it was changed there at {evidence.changed_at:%H:%M:%S} UTC, and no order explains it"
    if evidence.listens and evidence.last_push is not None:
        return f"we told it {evidence.last_push.quantity}, and no order and no write of ours explains {evidence.shown}"
    return ""


_QUESTIONS: tuple[tuple[Cause, Callable[[Evidence], str]], ...] = (
    (Cause.MAPPING_ERROR, _mapping),
    (Cause.TRACKING_OFF, _tracking),
    (Cause.LOST_WEBHOOK, _webhook),
    (Cause.UNHEARD_SALE, _sale),
    (Cause.LOST_WRITE, _write),
    (Cause.MANUAL_EDIT, _edit),
    (Cause.POLICY_CHANGE, _policy),
)
"""Each cause with its question, in the order in which they are asked: what makes a level meaningless comes first, then
what was sold, then what was sent, then what is left by elimination. A policy is told where nothing else is wrong."""


def _explained(evidence: Evidence) -> bool:
    """Whether the orders that a sweep found make up all of the difference."""
    return bool(evidence.orders) and evidence.delta is not None and 0 < -evidence.delta <= evidence.sold


def _orders(evidence: Evidence) -> str:
    shown = ", ".join(evidence.orders[:3])
    more = f" and {len(evidence.orders) - 3} more" if len(evidence.orders) > 3 else ""
    word = "order" if len(evidence.orders) == 1 else "orders"
    return f"a sweep found {word} {shown}{more} for {evidence.sold}"


def _unexplained(evidence: Evidence) -> str:
    if not evidence.listens and evidence.delta:
        return "its orders are not listened to, so it may have been sold, put back or changed there"
    if evidence.last_push is None:
        return "nothing is recorded that we told it"
    return f"no evidence speaks for anything{_because(evidence.problem)}"


def _because(problem: str) -> str:
    return f" ({problem.rstrip('.')})" if problem else ""


def _moment(cause: Cause, evidence: Evidence) -> datetime | None:
    if cause is Cause.LOST_WRITE and evidence.last_push is not None:
        return evidence.last_push.answered_at
    return evidence.changed_at if cause is Cause.MANUAL_EDIT else None


# What is done about it.


@dataclass(frozen=True, slots=True)
class Response:
    """How drift is answered; units are of the SKU, percentages of what the level should be.

    Off by no more than `tolerance_percent` or `tolerance_units`: told again. By more than `halt_percent` and at least
    `halt_units_min`: halted, where `halts`. In between: told again, `widen_units` more kept from the listing, up to
    `widen_units_max`. `clean_reads_to_lift` read-backs in a row without drift lift a halt and take a widened buffer
    back; 0: only a person lifts a halt.
    """

    tolerance_percent: float = 5.0
    tolerance_units: int = 2
    halt_percent: float = 10.0
    halt_units_min: int = 3
    halts: bool = True
    widen_units: int = 2
    widen_units_max: int = 10
    clean_reads_to_lift: int = 2

    def tolerates(self, expected: int, units: int) -> bool:
        """Whether it is no news to be off by so many units where `expected` should be shown."""
        return units <= self.tolerance_units or units * 100 <= self.tolerance_percent * expected

    def demands_halt(self, expected: int, units: int) -> bool:
        """Whether being off by so many units is too much to go on selling."""
        return self.halts and units >= self.halt_units_min and units * 100 > self.halt_percent * expected


def answer(response: Response, judgement: Judgement, evidence: Evidence, units: int) -> Action:
    """What is done; `units` of the SKU are one piece of the listing.

    What was sold is explained: the ledger has it now. What is not there or sells beyond zero is for people. A fall that
    we cannot tell from a sale is left to whoever tells of sales: writing the old number would sell them twice. A lost
    write that left too little on show only costs sales until it is told again, so nothing is halted for it.
    """
    cause, delta = judgement.cause, evidence.delta
    if evidence.missing or (cause is Cause.POLICY_CHANGE):
        return Action.REPORT
    if cause in (Cause.UNHEARD_SALE, Cause.LOST_WEBHOOK, Cause.TRACKING_OFF) or delta is None:
        return Action.PUSH
    if delta < 0 and not evidence.listens and cause is Cause.UNKNOWN:
        return Action.REPORT
    off, level = abs(delta) * units, max(0, evidence.expected or 0) * units
    if response.tolerates(level, off) or (cause is Cause.LOST_WRITE and delta < 0):
        return Action.PUSH
    return Action.HALT if response.demands_halt(level, off) else Action.WIDEN
