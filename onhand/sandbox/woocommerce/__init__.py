"""A sandbox WooCommerce shop: products, orders and webhooks of the REST API wc/v3, with the platform's own traps."""

from onhand.sandbox.woocommerce.failing import words
from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.server import routes
from onhand.sandbox.woocommerce.webhooks import wire

__all__ = ["WooOptions", "routes", "wire", "words"]
