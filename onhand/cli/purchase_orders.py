"""`onhand purchase-orders`: place and put off, take in what comes, give up what does not, see where each stands."""

import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Annotated
from uuid import uuid4

import typer

from onhand.cli import purchase_orders_view as view
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError, not_taken
from onhand.cli.imports import (
    SHOWN_ROWS,
    DelimiterOption,
    EncodingOption,
    FileArgument,
    ShowOption,
    answer_import,
    file_format,
    run_import,
)
from onhand.cli.ledger import chosen_location, in_ledger, make_places_known
from onhand.cli.output import out, print_json
from onhand.cli.stock_post import wake
from onhand.cli.suppliers import known_supplier
from onhand.domain.purchase_orders import Closing, Delivery, DueChange, Lines, OrderState, PurchaseOrder
from onhand.explain.skus import known_sku
from onhand.ledger import preorders, purchase_orders
from onhand.ledger.database import Pool
from onhand.ledger.posting import Posted
from onhand.ledger.preorders import PreOrderRow
from onhand.ledger.purchase_orders import Stated
from onhand.purchase_imports import Places, import_orders

SOURCE = "operator"
"""Whose word an event of these commands is."""

OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER", help="Code of the purchase order.", show_default=False)
]
IdOption = Annotated[
    str | None,
    typer.Option("--id", help="Names this statement: saying it again under the same id changes nothing."),
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, in a word; kept with the event.")]
LINES_HELP = "SKUs with their units, as SKU=UNITS."


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Orders to suppliers: place, put off, receive, close, and see where each stands.",
        no_args_is_help=True,
    )
    group.command("create")(create)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("receive")(receive)
    group.command("due")(due)
    group.command("close")(close)
    group.command("import")(import_)
    app.add_typer(group, name="purchase-orders", rich_help_panel="Planning")


