"""`onhand validate`: does a history of events end at the totals that are known?"""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.output import err, grid, out, print_json
from onhand.connect import database_url
from onhand.validation.comparing import Difference
from onhand.validation.files import FileUnfitError
from onhand.validation.running import Validation, validate
from onhand.wording import count, duration, moment, signed

PROGRESS_SECONDS = 2.0
REFUSALS_SHOWN = 20
ITEMS_MAX = 10_000


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("validate", rich_help_panel="Stock")(command)


def command(
    ctx: typer.Context,
    events: Annotated[
        Path,
        typer.Option(
            "--events", metavar="FILE", help="The history: CSV or JSON lines, also gzipped (docs/validation.md).",
            exists=True, dir_okay=False,
        ),
    ],
    expect: Annotated[
        Path,
        typer.Option(
            "--expect", metavar="FILE", help="The known totals: sku, location, state, quantity.",
            exists=True, dir_okay=False,
        ),
    ],
    complete: Annotated[
        bool,
        typer.Option("--complete", help="What the totals do not name is known to be 0, in the states they name."),
    ] = False,
    show: Annotated[
        int,
        typer.Option("--show", help="For how many differences the events are told.", min=0, max=ITEMS_MAX),
    ] = 20,
    lines: Annotated[
        int,
        typer.Option("--lines", help="How many of the newest ledger lines of each.", min=1, max=ITEMS_MAX),
    ] = 20,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Prove that a history of events ends at known totals, in a ledger of its own; exits 1 where it does not.

    The events are fed into a temporary database on the same server, which is dropped at the end. The live ledger is
    neither read nor written.
    """
    dsn = database_url(session_of(ctx).settings)
    try:
        found = asyncio.run(
            validate(
                dsn, events, expect, complete=complete, shown=show, lines=lines, progress=_Progress().told
            )
        )
    except FileUnfitError as error:
        raise OperatorError(
            str(error), "See docs/validation.md for what files hold.", code=ExitCode.USAGE
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OperatorError(
            "this database user may not make a database to validate in",
            "Let an administrator run ALTER ROLE <user> CREATEDB, or name another server in DATABASE_URL.",
        ) from error
    if as_json:
        print_json({"proven": found.proven, **_document(found)})
    else:
        _print(found)
    if not found.proven:
        raise typer.Exit(ExitCode.FAILURE)


class _Progress:
    """Tells how far it is every few seconds, to whoever waits."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def told(self, done: int) -> None:
        """So many statements were read."""
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            err().print(f"{done:,} statements, {done / (now - self._began):,.0f} a second")


def _document(found: Validation) -> dict[str, object]:
    return {
        "statements": found.statements,
        "seconds": round(found.seconds, 3),
        "verdicts": found.verdicts,
        "totals": found.totals,
        "refusals": found.refusals,
        "differences": found.differences,
    }


def _print(found: Validation) -> None:
    console = out()
    verdicts = ", ".join(f"{number:,} {verdict}" for verdict, number in found.verdicts.items())
    rate = found.statements / found.seconds if found.seconds else 0
    took = f"{duration(found.seconds)} ({rate:,.0f} a second)"
    console.print(f"{count(found.statements, 'statement')} in {took}: {verdicts or 'none'}")
    if found.refusals:
        table = grid("row", "refused because", right=("row",))
        for refusal in found.refusals[:REFUSALS_SHOWN]:
            table.add_row(f"{refusal.row:,}", escape(refusal.message))
        console.print(table)
        _more(len(found.refusals) - REFUSALS_SHOWN)
    for difference in found.differences:
        _print_difference(difference)
    if found.proven:
        console.print(f"[green]proven:[/] the ledger ends at {_all(found.totals)}")
        return
    differ, refused = len(found.differences), len(found.refusals)
    console.print(
        f"[bold red]not proven:[/] {differ:,} of {count(found.totals, 'known total')} "
        f"{'differs' if differ == 1 else 'differ'}, {count(refused, 'row')} refused"
    )


def _all(totals: int) -> str:
    return "the known total" if totals == 1 else f"all {totals:,} known totals"


def _more(left: int) -> None:
    if left > 0:
        out().print(f"... and {left:,} more; --json has all")


def _print_difference(difference: Difference) -> None:
    console, known = out(), difference.known
    where = f" at {known.location}" if known.location else ""
    console.print(
        f"[bold]{escape(known.sku)}[/]{escape(where)}: {difference.found:,} {known.state.replace('_', ' ')}, known are "
        f"{known.quantity:,} ([red]{signed(difference.off_by)}[/])"
    )
    if not difference.lines:
        return
    table = grid("happened", "kind", "stated by", "location", "state", "change", right=("change",))
    for line in difference.lines:
        table.add_row(
            moment(line.occurred_at), line.kind.replace("_", " "), escape(f"{line.source} {line.external_id}"),
            escape(line.location), line.state.value.replace("_", " "), signed(line.quantity),
        )  # fmt: skip
    console.print(table)
    _more(difference.lines_in_all - len(difference.lines))
