"""Ways of keeping channels right: the field's, and ours. Each is tried on the same days."""

from collections.abc import Sequence

from onhand.domain.calm import shares
from onhand.domain.escrow import decide
from onhand.domain.holdings import Writing
from onhand.domain.selling import DEFAULT_TERMS, Phase, Seller, Terms
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


class Periodic(Silence):
    """Every 15 minutes all channels are set to what is left; the first time at a moment of chance."""

    def opened(self, desk: Desk) -> None:
        """Begin somewhere within the period."""
        desk.market.at(desk.market.chance.uniform(0.0, PERIOD_SECONDS), self._push, desk)

    def _push(self, desk: Desk) -> None:
        if desk.market.up:
            for channel in range(len(desk.writings)):
                if desk.idle(channel):
                    desk.tell(channel, max(0, desk.left))
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
                desk.tell(channel, max(0, desk.left))


class Pooled(Silence):
    """Every channel shows the pool; books say who has to be told."""

    def act(self, desk: Desk) -> None:
        """Tell whoever is believed to show something else."""
        target = desk.free
        for channel, holding in enumerate(desk.holdings):
            if (holding.book == target and holding.known) or not desk.idle(channel):
                continue
            if not holding.known and desk.writings[channel] is not Writing.ABSOLUTE:
                desk.ask(channel)
            else:
                desk.tell(channel, target)


class Adaptive(Silence):
    """The domain's own policy: `onhand.domain.escrow.decide`."""

    def __init__(self, terms: Terms = DEFAULT_TERMS, planned: Sequence[float] | None = None) -> None:
        self._terms = terms
        self._planned = planned
        self._phase = Phase.POOLED if planned is None else Phase.ESCROW
        self._resting: frozenset[int] = frozenset()

    def act(self, desk: Desk) -> None:
        """Decide once for all channels."""
        sellers = sellers_of(desk, self._resting, self._planned)
        if not any(seller.idle for seller in sellers):
            return
        decision = decide(desk.left, sellers, self._phase, desk.market.now, self._terms)
        desk.switches += decision.phase is not self._phase
        self._phase, self._resting = decision.phase, decision.resting
        for move in decision.moves:
            if move.level is None:
                desk.ask(move.key)
            else:
                desk.tell(move.key, move.level)
        if decision.again_in is not None:
            desk.look_again_in(decision.again_in)


def sellers_of(
    desk: Desk, resting: frozenset[int] = frozenset(), planned: Sequence[float] | None = None
) -> list[Seller[int]]:
    """The channels as the domain sees them."""
    return [
        Seller(
            channel,
            desk.writings[channel],
            holding,
            desk.demands[channel],
            desk.reaches[channel],
            desk.idle(channel),
            desk.reachable(channel),
            channel in resting,
            None if planned is None else planned[channel],
        )
        for channel, holding in enumerate(desk.holdings)
    ]


def opening_levels(units: int, channels: int, weights: Sequence[float] | None) -> list[int]:
    """What channels show when the first buyer comes: all of it, or shares by weight."""
    if weights is None:
        return [units] * channels
    return list(shares(units, dict(enumerate(weights))).values())
