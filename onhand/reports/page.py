"""The report as one HTML file that mail programs show as it is: tables, styles on each element, nothing loaded."""

from collections.abc import Sequence
from itertools import islice

from onhand.domain.days import NOT_COUNTED, ChannelDay, DayReport, OversellOfDay
from onhand.markup import Content, Markup, render, tag
from onhand.reports.headline import counted_by_status, headline, is_quiet
from onhand.reports.lines import LINES, Value

COLUMNS_MAX = 3
"""Channels beside each other; more go into a table of their own, as mail is read on telephones, too."""
OVERSELLS_SHOWN = 50
FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
TEXT, SOFT, LINE, GOOD, BAD = "#1c2227", "#64707a", "#dfe3e6", "#157a3c", "#b3261e"


def page(report: DayReport) -> str:
    """The whole file."""
    day = f"{report.span.day:%A, %-d %B %Y}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light"),
        tag("title", f"Onhand, {report.span.day.isoformat()}"),
    )
    body = tag(
        "body", _frame(day, report), style=f"margin:0;padding:0;background:#f6f7f8;color:{TEXT};{FONT}"
    )
    return "<!doctype html>\n" + render(tag("html", head, body, lang="en")) + "\n"


def _frame(day: str, report: DayReport) -> Markup:
    """Mail programs centre a table where they do not centre a box."""
    content = tag(
        "td",
        tag("p", "Onhand, the day before" if report.whole else "Onhand, the day so far", style=_small()),
        tag("h1", day, style="margin:2px 0 10px;font-size:22px;line-height:1.3"),
        tag(
            "p",
            headline(report),
            style=f"margin:0 0 18px;font-size:16px;color:{GOOD if is_quiet(report) else BAD}",
        ),
        _oversells(report.oversells) if report.oversells else None,
        [_numbers(channels) for channels in _groups(report.channels)],
        tag("h2", "Runs", style=_heading()),
        _runs(report),
        tag("p", NOT_COUNTED, style=_small("18px 0 0")),
        tag("p", _footer(report), style=_small("8px 0 0")),
        style=f"padding:22px 24px;background:#ffffff;border:1px solid {LINE}",
    )
    inner = tag("table", tag("tr", content), **_table("width:100%;max-width:760px"))
    return tag(
        "table", tag("tr", tag("td", inner, align="center", style="padding:16px 8px")), **_table("width:100%")
    )


def _numbers(channels: Sequence[ChannelDay]) -> Markup:
    """One line a number, one column a channel."""
    head = tag("tr", _cell("", head=True), [_cell(c.channel, right=True, head=True) for c in channels])
    rows = [
        tag(
            "tr",
            _cell(line.name),
            [_cell(line.value(c), right=True, bad=line.stands_out(c)) for c in channels],
        )
        for line in LINES
    ]
    return tag("table", head, rows, **_table("width:100%;margin:0 0 14px"))


def _oversells(oversells: Sequence[OversellOfDay]) -> list[Markup]:
    shown = [
        tag(
            "tr",
            _cell(o.sku),
            _cell(f"{o.units_short:,} short", right=True, bad=True),
            _cell(f"sold last on {o.last_channel}" if o.last_channel else ""),
            _cell("over" if o.resolved_at else "still open", bad=o.resolved_at is None),
        )
        for o in oversells[:OVERSELLS_SHOWN]
    ]
    more = len(oversells) - len(shown)
    rest = tag("tr", _cell(f"and {more:,} more")) if more else None
    return [
        tag("h2", "Oversold", style=_heading()),
        tag("table", shown, rest, **_table("width:100%;margin:0 0 14px")),
    ]


def _runs(report: DayReport) -> Markup:
    lines: list[tuple[str, str]] = [
        ("sync runs", counted_by_status(dict(report.runs))),
        ("read-backs", counted_by_status(dict(report.read_backs))),
        ("rows of the source refused", f"{report.refused_rows:,}"),
        ("contradictions of authorities", f"{report.conflicts:,}"),
    ]
    rows = [tag("tr", _cell(name), _cell(said, right=True)) for name, said in lines]
    return tag("table", rows, **_table("width:100%"))


def _footer(report: DayReport) -> list[Content]:
    span = report.span
    said = (
        f"From {span.begins:%Y-%m-%d %H:%M} to {span.ends:%Y-%m-%d %H:%M} ({span.begins.tzname()}), made at "
        f"{report.made_at.astimezone(span.begins.tzinfo):%Y-%m-%d %H:%M}. The same in a terminal: "
    )
    command = f"onhand report --day {span.day.isoformat()}"
    return [said, tag("span", command, style="white-space:nowrap")]


def _cell(content: Value, *, right: bool = False, head: bool = False, bad: bool = False) -> Markup:
    style = f"padding:5px 8px;border-bottom:1px solid {LINE};font-size:14px;text-align:{'right' if right else 'left'}"
    colour = BAD if bad else SOFT if head else TEXT
    weight = ";font-weight:600" if bad else ""
    shown: Content = content
    return tag("th" if head else "td", shown, style=f"{style};vertical-align:top;color:{colour}{weight}")


def _groups(channels: Sequence[ChannelDay]) -> list[list[ChannelDay]]:
    left = iter(channels)
    return [list(islice(left, COLUMNS_MAX)) for _ in range(-(-len(channels) // COLUMNS_MAX))]


def _table(style: str) -> dict[str, str]:
    return {
        "role": "presentation",
        "cellpadding": "0",
        "cellspacing": "0",
        "border": "0",
        "style": f"border-collapse:collapse;{style}",
    }


def _heading() -> str:
    return "margin:18px 0 6px;font-size:16px"


def _small(margin: str = "0") -> str:
    return f"margin:{margin};font-size:13px;line-height:1.5;color:{SOFT}"
