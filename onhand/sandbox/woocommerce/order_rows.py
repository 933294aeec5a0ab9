"""An order as a WooCommerce shop states it, in answers and webhooks alike, full of what is personal.

A merchant's edit lowers a line's quantity; a cancelled order keeps its quantities and loses the notes of what it took.
"""

from functools import lru_cache

from onhand.sandbox.orders import Line, Order
from onhand.sandbox.shop import Shop
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.stock import Row, moment_text

PRICE_CENTS = 999
"""Every piece costs as much: prices mean nothing here."""
FIRST_META = 40_000
FIRST_REFUND = 900_000

ORDER: Row = {
    "parent_id": 0,
    "currency": "EUR",
    "prices_include_tax": False,
    "discount_total": "0.00",
    "discount_tax": "0.00",
    "shipping_total": "0.00",
    "shipping_tax": "0.00",
    "cart_tax": "0.00",
    "total_tax": "0.00",
    "customer_id": 0,
    "payment_method": "card",
    "payment_method_title": "Credit card",
    "customer_ip_address": "203.0.113.7",
    "customer_user_agent": "Mozilla/5.0",
    "created_via": "checkout",
    "customer_note": "",
    "cart_hash": "",
    "meta_data": [],
    "tax_lines": [],
    "shipping_lines": [],
    "fee_lines": [],
    "coupon_lines": [],
    "is_editable": False,
    "needs_payment": False,
    "currency_symbol": "€",
}
"""What is the same in every order of the sandbox."""
LINE: Row = {"tax_class": "", "subtotal_tax": "0.00", "total_tax": "0.00", "taxes": [], "price": 9.99}


def status_of(order: Order) -> str:
    """The status the shop shows; it knows no orders that are shipped in part. A trashed one has no other."""
    if order.trashed:
        return "trash"
    if not any(line.shipped for line in order.lines):
        return "cancelled" if order.cancelled else "processing"
    if any(line.open for line in order.lines):
        return "processing"
    all_refunded = all(line.refunded >= line.shipped for line in order.lines)
    return "refunded" if all_refunded else "completed"


def order_row(order: Order, shop: Shop, options: WooOptions) -> Row:
    """The whole order as it stands now."""
    status = status_of(order)
    lines = [_line_row(line, shop, status) for line in order.lines if _quantity(line, status)]
    created, modified = moment_text(int(order.created_at)), moment_text(int(order.updated_at))
    completed = modified if status in ("completed", "refunded") else None
    number, key = order.order_id, f"wc_order_{order.order_id}"
    return {
        **ORDER,
        "id": int(number),
        "number": number,
        "order_key": key,
        "status": status,
        "version": options.version,
        "date_created": created,
        "date_created_gmt": created,
        "date_modified": modified,
        "date_modified_gmt": modified,
        "date_paid": created,
        "date_paid_gmt": created,
        "date_completed": completed,
        "date_completed_gmt": completed,
        "transaction_id": f"txn_{number}",
        "total": _money(sum(line["quantity"] for line in lines)),
        "needs_processing": status == "processing",
        **_addresses(order),
        "line_items": lines,
        "refunds": [_refund_row(line) for line in order.lines if line.refunded],
        "payment_url": f"{options.site_url}checkout/order-pay/{number}/?pay_for_order=true&key={key}",
        "_links": {"self": [{"href": f"{options.site_url}wp-json/wc/v3/orders/{number}"}]},
    }


def _quantity(line: Line, status: str) -> int:
    return line.quantity if status == "cancelled" else line.quantity - line.cancelled


def _line_row(line: Line, shop: Shop, status: str) -> Row:
    item = shop.items.get(line.item_id)
    is_variation = item is not None and item.kind == "variation"
    quantity = _quantity(line, status)
    total = _money(quantity)
    # A product that was deleted meanwhile leaves a line without an id and without a SKU behind.
    return {
        **LINE,
        "id": int(line.line_id),
        "name": item.title if item else "Something that was deleted",
        "product_id": 0 if item is None else int(item.parent_id if is_variation else item.item_id),
        "variation_id": int(line.item_id) if is_variation else 0,
        "quantity": quantity,
        "subtotal": total,
        "total": total,
        "sku": item.sku if item else "",
        "global_unique_id": item.barcode if item else "",
        "meta_data": [] if status == "cancelled" or not (item and item.tracked) else _notes(line),
    }


def _notes(line: Line) -> list[Row]:
    """What the shop has noted of the line's stock: what is taken now, and a tally of what refunds put back."""
    notes = {"_reduced_stock": line.quantity - line.cancelled - line.restocked}
    if line.restocked:
        notes["_restock_refunded_items"] = line.restocked
    first = FIRST_META + 2 * int(line.line_id)
    return [
        {
            "id": first + at,
            "key": key,
            "value": str(value),
            "display_key": key,
            "display_value": str(value),
        }
        for at, (key, value) in enumerate(notes.items())
    ]


def _refund_row(line: Line) -> Row:
    number = FIRST_REFUND + int(line.line_id)
    return {"id": number, "reason": "", "total": f"-{_money(line.refunded)}"}


def _addresses(order: Order) -> Row:
    buyer = order.buyer
    first, _, last = buyer.name.partition(" ")
    address = {
        "first_name": first,
        "last_name": last,
        "company": "",
        "address_1": buyer.street,
        "address_2": "",
        "city": buyer.city,
        "state": "",
        "postcode": "LS1 1AA",
        "country": "GB",
        "phone": buyer.phone,
    }
    return {"billing": {**address, "email": buyer.email}, "shipping": address}


@lru_cache(maxsize=1_024)
def _money(pieces: int) -> str:
    cents = pieces * PRICE_CENTS
    return f"{cents // 100}.{cents % 100:02}"
