"""`onhand channels`: how each channel stands, whether it can be worked with, and pausing it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import typer
from rich.markup import escape

from onhand.channels.base import Finding
from onhand.channels.errors import ChannelError
from onhand.channels.registry import make_channel
from onhand.cli import channels_hold
from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.errors import ExitCode, channel_sentence
from onhand.cli.holds_view import print_holds
from onhand.cli.ledger import ChannelOption, in_ledger, make_places_known
from onhand.cli.output import grid, mark, out, print_json, status
from onhand.cli.work_view import hold_text, waits
from onhand.ledger import holds, stock, work
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun
from onhand.ledger.stock import ChannelRow
from onhand.ledger.work import ChannelWork
from onhand.settings import Settings, SettingsError
from onhand.wording import ago


@dataclass(frozen=True, slots=True)
class ChannelFindings:
    """What was found on one channel."""

    channel: str
    platform: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found that needs a person."""
        return all(finding.ok for finding in self.findings)


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="How each channel stands: list them, check them, pause one.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("check")(check)
    group.command("pause")(channels_hold.pause)
    group.command("resume")(channels_hold.resume)
    app.add_typer(group, name="channels", rich_help_panel="Channels")


def list_(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Listings, what is pending or given up, the last push and run, and how real time stands, for each channel."""
    settings = session_of(ctx).settings

    async def look(pool: Pool) -> tuple[list[ChannelRow], list[ChannelWork], list[HeldRun]]:
        await make_places_known(pool, settings)
        names = list(settings.channels)
        return (
            await stock.channel_overview(pool, names),
            await work.of_channels(pool, names),
            await holds.of_channels(pool, names),
        )

    rows, works, held = in_ledger(session_of(ctx), look)
    if as_json:
        print_json(
            [
                {
                    "enabled": settings.channels[row.channel].enabled,
                    "state": row,
                    "work": live,
                    "holds": [hold for hold in held if hold.channel == row.channel],
                }
                for row, live in zip(rows, works, strict=True)
            ]
        )
    else:
        _print_list(rows, settings)
        _print_work(works)
        print_holds(held, datetime.now(UTC))


def _print_list(rows: Sequence[ChannelRow], settings: Settings) -> None:
    now = datetime.now(UTC)
    right = ("listings", "pending", "given up")
    table = grid(
        "channel",
        "platform",
        "listings",
        "mapped",
        "pending",
        "given up",
        "last push",
        "last run",
        right=right,
    )
    for row in rows:
        off = "" if settings.channels[row.channel].enabled else " [dim](off)[/]"
        pending = f"{row.pending:,}" + (f" since {ago(row.pending_since, now)}" if row.pending_since else "")
        parked = f"[red]{row.parked:,}[/]" if row.parked else "0"
        push = f"{row.push_outcome} {ago(row.pushed_at, now)}" if row.pushed_at else "none lately"
        run = status(row.run_status).append(f" {ago(row.run_started_at, now)}") if row.run_status else "never"
        table.add_row(
            f"{escape(row.channel)}{off}", row.platform, f"{row.listings:,}", ago(row.mapped_at, now), pending,
            parked, push, run,
        )  # fmt: skip
    out().print(table)


def _print_work(works: Sequence[ChannelWork]) -> None:
    now = datetime.now(UTC)
    table = grid(
        "channel", "inbox", "to tell", "last heard", "last sweep", "real time", right=("inbox", "to tell")
    )
    for live in works:
        table.add_row(
            escape(live.channel),
            waits(live.inbox, live.inbox_oldest, now),
            waits(live.outbox, live.outbox_oldest, now),
            ago(live.heard_at, now),
            ago(live.swept_at, now),
            hold_text(live.hold, now),
        )
    out().print()
    out().print(table)


def check(ctx: typer.Context, channel: ChannelOption = None, as_json: JsonOption = False) -> None:
    """Reachability, credentials, scopes and settings of each channel; exits 1 when something is wrong."""
    settings = session_of(ctx).settings
    results = asyncio.run(check_channels(settings, chosen_channels(settings, channel)))
    if as_json:
        print_json([{"ok": result.ok, **_document(result)} for result in results])
    else:
        for result in results:
            out().print(f"[bold]{escape(result.channel)}[/] ({result.platform})")
            print_findings(result.findings)
    raise typer.Exit(ExitCode.SUCCESS if all(result.ok for result in results) else ExitCode.FAILURE)


def _document(result: ChannelFindings) -> dict[str, object]:
    return {"channel": result.channel, "platform": result.platform, "findings": result.findings}


def print_findings(findings: Sequence[Finding]) -> None:
    """Findings one below the other, each with what to do."""
    table = grid("", "", "")
    table.show_header = False
    for finding in findings:
        said = escape(without_advice(finding.message, finding.advice))
        if finding.advice and not finding.ok:
            said += f"\n[bold]what to do:[/] {escape(finding.advice)}"
        table.add_row(mark(finding.ok), escape(finding.subject), said)
    out().print(table)


def without_advice(message: str, advice: str) -> str:
    """The message alone, where it ends with the advice that is told beside it."""
    return message.removesuffix(advice).rstrip() if advice else message


async def check_channels(settings: Settings, names: Sequence[str]) -> list[ChannelFindings]:
    """What each channel says of itself, all asked at once."""
    return list(await asyncio.gather(*(_check(settings, name) for name in names)))


async def _check(settings: Settings, name: str) -> ChannelFindings:
    platform = settings.channels[name].platform
    try:
        channel = make_channel(name, settings.channels[name])
    except SettingsError as error:
        return ChannelFindings(
            name, platform, (Finding("configuration", False, str(error), "Correct it, then ask again."),)
        )
    try:
        return ChannelFindings(name, platform, tuple(await channel.check()))
    except ChannelError as error:
        return ChannelFindings(
            name, platform, (Finding("reachable", False, channel_sentence(error), error.advice),)
        )
    finally:
        await channel.aclose()
