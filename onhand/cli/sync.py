"""`onhand sync`: bring the channels to their targets now, and watch it happen."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from temporalio.client import Client

from onhand import runs
from onhand.cli.app import JsonOption, Session, chosen_channels, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.output import err, grid, out, print_json, status
from onhand.cli.preview import print_preview
from onhand.connect import connect_temporal, open_ledger
from onhand.explain.skus import known_sku
from onhand.ledger.database import Pool
from onhand.messages import SyncRequest
from onhand.wording import duration

EXIT = {"success": ExitCode.SUCCESS, "partial": ExitCode.PARTIAL, "failed": ExitCode.FAILURE}

UNHEARD_SECONDS = 10.0
UNHEARD = (
    "[yellow]no worker has taken the run up yet.[/] It waits in Temporal and starts as soon as one does; "
    "see `onhand doctor`. Ctrl-C leaves it waiting."
)


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("sync", rich_help_panel="Sync")(sync)


def sync(
    ctx: typer.Context,
    full: Annotated[
        bool, typer.Option("--full", help="Read the source whole, and every level back, whatever is known.")
    ] = False,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel.")] = None,
    sku: Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; may be given again.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print every level that would change; write nothing anywhere.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the channels to what the ledger says, now. Exits 3 when some levels could not be set."""
    session = session_of(ctx)
    request = SyncRequest(
        full=full,
        channels=None if channel is None else chosen_channels(session.settings, channel),
        skus=sku or None,
        trigger="operator",
    )
    if dry_run:
        code = asyncio.run(print_preview(session.settings, request, as_json=as_json))
    else:
        code = asyncio.run(_sync(session, request, as_json=as_json))
    raise typer.Exit(code)


async def _sync(session: Session, request: SyncRequest, *, as_json: bool) -> ExitCode:
    client = await connect_temporal(session.settings)
    async with open_ledger(session.settings) as pool:
        for sku in request.skus or ():
            await known_sku(pool, sku)
        return await run_and_show(client, pool, request, as_json=as_json)


async def run_and_show(client: Client, pool: Pool, request: SyncRequest, *, as_json: bool) -> ExitCode:
    """Start a run, show its progress, print how it ended; answers the exit code."""
    handle = await runs.start(client, request)
    err().print(f"run [bold]{handle.id}[/]")
    bars = _Bars(err())
    asked_at, told = time.monotonic(), False
    with Live(bars.display, console=err(), refresh_per_second=8, transient=True):
        async for seen in runs.follow(handle, pool):
            bars.show(seen)
            if seen.run is None and not told and time.monotonic() - asked_at > UNHEARD_SECONDS:
                told = True
                err().print(UNHEARD)
    ended, summary = await runs.outcome(handle)
    last = await runs.look(pool, handle.id)
    if as_json:
        print_json({"run": last.run, "status": ended, "summary": summary, "channels": last.channels})
    else:
        print_run(out(), last, ended, summary)
    return EXIT[ended]


class _Bars:
    """One bar for each channel, that grows as planning finds levels and moves as they are done."""

    def __init__(self, console: Console) -> None:
        self.display = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def show(self, seen: runs.Progress) -> None:
        for row in seen.channels:
            if row.channel not in self._bars:
                self._bars[row.channel] = self.display.add_task(row.channel, total=None, note="")
            note = f"{row.changed} changed" + (f", [red]{row.failed} failed[/]" if row.failed else "")
            self.display.update(
                self._bars[row.channel],
                total=row.levels or None,
                completed=row.changed + row.unchanged + row.failed,
                note=note,
            )


def print_run(console: Console, seen: runs.Progress, ended: str, summary: str) -> None:
    """The summary of a run: a line of the source, a row for each channel, and where to look next."""
    console.print(status(ended), summary)
    if seen.run is None:
        return
    run = seen.run
    console.print(
        f"source: {run.rows_read} rows, {run.rows_posted} posted, {run.rows_unchanged} unchanged, "
        f"{run.rows_refused} refused"
    )
    table = grid(
        "channel", "status", "levels", "changed", "unchanged", "failed", "unmapped", "writes", "reads",
        "waited", "took",
        right=("levels", "changed", "unchanged", "failed", "unmapped", "writes", "reads", "waited", "took"),
    )  # fmt: skip
    for row in seen.channels:
        took = (row.finished_at - row.started_at).total_seconds() if row.finished_at else 0.0
        numbers = (row.levels, row.changed, row.unchanged, row.failed, row.skipped, row.writes, row.reads)
        table.add_row(
            row.channel, status(row.status), *map(str, numbers), duration(row.waited_seconds), duration(took)
        )
    console.print(table)
    if ended != "success" or run.rows_refused:
        console.print(f"every failure with its reason: onhand runs show {run.id}")
