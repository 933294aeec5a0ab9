"""`onhand audit`: whether the record is as it must be, looked at twice, beside traffic."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from onhand.audit import Report, audit
from onhand.audit.report import ROWS_MAX, Judged
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, grid, jsonable, mark, out, print_json
from onhand.wording import count

ROWS_LIMIT_MAX = 10_000


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("audit", rich_help_panel="Run")(audit_)


def audit_(
    ctx: typer.Context,
    rows: Annotated[
        int,
        typer.Option("--rows", help="Rows to tell of each rule that is broken.", min=1, max=ROWS_LIMIT_MAX),
    ] = ROWS_MAX,
    as_json: JsonOption = False,
) -> None:
    """Check that ledger, orders, deliveries and pushes agree, by the raw rows; exits 1 where they do not."""
    report = in_ledger(session_of(ctx), lambda pool: audit(pool, rows))
    if as_json:
        print_json(_document(report))
    else:
        _print(report)
    raise typer.Exit(ExitCode.SUCCESS if report.clean else ExitCode.FAILURE)


def _document(report: Report) -> dict[str, Any]:
    """The report for a script: each rule with what breaks it."""
    return {
        "clean": report.clean,
        "as_of": report.as_of,
        "seconds": round(report.seconds, 3),
        "extent": asdict(report.extent),
        "invariants": [
            {
                "name": each.invariant.name,
                "says": each.invariant.says,
                "holds": each.holds,
                "looked_at": ["sql", "fold"] if each.invariant.folded else ["sql"],
                "breaches": [asdict(breach) for breach in each.breaches],
            }
            for each in report.judged
        ],
    }


def _print(report: Report) -> None:
    table = grid("", "must be so", "looked at", "broken", right=("broken",))
    for each in report.judged:
        ways = "SQL and fold" if each.invariant.folded else "SQL"
        table.add_row(mark(each.holds), each.invariant.says, ways, _totals(each))
    out().print(table)
    for each in report.judged:
        if not each.holds:
            _print_rows(each)
    extent = report.extent
    looked = ", ".join(
        (
            count(extent.events, "event"),
            f"{extent.entries:,} entries",
            f"{extent.deliveries:,} deliveries",
            f"{extent.pushes:,} pushes",
        )
    )
    out().print(f"\n{looked} in {report.seconds:.1f} s")
    if extent.based < extent.pushes:
        err().print(
            f"[yellow]{count(extent.pushes - extent.based, 'push', 'pushes')}[/] told while a run was held, "
            "or from before that was kept: not known what they were decided from"
        )


def _totals(judged: Judged) -> str:
    return ", ".join(f"{breach.total:,} ({breach.by})" for breach in judged.breaches)


def _print_rows(judged: Judged) -> None:
    out().print(f"\n[bold red]{escape(judged.invariant.says)}[/]: it is not so")
    for breach in judged.breaches:
        out().print(f"  by {breach.by}: {breach.total:,}, of which")
        for row in breach.rows:
            told = "  ".join(f"{column} {jsonable(value)}" for column, value in row.items())
            out().print(f"    {escape(told)}", soft_wrap=True)
    out().print(f"  [bold]what to do:[/] {escape(judged.invariant.advice)}")
