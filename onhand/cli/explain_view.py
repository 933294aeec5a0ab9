"""How an explanation looks: the answer first, then what it rests on, one panel each."""

from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from onhand.cli.kits_view import packing_table
from onhand.cli.output import grid, out, status
from onhand.cli.stock_view import INSIDE, balance_table, title
from onhand.cli.work_view import hold_reasons
from onhand.domain.states import State
from onhand.explain.explanation import Explanation, LevelExplained
from onhand.explain.sentences import kept_sentence, promise_sentence
from onhand.ledger.kits import Kit
from onhand.ledger.stock import EventRow, LevelFacts, Line, Provisional
from onhand.wording import ago, count, signed

PROMISES_SHOWN = 10
ID_LENGTH_MAX = 32
"""Characters of an event's external id that are shown; JSON has all of them."""


def print_explanation(explanation: Explanation) -> None:
    """Print all of it."""
    console = out()
    console.print(title(explanation.sku))
    console.print()
    console.print(_answers(explanation))
    console.print()
    console.print(_panel("Stock", _stock(explanation)))
    for level in explanation.levels:
        console.print(_panel(_level_title(level), _level(level, explanation.asked_at)))
    console.print(_panel(_events_title(explanation), _events(explanation)))


def _answers(explanation: Explanation) -> Table:
    """The answer in sentences, one for each level, and one for channels that have none."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for level in explanation.levels:
        table.add_row(Text("●", style=_colour(level)), Text(level.sentence, style="bold"))
    for found in explanation.conflicts:
        outcome = "what was said last counts" if found.counted else "the lower number stays"
        table.add_row(
            "!",
            f"{found.location}: {found.authority} stated {found.quantity:,}, {found.rival} {found.rival_quantity:,} "
            f"({ago(found.found_at, explanation.asked_at)}); {outcome}.",
        )
    if explanation.off:
        table.add_row(
            "○", f"{', '.join(explanation.off)}: switched off in the configuration; nothing is pushed."
        )
    if explanation.unlisted:
        table.add_row(
            "○", f"{', '.join(explanation.unlisted)}: no listing of this SKU; see `onhand mapping check`."
        )
    return table


def _colour(level: LevelExplained) -> str:
    if level.parked is not None:
        return "red"
    return "green" if level.known.book == level.target and not level.known.problem else "yellow"


def _panel(heading: str, body: RenderableType) -> Panel:
    return Panel(body, title=heading, title_align="left", box=box.ROUNDED, border_style="dim", padding=(0, 1))


def _stock(explanation: Explanation) -> RenderableType:
    notes = [Text(_unheard(each, explanation.asked_at), style="yellow") for each in explanation.provisional]
    standing = explanation.standing
    if standing is not None and (standing.phase != "pooled" or standing.per_second > 0):
        notes.append(Text(standing.reason))
    notes += [Text(_held(kit, explanation.sku.code)) for kit in explanation.kits]
    notes += [Text(kept_sentence(each)) for each in explanation.kept]
    notes += [Text(promise_sentence(each)) for each in explanation.promises[:PROMISES_SHOWN]]
    if len(explanation.promises) > PROMISES_SHOWN:
        more = len(explanation.promises) - PROMISES_SHOWN
        notes.append(Text(f"{more:,} more wait: onhand preorders show {explanation.sku.code}"))
    below = [Text(), *notes] if notes else []
    if explanation.components:
        return Group(packing_table(explanation.components), *below)
    if not explanation.balances:
        return Group(Text("nothing has ever moved"), *notes)
    return Group(balance_table(explanation.balances), *below)


def _held(kit: Kit, sku: str) -> str:
    units = sum(part.quantity for part in kit.composition if part.sku == sku)
    return f"{count(units, 'unit')} of it {'goes' if units == 1 else 'go'} into each kit {kit.sku}"


def _unheard(sale: Provisional, now: datetime) -> str:
    """A sale that is off the pool before its order is in the ledger."""
    units = count(sale.pieces * sale.units, "unit")
    verb = "is" if sale.pieces * sale.units == 1 else "are"
    return (
        f"{units} of {sale.location} {verb} taken off the pool: {sale.channel} showed that it sold "
        f"{count(sale.pieces, 'piece')} {ago(sale.since, now)}, and the order has not come yet"
    )


def _level_title(level: LevelExplained) -> str:
    parts = [f"[bold]{escape(level.channel)}[/]", f"item {escape(level.item_id)}"]
    parts += [f"place {escape(level.place)}"] if level.place else []
    parts += ["stated by a mapping file"] if level.pinned else []
    return " · ".join(parts)


def _level(level: LevelExplained, now: datetime) -> RenderableType:
    parts: list[RenderableType] = [_steps(level), Text(), _standing(level, now)]
    if level.pushes:
        parts += [Text(), _pushes(level, now)]
    return Group(*parts)


def _steps(level: LevelExplained) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for justify in ("left", "right", "left", "right", "left"):
        table.add_column(justify="right" if justify == "right" else "left", no_wrap=justify == "right")
    for number, step in enumerate(level.steps):
        before, arrow = ("", "") if number == 0 else (f"{step.before:,}", "→")
        style = "" if number == 0 or step.before != step.after else "dim"
        table.add_row(
            step.rule.replace("_", " "), before, arrow, f"{step.after:,}", escape(step.reason), style=style
        )
    decided = f"rule {level.rule}" + (f", which {level.rule_reason}" if level.rule_reason else "")
    table.add_row("[bold]should show[/]", "", "", f"[bold]{level.target:,}[/]", escape(decided))
    return table


def _standing(level: LevelExplained, now: datetime) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("shows", _belief(level.known, now))
    if level.known.problem:
        table.add_row("problem", f"[yellow]{escape(level.known.problem)}[/]")
    if level.pending is None:
        table.add_row("pending", "nothing")
    else:
        since = ago(level.pending.since, now)
        table.add_row("pending", f"[yellow]generation {level.pending.generation}, marked {since}[/]")
    if level.known.given_back:
        sold = count(level.known.given_back, "piece")
        table.add_row(
            "given back", f"{sold} sold there, by writes that could not know of it; corrected since"
        )
    if level.in_flight:
        table.add_row("in flight", "being read or written at the channel now")
    for reason in hold_reasons(level.hold, now) if level.hold is not None else ():
        table.add_row("held up", f"[yellow]{escape(reason)}[/]")
    if level.parked is not None:
        parked = level.parked
        table.add_row("given up", f"[red]{ago(parked.parked_at, now)}, {escape(parked.category)}[/]")
        table.add_row("", escape(parked.message))
        table.add_row("what to do", escape(parked.advice or "see the workflow"))
        table.add_row("workflow", escape(parked.workflow_id))
    return table


def _belief(known: LevelFacts, now: datetime) -> str:
    """What we believe it shows, and since when, beside what it said itself."""
    if known.book is None:
        return "not known"
    if known.shown == known.book:
        return f"{known.book:,}, as it said itself {ago(known.shown_at, now)}"
    believed = f"{known.book:,} as we believe since {ago(known.booked_at, now)}"
    told = "" if known.shown is None else f"; it said {known.shown:,} itself {ago(known.shown_at, now)}"
    return believed + told


def _pushes(level: LevelExplained, now: datetime) -> Table:
    right = ("from", "to", "echo", "attempt")
    table = grid("pushed", "from", "to", "outcome", "echo", "attempt", "run", right=right)
    for push in level.pushes:
        before = "?" if push.before is None else f"{push.before:,}"
        echo = "" if push.echo is None else f"{push.echo:,}"
        table.add_row(
            ago(push.sent_at, now), before, f"{push.quantity:,}", status(push.outcome), echo,
            str(push.attempt), escape(push.run_id or ""),
        )  # fmt: skip
        if push.message:
            table.add_row("", "", "", Text(push.message, style="dim"), "", "", "")
    return table


def _events_title(explanation: Explanation) -> str:
    shown = sum(len(event.lines) for event in explanation.events)
    if shown >= explanation.ledger_lines:
        return "Events, newest first"
    return f"Events, newest first: {shown:,} of {explanation.ledger_lines:,} ledger lines, more with --events"


def _events(explanation: Explanation) -> RenderableType:
    if not explanation.events:
        return Text("none")
    table = grid("when", "event", "location", "change", "available", "stated by", right=("available",))
    for event in explanation.events:
        first = True
        for location in dict.fromkeys(line.location for line in event.lines):
            lines = [line for line in event.lines if line.location == location]
            when, kind = (ago(event.occurred_at, explanation.asked_at), event.kind) if first else ("", "")
            table.add_row(
                when, kind.replace("_", " "), escape(location), _change(lines), _after(lines),
                escape(_stated_by(event)) if first else "",
            )  # fmt: skip
            first = False
    return table


def _change(lines: list[Line]) -> Text:
    """What moved inside the business; the far side of a movement says nothing new."""
    text = Text()
    for line in (line for line in lines if line.state in INSIDE):
        text.append(", " if text else "")
        text.append(signed(line.quantity), style="green" if line.quantity > 0 else "red")
        text.append(f" {line.state.value.replace('_', ' ')}")
    return text


def _after(lines: list[Line]) -> str:
    after = [line.balance_after for line in lines if line.state is State.AVAILABLE]
    return f"{after[-1]:,}" if after else ""


def _stated_by(event: EventRow) -> str:
    detail = ", ".join(f"{key} {value}" for key, value in sorted(event.detail.items()) if key != "meaning")
    named = event.external_id
    if len(named) > ID_LENGTH_MAX:
        named = f"{named[: ID_LENGTH_MAX - 1]}…"
    return f"{event.source} {named}" + (f" ({detail})" if detail else "")
