"""`onhand count`: shelves counted on sheets, differences that wait for a second look, and what to count next."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli import count_plan, count_view
from onhand.cli.app import JsonOption, session_of
from onhand.cli.count_file import CountedSheet, Rows, read_rows, write_sheet
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import chosen_location, in_ledger, make_places_known
from onhand.cli.output import err, out, print_json
from onhand.cli.stating import LocationOption
from onhand.cli.stock_post import wake
from onhand.explain.skus import known_sku
from onhand.ledger import count_plan as plans
from onhand.ledger import count_sheets, cycle_counts
from onhand.ledger.count_comparing import Entered
from onhand.ledger.count_sheets import LINES_MAX, Started
from onhand.ledger.cycle_counts import Answer, Outcome
from onhand.ledger.database import Pool
from onhand.settings import Settings
from onhand.wording import count as counted

SheetArgument = Annotated[
    int, typer.Argument(metavar="SHEET", help="The number of the count sheet.", show_default=False)
]
CsvOption = Annotated[
    Path | None,
    typer.Option("--csv", help="Write it to this file, to be filled in.", metavar="FILE", dir_okay=False),
]
ExpectedOption = Annotated[
    bool,
    typer.Option("--expected", help="With what the ledger expects; who counts should not know it."),
]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Count shelves: sheets, second counts, what to count next, and what small differences add up to.",
        no_args_is_help=True,
    )
    group.command("start")(start)
    group.command("enter")(enter)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("approve")(approve)
    group.command("close")(close)
    group.command("plan")(count_plan.plan)
    group.command("differences")(count_plan.differences)
    app.add_typer(group, name="count", rich_help_panel="Stock")


def start(
    ctx: typer.Context,
    location: LocationOption = None,
    sku: Annotated[
        list[str] | None,
        typer.Option("--sku", help="Count this one; may be given several times.", metavar="SKU"),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--tag", help="Count what bears this tag.", metavar="TAG", show_default=False),
    ] = None,
    due: Annotated[
        int | None,
        typer.Option(
            "--due", help="Count what is due, at most so many.", min=1, max=LINES_MAX, show_default=False
        ),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Kept with the sheet.")] = "",
    csv: CsvOption = None,
    expected: ExpectedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Begin a count sheet: SKUs at a location, each with the ledger's balance version of this moment."""
    settings = session_of(ctx).settings
    if sum(map(bool, (sku, tag, due))) != 1:
        raise typer.BadParameter("say what to count: --sku, --tag or --due")
    where = chosen_location(settings, location)

    async def work(pool: Pool) -> tuple[Started, CountedSheet]:
        await make_places_known(pool, settings)
        skus = await _skus(pool, settings, where, sku, tag, due)
        if not skus:
            raise OperatorError(f"there is nothing to count at {where}")
        started = await count_sheets.start(pool, where, skus, by=getpass.getuser(), note=note)
        return started, await _sheet(pool, started.sheet_id)

    started, sheet = in_ledger(session_of(ctx), work)
    if csv is not None:
        write_sheet(csv, sheet, expected=expected)
    if as_json:
        print_json(started)
        return
    lines = counted(len(started.skus), "SKU")
    out().print(f"count sheet {started.sheet_id}: {lines} at {escape(where)}")
    for name, other in started.elsewhere.items():
        err().print(f"{escape(name)} is left out: it is being counted on sheet {other}")
    if csv is not None:
        out().print(
            f"written: {csv}; fill in `counted`, then: onhand count enter {started.sheet_id} --file {csv}",
            markup=False,
        )


async def _skus(
    pool: Pool, settings: Settings, location: str, sku: list[str] | None, tag: str | None, due: int | None
) -> list[str]:
    for each in sku or ():
        await known_sku(pool, each)
    if due is None:
        return await count_sheets.skus_of(pool, skus=sku or (), tag=tag)
    intervals, now = settings.counts.intervals(), datetime.now(UTC)
    return [each.sku for each in await plans.shelves_due(pool, intervals, now, location=location, limit=due)]


async def _sheet(pool: Pool, sheet_id: int) -> CountedSheet:
    return CountedSheet(
        await count_sheets.sheet(pool, sheet_id), tuple(await count_sheets.lines(pool, sheet_id))
    )


