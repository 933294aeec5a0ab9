"""`onhand stock`: look at a SKU's stock, and state what happened to it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from onhand.cli import stock_low, stock_view
from onhand.cli.app import JsonOption, session_of
from onhand.cli.enough import BeyondOption
from onhand.cli.ledger import SkuArgument, chosen_location, in_ledger
from onhand.cli.losses import losses
from onhand.cli.output import print_json
from onhand.cli.returns import receive as take_back
from onhand.cli.stating import (
    SOURCE,
    IdOption,
    LocationOption,
    QuantityArgument,
    ReasonOption,
    new_id,
    print_statement,
)
from onhand.cli.stock_post import state_count, state_movement
from onhand.cli.stock_view import StockCard
from onhand.domain.counts import Count, CountMeaning
from onhand.domain.events import EventKind
from onhand.domain.movements import Movement
from onhand.domain.reasons import require_reason
from onhand.domain.states import State
from onhand.explain.skus import known_sku
from onhand.ledger import history, stock
from onhand.ledger.database import Pool

MomentOption = Annotated[
    datetime | None,
    typer.Option("--as-of", help="When the shelf was looked at, if not now; local time.", show_default=False),
]
NoteOption = Annotated[str, typer.Option("--note", help="More words for people; kept with the event.")]
CodeOption = Annotated[
    str,
    typer.Option(
        "--reason", "-r", metavar="CODE", help="Why: one of movements.reasons in the configuration."
    ),
]


class WrittenOff(StrEnum):
    """Where units are that are written off."""

    AVAILABLE = "available"
    DAMAGED = "damaged"
    QUALITY_CONTROL = "quality_control"


AtOption = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        metavar="TIME",
        formats=[
            "%Y-%m-%d",
            *(f"%Y-%m-%d{t}%H:%M{rest}" for t in (" ", "T") for rest in ("", ":%S", "%z", ":%S%z")),
        ],
        help="As the ledger had it at that moment: what was recorded by then, whenever it had happened. "
        "For example 2026-11-26T17:30:00; local time unless it has a zone.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="Look at a SKU's stock, and state what happened to it.", no_args_is_help=True)
    group.command("show")(show)
    group.command("receive")(receive)
    group.command("return")(take_back)
    # Otherwise the -3 of "adjust SKU -3" would be taken for an option.
    group.command("adjust", context_settings={"ignore_unknown_options": True})(adjust)
    group.command("count")(count)
    group.command("write-off")(write_off)
    group.command("transfer")(transfer)
    group.command("low")(stock_low.low)
    group.command("losses")(losses)
    app.add_typer(group, name="stock", rich_help_panel="Stock")


def show(ctx: typer.Context, sku: SkuArgument, at: AtOption = None, as_json: JsonOption = False) -> None:
    """Units of a SKU by location and state, now or as of a moment in the past."""
    moment = None if at is None else _past(at, "--at", "the ledger does not know it yet")

    async def work(pool: Pool) -> StockCard:
        card = await known_sku(pool, sku)
        if moment is not None:
            return StockCard(card, tuple(await history.balances_at(pool, sku, moment)), moment)
        return StockCard(card, tuple(await stock.sku_balances(pool, sku)))

    card = in_ledger(session_of(ctx), work)
    if as_json:
        asked = {} if moment is None else {"at": moment}
        print_json({"sku": card.sku, **asked, "locations": stock_view.location_documents(card.balances)})
    else:
        stock_view.print_card(card)


def receive(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: QuantityArgument,
    location: LocationOption = None,
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Units came in from a supplier."""
    _move(ctx, EventKind.RECEIPT, sku, quantity, location, reason=reason, id_=id_, as_json=as_json)


def adjust(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: Annotated[
        int, typer.Argument(metavar="QUANTITY", help="Units more (5) or fewer (-5).", show_default=False)
    ],
    location: LocationOption = None,
    reason: CodeOption = "",
    note: NoteOption = "",
    id_: IdOption = None,
    beyond: BeyondOption = False,
    as_json: JsonOption = False,
) -> None:
    """Units were found or lost: correct what is available by so many."""
    _move(
        ctx,
        EventKind.ADJUSTMENT,
        sku,
        quantity,
        location,
        reason=reason,
        note=note,
        id_=id_,
        beyond=beyond,
        as_json=as_json,
    )


