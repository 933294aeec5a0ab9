"""How Onhand is: the facts of one moment, and what a person reads of them where something is not right.

Facts are what was seen, without a judgement; `onhand.domain.problems` judges them. What could not be asked is None,
and nothing is concluded from it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from onhand.domain.low_stock import HOURS_A_DAY


class Health(StrEnum):
    """How it is, from well to bad."""

    OK = "ok"
    ATTENTION = "attention"
    """It works, and a person should see to something."""
    BROKEN = "broken"
    """Stock is not right somewhere, or will not be soon, until a person acts."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not right: about what, one sentence, since when (None: not known), the command that helps."""

    severity: Health
    subject: str
    sentence: str
    since: datetime | None
    command: str


@dataclass(frozen=True, slots=True)
class Service:
    """A server or a worker's queue. `said`: why it cannot be used, empty where it answers."""

    name: str
    said: str = ""
    command: str = "onhand up"

    @property
    def answers(self) -> bool:
        """Whether it can be used."""
        return not self.said


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """One schedule, as Temporal has it and as it should be.

    `every_seconds` and `wanted_seconds`: how often it starts something, now and by the configuration. `started_at`: its
    last start, or when it was last changed. `exists` False: there is none, and the rest says nothing.
    `vital`: without it stock does not stay right. `last_run` is the id of what it started last, where somebody has to
    care how that ended (`by_hand` starts it again), and `last_status` how: "running", "completed", "failed", ...
    """

    schedule_id: str
    wanted_seconds: float
    vital: bool = True
    exists: bool = True
    every_seconds: float = 0.0
    paused: bool = False
    note: str = ""
    started_at: datetime | None = None
    last_run: str = ""
    last_status: str = ""
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows that wait, and since when the oldest of them does."""

    rows: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastLook:
    """A channel's part of the last run or read-back: how it ended, and what it took of the channel's budget."""

    of: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    failed: int = 0
    calls: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that was held because it would change too much at once."""

    run: str
    held_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """How one channel stands.

    `outbox` are listings to be told, by tier: real-time, 15 minutes, hourly. `drift` are levels that a read-back found
    otherwise than expected and that are not right again. `halts` are beside those of oversells, which are told by SKU.
    `given_up` are listings whose own update gave up, `example` the SKU of one. `sku_updates` are SKUs that are tried
    again on their own; None where Temporal was not asked. `hooks_problem` is what the last look at its webhook
    subscriptions found. `at_work_since`: when the first sync run of all began; None: there was none.
    """

    name: str
    listens: bool = True
    trouble: str = ""
    trouble_since: datetime | None = None
    retry_at: datetime | None = None
    paused_at: datetime | None = None
    pause_note: str = ""
    held: HeldRun | None = None
    outbox: tuple[Waiting, ...] = (Waiting(), Waiting(), Waiting())
    inbox: Waiting = Waiting()
    poison: Waiting = Waiting()
    swept_at: datetime | None = None
    at_work_since: datetime | None = None
    hooks_problem: str = ""
    hooks_seen_at: datetime | None = None
    synced: LastLook | None = None
    read_back: LastLook | None = None
    drift: Waiting = Waiting()
    halts: Waiting = Waiting()
    given_up: Waiting = Waiting()
    example: str = ""
    sku_updates: int | None = None

    @property
    def to_tell(self) -> int:
        """Listings that wait to be told."""
        return sum(tier.rows for tier in self.outbox)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The last sync run. `mended`: what it did not bring right on some channels, later runs of these did; None where
    there was nothing such."""

    run: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    summary: str = ""
    refused_rows: int = 0
    mended: bool | None = None


@dataclass(frozen=True, slots=True)
class OpenOversell:
    """A SKU of which more is promised than there is, in units."""

    sku: str
    units_short: int
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Contradictions between authorities within the last day: how many, of how many SKUs, the newest of them."""

    number: int = 0
    skus: int = 0
    newest_sku: str = ""
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenSpikes:
    """SKUs that sell much faster than usual at present: how many, the one that does the longest, and since when."""

    number: int = 0
    oldest_sku: str = ""
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """Counts that were not posted, since when the oldest waits, and on which count sheet it is, of how many."""

    lines: int = 0
    oldest: datetime | None = None
    sheets: int = 0
    first_sheet: int | None = None


@dataclass(frozen=True, slots=True)
class AddedUp:
    """Small count differences that came to more than their limit. `scope`: "sku", "location" or "total"."""

    scope: str
    subject: str
    units: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LowStockFacts:
    """How many SKUs are low, how many of them out of stock, and the units a day that those sold."""

    skus: int = 0
    out: int = 0
    out_per_day: float = 0.0

    @property
    def sentence(self) -> str:
        """That, for people; empty where nothing is low. No problem: it is for whoever buys, and never over."""
        if not self.skus:
            return ""
        said = f"{counted(self.skus, 'SKU')} low"
        if self.out:
            lost = self.out_per_day / HOURS_A_DAY
            said += f", {self.out:,} of them out of stock: about {lost:,.1f} sales lost an hour"
        return said


@dataclass(frozen=True, slots=True)
class PromisedAhead:
    """What was promised ahead and may not be kept: order lines that are late, of how many SKUs, the SKU that waits
    longest and its day; and wholesale programmes that may go short, with one of them."""

    late: int = 0
    skus: int = 0
    late_sku: str = ""
    late_since: date | None = None
    short_programmes: int = 0
    short_programme: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What the ledger knows beside its channels. `added_up`: the widest scope first."""

    run: RunFacts | None = None
    oversells: tuple[OpenOversell, ...] = ()
    conflicts: Conflicts = Conflicts()
    spikes: OpenSpikes = OpenSpikes()
    counts: WaitingCounts = WaitingCounts()
    added_up: tuple[AddedUp, ...] = ()
    low_stock: LowStockFacts = LowStockFacts()
    promised: PromisedAhead = PromisedAhead()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was seen at one moment. None: it could not be asked, and `services` says why.

    `sync_every_seconds` and `sweep_every_seconds`: how often runs and sweeps are wanted.
    """

    at: datetime
    sync_every_seconds: float
    sweep_every_seconds: float
    services: tuple[Service, ...] = ()
    schedules: tuple[ScheduleFacts, ...] | None = None
    channels: tuple[ChannelFacts, ...] | None = None
    ledger: LedgerFacts | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement: the worst of the problems, the problems (the worst first, then the oldest), and the facts."""

    health: Health
    problems: tuple[Problem, ...]
    facts: Facts


def counted(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 row", "1,200 rows"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
