"""`onhand oversells`: SKUs of which more is promised than there is, whom it hits, and what to do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import SkuArgument, in_ledger
from onhand.cli.output import grid, jsonable, out, print_json
from onhand.explain.skus import known_sku
from onhand.ledger import halts, kits, oversells
from onhand.ledger.database import Pool
from onhand.ledger.halts import Halt
from onhand.ledger.oversells import OversellRow
from onhand.wording import ago, count, moment

LIMIT_MAX = 1_000


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="SKUs of which more is promised than there is: list them, show one.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="oversells", rich_help_panel="Stock")


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=LIMIT_MAX)] = 50,
    as_json: JsonOption = False,
) -> None:
    """What is oversold now, the newest first; exits 3 while anything is."""
    rows = in_ledger(session_of(ctx), lambda pool: oversells.listed(pool, resolved=everything, limit=limit))
    if as_json:
        print_json(rows)
    else:
        _print_list(rows)
    raise typer.Exit(ExitCode.PARTIAL if any(row.resolved_at is None for row in rows) else ExitCode.SUCCESS)


def _print_list(rows: Sequence[OversellRow]) -> None:
    if not rows:
        out().print("nothing is oversold")
        return
    now = datetime.now(UTC)
    numbers = ("short now", "at worst", "orders")
    table = grid("sku", *numbers, "found", "sold last on", "over", right=numbers)
    for row in rows:
        table.add_row(
            escape(row.sku), f"{row.short_now:,}", f"{row.units_short:,}", f"{len(row.orders):,}",
            ago(row.found_at, now), escape(row.last_channel or ""),
            "" if row.resolved_at is None else ago(row.resolved_at, now),
        )  # fmt: skip
    out().print(table)


def show(ctx: typer.Context, sku: SkuArgument, as_json: JsonOption = False) -> None:
    """The orders that cannot be filled, who sold last, what is halted, and what to do; exits 3 while it is oversold.

    Where it is not oversold now, its last oversell is shown.
    """
    session = session_of(ctx)
    row, halted = in_ledger(session, lambda pool: _found(pool, sku))
    playbook = session.settings.oversell.playbook
    if as_json:
        print_json({**jsonable(row), "halts": halted, "playbook": playbook})
    else:
        _print_one(row, halted, playbook)
    raise typer.Exit(ExitCode.PARTIAL if row.resolved_at is None else ExitCode.SUCCESS)


async def _found(pool: Pool, sku: str) -> tuple[OversellRow, list[Halt]]:
    await known_sku(pool, sku)
    rows = await oversells.listed(pool, sku=sku, resolved=True, limit=1)
    if not rows:
        raise OperatorError(f"{sku} was never oversold", "onhand oversells list --all", ExitCode.USAGE)
    # A kit is halted with what it is packed from.
    skus = {sku, *(kit.sku for kit in await kits.listed(pool, component=sku, limit=LIMIT_MAX))}
    return rows[0], [halt for halt in await halts.standing(pool) if halt.sku in skus]


def _print_one(row: OversellRow, halted: Sequence[Halt], playbook: str) -> None:
    now = datetime.now(UTC)
    over = row.resolved_at is not None
    short = f"{count(row.short_now, 'unit')} short" if not over else f"over: {row.resolution}"
    worst = f", {row.units_short:,} at worst" if row.units_short != row.short_now else ""
    table = grid("", "")
    table.show_header = False
    table.add_row("SKU", escape(f"{row.sku} {row.name}".strip()))
    table.add_row("oversold", f"{escape(short)}{worst}")
    table.add_row("found", f"{moment(row.found_at)} ({ago(row.found_at, now)})")
    if row.resolved_at is not None:
        table.add_row("over since", f"{moment(row.resolved_at)} ({ago(row.resolved_at, now)})")
    table.add_row("sold last on", escape(row.last_channel or "no open order of a channel holds it"))
    for n, halt in enumerate(sorted(halted, key=lambda halt: (halt.channel, halt.item_id))):
        table.add_row("" if n else "halted", escape(f"{halt.channel} {halt.item_id}: {halt.reason}"))
    out().print(table)
    if row.orders:
        out().print()
        orders = grid("order", "channel", "units it lacks", right=("units it lacks",))
        for order in row.orders:
            orders.add_row(escape(order.order_id), escape(order.channel), f"{order.units:,}")
        out().print(orders)
    if not over and playbook:
        out().print()
        out().print(f"[bold]what to do:[/] {escape(playbook)}")
