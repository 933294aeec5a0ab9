"""`onhand drift`: levels that channels showed otherwise than they should, and what is behind them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.drift_view import print_drifts
from onhand.cli.ledger import ChannelOption, in_ledger
from onhand.cli.output import out, print_json
from onhand.explain.skus import known_sku
from onhand.ledger import reconcile
from onhand.ledger.database import Pool
from onhand.ledger.reconcile import CauseCount, DriftRow
from onhand.reconcile.summary import sentences

HOURS_MAX = 24 * 365


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="What read-backs found wrong, and why.", no_args_is_help=True)
    group.command("list")(list_)
    group.callback()(_group)
    app.add_typer(group, name="drift", rich_help_panel="Stock")


def _group() -> None:
    """What read-backs found wrong, and why."""


def list_(
    ctx: typer.Context,
    channel: ChannelOption = None,
    sku: Annotated[str | None, typer.Option("--sku", help="Only this SKU.", show_default=False)] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is not over yet.")] = False,
    since: Annotated[
        float, typer.Option("--since", help="Seen within so many hours.", min=0.01, max=HOURS_MAX)
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """Drifts, newest first, with what caused them; root causes first, in sentences, unless it is of one SKU."""
    if channel is not None:
        chosen_channels(session_of(ctx).settings, channel)
    after = datetime.now(UTC) - timedelta(hours=since)

    async def read(pool: Pool) -> tuple[list[DriftRow], list[CauseCount]]:
        if sku is not None:
            await known_sku(pool, sku)
        rows = await reconcile.drifts(pool, channel=channel, sku=sku, open_only=open_only, since=after)
        # Root causes are of many SKUs; beside one they would be of others.
        return rows, [] if sku is not None else await reconcile.causes(pool, after, channel=channel)

    rows, causes = in_ledger(session_of(ctx), read)
    said = sentences(causes, f"in the last {since:g} hours")
    if as_json:
        print_json({"causes": said, "drifts": rows})
        return
    for sentence in said:
        out().print(sentence, markup=False)
    if not rows:
        out().print("nothing has drifted" if not open_only else "nothing is adrift")
    print_drifts(rows)
