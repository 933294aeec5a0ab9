"""What is known while it sells, and what is said to channels: Onhand's side of the simulation.

Books are kept by the domain's own records (`onhand.domain.holdings`), which mirror the ledger's `take_sales_v2` and
`book_levels_v3`. What to say is decided by a way (`onhand.simulation.ways`).
"""

from collections.abc import Iterable
from typing import Protocol

from onhand.domain import demand as demands
from onhand.domain import holdings
from onhand.domain.demand import Demand, Reach
from onhand.domain.holdings import Holding, Writing
from onhand.simulation.calls import Call, Kind
from onhand.simulation.market import Delivery, Market, Order

KIND_OF = {Writing.RELATIVE: Kind.CHANGE, Writing.COMPARE: Kind.COMPARE, Writing.ABSOLUTE: Kind.SET}
OVERDUE = 1.5
"""Times the longest hearing, after which a sale that only an answer told of is asked for."""
SOON = 0.01


class Decider(Protocol):
    """A way of keeping channels right."""

    def opened(self, desk: "Desk") -> None:
        """The first buyer may come."""

    def heard(self, desk: "Desk", orders: list[Order]) -> None:
        """These orders are news."""

    def act(self, desk: "Desk") -> None:
        """Something changed; say what is to be said."""


class Desk:
    """What is known of one SKU on some channels, by their number."""

    def __init__(
        self, market: Market, writings: Iterable[Writing], way: Decider, caution: float = 2.0
    ) -> None:
        self.market, self.way = market, way
        self.writings = list(writings)
        self.left = market.day.scenario.units
        self.holdings = [Holding(level) for level in market.shown]
        self.demands = [Demand() for _ in self.writings]
        delays = market.day.scenario.delays
        # As they were observed on the days before.
        self.reaches = [Reach(delays.hearing[1], delays.call[1]) for _ in self.writings]
        self.caution = caution
        self.switches = 0
        self._calls: list[Call | None] = [None for _ in self.writings]
        self._quiet_until = [0.0 for _ in self.writings]
        self._taught_at = [0.0 for _ in self.writings]
        self._known: set[int] = set()
        self._look_at = float("inf")
        self._sweeping = False

    # What happens to it.

    def opened(self) -> None:
        """The first buyer may come."""
        self.way.opened(self)

    def heard(self, deliveries: list[Delivery]) -> None:
        """Post what is new, then say what is to be said."""
        news = []
        for delivery in deliveries:
            if delivery.order.number not in self._known:
                self._post(delivery)
                news.append(delivery.order)
        if news:
            self.way.heard(self, news)
            self.way.act(self)

    def answered(self, call: Call) -> None:
        """Book an answer."""
        channel, now = call.channel, self.market.now
        self._calls[channel] = None
        reach = self.reaches[channel]
        longest = demands.observed(reach.call, now - call.sent_at, 0.0)
        if longest != reach.call:
            self.reaches[channel] = Reach(reach.hearing, longest)
        before = self.holdings[channel]
        after = self._booked(call, before)
        if after.provisional > before.provisional:
            self._taught_at[channel] = now
            self.market.at(now + OVERDUE * reach.hearing + SOON, self.look)
        self.holdings[channel] = after
        self.way.act(self)

    def _booked(self, call: Call, before: Holding) -> Holding:
        now = self.market.now
        if call.refused:
            self._quiet_until[call.channel] = now + self.market.day.scenario.faults.retry_seconds
            self.market.at(self._quiet_until[call.channel], self.look)
            return holdings.refused(before)
        match call.kind:
            case Kind.SET:
                return holdings.was_set(before, now)
            case Kind.READ:
                return holdings.looked_at(before, call.echo, self.reaches[call.channel], now)
            case Kind.COMPARE if call.stale:
                return holdings.moved(before)
            case _:
                return holdings.changed(before, call.echo)

    def lost(self) -> None:
        """The worker died."""
        self._sweeping = False
        for channel, call in enumerate(self._calls):
            if call is not None:
                over_by = self.market.now + self.reaches[channel].call
                self.holdings[channel] = holdings.lost(self.holdings[channel], over_by)
                self._calls[channel] = None

    def swept(self, began_at: float) -> None:
        """What no order has told of by now was no sale."""
        self._sweeping = False
        for channel, holding in enumerate(self.holdings):
            proven = self._taught_at[channel] < began_at
            self.holdings[channel] = holdings.swept(holding, began_at, proven=proven)
        self.way.act(self)

    def _sweep_if_overdue(self) -> None:
        """A sale that an answer told of, and that no order tells of in time, may be none: a sweep proves it."""
        if self._sweeping:
            return
        for channel, holding in enumerate(self.holdings):
            overdue = self._taught_at[channel] + OVERDUE * self.reaches[channel].hearing
            if holding.provisional and self.market.now > overdue:
                self._sweeping = True
                self.market.sweep()
                return

    def look(self) -> None:
        """A moment that was asked for has come."""
        if self.market.now >= self._look_at:
            self._look_at = float("inf")
        if self.market.up:
            self._sweep_if_overdue()
            self.way.act(self)

    def _post(self, delivery: Delivery) -> None:
        order = delivery.order
        channel = order.channel
        self._known.add(order.number)
        self.left -= 1
        self.holdings[channel] = holdings.with_sale(self.holdings[channel], 1, order.placed_at)
        arrived_at = delivery.arrived_at
        moment = order.placed_at if arrived_at is None else arrived_at
        self.demands[channel] = demands.with_sale(self.demands[channel], 1, moment)
        if arrived_at is not None:
            # How long it waited here, while we were away, says nothing of the channel.
            reach = self.reaches[channel]
            longest = demands.observed(reach.hearing, arrived_at - order.placed_at, 0.0)
            if longest != reach.hearing:
                self.reaches[channel] = Reach(longest, reach.call)

    # What it says.

    def idle(self, channel: int) -> bool:
        """Whether the channel can be told something now."""
        return self._calls[channel] is None and self.reachable(channel)

    def reachable(self, channel: int) -> bool:
        """Whether the channel does not make us wait."""
        return self.market.now >= self._quiet_until[channel]

    def tell(self, channel: int, level: int) -> None:
        """Change what a channel shows, in the best way it has."""
        writing, before, now = self.writings[channel], self.holdings[channel], self.market.now
        self.holdings[channel] = holdings.told(before, level, writing, self.reaches[channel], now)
        amount = level - before.book if writing is Writing.RELATIVE else level
        self._send(Call(channel, KIND_OF[writing], amount, now, self.market.epoch, before.book))

    def ask(self, channel: int) -> None:
        """Read what a channel shows."""
        self._send(Call(channel, Kind.READ, 0, self.market.now, self.market.epoch))

    def _send(self, call: Call) -> None:
        self._calls[call.channel] = call
        self.market.send(call)

    def look_again_in(self, seconds: float) -> None:
        """Decide again then, if nothing happens before."""
        moment = self.market.now + seconds
        if moment < self._look_at:
            self._look_at = moment
            self.market.at(moment, self.look)

    @property
    def free(self) -> int:
        """What is available, less provisional demand; never below zero."""
        return max(0, self.left - sum(holding.provisional for holding in self.holdings))
