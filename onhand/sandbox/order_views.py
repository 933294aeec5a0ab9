"""A book's orders by their last change in whole seconds, as platforms whose dates have no more sort them."""

from bisect import bisect_left

from onhand.sandbox.orders import Order, OrderBook


class BySecond:
    """Ties within a second are broken by number. Sorted once for each change of the book, not for each page."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._version = -1
        self._orders: list[Order] = []
        self._seconds: list[int] = []

    def since(self, second: float) -> list[Order]:
        """Those changed in this second or later, oldest change first."""
        if self._version != self._book.version:
            self._orders = sorted(self._book.changed_since(0.0), key=_place)
            self._seconds = [int(order.updated_at) for order in self._orders]
            self._version = self._book.version
        return self._orders[bisect_left(self._seconds, second) :]


def _place(order: Order) -> tuple[int, int]:
    return int(order.updated_at), int(order.order_id)
