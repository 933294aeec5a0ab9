"""Orders by their last change: kept in order as they change, so that a page of a sweep costs only itself."""

import random

from onhand.sandbox.order_views import BySecond
from onhand.sandbox.orders import Order, OrderBook
from onhand.sandbox.shop import Item, Shop
from tests.fix_channels import FakeClock

SEED = 7


class CountingBook(OrderBook):
    """Counts how often all orders are asked for."""

    asked = 0

    def changed_since(self, moment: float) -> list[Order]:
        self.asked += 1
        return super().changed_since(moment)


def book_of(clock: FakeClock) -> CountingBook:
    shop = Shop("Test", {"": "Here"}, clock=clock.now)
    shop.add(Item("1", "MUG", "Mug", levels={"": 1_000_000}))
    return CountingBook(shop, clock.now)


def test_orders_stay_in_the_order_of_their_changes(clock: FakeClock) -> None:
    """Goal: the same as sorting all of them, after any change. Method: random changes of a printed seed."""
    chance, book = random.Random(SEED), book_of(clock)
    views = BySecond(book)
    for _ in range(400):
        clock.advance(chance.choice((0.0, 0.000_3, 0.4)))
        if chance.random() < 0.4 or not book.orders:
            book.place([("1", "", 1)])
        else:
            book.ship(chance.choice(list(book.orders)))
        since = clock.now() - chance.random() * 30
        wanted = [order for order in book.orders.values() if order.updated_at >= since]
        wanted.sort(key=lambda order: order.updated_at)
        assert OrderBook.changed_since(book, since) == wanted, f"seed {SEED}"
        wanted = [order for order in book.orders.values() if int(order.updated_at) >= int(since)]
        wanted.sort(key=lambda order: (int(order.updated_at), int(order.order_id)))
        assert views.since(int(since)) == wanted, f"seed {SEED}"


def test_a_sweep_sorts_once(clock: FakeClock) -> None:
    """Goal: ten thousand orders in a hundred pages are put in order once, and again only when one changed."""
    book = book_of(clock)
    views = BySecond(book)
    for _ in range(10_000):
        book.place([("1", "", 1)])
    for page in range(100):
        assert len(views.since(0.0)[page * 100 : page * 100 + 100]) == 100
    assert book.asked == 1
    book.ship("450")
    assert views.since(0.0)[0].order_id == "450", "all within one second: by number"
    assert book.asked == 2


def test_what_is_kept_over_a_restart_is_in_order(clock: FakeClock) -> None:
    """Goal: orders taken up again are paged through as before."""
    book, again = book_of(clock), book_of(clock)
    for _ in range(5):
        book.place([("1", "", 1)])
    book.ship("451")
    again.restore(book.orders.values(), book.numbers())
    assert [order.order_id for order in again.changed_since(0.0)] == ["450", "452", "453", "454", "451"]
    again.clear()
    assert again.changed_since(0.0) == []
