"""`onhand count plan` and `onhand count differences`: what to count next, and what small differences add up to."""

import csv
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.domain.count_plan import Due
from onhand.domain.count_watch import Heap, Scope, WatchRules, heaps_of
from onhand.ledger import count_watch
from onhand.ledger.count_plan import shelves_due
from onhand.settings import Settings
from onhand.wording import signed

SHELVES_MAX = 100_000


def plan(
    ctx: typer.Context,
    location: Annotated[
        str | None,
        typer.Option("--location", "-l", metavar="LOCATION", help="Only there.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.", min=1, max=SHELVES_MAX)] = 50,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="Also what is not due yet, the soonest first.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer with CSV on stdout.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What to count next: by the tier of the SKU and the days since its shelf was counted, the most overdue first.

    Overdue is a share of the tier's interval: 2 means that a count was left out.
    """
    settings, now = session_of(ctx).settings, datetime.now(UTC)
    _require_location(settings, location)
    intervals = settings.counts.intervals()
    due = in_ledger(
        session_of(ctx),
        lambda pool: shelves_due(pool, intervals, now, location=location, limit=limit, ahead=ahead),
    )
    if as_csv:
        _write(due, now)
    elif as_json:
        print_json([_document(each, now) for each in due])
    else:
        _print(due, now)


def _require_location(settings: Settings, location: str | None) -> None:
    if location is not None and location not in settings.locations:
        known = ", ".join(settings.locations)
        raise OperatorError(f"there is no location {location!r}; known are {known}", code=ExitCode.USAGE)


def _document(due: Due, now: datetime) -> dict[str, object]:
    return {
        "sku": due.sku,
        "name": due.name,
        "location": due.location,
        "tier": str(due.tier),
        "per_day": round(due.per_day, 3),
        "on_hand": due.on_hand,
        "counted_at": due.counted_at,
        "days_since": round(due.days_since(now), 1),
        "interval_days": due.interval_days,
        "overdue": round(due.overdue(now), 2),
    }


def _write(due: Sequence[Due], now: datetime) -> None:
    writer = csv.writer(sys.stdout)
    documents = [_document(each, now) for each in due]
    writer.writerow(documents[0] if documents else ("sku", "location"))
    writer.writerows([("" if value is None else value) for value in each.values()] for each in documents)


def _print(due: Sequence[Due], now: datetime) -> None:
    if not due:
        out().print("nothing is due; what will be: onhand count plan --ahead")
        return
    numbers = ("on hand", "a day", "days", "every", "overdue")
    table = grid("sku", "name", "location", "tier", "counted", *numbers, right=numbers)
    for each in due:
        counted = "never" if each.counted_at is None else f"{each.counted_at.astimezone():%Y-%m-%d}"
        table.add_row(
            escape(each.sku), escape(each.name), escape(each.location), str(each.tier), counted, f"{each.on_hand:,}",
            f"{each.per_day:.1f}", f"{each.days_since(now):.0f}", f"{each.interval_days}", f"{each.overdue(now):.1f}",
        )  # fmt: skip
    out().print(table)
    out().print(
        f"count them: onhand count start --due {len(due)} --location {due[0].location} --csv sheet.csv",
        markup=False,
    )


def differences(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", help="At most so many SKUs.", min=1, max=10_000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """What small differences, each posted without a word, have come to: in all, by location, and by SKU."""
    settings = session_of(ctx).settings
    rules = settings.counts.watch_rules()
    since = datetime.now(UTC) - timedelta(days=rules.days)
    small = in_ledger(session_of(ctx), lambda pool: count_watch.small_differences(pool, since))
    heaps = heaps_of(small)
    sums = [
        heap
        for scope in reversed(Scope)
        for heap in sorted(
            (heap for heap in heaps if heap.scope is scope), key=lambda heap: (-abs(heap.units), heap.subject)
        )[:limit]
    ]
    if as_json:
        print_json({"days": rules.days, "sums": [_sum(heap, rules) for heap in sums]})
    elif not sums:
        out().print(f"no small difference was counted in {rules.days} days")
    else:
        _print_sums(sums, rules)


def _print_sums(sums: Sequence[Heap], rules: WatchRules) -> None:
    table = grid("", "", "counts", "units", "limit", "", right=("counts", "units", "limit"))
    for heap in sums:
        reached = rules.reached(heap)
        limit = f"{rules.limit(heap.scope):,}"
        table.add_row(
            heap.scope.value, escape(heap.subject), f"{heap.counts:,}", signed(heap.units), limit,
            "reached" if reached else "", style="bold red" if reached else "",
        )  # fmt: skip
    out().print(table)


def _sum(heap: Heap, rules: WatchRules) -> dict[str, object]:
    return {
        "scope": heap.scope,
        "subject": heap.subject,
        "counts": heap.counts,
        "units": heap.units,
        "limit": rules.limit(heap.scope),
        "above": rules.reached(heap),
    }
