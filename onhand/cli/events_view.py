"""How recorded events, and taking them back, are shown to people."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.markup import escape

from onhand.cli.output import err, grid, out
from onhand.cli.stock_view import INSIDE
from onhand.ledger.history import EventLine, RecordedEvent
from onhand.ledger.reversal import Reversed
from onhand.wording import count, moment, signed

SHELVES_SHOWN = 3
"""SKUs at locations of one event that a list names; `onhand events show` has all."""
REVERSALS_SHOWN = 50


def print_events(events: Sequence[RecordedEvent]) -> None:
    """One line for each event."""
    if not events:
        out().print("no such event")
        return
    table = grid("event", "recorded", "kind", "stated by", "id", "moved", right=("event",))
    for event in events:
        table.add_row(
            str(event.event_id), moment(event.recorded_at), _kind(event), escape(event.source),
            escape(event.external_id), escape(_moved(event.lines)),
        )  # fmt: skip
    out().print(table)


def print_event(event: RecordedEvent) -> None:
    """All of one event."""
    console = out()
    console.print(f"[bold]event {event.event_id}[/]  {_kind(event)}")
    table = grid("", "")
    table.show_header = False
    table.add_row("stated by", escape(f"{event.source}, as {event.external_id}"))
    table.add_row("happened", moment(event.occurred_at))
    table.add_row("recorded", moment(event.recorded_at))
    for key, value in sorted(event.detail.items()):
        table.add_row(escape(key.replace("_", " ")), escape(str(value)))
    if event.reversed_by is not None:
        table.add_row("taken back", f"by event {event.reversed_by}")
    console.print(table)
    if not event.lines:
        console.print("it moved nothing: it agreed with the ledger")
        return
    lines = grid(
        "sku", "location", "state", "change", "after", "version", right=("change", "after", "version")
    )
    for line in event.lines:
        lines.add_row(
            escape(line.sku), escape(line.location), line.state.value.replace("_", " "), signed(line.quantity),
            f"{line.balance_after:,}", f"{line.version:,}",
        )  # fmt: skip
    console.print(lines)


def print_reversals(answers: Sequence[Reversed], *, at_once: bool, nobody: bool) -> None:
    """What became of each, the first ones by name, and all of them in numbers. `nobody`: no level follows it."""
    console = out()
    for answer in answers[:REVERSALS_SHOWN]:
        console.print(escape(_sentence(answer)))
    if len(answers) > REVERSALS_SHOWN:
        console.print(f"... and {len(answers) - REVERSALS_SHOWN:,} more")
    if len(answers) > 1:
        found = Counter(answer.outcome for answer in answers)
        said = ", ".join(f"{number:,} {outcome}" for outcome, number in found.most_common())
        console.print(f"{count(len(answers), 'event')}: {said}")
    if any(answer.outcome == "reversed" for answer in answers):
        told = "the channels are being told" if at_once else "the next sync tells the channels"
        console.print("no channel has to be told" if nobody else told)


def print_gone_on(lines: Iterable[EventLine]) -> None:
    """What is below nothing now, because the units were passed on since."""
    for line in lines:
        err().print(
            f"[yellow]{escape(line.sku)} at {escape(line.location)} has {line.balance_after:,} in "
            f"{line.state.replace('_', ' ')} now:[/] what was done with these units since has to be taken back, too: "
            f"onhand events list --sku {escape(line.sku)}"
        )


def _sentence(answer: Reversed) -> str:
    if answer.event is None:
        return answer.message
    named = f"event {answer.event_id} ({_kind(answer.event)}: {_moved(answer.event.lines)})"
    stands = "; its shelf was counted since, and that count stands" if answer.counted_since else ""
    match answer.outcome:
        case "reversed":
            return f"{named} was taken back by event {answer.by}{stands}"
        case "would be reversed":
            return f"{named} would be taken back{stands}; nothing was posted"
        case "reversed before" if answer.undone_by is not None:
            return (
                f"{named} was taken back by event {answer.by}, which event {answer.undone_by} took back in turn; "
                f"nothing was changed. To take it back once more: onhand events reverse {answer.undone_by}"
            )
        case "reversed before":
            return f"{named} was taken back before, by event {answer.by}; nothing was changed"
        case _:
            return f"refused: {answer.message} {answer.advice}".strip()


def _kind(event: RecordedEvent) -> str:
    kind = event.kind.replace("_", " ")
    return kind if event.reverses is None else f"{kind}, taking back event {event.reverses}"


def _moved(lines: Sequence[EventLine]) -> str:
    """What moved inside the business, shelf by shelf."""
    shelves: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line.state in INSIDE:
            change = f"{signed(line.quantity)} {line.state.value.replace('_', ' ')}"
            shelves.setdefault((line.sku, line.location), []).append(change)
    named = [f"{sku} at {location} {', '.join(changes)}" for (sku, location), changes in shelves.items()]
    more = len(named) - SHELVES_SHOWN
    return (
        "; ".join(named[:SHELVES_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
        if named
        else "nothing"
    )
