"""Orders as Shopify delivers them, signed, as bytes ready to be sent: nothing is left to do while one measures."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

SECRET = "bench-shopify-client-secret"
CHANNEL = "shopify"
LINES_MAX = 5

_MONEY = {
    "shop_money": {"amount": "12.50", "currency_code": "GBP"},
    "presentment_money": {"amount": "12.50", "currency_code": "GBP"},
}
_ADDRESS = {
    "first_name": "Bench",
    "last_name": "Buyer",
    "address1": "1 Bench Street",
    "address2": "",
    "city": "Leeds",
    "zip": "LS1 1AA",
    "province": "England",
    "country": "United Kingdom",
    "phone": "+44 113 496 0000",
    "company": None,
    "latitude": 53.8,
    "longitude": -1.55,
    "name": "Bench Buyer",
    "country_code": "GB",
    "province_code": "ENG",
}


def request(number: int) -> bytes:
    """One HTTP request: an order of one to five lines, about 5 KB, signed over its bytes, of a delivery of its own."""
    body = json.dumps(_order(number), separators=(",", ":")).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        f"POST /webhooks/{CHANNEL} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Shopify-Captain-Hook\r\n"
        "Accept: */*\r\nContent-Type: application/json\r\nX-Shopify-Topic: orders/create\r\n"
        f"X-Shopify-Hmac-Sha256: {signature}\r\nX-Shopify-Shop-Domain: bench.myshopify.com\r\n"
        "X-Shopify-API-Version: 2026-10\r\nX-Shopify-Triggered-At: 2026-11-26T09:00:00.123456789Z\r\n"
        f"X-Shopify-Webhook-Id: {uuid.UUID(int=number)}\r\nX-Shopify-Event-Id: {uuid.UUID(int=number)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _order(number: int) -> dict[str, Any]:
    moment = "2026-11-26T09:00:00+00:00"
    return {
        "id": 5_000_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{5_000_000_000 + number}",
        "name": f"#{number}",
        "created_at": moment,
        "processed_at": moment,
        "updated_at": moment,
        "cancelled_at": None,
        "fulfillment_status": None,
        "financial_status": "paid",
        "email": "buyer@bench.test",
        "currency": "GBP",
        "location_id": None,
        "note": None,
        "tags": "",
        "subtotal_price_set": _MONEY,
        "total_price_set": _MONEY,
        "total_tax_set": _MONEY,
        "customer": {"id": 1, "email": "buyer@bench.test", "default_address": _ADDRESS},
        "billing_address": _ADDRESS,
        "shipping_address": _ADDRESS,
        "line_items": [_line(number, line) for line in range(number % LINES_MAX + 1)],
        "refunds": [],
        "fulfillments": [],
        "shipping_lines": [{"id": number, "title": "Standard", "price_set": _MONEY, "tax_lines": []}],
        "tax_lines": [{"price": "2.08", "rate": 0.2, "title": "GB VAT", "price_set": _MONEY}],
    }


def _line(order: int, line: int) -> dict[str, Any]:
    variant = (order * 7_919 + line) % 50_000
    return {
        "id": order * 10 + line,
        "variant_id": 4_000_000_000 + variant,
        "product_id": 3_000_000_000 + variant,
        "sku": f"SKU-{variant:06}",
        "name": "A thing of the benchmark",
        "title": "A thing of the benchmark",
        "quantity": 1,
        "current_quantity": 1,
        "fulfillable_quantity": 1,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "grams": 200,
        "price_set": _MONEY,
        "properties": [],
        "requires_shipping": True,
        "taxable": True,
        "tax_lines": [{"price": "2.08", "rate": 0.2, "title": "GB VAT", "price_set": _MONEY}],
        "vendor": "Bench",
    }
