"""The report as one HTML file that mail programs show as it is: tables, styles on each element, nothing loaded."""

from collections.abc import Sequence
from itertools import islice

from onhand.domain.days import NOT_COUNTED, ChannelDay, DayReport, OversellOfDay
from onhand.markup import Content, Markup, tag
from onhand.reports.elements import cell, document, heading, opening, small, table_style
from onhand.reports.headline import counted_by_status, headline, is_quiet
from onhand.reports.lines import LINES

COLUMNS_MAX = 3
"""Channels beside each other; more go into a table of their own, as mail is read on telephones, too."""
OVERSELLS_SHOWN = 50


def page(report: DayReport) -> str:
    """The whole file."""
    return document(
        report.span.day.isoformat(),
        opening(
            "Onhand, the day before" if report.whole else "Onhand, the day so far",
            f"{report.span.day:%A, %-d %B %Y}",
            headline(report),
            quiet=is_quiet(report),
        ),
        _oversells(report.oversells) if report.oversells else None,
        [_numbers(channels) for channels in _groups(report.channels)],
        tag("h2", "Runs", style=heading()),
        _runs(report),
        tag("p", NOT_COUNTED, style=small("18px 0 0")),
        tag("p", _footer(report), style=small("8px 0 0")),
    )


def _numbers(channels: Sequence[ChannelDay]) -> Markup:
    """One line a number, one column a channel."""
    head = tag("tr", cell("", head=True), [cell(c.channel, right=True, head=True) for c in channels])
    rows = [
        tag(
            "tr",
            cell(line.name),
            [cell(line.value(c), right=True, bad=line.stands_out(c)) for c in channels],
        )
        for line in LINES
    ]
    return tag("table", head, rows, **table_style("width:100%;margin:0 0 14px"))


def _oversells(oversells: Sequence[OversellOfDay]) -> list[Markup]:
    shown = [
        tag(
            "tr",
            cell(o.sku),
            cell(f"{o.units_short:,} short", right=True, bad=True),
            cell(f"sold last on {o.last_channel}" if o.last_channel else ""),
            cell("over" if o.resolved_at else "still open", bad=o.resolved_at is None),
        )
        for o in oversells[:OVERSELLS_SHOWN]
    ]
    more = len(oversells) - len(shown)
    rest = tag("tr", cell(f"and {more:,} more")) if more else None
    return [
        tag("h2", "Oversold", style=heading()),
        tag("table", shown, rest, **table_style("width:100%;margin:0 0 14px")),
    ]


def _runs(report: DayReport) -> Markup:
    lines: list[tuple[str, str]] = [
        ("sync runs", counted_by_status(dict(report.runs))),
        ("read-backs", counted_by_status(dict(report.read_backs))),
        ("rows of the source refused", f"{report.refused_rows:,}"),
        ("contradictions of authorities", f"{report.conflicts:,}"),
    ]
    rows = [tag("tr", cell(name), cell(said, right=True)) for name, said in lines]
    return tag("table", rows, **table_style("width:100%"))


def _footer(report: DayReport) -> list[Content]:
    span = report.span
    said = (
        f"From {span.begins:%Y-%m-%d %H:%M} to {span.ends:%Y-%m-%d %H:%M} ({span.begins.tzname()}), made at "
        f"{report.made_at.astimezone(span.begins.tzinfo):%Y-%m-%d %H:%M}. The same in a terminal: "
    )
    command = f"onhand report --day {span.day.isoformat()}"
    return [said, tag("span", command, style="white-space:nowrap")]


def _groups(channels: Sequence[ChannelDay]) -> list[list[ChannelDay]]:
    left = iter(channels)
    return [list(islice(left, COLUMNS_MAX)) for _ in range(-(-len(channels) // COLUMNS_MAX))]
