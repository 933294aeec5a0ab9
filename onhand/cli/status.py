"""`onhand status`: is everything all right? If not: what, since when, and the command that helps."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.live import Live

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.output import out, print_json
from onhand.cli.status_view import status_view
from onhand.connect import connect_temporal, open_ledger
from onhand.domain.health import Health, Verdict
from onhand.settings import Settings
from onhand.status import Doors, look
from onhand.status.look import REACH_SECONDS
from onhand.status.web import ask_web

EXITS = {
    Health.OK: ExitCode.SUCCESS,
    Health.ATTENTION: ExitCode.PARTIAL,
    Health.BROKEN: ExitCode.FAILURE,
}
WATCH_SECONDS_MIN = 1.0
WATCH_SECONDS_MAX = 3_600.0


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("status", rich_help_panel="Run")(status)


def status(
    ctx: typer.Context,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            help="Look again every so many seconds, until Ctrl-C.",
            min=WATCH_SECONDS_MIN,
            max=WATCH_SECONDS_MAX,
            metavar="SECONDS",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Is everything all right? If not: what, since when, and the command that helps.

    Exits 0 when all is well, 1 when something is broken, 3 when something wants attention. JSON is of one look.
    """
    settings = session_of(ctx).settings
    if watch is not None and not as_json:
        with suppress(KeyboardInterrupt):
            asyncio.run(_watch(settings, watch))
        return
    verdict = asyncio.run(_look(settings))
    if as_json:
        print_json(verdict)
    else:
        out().print(status_view(verdict))
    raise typer.Exit(EXITS[verdict.health])


async def _look(settings: Settings) -> Verdict:
    doors = Doors(
        ledger=lambda: open_ledger(settings),
        temporal=lambda: connect_temporal(settings),
        web=lambda: ask_web(settings, REACH_SECONDS),
    )
    return await look(settings, doors)


async def _watch(settings: Settings, seconds: float) -> None:
    with Live(console=out(), auto_refresh=False, screen=True) as live:
        while True:
            live.update(status_view(await _look(settings)), refresh=True)
            await asyncio.sleep(seconds)
