"""An order of the shop as v2 shows it: full of people and money, its lines within consignments or as products."""

import time
from functools import lru_cache
from typing import Any

from onhand.sandbox.bigcommerce.catalogue import product_number, variant_number
from onhand.sandbox.bigcommerce.replies import Json
from onhand.sandbox.orders import Buyer, Line, Order
from onhand.sandbox.shop import Shop

SHIPPED, PARTLY_SHIPPED, REFUNDED, CANCELLED, AWAITING_FULFILMENT, PARTLY_REFUNDED = 2, 3, 4, 5, 11, 14
STATUSES = {
    SHIPPED: "Shipped",
    PARTLY_SHIPPED: "Partially Shipped",
    REFUNDED: "Refunded",
    CANCELLED: "Cancelled",
    AWAITING_FULFILMENT: "Awaiting Fulfillment",
    PARTLY_REFUNDED: "Partially Refunded",
}

MONEY: Json = dict.fromkeys(
    (
        "subtotal_ex_tax",
        "subtotal_inc_tax",
        "subtotal_tax",
        "shipping_cost_ex_tax",
        "shipping_cost_inc_tax",
        "total_ex_tax",
        "total_inc_tax",
        "total_tax",
        "refunded_amount",
        "discount_amount",
        "coupon_discount",
    ),
    "10.0000",
)
"""What an order costs is the same for all here: nothing of it is anybody's business."""

ORDER: Json = {
    **MONEY,
    "customer_id": 20,
    "payment_method": "Credit Card",
    "payment_status": "captured",
    "ip_address": "192.0.2.7",
    "currency_code": "USD",
    "staff_notes": "",
    "shipping_address_count": 1,
    "order_is_digital": False,
    "order_source": "www",
    "channel_id": 1,
    "is_deleted": False,
    "external_id": None,
    "customer_locale": "en",
}
LINE: Json = {
    "type": "physical",
    "base_price": "10.0000",
    "price_ex_tax": "10.0000",
    "price_inc_tax": "10.0000",
    "weight": "1.0000",
    "is_bundled_product": False,
    "external_id": None,
    "brand": "Sandbox",
    "applied_discounts": [],
    "product_options": [],
    "parent_order_product_id": None,
}


@lru_cache(maxsize=4_096)
def dated(second: int) -> str:
    """A moment as v2 writes it: RFC 2822, in whole seconds."""
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(second))


def status_of(order: Order) -> int:
    """The status a merchant's panel would show."""
    if order.cancelled and not any(line.shipped for line in order.lines):
        return CANCELLED
    if any(line.refunded for line in order.lines):
        whole = all(_refunded(order, line) >= _quantity(order, line) for line in order.lines)
        return REFUNDED if whole else PARTLY_REFUNDED
    if not any(line.shipped for line in order.lines):
        return AWAITING_FULFILMENT
    return SHIPPED if order.shipped else PARTLY_SHIPPED


def order_row(order: Order, store: str) -> Json:
    """The order without its lines, of which links tell."""
    status = status_of(order)
    link = f"/orders/{order.order_id}"
    linked = {
        name: {"url": f"{store}{link}/{name}", "resource": f"{link}/{name}"}
        for name in ("products", "consignments")
    }
    created, modified = int(order.created_at), int(order.updated_at)
    return {
        **ORDER,
        **linked,
        "id": int(order.order_id),
        "status_id": status,
        "status": STATUSES[status],
        "custom_status": STATUSES[status],
        "date_created": dated(created),
        "date_modified": dated(modified),
        "date_shipped": dated(modified) if status == SHIPPED else "",
        "items_total": sum(_quantity(order, line) for line in order.lines),
        "items_shipped": sum(line.shipped for line in order.lines),
        "customer_message": f"Please ring {order.buyer.name}",
        "billing_address": _address(order.buyer),
    }


def consignments(shop: Shop, order: Order, *, lines: bool) -> Json:
    """What is sent, from the first place of the shop, and what is picked up, at any other."""
    default = next(iter(shop.places))
    shipping: list[Json] = []
    pickups: list[Json] = []
    for place in dict.fromkeys(line.place for line in order.lines):
        rows: list[Json] = [
            line_row(shop, order, line)
            if lines
            else {"resource": f"/orders/{order.order_id}/products/{line.line_id}"}
            for line in order.lines
            if line.place == place
        ]
        if place == default:
            shipping.append(
                {"id": 90, **_address(order.buyer), "shipping_method": "Post", "line_items": rows}
            )
        else:
            pickups.append(
                {"id": 91, "pickup_method_id": 1, "location": _location(shop, place), "line_items": rows}
            )
    return {"pickups": pickups, "shipping": shipping, "downloads": [], "email": {"gift_certificates": []}}


def line_row(shop: Shop, order: Order, line: Line) -> Json:
    """One line, as `/products` lists it."""
    item = shop.items.get(line.item_id)
    refunded = _refunded(order, line)
    row: dict[str, Any] = {
        **LINE,
        "id": int(line.line_id),
        "order_id": int(order.order_id),
        "product_id": product_number(item) if item else 0,
        "variant_id": variant_number(item) if item else 0,
        "name": item.title if item else "A product that was deleted",
        "sku": line.sku,
        "quantity": _quantity(order, line),
        "quantity_shipped": line.shipped,
        "quantity_refunded": refunded,
        "is_refunded": refunded > 0,
    }
    return row


def _quantity(order: Order, line: Line) -> int:
    """Pieces ordered: an edit makes them fewer, a cancellation of all that is open does not."""
    return line.quantity if order.cancelled else line.quantity - line.cancelled


def _refunded(order: Order, line: Line) -> int:
    """Pieces refunded; what is cancelled after a part was shipped is refunded, too."""
    return line.refunded + (
        line.cancelled if order.cancelled and any(each.shipped for each in order.lines) else 0
    )


def _address(buyer: Buyer) -> Json:
    first, _, last = buyer.name.partition(" ")
    return {
        "first_name": first,
        "last_name": last,
        "company": "",
        "street_1": buyer.street,
        "street_2": "",
        "city": buyer.city,
        "state": "",
        "zip": "LS1 1AA",
        "country": "United Kingdom",
        "country_iso2": "GB",
        "phone": buyer.phone,
        "email": buyer.email,
    }


def _location(shop: Shop, place: str) -> Json:
    return {
        "id": int(place),
        "name": shop.places.get(place, ""),
        "code": f"BC-LOCATION-{place}",
        "city": "London",
    }
