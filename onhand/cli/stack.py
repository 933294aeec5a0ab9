"""`onhand up` and `onhand demo`: everything on this machine, until Ctrl-C."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from onhand import demo as sample
from onhand import log
from onhand.cli.app import session_of
from onhand.cli.errors import ExitCode
from onhand.cli.output import err, out
from onhand.cli.sync import run_and_show
from onhand.connect import connect_temporal, open_ledger
from onhand.embedded.stack import Happening, StackEvent
from onhand.imports import FileFormat, import_catalogue
from onhand.messages import SyncRequest
from onhand.running import Running, running
from onhand.settings import load_settings

TITLES = {
    "web": "overview",
    "sandbox": "sandbox shops",
    "temporal_ui": "Temporal Web UI",
    "docs": "API docs",
}

BAD = (Happening.DIED, Happening.RESTART_FAILED, Happening.GAVE_UP, Happening.STOP_FAILED)

NEXT_STEPS = """Try in another terminal, here:
  [bold]onhand explain 22423[/]                            why each channel shows what it shows
  [bold]onhand stock adjust 22423 -5 --location leeds[/]   the shops show it at once
  buy something in a sandbox shop: the other two show it at once
  [bold]onhand status[/]   [bold]onhand runs list[/]   [bold]onhand --help[/]
"""


def register(app: typer.Typer) -> None:
    """Hang the commands into the program."""
    app.command("up", rich_help_panel="Run")(up)
    app.command("demo", rich_help_panel="Run")(demo)


def up(ctx: typer.Context) -> None:
    """Run Onhand: database and Temporal (our own unless configured), worker and web app, until Ctrl-C."""
    session = session_of(ctx)
    log.configure(session.settings.log_format, session.settings.log_level)

    async def work() -> None:
        async with running(session.settings, session.config_path, _tell) as found:
            await found.start_programs()
            _print_addresses(found)
            await found.stack.until_stopped()

    asyncio.run(work())


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the first sync.")] = False,
) -> None:
    """Try Onhand here: a real catalogue on three sandbox shops, a first sync, until Ctrl-C. Data stays."""
    sample.lend_secrets()
    config, port = sample.prepare()
    code = asyncio.run(_demo(config, port, once=once))
    raise typer.Exit(code)


async def _demo(config: Path, port: int, *, once: bool) -> ExitCode:
    settings = load_settings(config)
    log.configure(settings.log_format, "warning")
    code = ExitCode.FAILURE
    async with running(settings, config, _tell) as found:
        await asyncio.gather(sample.start_shops(found, port), _import(found))
        await found.start_programs()
        await sample.subscribe(settings)
        client = await connect_temporal(settings)
        async with open_ledger(settings) as pool:
            code = await run_and_show(client, pool, SyncRequest(trigger="operator"), as_json=False)
        _print_addresses(found)
        out().print(NEXT_STEPS)
        if not once:
            out().print("Ctrl-C stops everything; the data stays.")
            await found.stack.until_stopped()
    return code


async def _import(found: Running) -> None:
    async with open_ledger(found.settings) as pool:
        await import_catalogue(pool, sample.home() / "demo" / "catalogue.csv", FileFormat())


def _print_addresses(found: Running) -> None:
    out().print()
    for name, title in TITLES.items():
        if name in found.urls:
            out().print(f"  {title:<16} {found.urls[name]}")
    out().print()


def _tell(event: StackEvent) -> None:
    """One line for what a person wants to know; what merely begins is not told."""
    if event.happening in (Happening.STARTING, Happening.STOPPING):
        return
    bad = event.happening in BAD
    style = "bold red" if bad else "dim"
    seconds = f" ({event.seconds:.1f} s)" if event.seconds else ""
    detail = f": {event.detail}" if event.detail else ""
    err().print(f"[{style}]{event.service} {event.happening.value}{seconds}{detail}[/]")
