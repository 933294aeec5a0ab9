"""The circuit breaker of one channel: after repeated failures of the whole channel nothing is sent but a probe."""

from dataclasses import dataclass

from onhand.channels.errors import ChannelDown, ChannelError, CredentialsBad

FAILURES_TO_OPEN = 3
WAIT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""After the first, second, ... failure in a row; the last one from then on."""
CREDENTIALS_WAIT_SECONDS = 60.0
"""Nobody will be let in until a person does something; a probe a minute finds out when that was."""


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row. Whoever sends tells it how that went, and waits as long as it says."""

    failures: int = 0
    trouble: str = ""

    @property
    def is_open(self) -> bool:
        """Whether only probes are sent."""
        return bool(self.trouble)

    def failed(self, error: ChannelError) -> float:
        """A call failed as a whole; answers the seconds until the next, by the channel's own word where it gave one."""
        self.failures += 1
        at_once = isinstance(error, (ChannelDown, CredentialsBad))
        if at_once or self.failures >= FAILURES_TO_OPEN:
            self.trouble = str(error)
        if isinstance(error, CredentialsBad):
            return CREDENTIALS_WAIT_SECONDS
        wait = WAIT_SECONDS[min(self.failures, len(WAIT_SECONDS)) - 1]
        return max(wait, error.retry_after_seconds or 0.0)

    def take_over(self, trouble: str) -> None:
        """A process before this one had opened it, and is gone: the next call is the probe, and may close it."""
        self.failures, self.trouble = max(1, self.failures), trouble

    def succeeded(self) -> bool:
        """A call went well; answers whether the breaker was open and is closed by it."""
        was_open = self.is_open
        self.failures, self.trouble = 0, ""
        return was_open
