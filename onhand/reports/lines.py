"""The numbers of a channel's day in the order in which they are read, for the page and the terminal alike."""

from collections.abc import Callable
from dataclasses import dataclass

from onhand.domain.days import ChannelDay
from onhand.reports.headline import calls_text, drift_text, sync_text

Value = str | int


def _never(_: ChannelDay) -> bool:
    return False


def _orders_while_halted(day: ChannelDay) -> Value:
    return f"{day.halted_orders:,} ({day.halted_units:,})" if day.halted_orders else 0


@dataclass(frozen=True)
class Line:
    """One number: its name, what it is on a channel, and whether somebody should notice it there."""

    name: str
    value: Callable[[ChannelDay], Value]
    stands_out: Callable[[ChannelDay], bool] = _never


LINES = (
    Line("levels told", lambda day: day.accepted),
    Line("… as they changed", lambda day: day.accepted_live),
    Line("levels refused", lambda day: day.failed, lambda day: day.failed > 0),
    Line("time-to-sync p50 / p95 / p99", lambda day: sync_text(day.sync)),
    Line("orders heard by webhook", lambda day: day.orders_by_webhook),
    Line("… by the sweep alone", lambda day: day.orders_by_sweep),
    Line("deliveries not taken", lambda day: day.poison, lambda day: day.poison > 0),
    Line("drift, by cause", lambda day: drift_text(day.drift), lambda day: bool(day.drift)),
    Line("… right again", lambda day: day.drift_resolved),
    Line("halts placed", lambda day: day.halts_placed, lambda day: day.halts_placed > 0),
    Line("… lifted", lambda day: day.halts_lifted),
    Line("… standing at the end", lambda day: day.halts_standing, lambda day: day.halts_standing > 0),
    Line("orders while halted (units)", _orders_while_halted, lambda day: day.halted_orders > 0),
    Line("runs held", lambda day: day.held_runs, lambda day: day.held_runs > 0),
    Line("calls: runs + read-backs", calls_text),
)
