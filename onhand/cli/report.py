"""`onhand report`: one day in numbers, here, as a page, or to people."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from onhand.alerts.slack import NOT_CONFIGURED, Slack
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, out, print_json
from onhand.cli.report_shrinkage import shrinkage
from onhand.cli.report_view import report_view
from onhand.domain.days import NOT_COUNTED, DayReport, day_before
from onhand.reports import message
from onhand.reports.files import write
from onhand.reports.making import report_of
from onhand.reports.page import page
from onhand.settings import Settings

DAYS_AGO = {"today": 0, "yesterday": 1}


def register(app: typer.Typer) -> None:
    """Hang the command into the program: a report of a day, and below it those of longer times."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(report)
    group.command("shrinkage")(shrinkage)
    app.add_typer(group, name="report", rich_help_panel="Run")


def report(
    ctx: typer.Context,
    day: Annotated[
        str | None,
        typer.Option(
            "--day",
            help="YYYY-MM-DD, today or yesterday; the last whole day, if not given.",
            metavar="DAY",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the page to this file.", metavar="FILE", dir_okay=False),
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Keep the page in the data folder, and tell Slack, as every morning."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """A day in numbers: levels told, time-to-sync, drift and its causes, oversells, halts, orders, calls.

    Exits 3 when Slack should be told and was not.
    """
    if ctx.invoked_subcommand is not None:
        return
    settings = session_of(ctx).settings
    now = datetime.now(UTC)
    wanted = _day(day, now, settings)
    found = in_ledger(session_of(ctx), lambda pool: report_of(pool, settings, wanted, now))
    if as_json:
        print_json({"report": found, "not_counted": NOT_COUNTED})
    elif html is None and not send:
        out().print(report_view(found))
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
        err().print(f"written: {html}", markup=False)
    if send:
        raise typer.Exit(_send(settings, found))


def _day(given: str | None, now: datetime, settings: Settings) -> date:
    zone = settings.report.zone()
    if given is None:
        return day_before(now, zone)
    if given in DAYS_AGO:
        return now.astimezone(zone).date() - timedelta(days=DAYS_AGO[given])
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"{given!r} is no day; accepted: YYYY-MM-DD, today, yesterday") from error


def _send(settings: Settings, found: DayReport) -> ExitCode:
    err().print(f"kept: {write(settings.data_dir, found.span.day, page(found))}", markup=False)
    told = asyncio.run(message.tell(Slack.from_settings(settings.slack), settings.slack.channel, found))
    if told.ok:
        err().print(f"told: {settings.slack.channel}", markup=False)
        return ExitCode.SUCCESS
    err().print(f"Slack was not told: {told.error}", markup=False)
    return ExitCode.SUCCESS if told is NOT_CONFIGURED else ExitCode.PARTIAL
