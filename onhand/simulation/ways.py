"""The field's ways of keeping channels right. Each is tried on the same days as ours (`onhand.simulation.live`)."""

from collections.abc import Sequence

from onhand.domain.calm import shares
from onhand.domain.holdings import Booked
from onhand.simulation.desk import Desk
from onhand.simulation.market import Order

PERIOD_SECONDS = 900.0
"""Between two pushes of the field's usual way."""


class Silence:
    """Levels are told before the first buyer comes, and never again: fixed shares, if they were shares."""

    def opened(self, desk: Desk) -> None:
        """Nothing."""

    def heard(self, desk: Desk, orders: list[Order]) -> None:
        """Nothing."""

    def act(self, desk: Desk) -> None:
        """Nothing."""

    def goes_on(self, desk: Desk, channel: int) -> bool:
        """Never: one call says it."""
        return False

    def booked(self, desk: Desk, channel: int, booked: Booked) -> None:
        """Nothing."""

    def swept(self, desk: Desk) -> None:
        """Nothing."""


class Periodic(Silence):
    """Every 15 minutes all channels are set to what is left; the first time at a moment of chance."""

    def opened(self, desk: Desk) -> None:
        """Begin somewhere within the period."""
        desk.market.at(desk.market.chance.uniform(0.0, PERIOD_SECONDS), self._push, desk)

    def _push(self, desk: Desk) -> None:
        if desk.market.up:
            for channel in range(len(desk.blind)):
                if desk.idle(channel):
                    _set_to_what_is_left(desk, channel)
        desk.market.at(desk.market.now + PERIOD_SECONDS, self._push, desk)


class EachOrder(Silence):
    """After each order the other channels are set to what is left; no books are kept."""

    def __init__(self, channels: int) -> None:
        self._due = [False] * channels

    def heard(self, desk: Desk, orders: list[Order]) -> None:
        """An order is news for every channel but its own."""
        for order in orders:
            for channel in range(len(self._due)):
                self._due[channel] |= channel != order.channel

    def act(self, desk: Desk) -> None:
        """Tell whoever has not heard the news, one call at a time."""
        for channel, due in enumerate(self._due):
            if due and desk.idle(channel):
                self._due[channel] = False
                _set_to_what_is_left(desk, channel)


def _set_to_what_is_left(desk: Desk, channel: int) -> None:
    level = max(0, desk.left)
    desk.claim(channel, level)
    desk.tell(channel, level)


def opening_levels(units: int, channels: int, weights: Sequence[float] | None) -> list[int]:
    """What channels show when the first buyer comes: all of it, or shares by weight."""
    if weights is None:
        return [units] * channels
    return list(shares(units, dict(enumerate(weights))).values())
