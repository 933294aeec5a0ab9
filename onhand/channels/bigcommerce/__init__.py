"""BigCommerce: absolute levels per location through the Inventory API (REST v3), applied asynchronously."""

from onhand.channels.bigcommerce.adapter import BigCommerce

__all__ = ["BigCommerce"]