def enter(
    ctx: typer.Context,
    sheet: SheetArgument,
    sku: Annotated[
        str | None, typer.Argument(metavar="SKU", help="What was counted.", show_default=False)
    ] = None,
    quantity: Annotated[
        int | None,
        typer.Argument(metavar="QUANTITY", help="Units on hand, all of them.", show_default=False, min=0),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help="A sheet that was filled in, instead.", metavar="FILE", exists=True, dir_okay=False
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option("--at", help="When the shelf was looked at; local time.", show_default=False),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="It is a second count, or a later one.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what was counted. Small differences are posted; large ones wait for a second count, or `approve`.

    Without --at, what moved since the sheet was printed is taken to have moved after the count. Exits 3 when something
    was not posted.
    """
    settings = session_of(ctx).settings
    rows = _rows(file, sku, quantity, at, again=again)

    async def work(pool: Pool) -> tuple[list[Answer], bool]:
        woken: set[str] = set()
        answers = await cycle_counts.enter(
            pool, sheet, rows.entered, settings.counts.rules(), by=getpass.getuser(), woken=woken
        )
        return answers, await wake(settings, woken)

    answers, at_once = in_ledger(session_of(ctx), work) if rows.entered else ([], True)
    if as_json:
        print_json({"sheet": sheet, "lines": answers, "refused_rows": rows.refused, "empty": rows.empty})
    else:
        count_view.print_answers(sheet, answers, rows, at_once=at_once)
    raise typer.Exit(_code(answers, rows))


def _rows(
    file: Path | None, sku: str | None, quantity: int | None, at: datetime | None, *, again: bool
) -> Rows:
    if file is not None:
        if sku is not None or again or at is not None:
            raise typer.BadParameter("give a file alone; it says what was counted, when, and for which time")
        return read_rows(file)
    if sku is None or quantity is None:
        raise typer.BadParameter("give SKU and QUANTITY, or --file")
    moment = None if at is None else at.astimezone()
    return Rows([Entered(sku, quantity, moment, None if again else 1)])


def _code(answers: list[Answer], rows: Rows) -> ExitCode:
    done = [each for each in answers if each.outcome in (Outcome.POSTED, Outcome.REPEATED)]
    if len(done) == len(answers) and not rows.refused:
        return ExitCode.SUCCESS
    escalated = any(each.outcome is Outcome.ESCALATED for each in answers)
    return ExitCode.PARTIAL if done or escalated else ExitCode.FAILURE


def list_(
    ctx: typer.Context,
    closed: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Sheets that are being counted, and how far."""
    found = in_ledger(session_of(ctx), lambda pool: count_sheets.listed(pool, closed=closed))
    if as_json:
        print_json(found)
    else:
        count_view.print_sheets(found)


def show(
    ctx: typer.Context,
    sheet: SheetArgument,
    csv: CsvOption = None,
    expected: ExpectedOption = False,
    as_json: JsonOption = False,
) -> None:
    """One sheet: what was counted, what was posted, and what waits; or as a file for what still has to be counted."""
    found = in_ledger(session_of(ctx), lambda pool: _sheet(pool, sheet))
    if csv is not None:
        written = write_sheet(csv, found, expected=expected)
        err().print(f"written: {csv}, {counted(written, 'SKU')}", markup=False)
    if as_json:
        print_json(found)
    elif csv is None:
        count_view.print_sheet(found)


def approve(
    ctx: typer.Context,
    sheet: SheetArgument,
    sku: Annotated[
        str | None, typer.Argument(metavar="SKU", help="Whose last count stands.", show_default=False)
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every line that waits.")] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the event.")] = "",
    as_json: JsonOption = False,
) -> None:
    """The last count of a line is right, however far it is off: post it."""
    settings = session_of(ctx).settings
    if (sku is None) != all_:
        raise typer.BadParameter("give SKU, or --all")

    async def work(pool: Pool) -> tuple[list[Answer], bool]:
        waiting = [line.sku for line in await count_sheets.lines(pool, sheet) if line.state == "escalated"]
        skus = waiting if sku is None else [sku]
        woken: set[str] = set()
        answers = (
            await cycle_counts.approve(pool, sheet, skus, by=getpass.getuser(), reason=reason, woken=woken)
            if skus
            else []
        )
        return answers, await wake(settings, woken)

    answers, at_once = in_ledger(session_of(ctx), work)
    if as_json:
        print_json({"sheet": sheet, "lines": answers})
    else:
        count_view.print_answers(sheet, answers, Rows(), at_once=at_once)


def close(
    ctx: typer.Context,
    sheet: SheetArgument,
    drop: Annotated[
        bool, typer.Option("--drop", help="Leave what was not counted or not confirmed as the ledger has it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """End a sheet. Without --drop it has to be counted to its end."""
    by = getpass.getuser()
    dropped = in_ledger(session_of(ctx), lambda pool: count_sheets.close(pool, sheet, by=by, drop=drop))
    if as_json:
        print_json({"sheet": sheet, "dropped": dropped})
    else:
        said = f"; {counted(dropped, 'line')} dropped" if dropped else ""
        out().print(f"count sheet {sheet} is closed{said}")
