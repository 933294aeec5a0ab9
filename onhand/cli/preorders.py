"""`onhand preorders`: SKUs that are sold before they arrive, and whom what is to come is promised to."""

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import SkuArgument, in_ledger, make_places_known
from onhand.cli.output import err, grid, jsonable, out, print_json
from onhand.cli.stock_post import wake
from onhand.domain.events import QUANTITY_MAX
from onhand.explain.skus import known_sku
from onhand.ledger import kits, preorders
from onhand.ledger.database import Pool
from onhand.ledger.preorders import PreOrderRow, PromiseRow
from onhand.wording import ago, count, moment


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="SKUs that are sold before they arrive: open, close, list, show.", no_args_is_help=True
    )
    group.command("open")(open_)
    group.command("close")(close)
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="preorders", rich_help_panel="Stock")


def open_(
    ctx: typer.Context,
    sku: SkuArgument,
    cap: Annotated[
        int, typer.Option("--cap", min=1, max=QUANTITY_MAX, help="Units that may be promised at a time.")
    ],
    promise: Annotated[
        datetime,
        typer.Option("--promise", formats=["%Y-%m-%d"], help="The day they are promised for."),
    ],
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="CHANNEL", help="Only this one may; may be given several times."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sell a SKU before it arrives: at most CAP units, and no more than are on their way by that day."""
    settings = session_of(ctx).settings
    unknown = [name for name in channel or () if name not in settings.channels]
    if unknown:
        known = ", ".join(settings.channels)
        raise OperatorError(f"{unknown[0]!r} is not in [channels]; known are {known}", code=ExitCode.USAGE)
    if promise.date() < datetime.now(settings.report.zone()).date():
        raise OperatorError(
            f"--promise {promise:%Y-%m-%d} is past; promise a day to come", code=ExitCode.USAGE
        )

    async def work(pool: Pool) -> tuple[PreOrderRow, bool]:
        await make_places_known(pool, settings)
        await known_sku(pool, sku)
        if await kits.kits_among(pool, [sku]):
            raise OperatorError(
                f"{sku} is a kit, and a kit never arrives",
                f"open its components for pre-orders (onhand kits show {sku})",
                ExitCode.USAGE,
            )
        by = getpass.getuser()
        woken = await preorders.open_(pool, sku, cap, promise.date(), sorted(set(channel or ())), by)
        (row,) = await preorders.listed(pool, sku=sku, everything=True)
        return row, await wake(settings, woken)

    row, signalled = in_ledger(session_of(ctx), work)
    if as_json:
        print_json(document(row))
    else:
        out().print(
            f"{escape(sku)}: {count(row.left, 'unit')} may be sold before they arrive "
            f"({row.due:,} on their way by {row.promised_for}, {row.short:,} promised, at most {row.cap:,})"
        )
    _require_signalled(signalled)


def close(ctx: typer.Context, sku: SkuArgument, as_json: JsonOption = False) -> None:
    """Promise no more of it. What was promised stays so, and is served first when units come in."""
    settings = session_of(ctx).settings

    async def work(pool: Pool) -> tuple[PreOrderRow, bool]:
        await known_sku(pool, sku)
        woken = await preorders.close(pool, sku)
        if woken is None:
            raise OperatorError(f"{sku} is not open for pre-orders", "onhand preorders list", ExitCode.USAGE)
        (row,) = await preorders.listed(pool, sku=sku, everything=True)
        return row, await wake(settings, woken)

    row, signalled = in_ledger(session_of(ctx), work)
    if as_json:
        print_json(document(row))
    else:
        out().print(f"{escape(sku)}: closed; {count(row.covered, 'unit')} promised")
    _require_signalled(signalled)


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that owe nothing any more, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What is sold before it arrives, and how much of it is promised."""
    rows = in_ledger(session_of(ctx), lambda pool: preorders.listed(pool, everything=everything))
    if as_json:
        print_json([document(row) for row in rows])
    else:
        _print_list(rows)


def show(
    ctx: typer.Context,
    sku: SkuArgument,
    everything: Annotated[bool, typer.Option("--all", help="Promises that are settled, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Who waits for a SKU, in the order in which they are served; exits 3 where some are late or not covered."""

    async def work(pool: Pool) -> tuple[PreOrderRow, list[PromiseRow]]:
        await known_sku(pool, sku)
        rows = await preorders.listed(pool, sku=sku, everything=True)
        if not rows:
            raise OperatorError(
                f"{sku} was never sold before it arrived", "onhand preorders list", ExitCode.USAGE
            )
        await preorders.keep_promises(pool)
        return rows[0], await preorders.promises(pool, sku, settled=everything)

    row, waiting = in_ledger(session_of(ctx), work)
    today = datetime.now(session_of(ctx).settings.report.zone()).date()
    if as_json:
        print_json(document(row) | {"promises": jsonable(waiting)})
    else:
        _print_list([row])
        out().print()
        _print_promises(waiting)
    wrong = [
        each
        for each in waiting
        if each.settled_at is None and (each.promised_for < today or each.covered < each.units)
    ]
    raise typer.Exit(ExitCode.PARTIAL if wrong else ExitCode.SUCCESS)


def document(row: PreOrderRow) -> dict[str, object]:
    """A pre-order for a script."""
    return {**jsonable(row), "covered": row.covered, "left": row.left}


def _print_list(rows: Sequence[PreOrderRow]) -> None:
    if not rows:
        out().print("nothing is sold before it arrives")
        return
    numbers = ("cap", "on the way", "promised", "left")
    table = grid("sku", "promised for", *numbers, "channels", "state", right=numbers)
    for row in rows:
        state = "open" if row.closed_at is None else f"closed {moment(row.closed_at)}"
        table.add_row(
            escape(row.sku), str(row.promised_for), f"{row.cap:,}", f"{row.incoming:,}", f"{row.covered:,}",
            f"{row.left:,}", escape(", ".join(row.channels) or "all"), state,
        )  # fmt: skip
    out().print(table)


def _print_promises(waiting: Sequence[PromiseRow]) -> None:
    if not waiting:
        out().print("nobody waits for it")
        return
    now = datetime.now(UTC)
    numbers = ("place", "units", "covered")
    table = grid(*numbers, "channel", "order", "line", "ordered", "promised for", "outcome", right=numbers)
    for each in waiting:
        place = "" if each.settled_at is not None else f"{each.position:,}"
        table.add_row(
            place, f"{each.units:,}", f"{each.covered:,}", escape(each.channel), escape(each.order_id),
            escape(each.line_id), ago(each.sold_at, now), str(each.promised_for), each.outcome or "",
        )  # fmt: skip
    out().print(table)


def _require_signalled(signalled: bool) -> None:
    if not signalled:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )
        raise typer.Exit(ExitCode.PARTIAL)
