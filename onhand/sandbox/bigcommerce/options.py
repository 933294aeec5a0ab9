"""What can be set on a sandbox BigCommerce store; the defaults are the documented standard plan."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

SCOPES = (
    "store_inventory",
    "store_locations_read_only",
    "store_v2_products_read_only",
    "store_v2_information_read_only",
    "store_v2_orders_read_only",
)


@dataclass(frozen=True, slots=True)
class BigCommerceOptions:
    """Credentials, limits, delays and settings of one sandbox store.

    `quota` requests per `window_seconds` are the standard plan, shared by all apps. An adjustment takes
    `write_seconds` and `write_seconds_per_entry` for each entry (an estimate: 1.5 s for 2,000; the
    platform publishes none). `limits=False` switches quota and these off. Levels show
    `visible_after_seconds` after they were accepted. `names_refused=False` refuses without saying whom.
    `disabled_places` are known but switched off. Webhooks are signed with `client_secret`. The store takes an order's
    pieces off when it is placed; of `update_stock_behavior` and the two below only the answer to who asks changes.
    `clock` is monotonic seconds.
    """

    access_token: str = "sandbox-bc-token"
    client_id: str = "sandbox-bc-client"
    client_secret: str = "sandbox-bc-client-secret"
    store_hash: str = "sandbox"
    scopes: tuple[str, ...] = SCOPES
    limits: bool = True
    quota: int = 150
    window_seconds: float = 30.0
    write_seconds: float = 0.5
    write_seconds_per_entry: float = 0.0005
    visible_after_seconds: float = 1.5
    names_refused: bool = True
    disabled_places: frozenset[str] = frozenset()
    update_stock_behavior: str = "order_placed"
    edit_order_stock_adjustment: bool = True
    refund_order_stock_adjustment: bool = True
    url_max_chars: int = 8_190
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
