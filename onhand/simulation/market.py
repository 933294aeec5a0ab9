"""The simulated world: buyers, channels that sell without asking, webhooks, calls, mishaps; one queue of events.

Nothing here knows what is known or decided: that is the desk (`onhand.simulation.desk`).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from onhand.simulation.calls import Call, Kind
from onhand.simulation.scenario import Day

SWEEP_SECONDS = 60.0
"""Between two polls of all orders, as the setting `sweep_seconds` has it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One unit was sold: by which channel, and when."""

    number: int
    channel: int
    placed_at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order as it reached us; `arrived_at` is None where a sweep found it, which says nothing of webhooks."""

    order: Order
    arrived_at: float | None


class Listener(Protocol):
    """Who hears of sales and speaks to channels."""

    def opened(self) -> None:
        """The first buyer may come."""

    def heard(self, deliveries: list[Delivery]) -> None:
        """Orders are to be taken, some of them perhaps not for the first time."""

    def answered(self, call: Call) -> None:
        """A call was answered."""

    def lost(self) -> None:
        """The worker was killed: no answer that is under way will come."""

    def swept(self, began_at: float) -> None:
        """Every order placed before that moment was heard of."""

    def look(self) -> None:
        """A moment that was asked for has come."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a day ended, in units and buyers.

    `oversold`: sold beyond what there was. `unsold`: left over. `turned_away`: buyers who met an empty shelf while
    units were left somewhere. `missed`: units left over for which a buyer had come. `writes`, `reads`: calls.
    `switches`: times it came into shares or left them. `bound`: what was said could still be oversold, when
    the last unit went.
    """

    oversold: int
    unsold: int
    turned_away: int
    missed: int
    writes: int
    reads: int
    switches: int = 0
    bound: int | None = None


class Market:
    """The world on one day. `levels` are what the channels show when it begins."""

    def __init__(self, day: Day, levels: list[int]) -> None:
        self.day = day
        self.now = 0.0
        self.shown = list(levels)
        self.sold = 0
        self.turned_away = 0
        self.writes = self.reads = 0
        self.listener: Listener
        self.on_last_unit: Callable[[], None] = _nothing
        self.chance = Random(day.later)
        self._queue: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._pushed = 0
        self._orders: list[Order] = []
        self._waiting: list[Delivery] = []
        self._epoch = 0
        self._up_at = 0.0
        scenario = day.scenario
        self._hearing, self._call, self._faults = (
            scenario.delays.hearing,
            scenario.delays.call,
            scenario.faults,
        )
        self._storm = (day.refusing_at, day.refusing_at + scenario.faults.refusing_seconds)

    @property
    def up(self) -> bool:
        """Whether the worker lives."""
        return self.now >= self._up_at

    @property
    def epoch(self) -> int:
        """Which life of the worker it is."""
        return self._epoch

    def at(self, moment: float, what: Callable[..., None], *about: object) -> None:
        """Something is going to happen."""
        self._pushed += 1
        heapq.heappush(self._queue, (moment, self._pushed, what, about))

    def run(self, listener: Listener) -> None:
        """Until the last buyer has come."""
        self.listener = listener
        for moment in self.day.kills:
            self.at(moment, self._kill)
        self.at(self.chance.uniform(0.0, SWEEP_SECONDS), self._sweep)
        listener.opened()
        queue, pop, shown = self._queue, heapq.heappop, self.shown
        units = self.day.scenario.units
        for moment, channel in zip(self.day.arrivals.moments, self.day.arrivals.channels, strict=True):
            while queue and queue[0][0] <= moment:
                self.now, _, what, about = pop(queue)
                what(*about)
            self.now = moment
            if shown[channel] > 0:
                self._sell(channel)
            elif self.sold < units:
                self.turned_away += 1

    def send(self, call: Call) -> None:
        """A call leaves us."""
        if call.kind is Kind.READ:
            self.reads += 1
        else:
            self.writes += 1
        takes = self.chance.uniform(*self._call)
        self.at(self.now + takes * self.chance.random(), self._take_effect, call)
        self.at(self.now + takes, self._answer, call)

    def _sell(self, channel: int) -> None:
        self.shown[channel] -= 1
        self.sold += 1
        if self.sold == self.day.scenario.units:
            self.on_last_unit()
        order = Order(len(self._orders), channel, self.now)
        self._orders.append(order)
        arrives = self.now + self.chance.uniform(*self._hearing)
        if self._faults.shuffled and self.chance.random() < self._faults.shuffled:
            arrives += self.chance.uniform(*self._hearing)
        self.at(arrives, self._tell, order)
        if self._faults.doubled and self.chance.random() < self._faults.doubled:
            self.at(arrives + self.chance.uniform(*self._hearing), self._tell, order)

    def _tell(self, order: Order) -> None:
        """A webhook is accepted whether the worker lives or not; it waits for it."""
        delivery = Delivery(order, self.now)
        if self.up:
            self.listener.heard([delivery])
        else:
            self._waiting.append(delivery)

    def _take_effect(self, call: Call) -> None:
        if call.channel == self.day.refusing and self._storm[0] <= self.now < self._storm[1]:
            call.refused = True
            return
        level = self.shown[call.channel]
        match call.kind:
            case Kind.SET:
                level = call.amount
            case Kind.CHANGE:
                level += call.amount
            case Kind.READ:
                pass
        self.shown[call.channel] = call.echo = level

    def _answer(self, call: Call) -> None:
        if call.epoch == self._epoch:
            self.listener.answered(call)

    def _kill(self) -> None:
        self._epoch += 1
        self._up_at = self.now + self._faults.away_seconds
        self.listener.lost()
        self.at(self._up_at, self._back)

    def _back(self) -> None:
        if self.up:
            waiting, self._waiting = self._waiting, []
            self.listener.heard(waiting)
            self.listener.look()

    def _sweep(self) -> None:
        """All orders are asked for; the answer comes as soon as any."""
        if self.up:
            takes = self.chance.uniform(*self._call)
            self.at(self.now + takes, self._swept, len(self._orders), self.now, self._epoch)
        self.at(self.now + SWEEP_SECONDS, self._sweep)

    def _swept(self, seen: int, began_at: float, epoch: int) -> None:
        if epoch == self._epoch:
            self.listener.heard([Delivery(order, None) for order in self._orders[:seen]])
            self.listener.swept(began_at)

    def outcome(self, switches: int, bound: int | None) -> Outcome:
        """How it ended."""
        units = self.day.scenario.units
        unsold = max(0, units - self.sold)
        return Outcome(
            oversold=max(0, self.sold - units),
            unsold=unsold,
            turned_away=self.turned_away,
            missed=min(unsold, self.turned_away),
            writes=self.writes,
            reads=self.reads,
            switches=switches,
            bound=bound,
        )


def _nothing() -> None:
    """Nobody wants to know."""
