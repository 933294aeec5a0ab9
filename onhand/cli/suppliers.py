"""`onhand suppliers`: whom stock is ordered from, how long that takes, and in which quantities."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
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
from onhand.cli.ledger import in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.explain.skus import known_sku
from onhand.ledger import suppliers
from onhand.ledger.database import Pool
from onhand.ledger.suppliers import SuppliedSku, Supplier, SupplierRow
from onhand.purchase_imports import import_supplied
from onhand.wording import count

UNITS_MAX = 1_000_000
DAYS_MAX = 1_000
DELIVERIES_MIN = 3
"""Fewer say nothing about how lead times vary."""

SupplierArgument = Annotated[
    str, typer.Argument(metavar="SUPPLIER", help="Name of the supplier.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Whom stock is ordered from: lead times, packs, minimum orders.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("set")(set_)
    group.command("import")(import_)
    app.add_typer(group, name="suppliers", rich_help_panel="Planning")


def list_(
    ctx: typer.Context,
    supplier: Annotated[
        str | None, typer.Option("--supplier", metavar="SUPPLIER", help="The SKUs of this one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """All suppliers with their lead times; with --supplier what is reordered from it, and how."""
    if supplier is not None:
        _list_skus(ctx, supplier, as_json=as_json)
        return
    rows = in_ledger(session_of(ctx), suppliers.suppliers)
    if as_json:
        print_json(rows)
        return
    if not rows:
        out().print("there is no supplier yet; add one: onhand suppliers set SUPPLIER --lead-days DAYS")
        return
    numbers = ("lead time", "deviation", "measured", "deliveries", "SKUs", "open orders")
    table = grid("supplier", *numbers, right=numbers)
    for row in rows:
        found = row.supplier
        table.add_row(
            escape(found.name), _days(found.lead_days), _days(found.lead_days_deviation),
            _measured(row), f"{row.deliveries:,}", f"{row.skus:,}", f"{row.open_orders:,}",
        )  # fmt: skip
    out().print(table)


def _list_skus(ctx: typer.Context, supplier: str, *, as_json: bool) -> None:
    async def work(pool: Pool) -> list[tuple[SuppliedSku, str]]:
        await known_supplier(pool, supplier)
        return await suppliers.supplied_skus(pool, supplier)

    rows = in_ledger(session_of(ctx), work)
    if as_json:
        print_json([found for found, _ in rows])
        return
    numbers = ("pack", "minimum", "multiple", "unit cost")
    table = grid("sku", "name", *numbers, right=numbers)
    for found, name in rows:
        cost = "" if found.unit_cost is None else f"{found.unit_cost.normalize():f}"
        units = (f"{n:,}" for n in (found.pack_units, found.minimum_units, found.multiple_units))
        table.add_row(escape(found.sku), escape(name), *units, cost)
    out().print(table if rows else f"no SKU is reordered from {escape(supplier)} yet")


def set_(
    ctx: typer.Context,
    supplier: SupplierArgument,
    lead_days: Annotated[
        float | None,
        typer.Option("--lead-days", help="From order to receipt, on average.", min=0, max=DAYS_MAX),
    ] = None,
    deviation: Annotated[
        float | None,
        typer.Option("--lead-deviation", help="Standard deviation of that, in days.", min=0, max=DAYS_MAX),
    ] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="Take both from its deliveries so far.")
    ] = False,
    sku: Annotated[
        str | None, typer.Option("--sku", metavar="SKU", help="This SKU is reordered from it.")
    ] = None,
    pack: Annotated[
        int, typer.Option("--pack", help="With --sku: it comes in packs of so many.", min=1, max=UNITS_MAX)
    ] = 1,
    minimum: Annotated[
        int,
        typer.Option("--minimum", help="With --sku: fewest units of an order.", min=0, max=UNITS_MAX),
    ] = 0,
    multiple: Annotated[
        int,
        typer.Option("--multiple", help="With --sku: an order is a multiple of it.", min=1, max=UNITS_MAX),
    ] = 1,
    cost: Annotated[
        str | None, typer.Option("--unit-cost", metavar="AMOUNT", help="With --sku: what a unit costs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a supplier, or say otherwise how long it takes; with --sku, what is reordered from it."""
    if sku is None and (pack, minimum, multiple, cost) != (1, 0, 1, None):
        raise typer.BadParameter("--pack, --minimum, --multiple and --unit-cost are of a SKU: give --sku")
    if measured and (lead_days, deviation) != (None, None):
        raise typer.BadParameter(
            "--measured says how long it takes: leave --lead-days and --lead-deviation out"
        )
    supplied = None if sku is None else SuppliedSku(sku, supplier, pack, minimum, multiple, _amount(cost))

    async def work(pool: Pool) -> SupplierRow:
        if sku is not None:
            await known_sku(pool, sku)
        if measured:
            await _save_measured(pool, supplier)
        else:
            await _save(pool, supplier, lead_days, deviation)
        if supplied is not None:
            await suppliers.save_supplied_skus(pool, [supplied])
        (row,) = await suppliers.suppliers(pool, [supplier])
        return row

    row = in_ledger(session_of(ctx), work)
    if as_json:
        print_json({"supplier": row, "sku": supplied})
        return
    found = row.supplier
    out().print(
        f"{escape(found.name)}: {_days(found.lead_days)}, give or take {_days(found.lead_days_deviation)}; "
        f"{count(row.skus, 'SKU')} reordered from it"
    )


