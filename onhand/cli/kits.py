"""`onhand kits`: SKUs that are packed from others when they are sold."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, Session, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.imports import SHOWN_ROWS, DelimiterOption, EncodingOption, FileArgument, ShowOption
from onhand.cli.kits_view import composed, packing_table
from onhand.cli.ledger import SkuArgument, in_ledger
from onhand.cli.output import err, grid, out, print_json
from onhand.cli.stock_post import wake
from onhand.domain.kits import Part, composition_of, packed
from onhand.domain.listings import Component
from onhand.explain.skus import known_sku
from onhand.imports import FileFormat
from onhand.kit_imports import KitImport, import_kits
from onhand.ledger import kits
from onhand.ledger.database import Pool
from onhand.ledger.kits import Kit, KitsChanged
from onhand.wording import count

LIMIT_MAX = 100_000

_PART = re.compile(r"(?P<sku>.+?)(=(?P<quantity>[0-9]{1,9}))?")


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="SKUs that are packed from others when they are sold: list, show, set, remove, import.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("set")(set_)
    group.command("remove")(remove)
    group.command("import")(import_)
    app.add_typer(group, name="kits", rich_help_panel="Stock")


def list_(
    ctx: typer.Context,
    component: Annotated[
        str | None, typer.Option("--component", metavar="SKU", help="Only kits that hold this SKU.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.", min=1, max=LIMIT_MAX)] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Which kits there are, and what each is packed from."""

    async def found(pool: Pool) -> list[Kit]:
        if component is not None:
            await known_sku(pool, component)
        return await kits.listed(pool, component=component, limit=limit)

    listed = in_ledger(session_of(ctx), found)
    if as_json:
        print_json(listed)
        return
    if not listed:
        out().print("there are no kits" if component is None else f"no kit holds {escape(component)}")
        return
    table = grid("kit", "name", "packed from")
    for kit in listed:
        table.add_row(escape(kit.sku), escape(kit.name), escape(composed(kit.composition)))
    out().print(table)


def show(ctx: typer.Context, sku: SkuArgument, as_json: JsonOption = False) -> None:
    """What a kit is packed from, how many can be packed at each location, and what limits that."""

    async def found(pool: Pool) -> tuple[Component, ...]:
        await known_sku(pool, sku)
        components = await kits.components(pool, sku)
        if not components:
            raise _no_kit([sku], "onhand kits list, or onhand kits set SKU COMPONENT=QUANTITY")
        return components

    components = in_ledger(session_of(ctx), found)
    available = packed([(part.quantity, part.available) for part in components])
    if as_json:
        parts = [{"sku": c.sku, "quantity": c.quantity, "available": c.available} for c in components]
        print_json({"sku": sku, "components": parts, "available": available})
    else:
        out().print(packing_table(components))
        out().print(f"what each channel shows of it: onhand explain {escape(sku)}")


def set_(
    ctx: typer.Context,
    sku: SkuArgument,
    components: Annotated[
        list[str],
        typer.Argument(
            metavar="COMPONENT=QUANTITY...", help="What one kit is packed from; =1 may be left out."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Make a SKU a kit, or compose a kit anew; the channels are told at once. Open orders keep what they took."""
    quantities: dict[str, int] = {}
    for text in components:
        part = _part(text)
        if part.sku in quantities:
            raise typer.BadParameter(f"{part.sku} is named twice")
        quantities[part.sku] = part.quantity
    session = session_of(ctx)
    wanted = {sku: composition_of(quantities)}

    async def work(pool: Pool) -> tuple[KitsChanged, bool]:
        return await _change(pool, session, [sku, *quantities], lambda: kits.set_kits(pool, wanted))

    _answer(session, *in_ledger(session, work), as_json)


def _part(text: str) -> Part:
    found = _PART.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no component; write SKU=QUANTITY")
    return Part(found["sku"], int(found["quantity"] or 1))


def remove(
    ctx: typer.Context,
    skus: Annotated[list[str], typer.Argument(metavar="SKU...", help="Kits that are to be none any more.")],
    as_json: JsonOption = False,
) -> None:
    """Make kits SKUs like any other, without stock; the channels are told at once. Open orders keep what they took."""
    session = session_of(ctx)

    async def work(pool: Pool) -> tuple[KitsChanged, bool]:
        done, signalled = await _change(pool, session, skus, lambda: kits.remove_kits(pool, skus))
        if not done.changed:
            raise _no_kit(list(done.refused), "onhand kits list")
        return done, signalled

    _answer(session, *in_ledger(session, work), as_json)


def _no_kit(named: Sequence[str], advice: str) -> OperatorError:
    """None of what was named is a kit: wrong usage, as any other name that nobody knows."""
    said = f"{named[0]} is not a kit" if len(named) == 1 else f"none of these is a kit: {', '.join(named)}"
    return OperatorError(said, advice, ExitCode.USAGE)


async def _change(
    pool: Pool, session: Session, named: Iterable[str], change: Callable[[], Awaitable[KitsChanged]]
) -> tuple[KitsChanged, bool]:
    for sku in named:
        await known_sku(pool, sku)
    done = await change()
    return done, await wake(session.settings, done.woken)


def _answer(session: Session, done: KitsChanged, signalled: bool, as_json: bool) -> None:
    if as_json:
        print_json({**asdict(done), "signalled": signalled})
    else:
        for kit in done.changed:
            out().print(f"{escape(kit)}: changed")
        for kit in done.unchanged:
            out().print(f"{escape(kit)}: it is so already")
        for said in done.refused.values():
            err().print(f"[bold red]refused:[/] {escape(said)}")
    if done.refused:
        raise typer.Exit(ExitCode.PARTIAL if done.changed or done.unchanged else ExitCode.FAILURE)
    if not signalled:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )
        raise typer.Exit(ExitCode.PARTIAL)


def import_(
    ctx: typer.Context,
    file: FileArgument,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """Kits from a file: columns kit, component, quantity, a row for each component; the next sync tells the channels.

    Kits that are not in the file stay as they are. Exits 3 when some kits were refused.
    """
    form = FileFormat(delimiter, encoding or FileFormat().encoding)
    report = in_ledger(session_of(ctx), lambda pool: import_kits(pool, file, form))
    if as_json:
        print_json(report)
    else:
        _print_import(report, show)
    if report.refused:
        raise typer.Exit(ExitCode.PARTIAL if report.changed or report.unchanged else ExitCode.FAILURE)


def _print_import(report: KitImport, shown: int) -> None:
    kits_said = f"{count(len(report.changed), 'kit')} set, {len(report.unchanged):,} so already"
    out().print(
        f"{escape(report.file)}: {count(report.rows, 'row')}, {kits_said}, {len(report.refused):,} refused"
    )
    for said in list(report.refused.values())[:shown]:
        err().print(f"[bold red]refused:[/] {escape(said)}")
    if report.changed:
        out().print("the channels are told by the next sync: onhand sync --dry-run shows it beforehand")
