"""What arrived at the door since the app started: counts by channel, outcome and topic; nothing of what was in it."""

import time
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

TOPICS_MAX = 50
"""Topics counted by name for each channel; the rest is counted together, as senders choose the names."""
OTHER_TOPICS = "(others)"
QUIET_SECONDS = 60.0
"""What may happen at any rate is logged at most so often for each channel and outcome."""


class Outcome(StrEnum):
    """What became of one request at the door."""

    KEPT = "kept"
    """It is in the inbox."""
    DUPLICATE = "duplicate"
    """It was in the inbox before; nothing was written."""
    POISON = "poison"
    """It is signed and cannot be understood; it is in the inbox with the reason, for a person."""
    UNUSED = "unused"
    """A topic we do not use; answered and forgotten."""
    PING = "ping"
    """The platform tried whether somebody is there."""
    UNSIGNED = "refused: not signed by the channel"
    TOO_LARGE = "refused: too large"
    TOO_SLOW = "refused: too slow"
    NOT_WRITTEN = "not written down, sender asked to come again"
    FAILED = "failed by a fault of ours"


class Arrivals:
    """The counts, and whether it is time to say something again."""

    def __init__(self) -> None:
        self._outcomes: Counter[tuple[str, Outcome]] = Counter()
        self._unused: dict[str, Counter[str]] = {}
        self._said: dict[tuple[str, str], float] = {}

    def count(self, channel: str, outcome: Outcome) -> None:
        """One more."""
        self._outcomes[channel, outcome] += 1

    def count_unused(self, channel: str, topic: str) -> None:
        """One more of a topic nobody here uses."""
        self.count(channel, Outcome.UNUSED)
        topics = self._unused.setdefault(channel, Counter())
        name = topic[:100]
        topics[name if name in topics or len(topics) < TOPICS_MAX else OTHER_TOPICS] += 1

    def outcomes(self, channel: str) -> dict[str, int]:
        """How often each outcome was, those that never were left out."""
        return {outcome.value: count for (name, outcome), count in self._outcomes.items() if name == channel}

    def unused_topics(self, channel: str) -> Mapping[str, int]:
        """How often each topic came that nobody here uses."""
        return dict(self._unused.get(channel, {}))

    def worth_saying(self, channel: str, what: str) -> bool:
        """Whether this was not logged for the channel within the last minute: strangers must not fill our log."""
        now = time.monotonic()
        if now - self._said.get((channel, what), -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._said[channel, what] = now
        return True
