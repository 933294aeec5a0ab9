"""The orders of one sandbox shop: placed, changed, shipped, cancelled, refunded, as buyers and merchants do.

The shop takes its own sale off its own level first, as every platform does; whoever listens then hears of it. Holds
state and nothing of any wire format.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from onhand.sandbox.shop import Shop

ORDERS_MAX = 200_000
"""Orders a shop remembers; the oldest are forgotten."""

FIRST_ORDER = 450
FIRST_LINE = 7_100

TRASHED, UNTRASHED = "trashed", "untrashed"
"""What becomes of an order that is thrown away, and got back: WooCommerce only. Stock does not move."""


@dataclass(slots=True)
class Line:
    """One line of an order, in pieces. `cancelled` pieces were put back before they were shipped, `restocked`
    after; `refunded` counts every piece that was refunded, put back or not."""

    line_id: str
    item_id: str
    sku: str
    place: str
    quantity: int
    shipped: int = 0
    cancelled: int = 0
    restocked: int = 0
    refunded: int = 0

    @property
    def open(self) -> int:
        """Pieces taken off the shelf's number and not shipped yet."""
        return self.quantity - self.cancelled - self.shipped


@dataclass(slots=True)
class Buyer:
    """Who bought: what a real payload is full of, and what must not get past Onhand's door."""

    name: str = "Ada Buyer"
    email: str = "ada.buyer@example.com"
    phone: str = "+44 20 7946 0000"
    street: str = "1 Example Street"
    city: str = "Leeds"


@dataclass(slots=True)
class Order:
    """One order as it now stands. Times are seconds since the epoch; `updated_at` grows with every change."""

    order_id: str
    lines: list[Line]
    created_at: float
    updated_at: float
    buyer: Buyer = field(default_factory=Buyer)
    cancelled: bool = False
    trashed: bool = False

    @property
    def shipped(self) -> bool:
        """Whether nothing of it is open any more, and something was shipped."""
        return any(line.shipped for line in self.lines) and not any(line.open for line in self.lines)


@dataclass(frozen=True, slots=True)
class OrderHappening:
    """Something became of an order: `what` is created, updated, shipped, cancelled, refunded, trashed or
    untrashed."""

    order: Order
    what: str


@dataclass(frozen=True, slots=True)
class LevelHappening:
    """A level of the shop changed: to `quantity`, by `by` (`api`, `sale` or `person`), at `at` (seconds)."""

    item_id: str
    place: str
    quantity: int
    by: str
    at: float


Happening = OrderHappening | LevelHappening
Listener = Callable[[Happening], None]

Wanted = tuple[str, str, int]
"""A line to be: item id, place, pieces."""


