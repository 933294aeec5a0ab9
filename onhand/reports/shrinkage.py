"""The shrinkage report of a quarter: its sentence, its tables, and its page, for the terminal and mail alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from onhand.domain.quarters import Part, ShrinkageReport, kind_words
from onhand.markup import Content, Markup, tag
from onhand.reports.elements import cell, document, heading, opening, small, table_style
from onhand.wording import count

SKUS_SHOWN = 50
EXPLAINED = (
    "Lost is what went to shrinkage: write-offs, adjustments, counts that found fewer. Found is what counts and "
    "adjustments found more. Both are of the quarter in which they were written down, so that one that is over does "
    "not change. Shares are of units sold, less cancellations."
)
"""What the numbers mean, for whoever reads them."""


@dataclass(frozen=True, slots=True)
class Table:
    """One way to part the total: a heading, and its parts. `shares`: whether units sold are known of them."""

    name: str
    parts: Sequence[Part]
    shares: bool = False


def tables(report: ShrinkageReport, skus: int = SKUS_SHOWN) -> list[Table]:
    """By kind, reason, location and SKU; those without anything are left out."""
    reasons = [Part(part.name or "none stated", part.lost, part.found) for part in report.by_reason()]
    kinds = [Part(kind_words(part.name), part.lost, part.found) for part in report.by_kind()]
    found = [
        Table("kind", kinds),
        Table("reason", reasons),
        Table("location", report.by_location(), shares=True),
        Table("SKU", report.by_sku()[:skus], shares=True),
    ]
    return [table for table in found if table.parts]


def sentence(report: ShrinkageReport) -> str:
    """What a reader has to know if only one line is read."""
    total = report.total
    if not total.lost and not total.found:
        return "nothing was lost or found"
    gone = count(abs(total.net), "unit") + (" lost" if total.net >= 0 else " found")
    said = f"{gone} on balance: {total.lost:,} lost, {total.found:,} found"
    return f"{said}; {share_text(total)} of {count(total.sold or 0, 'unit')} sold" if total.sold else said


def share_text(part: Part) -> str:
    """The share of units sold; a dash where nothing was sold."""
    return "–" if part.share_percent is None else f"{part.share_percent:.2f} %"


def left_out(report: ShrinkageReport) -> list[str]:
    """What is not in the numbers, in sentences."""
    said = []
    if report.opening:
        said.append(
            f"{count(report.opening, 'unit')} were on shelves before their first count: opening stock."
        )
    theirs = report.corrections
    if theirs.lost or theirs.found:
        said.append(
            f"Sources and files took {theirs.lost:,} and added {theirs.found:,} units: they also bring what was "
            "received and sold elsewhere."
        )
    return said


def page(report: ShrinkageReport) -> str:
    """The whole file."""
    total = report.total
    return document(
        f"shrinkage {report.quarter}",
        opening(
            "Onhand, shrinkage" if report.whole else "Onhand, shrinkage so far",
            f"Quarter {report.quarter.number} of {report.quarter.year}",
            sentence(report),
            quiet=total.net <= 0,
        ),
        [_part(each) for each in tables(report)],
        [tag("p", said, style=small("12px 0 0")) for said in [*left_out(report), EXPLAINED]],
        tag("p", _footer(report), style=small("8px 0 0")),
    )


def _part(found: Table) -> list[Markup]:
    headings = ["lost", "found", "on balance", *(["sold", "share"] if found.shares else [])]
    head = tag("tr", cell(found.name, head=True), [cell(name, right=True, head=True) for name in headings])
    rows = [
        tag("tr", cell(part.name), [cell(said, right=True) for said in numbers(part, shares=found.shares)])
        for part in found.parts
    ]
    return [
        tag("h2", f"By {found.name}", style=heading()),
        tag("table", head, rows, **table_style("width:100%;margin:0 0 14px")),
    ]


def numbers(part: Part, *, shares: bool) -> list[str]:
    """One row: lost, found, on balance, and where they are known units sold and the share of them."""
    row = [f"{part.lost:,}", f"{part.found:,}", f"{part.net:,}"]
    return [*row, f"{part.sold or 0:,}", share_text(part)] if shares else row


def _footer(report: ShrinkageReport) -> list[Content]:
    zone = report.begins.tzinfo
    said = (
        f"From {report.begins:%Y-%m-%d} to {report.ends:%Y-%m-%d} ({report.begins.tzname()}), made at "
        f"{report.made_at.astimezone(zone):%Y-%m-%d %H:%M}. The same in a terminal: "
    )
    command = f"onhand report shrinkage --quarter {report.quarter}"
    return [said, tag("span", command, style="white-space:nowrap")]
