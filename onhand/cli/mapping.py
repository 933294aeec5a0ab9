"""`onhand mapping`: which item of a channel is which SKU, and what could not be told."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from onhand.channels.errors import ChannelError
from onhand.channels.registry import make_channel
from onhand.cli.app import JsonOption, chosen_channels, session_of
from onhand.cli.errors import ExitCode
from onhand.cli.ledger import ChannelOption, in_ledger, make_places_known
from onhand.cli.output import err, grid, out, print_json
from onhand.connect import open_ledger
from onhand.ledger import catalogue
from onhand.ledger import mapping as ledger_mapping
from onhand.ledger.catalogue import MappingState, RefusedRow
from onhand.ledger.database import Pool
from onhand.ledger.mapping import Contested
from onhand.mapping import ADVICE, DiscoveryReport, MappingProblem, discover_channel, problems_key
from onhand.settings import Settings
from onhand.wording import ago, count

LISTED_MAX = 10_000

ShowOption = Annotated[
    int, typer.Option("--show", help="How many of each kind to list.", min=0, max=LISTED_MAX)
]


@dataclass(frozen=True, slots=True)
class MappingView:
    """How the mapping of a channel stands, as the ledger has it."""

    state: MappingState
    missing: tuple[tuple[str, str], ...]
    contested: tuple[Contested, ...]
    shared: tuple[tuple[str, list[str]], ...]
    unmapped_items: tuple[RefusedRow, ...]
    problems: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether it was discovered, and everything on either side has its counterpart."""
        return self.state.mapped_at is not None and not (self.missing or self.contested or self.problems)


def register(app: typer.Typer) -> None:
    """Hang the group into the program."""
    group = typer.Typer(help="Which item of a channel is which SKU.", no_args_is_help=True)
    group.command("discover")(discover)
    group.command("check")(check)
    app.add_typer(group, name="mapping", rich_help_panel="Channels")


def discover(
    ctx: typer.Context,
    channel: ChannelOption = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Believe it where most of what was mapped is gone.")
    ] = False,
    show: ShowOption = 20,
    as_json: JsonOption = False,
) -> None:
    """Look through the channels and map what can be told; exits 3 when something could not."""
    settings = session_of(ctx).settings
    names = chosen_channels(settings, channel)
    found = asyncio.run(_discover(settings, names, accept_loss=accept_loss))
    if as_json:
        print_json([{**asdict(report), "details": view} for report, view in found])
    else:
        for report, view in found:
            _print_report(report, view)
            _print_view(view, show)
    raise typer.Exit(_code([report for report, _ in found]))


def _code(reports: Sequence[DiscoveryReport]) -> ExitCode:
    if all(report.warning and not report.found for report in reports):
        return ExitCode.FAILURE
    return ExitCode.SUCCESS if all(report.clean for report in reports) else ExitCode.PARTIAL


async def _discover(
    settings: Settings, names: Sequence[str], *, accept_loss: bool
) -> list[tuple[DiscoveryReport, MappingView]]:
    found = []
    async with open_ledger(settings) as pool:
        await make_places_known(pool, settings)
        for name in names:
            section = settings.channels[name]
            channel = make_channel(name, section)
            try:
                with err().status(f"looking through {name}"):
                    places = list(section.draws_on())
                    report = await discover_channel(pool, channel, places, accept_loss=accept_loss)
            except ChannelError as error:
                # The other channels have nothing to do with it.
                report = DiscoveryReport(name, warning=str(error))
            finally:
                await channel.aclose()
            found.append((report, await _view(pool, name)))
    return found


def check(
    ctx: typer.Context, channel: ChannelOption = None, show: ShowOption = 20, as_json: JsonOption = False
) -> None:
    """How the mapping stands, as the last discovery left it; asks no channel. Exits 3 when there are gaps."""
    settings = session_of(ctx).settings
    names = chosen_channels(settings, channel)

    async def work(pool: Pool) -> list[MappingView]:
        await make_places_known(pool, settings)
        return [await _view(pool, name) for name in names]

    views = in_ledger(session_of(ctx), work)
    if as_json:
        print_json([{"clean": view.clean, **asdict(view)} for view in views])
    else:
        for view in views:
            _print_state(view)
            _print_view(view, show)
    raise typer.Exit(ExitCode.SUCCESS if all(view.clean for view in views) else ExitCode.PARTIAL)


async def _view(pool: Pool, channel: str) -> MappingView:
    key = problems_key(channel)
    (state,) = await catalogue.mapping_state(pool, [channel])
    return MappingView(
        state,
        tuple(await catalogue.unmapped_skus(pool, channel, LISTED_MAX)),
        tuple(await ledger_mapping.contested_skus(pool, channel, LISTED_MAX)),
        tuple(await catalogue.shared_listings(pool, channel, LISTED_MAX)),
        tuple(await catalogue.refused_rows(pool, key, LISTED_MAX)),
        await ledger_mapping.problem_counts(pool, key),
    )


def _print_report(report: DiscoveryReport, view: MappingView) -> None:
    how = ", ".join(f"{number:,} by {by}" for by, number in report.mapped.items() if number)
    out().print(
        f"[bold]{escape(report.channel)}[/]: {count(report.found, 'item')} found, recognised {how or 'none'}; "
        f"{count(view.state.listings, 'listing')} mapped, {report.added:,} new, {report.retired:,} retired"
    )
    if report.warning:
        err().print(f"[yellow]warning:[/] {escape(report.warning)}")


def _print_state(view: MappingView) -> None:
    state = view.state
    mapped = (
        "never discovered" if state.mapped_at is None else f"mapped {ago(state.mapped_at, datetime.now(UTC))}"
    )
    out().print(f"[bold]{escape(state.channel)}[/]: {count(state.listings, 'listing')}, {mapped}")
    if state.mapped_at is None:
        out().print(f"what to do: onhand mapping discover --channel {escape(state.channel)}")


def _print_view(view: MappingView, show: int) -> None:
    if view.clean:
        out().print("[green]every SKU has its item, and every item its SKU[/]")
    _section(
        f"missing: {count(view.state.unmapped, 'active SKU')} that {view.state.channel} does not list",
        "List it on the channel under our SKU, or set its catalogue row to discontinued.",
        [f"{code}  {name}" for code, name in view.missing],
        show,
    )
    for problem in MappingProblem:
        rows = [row for row in view.unmapped_items if row.problem == problem]
        number = view.problems.get(problem, 0)
        _section(
            f"{problem}: {count(number, 'item')}",
            ADVICE[problem],
            [f"item {row.origin} ({row.raw}): {row.message}" for row in rows],
            show,
        )
    _section(
        f"duplicate: {count(len(view.contested), 'SKU')} that several items claim",
        "Give each item a SKU of its own on the channel, or say by a mapping file that all of them are meant.",
        [_claim(claim) for claim in view.contested],
        show,
    )
    out().print()


def _claim(claim: Contested) -> str:
    mapped = f"mapped to {', '.join(claim.mapped)}; " if claim.mapped else "not mapped; "
    return f"{claim.sku}: {mapped}left out {', '.join(claim.left_out)}"


def _section(heading: str, advice: str, lines: Sequence[str], show: int) -> None:
    if not lines:
        return
    console = out()
    console.print()
    console.print(f"[yellow]{escape(heading)}[/]")
    console.print(f"what to do: {escape(advice)}")
    table = grid("", "")
    table.show_header = False
    for line in lines[:show]:
        table.add_row(" ", escape(line))
    if len(lines) > show:
        table.add_row(" ", f"... and {len(lines) - show:,} more (--show, --json)")
    console.print(table)
