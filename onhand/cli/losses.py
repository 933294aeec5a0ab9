"""`onhand stock losses`: units written off, lost and found, added up by their reasons."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import chosen_location, in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.ledger.losses import Loss
from onhand.ledger.losses import losses as losses_of

DAYS = 30
"""How far back it looks unless told."""


def losses(
    ctx: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            formats=["%Y-%m-%d"],
            help=f"The first day; {DAYS} days ago without.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", formats=["%Y-%m-%d"], help="The last day; today without.", show_default=False
        ),
    ] = None,
    location: Annotated[
        str | None, typer.Option("--location", "-l", metavar="LOCATION", help="Only there.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Units lost and found, by reason, kind of event and location; days are those of the daily report's zone."""
    session = session_of(ctx)
    zone = session.settings.report.zone()
    if location is not None:
        chosen_location(session.settings, location)
    last = until.date() if until is not None else datetime.now(UTC).astimezone(zone).date()
    first = since.date() if since is not None else last - timedelta(days=DAYS)
    if first > last:
        raise typer.BadParameter(f"--since {first} is after --until {last}")

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone)

    begins, ends = midnight(first), midnight(last + timedelta(days=1))
    found = in_ledger(session, lambda pool: losses_of(pool, begins, ends, location))
    if as_json:
        print_json(found)
    elif not found:
        out().print(f"nothing was lost or found from {first} to {last}")
    else:
        _print(found)


def _print(found: Sequence[Loss]) -> None:
    numbers = ("events", "lost", "found")
    table = grid("reason", "kind", "location", *numbers, right=numbers)
    for each in found:
        table.add_row(
            escape(each.reason) or "(none)", each.kind.replace("_", " "), escape(each.location),
            *(f"{n:,}" if n else "" for n in (each.events, each.lost, each.found)),
        )  # fmt: skip
    events, lost, back = (
        sum(column) for column in zip(*((x.events, x.lost, x.found) for x in found), strict=True)
    )
    table.add_row("[bold]together[/]", "", "", *(f"[bold]{n:,}[/]" for n in (events, lost, back)))
    out().print(table)
