"""`onhand report shrinkage`: what was lost and found in a quarter."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, grid, out, print_json
from onhand.domain.quarters import Part, Quarter, ShrinkageReport
from onhand.ledger import shrinkage as ledger
from onhand.reports.shrinkage import EXPLAINED, left_out, numbers, page, sentence, tables

SKUS_SHOWN = 20


def shrinkage(
    ctx: typer.Context,
    quarter: Annotated[
        str | None,
        typer.Option(
            "--quarter",
            help="Such as 2026Q4; the present one, if not given.",
            metavar="QUARTER",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the page to this file.", metavar="FILE", dir_okay=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Units lost and found in a quarter: by kind, reason, location and SKU, and as a share of units sold."""
    zone, now = session_of(ctx).settings.report.zone(), datetime.now(UTC)
    wanted = _quarter(quarter, now.astimezone(zone))
    found = in_ledger(session_of(ctx), lambda pool: ledger.of_quarter(pool, wanted, zone, now))
    if as_json:
        print_json(_document(found))
    elif html is None:
        out().print(_view(found))
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
        err().print(f"written: {html}", markup=False)


def _quarter(given: str | None, now: datetime) -> Quarter:
    if given is None:
        return Quarter.of(now.date())
    try:
        return Quarter.parse(given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _document(report: ShrinkageReport) -> dict[str, object]:
    return {
        "quarter": str(report.quarter),
        "begins": report.begins,
        "ends": report.ends,
        "made_at": report.made_at,
        "total": _part(report.total),
        "by_kind": [_part(part) for part in report.by_kind()],
        "by_reason": [_part(part) for part in report.by_reason()],
        "by_location": [_part(part) for part in report.by_location()],
        "by_sku": [_part(part) for part in report.by_sku()],
        "opening_units": report.opening,
        "sources": {"lost": report.corrections.lost, "found": report.corrections.found},
        "explained": EXPLAINED,
    }


def _part(part: Part) -> dict[str, object]:
    share = part.share_percent
    return {
        "name": part.name,
        "lost": part.lost,
        "found": part.found,
        "net": part.net,
        "sold": part.sold,
        "share_percent": None if share is None else round(share, 4),
    }


def _view(report: ShrinkageReport) -> RenderableType:
    so_far = "" if report.whole else " so far"
    style = "green" if report.total.net <= 0 else "bold yellow"
    parts: list[RenderableType] = [
        Text.assemble((f"Shrinkage {report.quarter}{so_far}", "bold"), "  ", (sentence(report), style))
    ]
    for found in tables(report, SKUS_SHOWN):
        headings = ("lost", "found", "on balance", *(("sold", "share") if found.shares else ()))
        table = grid(found.name, *headings, right=headings)
        for part in found.parts:
            table.add_row(escape(part.name), *numbers(part, shares=found.shares))
        parts += [Text(), table]
    parts += [Text(), *(Text(said, style="dim") for said in [*left_out(report), EXPLAINED])]
    return Group(*parts)
