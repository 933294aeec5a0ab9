"""How a kit looks: what it is packed from, how many can be packed where, and what limits that."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from onhand.cli.output import grid
from onhand.domain.kits import Part, limiting, packed
from onhand.domain.listings import Component


def composed(composition: Sequence[Part]) -> str:
    """What one kit is packed from, in one line."""
    return " + ".join(f"{part.quantity:,} x {part.sku}" for part in composition)


def packing_table(components: Sequence[Component]) -> Table:
    """The components of a kit with what is available of each, and how many kits that makes, by location."""
    available = packed([(part.quantity, part.available) for part in components])
    table = grid("component", "in one kit", *map(escape, available), right=("in one kit", *available))
    for part in components:
        held = (f"{part.available.get(location, 0):,}" for location in available)
        table.add_row(escape(part.sku), f"{part.quantity:,}", *held)
    table.add_row("[bold]can be packed[/]", "", *(f"[bold]{kits:,}[/]" for kits in available.values()))
    stock = {Part(part.sku, part.quantity): part.available for part in components}
    scarce = (", ".join(escape(part.sku) for part in limiting(stock, location)) for location in available)
    table.add_row("limited by", "", *scarce)
    return table
