"""Order payloads in the REST shape, with all that a real one says of its buyer. Made at a thousand a second, so the
part that is the same in every one of them is written once and spliced in."""

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import orjson

from onhand.sandbox.orders import Buyer, Line, Order
from onhand.sandbox.shop import Shop
from onhand.sandbox.shopify.ids import LOCATION, PREFIX, variant_number
from onhand.sandbox.shopify.order_constants import LINE_REST, MONEY, ORDER_REST, PRICE
from onhand.sandbox.shopify.order_facts import (
    NO_RESTOCK,
    Refund,
    current_quantity,
    fulfillment_status,
    refunds_of,
)

SHOP_ZONE = timezone(timedelta(hours=-5))
"""Times in a payload are in the shop's own zone, in whole seconds."""

Json = dict[str, Any]


def order_body(shop: Shop, order: Order) -> bytes:
    """The whole order: what `orders/create` and its like carry."""
    number, buyer = int(order.order_id), order.buyer
    address = _address(buyer)
    changing = {
        "id": number,
        "admin_graphql_api_id": f"{PREFIX}Order/{number}",
        "name": f"#{number}",
        "order_number": number,
        "created_at": shop_time(int(order.created_at)),
        "processed_at": shop_time(int(order.created_at)),
        "updated_at": shop_time(int(order.updated_at)),
        "cancelled_at": shop_time(int(order.updated_at)) if order.cancelled else None,
        "fulfillment_status": fulfillment_status(order),
        "browser_ip": "203.0.113.7",
        "email": buyer.email,
        "contact_email": buyer.email,
        "phone": buyer.phone,
        "customer": _customer(buyer),
        "billing_address": address,
        "shipping_address": address,
        "fulfillments": [_fulfillment(order)] if fulfillment_status(order) else [],
        "refunds": [_refund(order, refund) for refund in refunds_of(order)],
    }
    lines = b",".join([_line(shop, line) for line in order.lines])
    return orjson.dumps(changing)[:-1] + b',"line_items":[' + lines + b"]," + ORDER_REST[1:]


def refund_body(shop: Shop, order: Order) -> bytes:
    """The last refund of an order: what `refunds/create` carries."""
    return orjson.dumps(_refund(order, refunds_of(order)[-1]))


def fulfillment_body(shop: Shop, order: Order) -> bytes:
    """What left the house of an order: what `fulfillments/create` carries."""
    return orjson.dumps(
        {**_fulfillment(order), "email": order.buyer.email, "destination": _address(order.buyer)}
    )


def edited_body(shop: Shop, order: Order) -> bytes:
    """Which order was edited, and no more than ids and differences: what `orders/edited` carries."""
    number = int(order.order_id)
    removed = [{"id": int(line.line_id), "delta": -line.cancelled} for line in order.lines if line.cancelled]
    edit = {
        "id": number * 10,
        "app_id": 580111,
        "created_at": shop_time(int(order.updated_at)),
        "notify_customer": False,
        "order_id": number,
        "staff_note": "",
        "line_items": {"additions": [], "removals": removed},
    }
    return orjson.dumps({"order_edit": edit})


@lru_cache(maxsize=10_000)
def shop_time(at: int) -> str:
    """Seconds since the epoch in the shop's own zone."""
    return datetime.fromtimestamp(at, SHOP_ZONE).isoformat()


def _line(shop: Shop, line: Line) -> bytes:
    item = shop.items.get(line.item_id)
    title = item.title if item else line.sku
    status = None if not line.shipped else "partial" if line.open else "fulfilled"
    changing = {
        "id": int(line.line_id),
        "admin_graphql_api_id": f"{PREFIX}LineItem/{line.line_id}",
        "current_quantity": current_quantity(line),
        "fulfillable_quantity": line.open,
        "fulfillment_status": status,
        "name": title,
        "product_id": int(item.parent_id or item.item_id) if item else None,
        "quantity": line.quantity,
        "sku": line.sku or None,
        "title": title,
        "variant_id": variant_number(item) if item else None,
    }
    return orjson.dumps(changing)[:-1] + b"," + LINE_REST[1:]


def _refund(order: Order, refund: Refund) -> Json:
    return {
        "id": int(refund.number),
        "admin_graphql_api_id": f"{PREFIX}Refund/{refund.number}",
        "created_at": shop_time(int(order.updated_at)),
        "note": None,
        "order_id": int(order.order_id),
        "processed_at": shop_time(int(order.updated_at)),
        "restock": any(line.restock_type != NO_RESTOCK for line in refund.lines),
        "refund_line_items": [
            {
                "id": int(f"{refund.number}{at}"),
                "line_item_id": int(each.line.line_id),
                "location_id": None if each.restock_type == NO_RESTOCK else _place_number(each.line),
                "quantity": each.quantity,
                "restock_type": each.restock_type,
                "subtotal": PRICE,
                "subtotal_set": MONEY,
                "total_tax": "2.08",
            }
            for at, each in enumerate(refund.lines)
        ],
        "transactions": [],
        "order_adjustments": [],
    }


def _fulfillment(order: Order) -> Json:
    number = int(f"{order.order_id}9")
    shipped = [line for line in order.lines if line.shipped]
    return {
        "id": number,
        "admin_graphql_api_id": f"{PREFIX}Fulfillment/{number}",
        "created_at": shop_time(int(order.updated_at)),
        "location_id": _place_number(shipped[0]) if shipped else None,
        "order_id": int(order.order_id),
        "status": "success",
        "tracking_company": None,
        "updated_at": shop_time(int(order.updated_at)),
        "line_items": [
            {"id": int(line.line_id), "quantity": line.shipped, "sku": line.sku or None} for line in shipped
        ],
    }


def _place_number(line: Line) -> int | None:
    number = line.place.removeprefix(LOCATION)
    return int(number) if number.isdecimal() else None


def _customer(buyer: Buyer) -> Json:
    first, _, last = buyer.name.partition(" ")
    return {
        "id": 207119551,
        "email": buyer.email,
        "first_name": first,
        "last_name": last,
        "phone": buyer.phone,
        "verified_email": True,
        "default_address": _address(buyer),
    }


def _address(buyer: Buyer) -> Json:
    first, _, last = buyer.name.partition(" ")
    return {
        "first_name": first,
        "last_name": last,
        "name": buyer.name,
        "address1": buyer.street,
        "city": buyer.city,
        "country": "United Kingdom",
        "country_code": "GB",
        "phone": buyer.phone,
        "zip": "LS1 1AA",
    }
