"""The part of an order's payload that is the same in every one of them, written once."""

import orjson

PRICE = "12.50"
MONEY = {
    "shop_money": {"amount": PRICE, "currency_code": "GBP"},
    "presentment_money": {"amount": PRICE, "currency_code": "GBP"},
}

LINE_REST = orjson.dumps(
    {
        "attributed_staffs": [],
        "fulfillment_service": "manual",
        "gift_card": False,
        "grams": 200,
        "price": PRICE,
        "price_set": MONEY,
        "product_exists": True,
        "properties": [],
        "requires_shipping": True,
        "taxable": True,
        "total_discount": "0.00",
        "variant_inventory_management": "shopify",
        "variant_title": None,
        "vendor": "Sandbox",
        "tax_lines": [{"price": "2.08", "rate": 0.2, "title": "GB VAT", "price_set": MONEY}],
        "duties": [],
        "discount_allocations": [],
    }
)
"""What every line says besides; spliced in behind what changes."""

ORDER_REST = orjson.dumps(
    {
        "app_id": 580111,
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cart_token": None,
        "closed_at": None,
        "confirmed": True,
        "currency": "GBP",
        "current_subtotal_price": PRICE,
        "current_total_price": PRICE,
        "current_total_price_set": MONEY,
        "customer_locale": "en-GB",
        "discount_codes": [],
        "financial_status": "paid",
        "landing_site": "/",
        "location_id": None,
        "note": None,
        "note_attributes": [],
        "payment_gateway_names": ["shopify_payments"],
        "presentment_currency": "GBP",
        "referring_site": "",
        "source_name": "web",
        "subtotal_price": PRICE,
        "tags": "",
        "tax_lines": [{"price": "2.08", "rate": 0.2, "title": "GB VAT", "price_set": MONEY}],
        "taxes_included": True,
        "test": False,
        "total_price": PRICE,
        "total_price_set": MONEY,
        "total_tax": "2.08",
        "total_weight": 200,
        "shipping_lines": [{"code": "Standard", "price": "0.00", "source": "shopify", "title": "Standard"}],
    }
)
"""What every order says besides; spliced in at its end."""
