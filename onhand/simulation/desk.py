"""What is known while it sells, and what is said to channels: Onhand's side of the simulation.

Books are kept as the ledger keeps them (`onhand.domain.holdings`). What to say is decided by a way
(`onhand.simulation.ways`, `onhand.simulation.live`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Protocol

from onhand.domain import demand as demands
from onhand.domain import holdings
from onhand.domain.beliefs import Belief
from onhand.domain.demand import CUT_OFF_SECONDS, HEARING_SECONDS, Demand
from onhand.domain.exposure import Exposed
from onhand.domain.holdings import Booked, Holding
from onhand.simulation.calls import Call, Kind
from onhand.simulation.market import Delivery, Market, Order

PATIENCE_SECONDS = 120.0
"""What was in doubt so long before the last sweep is settled by it, as the setting `disprove_after_seconds` has it."""
CALLS = 2
"""What a sale takes to be shown at the longest, in calls: the one that is under way, and its own."""


class Decider(Protocol):
    """A way of keeping channels right."""

    def opened(self, desk: "Desk") -> None:
        """The first buyer may come."""

    def heard(self, desk: "Desk", orders: list[Order]) -> None:
        """These orders are news."""

    def act(self, desk: "Desk") -> None:
        """Something changed; say what is to be said."""

    def goes_on(self, desk: "Desk", channel: int) -> bool:
        """A call was answered. Whether there is more to say or to ask under the same claim, and was."""

    def booked(self, desk: "Desk", channel: int, booked: Booked) -> None:
        """What a channel answered was written down."""

    def swept(self, desk: "Desk") -> None:
        """All orders were asked for."""


@dataclass(slots=True)
class Claim:
    """A level while it is spoken of: what is learnt of it, and the level that the call under way tells."""

    belief: Belief[float]
    level: int | None = None


class Desk:
    """What is known of one SKU on some channels, by their number; `blind` are those whose levels are only set."""

    def __init__(self, market: Market, blind: Sequence[bool], way: Decider) -> None:
        self.market, self.way, self.blind = market, way, list(blind)
        self.left = market.day.scenario.units
        self.holdings = [Holding(level) for level in market.shown]
        self.demands = [Demand() for _ in self.blind]
        self.claims: list[Claim | None] = [None for _ in self.blind]
        self.switches = 0
        self._quiet_until = [0.0 for _ in self.blind]
        self._taught_at = [0.0 for _ in self.blind]
        self._known: set[int] = set()
        self._look_at = float("inf")
        self._swept_at = 0.0

    # What happens to it.

    def opened(self) -> None:
        """The first buyer may come."""
        self.way.opened(self)

    def heard(self, deliveries: list[Delivery]) -> None:
        """Post what is new, then say what is to be said."""
        news = []
        for order in (each.order for each in deliveries):
            if order.number not in self._known:
                self._post(order)
                news.append(order)
        if news:
            self.way.heard(self, news)
            self.way.act(self)

    def answered(self, call: Call) -> None:
        """Take an answer, and book it where nothing more is to be said."""
        channel, now = call.channel, self.market.now
        claim = self.claims[channel]
        assert claim is not None, "a call is made under a claim"
        asked = call.sent_at - CUT_OFF_SECONDS
        if call.refused:
            self._quiet_until[channel] = now + self.market.day.scenario.faults.retry_seconds
            self.market.at(self._quiet_until[channel], self.look)
            self.book(channel, in_flight=True)
        else:
            if call.kind is Kind.READ:
                claim.belief.read(call.echo, asked)
            else:
                assert claim.level is not None, "a write tells a level"
                claim.belief.written(claim.level, call.echo, asked, blind=call.kind is Kind.SET)
            if not self.way.goes_on(self, channel):
                self.book(channel)
        self.way.act(self)

    def book(self, channel: int, *, in_flight: bool = False) -> None:
        """Write down what was learnt of a level, and let it go."""
        claim = self.claims[channel]
        assert claim is not None, "what is booked was claimed"
        self.claims[channel] = None
        booked = holdings.booked(self.holdings[channel], claim.belief, self.market.now, in_flight=in_flight)
        self.holdings[channel] = booked.holding
        if booked.taught:
            self._taught_at[channel] = self.market.now
        self.way.booked(self, channel, booked)

    def lost(self) -> None:
        """The worker died. Its claims have run out when another one comes."""
        self.claims = [None for _ in self.claims]

    def swept(self, began_at: float) -> None:
        """What was in doubt long before the last sweep, and no order has told of since, was no sale."""
        before, self._swept_at = self._swept_at - PATIENCE_SECONDS, began_at
        for channel, holding in enumerate(self.holdings):
            disproved = self._taught_at[channel] < before
            self.holdings[channel] = holdings.swept(holding, before, disproved=disproved)
        self.way.swept(self)
        self.way.act(self)

    def look(self) -> None:
        """A moment that was asked for has come."""
        if self.market.now >= self._look_at:
            self._look_at = float("inf")
        if self.market.up:
            self.way.act(self)

    def _post(self, order: Order) -> None:
        channel = order.channel
        self._known.add(order.number)
        self.left -= 1
        self.holdings[channel] = holdings.with_sale(
            self.holdings[channel], 1, floor(order.placed_at), self.market.now
        )
        self.demands[channel] = demands.with_sale(self.demands[channel], 1, self.market.now)

    # What it says.

    def idle(self, channel: int) -> bool:
        """Whether the channel can be told something now: nothing is under way, and it does not make us wait."""
        return self.claims[channel] is None and self.market.now >= self._quiet_until[channel]

    def claim(self, channel: int, most: int | None, *, undoes: int = 0, owed: bool = False) -> None:
        """Take a level, to tell it so many units at most (None: only to look)."""
        before, blind = self.holdings[channel], self.blind[channel]
        self.claims[channel] = Claim(Belief(before.book))
        self.holdings[channel] = holdings.claimed(before, most, blind=blind, undoes=undoes, owed=owed)

    def tell(self, channel: int, level: int, shown: int | None = None) -> None:
        """Change a claimed level, in the best way its channel has; `shown`: what it is believed to show, where it is
        changed by a difference."""
        if self.blind[channel] or shown is None:
            self._send(channel, Kind.SET, level, level)
        else:
            self._send(channel, Kind.CHANGE, level - shown, level)

    def ask(self, channel: int) -> None:
        """Look at a claimed level."""
        self._send(channel, Kind.READ, 0, None)

    def _send(self, channel: int, kind: Kind, amount: int, level: int | None) -> None:
        claim = self.claims[channel]
        assert claim is not None, "a call is made under a claim"
        claim.level = level
        self.market.send(Call(channel, kind, amount, self.market.now, self.market.epoch))

    def look_again_at(self, moment: float) -> None:
        """Decide again then, if nothing happens before."""
        if moment < self._look_at:
            self._look_at = moment
            self.market.at(moment, self.look)

    @property
    def free(self) -> int:
        """What is available, less provisional demand."""
        return self.left - sum(holding.provisional for holding in self.holdings)

    def exposed(self) -> list[Exposed[int]]:
        """The channels as far as they can oversell."""
        now = self.market.now
        window = HEARING_SECONDS + CALLS * self.market.day.scenario.delays.call[1]
        return [
            Exposed(
                channel,
                holdings.may_sell(holding, now),
                demands.rate(demand, now),
                demand.units,
                window,
                blind,
            )
            for channel, (holding, demand, blind) in enumerate(
                zip(self.holdings, self.demands, self.blind, strict=True)
            )
        ]
