"""One day in numbers: the record behind the daily report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Span:
    """A calendar day: from `begins` until before `ends`, which are 23, 24 or 25 hours apart."""

    day: date
    begins: datetime
    ends: datetime


def span_of(day: date, zone: tzinfo) -> Span:
    """The day as it is where `zone` is."""
    begins = datetime.combine(day, time(), zone)
    return Span(day, begins, datetime.combine(day + timedelta(days=1), time(), zone))


def day_before(moment: datetime, zone: tzinfo) -> date:
    """The last whole day at a moment."""
    return moment.astimezone(zone).date() - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SyncTimes:
    """Seconds from a durable change to the channel's answer, of `measured` levels; None where there were none."""

    measured: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(slots=True)
class ChannelDay:
    """One channel.

    `drift`: levels found otherwise than expected, by cause, of which `drift_resolved` are right again. Levels `sent`
    are `accepted`, `stale` (looked at once more, and sent again) or `failed`; `accepted_live` are those that went out
    as they changed, and not by a run. Halts are listings. `halted_orders` were placed while a listing in them was
    halted, of `halted_units` units. Calls are those of sync runs and of read-backs, with how many were turned away and
    the seconds waited on limits. Orders were told by a webhook, or by a sweep alone. `poison`: deliveries that could
    not be taken.
    """

    channel: str
    drift: dict[str, int] = field(default_factory=dict)
    drift_resolved: int = 0
    sync: SyncTimes = SyncTimes()
    sent: int = 0
    accepted: int = 0
    stale: int = 0
    failed: int = 0
    accepted_live: int = 0
    halts_placed: int = 0
    halts_lifted: int = 0
    halts_standing: int = 0
    halted_orders: int = 0
    halted_units: int = 0
    calls_sync: int = 0
    calls_read_back: int = 0
    throttled: int = 0
    waited_seconds: float = 0.0
    orders_by_webhook: int = 0
    orders_by_sweep: int = 0
    poison: int = 0
    held_runs: int = 0


@dataclass(frozen=True, slots=True)
class OversellOfDay:
    """An oversell that was open at some time of the day; `units_short` is the most it ever was."""

    sku: str
    units_short: int
    last_channel: str | None
    found_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayReport:
    """All of a day. `runs` and `read_backs`: how many ended how. `whole`: the day was over when it was made."""

    span: Span
    made_at: datetime
    channels: tuple[ChannelDay, ...]
    oversells: tuple[OversellOfDay, ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    read_backs: Mapping[str, int] = field(default_factory=dict)
    refused_rows: int = 0
    conflicts: int = 0

    @property
    def whole(self) -> bool:
        """Whether the day was over."""
        return self.made_at >= self.span.ends

    @property
    def drift(self) -> dict[str, int]:
        """Levels of all channels found otherwise than expected, by cause, the commonest first."""
        summed: dict[str, int] = {}
        for channel in self.channels:
            for cause, number in channel.drift.items():
                summed[cause] = summed.get(cause, 0) + number
        return dict(sorted(summed.items(), key=lambda pair: (-pair[1], pair[0])))


NOT_COUNTED = (
    "Calls are those of sync runs and read-backs. Those that tell changes as they happen, order sweeps and catalogue "
    "discovery are not counted; the levels told as they happened are. Levels told by a sync run have no time-to-sync: "
    "they waited for the run. Orders on a halted listing include those placed before the channel showed the halt."
)
"""What the numbers leave out, for whoever reads them."""
