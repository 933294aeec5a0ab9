"""`onhand reorder`: what should be ordered, and the purchase orders that follow."""

import csv
import getpass
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.markup import escape

from onhand import planning
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import in_ledger
from onhand.cli.output import err, grid, out, print_json
from onhand.cli.purchase_orders import SOURCE
from onhand.cli.suppliers import known_supplier
from onhand.domain.purchase_orders import PurchaseOrder
from onhand.ledger import planning as ledger
from onhand.ledger.database import Pool
from onhand.ledger.planning import Proposal
from onhand.planning import NotProposedError, Proposed
from onhand.wording import ago, count

COLUMNS = (
    "order", "supplier", "sku", "quantity", "location", "due", "proposal", "name", "sellable", "incoming",
    "in_transit", "reorder_point", "target", "per_day", "method",
)  # fmt: skip
"""What is exported; the first six are what `onhand purchase-orders import` reads."""

SupplierOption = Annotated[
    str | None, typer.Option("--supplier", metavar="SUPPLIER", help="Only from this one.")
]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="What should be ordered, and ordering it.", no_args_is_help=True)
    group.command("propose")(propose)
    group.command("approve")(approve)
    group.command("export")(export)
    app.add_typer(group, name="reorder", rich_help_panel="Planning")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is proposed, and when the reorder points were worked out."""

    proposed: Proposed
    computed_at: datetime | None


def propose(
    ctx: typer.Context,
    supplier: SupplierOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Work the reorder points out anew before, from demand until now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """What is at or below its reorder point, as stock is now, and how much of it to order; nothing is ordered by it."""
    policy = session_of(ctx).settings.planning.policy()

    async def work(pool: Pool) -> _Answer:
        now = datetime.now(UTC)
        if supplier is not None:
            await known_supplier(pool, supplier)
        if fresh or await ledger.computed_at(pool) is None:
            await planning.refresh(pool, policy, now)
        return _Answer(await planning.propose(pool, now), await ledger.computed_at(pool))

    answer = in_ledger(session_of(ctx), work)
    found = [each for each in answer.proposed.proposals if supplier in (None, each.supplier)]
    if as_json:
        orphans = answer.proposed.orphans
        print_json({"computed_at": answer.computed_at, "without_supplier": orphans, "proposals": found})
        return
    _print(found)
    if answer.proposed.orphans:
        out().print(
            f"{count(answer.proposed.orphans, 'SKU')} at the reorder point without a supplier: "
            "onhand suppliers set SUPPLIER --sku SKU"
        )
    err().print(f"reorder points of {ago(answer.computed_at)}; --fresh works them out anew")


def approve(
    ctx: typer.Context,
    proposals: Annotated[
        list[int] | None,
        typer.Argument(metavar="PROPOSAL...", help="Numbers that `propose` shows.", show_default=False),
    ] = None,
    supplier: SupplierOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Everything that is proposed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Place purchase orders for what is proposed, one for each supplier and location: units are incoming then."""
    if [bool(proposals), supplier is not None, all_].count(True) != 1:
        raise typer.BadParameter("give numbers of proposals, or --supplier, or --all")
    if not session_of(ctx).settings.planning.create_orders:
        raise OperatorError(
            "purchase orders are not placed from proposals: planning.create_orders is off in the configuration",
            "Switch it on; or order by other means (onhand reorder export), and take in what was ordered: "
            "onhand purchase-orders import FILE",
            code=ExitCode.USAGE,
        )

    async def work(pool: Pool) -> list[PurchaseOrder]:
        if supplier is not None:
            await known_supplier(pool, supplier)
        return await planning.approve(
            pool, SOURCE, getpass.getuser(), datetime.now(UTC), ids=proposals or None, supplier=supplier
        )

    try:
        placed = in_ledger(session_of(ctx), work)
    except NotProposedError as error:
        raise OperatorError(str(error)) from error
    if as_json:
        print_json([{"order": order.code, "supplier": order.supplier, "location": order.location,
                     "due_on": order.due_on, "lines": dict(order.lines)} for order in placed])  # fmt: skip
        return
    for order in placed:
        out().print(
            f"[green]{escape(order.code)} placed[/]: {count(len(order.lines), 'SKU')}, "
            f"{sum(units for _, units in order.lines):,} units from {escape(order.supplier)} to "
            f"{escape(order.location)}, due {order.due_on}"
        )


def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to; standard output, if not given.")
    ] = None,
    supplier: SupplierOption = None,
) -> None:
    """What was proposed last as CSV, as `onhand purchase-orders import` reads it once it is ordered."""

    async def work(pool: Pool) -> list[Proposal]:
        if supplier is not None:
            await known_supplier(pool, supplier)
        async with pool.connection() as connection:
            return await ledger.proposals(connection, supplier=supplier)

    found = in_ledger(session_of(ctx), work)
    if file is None:
        _write(sys.stdout, found)
        return
    with file.open("w", encoding="utf-8", newline="") as text:
        _write(text, found)
    out().print(f"{escape(str(file))}: {count(len(found), 'proposal')}")


def _write(text: IO[str], found: Sequence[Proposal]) -> None:
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(found))


def _rows(found: Sequence[Proposal]) -> Iterable[tuple[object, ...]]:
    first: dict[tuple[str, str], int] = {}
    for each in found:
        group = (each.supplier, each.location)
        first[group] = min(each.id, first.get(group, each.id))
    for each in found:
        due = each.proposed_at.date() + timedelta(days=ceil(each.lead_days))
        yield (
            f"R-{first[each.supplier, each.location]}", each.supplier, each.sku, each.units, each.location, due,
            each.id, each.name, each.available, each.incoming, each.in_transit, each.point, each.target,
            f"{each.per_day:.3f}", each.method,
        )  # fmt: skip


def _print(found: Sequence[Proposal]) -> None:
    if not found:
        out().print("nothing has to be ordered")
        return
    numbers = ("order", "available", "coming", "point", "target", "a day")
    table = grid("no", "supplier", "sku", "location", *numbers, "demand", "method", right=("no", *numbers))
    for each in found:
        table.add_row(
            str(each.id), escape(each.supplier), escape(each.sku), escape(each.location), f"{each.units:,}",
            f"{each.available:,}", f"{each.incoming + each.in_transit:,}", f"{each.point:,}",
            f"{each.target:,}", f"{each.per_day:,.2f}", each.demand_class, each.method,
        )  # fmt: skip
    out().print(table)
