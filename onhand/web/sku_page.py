"""Why a channel shows 7, as a page: the answer first, then what it rests on."""

from datetime import datetime

from starlette.responses import HTMLResponse

from onhand.domain.states import OUTSIDE, State
from onhand.web.answers import Balance, Event, Explained, ExplainedLevel, Line, Provisional
from onhand.web.html import Content, Markup, ago, table, tag
from onhand.web.pages import REFRESH_SECONDS, page, pairs, state

_INSIDE = tuple(s for s in State if s not in OUTSIDE)


def sku_page(found: Explained, temporal_ui: str) -> HTMLResponse:
    """All of an explanation."""
    sku = found.sku
    names = " · ".join(part for part in (sku.name, sku.barcode and f"barcode {sku.barcode}") if part)
    gone = tag("span", " discontinued", class_="state warn") if sku.status != "active" else None
    return page(
        sku.code,
        tag("h1", sku.code, gone),
        tag("p", names, class_="soft") if names else None,
        [tag("p", tag("strong", level.sentence)) for level in found.levels],
        _without("No listing of it on", found.unlisted),
        _without("Switched off, so not told:", found.off),
        tag("h2", "Stock"),
        _balances(found.balances) if found.balances else tag("p", "It never was anywhere.", class_="soft"),
        [tag("p", _unheard(sale), class_="warn") for sale in found.provisional],
        [tag("p", said) for said in (*found.kept, *found.promises)],
        [tag("h2", "Levels"), [_level(level) for level in found.levels]] if found.levels else None,
        [tag("h2", "Newest events"), _events(found.events)] if found.events else None,
        temporal_ui=temporal_ui,
        refresh=REFRESH_SECONDS,
    )


def _without(words: str, channels: list[str]) -> Content:
    return tag("p", f"{words} {', '.join(channels)}", class_="soft") if channels else None


def _balances(balances: list[Balance]) -> Markup:
    shown = [s for s in _INSIDE if s is State.AVAILABLE or any(row.states.get(s) for row in balances)]
    return table(
        ("location", "on hand", *(s.replace("_", " ") for s in shown), "moved"),
        [
            (row.location, row.on_hand, *(row.states.get(s, 0) for s in shown), ago(row.moved_at))
            for row in balances
        ],
    )


def _unheard(sale: Provisional) -> Content:
    units = sale.pieces * sale.units
    return [
        f"{units:,} of {sale.location} {'is' if units == 1 else 'are'} taken off the pool: "
        f"{sale.channel} showed a sale ",
        ago(sale.since),
        ", and the order has not come yet.",
    ]


def _level(level: ExplainedLevel) -> Markup:
    place = f" at {level.place}" if level.place else ""
    known = level.known
    return tag(
        "div",
        tag("h3", f"{level.channel}{place}", tag("span", f" {level.item_id}", class_="soft")),
        tag("ol", [tag("li", step.reason, f" → {step.after:,}") for step in level.steps]),
        pairs(
            ("should show", level.target),
            ("we believe it shows", [_units(known.book), _when(known.booked_at)]),
            ("it answered", [_units(known.shown), _when(known.shown_at)]),
            ("waits to be told", ["since ", ago(level.pending_since)] if level.pending_since else "no"),
            ("decided by", f"{level.rule}, which {level.rule_reason}" if level.rule_reason else level.rule),
        ),
        tag("p", "It is being read or written at the channel now.") if level.in_flight else None,
        tag("p", level.held_up, class_="warn") if level.held_up else None,
        tag("p", level.given_up, class_="bad") if level.given_up else None,
        tag("p", known.problem, class_="bad") if known.problem else None,
        _pushes(level) if level.pushes else None,
        class_="card wide",
    )


def _units(number: int | None) -> Content:
    return "unknown" if number is None else number


def _when(moment: datetime | None) -> Content:
    return None if moment is None else [", ", ago(moment)]


def _pushes(level: ExplainedLevel) -> Markup:
    return table(
        ("sent", "from", "to", "outcome", "answered", "what it said"),
        [
            (
                ago(push.sent_at),
                _units(push.before),
                push.quantity,
                state(push.outcome),
                "" if push.echo is None else push.echo,
                push.message,
            )
            for push in level.pushes
        ],
    )


def _events(events: list[Event]) -> Markup:
    return table(
        ("when", "what", "from", "moved"),
        [(ago(e.occurred_at), e.kind.replace("_", " "), e.source, _lines(e)) for e in events],
    )


def _lines(event: Event) -> Content:
    """What it changed of the business's own units; where they came from or went to is clear from its kind."""
    return [_line(line) for line in event.lines if line.state in _INSIDE]


def _line(line: Line) -> Markup:
    words = f"{line.location} {line.state.replace('_', ' ')} {line.quantity:+,} → {line.balance_after:,}"
    return tag("div", words)
