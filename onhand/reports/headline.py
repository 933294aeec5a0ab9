"""A day in one sentence, for the page, the message and the terminal alike; and the words they share."""

from onhand.domain.days import ChannelDay, DayReport, SyncTimes
from onhand.wording import count, duration


def headline(report: DayReport) -> str:
    """What a reader has to know if only one line is read."""
    parts = _of_people(report) or ["nothing that anybody had to see to"]
    told = count(sum(channel.accepted for channel in report.channels), "level")
    so_far = "" if report.whole else " so far"
    return f"{told} told{so_far}; {', '.join(parts)}"


def _of_people(report: DayReport) -> list[str]:
    """What somebody had to see to, the worst first."""
    halted = sum(channel.halts_placed for channel in report.channels)
    failed = sum(channel.failed for channel in report.channels)
    poison = sum(channel.poison for channel in report.channels)
    held = sum(channel.held_runs for channel in report.channels)
    drift = sum(report.drift.values())
    return [
        *([count(len(report.oversells), "oversell")] if report.oversells else []),
        *([f"{count(halted, 'listing')} halted"] if halted else []),
        *([f"{count(held, 'run')} held"] if held else []),
        *([f"{count(drift, 'level')} drifted"] if drift else []),
        *([f"{count(failed, 'level')} refused"] if failed else []),
        *([f"{count(poison, 'delivery', 'deliveries')} not taken"] if poison else []),
    ]


def is_quiet(report: DayReport) -> bool:
    """Whether nobody had to see to anything."""
    return not _of_people(report)


def drift_text(drift: dict[str, int]) -> str:
    """Drift by cause: "14 lost write, 2 manual edit"; "none"."""
    return ", ".join(f"{number:,} {cause.replace('_', ' ')}" for cause, number in drift.items()) or "none"


def sync_text(times: SyncTimes) -> str:
    """Time-to-sync: median, 95th and 99th percentile; a dash where nothing was measured."""
    if times.p50 is None or times.p95 is None or times.p99 is None:
        return "–"
    return " / ".join(duration(seconds) for seconds in (times.p50, times.p95, times.p99))


def calls_text(channel: ChannelDay) -> str:
    """Calls of runs and read-backs, and what the limits cost."""
    parts = [f"{channel.calls_sync:,} + {channel.calls_read_back:,}"]
    parts += [f"{channel.throttled:,} throttled"] if channel.throttled else []
    parts += [f"waited {duration(channel.waited_seconds)}"] if channel.waited_seconds >= 0.05 else []
    return ", ".join(parts)


def counted_by_status(numbers: dict[str, int]) -> str:
    """How many ended how: "95 success, 1 partial"; "none"."""
    return ", ".join(f"{number:,} {status}" for status, number in numbers.items()) or "none"
