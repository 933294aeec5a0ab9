"""A leaky bucket of points: what the sandbox platforms' rate limits are made of."""

from collections.abc import Callable


class PointBucket:
    """Holds at most `maximum` points, refilled by `per_second`; a call takes its cost or is refused.

    `clock` is any seconds that only grow. Not enforced (`enforced=False`) it is always full.
    """

    def __init__(
        self, maximum: float, per_second: float, clock: Callable[[], float], *, enforced: bool = True
    ) -> None:
        self.maximum = maximum
        self.per_second = per_second
        self.enforced = enforced
        self._clock = clock
        self._points = maximum
        self._at = clock()

    def available(self) -> float:
        """Points there are now."""
        if self.enforced:
            now = self._clock()
            self._points = min(self.maximum, self._points + (now - self._at) * self.per_second)
            self._at = now
        return self._points

    def take(self, points: float) -> bool:
        """Take the points if they are there; False takes nothing."""
        if points > self.available():
            return False
        self._points -= points if self.enforced else 0.0
        return True

    def give_back(self, points: float) -> None:
        """Return points that were taken in advance and turned out not to be needed."""
        if self.enforced:
            self._points = min(self.maximum, self.available() + points)
