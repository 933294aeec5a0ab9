"""How `onhand watch` looks: one line a channel, and below them what is in the way."""

from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from onhand.cli.output import grid
from onhand.cli.work_view import hold_reasons
from onhand.ledger.pace import ChannelPace, Percentiles
from onhand.ledger.work import ChannelWork
from onhand.wording import ago, duration

NUMBERS = ("orders/s", "levels/s", "synced in, 1 min", "5 min", "inbox", "to tell", "unheard")
LEGEND = (
    "synced in: median / 99th percentile, from durable to accepted by the channel · inbox, to tell: how many wait, the "
    "oldest for how long · unheard: units a channel showed as sold whose orders have not come yet"
)
UNKNOWN = "No channel is known yet: the worker tells the ledger when it starts."
SLOW_SECONDS = 1.0
"""A 99th percentile beyond this stands out."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One look: the pace and the work of each channel, in one order."""

    at: datetime
    pace: tuple[ChannelPace, ...]
    work: tuple[ChannelWork, ...]


def watch_view(watched: Watched | None, problem: str = "") -> RenderableType:
    """One look for people. `problem`: why there is no newer one."""
    parts: list[RenderableType] = []
    if watched is not None:
        parts += [_heading(watched.at), Text()]
        parts += [_channels(watched), *_holds(watched)] if watched.work else [Text(UNKNOWN)]
        parts += [Text(), Text(LEGEND, style="dim")]
    if problem:
        parts += [Text(), Text(f"the ledger does not answer: {problem}", style="bold red")]
    return Group(*parts)


def _heading(at: datetime) -> Text:
    return Text.assemble(("onhand", "bold"), "  ", (at.astimezone().strftime("%H:%M:%S"), "dim"))


def _channels(watched: Watched) -> Table:
    table = grid("channel", *NUMBERS, "swept", right=NUMBERS)
    for pace, work in zip(watched.pace, watched.work, strict=True):
        table.add_row(
            Text(pace.channel, style="yellow" if work.hold.holds else ""),
            _rate(pace.orders_per_second),
            _rate(pace.levels_per_second),
            _percentiles(pace.minute),
            _percentiles(pace.five_minutes),
            _waits(work.inbox, work.inbox_oldest, watched.at),
            _waits(work.outbox, work.outbox_oldest, watched.at),
            f"{pace.provisional:,}" if pace.provisional else "",
            escape(ago(work.swept_at, watched.at)),
        )
    return table


def _rate(per_second: float) -> str:
    return f"{per_second:,.1f}" if per_second else ""


def _percentiles(taken: Percentiles) -> Text:
    if taken.p50 is None or taken.p99 is None:
        return Text()
    slow = "yellow" if taken.p99 > SLOW_SECONDS else ""
    return Text.assemble(duration(taken.p50), (" / ", "dim"), (duration(taken.p99), slow))


def _waits(number: int, oldest: datetime | None, now: datetime) -> str:
    """How many wait, and how old the oldest is."""
    if not number or oldest is None:
        return ""
    return f"{number:,}, {duration(max(0.0, (now - oldest).total_seconds()))}"


def _holds(watched: Watched) -> list[RenderableType]:
    """Why nothing is told to a channel at present, below the table."""
    lines: list[RenderableType] = [
        Text(f"{work.channel}: {reason}", style="yellow" if work.paused_at else "bold red")
        for work in watched.work
        for reason in hold_reasons(work.hold, watched.at)
    ]
    return [Text(), *lines] if lines else []
