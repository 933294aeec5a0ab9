"""A sandbox BigCommerce store: the REST paths that stock needs, as strict and as late as the real one."""

from onhand.sandbox.bigcommerce.failing import words
from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.server import routes
from onhand.sandbox.bigcommerce.webhooks import wire

__all__ = ["BigCommerceOptions", "routes", "wire", "words"]
