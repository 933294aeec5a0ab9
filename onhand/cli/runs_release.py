"""`onhand runs release`: look at what was held, let it go, and have it sent at once."""

import asyncio
import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand import guard
from onhand.cli.app import Session, chosen_channels, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.holds_view import hold_line, print_hold
from onhand.cli.ledger import ChannelOption
from onhand.cli.named_run import find_run
from onhand.cli.output import err, out
from onhand.connect import connect_temporal, open_ledger
from onhand.domain.guard import Tally
from onhand.ledger import holds, runs
from onhand.ledger.database import Pool
from onhand.ledger.holds import HeldRun
from onhand.messages import SyncRequest

SHOWN_MAX = 10_000


def release(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Only what this run held: its id, or its end; all, if not given."),
    ] = None,
    channel: ChannelOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    limit: Annotated[
        int,
        typer.Option("--show", help="How many of the changes to list, the biggest.", min=0, max=SHOWN_MAX),
    ] = 50,
) -> None:
    """Let a run that was held send what it wanted to, and no more: shows it, asks, and starts the sync at once.

    Exits 1 when nothing is held or nothing was released, else as sync does.
    """
    session = session_of(ctx)
    if channel is not None:
        chosen_channels(session.settings, channel)
    raise typer.Exit(asyncio.run(_release(session, run, channel, yes=yes, limit=limit)))


async def _release(
    session: Session, run: str | None, channel: str | None, *, yes: bool, limit: int
) -> ExitCode:
    async with open_ledger(session.settings) as pool:
        chosen = await _chosen(pool, session.settings.enabled_channels(), run, channel)
        shown = [(hold, await _show(session, pool, hold, limit)) for hold in chosen]
        names = ", ".join(dict.fromkeys(hold.channel for hold in chosen))
        if not yes and not typer.confirm(f"Send this to {names}?", err=True):
            err().print("nothing was released")
            return ExitCode.FAILURE
        client = await connect_temporal(session.settings)
        for hold, tally in shown:
            await guard.release(pool, hold, tally, by=getpass.getuser())
        to_sync = [hold.channel for hold in chosen if hold.kind == "sync"]
        for hold in chosen:
            if hold.kind == "reconciliation":
                out().print(f"{escape(hold.channel)}: released; the next read-back repairs it")
        if not to_sync:
            return ExitCode.SUCCESS
        # Loads Temporal's SDK and the progress bars, which a look at the holds need not wait for.
        from onhand.cli.sync import run_and_show

        return await run_and_show(
            client, pool, SyncRequest(channels=to_sync, trigger="operator"), as_json=False
        )


async def _show(session: Session, pool: Pool, hold: HeldRun, limit: int) -> Tally:
    """Print what would be sent now; answers how much that is, which is what is released."""
    now = datetime.now(UTC)
    if hold.kind != "sync":
        print_hold(hold, hold.tally, [], now)
        return hold.tally
    rules = session.settings.rule_book()
    with err().status(f"counting what would change on {escape(hold.channel)}"):
        tally, changes = await guard.biggest(pool, hold.channel, rules, limit)
    print_hold(hold, tally, changes, now)
    return tally


async def _chosen(pool: Pool, enabled: Sequence[str], run: str | None, channel: str | None) -> list[HeldRun]:
    """What stands and was meant; that there is nothing is said with the reason. Raises OperatorError."""
    every = await holds.of_channels(pool, [name for name in enabled if channel in (None, name)])
    found = [hold for hold in every if hold.stands]
    if run is not None:
        found = await _of_run(pool, found, run)
    if found:
        return found
    released = next((hold for hold in every if not hold.stands), None)
    if released is not None:
        raise OperatorError(hold_line(released, datetime.now(UTC)), "onhand sync sends it now.")
    where = "" if channel is None else f" on {channel}"
    raise OperatorError(f"nothing is held{where}", "See `onhand runs list` and `onhand channels list`.")


async def _of_run(pool: Pool, found: list[HeldRun], named: str) -> list[HeldRun]:
    """Those of these holds that the run named was held by; later runs may have been held, too."""
    by_id = [hold for hold in found if hold.run_id.endswith(named)]
    if by_id:
        return by_id
    run = await find_run(pool, named)
    held = {row.channel for row in await runs.run_channels(pool, run.id) if row.status == "held"}
    if not held:
        raise OperatorError(f"run {run.id} was not held", "See `onhand runs list`.", ExitCode.USAGE)
    return [hold for hold in found if hold.kind == "sync" and hold.channel in held]
