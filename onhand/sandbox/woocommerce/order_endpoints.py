"""GET /orders and GET /orders/{id}: filtered, ordered and paged as the platform does it."""

from collections.abc import Callable

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.order_views import BySecond
from onhand.sandbox.orders import Order, OrderBook
from onhand.sandbox.woocommerce.listing import Page, ids_of, seconds_of, trimmed
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.order_rows import order_row, status_of
from onhand.sandbox.woocommerce.problems import Problem, invalid_param, json_answer

STATUSES = frozenset(
    (
        "any",
        "trash",
        "pending",
        "processing",
        "on-hold",
        "completed",
        "cancelled",
        "refunded",
        "failed",
        "checkout-draft",
    )
)
KEYS: dict[str, Callable[[Order], tuple[int, ...]]] = {
    "id": lambda order: (int(order.order_id),),
    "date": lambda order: (int(order.created_at), int(order.order_id)),
    "modified": lambda order: (int(order.updated_at), int(order.order_id)),
}
"""Orders this sandbox knows; the last change counts in whole seconds, ties are broken by id."""


class OrderEndpoints:
    """The orders of one shop."""

    def __init__(self, book: OrderBook, options: WooOptions) -> None:
        self._book = book
        self._by_second = BySecond(book)
        self._options = options

    async def list_orders(self, request: Request) -> Response:
        """GET /orders."""
        query = request.query_params
        page = Page(self._ordered(query), query)
        rows = [order_row(order, self._book.shop, self._options) for order in page.items]
        await self._take_time(len(rows))
        fields = query.get("_fields")
        return json_answer(trimmed(rows, fields) if fields else rows, headers=page.headers())

    async def one_order(self, request: Request) -> Response:
        """GET /orders/{id}."""
        order = self._book.orders.get(str(request.path_params["id"]))
        if order is None:
            raise Problem("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
        await self._take_time(1)
        row = order_row(order, self._book.shop, self._options)
        fields = request.query_params.get("_fields")
        return json_answer(trimmed([row], fields)[0] if fields else row)

    def _ordered(self, query: QueryParams) -> list[Order]:
        """The orders asked for, in the order asked for; what is sorted by its last change is so already."""
        by, direction = _sorting(query)
        orders = self._book.orders
        if query.get("include"):
            wanted = ids_of(query, "include")
            found = [orders[str(number)] for number in sorted(wanted) if str(number) in orders]
        else:
            found = self._by_second.since(0.0)
        if after := query.get("modified_after"):
            since = int(seconds_of(after))
            if query.get("include"):
                found = [order for order in found if int(order.updated_at) > since]
            else:
                found = self._by_second.since(since + 1)
        found = _of_status(found, query)
        if by == "modified" and not query.get("include"):
            return found if direction == "asc" else found[::-1]
        if by == "include":
            place = {text: at for at, text in enumerate(query.get("include", "").split(","))}
            return sorted(found, key=lambda order: place.get(order.order_id, 0))
        return sorted(found, key=KEYS[by], reverse=direction == "desc")

    async def _take_time(self, rows: int) -> None:
        options = self._options
        if options.limits:
            await options.sleep(options.seconds_per_call + rows * options.seconds_per_row_read)


def _of_status(orders: list[Order], query: QueryParams) -> list[Order]:
    """Those of the statuses asked for. What is in the trash is only there for who asks for the trash."""
    statuses = query.get("status", "any").split(",")
    if not STATUSES.issuperset(statuses):
        raise invalid_param("status", f"status[0] is not one of {', '.join(sorted(STATUSES))}.")
    if "any" in statuses:
        return [order for order in orders if not order.trashed or "trash" in statuses]
    return [order for order in orders if status_of(order) in statuses]


def _sorting(query: QueryParams) -> tuple[str, str]:
    by, direction = query.get("orderby", "date"), query.get("order", "desc")
    if by not in KEYS and by != "include":
        raise invalid_param("orderby", f"orderby is not one of include, {', '.join(sorted(KEYS))}.")
    if direction not in ("asc", "desc"):
        raise invalid_param("order", "order is not one of asc and desc.")
    return by, direction
