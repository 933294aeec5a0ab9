"""`onhand authority`: whose word about a location counts, and where two of them disagreed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, session_of
from onhand.cli.ledger import in_ledger
from onhand.cli.output import grid, out, print_json
from onhand.ledger import authority
from onhand.ledger.authority import Conflict
from onhand.settings import Settings
from onhand.wording import ago

LIMIT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class AuthorityFor:
    """A location, and who may say how many units it has, as events in the ledger name it."""

    location: str
    authority: str


@dataclass(frozen=True, slots=True)
class Authorities:
    """Who may say what, and the newest disagreements."""

    authorities: tuple[AuthorityFor, ...]
    conflicts: tuple[Conflict, ...]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Whose word about a location counts, and where two disagreed.", no_args_is_help=True
    )
    group.command("list")(list_)
    app.add_typer(group, name="authority", rich_help_panel="Channels")


def list_(
    ctx: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", "-n", help="How many conflicts.", min=1, max=LIMIT_MAX)
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Who is the authority for each location, and the newest conflicts: the lower number counts until confirmed."""
    session = session_of(ctx)
    found = in_ledger(session, lambda pool: authority.recent_conflicts(pool, limit))
    listed = Authorities(tuple(_configured(session.settings)), tuple(found))
    if as_json:
        print_json(listed)
        return
    _print_authorities(listed.authorities)
    out().print()
    _print_conflicts(listed.conflicts)


def _configured(settings: Settings) -> Iterator[AuthorityFor]:
    for location in settings.locations:
        for channel in settings.enabled_channels():
            if location in settings.channels[channel].authority_for:
                yield AuthorityFor(location, f"channel/{channel}/authority")
        for client, section in settings.clients.items():
            if location in section.authority_for:
                yield AuthorityFor(location, f"client/{client}")


def _print_authorities(found: Sequence[AuthorityFor]) -> None:
    if not found:
        out().print("no location has an authority: see authority_for in the configuration")
        return
    table = grid("location", "authority")
    for each in found:
        table.add_row(escape(each.location), escape(each.authority))
    out().print(table)


def _print_conflicts(found: Sequence[Conflict]) -> None:
    if not found:
        out().print("no conflicts")
        return
    now = datetime.now(UTC)
    table = grid(
        "found", "SKU", "location", "stated", "by", "against", "of", "counts", right=("stated", "against")
    )
    for each in found:
        table.add_row(
            ago(each.found_at, now), escape(each.sku), escape(each.location), f"{each.quantity:,}",
            escape(each.authority), f"{each.rival_quantity:,}", escape(each.rival),
            "what was stated last" if each.counted else "what stood before",
        )  # fmt: skip
    out().print(table)
