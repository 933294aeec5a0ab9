"""`onhand stock low`: what is running out, bestsellers first, and what being out of it costs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.text import Text

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.domain.health import LowStockFacts
from onhand.domain.low_stock import Crossing, Low
from onhand.low_stock import low_now
from onhand.wording import ago


def low(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=100_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """SKUs that are low or out of stock by `low_stock` of the configuration, bestsellers first.

    Lost sales an hour are estimated: what a SKU sold a day before it ran out, spread over the day.
    """
    settings = session_of(ctx).settings
    found = in_ledger(session_of(ctx), lambda pool: low_now(pool, settings))
    if as_json:
        print_json([_document(each) for each in found[:limit]])
    elif not settings.low_stock.thresholds().watches:
        out().print("nothing is watched: set a threshold in low_stock of the configuration", markup=False)
    elif not found:
        out().print("nothing is low")
    else:
        _print(found, limit)


def _document(low: Low) -> dict[str, object]:
    return {
        "sku": low.sku,
        "name": low.name,
        "state": low.crossing,
        "available": low.units,
        "threshold": low.threshold,
        "per_day": round(low.per_day, 3),
        "lost_per_hour": round(low.lost_per_hour, 3),
        "low_since": low.found_at,
        "out_since": low.out_at,
    }


def _print(found: Sequence[Low], limit: int) -> None:
    now = datetime.now(UTC)
    numbers = ("available", "low from", "a day", "lost an hour")
    table = grid("sku", "name", "", *numbers, "since", right=numbers)
    for each in found[:limit]:
        out_of = each.crossing is Crossing.OUT
        since = each.out_at or each.found_at
        table.add_row(
            escape(each.sku), escape(each.name), Text(each.crossing.value, style="bold red" if out_of else "yellow"),
            f"{each.units:,}", f"{each.threshold:,}", f"{each.per_day:.1f}",
            f"{each.lost_per_hour:.2f}" if out_of else "", "just now" if since is None else ago(since, now),
        )  # fmt: skip
    out().print(table)
    if len(found) > limit:
        out().print(f"{len(found) - limit:,} more; --limit {len(found)} shows them")
    gone = [each for each in found if each.crossing is Crossing.OUT]
    out().print(LowStockFacts(len(found), len(gone), sum(each.per_day for each in gone)).sentence)
