"""`onhand velocity`: how fast a SKU sells, where, and how long its changes take to be shown."""

import asyncio

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import SkuArgument, in_ledger
from onhand.cli.output import grid, jsonable, out, print_json
from onhand.explain.skus import known_sku
from onhand.ledger import velocity
from onhand.ledger.database import Pool
from onhand.ledger.stock import SkuCard
from onhand.ledger.velocity import ChannelVelocity, Propagation
from onhand.wording import duration

Found = tuple[SkuCard, list[ChannelVelocity], list[Propagation]]


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("velocity", rich_help_panel="Stock")(show)


def show(ctx: typer.Context, sku: SkuArgument, as_json: JsonOption = False) -> None:
    """How fast does a SKU sell, on which channel, from which location? And how long until a change is shown?"""
    card, speeds, propagations = in_ledger(session_of(ctx), lambda pool: _found(pool, sku))
    if as_json:
        tier = str(card.tier)
        print_json(
            {
                **jsonable(card), "tier": tier, "by_channel": speeds, "propagation": propagations,
            }
        )  # fmt: skip
        return
    console = out()
    console.print(f"{escape(card.code)}: {card.per_day:,.1f} units a day, {card.tier}")
    if speeds:
        table = grid("channel", "location", "units a day", right=("units a day",))
        for speed in speeds:
            table.add_row(escape(speed.channel), escape(speed.location), f"{speed.per_day:,.1f}")
        console.print(table)
    for each in propagations:
        console.print(f"{escape(each.channel)} shows 99 of 100 changes within {duration(each.seconds)}")


async def _found(pool: Pool, sku: str) -> Found:
    card = await known_sku(pool, sku)
    speeds, propagations = await asyncio.gather(velocity.by_channel(pool, sku), velocity.propagations(pool))
    return card, speeds, propagations
