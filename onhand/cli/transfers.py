"""`onhand transfers`: goods on their way from one location to another: sent, received in parts, closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.enough import BeyondOption, require_enough
from onhand.cli.errors import ExitCode, OperatorError, not_taken
from onhand.cli.ledger import chosen_location, in_ledger, make_places_known
from onhand.cli.output import grid, out, print_json
from onhand.cli.stating import SOURCE, IdOption, ReasonOption, new_id
from onhand.cli.stock_post import wake
from onhand.domain.events import EventKind
from onhand.domain.reasons import require_reason
from onhand.domain.states import State
from onhand.domain.transfers import Progress, Step, TransferStatement
from onhand.explain.skus import known_sku
from onhand.ledger import transfers
from onhand.ledger.database import Pool
from onhand.ledger.posting import Verdict
from onhand.ledger.transfers import TransferRow
from onhand.wording import ago

TransferArgument = Annotated[
    str, typer.Argument(metavar="TRANSFER", help="The transfer's id.", show_default=False)
]
UnitsArgument = Annotated[
    list[str], typer.Argument(metavar="SKU=UNITS...", help="What is sent.", show_default=False)
]
SomeUnitsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SKU=UNITS...", help="Only these; without any, all that is on its way.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class LineDocument:
    """A line of a transfer, for a script."""

    sku: str
    sent: int
    arrived: int
    short: int
    over: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class TransferDocument:
    """A transfer as it stands, for a script."""

    id: str
    origin: str
    destination: str
    progress: Progress
    began_at: datetime
    changed_at: datetime
    lines: tuple[LineDocument, ...]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Goods on their way between locations: send, receive, close, list.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("send")(send)
    group.command("receive")(receive)
    group.command("close")(close)
    app.add_typer(group, name="transfers", rich_help_panel="Stock")


def list_(
    ctx: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those of which nothing is on its way.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What is on its way, from where, to where, and what became of what was sent."""
    found = in_ledger(session_of(ctx), lambda pool: transfers.listed(pool, all_=all_))
    if as_json:
        print_json([_document(row) for row in found])
    elif not found:
        out().print(
            "there are no transfers" if all_ else "nothing is on its way; onhand transfers list --all"
        )
    else:
        _print(found)


def send(
    ctx: typer.Context,
    units: UnitsArgument,
    origin: Annotated[
        str, typer.Option("--from", metavar="LOCATION", help="Where they leave.", show_default=False)
    ],
    destination: Annotated[
        str, typer.Option("--to", metavar="LOCATION", help="Where they go.", show_default=False)
    ],
    transfer: Annotated[
        str | None,
        typer.Option(
            "--transfer", metavar="ID", help="Of the transfer; a known one gets more goods. Made up without."
        ),
    ] = None,
    reason: ReasonOption = "",
    id_: IdOption = None,
    beyond: BeyondOption = False,
    as_json: JsonOption = False,
) -> None:
    """Goods leave one location for another; nobody can sell them until they are received there."""
    settings = session_of(ctx).settings
    said = id_ or new_id()
    stated = TransferStatement(
        SOURCE, said, transfer or f"T-{said}", Step.SEND, _units(units), datetime.now(UTC),
        chosen_location(settings, origin, "--from"), chosen_location(settings, destination, "--to"), reason,
    )  # fmt: skip
    _state(ctx, stated, beyond=beyond, as_json=as_json)


def receive(
    ctx: typer.Context,
    transfer: TransferArgument,
    units: SomeUnitsArgument = None,
    reason: ReasonOption = "",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """Goods arrived: all that is on its way, or so many. What arrives beyond that is booked as found."""
    _state(ctx, _step(Step.RECEIVE, transfer, units, reason, id_), as_json=as_json)


def close(
    ctx: typer.Context,
    transfer: TransferArgument,
    units: SomeUnitsArgument = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason", "-r", metavar="CODE", help="Why: one of movements.reasons in the configuration."
        ),
    ] = "lost",
    id_: IdOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is still on its way will not arrive: it is written off."""
    require_reason(EventKind.WRITE_OFF, reason, session_of(ctx).settings.movements.reasons)
    _state(ctx, _step(Step.CLOSE, transfer, units, reason, id_), as_json=as_json)


def _step(
    step: Step, transfer: str, units: Sequence[str] | None, reason: str, id_: str | None
) -> TransferStatement:
    now = datetime.now(UTC)
    return TransferStatement(SOURCE, id_ or new_id(), transfer, step, _units(units or ()), now, reason=reason)


def _units(given: Sequence[str]) -> Mapping[str, int]:
    """Units by SKU; the last = parts them, as a code may have one in it."""
    units: dict[str, int] = {}
    for each in given:
        sku, equals, number = each.rpartition("=")
        if not equals or not number.isdecimal():
            raise OperatorError(f"{each!r} is no SKU=UNITS, as in 22423=12", code=ExitCode.USAGE)
        if sku in units:
            raise OperatorError(f"{sku} is given twice", code=ExitCode.USAGE)
        units[sku] = int(number)
    return units


def _state(ctx: typer.Context, stated: TransferStatement, *, beyond: bool = True, as_json: bool) -> None:
    session = session_of(ctx)

    async def work(pool: Pool) -> tuple[Verdict, TransferRow, bool]:
        await make_places_known(pool, session.settings)
        for sku in stated.units:
            await known_sku(pool, sku)
        if not beyond:
            await require_enough(
                pool, SOURCE, stated.external_id, stated.origin, State.AVAILABLE, stated.units
            )
        woken: set[str] = set()
        (posted,) = await transfers.post_transfers(pool, [stated], woken)
        if posted.verdict.refused:
            raise not_taken(posted)
        row = await transfers.known(pool, stated.transfer_id)
        assert row is not None, "a step that is posted is of a transfer"
        return posted.verdict, row, await wake(session.settings, woken)

    verdict, row, at_once = in_ledger(session, work)
    if as_json:
        print_json(
            {"id": stated.external_id, "verdict": verdict, "at_once": at_once, "transfer": _document(row)}
        )
        return
    if verdict is Verdict.DUPLICATE:
        out().print(f"{escape(stated.external_id)} was stated before; nothing was changed")
    _print([row])
    if not at_once:
        out().print("the next sync tells the channels; to do it now: onhand sync")


def _document(row: TransferRow) -> TransferDocument:
    transfer = row.transfer
    lines = tuple(
        LineDocument(sku, line.sent, line.arrived, line.short, line.over, line.outstanding)
        for sku, line in sorted(transfer.lines.items())
    )
    return TransferDocument(
        transfer.transfer_id, transfer.origin, transfer.destination, transfer.progress, row.began_at,
        row.changed_at, lines,
    )  # fmt: skip


def _print(found: Sequence[TransferRow]) -> None:
    now = datetime.now(UTC)
    numbers = ("sent", "arrived", "on its way", "short", "over")
    table = grid("transfer", "from", "to", "began", "progress", "sku", *numbers, right=numbers)
    for row in found:
        transfer = row.transfer
        head = [
            transfer.transfer_id,
            transfer.origin,
            transfer.destination,
            ago(row.began_at, now),
            transfer.progress,
        ]
        for sku, line in sorted(transfer.lines.items()):
            units = (line.sent, line.arrived, line.outstanding, line.short, line.over)
            table.add_row(*map(escape, head), escape(sku), *(f"{n:,}" if n else "" for n in units))
            head = [""] * len(head)
    out().print(table)
