"""`onhand halts`: listings that are held at zero; place and lift them by hand."""

import getpass
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.channels.registry import make_channel
from onhand.cli.app import JsonOption, Session, chosen_channels, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import ChannelOption, SkuArgument, in_ledger
from onhand.cli.output import err, grid, out, print_json
from onhand.connect import NotRunningError, connect_temporal
from onhand.explain.skus import known_sku
from onhand.ledger import halts, levels
from onhand.ledger.database import Pool
from onhand.ledger.halts import Halt
from onhand.reconcile import show_again
from onhand.wording import ago, count

Change = Callable[[Pool, Sequence[int]], Awaitable[list[int]]]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="Listings held at zero: list, place, lift.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("place")(place)
    group.command("lift")(lift)
    app.add_typer(group, name="halts", rich_help_panel="Stock")


def list_(ctx: typer.Context, channel: ChannelOption = None, as_json: JsonOption = False) -> None:
    """What is held at zero now, why, and what lifts it."""
    if channel is not None:
        chosen_channels(session_of(ctx).settings, channel)
    standing = in_ledger(session_of(ctx), lambda pool: halts.standing(pool, channel))
    if as_json:
        print_json(standing)
        return
    if not standing:
        out().print("nothing is halted")
        return
    now = datetime.now(UTC)
    table = grid("channel", "sku", "item", "since", "by", "cause", "reason", "lifted by")
    for halt in standing:
        table.add_row(
            escape(halt.channel), escape(halt.sku), escape(halt.item_id), ago(halt.placed_at, now),
            escape(halt.placed_by), halt.cause, escape(halt.reason), _lifting(halt),
        )  # fmt: skip
    out().print(table)
    out().print("lift one: onhand halts lift SKU --channel CHANNEL")


def _lifting(halt: Halt) -> str:
    if halt.cause == "oversell":
        return "the end of the oversell"
    if halt.clean_reads_needed is None:
        return "a person"
    return f"{halt.clean_reads} of {count(halt.clean_reads_needed, 'clean read-back')}"


def place(
    ctx: typer.Context,
    sku: SkuArgument,
    channel: ChannelOption = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown wherever the halt is.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Hold a SKU at zero, on one channel or on all, until somebody lifts it; the channels are told at once."""
    said = reason or "placed by hand"

    async def stop(pool: Pool, listings: Sequence[int]) -> list[int]:
        return await halts.place(pool, listings, by=getpass.getuser(), cause="operator", reason=said)

    _change(session_of(ctx), sku, channel, stop, "halted", as_json=as_json)


def lift(
    ctx: typer.Context,
    sku: SkuArgument,
    channel: ChannelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a SKU show what it should again, on one channel or on all; the channels are told at once."""
    settings = session_of(ctx).settings

    async def go_on(pool: Pool, listings: Sequence[int]) -> list[int]:
        lifted = await halts.lift(pool, listings, by=getpass.getuser())
        for name in chosen_channels(settings, channel) if lifted else ():
            if await halts.to_show_again(pool, name):
                adapter = make_channel(name, settings.channels[name])
                try:
                    await show_again(pool, adapter)
                finally:
                    await adapter.aclose()
        return lifted

    _change(session_of(ctx), sku, channel, go_on, "lifted", as_json=as_json)


def _change(
    session: Session, sku: str, channel: str | None, change: Change, word: str, *, as_json: bool
) -> None:
    """Do it for every listing of the SKU on the chosen channels, then signal their publishers."""
    names = chosen_channels(session.settings, channel)

    async def work(pool: Pool) -> tuple[dict[str, int], bool]:
        await known_sku(pool, sku)
        found = {
            listing: name
            for listing, name in await levels.listings_of_sku(pool, sku, channel)
            if name in names
        }
        changed = await change(pool, list(found))
        counts: dict[str, int] = {}
        for listing in changed:
            counts[found[listing]] = counts.get(found[listing], 0) + 1
        return counts, await _signal(session, sorted(counts))

    counts, signalled = in_ledger(session, work)
    if as_json:
        print_json({"sku": sku, word: counts, "signalled": signalled})
    elif not counts:
        out().print(f"{escape(sku)}: nothing to be {word}")
    for name, listings in counts.items() if not as_json else ():
        out().print(f"{escape(sku)} on {escape(name)}: {count(listings, 'listing')} {word}")
    if not signalled:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )
        raise typer.Exit(ExitCode.PARTIAL)


async def _signal(session: Session, channels: Sequence[str]) -> bool:
    # Loads Temporal's SDK, which a look at the ledger need not wait for.
    from onhand.waking import wake_publishers

    if not channels:
        return True
    try:
        client = await connect_temporal(session.settings)
    except (NotRunningError, RuntimeError):
        return False
    return await wake_publishers(client, channels)
