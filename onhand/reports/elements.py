"""What report pages are made of: styles on each element and nothing loaded, so that mail programs show them."""

from onhand.markup import Content, Markup, render, tag

FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
TEXT, SOFT, LINE, GOOD, BAD = "#1c2227", "#64707a", "#dfe3e6", "#157a3c", "#b3261e"


def document(title: str, *content: Content) -> str:
    """The whole file. Mail programs centre a table where they do not centre a box."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light"),
        tag("title", f"Onhand, {title}"),
    )
    inside = tag("td", *content, style=f"padding:22px 24px;background:#ffffff;border:1px solid {LINE}")
    inner = tag("table", tag("tr", inside), **table_style("width:100%;max-width:760px"))
    outer = tag(
        "table",
        tag("tr", tag("td", inner, align="center", style="padding:16px 8px")),
        **table_style("width:100%"),
    )
    body = tag("body", outer, style=f"margin:0;padding:0;background:#f6f7f8;color:{TEXT};{FONT}")
    return "<!doctype html>\n" + render(tag("html", head, body, lang="en")) + "\n"


def opening(kicker: str, title: str, sentence: str, *, quiet: bool) -> list[Markup]:
    """The top: what it is, of when, and the one sentence, in its colour."""
    return [
        tag("p", kicker, style=small()),
        tag("h1", title, style="margin:2px 0 10px;font-size:22px;line-height:1.3"),
        tag("p", sentence, style=f"margin:0 0 18px;font-size:16px;color:{GOOD if quiet else BAD}"),
    ]


def cell(content: Content, *, right: bool = False, head: bool = False, bad: bool = False) -> Markup:
    """One cell of a table: numbers to the right, what somebody should notice in red."""
    style = f"padding:5px 8px;border-bottom:1px solid {LINE};font-size:14px;text-align:{'right' if right else 'left'}"
    colour = BAD if bad else SOFT if head else TEXT
    weight = ";font-weight:600" if bad else ""
    return tag("th" if head else "td", content, style=f"{style};vertical-align:top;color:{colour}{weight}")


def table_style(style: str) -> dict[str, str]:
    """The attributes of a table that is laid out and not drawn."""
    return {
        "role": "presentation",
        "cellpadding": "0",
        "cellspacing": "0",
        "border": "0",
        "style": f"border-collapse:collapse;{style}",
    }


def heading() -> str:
    """The style of a heading."""
    return "margin:18px 0 6px;font-size:16px"


def small(margin: str = "0") -> str:
    """The style of what stands below the rest."""
    return f"margin:{margin};font-size:13px;line-height:1.5;color:{SOFT}"
