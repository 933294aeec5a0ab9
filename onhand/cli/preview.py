"""`onhand sync --dry-run`: every level that would change, from what to what; nothing is written anywhere."""

from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from onhand.channels.registry import make_channel
from onhand.cli.errors import ExitCode
from onhand.cli.output import err, grid, out, print_json
from onhand.connect import open_ledger
from onhand.dry_run import Forecast, LevelChange, Look, Overlay, preview, read_source
from onhand.explain.skus import known_sku
from onhand.imports import LedgerDirectory
from onhand.ledger import catalogue
from onhand.ledger.counters import Counter
from onhand.ledger.database import Pool
from onhand.messages import SyncRequest
from onhand.settings import Settings
from onhand.sources.registry import make_source
from onhand.wording import count

SIGHTS = {"": "", "hidden": "then out of sight", "shown": "then in sight again"}
LINES_MAX = 500
"""Changes that are laid out in one table; the next ones begin another, so that output flows."""


async def print_preview(settings: Settings, request: SyncRequest, *, as_json: bool) -> ExitCode:
    """Print what a sync would change; answers the exit code: 3 when some channel could not be looked at."""
    forecast, changes = Forecast(), _Changes(as_json=as_json)
    names = request.channels or settings.enabled_channels()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_ledger(settings))
        for sku in request.skus or ():
            await known_sku(pool, sku)
        channels = {name: make_channel(name, settings.channels[name]) for name in names}
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        overlay = await _overlay(pool, settings, request, forecast)
        look = Look(request.full, request.skus)
        found = await stack.enter_async_context(
            aclosing(preview(pool, settings.rule_book(), channels, overlay, look, forecast))
        )
        async for change in found:
            changes.add(change)
        changes.end()
    _print_forecast(forecast, changes.listed, as_json=as_json)
    return _code(forecast)


async def _overlay(pool: Pool, settings: Settings, request: SyncRequest, forecast: Forecast) -> Overlay:
    source = make_source(settings)
    if source is None:
        return Overlay()
    try:
        since = None if request.full else await catalogue.read_watermark(pool, f"source/{source.name}")
        known = LedgerDirectory(pool, frozenset(settings.locations))
        with err().status("reading the source"):
            kept = {code: Counter(*found) for code, found in settings.counters().items()}
            return await read_source(pool, source, known, since, forecast, settings.source.lag(), kept)
    finally:
        await source.aclose()


class _Changes:
    """Prints changes as they are found, table by table; for JSON it keeps them for the one document."""

    def __init__(self, *, as_json: bool) -> None:
        self.listed: list[LevelChange] = []
        self._as_json = as_json
        self._table: Table | None = None
        self._channel = ""

    def add(self, change: LevelChange) -> None:
        if self._as_json:
            self.listed.append(change)
            return
        if self._table is None or change.channel != self._channel or self._table.row_count >= LINES_MAX:
            self.end()
            self._table = grid("channel", "sku", "item", "place", "from", "to", "", right=("from", "to"))
            self._channel = change.channel
        said = escape(change.problem) or SIGHTS[change.sight]
        self._table.add_row(
            escape(change.channel), escape(change.sku), escape(change.item_id), escape(change.place),
            "?" if change.before is None else f"{change.before:,}", f"{change.after:,}", said,
        )  # fmt: skip

    def end(self) -> None:
        """Print what is laid out."""
        if self._table is not None:
            out().print(self._table)
            out().print()
        self._table = None


def _print_forecast(forecast: Forecast, changes: list[LevelChange], *, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, "changes": changes, **asdict(forecast)})
        return
    console = out()
    console.print(
        f"source: {count(forecast.rows, 'row')} read, {count(forecast.corrections, 'correction')}, "
        f"{forecast.refused:,} refused"
    )
    for line in (*forecast.incomplete, *forecast.refusals):
        console.print(f"  [yellow]{escape(line)}[/]")
    for channel in forecast.channels.values():
        console.print(
            f"{escape(channel.channel)}: {channel.changes:,} of {count(channel.levels, 'level')} would change"
            + (f", {channel.reads:,} read back" if channel.reads else "")
        )
        if channel.error:
            console.print(f"  [red]{escape(channel.error)}[/]")
    console.print("[bold]dry run: nothing was written anywhere[/]")


def _code(forecast: Forecast) -> ExitCode:
    if forecast.channels and len(forecast.failed) == len(forecast.channels):
        return ExitCode.FAILURE
    left_out = forecast.failed or forecast.refused or forecast.incomplete
    return ExitCode.PARTIAL if left_out else ExitCode.SUCCESS
