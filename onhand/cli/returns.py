"""`onhand returns`: what came back and waits to be looked at; and `onhand stock return`, by which it comes in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import SkuArgument, chosen_location, in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.cli.stating import (
    SOURCE,
    IdOption,
    LocationOption,
    QuantityArgument,
    ReasonOption,
    new_id,
    print_statement,
)
from onhand.cli.stock_post import Statement, state_return
from onhand.domain.returns import Outcome, ReturnStatement
from onhand.explain.skus import known_sku
from onhand.ledger import returns
from onhand.ledger.database import Pool
from onhand.ledger.returns import Waiting
from onhand.settings import Settings
from onhand.wording import ago

SoldOnOption = Annotated[
    str | None,
    typer.Option(
        "--channel", metavar="CHANNEL", help="Where it was sold; may be left out if there is only one."
    ),
]
OrderOption = Annotated[
    str,
    typer.Option(
        "--order",
        metavar="ID",
        help="The order it was sold on, by the channel's id: then its refund is not counted again.",
    ),
]
LineOption = Annotated[
    str, typer.Option("--line", metavar="ID", help="The order's line, where it has several of this SKU.")
]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="What came back: what waits, and inspecting it.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("inspect")(inspect)
    app.add_typer(group, name="returns", rich_help_panel="Stock")


def list_(
    ctx: typer.Context,
    location: Annotated[
        str | None, typer.Option("--location", "-l", metavar="LOCATION", help="Only there.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Units in quality control, the oldest first, with the order they were sold on where that is known."""
    session = session_of(ctx)
    if location is not None:
        chosen_location(session.settings, location)
    found = in_ledger(session, lambda pool: returns.waiting(pool, location))
    if as_json:
        print_json(found)
    elif not found:
        out().print("nothing waits to be inspected")
    else:
        _print_waiting(found)


def _print_waiting(found: Sequence[Waiting]) -> None:
    now = datetime.now(UTC)
    table = grid("sku", "location", "units", "since", "channel", "order", "line", right=("units",))
    for each in found:
        table.add_row(
            escape(each.sku), escape(each.location), f"{each.units:,}", ago(each.since, now) if each.since else "",
            escape(each.channel), escape(each.order_id), escape(each.line_id),
        )  # fmt: skip
    out().print(table)
    out().print(
        "inspect one: onhand returns inspect SKU QUANTITY --as sellable|damaged|lost --location LOCATION"
    )


def receive(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: QuantityArgument,
    location: LocationOption = None,
    channel: SoldOnOption = None,
    order: OrderOption = "",
    line: LineOption = "",
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Units came back from a buyer; they wait in quality control until they are inspected."""
    settings = session_of(ctx).settings
    stated = ReturnStatement(
        source=SOURCE,
        external_id=id_ or new_id(),
        sku=sku,
        location=chosen_location(settings, location),
        quantity=quantity,
        occurred_at=datetime.now(UTC),
        channel=_sold_on(settings, channel, order),
        order_id=order,
        line_id=line,
        reason=reason,
    )
    _state(ctx, stated, as_json=as_json)


def inspect(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: QuantityArgument,
    outcome: Annotated[
        Outcome,
        typer.Option("--as", help="What they were found to be: damaged ones can be written off later."),
    ],
    location: LocationOption = None,
    channel: SoldOnOption = None,
    order: OrderOption = "",
    line: LineOption = "",
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Returned units were looked at: sellable again, damaged, or not there at all.

    Without an order they are those of this SKU that wait there, if only one order's do.
    """
    session = session_of(ctx)
    place = chosen_location(session.settings, location)

    async def work(pool: Pool) -> Statement:
        await known_sku(pool, sku)
        of = (_sold_on(session.settings, channel, order), order, line)
        if not order:
            of = _only(sku, quantity, place, await returns.waiting(pool, place))
        stated = ReturnStatement(
            SOURCE, id_ or new_id(), sku, place, quantity, datetime.now(UTC), outcome, *of, reason=reason
        )
        return await state_return(pool, session.settings, stated)

    print_statement(in_ledger(session, work), as_json=as_json)


def _only(sku: str, quantity: int, place: str, found: Sequence[Waiting]) -> tuple[str, str, str]:
    """The line whose units wait there; an error where there is none, or more than one."""
    of_sku = [each for each in found if each.sku == sku and each.units > 0]
    if len(of_sku) == 1 and of_sku[0].units >= quantity:
        return of_sku[0].channel, of_sku[0].order_id, of_sku[0].line_id
    waits = ", ".join(
        f"{each.units} of {f'order {each.order_id} on {each.channel}' if each.order_id else 'no order'}"
        for each in of_sku
    )
    raise OperatorError(
        f"{quantity} of {sku} cannot be inspected at {place}: what waits there is {waits or 'nothing'}",
        "Name the order with --channel and --order; see onhand returns list. Units whose channel restocked them are "
        "available already.",
        ExitCode.USAGE,
    )


def _state(ctx: typer.Context, stated: ReturnStatement, *, as_json: bool) -> None:
    session = session_of(ctx)
    print_statement(
        in_ledger(session, lambda pool: state_return(pool, session.settings, stated)), as_json=as_json
    )


def _sold_on(settings: Settings, channel: str | None, order: str) -> str:
    """The channel given, or the only one; empty where no order is named. A client's orders are under client/NAME."""
    if not order:
        if channel is not None:
            raise OperatorError("--channel is given without --order", code=ExitCode.USAGE)
        return ""
    known = [*settings.channels, *(f"client/{name}" for name in settings.clients)]
    if channel is None and len(known) == 1:
        return known[0]
    if channel in known:
        return str(channel)
    said = "--channel is needed" if channel is None else f"there is no channel {channel!r}"
    raise OperatorError(f"{said}; known are {', '.join(known)}", code=ExitCode.USAGE)
