"""`onhand programmes`: units kept for wholesale partners: promise, look at, give up, end."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from onhand import promising
from onhand.cli import programmes_view
from onhand.cli.app import JsonOption, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import chosen_location, in_ledger, make_places_known
from onhand.cli.output import err, out, print_json
from onhand.cli.programmes_view import Shown
from onhand.cli.stock_post import wake
from onhand.domain.counts import CountMeaning
from onhand.domain.programmes import Beyond, Line, ProgrammeRefusedError, Terms, require_sensible
from onhand.explain.skus import known_sku
from onhand.ledger import programmes
from onhand.ledger.database import Pool
from onhand.ledger.programmes import Kept
from onhand.settings import Settings
from onhand.sources.programme_file import ProgrammeRow, read_programme
from onhand.wording import count

NameArgument = Annotated[str, typer.Argument(metavar="PROGRAMME", help="Its name.", show_default=False)]
DAY = "%Y-%m-%d"


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Units kept for wholesale partners: promise, look at, give up, end.", no_args_is_help=True
    )
    group.command("create")(create)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("release")(release)
    group.command("close")(close)
    app.add_typer(group, name="programmes", rich_help_panel="Stock")


def create(
    ctx: typer.Context,
    name: NameArgument,
    partner: Annotated[
        str,
        typer.Option("--partner", help="Whose it is: as its channel or client names it.", metavar="PARTNER"),
    ],
    until: Annotated[
        datetime,
        typer.Option("--until", formats=[DAY], help="Its last day; what is left is released after it."),
    ],
    begins: Annotated[
        datetime | None, typer.Option("--from", formats=[DAY], help="Its first day; at once, unless given.")
    ] = None,
    skus: Annotated[
        list[str] | None,
        typer.Option("--sku", metavar="SKU=UNITS", help="What is kept; may be given several times."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="CSV", help="What is kept: columns sku, units, and location if need be."
        ),
    ] = None,
    location: Annotated[
        str | None,
        typer.Option("--location", "-l", metavar="LOCATION", help="Where, if nothing else says so."),
    ] = None,
    beyond: Annotated[
        Beyond,
        typer.Option("--beyond", help="More orders than that: take them like others, or alert people, too."),
    ] = Beyond.TAKE,
    as_json: JsonOption = False,
) -> None:
    """Keep units for a partner from one day to another. What is not there yet is reserved as it comes in."""
    session = session_of(ctx)
    settings, now = session.settings, datetime.now(UTC)
    starts = now if begins is None else _day(settings, begins)
    terms = Terms(name, partner, starts, _day(settings, until + timedelta(days=1)), beyond)
    lines = _lines(settings, skus or (), file, location)
    require_sensible(terms, lines, now)

    async def work(pool: Pool) -> tuple[Shown, bool]:
        await make_places_known(pool, settings)
        for line in lines:
            await known_sku(pool, line.sku)
        await programmes.create(pool, terms, lines, getpass.getuser())
        woken: set[str] = set()
        if starts <= now:
            number = (await _one(pool, settings, name)).programme.number
            await programmes.keep(pool, number, now, settings.sellers().get(partner, ()), woken)
        return await _one(pool, settings, name), await wake(settings, woken)

    shown, signalled = in_ledger(session, work)
    if as_json:
        print_json(programmes_view.document(shown))
    else:
        programmes_view.print_one(shown, now)
    for remark in _remarks(settings, partner):
        err().print(escape(remark))
    _require_signalled(signalled)


def _remarks(settings: Settings, partner: str) -> Iterator[str]:
    """What is configured so that a programme would not do what one expects."""
    if partner not in settings.sellers():
        yield (
            f"no channel or client belongs to {partner} yet, so nothing draws on it: give one "
            f'partner = "{partner}" in the configuration'
        )
    if getattr(settings.source, "meaning", None) is CountMeaning.AVAILABLE:
        yield (
            "the source states what is available, and does not know what is reserved here: have it state "
            'meaning = "on_hand", or its next count makes these units available again'
        )


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What is kept, for whom and until when; exits 3 while something of it may be missing."""
    settings = session_of(ctx).settings
    found = in_ledger(session_of(ctx), lambda pool: _all(pool, settings, ended=everything))
    if as_json:
        print_json([programmes_view.document(each) for each in found])
    else:
        programmes_view.print_list(found, datetime.now(UTC))
    raise typer.Exit(ExitCode.PARTIAL if any(each.missing for each in found) else ExitCode.SUCCESS)


