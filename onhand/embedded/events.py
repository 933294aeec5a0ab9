"""What a stack tells of, and how often it starts a service again."""

from dataclasses import dataclass
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)


class Happening(StrEnum):
    """What a stack tells of."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    RESTARTED = "restarted"
    RESTART_FAILED = "restart failed"
    GAVE_UP = "gave up"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STOP_FAILED = "stop failed"


BAD = frozenset({Happening.DIED, Happening.RESTART_FAILED, Happening.GAVE_UP, Happening.STOP_FAILED})


@dataclass(frozen=True)
class StackEvent:
    """One thing that happened to one service; `seconds` is how long it took."""

    happening: Happening
    service: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RestartPolicy:
    """How often a service that dies is started again, and how long to wait before each try."""

    restarts_per_minute_max: int = 10
    delay_seconds: float = 0.2
    delay_seconds_max: float = 10.0

    def delay(self, restarts: int) -> float:
        """Seconds to wait before the next try, after this many within the last minute."""
        return float(min(self.delay_seconds * 2**restarts, self.delay_seconds_max))


def log_event(event: StackEvent) -> None:
    """The default listener: one log line an event."""
    bad = event.happening in BAD
    (log.warning if bad else log.info)(
        f"{event.service} {event.happening}", detail=event.detail, seconds=round(event.seconds, 2)
    )
