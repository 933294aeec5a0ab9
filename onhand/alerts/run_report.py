"""What people are told about a run: a summary of each, and an alert where stock is not right.

The messages are pure functions of the ledger's records; only `tell` reads and sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from onhand.alerts.blocks import Block, clip, code, context, escape, fitting, header, listed, section
from onhand.alerts.slack import Delivery, Message, Slack
from onhand.ledger import runs
from onhand.ledger.database import Pool
from onhand.ledger.runs import RunChannelRow, RunFailureRow, RunRow
from onhand.settings import Settings
from onhand.wording import says

log = structlog.get_logger(__name__)

FAILURES_SHOWN = 10
SUMMARY_MAX = 2_000
"""Characters of a run's summary in a message; a longer one is cut."""

_HEADLINES = {
    "success": ":white_check_mark: Sync finished",
    "partial": ":warning: Sync finished in part",
    "failed": ":x: Sync failed",
    "running": ":hourglass: Sync is running",
}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the ledger has it; `failures` are its first ones."""

    run: RunRow
    channels: Sequence[RunChannelRow]
    failures: Sequence[RunFailureRow]

    @property
    def changed(self) -> int:
        """Levels that were changed on all channels."""
        return sum(channel.changed for channel in self.channels)

    @property
    def failed(self) -> int:
        """Levels that could not be set on all channels."""
        return sum(channel.failed for channel in self.channels)

    @property
    def levels(self) -> int:
        """Levels that were looked at on all channels."""
        return sum(channel.levels for channel in self.channels)


async def tell(slack: Slack, pool: Pool, settings: Settings, run_id: str) -> list[Delivery]:
    """Report a run to Slack, the alert first; said again when an interrupted report is tried again."""
    run = await runs.get_run(pool, run_id)
    if run is None:
        log.warning("a run that is not recorded cannot be reported", run=run_id)
        return []
    record = RunRecord(
        run,
        await runs.run_channels(pool, run_id),
        await runs.run_failures(pool, run_id, FAILURES_SHOWN),
    )
    alert = alert_message(
        record, settings.slack.alert_channel or settings.slack.channel, settings.sync.failure_alert_share
    )
    messages = [alert] if alert else []
    return [await slack.post(m) for m in (*messages, summary_message(record, settings.slack.channel))]


def summary_message(record: RunRecord, channel: str) -> Message:
    """What a run did: counts for each channel, what it cost, and the first failures."""
    headline = _HEADLINES[record.run.status]
    summary = record.run.summary or _totals(record)
    # What was cut off it is said by each channel's own lines.
    whole = summary if len(escape(summary)) <= SUMMARY_MAX else ""
    blocks = fitting(
        [header(headline), section(clip(summary, SUMMARY_MAX))],
        [_channel_block(c, whole) for c in record.channels],
        [*_failure_blocks(record), context(_footer(record))],
    )
    return Message(channel, f"{headline.split(' ', 1)[1]}: {_totals(record)}", blocks)


def alert_message(record: RunRecord, channel: str, share: float) -> Message | None:
    """The louder word, where the run or a channel failed or too large a share of a channel's levels did."""
    reasons = [*_run_failed(record.run), *(r for c in record.channels if (r := _alarming(c, share)))]
    if not reasons:
        return None
    first = reasons[0] if len(reasons) == 1 else f"{reasons[0]} (and {len(reasons) - 1} more)"
    blocks = [
        header(f":rotating_light: Stock is not right: {first}"),
        listed("*What happened*", [f"• {clip(reason, 800)}" for reason in reasons], 0),
        section(f"An alert is sent above {_percent(share)} of a channel's levels: {code(_THRESHOLD)}."),
        *_failure_blocks(record),
        context(_footer(record)),
    ]
    return Message(channel, f"Stock is not right: {clip(first, 500)}", blocks)


_THRESHOLD = "sync.failure_alert_share"


def _run_failed(run: RunRow) -> list[str]:
    return [f"the run failed: {run.summary or 'no reason was recorded'}"] if run.status == "failed" else []


def _alarming(channel: RunChannelRow, share: float) -> str:
    """Why this channel is worth an alert; empty where it is not."""
    if channel.status == "failed":
        return f"{channel.channel} failed: {channel.message or 'no reason was recorded'}"
    if channel.failed == 0 or channel.failed <= share * channel.levels:
        return ""
    part = channel.failed / max(channel.levels, channel.failed)
    return f"{channel.failed:,} of {channel.levels:,} levels failed on {channel.channel} ({_percent(part)})"


def _channel_block(row: RunChannelRow, summary: str) -> Block:
    wait = f", waited {seconds_text(row.waited_seconds)} on limits" if row.waited_seconds >= 0.05 else ""
    throttled = f", {row.throttled:,} throttled" if row.throttled else ""
    took = (
        f" in {seconds_text((row.finished_at - row.started_at).total_seconds())}" if row.finished_at else ""
    )
    lines = [
        f"*{clip(row.channel, 100)}* ({clip(row.platform, 50)}): {row.status}{took}",
        f"{row.changed:,} changed, {row.unchanged:,} unchanged, "
        f"{row.skipped:,} skipped, {row.failed:,} failed",
        f"{row.reads:,} read and {row.writes:,} write calls{throttled}{wait}",
    ]
    told = row.message and not says(summary, row.message)
    return section("\n".join([*lines, clip(row.message, 1_000)] if told else lines))


def _failure_blocks(record: RunRecord) -> list[Block]:
    if not record.failures:
        return []
    lines = [_failure_line(failure) for failure in record.failures[:FAILURES_SHOWN]]
    return [listed("*First failures*", lines, max(0, record.failed - len(lines)))]


def _failure_line(failure: RunFailureRow) -> str:
    place = f" at {code(failure.place)}" if failure.place else ""
    advice = f" _{clip(failure.advice, 200)}_" if failure.advice else ""
    return (
        f"• {code(failure.sku)} on {clip(failure.channel, 100)}{place}: {clip(failure.message, 300)}{advice}"
    )


def _totals(record: RunRecord) -> str:
    return f"{record.changed:,} changed, {record.failed:,} failed of {record.levels:,} levels"


def _footer(record: RunRecord) -> str:
    run = record.run
    took = (
        f" Took {seconds_text((run.finished_at - run.started_at).total_seconds())}."
        if run.finished_at
        else ""
    )
    rows = ""
    if run.rows_read:
        rows = (
            f" Source: {run.rows_read:,} rows read, {run.rows_posted:,} posted, {run.rows_refused:,} refused."
        )
    return f"Started {run.started_at:%Y-%m-%d %H:%M:%S %Z}.{took}{rows} More: {code(f'onhand runs show {run.id}')}"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def seconds_text(seconds: float) -> str:
    """A duration as people say it: "0.4 s", "12.3 s", "4 min 05 s", "1 h 02 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
