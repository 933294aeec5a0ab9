"""`onhand import`: a catalogue, a mapping or counted stock from a file."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from onhand.cli.app import JsonOption, Session, chosen_channels, session_of
from onhand.cli.errors import ExitCode, OperatorError
from onhand.cli.ledger import in_ledger, make_places_known
from onhand.cli.output import err, grid, out, print_json
from onhand.domain.counts import CountMeaning
from onhand.imports import (
    FileFormat,
    ImportReport,
    LedgerDirectory,
    import_catalogue,
    import_mapping,
    import_stock,
)
from onhand.ledger.database import Pool
from onhand.settings import CsvSource, Settings
from onhand.sources.csv_files import CsvOptions
from onhand.sources.numbers import Marks
from onhand.sources.registry import csv_options
from onhand.wording import count

SHOWN_ROWS = 50

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A CSV file.", exists=True, dir_okay=False, readable=True)
]
DelimiterOption = Annotated[
    str | None,
    typer.Option("--delimiter", help="Found out from the header, if not given.", show_default=False),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", help="Of a file that is neither UTF-8 nor UTF-16; cp1252, if not given."),
]
ShowOption = Annotated[int, typer.Option("--show", help="How many refused rows to list.", min=0)]


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(
        help="Take a file into the ledger; exits 3 when some rows were refused.", no_args_is_help=True
    )
    group.command("catalogue")(catalogue)
    group.command("mapping")(mapping)
    group.command("stock")(stock)
    app.add_typer(group, name="import", rich_help_panel="Stock")


def catalogue(
    ctx: typer.Context,
    file: FileArgument,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """SKUs: columns sku, and where there are any name, barcode, tags, status, fraction."""
    form = file_format(delimiter, encoding)
    report = run_import(session_of(ctx), lambda pool, _: import_catalogue(pool, file, form))
    answer_import(report, show, as_json=as_json)


def mapping(
    ctx: typer.Context,
    file: FileArgument,
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel", metavar="CHANNEL", help="Whose items; may be left out if there is only one."
        ),
    ] = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """Which item of a channel is which SKU: columns sku, item_id, and parent_id, tracking, units if needed."""
    session = session_of(ctx)
    names = chosen_channels(session.settings, channel)
    if len(names) != 1:
        raise typer.BadParameter(f"a mapping is of one channel: give --channel, one of {', '.join(names)}")
    places = list(session.settings.channels[names[0]].draws_on())
    form = file_format(delimiter, encoding)
    report = run_import(
        session, lambda pool, known: import_mapping(pool, file, names[0], places, known, form)
    )
    answer_import(report, show, as_json=as_json)


def stock(
    ctx: typer.Context,
    file: FileArgument,
    location: Annotated[
        str | None, typer.Option("--location", "-l", help="Where, for a file that has no such column.")
    ] = None,
    meaning: Annotated[
        CountMeaning | None,
        typer.Option("--meaning", help="on_hand: all on the shelf; available: open orders taken off."),
    ] = None,
    duplicates: Annotated[
        Literal["refuse", "sum", "last"] | None,
        typer.Option(
            "--duplicates", help="Rows of one SKU and location: refused, added up, or the last counts."
        ),
    ] = None,
    decimal_mark: Annotated[
        Literal[".", ","] | None, typer.Option("--decimal-mark", help='"." or ","', show_default=False)
    ] = None,
    thousands_mark: Annotated[
        str | None,
        typer.Option("--thousands-mark", help='"" for none, or one of , . space \'', show_default=False),
    ] = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    show: ShowOption = SHOWN_ROWS,
    as_json: JsonOption = False,
) -> None:
    """Counts: columns sku, quantity, location. What is not given here is as the configuration says of a CSV source."""
    session = session_of(ctx)
    options = _options(session.settings, file, location)
    marks = Marks(
        options.marks.decimal if decimal_mark is None else decimal_mark,
        options.marks.thousands if thousands_mark is None else thousands_mark,
    )
    options = replace(
        options,
        meaning=meaning or options.meaning,
        duplicates=duplicates or options.duplicates,
        delimiter=delimiter or options.delimiter,
        encoding=encoding or options.encoding,
        marks=marks,
    )
    answer_import(
        run_import(session, lambda pool, known: import_stock(pool, options, known)), show, as_json=as_json
    )


def _options(settings: Settings, file: Path, location: str | None) -> CsvOptions:
    source = settings.source
    options = csv_options(source) if isinstance(source, CsvSource) else CsvOptions(file)
    only = next(iter(settings.locations)) if len(settings.locations) == 1 else ""
    if location is not None and location not in settings.locations:
        known = ", ".join(settings.locations)
        raise OperatorError(f"there is no location {location!r}; known are {known}", code=ExitCode.USAGE)
    return replace(options, path=file, location=location or options.location or only, settle_seconds=0)


def file_format(delimiter: str | None, encoding: str | None) -> FileFormat:
    """What was said about a file's text."""
    return FileFormat(delimiter, encoding or FileFormat().encoding)


def run_import(
    session: Session, work: Callable[[Pool, LedgerDirectory], Awaitable[ImportReport]]
) -> ImportReport:
    """Take a file into the ledger, which knows the configured places."""

    async def with_places(pool: Pool) -> ImportReport:
        await make_places_known(pool, session.settings)
        return await work(pool, LedgerDirectory(pool, frozenset(session.settings.locations)))

    return in_ledger(session, with_places)


def answer_import(report: ImportReport, show: int, *, as_json: bool) -> None:
    """Say what became of a file, and exit as it went."""
    if as_json:
        print_json(report)
    else:
        _print(report, show)
    raise typer.Exit(_code(report))


def _code(report: ImportReport) -> ExitCode:
    if not report.refused:
        return ExitCode.SUCCESS
    return ExitCode.PARTIAL if report.taken or report.known else ExitCode.FAILURE


def _print(report: ImportReport, show: int) -> None:
    console = out()
    style = "yellow" if report.refused else "green"
    parts = [f"[{style}]{report.taken:,} taken[/]"]
    parts += [f"{report.known:,} known already"] if report.known else []
    parts += [f"[{style}]{report.refused:,} refused[/]"] if report.refused else []
    console.print(f"{escape(report.file)}: {count(report.rows, 'row')}, {', '.join(parts)}")
    if report.nothing_new:
        console.print("this file was imported before; nothing was changed")
    if report.kind == "stock" and report.taken:
        err().print(f"to take it back: onhand events reverse --source {report.key}")
    for notice in report.notices[:show]:
        console.print(f"[yellow]note:[/] {escape(notice)}")
    if not report.refused:
        return
    table = grid("row", "problem", "why, and what to do")
    for row in report.refusals[:show]:
        table.add_row(
            escape(row.origin), row.problem.replace("_", " "), escape(_why(row.origin, row.message))
        )
    console.print()
    console.print(table)
    if report.refused > show:
        err().print(
            f"{report.refused - show:,} more refused; see them with --show {report.refused} or --json"
        )


def _why(origin: str, message: str) -> str:
    # The message stands alone in logs: it begins with the row, which has a column here, and ends with the verdict.
    return message.removeprefix(origin).lstrip(",: ").removesuffix(" The row was not taken.")
