"""WooCommerce: stock through the REST API wc/v3 of a shop that is somebody's own server."""

from onhand.channels.woocommerce.adapter import WooCommerce
from onhand.channels.woocommerce.receiver import WooCommerceReceiver

__all__ = ["WooCommerce", "WooCommerceReceiver"]
