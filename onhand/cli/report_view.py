"""How `onhand report` looks in a terminal: the sentence, then one line a number and one column a channel."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from onhand.cli.output import grid
from onhand.domain.days import NOT_COUNTED, DayReport
from onhand.reports.headline import counted_by_status, headline, is_quiet
from onhand.reports.lines import LINES, Value


def report_view(report: DayReport) -> RenderableType:
    """One day for people."""
    style = "green" if is_quiet(report) else "bold yellow"
    parts: list[RenderableType] = [
        Text.assemble((f"{report.span.day:%A, %-d %B %Y}", "bold"), "  ", (headline(report), style)),
        Text(),
        _numbers(report),
    ]
    if report.oversells:
        parts += [Text(), _oversells(report)]
    return Group(*parts, Text(), _runs(report), Text(), Text(NOT_COUNTED, style="dim"))


def _numbers(report: DayReport) -> Table:
    names = [channel.channel for channel in report.channels]
    table = grid("", *names, right=names)
    for line in LINES:
        shown = [
            Text(_told(line.value(channel)), style="bold red" if line.stands_out(channel) else "")
            for channel in report.channels
        ]
        table.add_row(line.name, *shown)
    return table


def _told(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _oversells(report: DayReport) -> Table:
    table = grid("oversold", "units short", "sold last on", "", right=("units short",))
    for each in report.oversells:
        state = Text("over") if each.resolved_at else Text("still open", style="bold red")
        table.add_row(escape(each.sku), f"{each.units_short:,}", escape(each.last_channel or ""), state)
    return table


def _runs(report: DayReport) -> Table:
    lines: Iterable[tuple[str, str]] = (
        ("sync runs", counted_by_status(dict(report.runs))),
        ("read-backs", counted_by_status(dict(report.read_backs))),
        ("source rows refused", f"{report.refused_rows:,}"),
        ("contradictions of authorities", f"{report.conflicts:,}"),
    )
    table = grid("", "")
    table.show_header = False
    for name, said in lines:
        table.add_row(name, said)
    return table
