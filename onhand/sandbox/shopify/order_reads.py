"""Queries about orders: by id, and those changed since a moment, page by page."""

from bisect import bisect_right
from typing import Any

from onhand.sandbox.orders import Line, Order
from onhand.sandbox.shopify.call import Call, Resolvers, pick, project, timestamp
from onhand.sandbox.shopify.documents import Field
from onhand.sandbox.shopify.ids import PREFIX, number, variant_number
from onhand.sandbox.shopify.order_facts import (
    NO_RESTOCK,
    Refund,
    RefundLine,
    current_quantity,
    fulfillment_status,
    refunds_of,
)
from onhand.sandbox.shopify.paging import (
    connection,
    list_page,
    page_size,
    read_cursor,
    save_points,
    write_cursor,
)
from onhand.sandbox.shopify.problems import Problem
from onhand.sandbox.shopify.search import bounds

ORDER = PREFIX + "Order/"
STATUSES = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}


def show_order(call: Call, order: Order, selection: tuple[Field, ...]) -> dict[str, Any]:
    """An Order."""
    return project(call, "Order", ORDER_FIELDS, order, selection)


def find_order(call: Call, _: None, field: Field) -> dict[str, Any] | None:
    """`order(id:)`."""
    order = call.book.orders.get(number(str(field.arguments(call.variables)["id"]), "Order"))
    return show_order(call, order, field.selection) if order else None


def find_refund(call: Call, _: None, field: Field) -> dict[str, Any] | None:
    """`refund(id:)`: its number is that of its order and one figure more."""
    wanted = number(str(field.arguments(call.variables)["id"]), "Refund")
    order = call.book.orders.get(wanted[:-1])
    refunds = [refund for refund in refunds_of(order) if refund.number == wanted] if order else []
    return project(call, "Refund", REFUND_FIELDS, refunds[0], field.selection) if refunds else None


def orders(call: Call, _: None, field: Field) -> dict[str, Any]:
    """`orders`: this sandbox sorts them by their last change only."""
    arguments = field.arguments(call.variables)
    if arguments.get("sortKey") != "UPDATED_AT" or arguments.get("reverse"):
        raise Problem("the sandbox sorts orders by UPDATED_AT only, oldest first", "badRequest")
    size = page_size(arguments.get("first"))
    since = bounds(arguments.get("query"), "id").updated_from or 0.0
    after = read_cursor(arguments.get("after"), 3)
    found = call.book.changed_since(since)
    start = bisect_right(found, after[:2], key=_mark) if after else 0
    page, more = found[start : start + size], len(found) > start + size
    save_points(call, field, "Order", size, len(page))
    depth = (after[2] if after else 0) + len(page)
    end = write_cursor(*_mark(page[-1]), depth) if page else None
    selection = field.sub("nodes")
    return connection("Order", field, [show_order(call, order, selection) for order in page], more, end)


def _mark(order: Order) -> list[float]:
    """Where an order stands in the sorting: its last change, its number."""
    return [order.updated_at, int(order.order_id)]


def _lines(call: Call, order: Order, field: Field) -> dict[str, Any]:
    selection = field.sub("nodes")
    return list_page(
        call,
        field,
        "LineItem",
        order.lines,
        lambda line: project(call, "LineItem", LINE_FIELDS, line, selection),
    )


def _variant(call: Call, line: Line, field: Field) -> dict[str, Any] | None:
    item = call.shop.items.get(line.item_id)
    if item is None:
        return None
    variant = str(variant_number(item))
    values = {"id": f"{PREFIX}ProductVariant/{variant}", "legacyResourceId": variant, "sku": item.sku}
    return pick("ProductVariant", values, field.selection)


def _refunds(call: Call, order: Order, field: Field) -> list[dict[str, Any]]:
    found = refunds_of(order)[: field.arguments(call.variables).get("first")]
    return [project(call, "Refund", REFUND_FIELDS, refund, field.selection) for refund in found]


def _refund_lines(call: Call, refund: Refund, field: Field) -> dict[str, Any]:
    selection = field.sub("nodes")

    def show(line: RefundLine) -> dict[str, Any]:
        return project(call, "RefundLineItem", REFUND_LINE_FIELDS, line, selection)

    return list_page(call, field, "RefundLineItem", refund.lines, show)


def _restocked_at(call: Call, line: RefundLine, field: Field) -> dict[str, Any] | None:
    """Where the pieces were put back; nowhere where they were not."""
    if line.restock_type == NO_RESTOCK:
        return None
    return pick("Location", {"id": line.line.place}, field.selection)


ORDER_FIELDS: Resolvers = {
    "cancelledAt": lambda call, order, field: timestamp(int(order.updated_at)) if order.cancelled else None,
    "createdAt": lambda call, order, field: timestamp(int(order.created_at)),
    "displayFulfillmentStatus": lambda call, order, field: STATUSES[fulfillment_status(order)],
    "id": lambda call, order, field: ORDER + order.order_id,
    "legacyResourceId": lambda call, order, field: order.order_id,
    "lineItems": _lines,
    "name": lambda call, order, field: f"#{order.order_id}",
    "refunds": _refunds,
    "retailLocation": lambda call, order, field: None,
    "test": lambda call, order, field: False,
    "updatedAt": lambda call, order, field: timestamp(int(order.updated_at)),
}
LINE_FIELDS: Resolvers = {
    "currentQuantity": lambda call, line, field: current_quantity(line),
    "fulfillableQuantity": lambda call, line, field: line.open,
    "id": lambda call, line, field: f"{PREFIX}LineItem/{line.line_id}",
    "quantity": lambda call, line, field: line.quantity,
    "refundableQuantity": lambda call, line, field: current_quantity(line),
    "sku": lambda call, line, field: line.sku or None,
    "variant": _variant,
}
REFUND_FIELDS: Resolvers = {
    "id": lambda call, refund, field: f"{PREFIX}Refund/{refund.number}",
    "refundLineItems": _refund_lines,
}
REFUND_LINE_FIELDS: Resolvers = {
    "lineItem": lambda call, line, field: project(call, "LineItem", LINE_FIELDS, line.line, field.selection),
    "location": _restocked_at,
    "quantity": lambda call, line, field: line.quantity,
    "restockType": lambda call, line, field: line.restock_type.upper(),
}
