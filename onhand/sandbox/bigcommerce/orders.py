"""GET /v2/orders, one order, and its products."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.order_rows import consignments, line_row, order_row
from onhand.sandbox.bigcommerce.replies import Json, Refused, invalid, json_response, list_response, paging
from onhand.sandbox.order_views import BySecond
from onhand.sandbox.orders import Order, OrderBook

LIMIT_MAX = 250
LIMIT_DEFAULT = 50

LAST = 10**12
"""No order has a number as high."""

LINES_INCLUDED_MAX = 50
"""Lines of an order that come within a list of orders; the rest is only at `/products`."""

SORTS: dict[str, Callable[[Order], float]] = {
    "id": lambda order: int(order.order_id),
    "date_created": lambda order: int(order.created_at),
    "date_modified": lambda order: int(order.updated_at),
}
PARAMETERS = frozenset(
    ("min_id", "max_id", "min_date_modified", "sort", "page", "limit", "include", "consignment_structure")
)
INCLUDES = ("consignments", "consignments.line_items")


class Orders:
    """Reads of one store's orders."""

    def __init__(self, book: OrderBook, options: BigCommerceOptions) -> None:
        self._book = book
        self._by_second = BySecond(book)
        self._store = f"https://api.bigcommerce.com/stores/{options.store_hash}/v2"

    async def listed(self, request: Request) -> Response:
        """GET /v2/orders."""
        query = request.query_params
        if unknown := query.keys() - PARAMETERS:
            raise Refused(400, f"this sandbox does not know {', '.join(sorted(unknown))}")
        asked = paging(query, limit_max=LIMIT_MAX, limit_default=LIMIT_DEFAULT)
        show = self._shower(query)
        return list_response([show(order) for order in self._sorted(query)[asked.slice]])

    async def one(self, request: Request) -> Response:
        """GET /v2/orders/{order_id}."""
        return json_response(self._shower(request.query_params)(self._named(request)))

    async def products(self, request: Request) -> Response:
        """GET /v2/orders/{order_id}/products."""
        order = self._named(request)
        asked = paging(request.query_params, limit_max=LIMIT_MAX, limit_default=LIMIT_DEFAULT)
        return list_response([line_row(self._book.shop, order, line) for line in order.lines[asked.slice]])

    def _named(self, request: Request) -> Order:
        order = self._book.orders.get(request.path_params["order"])
        if order is None:
            raise Refused(404, "The requested resource was not found.")
        return order

    def _sorted(self, query: QueryParams) -> list[Order]:
        """The orders within the limits given, by the narrowest way there is, in the order asked for."""
        orders = self._book.orders
        first, last = _number(query, "min_id", 0), _number(query, "max_id", LAST)
        name, direction = _sorting(query)
        since = query.get("min_date_modified")
        if since is not None:
            found = self._by_second.since(_moment(since))
        elif last - first < len(orders):
            numbers = map(str, range(first, last + 1))
            found = [orders[number] for number in numbers if number in orders]
        else:
            found = list(orders.values())
        if first or last < LAST:
            found = [order for order in found if first <= int(order.order_id) <= last]
        if since is not None and (name, direction) == ("date_modified", "asc"):
            return found
        by_id = sorted(found, key=SORTS["id"])
        return sorted(by_id, key=SORTS[name], reverse=direction == "desc")

    def _shower(self, query: QueryParams) -> Callable[[Order], Json]:
        include = query.get("include", "")
        if include and include not in INCLUDES:
            raise invalid("include", "this sandbox includes consignments only")
        structured = include and query.get("consignment_structure") == "object"
        lines = include == "consignments.line_items"

        def show(order: Order) -> Json:
            row = order_row(order, self._store)
            if structured:
                row["consignments"] = consignments(self._book.shop, order, lines=lines)
                if lines:
                    _cut(row["consignments"])
            return row

        return show


def _cut(consigned: Json) -> None:
    left = LINES_INCLUDED_MAX
    for part in (*consigned["pickups"], *consigned["shipping"]):
        part["line_items"] = part["line_items"][:left]
        left -= len(part["line_items"])


def _sorting(query: QueryParams) -> tuple[str, str]:
    name, _, direction = query.get("sort", "id").partition(":")
    if name not in SORTS or direction not in ("", "asc", "desc"):
        raise invalid("sort", f"must be one of {', '.join(SORTS)}, with :asc or :desc")
    return name, direction or "asc"


def _number(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise invalid(name, "must be an integer")
    return int(text)


def _moment(text: str) -> float:
    """Seconds since 1970, of RFC 2822 or ISO 8601; whole seconds, as orders have."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except ValueError:
            continue
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    raise invalid("min_date_modified", "must be a date of RFC 2822 or ISO 8601")