def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """What one keeps, what was drawn, and the orders that draw on it; exits 3 while something of it may be missing."""
    session = session_of(ctx)

    async def work(pool: Pool) -> tuple[Shown, list[tuple[str, str]]]:
        shown = await _one(pool, session.settings, name)
        return shown, await programmes.orders_of(pool, shown.programme.number)

    shown, orders = in_ledger(session, work)
    if as_json:
        print_json(programmes_view.document(shown, orders))
    else:
        programmes_view.print_one(shown, datetime.now(UTC), orders)
    raise typer.Exit(ExitCode.PARTIAL if shown.missing else ExitCode.SUCCESS)


def release(
    ctx: typer.Context,
    name: NameArgument,
    sku: Annotated[
        str | None, typer.Argument(metavar="SKU", help="Only of this SKU.", show_default=False)
    ] = None,
    units: Annotated[
        int | None, typer.Option("--units", min=1, help="So many of each SKU; all of them, unless given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give units up before the end: they can be sold to anybody at once. What its orders took stays."""
    now = datetime.now(UTC)
    _change(ctx, lambda pool, woken: programmes.release(pool, name, sku, units, now, woken), as_json=as_json)


def close(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False) -> None:
    """End a programme now: what is left of it can be sold to anybody at once."""
    now, by = datetime.now(UTC), getpass.getuser()
    _change(ctx, lambda pool, woken: programmes.close(pool, name, by, now, woken), as_json=as_json)


Change = Callable[[Pool, set[str]], Awaitable[Kept]]


def _change(ctx: typer.Context, change: Change, *, as_json: bool) -> None:
    session = session_of(ctx)

    async def work(pool: Pool) -> tuple[Kept, bool]:
        woken: set[str] = set()
        kept = await change(pool, woken)
        return kept, await wake(session.settings, woken)

    kept, signalled = in_ledger(session, work)
    if as_json:
        print_json(kept)
    else:
        over = "; it is over" if kept.ended else ""
        out().print(f"{escape(kept.name)}: {count(kept.released, 'unit')} released{over}")
    _require_signalled(signalled)


def _require_signalled(signalled: bool) -> None:
    if not signalled:
        err().print(
            "publishers could not be signalled: Temporal does not answer; the next order sweep wakes them"
        )
        raise typer.Exit(ExitCode.PARTIAL)


def _day(settings: Settings, given: datetime) -> datetime:
    """The beginning of a day, where days begin."""
    return datetime(given.year, given.month, given.day, tzinfo=settings.report.zone())


def _lines(settings: Settings, skus: Sequence[str], file: Path | None, location: str | None) -> list[Line]:
    """What is to be kept, from options and file alike."""
    rows = [_row(said) for said in skus]
    rows += asyncio.run(read_programme(file)) if file is not None else []
    return [Line(row.sku, chosen_location(settings, row.location or location), row.units) for row in rows]


def _row(said: str) -> ProgrammeRow:
    sku, _, units = said.rpartition("=")
    if not sku or not units.isdecimal():
        raise OperatorError(
            f"--sku {said}: not of the form SKU=UNITS, for example 22423=500", code=ExitCode.USAGE
        )
    return ProgrammeRow(sku, int(units), "")


async def _one(pool: Pool, settings: Settings, name: str) -> Shown:
    found = [each for each in await _all(pool, settings, ended=True) if each.programme.terms.name == name]
    if not found:
        raise ProgrammeRefusedError(f"there is no programme {name}; onhand programmes list")
    return found[0]


async def _all(pool: Pool, settings: Settings, *, ended: bool) -> list[Shown]:
    """Programmes with what may be missing of each line."""
    short = {
        (each.prospect.number, each.prospect.line.shelf): each.short
        for each in await promising.outlook(pool, settings)
    }
    return [
        Shown(
            each,
            promising.last_day(each.terms, settings),
            {line.shelf: short.get((each.number, line.shelf), 0) for line in each.lines},
        )
        for each in await programmes.listed(pool, ended=ended)
    ]
