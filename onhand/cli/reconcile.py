"""`onhand reconcile`: read the channels back now, see what drifted, why, and what was done about it."""

import asyncio
from typing import Annotated

import typer
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from temporalio.client import Client

from onhand import reconciliations
from onhand.channels.errors import ChannelError
from onhand.channels.registry import make_channel
from onhand.cli.app import JsonOption, Session, chosen_channels, session_of
from onhand.cli.drift_view import print_drifts, print_foreseen, print_read_back
from onhand.cli.errors import ExitCode
from onhand.cli.output import err, out, print_json
from onhand.connect import connect_temporal, open_ledger
from onhand.explain.skus import known_sku
from onhand.ledger import reconcile as records
from onhand.ledger.database import Pool
from onhand.messages import ReconcileRequest
from onhand.reconcile import Policy
from onhand.reconcile.preview import Foreseen, preview
from onhand.settings import Settings


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("reconcile", rich_help_panel="Sync")(reconcile)


def reconcile(
    ctx: typer.Context,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel.")] = None,
    sku: Annotated[list[str] | None, typer.Option("--sku", help="Only this SKU; may be given again.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge only; write nothing anywhere.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read back what the channels really show; explain, repair or halt what drifted. Exits 3 when drift remains."""
    session = session_of(ctx)
    names = None if channel is None else chosen_channels(session.settings, channel)
    if dry_run:
        looking = _look(session.settings, names, sku or None, as_json=as_json)
        raise typer.Exit(asyncio.run(looking))
    request = ReconcileRequest(channels=names, skus=sku or None, trigger="operator")
    raise typer.Exit(asyncio.run(_reconcile(session, request, as_json=as_json)))


async def _reconcile(session: Session, request: ReconcileRequest, *, as_json: bool) -> ExitCode:
    client = await connect_temporal(session.settings)
    async with open_ledger(session.settings) as pool:
        for sku in request.skus or ():
            await known_sku(pool, sku)
        return await run_and_show(client, pool, request, as_json=as_json)


async def run_and_show(client: Client, pool: Pool, request: ReconcileRequest, *, as_json: bool) -> ExitCode:
    """Start a read-back, show its progress, print what it found; answers the exit code."""
    handle = await reconciliations.start(client, request)
    err().print(f"read-back [bold]{handle.id}[/]")
    lines = _Lines()
    with Live(lines.display, console=err(), refresh_per_second=8, transient=True):
        async for seen in reconciliations.follow(handle, pool):
            lines.show(seen)
    status, summary, left = await reconciliations.outcome(handle)
    last = await reconciliations.look(pool, handle.id)
    began = last.record.started_at if last.record else None
    names = {row.channel for row in last.channels}
    drifts = [row for row in await records.drifts(pool, since=began) if row.channel in names] if began else []
    if as_json:
        document = {"read_back": last.record, "status": status, "summary": summary, "open": left}
        print_json({**document, "channels": last.channels, "drifts": drifts})
    else:
        print_read_back(last.channels, status, summary)
        print_drifts(drifts)
    if status in ("clean", "drift"):
        return ExitCode.PARTIAL if left else ExitCode.SUCCESS
    return ExitCode.FAILURE if status == "failed" else ExitCode.PARTIAL


class _Lines:
    """One line for each channel, with how far its walk has come."""

    def __init__(self) -> None:
        self.display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<14}"),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=err(),
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, seen: reconciliations.Progress) -> None:
        for row in seen.channels:
            if row.channel not in self._tasks:
                self._tasks[row.channel] = self.display.add_task(row.channel, total=None, note="")
            note = f"{row.levels:,} levels read back, {row.suspects:,} to be looked at again"
            self.display.update(self._tasks[row.channel], note=note)


async def _look(
    settings: Settings, names: list[str] | None, skus: list[str] | None, *, as_json: bool
) -> ExitCode:
    """Print what a read-back would find; a channel that does not answer is told, and the next is looked at."""
    found: list[Foreseen] = []
    failed: dict[str, str] = {}
    chosen = names or settings.enabled_channels()
    policy = Policy(
        settings.reconcile.response(), settings.reconcile.accept_overselling, settings.web.public_url
    )
    async with open_ledger(settings) as pool:
        for sku in skus or ():
            await known_sku(pool, sku)
        for name in chosen:
            channel = make_channel(name, settings.channels[name])
            try:
                found += [each async for each in preview(pool, channel, settings.rule_book(), policy, skus)]
            except ChannelError as error:
                failed[name] = str(error)
            finally:
                await channel.aclose()
    if as_json:
        print_json({"dry_run": True, "drifts": found, "failed": failed})
    else:
        print_foreseen(found)
        for name, reason in failed.items():
            out().print(f"[red]{name}: {reason}[/]")
        out().print("[bold]dry run: nothing was written anywhere[/]")
    if failed and len(failed) == len(chosen):
        return ExitCode.FAILURE
    return ExitCode.PARTIAL if found or failed else ExitCode.SUCCESS
