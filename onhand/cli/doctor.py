"""`onhand doctor`: look at everything that has to be right, and say what to do where it is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from onhand.cli import doctor_ledger, doctor_live, doctor_temporal, doctor_world
from onhand.cli.app import JsonOption, Session, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.examined import Examined, Health, broken, fine
from onhand.cli.output import err, grid, out, print_json
from onhand.settings import Settings, SettingsError
from onhand.wording import count

MARKS = {Health.OK: ("ok", "green"), Health.GAP: ("--", "yellow"), Health.BROKEN: ("!!", "bold red")}
EXITS = {Health.OK: ExitCode.SUCCESS, Health.GAP: ExitCode.PARTIAL, Health.BROKEN: ExitCode.FAILURE}
CONFIGURATION = "configuration"


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("doctor", rich_help_panel="Run")(doctor)


def doctor(
    ctx: typer.Context,
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave the channels, the source and Slack in peace.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check configuration, secrets, database, real time, Temporal, workers, channels, mapping, source, Slack.

    Exits 0 when all is well, 1 when something does not work, 2 when the configuration cannot be used, 3 when it
    works with gaps.
    """
    findings = asyncio.run(_examine_all(session_of(ctx), offline=offline))
    worst = max((finding.health for finding in findings), key=list(Health).index)
    if as_json:
        print_json({"health": worst, "findings": findings})
    else:
        _print(findings)
    raise typer.Exit(ExitCode.USAGE if _unusable(findings[0]) else EXITS[worst])


def _unusable(first: Examined) -> bool:
    """Whether the configuration cannot be used, so that nothing else could be looked at."""
    return first.subject == CONFIGURATION and first.health is Health.BROKEN


async def _examine_all(session: Session, *, offline: bool) -> list[Examined]:
    findings = []
    with err().status("looking at everything"):
        async for finding in _examine(session, offline=offline):
            findings.append(finding)
    return findings


async def _examine(session: Session, *, offline: bool) -> AsyncIterator[Examined]:
    try:
        settings = session.settings
    except SettingsError as error:
        yield broken(CONFIGURATION, str(error), "Correct the file; the commented example shows every key.")
        return
    yield fine(CONFIGURATION, _said(session, settings))
    for finding in doctor_world.secrets(settings):
        yield finding
    for finding in doctor_live.webhooks(settings):
        yield finding
    async for finding in doctor_ledger.examine(settings):
        yield finding
    async for finding in doctor_temporal.examine(settings):
        yield finding
    if not offline:
        async for finding in doctor_world.examine(settings):
            yield finding


def _said(session: Session, settings: Settings) -> str:
    return (
        f"{session.config_path}: {count(len(settings.locations), 'location')}, "
        f"channels {', '.join(settings.enabled_channels()) or 'none switched on'}, source {settings.source.kind}"
    )


def _print(findings: list[Examined]) -> None:
    table = grid("", "", "")
    table.show_header = False
    for finding in findings:
        word, style = MARKS[finding.health]
        said = escape(finding.message)
        if finding.advice and finding.health is not Health.OK:
            said += f"\n[bold]what to do:[/] {escape(finding.advice)}"
        table.add_row(Text(word, style=style), escape(finding.subject), said)
    out().print(table)
    number = {health: sum(finding.health is health for finding in findings) for health in Health}
    out().print()
    if number[Health.BROKEN]:
        out().print(
            f"[bold red]{count(number[Health.BROKEN], 'thing')} to mend[/], {number[Health.GAP]} to look at"
        )
    elif number[Health.GAP]:
        out().print(f"[yellow]it works; {count(number[Health.GAP], 'thing')} to look at[/]")
    else:
        out().print("[green]all is well[/]")