def create(
    ctx: typer.Context,
    order: OrderArgument,
    lines: Annotated[list[str], typer.Argument(metavar="SKU=UNITS...", help=LINES_HELP, show_default=False)],
    supplier: Annotated[
        str, typer.Option("--supplier", metavar="SUPPLIER", help="Whom it goes to.", show_default=False)
    ],
    location: Annotated[
        str | None,
        typer.Option(
            "--location", "-l", metavar="LOCATION", help="Where it is to come to, if not the only one."
        ),
    ] = None,
    due: Annotated[
        datetime | None,
        typer.Option(
            "--due",
            help="The day it is to come; the supplier's lead time from today, if not given.",
            formats=["%Y-%m-%d"],
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Place an order: its units are incoming from now on. Placing it again under the same code changes nothing."""
    session = session_of(ctx)
    place = chosen_location(session.settings, location)
    wanted, now = read_lines(lines), datetime.now(UTC)

    async def work(pool: Pool) -> Posted:
        await make_places_known(pool, session.settings)
        found = await known_supplier(pool, supplier)
        for sku, _ in wanted:
            await known_sku(pool, sku)
        usual = now.date() + timedelta(days=ceil(found.lead_days))
        stated = PurchaseOrder(
            SOURCE, order, supplier, place, wanted, now, due.date() if due else usual, due is not None
        )
        (posted,) = await purchase_orders.place(pool, [stated])
        return posted

    posted = in_ledger(session, work)
    if posted.verdict.refused:
        raise not_taken(posted)
    states = in_ledger(session, lambda pool: purchase_orders.orders(pool, codes=[order]))
    if as_json:
        print_json(
            {"verdict": posted.verdict, "event_id": posted.event_id, **view.document(states[0], today())}
        )
        return
    out().print(view.said(order, posted, "placed"))
    view.print_order(states[0], today())


def list_(
    ctx: typer.Context,
    supplier: Annotated[
        str | None, typer.Option("--supplier", metavar="SUPPLIER", help="Only of this one.")
    ] = None,
    sku: Annotated[str | None, typer.Option("--sku", metavar="SKU", help="Only with this SKU.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Also those of which nothing is to come.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Orders of which something is still to come, the soonest due first."""

    async def work(pool: Pool) -> list[OrderState]:
        if supplier is not None:
            await known_supplier(pool, supplier)
        if sku is not None:
            await known_sku(pool, sku)
        return await purchase_orders.orders(pool, supplier=supplier, sku=sku, only_open=not all_)

    states = in_ledger(session_of(ctx), work)
    if as_json:
        print_json([view.document(state, today()) for state in states])
    else:
        view.print_orders(states, today())


def show(ctx: typer.Context, order: OrderArgument, as_json: JsonOption = False) -> None:
    """Where an order stands, line by line, and what was stated of it."""

    async def work(pool: Pool) -> view.OrderCard:
        states = await purchase_orders.orders(pool, codes=[order])
        if not states:
            raise OperatorError(
                f"there is no purchase order {order!r}; see onhand purchase-orders list --all",
                code=ExitCode.USAGE,
            )
        return view.OrderCard(states[0], tuple(await purchase_orders.order_events(pool, order)))

    card = in_ledger(session_of(ctx), work)
    if as_json:
        print_json({**view.document(card.state, today()), "events": card.events})
    else:
        view.print_order(card.state, today())
        view.print_events(card.events)


def receive(
    ctx: typer.Context,
    order: OrderArgument,
    lines: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SKU=UNITS...",
            help=f"{LINES_HELP} Below 0: an earlier receipt was stated too high.",
            show_default=False,
        ),
    ] = None,
    rest: Annotated[bool, typer.Option("--rest", help="Everything that is still to come.")] = False,
    id_: IdOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Units of an order came: they can be sold from now on. In parts, or more than ordered: all is taken in."""
    if rest == bool(lines):
        raise typer.BadParameter(
            "give what came as SKU=UNITS, or --rest for everything that is still to come"
        )
    number, now = id_ or _new_id(), datetime.now(UTC)
    wanted = read_lines(lines or [])

    async def work(pool: Pool) -> Stated:
        if rest:
            return await purchase_orders.receive_rest(pool, order, SOURCE, number, now)
        delivery = Delivery(SOURCE, number, order, wanted, now, reason)
        return await purchase_orders.receive(pool, delivery)

    _state(ctx, order, work, "received", as_json=as_json)


def due(
    ctx: typer.Context,
    order: OrderArgument,
    day: Annotated[
        datetime,
        typer.Argument(
            metavar="DATE", help="The day it is to come now.", formats=["%Y-%m-%d"], show_default=False
        ),
    ],
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is still to come of an order comes on another day; pre-orders, programmes and proposals go by it."""
    by = getpass.getuser()
    stated = DueChange(SOURCE, id_ or _new_id(), order, day.date(), datetime.now(UTC), by, reason)
    _state(
        ctx,
        order,
        lambda pool: purchase_orders.put_off(pool, stated),
        f"is due on {day:%Y-%m-%d}",
        unchanged="it is due then already",
        as_json=as_json,
    )
    if not as_json:
        _print_promised(ctx, order)


def _print_promised(ctx: typer.Context, order: str) -> None:
    """Of which SKUs of the order more is promised before it arrives than comes in by the promised day."""

    async def work(pool: Pool) -> list[PreOrderRow]:
        (state,) = await purchase_orders.orders(pool, codes=[order])
        return [row for line in state.lines for row in await preorders.listed(pool, sku=line.sku)]

    for row in in_ledger(session_of(ctx), work):
        if row.short > row.due:
            out().print(view.too_late(row))


def close(
    ctx: typer.Context,
    order: OrderArgument,
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Expect no more of an order: what has not come is incoming no more."""
    closing = Closing(SOURCE, id_ or _new_id(), order, datetime.now(UTC), reason)
    _state(ctx, order, lambda pool: purchase_orders.close(pool, closing), "closed", as_json=as_json)


def import_(
    ctx: typer.Context,
    file: FileArgument,
    location: Annotated[
        str | None,
        typer.Option("--location", "-l", metavar="LOCATION", help="Of rows that name none."),
    ] = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """Place orders from a file: columns order, supplier, sku, quantity, and location and due where there are any."""
    settings = session_of(ctx).settings
    only = next(iter(settings.locations)) if len(settings.locations) == 1 else ""
    usual = only if location is None else chosen_location(settings, location)
    places = Places(frozenset(settings.locations), usual)
    form = file_format(delimiter, encoding)
    report = run_import(
        session_of(ctx),
        lambda pool, known: import_orders(pool, file, known, places, SOURCE, datetime.now(UTC), form),
    )
    answer_import(report, show, as_json=as_json)


def _state(
    ctx: typer.Context,
    order: str,
    work: Callable[[Pool], Awaitable[Stated]],
    verb: str,
    *,
    unchanged: str = view.NOTHING_TO_COME,
    as_json: bool,
) -> None:
    """State something of an order, signal publishers, and say where the order stands."""
    session = session_of(ctx)

    async def signalled(pool: Pool) -> tuple[Stated, bool]:
        stated = await work(pool)
        return stated, await wake(session.settings, stated.woken)

    stated, at_once = in_ledger(session, signalled)
    if stated.posted.verdict.refused or stated.state is None:
        raise not_taken(stated.posted)
    if as_json:
        verdict = {"verdict": stated.posted.verdict, "event_id": stated.posted.event_id}
        print_json({**verdict, **view.document(stated.state, today()), "signalled": at_once})
        return
    out().print(view.said(order, stated.posted, verb, unchanged))
    view.print_order(stated.state, today())
    if stated.woken:
        out().print("the channels are being told" if at_once else "the next sync tells the channels")


def read_lines(given: list[str]) -> Lines:
    """SKUs and units of arguments such as A=12. A SKU may hold "=": the last one counts."""
    return tuple(_read_line(text) for text in given)


def _read_line(text: str) -> tuple[str, int]:
    sku, mark, units = text.rpartition("=")
    try:
        if not mark or not sku:
            raise ValueError
        return sku, int(units)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not of the form SKU=UNITS, for example A=12") from None


def _new_id() -> str:
    return f"op-{uuid4().hex[:12]}"


def today() -> date:
    """The day by the operator's clock."""
    return datetime.now().astimezone().date()
