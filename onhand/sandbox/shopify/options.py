"""What can be set on a sandbox Shopify shop; the defaults are the documented standard plan."""

import time
from collections.abc import Callable
from dataclasses import dataclass

SCOPES = (
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_products",
    "write_products",
    "read_orders",
)


@dataclass(frozen=True, slots=True)
class ShopifyOptions:
    """Credentials, versions and limits of one sandbox shop.

    `points_max` and `points_per_second` are the cost bucket of the standard plan (100 points a second,
    20 seconds' worth); `limits=False` keeps it full. `service_places` belong to a fulfilment service of
    another app, `inactive_places` are switched off: neither takes levels. A bulk operation reads
    `bulk_objects_per_second` (an estimate: the platform publishes none). `domain` is the shop's own, as its
    webhooks name it; they are signed with `client_secret`. `clock` is monotonic seconds.
    """

    access_token: str = "sandbox-shopify-token"
    client_id: str = "sandbox-shopify-client"
    client_secret: str = "sandbox-shopify-secret"
    domain: str = "onhand-sandbox.myshopify.com"
    token_seconds: int = 86_399
    versions: tuple[str, ...] = ("2026-10", "2026-07", "2026-04")
    scopes: tuple[str, ...] = SCOPES
    limits: bool = True
    points_max: int = 2_000
    points_per_second: int = 100
    bulk_objects_per_second: float = 1_000.0
    service_places: frozenset[str] = frozenset()
    inactive_places: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.monotonic