def import_(
    ctx: typer.Context,
    file: FileArgument,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """From a file: columns supplier, sku, and lead_days, lead_days_deviation, pack, minimum, multiple, unit_cost."""
    form = file_format(delimiter, encoding)
    report = run_import(session_of(ctx), lambda pool, known: import_supplied(pool, file, known, form))
    answer_import(report, show, as_json=as_json)


async def _save(pool: Pool, name: str, lead_days: float | None, deviation: float | None) -> None:
    known = await suppliers.suppliers(pool, [name])
    if not known and lead_days is None:
        raise OperatorError(
            f"there is no supplier {name!r} yet, so its lead time is needed",
            "Give --lead-days, and --lead-deviation where it varies.",
            code=ExitCode.USAGE,
        )
    before = known[0].supplier if known else Supplier(name, 0.0)
    days = before.lead_days if lead_days is None else lead_days
    spread = before.lead_days_deviation if deviation is None else deviation
    await suppliers.save_suppliers(pool, [Supplier(name, days, spread)])


async def _save_measured(pool: Pool, name: str) -> None:
    await known_supplier(pool, name)
    (row,) = await suppliers.suppliers(pool, [name])
    if row.deliveries < DELIVERIES_MIN:
        raise OperatorError(
            f"{count(row.deliveries, 'delivery', 'deliveries')} of {name!r} came so far; "
            f"{DELIVERIES_MIN} are the fewest that say how long it takes",
            "Give --lead-days and --lead-deviation for now.",
        )
    await suppliers.save_suppliers(
        pool, [Supplier(name, round(row.measured_days, 1), round(row.measured_deviation, 1))]
    )


async def known_supplier(pool: Pool, name: str) -> Supplier:
    """The supplier of that name. Raises OperatorError, which names those there are."""
    found = await suppliers.suppliers(pool, [name])
    if found:
        return found[0].supplier
    names = [row.supplier.name for row in await suppliers.suppliers(pool)]
    known = f"known are {', '.join(names[:20])}" if names else "there is none yet"
    raise OperatorError(
        f"there is no supplier {name!r}; {known}",
        "Add it: onhand suppliers set SUPPLIER --lead-days DAYS",
        code=ExitCode.USAGE,
    )


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except ArithmeticError as error:
        raise typer.BadParameter(f"--unit-cost {text!r} is no number; write 4.25") from error
    if not (amount.is_finite() and 0 < amount < 10**9):
        raise typer.BadParameter(f"--unit-cost {text}; accepted: above 0, below 1,000,000,000")
    return amount


def _measured(row: SupplierRow) -> str:
    return f"{row.measured_days:.1f} ± {row.measured_deviation:.1f}" if row.deliveries else ""


def _days(days: float) -> str:
    return f"{days:,g} {'day' if days == 1 else 'days'}"
