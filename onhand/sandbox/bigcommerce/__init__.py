"""A sandbox BigCommerce store: the REST v3 paths that stock needs, as strict and as late as the real one."""

from onhand.sandbox.bigcommerce.options import BigCommerceOptions
from onhand.sandbox.bigcommerce.server import routes

__all__ = ["BigCommerceOptions", "routes"]
