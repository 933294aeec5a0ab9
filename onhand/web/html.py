"""What the pages are made of: tags, tables that fit narrow screens, and moments as people say them."""

from collections.abc import Container, Iterable
from datetime import UTC, datetime

from onhand.markup import Content, Markup, render, tag

__all__ = ["Content", "Markup", "ago", "render", "table", "tag"]


def table(headings: Iterable[Content], rows: Iterable[Iterable[Content]]) -> Markup:
    """A table that scrolls sideways by itself where the screen is narrow; columns with numbers are ranged right."""
    cells = [list(row) for row in rows]
    numbers = {at for row in cells for at, cell in enumerate(row) if isinstance(cell, int)}
    head = tag("thead", tag("tr", _row("th", headings, numbers)))
    body = tag("tbody", [tag("tr", _row("td", row, numbers)) for row in cells])
    return tag("div", tag("table", head, body), class_="scroll")


def _row(name: str, cells: Iterable[Content], numbers: Container[int]) -> list[Markup]:
    return [tag(name, cell, class_="number" if at in numbers else None) for at, cell in enumerate(cells)]


def ago(moment: datetime | None, now: datetime | None = None) -> Content:
    """How long ago something was; the moment itself shows when pointed at."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    stamp = moment.astimezone(UTC).isoformat(timespec="seconds")
    return tag("time", _since(seconds), datetime=stamp, title=stamp)


def _since(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago" if seconds >= 1 else "now"
