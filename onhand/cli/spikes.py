"""`onhand spikes`: SKUs that sell many times faster than usual."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import in_ledger
from onhand.cli.output import grid, jsonable, out, print_json
from onhand.explain.skus import known_sku
from onhand.ledger import spikes
from onhand.ledger.database import Pool
from onhand.ledger.spikes import SpikeRow
from onhand.wording import ago

LIMIT_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="SKUs that sell many times faster than usual.", no_args_is_help=True)
    group.command("list")(list_)
    group.callback()(_group)
    app.add_typer(group, name="spikes", rich_help_panel="Stock")


def _group() -> None:
    """SKUs that sell many times faster than usual."""


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    sku: Annotated[str | None, typer.Option("--sku", help="Only this SKU.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=LIMIT_MAX)] = 50,
    as_json: JsonOption = False,
) -> None:
    """What spikes now: how fast against what is usual, what is held back for it, and which tier it goes back to."""

    async def work(pool: Pool) -> list[SpikeRow]:
        if sku is not None:
            await known_sku(pool, sku)
        return await spikes.listed(pool, everything=everything, sku=sku, limit=limit)

    rows = in_ledger(session_of(ctx), work)
    if as_json:
        print_json([{**jsonable(row), "tier_after": str(row.tier_after)} for row in rows])
        return
    if not rows:
        out().print("nothing spikes" if not everything else "nothing has spiked")
        return
    now = datetime.now(UTC)
    numbers = ("usual an hour", "then", "at most", "held back")
    table = grid("sku", *numbers, "began", "over", "goes back to", right=numbers)
    for row in rows:
        table.add_row(
            escape(row.sku), f"{row.usual:,.1f}", f"{row.units:,}", f"{row.peak:,}", f"{row.held_back:,}",
            ago(row.began_at, now), "" if row.ended_at is None else ago(row.ended_at, now), str(row.tier_after),
        )  # fmt: skip
    out().print(table)
