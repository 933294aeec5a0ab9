"""WooCommerce: stock through the REST API wc/v3 of a shop that is somebody's own server."""

from onhand.channels.woocommerce.adapter import WooCommerce

__all__ = ["WooCommerce"]