class OrderBook:
    """The orders of one shop. `clock` is seconds since the epoch. Listeners are called at once, in order."""

    def __init__(self, shop: Shop, clock: Callable[[], float] = time.time) -> None:
        self.shop = shop
        self.orders: dict[str, Order] = {}
        self.listeners: list[Listener] = []
        self.changed: set[str] = set()
        """Order ids touched since whoever keeps the shop on disk last took them away."""
        self.version = 0
        """Grows with every change of any order, so that sorted views know when to renew."""
        self._clock = clock
        self._by_change: dict[str, Order] = {}
        """All orders, the one that changed last at the end."""
        self._changes: tuple[list[Order], list[float]] = [], []
        self._changes_of = 0
        self._next_order = FIRST_ORDER
        self._next_line = FIRST_LINE
        self._last_at = 0.0

    def place(self, wanted: Sequence[Wanted], buyer: Buyer | None = None) -> Order:
        """A buyer buys: the shop's own decrement of each line, then the order. Nothing is checked: see selling.py for
        a buyer who cannot buy what is not shown."""
        now = self._now()
        lines = []
        for item_id, place, quantity in wanted:
            self._take(item_id, place, quantity)
            lines.append(Line(self._line_number(), item_id, self.shop.items[item_id].sku, place, quantity))
        order = Order(str(self._next_order), lines, now, now, buyer or Buyer())
        self._next_order += 1
        self.orders[order.order_id] = order
        while len(self.orders) > ORDERS_MAX:
            oldest = next(iter(self.orders))
            del self.orders[oldest], self._by_change[oldest]
        self._note(order)
        self._tell(order, "created")
        return order

    def ship(self, order_id: str) -> Order:
        """Everything open leaves the house."""
        order = self.orders[order_id]
        for line in order.lines:
            line.shipped += line.open
        return self._changed(order, "shipped")

    def cancel(self, order_id: str) -> Order:
        """Everything open is cancelled and put back."""
        order = self.orders[order_id]
        for line in order.lines:
            self._put_back(line, line.open)
            line.cancelled += line.open
        order.cancelled = True
        return self._changed(order, "cancelled")

    def reduce(self, order_id: str, line_id: str, pieces: int) -> Order:
        """A merchant edits the order: so many open pieces less of one line, put back."""
        order = self.orders[order_id]
        line = self._line(order, line_id)
        assert 0 < pieces <= line.open, f"line {line_id} has {line.open} open pieces"
        line.cancelled += pieces
        self._put_back(line, pieces)
        return self._changed(order, "updated")

    def refund(self, order_id: str, line_id: str, pieces: int, *, restock: bool) -> Order:
        """Shipped pieces are refunded, and put back on the shelf or not."""
        order = self.orders[order_id]
        line = self._line(order, line_id)
        assert 0 < pieces <= line.shipped - line.restocked, (
            f"line {line_id} has {line.shipped} shipped pieces"
        )
        line.refunded += pieces
        if restock:
            line.restocked += pieces
            self._put_back(line, pieces)
        return self._changed(order, "refunded")

    def trash(self, order_id: str) -> Order:
        """A merchant throws the order away; what it took from the shelf stays taken."""
        order = self.orders[order_id]
        order.trashed = True
        return self._changed(order, TRASHED)

    def untrash(self, order_id: str) -> Order:
        """A merchant gets it back from the trash."""
        order = self.orders[order_id]
        order.trashed = False
        return self._changed(order, UNTRASHED)

    def changed_since(self, moment: float) -> list[Order]:
        """Orders changed at or after the moment, oldest change first: found, not searched for."""
        orders, moments = self._in_order()
        return orders[bisect_left(moments, moment) :]

    def clear(self) -> None:
        """Forget every order; numbers go on."""
        self.orders.clear()
        self._by_change.clear()
        self.changed.clear()
        self.version += 1

    def numbers(self) -> tuple[int, int, float]:
        """The next order's number, the last line's number and the last time drawn: kept over a restart."""
        return self._next_order, self._next_line, self._last_at

    def restore(self, orders: Iterable[Order], numbers: tuple[int, int, float]) -> None:
        """Take up the orders (oldest first) and the numbers of a former run."""
        self.orders.update((order.order_id, order) for order in orders)
        ordered = sorted(self.orders.values(), key=lambda order: (order.updated_at, int(order.order_id)))
        self._by_change = {order.order_id: order for order in ordered}
        self.version += 1
        self._next_order, self._next_line, self._last_at = numbers

    def _take(self, item_id: str, place: str, pieces: int) -> None:
        if self.shop.items[item_id].tracked:
            self.shop.sell(item_id, place, pieces)

    def _put_back(self, line: Line, pieces: int) -> None:
        if pieces and line.item_id in self.shop.items:
            self._take(line.item_id, line.place, -pieces)

    def _changed(self, order: Order, what: str) -> Order:
        order.updated_at = self._now()
        self._note(order)
        self._tell(order, what)
        return order

    def _note(self, order: Order) -> None:
        """It changed last."""
        self._by_change.pop(order.order_id, None)
        self._by_change[order.order_id] = order
        self.changed.add(order.order_id)
        self.version += 1

    def _in_order(self) -> tuple[list[Order], list[float]]:
        """All orders by their last change, and its moments; copied once for many pages."""
        if self._changes_of != self.version:
            orders = list(self._by_change.values())
            self._changes = orders, [order.updated_at for order in orders]
            self._changes_of = self.version
        return self._changes

    def _tell(self, order: Order, what: str) -> None:
        for listener in self.listeners:
            listener(OrderHappening(order, what))

    def _now(self) -> float:
        """Never the same twice, so that every change has a time of its own (in microseconds)."""
        self._last_at = max(self._clock(), self._last_at + 0.000_001)
        return self._last_at

    def _line_number(self) -> str:
        self._next_line += 1
        return str(self._next_line)

    @staticmethod
    def _line(order: Order, line_id: str) -> Line:
        return next(line for line in order.lines if line.line_id == line_id)
