"""What people are told of a day: one sentence, a few lines for each channel, and where the rest is."""

from onhand.alerts.blocks import Block, clip, code, context, fitting, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.domain.days import ChannelDay, DayReport
from onhand.reports.headline import calls_text, counted_by_status, drift_text, headline, sync_text
from onhand.wording import count

OVERSELLS_SHOWN = 10


async def tell(slack: Slack, where: str, report: DayReport) -> Delivery:
    """Post it to the Slack channel `where`."""
    return await slack.post(day_message(where, report))


def day_message(where: str, report: DayReport) -> Message:
    """The short form; the page has all of it."""
    title = f"Onhand, {report.span.day:%A, %-d %B %Y}"
    said = headline(report)
    first = [header(title), section(clip(said, 1_000)), *_oversells(report)]
    return Message(
        where,
        f"{title}: {said}",
        fitting(first, [_channel(channel) for channel in report.channels], [context(_footer(report))]),
    )


def _oversells(report: DayReport) -> list[Block]:
    lines = [
        f"• {code(o.sku)}: {o.units_short:,} short, {'over' if o.resolved_at else '*still open*'}"
        for o in report.oversells[:OVERSELLS_SHOWN]
    ]
    return [listed("*Oversold*", lines, len(report.oversells) - len(lines))] if lines else []


def _channel(day: ChannelDay) -> Block:
    halted = (
        f"; {count(day.halted_orders, 'order')} while halted ({day.halted_units:,} units)"
        if day.halted_orders
        else ""
    )
    poison = f"; {day.poison:,} not taken" if day.poison else ""
    held = f"; {count(day.held_runs, 'run')} held" if day.held_runs else ""
    lines = [
        f"*{clip(day.channel, 100)}*: {day.accepted:,} levels told, {day.failed:,} refused; "
        f"synced in {sync_text(day.sync)} (p50 / p95 / p99)",
        f"orders: {day.orders_by_webhook:,} by webhook, {day.orders_by_sweep:,} by the sweep alone{poison}",
        f"drift: {drift_text(day.drift)}; halts: {day.halts_placed:,} placed, {day.halts_lifted:,} lifted, "
        f"{day.halts_standing:,} standing{halted}{held}",
        f"calls (runs + read-backs): {calls_text(day)}",
    ]
    return section("\n".join(lines))


def _footer(report: DayReport) -> str:
    runs, back = counted_by_status(dict(report.runs)), counted_by_status(dict(report.read_backs))
    command = code(f"onhand report --day {report.span.day.isoformat()}")
    return f"Runs: {clip(runs, 300)}. Read-backs: {clip(back, 300)}. All of it: {command}"
