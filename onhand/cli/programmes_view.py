"""How wholesale programmes look: one line each, and one with everything it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rich.markup import escape

from onhand.cli.output import grid, jsonable, out
from onhand.domain.programmes import Shelf
from onhand.ledger.programmes import Programme
from onhand.wording import count, moment


@dataclass(frozen=True, slots=True)
class Shown:
    """A programme, the last day of it, and units that may be missing of each of its lines by then."""

    programme: Programme
    last_day: date
    short: Mapping[Shelf, int]

    @property
    def missing(self) -> int:
        """Units that may be missing of it in all."""
        return sum(self.short.values())


def document(shown: Shown, orders: Sequence[tuple[str, str]] | None = None) -> dict[str, object]:
    """A programme for a script."""
    programme = shown.programme
    found: dict[str, object] = {
        **jsonable(programme.terms),
        "last_day": shown.last_day,
        "created_by": programme.created_by,
        "began_at": programme.began_at,
        "ended_at": programme.ended_at,
        "ended_by": programme.ended_by,
        "lines": [
            {
                "sku": line.sku,
                "location": line.location,
                "units": line.units,
                "taken": line.taken,
                "drawn": line.drawn,
                "reserved": line.held,
                "due": line.due,
                "beyond": line.beyond,
                "may_be_missing": shown.short[line.shelf],
            }
            for line in programme.lines
        ],
    }
    if orders is not None:
        found["orders"] = [{"channel": channel, "order": order} for channel, order in orders]
    return found


def print_list(found: Sequence[Shown], now: datetime) -> None:
    """One line for each."""
    if not found:
        out().print("nothing is kept for anybody")
        return
    numbers = ("SKUs", "promised", "drawn", "reserved", "may be missing")
    table = grid("programme", "partner", "until", "state", *numbers, right=numbers)
    for shown in found:
        lines = shown.programme.lines
        table.add_row(
            escape(shown.programme.terms.name), escape(shown.programme.terms.partner), str(shown.last_day),
            _state(shown.programme, now), f"{len(lines):,}", f"{sum(line.units for line in lines):,}",
            f"{sum(line.drawn for line in lines):,}", f"{sum(line.held for line in lines):,}",
            _number(shown.missing),
        )  # fmt: skip
    out().print(table)


def print_one(shown: Shown, now: datetime, orders: Sequence[tuple[str, str]] = ()) -> None:
    """One with what it keeps."""
    programme = shown.programme
    table = grid("", "")
    table.show_header = False
    table.add_row("programme", f"{escape(programme.terms.name)} for {escape(programme.terms.partner)}")
    table.add_row("from", moment(programme.terms.starts_at))
    table.add_row("until", f"{shown.last_day}, to its end")
    table.add_row("state", _state(programme, now))
    out().print(table)
    out().print()
    numbers = ("promised", "ordered", "drawn", "reserved", "still to come", "may be missing")
    lines = grid("sku", "location", *numbers, right=numbers)
    for line in programme.lines:
        lines.add_row(
            escape(line.sku), escape(line.location), f"{line.units:,}", f"{line.taken:,}", f"{line.drawn:,}",
            f"{line.held:,}", _number(line.due), _number(shown.short[line.shelf]),
        )  # fmt: skip
    out().print(lines)
    if orders:
        said = ", ".join(f"{channel} {order}" for channel, order in orders[:10])
        more = f" and {len(orders) - 10:,} more" if len(orders) > 10 else ""
        out().print(f"\n{count(len(orders), 'order')} drew on it: {escape(said)}{more}")


def _state(programme: Programme, now: datetime) -> str:
    if programme.ended_at is not None:
        return f"over since {moment(programme.ended_at)} ({escape(programme.ended_by)})"
    if programme.began_at is None:
        return "planned" if programme.terms.starts_at > now else "about to begin"
    return "running"


def _number(units: int) -> str:
    return f"[yellow]{units:,}[/]" if units else ""
