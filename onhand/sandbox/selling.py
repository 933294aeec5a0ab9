"""Buyers and merchants at the sandbox shops, by order: placed, shipped, cancelled, edited, refunded, one or many."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from onhand.sandbox.answering import Json, Unwilling, best_place, item_of, json_answer, posted, shop_of
from onhand.sandbox.orders import Buyer, Line, Order, OrderBook, Wanted
from onhand.sandbox.world import World

BULK_MAX = 10_000
"""Entries of one bulk request."""

BULK_QUEUED_MAX = 2_000
"""A bulk request goes on while no more deliveries of each shop than this wait for a connection: none is dropped."""

TURN_ORDERS = 20
"""Orders of a bulk request between two turns of everybody else."""

KEYS_MAX = 600_000
"""Names of orders remembered: the newest."""

LISTED_MAX = 10_000
PAUSE_SECONDS = 0.002


class Selling:
    """What can be done to the orders of one world; every refusal is an `Unwilling`.

    Requests name an order by the platform's id (`order`) or by the caller's own `key`, given when it was placed.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[tuple[str, str], str] = {}
        self._acts: dict[str, Callable[[Json], Order]] = {
            "place": self.place,
            "ship": self.ship,
            "cancel": self.cancel,
            "reduce": self.reduce,
            "refund": self.refund,
            "trash": self.trash,
            "untrash": self.untrash,
        }

    def routes(self) -> list[BaseRoute]:
        """The endpoints, under whatever they are mounted."""
        found: list[BaseRoute] = [
            Route(
                "/order" if name == "place" else f"/order/{name}",
                posted(partial(_answered, act)),
                methods=["POST"],
            )
            for name, act in self._acts.items()
        ]
        bulk = Route("/orders/bulk", posted(self.bulk), methods=["POST"])
        return [*found, bulk, Route("/orders", self.orders, methods=["GET"])]

    def place(self, body: Json) -> Order:
        """A buyer orders `lines` of `{sku, quantity, place}` on `platform`.

        Nobody can buy what is not shown (409, and nothing is sold), unless `force` is given; what is not tracked, or
        oversold on purpose, can be bought whatever its level.
        """
        shop_of(self._world.shops, body)
        platform = str(body["platform"])
        key = (platform, str(body.get("key", "")))
        self._keys.pop(key, None)
        wanted = [self._wanted(platform, line) for line in body["lines"]]
        if not wanted:
            raise Unwilling(400, "an order has lines")
        if not body.get("force"):
            self._check_shown(platform, wanted)
        buyer = Buyer(**body["buyer"]) if body.get("buyer") else None
        order = self._world.books[platform].place(wanted, buyer)
        if "key" in body:
            self._keys[key] = order.order_id
        while len(self._keys) > KEYS_MAX:
            del self._keys[next(iter(self._keys))]
        return order

    def ship(self, body: Json) -> Order:
        """Everything open of an order leaves the house; 409 where nothing is open."""
        book, order = self._order(body)
        _check_open(order)
        return book.ship(order.order_id)

    def cancel(self, body: Json) -> Order:
        """Everything open of an order is cancelled and put back; 409 where nothing is open."""
        book, order = self._order(body)
        _check_open(order)
        return book.cancel(order.order_id)

    def reduce(self, body: Json) -> Order:
        """An order is edited: `quantity` (1) open pieces less of a line: the first with the `line` or `sku` named,
        or the one at `position` (from 0)."""
        book, order = self._order(body)
        line, pieces = _line(order, body), int(body.get("quantity", 1))
        if not 0 < pieces <= line.open:
            raise Unwilling(409, f"{line.sku} of order {order.order_id} has {line.open} open, not {pieces}")
        return book.reduce(order.order_id, line.line_id, pieces)

    def refund(self, body: Json) -> Order:
        """`quantity` (1) shipped pieces of a line are refunded, and put back unless `restock` is false."""
        book, order = self._order(body)
        line, pieces = _line(order, body), int(body.get("quantity", 1))
        left = line.shipped - max(line.restocked, line.refunded)
        if not 0 < pieces <= left:
            raise Unwilling(409, f"{line.sku} of order {order.order_id} has {left} to refund, not {pieces}")
        return book.refund(order.order_id, line.line_id, pieces, restock=bool(body.get("restock", True)))

    def trash(self, body: Json) -> Order:
        """An order is thrown away (WooCommerce); 409 where it is in the trash already. Stock stays as it is."""
        book, order = self._woo_order(body)
        if order.trashed:
            raise Unwilling(409, f"order {order.order_id} is in the trash already")
        return book.trash(order.order_id)

    def untrash(self, body: Json) -> Order:
        """An order is got back from the trash (WooCommerce); 409 where it is not there."""
        book, order = self._woo_order(body)
        if not order.trashed:
            raise Unwilling(409, f"order {order.order_id} is not in the trash")
        return book.untrash(order.order_id)

    async def bulk(self, body: Json) -> Json:
        """Do a list of `orders` as fast as subscribers take what comes of it; the answer has a verdict for each.

        An entry is the body of a single request, with `what` it is: place (the default), ship, cancel, reduce,
        refund, trash or untrash. The verdict is the order's id, or null; `refused` says why, by the entry's index.
        """
        entries = body["orders"]
        if len(entries) > BULK_MAX:
            raise Unwilling(400, f"at most {BULK_MAX} orders a request")
        done: list[str | None] = []
        refused: list[Json] = []
        for at, entry in enumerate(entries):
            if at % TURN_ORDERS == TURN_ORDERS - 1:
                await self._let_others()
            try:
                done.append(self.act(entry).order_id)
            except (Unwilling, AttributeError, KeyError, TypeError, ValueError) as error:
                done.append(None)
                refused.append({"index": at, "error": str(error) or repr(error)})
        return {"orders": done, "refused": refused}

    def act(self, entry: Json) -> Order:
        """One entry of a bulk request."""
        what = str(entry.get("what", "place"))
        if what not in self._acts:
            raise Unwilling(400, f"what is one of {', '.join(self._acts)}, not {what!r}")
        return self._acts[what](entry)

    async def orders(self, request: Request) -> Response:
        """The newest orders of `platform`, at most `limit` (50), newest first."""
        name = request.query_params.get("platform", "")
        if name not in self._world.books:
            return json_answer({"error": f"no platform {name!r}"}, 404)
        limit = request.query_params.get("limit", "50")
        count = min(LISTED_MAX, int(limit)) if limit.isdecimal() else 50
        return json_answer({"orders": [_seen(order) for order in newest(self._world.books[name], count)]})

    async def _let_others(self) -> None:
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            if all(sender.queued() <= BULK_QUEUED_MAX for sender in self._world.senders.values()):
                return
            pause = PAUSE_SECONDS

    def _wanted(self, platform: str, line: Json) -> Wanted:
        shop, item = item_of(self._world.shops, {**line, "platform": platform})
        quantity = int(line.get("quantity", 1))
        if quantity < 1:
            raise Unwilling(400, f"{item.sku}: a buyer takes one piece at least, not {quantity}")
        return (
            item.item_id,
            str(line["place"]) if "place" in line else best_place(shop, item, quantity),
            quantity,
        )

    def _check_shown(self, platform: str, wanted: list[Wanted]) -> None:
        shop = self._world.shops[platform]
        left: dict[tuple[str, str], int] = {}
        for item_id, place, quantity in wanted:
            item = shop.items[item_id]
            if shop.hidden(item, place):
                raise Unwilling(409, f"{item.sku} is hidden from shoppers")
            shown = left.get((item_id, place), shop.level(item_id, place) or 0)
            if item.tracked and not item.oversells and shown < quantity:
                raise Unwilling(409, f"{item.sku} shows {shown} at {place!r}, {quantity} are wanted")
            left[item_id, place] = shown - quantity

    def _woo_order(self, body: Json) -> tuple[OrderBook, Order]:
        book, order = self._order(body)
        if body.get("platform") != "woocommerce":
            raise Unwilling(400, f"{book.shop.name} has no trash for orders")
        return book, order

    def _order(self, body: Json) -> tuple[OrderBook, Order]:
        shop = shop_of(self._world.shops, body)
        platform = str(body["platform"])
        order_id = self._keys.get((platform, str(body["key"]))) if "key" in body else str(body["order"])
        order = self._world.books[platform].orders.get(order_id or "")
        if order is None:
            raise Unwilling(404, f"{shop.name} has no order {body.get('key', order_id)!r}")
        return self._world.books[platform], order


