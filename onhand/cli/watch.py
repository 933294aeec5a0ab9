"""`onhand watch`: how things go, as they go."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import psycopg
import psycopg_pool
import typer
from rich.live import Live

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import in_ledger
from onhand.cli.output import out, print_json
from onhand.cli.watch_view import Watched, watch_view
from onhand.ledger import pace, work
from onhand.ledger.database import Pool

INTERVAL_SECONDS_MIN = 0.2
INTERVAL_SECONDS_MAX = 3_600.0


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("watch", rich_help_panel="Run")(watch)


def watch(
    ctx: typer.Context,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            help="Seconds between two looks.",
            min=INTERVAL_SECONDS_MIN,
            max=INTERVAL_SECONDS_MAX,
        ),
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end, as it does in a pipe.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Orders in, levels out, time-to-sync, what waits and what is in the way, for each channel; Ctrl-C ends it.

    Time-to-sync is from the moment a change was durable until the channel had accepted it. Two reads of the ledger a
    look, and none of a channel. JSON is of one look.
    """
    channels = session_of(ctx).settings.enabled_channels()

    async def looking(pool: Pool) -> None:
        if as_json:
            print_json(await look(pool, channels))
        elif once or not sys.stdout.isatty():
            out().print(watch_view(await look(pool, channels)))
        else:
            await _show(looks(pool, channels, interval))

    with suppress(KeyboardInterrupt):
        in_ledger(session_of(ctx), looking)


async def look(pool: Pool, channels: list[str]) -> Watched:
    """How things stand in this moment."""
    return Watched(
        datetime.now(UTC),
        tuple(await pace.of_channels(pool, channels)),
        tuple(await work.of_channels(pool, channels)),
    )


async def looks(pool: Pool, channels: list[str], interval: float) -> AsyncIterator[Watched | str]:
    """Look again and again, for ever. Where the ledger does not answer, why; it is asked again."""
    while True:
        try:
            yield await look(pool, channels)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            yield (str(error).splitlines() or [type(error).__name__])[0]
        await asyncio.sleep(interval)


async def _show(seen: AsyncIterator[Watched | str]) -> None:
    last: Watched | None = None
    with Live(console=out(), auto_refresh=False, screen=True) as live:
        async for each in seen:
            problem = each if isinstance(each, str) else ""
            last = each if isinstance(each, Watched) else last
            live.update(watch_view(last, problem), refresh=True)
