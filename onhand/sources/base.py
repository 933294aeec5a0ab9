"""The promise every canonical source keeps, and the records that cross it.

    SourceError
    ├── SourceDown      it cannot be reached now; nothing was lost, read again later
    └── SourceUnfit     it does not look as configured; reading again will not help until a person acts

A source that is one file among several does not raise for one bad file: it says so in the findings
of a page and goes on with the next.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import fingerprint
from onhand.sources.problems import Problem

PAGE_ROWS = 5_000
"""Rows of a source that are handled, and held in memory, at a time."""

Watermark = Mapping[str, str]
"""How far a source has been read. Small, fit for JSON, and opaque to everyone but the source that made it."""

FractionRule = Literal["refuse", "round_down"]
"""What becomes of part of a unit: the row is refused, or the number is rounded down."""

SkuStatus = Literal["active", "discontinued"]


class SourceError(Exception):
    """A source could not be read. `advice` says what a person should do where waiting does not help."""

    def __init__(self, said: str, advice: str = "") -> None:
        self.said = said
        self.advice = advice
        super().__init__(f"{said} {advice}".strip())


class SourceDown(SourceError):
    """The source cannot be reached now (network, locks, a missing mount). Reading again later may work."""


class SourceUnfit(SourceError):
    """The source does not look as configured (missing column, wrong shape, no permission)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, what to do: one line of `check`, or the verdict on one file."""

    subject: str
    ok: bool
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class StockRow:
    """A good row: `origin` states that `sku` had `quantity` units at `location`, as seen `as_of`.

    The quantity may be negative: an external system that oversold says so, and the ledger keeps it.
    """

    sku: str
    location: str
    quantity: int
    meaning: CountMeaning
    as_of: datetime
    origin: str

    @property
    def statement(self) -> str:
        """32 hex digits of what is stated, whoever read it: a row that is read twice has the same."""
        return fingerprint(self.sku, self.location, self.quantity, self.meaning, self.as_of).hex()

    def as_count(self, source: str, external_id: str, lag: timedelta = timedelta(0)) -> Count:
        """The same for the ledger, as the word of `source` under that id; `lag` as in `Count`."""
        return Count(
            source, external_id, self.sku, self.location, self.quantity, self.meaning, self.as_of, lag=lag
        )


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not taken: where it stood, its text (cut), and why, for an operator."""

    origin: str
    raw: str
    problem: Problem
    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an operator should know of a row that was not refused."""

    origin: str
    problem: Problem
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows read so far in this part of the source (a file, a round), and how many there are, where known."""

    done: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Up to PAGE_ROWS rows of a source, judged.

    `watermark` is how far the source has been read once this page is taken care of: store it only
    after the rows are posted. `findings` are verdicts on whole files or on the reading itself; one
    that is not `ok` means that something was left out, and the run was partial.
    """

    rows: tuple[StockRow, ...]
    bad_rows: tuple[BadRow, ...]
    watermark: Watermark
    progress: Progress
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SkuFacts:
    """What the ledger knows of a SKU that decides about its rows."""

    status: SkuStatus = "active"
    fraction: FractionRule = "refuse"


class SkuDirectory(Protocol):
    """The SKUs and locations the ledger knows."""

    @property
    def locations(self) -> frozenset[str]:
        """Codes of all known locations."""
        ...

    async def look_up(self, codes: Sequence[str]) -> Mapping[str, SkuFacts]:
        """Facts of those of the (distinct) codes that are known; the others are left out."""
        ...


class Source(Protocol):
    """Where canonical stock is read. One instance per process; one `pages` at a time."""

    name: str
    meaning: CountMeaning

    def pages(self, since: Watermark | None, known: SkuDirectory) -> AsyncIterator[Page]:
        """What changed since a watermark, or everything (`since` None), page by page.

        A row may come again although nothing changed; it then has the same `statement`. A SKU that
        is missing from the source is never taken to be zero. Raises SourceError.
        """
        ...

    async def check(self) -> list[Finding]:
        """Whether it can be reached and looks as configured; never raises for what it finds."""
        ...

    async def aclose(self) -> None:
        """Close connections and files."""
        ...
