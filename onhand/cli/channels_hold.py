"""`onhand channels pause` and `resume`: keep levels from being told to a channel, and go on."""

import getpass
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import chosen_channels, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import in_ledger, make_places_known
from onhand.cli.output import err, out
from onhand.connect import NotRunningError, connect_temporal
from onhand.ledger import work
from onhand.ledger.database import Pool
from onhand.ledger.work import Hold
from onhand.settings import Settings

ChannelArgument = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="Its name in the configuration.", show_default=False)
]


def pause(
    ctx: typer.Context,
    channel: ChannelArgument,
    note: Annotated[str, typer.Option("--note", help="Why; shown wherever the pause is.")] = "",
) -> None:
    """Tell the channel nothing until resumed: changes wait, none is lost, sync runs skip it. Its orders are taken."""
    settings = session_of(ctx).settings
    chosen_channels(settings, channel)

    async def stop(pool: Pool) -> None:
        await make_places_known(pool, settings)
        await work.pause(pool, channel, note, getpass.getuser())

    in_ledger(session_of(ctx), stop)
    out().print(f"{escape(channel)}: paused; go on with: onhand channels resume {escape(channel)}")


def resume(ctx: typer.Context, channel: ChannelArgument) -> None:
    """Go on telling the channel its changes; where its breaker is open, try the channel now."""
    settings = session_of(ctx).settings
    chosen_channels(settings, channel)

    async def go_on(pool: Pool) -> tuple[Hold, bool]:
        await make_places_known(pool, settings)
        before = (await work.holds(pool, [channel]))[channel]
        await work.resume(pool, channel)
        return before, await _signal(settings, channel, probe=bool(before.trouble))

    before, signalled = in_ledger(session_of(ctx), go_on)
    out().print(f"{escape(channel)}: {_said(before)}")
    if not signalled:
        err().print(
            "its publisher could not be signalled: Temporal does not answer; the next order sweep wakes it"
        )
        raise typer.Exit(ExitCode.PARTIAL)


def _said(before: Hold) -> str:
    if before.trouble:
        return "tried again now; how it went: onhand channels list"
    return "goes on" if before.paused_at is not None else "was not paused; its publisher looks once more"


async def _signal(settings: Settings, channel: str, *, probe: bool) -> bool:
    # Loads Temporal's SDK, which a look at the ledger need not wait for.
    from onhand.waking import probe_publisher, wake_publishers

    try:
        client = await connect_temporal(settings)
    except (NotRunningError, RuntimeError):
        return False
    return await (probe_publisher(client, channel) if probe else wake_publishers(client, [channel]))
