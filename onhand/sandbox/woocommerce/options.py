"""What can be set on a sandbox WooCommerce shop; the defaults are a small shop on ordinary hosting."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WooOptions:
    """Key, settings and pace of one sandbox shop.

    `permissions` of the key: "read", "write" or "read_write". `limits=False` answers at once. With limits a
    call takes `seconds_per_call` plus its rows' time within one of `php_workers` processes (a batch of 100
    writes: 1.6 s); at most `waiting_max` calls queue for a process, further ones get the web server's 503.
    `host_calls_max` above 0 puts a host's rate limiter before the shop: that many calls at once, refilled by
    `host_calls_per_second`, then 429 without a Retry-After; it is off by default, as on most hosts.
    `manage_stock_option` is the shop setting woocommerce_manage_stock; `has_variations_route` and `version` tell
    a core before 10.3 from a newer one. `site_url` is what webhooks name as their source.
    `creation_updates`: a checkout saves its order several times, so a new order fires order.updated beside
    order.created, as on a real shop; both tell the same. `clock` is monotonic seconds.
    """

    consumer_key: str = "ck_sandbox"
    consumer_secret: str = "cs_sandbox"
    permissions: str = "read_write"
    limits: bool = True
    seconds_per_call: float = 0.1
    seconds_per_item: float = 0.015
    seconds_per_row_read: float = 0.004
    php_workers: int = 3
    waiting_max: int = 30
    host_calls_max: int = 0
    host_calls_per_second: float = 5.0
    batch_items_max: int = 100
    manage_stock_option: bool = True
    has_variations_route: bool = True
    version: str = "10.3.0"
    site_url: str = "https://sandbox.example/"
    creation_updates: bool = True
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