def newest(book: OrderBook, count: int) -> list[Order]:
    """So many orders, the last placed first."""
    found: list[Order] = []
    for number in reversed(book.orders):
        if len(found) >= count:
            break
        found.append(book.orders[number])
    return found


async def _answered(act: Callable[[Json], Order], body: Json) -> Json:
    return _seen(act(body))


def _check_open(order: Order) -> None:
    if not any(line.open for line in order.lines):
        raise Unwilling(409, f"order {order.order_id} has nothing open")


def _line(order: Order, body: Json) -> Line:
    for position, line in enumerate(order.lines):
        here = {"line": line.line_id, "sku": line.sku, "position": position}
        if all(body.get(name, value) == value for name, value in here.items()):
            return line
    named = {name: body[name] for name in ("line", "sku", "position") if name in body}
    raise Unwilling(404, f"order {order.order_id} has no line {named}")


def _seen(order: Order) -> dict[str, Any]:
    """An order as the control API shows it: no buyer."""
    lines = [
        {
            "line": line.line_id,
            "sku": line.sku,
            "place": line.place,
            "quantity": line.quantity,
            "open": line.open,
            "shipped": line.shipped,
            "cancelled": line.cancelled,
            "refunded": line.refunded,
            "restocked": line.restocked,
        }
        for line in order.lines
    ]
    return {
        "order": order.order_id,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "cancelled": order.cancelled,
        "lines": lines,
    }
