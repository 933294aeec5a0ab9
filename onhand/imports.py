"""Files into the ledger, each row with a verdict: a catalogue, a mapping of one channel, counted stock.

Good rows go in, page by page; refused ones are kept among the ledger's refused rows and listed. Saying
the same file twice is harmless: a catalogue and a mapping are absolute, and counts are posted under
the file's own digest, so the ledger knows them again.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onhand.ledger import catalogue, mapping, posting
from onhand.ledger.catalogue import CatalogueSku, NewListing, RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.sources.base import BadRow, Page, SkuFacts, SourceUnfit
from onhand.sources.catalogue import CatalogueRow, read_catalogue
from onhand.sources.csv_files import CsvFiles, CsvOptions
from onhand.sources.file_rows import RowPage
from onhand.sources.mapping_file import MappingRow, read_mapping

LISTED_MAX = 10_000
"""Refused rows that a report lists; all of them are kept in the ledger."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What an operator says about a file's text. `delimiter` None: found out from its header."""

    delimiter: str | None = None
    encoding: str = "cp1252"


@dataclass(slots=True)
class ImportReport:
    """What became of a file. Every row is in one of `taken`, `known` (said before) and `refused`.

    `key` is the name under which its refused rows are kept. `notices` say what an operator should know
    of rows that were taken.
    """

    kind: str
    file: str
    key: str
    rows: int = 0
    taken: int = 0
    known: int = 0
    refused: int = 0
    refusals: list[RefusedRow] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def nothing_new(self) -> bool:
        """Whether all that the file says was said before."""
        return self.known > 0 and not self.taken


@dataclass(frozen=True, slots=True)
class LedgerDirectory:
    """The SKUs and locations a file or a source may name."""

    pool: Pool
    locations: frozenset[str]

    async def look_up(self, codes: Sequence[str]) -> Mapping[str, SkuFacts]:
        """Facts of those codes that are known."""
        found = await catalogue.sku_facts(self.pool, codes)
        return {code: SkuFacts(status, fraction) for code, (status, fraction) in found.items()}


def refused_row(row: BadRow) -> RefusedRow:
    """A bad row of a file or a source, as the ledger keeps it."""
    return RefusedRow(row.origin, row.raw, row.problem.value, row.message)


async def import_catalogue(pool: Pool, path: Path, form: FileFormat) -> ImportReport:
    """SKUs and their names. A SKU that exists takes the names of the file. Raises SourceError."""
    report = await begin_import(pool, "catalogue", path)
    async for page in read_catalogue(path, delimiter=form.delimiter, encoding=form.encoding):
        await catalogue.save_skus(pool, [_sku(row) for row in page.rows])
        report.taken += len(page.rows)
        await _refuse(pool, report, page)
    return report


async def import_mapping(
    pool: Pool, path: Path, channel: str, places: Sequence[str], known: LedgerDirectory, form: FileFormat
) -> ImportReport:
    """Which item of a channel sells which SKU, for good: discovery keeps to it. Raises SourceError."""
    report = await begin_import(pool, "mapping", path)
    async for page in read_mapping(path, known, delimiter=form.delimiter, encoding=form.encoding):
        saved = await mapping.pin_listings(pool, channel, [_listing(row) for row in page.rows], places)
        report.taken += len(saved)
        await _refuse(pool, report, page)
    return report


async def import_stock(pool: Pool, options: CsvOptions, known: LedgerDirectory) -> ImportReport:
    """Counts, as of a column of the file or the time it was written. Raises SourceError.

    A count that agrees is recorded, too: so the ledger knows the whole file again, whatever has moved
    since, and saying it a second time changes nothing.
    """
    report = await begin_import(pool, "stock", options.path)
    async for page in _stock_pages(options, known):
        stated = [row.as_count(report.key, f"{row.sku}@{row.location}") for row in page.rows]
        answers = await posting.post_counts(pool, stated, record_agreement=True)
        report.taken += sum(answer.verdict is Verdict.POSTED for answer in answers)
        report.known += sum(answer.verdict is Verdict.DUPLICATE for answer in answers)
        report.notices += [notice.message for notice in page.notices][: LISTED_MAX - len(report.notices)]
        refused = [
            RefusedRow(row.origin, f"{row.sku},{row.location},{row.quantity}", answer.verdict, answer.message)
            for row, answer in zip(page.rows, answers, strict=True)
            if answer.verdict.refused
        ]
        await _refuse(pool, report, page, refused)
    return report


async def _stock_pages(options: CsvOptions, known: LedgerDirectory) -> AsyncIterator[Page]:
    source = CsvFiles(options, "import")
    async for page in source.pages(None, known):
        # A folder of files goes on with the next; the one file of an import is all there is.
        for finding in page.findings:
            if page.progress.total is None or not finding.ok:
                raise SourceUnfit(finding.message, finding.advice)
        yield page


async def begin_import(pool: Pool, kind: str, path: Path) -> ImportReport:
    """The empty report of a file; what an earlier try of it had refused is forgotten."""
    digest = await asyncio.to_thread(_digest, path)
    report = ImportReport(kind, path.name, f"import/{digest[:32]}")
    await catalogue.forget_refused_rows(pool, f"import/{report.kind}", report.key)
    return report


async def _refuse(
    pool: Pool,
    report: ImportReport,
    page: RowPage[CatalogueRow] | RowPage[MappingRow] | Page,
    others: Sequence[RefusedRow] = (),
) -> None:
    report.rows += len(page.rows) + len(page.bad_rows)
    await refuse_rows(pool, report, [*map(refused_row, page.bad_rows), *others])


async def refuse_rows(pool: Pool, report: ImportReport, refused: Sequence[RefusedRow]) -> None:
    """Keep and report rows that are not taken."""
    report.refused += len(refused)
    report.refusals += refused[: LISTED_MAX - len(report.refusals)]
    if refused:
        await catalogue.save_refused_rows(pool, f"import/{report.kind}", report.key, refused)


def _sku(row: CatalogueRow) -> CatalogueSku:
    return CatalogueSku(row.code, row.name, row.barcode, row.tags, row.status, row.fraction)


def _listing(row: MappingRow) -> NewListing:
    # Discovery learns the channel's own order later; until then its ids do.
    return NewListing(row.sku, row.item_id, row.item_id, row.parent_id, row.tracking, row.units)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
