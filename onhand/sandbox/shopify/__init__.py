"""A sandbox Shopify shop: the GraphQL Admin API over HTTP, as strict as the real one where stock is concerned."""

from onhand.sandbox.shopify.failing import words
from onhand.sandbox.shopify.options import ShopifyOptions
from onhand.sandbox.shopify.server import routes
from onhand.sandbox.shopify.webhooks import wire

__all__ = ["ShopifyOptions", "routes", "wire", "words"]
