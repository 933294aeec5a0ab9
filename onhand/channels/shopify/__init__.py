"""Shopify: levels by the GraphQL Admin API, compare-and-set, exactly once, paced by the shop's own cost reports."""

from onhand.channels.shopify.adapter import Shopify
from onhand.channels.shopify.tokens import ClientCredentials, StaticToken, TokenProvider

__all__ = ["ClientCredentials", "Shopify", "StaticToken", "TokenProvider"]
