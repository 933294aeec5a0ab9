"""Reading the canonical source into the ledger, page by page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.beating import heartbeats
from onhand.domain.counts import Count
from onhand.imports import LedgerDirectory, refused_row
from onhand.ledger import catalogue, posting, runs
from onhand.ledger.catalogue import RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.posting import Posted, Verdict
from onhand.messages import FetchSource, SourceResult
from onhand.sources.base import Page, Source, SourceError, SourceUnfit, StockRow

WARNINGS_MAX = 20
"""Warnings that go through the history; every refused row is in the ledger."""


@dataclass
class Tally:
    """Rows of a source so far, by what became of them; `warnings` a small sample, `incomplete` what was left out."""

    read: int = 0
    posted: int = 0
    unchanged: int = 0
    refused: int = 0
    warnings: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SourceSteps:
    """What needs the source and the ledger. `lag`: by which the source's numbers may be behind what happened."""

    pool: Pool
    source: Source | None
    directory: LedgerDirectory
    lag: timedelta = timedelta(0)

    @activity.defn
    async def fetch_source(self, fetch: FetchSource) -> SourceResult:
        """Post what the source says as counts; rows it cannot take are kept and listed.

        The watermark advances only when every page is posted, so a step that dies is read again from
        where the last finished one stood; rows already posted then change nothing.
        """
        assert self.source is not None, "a run fetches only where a source is configured"
        name = f"source/{self.source.name}"
        since = None if fetch.full else await catalogue.read_watermark(self.pool, name)
        await catalogue.forget_refused_rows(self.pool, name, fetch.run_id)
        tally, watermark = Tally(), since
        async with heartbeats(), _sorted_errors():
            async for page in self.source.pages(since, self.directory):
                await _take_page(self.pool, name, fetch.run_id, page, self.lag, tally)
                watermark = dict(page.watermark)
                await _note(self.pool, fetch.run_id, tally)
        if watermark is not None:
            await catalogue.save_watermark(self.pool, name, watermark)
        return SourceResult.model_validate(asdict(tally))


@asynccontextmanager
async def _sorted_errors() -> AsyncIterator[None]:
    """A source that looks wrong is not read again until a person acts; one that is away is."""
    try:
        yield
    except SourceError as error:
        raise ApplicationError(
            str(error), type=type(error).__name__, non_retryable=isinstance(error, SourceUnfit)
        ) from error


async def _take_page(
    pool: Pool, source: str, run: str | None, page: Page, lag: timedelta, tally: Tally
) -> None:
    """Post the good rows of a page and keep the bad ones; `tally` is brought up to date."""
    answers = await posting.post_counts(
        pool, [_stated(source, row, lag) for row in page.rows], record_agreement=False
    )
    refused = [refused_row(bad) for bad in page.bad_rows]
    refused += [
        RefusedRow(
            row.origin, f"{row.sku} at {row.location}: {row.quantity}", answer.verdict.value, answer.message
        )
        for row, answer in zip(page.rows, answers, strict=True)
        if answer.verdict.refused
    ]
    if refused:
        await catalogue.save_refused_rows(pool, source, run, refused)
    tally.incomplete += [f"{f.subject}: {f.message}" for f in page.findings if not f.ok]
    room = WARNINGS_MAX - len(tally.warnings)
    tally.warnings += [notice.message for notice in page.notices[:room]]
    tally.read += len(page.rows) + len(page.bad_rows)
    tally.refused += len(refused)
    tally.posted += _count(answers, Verdict.POSTED)
    # A row of an earlier moment than the shelf's latest count says nothing new, either.
    nothing_new = (Verdict.UNCHANGED, Verdict.DUPLICATE, Verdict.STALE)
    tally.unchanged += sum(_count(answers, verdict) for verdict in nothing_new)


def _stated(source: str, row: StockRow, lag: timedelta) -> Count:
    """A row that says the same of the same moment has the same id."""
    return row.as_count(source, f"{row.sku}@{row.location}@{row.as_of.isoformat()}", lag)


def _count(answers: Sequence[Posted], verdict: Verdict) -> int:
    return sum(answer.verdict is verdict for answer in answers)


async def _note(pool: Pool, run: str, tally: Tally) -> None:
    await runs.record_rows(
        pool, run, read=tally.read, posted=tally.posted, unchanged=tally.unchanged, refused=tally.refused
    )
