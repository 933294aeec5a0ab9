"""Shopify: levels and orders by the GraphQL Admin API, exactly once, paced by the shop's own cost reports; webhooks."""

from onhand.channels.shopify.adapter import Shopify
from onhand.channels.shopify.receiver import ShopifyReceiver
from onhand.channels.shopify.tokens import ClientCredentials, StaticToken, TokenProvider

__all__ = ["ClientCredentials", "Shopify", "ShopifyReceiver", "StaticToken", "TokenProvider"]
