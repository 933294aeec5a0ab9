"""`onhand explain SKU`: why does a channel show 7?"""

from typing import Annotated

import typer

from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.explain_view import print_explanation
from onhand.cli.ledger import ChannelOption, SkuArgument, in_ledger
from onhand.cli.output import jsonable, print_json
from onhand.cli.stock_view import location_documents
from onhand.explain.explanation import explain_sku

ITEMS_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Hang the command into the program."""
    app.command("explain", rich_help_panel="Stock")(explain)


def explain(
    ctx: typer.Context,
    sku: SkuArgument,
    channel: ChannelOption = None,
    events: Annotated[
        int, typer.Option("--events", help="How many of the newest events to show.", min=0, max=ITEMS_MAX)
    ] = 10,
    pushes: Annotated[
        int,
        typer.Option("--pushes", help="How many of the last pushes of each listing.", min=0, max=ITEMS_MAX),
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """Why does a channel show what it shows? Stock, rules step by step, pushes, and what is pending."""
    session = session_of(ctx)
    settings = session.settings
    channels = list(settings.channels) if channel is None else chosen_channels(settings, channel)
    explanation = in_ledger(
        session,
        lambda pool: explain_sku(pool, settings.rule_book(), channels, sku, events=events, pushes=pushes),
    )
    if as_json:
        print_json({**jsonable(explanation), "balances": location_documents(explanation.balances)})
    else:
        print_explanation(explanation)
