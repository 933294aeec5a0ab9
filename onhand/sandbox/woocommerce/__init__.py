"""A sandbox WooCommerce shop: the products part of the REST API wc/v3, with the platform's own traps."""

from onhand.sandbox.woocommerce.options import WooOptions
from onhand.sandbox.woocommerce.server import routes

__all__ = ["WooOptions", "routes"]
