"""BigCommerce: absolute levels per location through the Inventory API (REST v3), shown late; orders by v2."""

from onhand.channels.bigcommerce.adapter import BigCommerce
from onhand.channels.bigcommerce.receiver import BigCommerceReceiver

__all__ = ["BigCommerce", "BigCommerceReceiver"]