def write_off(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: QuantityArgument,
    location: LocationOption = None,
    state: Annotated[
        WrittenOff, typer.Option("--from", help="Where they are now: for sale, or put aside already.")
    ] = WrittenOff.AVAILABLE,
    reason: CodeOption = "",
    note: NoteOption = "",
    id_: IdOption = None,
    beyond: BeyondOption = False,
    as_json: JsonOption = False,
) -> None:
    """Units are gone for good: broken, stolen, expired."""
    _move(
        ctx,
        EventKind.WRITE_OFF,
        sku,
        quantity,
        location,
        state=State(state.value),
        reason=reason,
        note=note,
        id_=id_,
        beyond=beyond,
        as_json=as_json,
    )


def transfer(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: QuantityArgument,
    location: LocationOption = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="LOCATION", help="Where the units are sent.", show_default=False),
    ] = None,
    arrived: Annotated[
        bool, typer.Option("--receive", help="Units on their way have arrived at --location.")
    ] = False,
    reason: ReasonOption = "",
    id_: IdOption = None,
    beyond: BeyondOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send units from --location --to another, or with --receive take them in there."""
    if arrived == (to is not None):
        raise typer.BadParameter("give --to LOCATION to send units, or --receive to take them in")
    if to is None:
        _move(
            ctx,
            EventKind.TRANSFER_IN,
            sku,
            quantity,
            location,
            reason=reason,
            id_=id_,
            beyond=beyond,
            as_json=as_json,
        )
        return
    destination = chosen_location(session_of(ctx).settings, to, "--to")
    _move(
        ctx,
        EventKind.TRANSFER_OUT,
        sku,
        quantity,
        location,
        to=destination,
        reason=reason,
        id_=id_,
        beyond=beyond,
        as_json=as_json,
    )


def count(
    ctx: typer.Context,
    sku: SkuArgument,
    quantity: Annotated[
        int, typer.Argument(metavar="QUANTITY", help="Units counted.", show_default=False, min=0)
    ],
    location: LocationOption = None,
    meaning: Annotated[
        CountMeaning,
        typer.Option("--meaning", help="on_hand: all on the shelf; available: open orders taken off."),
    ] = CountMeaning.ON_HAND,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", help="The balance version that was looked at (`stock show` tells it).", min=0
        ),
    ] = None,
    as_of: MomentOption = None,
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """The shelf was counted. What moved since the look is kept, so a sale meanwhile is not lost."""
    session = session_of(ctx)
    stated = Count(
        source=SOURCE,
        external_id=id_ or new_id(),
        sku=sku,
        location=chosen_location(session.settings, location),
        quantity=quantity,
        meaning=meaning,
        as_of=_looked_at(as_of),
        base_version=version,
        reason=reason,
    )
    print_statement(
        in_ledger(session, lambda pool: state_count(pool, session.settings, stated)), as_json=as_json
    )


def _looked_at(as_of: datetime | None) -> datetime:
    return datetime.now(UTC) if as_of is None else _past(as_of, "--as-of", "nobody has looked yet")


def _past(moment: datetime, option: str, why: str) -> datetime:
    """A moment as it was typed, in the operator's own time zone unless it has one; wrong usage where it is to come."""
    if moment.astimezone() > datetime.now(UTC):
        raise typer.BadParameter(f"{option} {moment} lies in the future; {why}")
    return moment.astimezone()


def _move(
    ctx: typer.Context,
    kind: EventKind,
    sku: str,
    quantity: int,
    location: str | None,
    *,
    to: str = "",
    state: State = State.AVAILABLE,
    reason: str,
    note: str = "",
    id_: str | None,
    beyond: bool = False,
    as_json: bool,
) -> None:
    session = session_of(ctx)
    require_reason(kind, reason, session.settings.movements.reasons)
    movement = Movement(
        source=SOURCE,
        external_id=id_ or new_id(),
        kind=kind,
        sku=sku,
        location=chosen_location(session.settings, location),
        quantity=quantity,
        occurred_at=datetime.now(UTC),
        to_location=to,
        reason=reason,
        state=state,
        note=note,
    )
    print_statement(
        in_ledger(session, lambda pool: state_movement(pool, session.settings, movement, beyond=beyond)),
        as_json=as_json,
    )
